"""Which frames of a clip belong together, and what is told of them."""

from __future__ import annotations

import numpy as np
import pytest
from off_tanet.errors import FrameIndexError, FrameOrderError, NoFaceError, TooFewFramesError
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.spotting.scenes import TrackedClip

from tests.support import factories

CROP = factories.face_crop()


def footage(plan: str, *, damaged: bool = False, **seen: int) -> TrackedClip:
    """A frame for each letter: scenes A, B…, and `-` for one without a face.

    `seen` maps a warning's word to the frame that it was seen on.
    """
    views = [
        TrackedFrame(
            None if letter == "-" else CROP,
            ord(letter),
            warnings=frozenset(word for word, frame in seen.items() if frame == index),
        )
        for index, letter in enumerate(plan)
    ]
    return TrackedClip(views, np.arange(len(plan), dtype=np.float32) / np.float32(25), damaged)


@pytest.mark.parametrize(
    ("plan", "onset", "apex", "expected"),
    [
        ("AAAA", None, None, range(0, 4)),
        ("AAABBBBB", None, None, range(3, 8)),
        ("--AAAA--AAA", None, None, range(2, 6)),
        ("AAABBBBB", 1, None, range(1, 3)),
        ("AAABBBBB", 4, None, range(4, 8)),
        ("AAABBBBB", None, 2, range(0, 3)),
        ("AAABBBBB", 1, 2, range(1, 3)),
        ("AAABBBBB", 1, 5, range(1, 3)),
    ],
)
def test_one_scene_is_searched(
    plan: str, onset: int | None, apex: int | None, expected: range
) -> None:
    """The longest, unless a frame is given; crops of two scenes cannot be compared."""
    assert footage(plan).search_range(onset, apex) == expected


@pytest.mark.parametrize(
    ("plan", "onset", "apex", "error"),
    [
        ("----", None, None, NoFaceError),
        ("AA--", 2, None, NoFaceError),
        ("AA--", 0, 3, NoFaceError),
        ("AAAA", 4, None, FrameIndexError),
        ("AAAA", 0, -1, FrameIndexError),
        ("AAAA", 2, 2, FrameOrderError),
        ("AAAA", 3, None, FrameOrderError),
        ("AAAA", None, 0, FrameOrderError),
        ("A-B-C", None, None, TooFewFramesError),
        ("AAB-", 2, None, TooFewFramesError),
    ],
)
def test_what_cannot_be_searched_is_an_error(
    plan: str, onset: int | None, apex: int | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        footage(plan).search_range(onset, apex)


def test_only_what_matters_is_told() -> None:
    """A blink after the apex spoiled nothing; a cut anywhere says that the clip was not one."""
    seen = footage("AAAAAAAAA", damaged=True, blink=2, occluded=7, cut=8)
    assert seen.warnings(0, 4) == {"blink", "cut", "damaged_video"}
    assert seen.warnings(3, 7) == {"occluded", "cut", "damaged_video"}
    assert footage("AAA").warnings(0, 2) == set()


def test_crops_and_moments_are_the_frames_own() -> None:
    seen = footage("A-AA")
    assert len(seen.crops(range(2, 4))) == 2
    assert seen.crop(0) is CROP
    assert seen.moment(3).index == 3
    assert seen.moment(3).time_s == pytest.approx(0.12)
