"""Examples in the empty space, for those who have no files at hand."""

from __future__ import annotations

import re

import numpy as np
import pytest
from off_tanet.types import CLASSES
from PIL import Image
from playwright.sync_api import expect

from tests.support.pictures import EXAMPLES, example
from tests.web.visit import Visit


@pytest.mark.parametrize(
    ("name", "label"),
    [("A smile", "positive"), ("Raised brows", "surprise"), ("A frown", "negative")],
)
def test_an_example_needs_no_file_and_one_click(visit: Visit, name: str, label: str) -> None:
    visit.page.get_by_role("button", name=name).click()
    visit.expect_answer(label)


def test_the_words_onset_and_apex_are_explained(visit: Visit) -> None:
    """Where they are asked for; screen readers read it with the field."""
    for name, meaning in (("onset", "begins to move"), ("apex", "has moved most")):
        expect(visit.field(name)).to_have_accessible_description(re.compile(meaning))


def test_a_clip_and_a_long_video_have_examples_too(visit: Visit) -> None:
    """The one of a long video is watched in `test_timeline`."""
    visit.choose("A clip")
    visit.page.get_by_role("button", name="A clip of raised brows").click()
    visit.expect_answer("surprise")
    visit.choose("A long video")
    expect(visit.page.get_by_role("button", name="A video of six seconds")).to_be_visible()


@pytest.mark.parametrize("label", CLASSES)
def test_the_picture_of_an_example_shows_its_motion(label: str) -> None:
    """`python -m tests.support.pictures` draws them from the samples."""
    shown = np.asarray(Image.open(EXAMPLES / f"example_{label}.jpg"), int)
    apart = np.abs(shown - np.asarray(example(label), int)).max(axis=2)
    assert (apart > 60).mean() < 0.02, "up to the loss of JPEG; 0.06 between two examples"
