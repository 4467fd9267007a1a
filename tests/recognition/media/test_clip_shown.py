"""Frames as a player shows them: rotated, mirrored, with square pixels, at their times."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.images import decode_image
from off_tanet.recognition.media.video import open_clip
from off_tanet.types import Frame, Pixels

from tests.support import factories
from tests.support.boxes import Box, changed
from tests.support.encoders import film, of_jpegs

FRAMES = factories.frames(12)
MP4 = factories.mp4(FRAMES, 20.0)


def decode(data: bytes, limits: MediaLimits | None = None) -> list[Frame]:
    clip = open_clip(data, limits or MediaLimits())
    frames = list(clip)
    assert not clip.damaged
    return frames


def times(data: bytes) -> list[float]:
    return [frame.time_s for frame in decode(data)]


def with_matrix(data: bytes, *parts: float) -> bytes:
    """The MP4 with another matrix of its track, as phones and editors write it."""
    place = data.index(b"tkhd") + 44
    a, b, c, d = parts
    turn = [round(65536 * part) for part in (a, b, 0, c, d, 0, 0, 0)]
    return data[:place] + struct.pack(">9i", *turn, 1 << 30) + data[place + 36 :]


MIRRORS: dict[str, tuple[tuple[float, ...], Callable[[Pixels], Pixels]]] = {
    "hflip": ((-1, 0, 0, 1), lambda pixels: pixels[:, ::-1]),
    "vflip": ((1, 0, 0, -1), lambda pixels: pixels[::-1]),
    "transpose": ((0, 1, 1, 0), lambda pixels: pixels.transpose(1, 0, 2)),
    "transverse": ((0, -1, -1, 0), lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2)),
    "ten degrees": ((0.985, 0.174, -0.174, 0.985), lambda pixels: pixels),
    "zero": ((0, 0, 0, 0), lambda pixels: pixels),
}


@pytest.mark.parametrize("name", MIRRORS)
def test_a_tracks_matrix_mirrors_its_frames(name: str) -> None:
    """Selfie cameras mirror; a mirror with a rotation was shown as another rotation: no face."""
    matrix, mirror = MIRRORS[name]
    plain = decode(MP4)[3].pixels
    assert np.array_equal(decode(with_matrix(MP4, *matrix))[3].pixels, mirror(plain))


@pytest.mark.parametrize(
    ("codec", "samples", "size"),
    [
        ("libx264", "yuv420p", (64, 48)),
        ("libx264", "yuv420p10le", (64, 48)),
        ("libx264", "yuv422p", (64, 48)),
        ("libvpx-vp9", "yuv420p", (63, 47)),
        ("libvpx-vp9", "yuv444p", (63, 47)),
    ],
)
@pytest.mark.parametrize("name", MIRRORS)
def test_frames_of_all_formats_are_turned(
    name: str, codec: str, samples: str, size: tuple[int, int]
) -> None:
    """FFmpeg turns some of them before their conversion, where colours have fewer pixels."""
    matrix, mirror = MIRRORS[name]
    data = film(factories.frames(3, *size), codec=codec, samples=samples)
    plain, turned = (decode(each)[2].pixels for each in (data, with_matrix(data, *matrix)))
    assert np.array_equal(turned, mirror(plain))


@pytest.mark.parametrize("container", ["avi", "mov", "matroska"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_motion_jpeg_is_oriented_by_its_exif(container: str, orientation: int) -> None:
    """Cameras' frames are whole JPEGs; FFmpeg ignores the mirrored ones of the orientations."""
    jpegs = [factories.by_pillow(pixels, "JPEG", orientation=orientation) for pixels in FRAMES[:3]]
    frames = decode(of_jpegs(jpegs, container, (FRAMES[0].shape[1], FRAMES[0].shape[0])))
    for frame, jpeg in zip(frames, jpegs, strict=True):
        picture = decode_image(jpeg, MediaLimits())
        assert frame.pixels.shape == picture.shape
        assert np.abs(frame.pixels.astype(int) - picture).mean() < 4


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska"])
@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_display_matrix_is_followed_in_every_container(
    container: str, degrees: int, across: bool, down: bool
) -> None:
    """A Matroska file stores it as the roll of its projection."""
    shown = np.rot90(FRAMES[3], degrees // 90)
    shown = shown[:, ::-1] if across else shown
    shown = shown[::-1] if down else shown
    found = decode(film(FRAMES, container, display=(degrees, across, down)))[3].pixels
    assert found.shape == shown.shape
    assert np.abs(found.astype(int) - shown).mean() < 5  # another of the eight is 10 apart


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "avi"])
@pytest.mark.parametrize(
    ("aspect", "shape"),
    [("2/1", (48, 128)), ("1/2", (96, 64)), ("4/3", (48, 85)), ("1/1", (48, 64))],
)
def test_pixels_are_shown_square(container: str, aspect: str, shape: tuple[int, int]) -> None:
    """A face of twice its height is found in the wrong place; HDV and DVDs store such pixels."""
    options = {"x264-params": f"log-level=none:sar={aspect}"}
    frames = decode(film(FRAMES, container, options=options))
    assert {frame.pixels.shape[:2] for frame in frames} == {shape}
    means = [frame.pixels.mean() for frame in frames]
    assert means == pytest.approx([pixels.mean() for pixels in FRAMES], abs=4)


def test_pixels_become_square_before_a_frame_is_rotated() -> None:
    data = film(FRAMES, options={"x264-params": "log-level=none:sar=2/1"})
    assert decode(with_matrix(data, 0, 1, -1, 0))[0].pixels.shape == (128, 48, 3)


def test_wide_pixels_stay_within_the_limit() -> None:
    """The other side shrinks: a valid file is not refused for the size its pixels would have."""
    data = film(FRAMES, options={"x264-params": "log-level=none:sar=2/1"})
    frames = decode(data, MediaLimits(video_pixels=64 * 48))
    assert frames[0].pixels.shape == (24, 64, 3)


# --- times ------------------------------------------------------------------------------------

REORDERED = {
    "MPEG-4": ("mpeg4", {"bf": "2"}),
    "H.264": ("libx264", {"bf": "3", "b_strategy": "0"}),
    "H.264, pyramid": ("libx264", {"bf": "8", "b_strategy": "0", "x264-params": "b-pyramid=2"}),
}


@pytest.mark.parametrize("fps", [25, 100, 1000])
@pytest.mark.parametrize("name", REORDERED)
def test_frames_of_an_avi_are_evenly_spaced(name: str, fps: int) -> None:
    """AVI numbers frames in coding order: times guessed from that jump back and forth."""
    codec, options = REORDERED[name]
    found = times(film(FRAMES, "avi", codec, fps=fps, options=options))
    assert found == pytest.approx(np.arange(12) / fps, abs=1e-6)


@pytest.mark.parametrize("name", REORDERED)
def test_an_mp4_without_a_display_order_has_even_times(name: str) -> None:
    """Old recorders omit the table (ctts) that says when a frame is shown."""
    codec, options = REORDERED[name]
    data = film(FRAMES, "mp4", codec, fps=50, options=options)

    def leave_out(root: Box) -> None:
        table = root.part(b"moov", b"trak", b"mdia", b"minf", b"stbl")
        assert table.parts is not None
        assert b"ctts" in {part.name for part in table.parts}
        table.parts = [part for part in table.parts if part.name != b"ctts"]
        track = root.part(b"moov", b"trak")
        assert track.parts is not None
        track.parts = [part for part in track.parts if part.name != b"edts"]

    assert times(changed(data, leave_out)) == pytest.approx(np.arange(12) / 50, abs=1e-6)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_real_time_stamps_stay_unchanged(codec: str) -> None:
    """A variable rate is kept, in whatever order frames are coded."""
    given = [0.0, 0.01, 0.02, 0.2, 0.21, 0.3, 0.9, 0.91, 1.0, 1.1, 1.11, 1.2]
    data = film(FRAMES, "matroska", codec, times_s=given, options={"bf": "2"})
    assert times(data) == pytest.approx(given)


def test_frames_before_an_edit_are_not_shown() -> None:
    """A clip trimmed without re-encoding keeps the frames that its first ones refer to."""
    data = film(FRAMES, fps=20, options={"bf": "0", "g": "12"})
    place = data.index(b"elst") + 12
    ticks = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    start = 4 * ticks // 20
    trimmed = data[: place + 4] + struct.pack(">i", start) + data[place + 8 :]
    frames = decode(trimmed)
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(len(frames)) / 20)
    assert frames[0].pixels.mean() == pytest.approx(FRAMES[4].mean(), abs=4)
