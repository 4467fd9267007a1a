"""Clips: every container and codec gives its frames at their times, within the limits."""

from __future__ import annotations

import struct
import weakref

import numpy as np
import pytest
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import open_clip
from off_tanet.types import Frame, Pixels

from tests.support import factories
from tests.support.encoders import film
from tests.support.shared import shared

LIMITS = MediaLimits()
FRAMES = factories.frames(8)
MP4 = factories.mp4(FRAMES, 20.0)


def decode(data: bytes, limits: MediaLimits = LIMITS) -> list[Frame]:
    """All frames of a clip without damage."""
    clip = open_clip(data, limits)
    frames = list(clip)
    assert not clip.damaged
    return frames


def times(frames: list[Frame]) -> list[float]:
    return [frame.time_s for frame in frames]


def check_alike(frames: list[Frame], originals: list[Pixels], levels: float = 4) -> None:
    """Identify a frame by its brightness."""
    assert [frame.index for frame in frames] == list(range(len(originals)))
    for frame, original in zip(frames, originals, strict=True):
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == original.shape
        assert frame.pixels.mean() == pytest.approx(original.mean(), abs=levels)


@pytest.mark.parametrize("kind", factories.CLIP_WRITERS)
def test_every_container_gives_its_frames_and_times(kind: str) -> None:
    """Order, number, index, time and content."""
    clip = open_clip(factories.CLIP_WRITERS[kind](FRAMES, 20.0), LIMITS)
    assert clip.fps == pytest.approx(20)
    assert clip.claimed_frames == 8
    frames = list(clip)
    assert times(frames) == pytest.approx(np.arange(8) / 20)
    check_alike(frames, FRAMES)


CODECS = {
    "H.264": ("mp4", "libx264", "yuv420p"),
    "H.264, 10 bits": ("mp4", "libx264", "yuv420p10le"),
    "H.264, grey": ("mov", "libx264", "gray"),
    "H.264, all colour": ("matroska", "libx264", "yuv444p"),
    "H.264, full range": ("mp4", "libx264", "yuvj420p"),
    "HEVC": ("mp4", "libx265", "yuv420p"),
    "HEVC, 10 bits": ("mov", "libx265", "yuv420p10le"),
    "VP8": ("webm", "libvpx", "yuv420p"),
    "VP9": ("webm", "libvpx-vp9", "yuv420p"),
    "AV1": ("webm", "libsvtav1", "yuv420p"),
    "AV1, 10 bits": ("mp4", "libsvtav1", "yuv420p10le"),
    "MJPEG": ("avi", "mjpeg", "yuvj420p"),
    "MPEG-4": ("mp4", "mpeg4", "yuv420p"),
    "MPEG-4 in AVI": ("avi", "mpeg4", "yuv420p"),
    "MJPEG in MOV": ("mov", "mjpeg", "yuvj420p"),
}


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_gives_its_frames(name: str) -> None:
    """What phones, browsers, high-speed cameras and editors write."""
    container, codec, samples = CODECS[name]
    pictures = [np.dstack([factories.grey(pixels)] * 3) for pixels in FRAMES]
    frames = decode(film(pictures, container, codec, samples=samples, fps=20))
    assert times(frames) == pytest.approx(np.arange(8) / 20)
    check_alike(frames, pictures)


@pytest.mark.parametrize("matrix", ["1", "6", "9", "10", "14"])
@pytest.mark.parametrize("curve", ["1", "16", "18"])
def test_every_colour_space_is_read(matrix: str, curve: str) -> None:
    """Phones use several; FFmpeg refuses to convert from some."""
    frames = decode(film(FRAMES, options={"colorspace": matrix, "color_trc": curve}))
    check_alike(frames, FRAMES, levels=12)


def test_lossless_frames_come_out_unchanged() -> None:
    """Nothing between container and image may resample or reorder."""
    for frame, original in zip(decode(factories.mkv(FRAMES)), FRAMES, strict=True):
        assert np.abs(frame.pixels.astype(int) - original).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(47, 63), (48, 63), (17, 33)])
@pytest.mark.parametrize("codec", ["libx264rgb", "libvpx", "libx264"])
def test_odd_sizes_keep_every_pixel(codec: str, height: int, width: int) -> None:
    """Rows of frames are padded in memory; an extra column or a skew would move the face."""
    pictures = [np.ascontiguousarray(pixels[:height, :width]) for pixels in FRAMES]
    samples = {"libx264rgb": "rgb24", "libvpx": "yuv420p", "libx264": "yuv444p"}[codec]
    frames = decode(film(pictures, "matroska", codec, samples=samples, options={"qp": "0"}))
    check_alike(frames, pictures)
    if codec == "libx264rgb":
        assert np.array_equal(frames[3].pixels, pictures[3])


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "libx264"), ("mov", "libx265"), ("matroska", "libx264"), ("webm", "libvpx-vp9")],
)
def test_a_variable_rate_keeps_its_times(container: str, codec: str) -> None:
    """Counting frames at a nominal rate would move the apex in time."""
    given = [0.0, 0.04, 0.05, 0.2, 0.21, 0.3, 0.9, 1.0]
    assert times(decode(film(FRAMES, container, codec, times_s=given))) == pytest.approx(given)


def test_a_gifs_frames_keep_their_times() -> None:
    clip = decode(factories.timed_gif(factories.frames(4), [0.1, 0.05, 0.2, 0.1]))
    assert times(clip) == pytest.approx([0, 0.1, 0.15, 0.35])


@pytest.mark.parametrize(
    ("container", "name"), [("mp4", b"VideoHandler"), ("matroska", b"ENCODER"), ("avi", b"ISFT")]
)
def test_a_title_in_any_encoding_is_ignored(container: str, name: bytes) -> None:
    """Recorders write them in local encodings; no frame depends on them."""
    codec, samples = ("mjpeg", "yuvj420p") if container == "avi" else ("libx264", "yuv420p")
    data = film(FRAMES, container, codec, samples=samples)
    place = data.index(name) + {"avi": 8}.get(container, 0)
    assert len(decode(data[:place] + b"\xe9\xff\xfe\xc3" + data[place + 4 :])) == 8


def test_time_begins_with_the_first_frame() -> None:
    """A recording cut from a longer one keeps the longer one's clock."""
    given = [5.0, 5.04, 5.1, 5.2]
    late = decode(film(FRAMES[:4], "matroska", times_s=given))
    assert times(late) == pytest.approx([0, 0.04, 0.1, 0.2])


def test_frames_without_a_duration_follow_at_the_nominal_rate() -> None:
    """Time must advance, or a curve over it would be drawn on one spot."""
    data = film(FRAMES, options={"bf": "0"})
    place = data.index(b"stts") + 12
    assert struct.unpack_from(">I", data, place)[0] == 8
    still = data[: place + 4] + bytes(4) + data[place + 8 :]
    assert (np.diff(times(decode(still))) > 0).all()


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "webm", "avi"])
def test_sound_is_ignored(container: str) -> None:
    codec = {"webm": "libvpx", "avi": "mjpeg"}.get(container, "libx264")
    samples = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    frames = decode(film(FRAMES, container, codec, samples=samples, fps=20, sound=True))
    assert times(frames) == pytest.approx(np.arange(8) / 20)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_clip_is_turned_upright(degrees: int) -> None:
    """Phones store portraits on their side and declare it in the container."""
    plain = decode(MP4)[0].pixels
    turned = decode(factories.turned_mp4(FRAMES, 20.0, degrees))[0].pixels
    assert np.array_equal(turned, np.rot90(plain, -degrees // 90))


def test_a_recorded_portrait_is_read_to_its_end() -> None:
    """A clip of a real encoder: H.264 with reordered frames and a sound track."""
    frames = decode(shared("clips/portrait_pexels.mp4").read_bytes())
    assert len(frames) == 472
    assert np.diff(times(frames)) == pytest.approx(1001 / 24000, abs=1e-6)


def test_no_frame_is_kept() -> None:
    """Ten minutes of video need the memory of a few frames."""
    kept = []
    for frame in open_clip(MP4, LIMITS):
        pixels = frame.pixels
        kept.append(weakref.ref(pixels))
        del frame, pixels
        assert sum(ref() is not None for ref in kept) == 0
    assert len(kept) == 8
