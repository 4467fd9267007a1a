"""Decoders on any bytes: they answer or refuse, and leave no files."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import MediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.containers import kind_of, picture_size
from off_tanet.recognition.media.images import decode_image
from off_tanet.recognition.media.video import open_clip
from off_tanet.types import Frame

from tests.support import factories
from tests.support.encoders import film

LIMITS = MediaLimits(image_pixels=10**6, video_pixels=10**6, frames=20)
SMALL = factories.picture(16, 16)
ALPHA = factories.with_alpha(SMALL, factories.grey(SMALL))
PICTURES = [
    *(write(SMALL) for write in factories.PICTURE_WRITERS.values()),
    factories.png(ALPHA),
    factories.webp(ALPHA),
    factories.png(factories.sixteen_bit(SMALL)),
    factories.cmyk_jpeg(SMALL),
    *(factories.by_pillow(SMALL, kind, orientation=6) for kind in ("JPEG", "WEBP", "TIFF")),
]
FRAMES = factories.frames(3, 32, 32)
CLIPS = [
    *(write(FRAMES, 20.0) for write in factories.CLIP_WRITERS.values()),
    film(FRAMES, sound=True),
    film(FRAMES, "mov", "libx265"),
    film(FRAMES, "webm", "libvpx-vp9", times_s=[0.0, 0.04, 0.3]),
    film(FRAMES, "matroska", "libx264", samples="yuv420p10le"),
    film([*FRAMES, *FRAMES], "webm", "libsvtav1"),
]


def decode_clip(data: bytes, limits: MediaLimits) -> list[Frame]:
    return list(open_clip(data, limits))


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A valid file after a few flips, cuts and splices, most of them near its header."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, min(len(data), 200)) | st.integers(0, len(data)))
        width = draw(st.integers(0, 40))
        match draw(st.sampled_from(["flip", "cut", "splice", "extreme"])):
            case "flip":
                data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[place : place + width]
            case "splice":
                start = draw(st.integers(0, len(data)))
                data[place:place] = data[start : start + width]
            case "extreme":
                data[place : place + 4] = draw(st.sampled_from([b"\xff" * 4, b"\x7f\xff\xff\xff"]))
    return bytes(data)


@given(st.binary(max_size=200) | damaged(PICTURES))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_an_image_or_a_media_error(data: bytes) -> None:
    """No upload may crash a worker or decode to anything but a colour image."""
    try:
        decoded = decode_image(data, LIMITS)
    except MediaError:
        return
    assert decoded.dtype == np.uint8
    assert decoded.ndim == 3
    assert decoded.shape[2] == 3
    kind = kind_of(data)
    assert kind is not None
    width, height = picture_size(data, kind)
    assert decoded.shape[0] * decoded.shape[1] <= width * height <= LIMITS.image_pixels


@given(st.binary(max_size=200) | damaged(CLIPS))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_clip_or_a_media_error(data: bytes) -> None:
    """The same for clips, whose containers use five decoders."""
    try:
        frames = decode_clip(data, LIMITS)
    except MediaError:
        return
    stamps = [frame.time_s for frame in frames]
    assert 2 <= len(stamps) <= LIMITS.frames
    assert all(before < after for before, after in pairwise(stamps))
    for frame in frames:
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape[2] == 3
        assert frame.pixels[..., 0].size <= LIMITS.video_pixels


def decode_everything() -> None:
    """Every generated file, complete and truncated, so that decoders complain."""
    for decode, files in ((decode_image, PICTURES), (decode_clip, CLIPS)):
        for data in files:
            decode(data, LIMITS)
            with pytest.raises(MediaError):
                decode(factories.truncated(data), LIMITS)


def test_decoding_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload shows somebody's face, and must never be on a disk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    decode_everything()
    assert not list(tmp_path.iterdir())


def test_decoders_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """The messages of OpenCV and FFmpeg can quote the upload."""
    clip = factories.mp4(factories.frames(3))
    hurt = clip[:400] + bytes(300) + clip[700:]
    for data in (hurt, factories.sound_only_mp4()):
        with contextlib.suppress(MediaError):
            decode_clip(data, LIMITS)
    for data in (factories.tiff(SMALL), factories.jpeg(SMALL)):
        with contextlib.suppress(MediaError):
            decode_image(factories.truncated(data, 0.9), LIMITS)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
