"""Folders of frames as clips: the same as a video of them, and a bad picture is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from off_tanet.errors import (
    ClipTooLongError,
    FrameSizesError,
    LimitExceededError,
    MediaError,
    TooFewFramesError,
    UndecodableMediaError,
    UnreadableFileError,
)
from off_tanet.files import natural_order
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.frame_files import FrameFiles
from off_tanet.recognition.media.sources import open_clip, open_video

from tests.support import factories

FRAMES = factories.frames(4)


def folder(path: Path, *numbers: int) -> Path:
    """Frames whose numbers have as many digits as needed, as in CASME II."""
    for number, frame in zip(numbers, FRAMES, strict=False):
        (path / f"img{number}.png").write_bytes(factories.png(frame))
    return path


def test_frames_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no frame")
    (tmp_path / "._img46.png").write_bytes(b"a resource fork of macOS")
    frames = FrameFiles.of(folder(tmp_path, 9, 46, 105, 1000), fps=200)
    read = list(open_clip(frames, MediaLimits()))
    assert [frame.time_s for frame in read] == [0, 0.005, 0.01, 0.015]
    for frame, expected in zip(read, FRAMES, strict=True):
        np.testing.assert_array_equal(frame.pixels, expected)


def test_natural_order_is_that_of_people() -> None:
    names = ["b2a10", "img105.jpg", "9", "IMG46.jpg", "b2a9", "img7", "a", "010"]
    ordered = sorted(names, key=natural_order)
    assert ordered == ["9", "010", "a", "b2a9", "b2a10", "img7", "IMG46.jpg", "img105.jpg"]


@pytest.mark.parametrize("open_frames", [open_clip, open_video])
def test_length_is_limited_before_a_frame_is_decoded(tmp_path: Path, open_frames: object) -> None:
    for number in range(5):
        (tmp_path / f"{number}.png").touch()
    frames = FrameFiles.of(tmp_path, fps=1)
    video = open_frames is open_video
    opener, prefix = (open_video, "video_") if video else (open_clip, "")
    for limits, name in (
        (MediaLimits(frames=4, video_frames=4), "frames"),
        (MediaLimits(seconds=3.9, video_seconds=3.9), "seconds"),
    ):
        with pytest.raises(LimitExceededError) as raised:
            opener(frames, limits)
        assert raised.value.limit == prefix + name
        assert isinstance(raised.value, ClipTooLongError) != video


def test_one_picture_is_no_clip(tmp_path: Path) -> None:
    with pytest.raises(TooFewFramesError):
        open_clip(FrameFiles.of(folder(tmp_path, 1), fps=25), MediaLimits())


@pytest.mark.parametrize("fps", [0, -1, float("nan")])
def test_a_frame_rate_is_above_zero(tmp_path: Path, fps: float) -> None:
    with pytest.raises(UnreadableFileError):
        FrameFiles.of(tmp_path, fps)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="none: No such file"):
        FrameFiles.of(tmp_path / "none", 25)


@pytest.mark.parametrize(
    ("content", "limits", "error"),
    [
        (b"no picture", MediaLimits(), MediaError),
        (factories.truncated(factories.png(FRAMES[0])), MediaLimits(), UndecodableMediaError),
        (factories.png(factories.picture(48, 66)), MediaLimits(), FrameSizesError),
        (factories.png(factories.picture(96, 96)), MediaLimits(image_pixels=4000), MediaError),
    ],
)
def test_a_bad_picture_is_named(
    tmp_path: Path, content: bytes, limits: MediaLimits, error: type[MediaError]
) -> None:
    """Among a thousand, it could not be found otherwise."""
    (folder(tmp_path, 1, 2, 3) / "img2.png").write_bytes(content)
    frames = iter(open_clip(FrameFiles.of(tmp_path, 25), limits))
    next(frames)
    with pytest.raises(error, match=r"img2\.png|") as raised:
        next(frames)
    assert "img2.png" in raised.value.detail


def test_the_depth_of_samples_is_that_of_the_brightest_frame_so_far(tmp_path: Path) -> None:
    """A dark frame of a 12-bit camera, scaled by itself, would flash."""
    bright = np.full((48, 64, 3), 4000, np.uint16)
    for number, samples in enumerate((bright, bright // 16)):
        (tmp_path / f"{number}.png").write_bytes(factories.png(samples))
    first, second = open_clip(FrameFiles.of(tmp_path, 25), MediaLimits())
    assert first.pixels.max() > 200
    assert second.pixels.max() < 20
