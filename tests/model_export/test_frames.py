"""Folders of frames: which one has a clip's, and which frame has a number."""

from __future__ import annotations

from pathlib import Path

import pytest
from off_tanet_export.datasets.frames import FrameFolders
from off_tanet_export.errors import MapsError

CELLS = {"subject": "5", "clip": "EP1"}
TEMPLATES = ("sub{person:02}/{clip}", "{person}/{clip}*")


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize("cropped", [False, True])
def test_frames_or_crops_are_taken_as_said(cropped: bool, tmp_path: Path) -> None:
    """The detector needs what is around a face, which crops have not."""
    touch(tmp_path, "Raw/sub05/EP1/img3.jpg", "Cropped/sub05/EP1/reg_img3.jpg")
    folders = FrameFolders.of(tmp_path, cropped=cropped)
    expected = "Cropped" if cropped else "Raw"
    assert folders.find(TEMPLATES, CELLS) == [Path(expected) / "sub05/EP1"]


@pytest.mark.parametrize("cropped", [False, True])
def test_of_two_frames_of_one_number_one_is_taken(cropped: bool, tmp_path: Path) -> None:
    touch(tmp_path, "sub05/EP1/img3.jpg", "sub05/EP1/reg_img3.jpg", "sub05/EP1/notes3.txt")
    folders = FrameFolders.of(tmp_path, cropped=cropped)
    (folder,) = folders.find(TEMPLATES, CELLS)
    expected = "reg_img3.jpg" if cropped else "img3.jpg"
    assert folders.frames(folder) == {3: tmp_path / "sub05/EP1" / expected}


def test_the_only_kind_is_taken_whichever_it_is(tmp_path: Path) -> None:
    """The root may be the folder of crops itself."""
    touch(tmp_path, "sub05/EP1/reg_img3.jpg")
    assert FrameFolders.of(tmp_path).find(TEMPLATES, CELLS) == [Path("sub05/EP1")]


def test_the_first_pattern_that_exists_counts(tmp_path: Path) -> None:
    """In capitals or not; `*` is any text, but only within a name."""
    touch(tmp_path, "5/EP1_girl/1.jpg", "5/EP10/more/1.jpg")
    assert FrameFolders.of(tmp_path).find(TEMPLATES, CELLS) == [Path("5/EP1_girl")]
    touch(tmp_path, "x/SUB05/ep1/1.jpg")
    assert FrameFolders.of(tmp_path).find(TEMPLATES, CELLS) == [Path("x/SUB05/ep1")]


def test_numbers_are_the_last_ones_of_names(tmp_path: Path) -> None:
    """`EP01_5-73` is frame 73, and 006_05562 frame 5562."""
    touch(tmp_path, "c/EP01_5-73.jpg", "c/006_05562.BMP", "c/cover.png")
    frames = FrameFolders.of(tmp_path).frames(Path("c"))
    assert {number: path.name for number, path in frames.items()} == {
        73: "EP01_5-73.jpg",
        5562: "006_05562.BMP",
    }


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MapsError, match="does not exist"):
        FrameFolders.of(tmp_path / "none")
