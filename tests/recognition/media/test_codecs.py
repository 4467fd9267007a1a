"""Codecs: supported ones are in `test_video`; the decoders of all others are never opened."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import av
import av.logging
import pytest
from off_tanet.errors import UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import open_clip

from tests.support import factories
from tests.support.encoders import film

LIMITS = MediaLimits()
FRAMES = factories.frames(8)
REFUSED = {
    "asv1": ("avi", "yuv420p"),
    "cfhd": ("mov", "yuv422p10le"),
    "dvvideo": ("avi", "yuv420p"),
    "ffv1": ("matroska", "yuv420p"),
    "ffvhuff": ("avi", "yuv420p"),
    "flv": ("avi", "yuv420p"),
    "h263p": ("avi", "yuv420p"),
    "huffyuv": ("avi", "yuv422p"),
    "jpeg2000": ("mov", "yuv420p"),
    "jpegls": ("avi", "gray"),
    "magicyuv": ("avi", "gbrp"),
    "mpeg1video": ("matroska", "yuv420p"),
    "mpeg2video": ("matroska", "yuv420p"),
    "msmpeg4": ("avi", "yuv420p"),
    "png": ("mov", "rgb24"),
    "prores_ks": ("mov", "yuv422p10le"),
    "qtrle": ("mov", "rgb24"),
    "r210": ("mov", "gbrp10le"),
    "rawvideo": ("avi", "yuv420p"),
    "svq1": ("mov", "yuv410p"),
    "targa": ("mov", "bgr24"),
    "utvideo": ("avi", "yuv420p"),
    "wmv2": ("avi", "yuv420p"),
    "zmbv": ("avi", "bgr0"),
}


@pytest.mark.parametrize("codec", REFUSED)
def test_other_codecs_are_refused_by_their_names(codec: str) -> None:
    """FFmpeg has 300 decoders, few of which are well maintained; they get no packet."""
    container, samples = REFUSED[codec]
    pictures = [factories.picture(144, 176, index) for index in range(3)]
    if codec == "dvvideo":
        pictures = [factories.picture(576, 720, index) for index in range(3)]
    data = film(pictures, container, codec, samples=samples)
    with av.open(io.BytesIO(data)) as file:
        name = file.streams.video[0].codec_context.codec.canonical_name
    with pytest.raises(UnsupportedMediaError, match=rf"the codec {name} is not supported"):
        open_clip(data, LIMITS)


@contextlib.contextmanager
def ffmpegs_words() -> Iterator[list[str]]:
    """The messages of FFmpeg meanwhile."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.VERBOSE)
    words: list[str] = []
    try:
        with av.logging.Capture() as captured:
            yield words
            words += [word for _, _, word in captured]
    finally:
        av.logging.set_level(before)


def test_no_decoder_of_sound_or_another_video_track_is_opened() -> None:
    """FFmpeg would open one for each stream, to complete its header."""
    others = {
        "matroska": film(FRAMES, "matroska", sound=True),
        "ffv1": film(FRAMES, "matroska", "ffv1"),
    }
    words: list[str] = []
    for data in others.values():
        with ffmpegs_words() as said, contextlib.suppress(UnsupportedMediaError):
            open_clip(data, LIMITS)
        words += said
    for name in ("opus", "ffv1"):
        assert any(word.startswith(f"Codec ({name}) not on whitelist") for word in words)
    for container in ("mp4", "mov", "avi"):
        codec = {"avi": "mjpeg"}.get(container, "libx264")
        samples = {"avi": "yuvj420p"}.get(container, "yuv420p")
        data = film(FRAMES, container, codec, samples=samples, sound=True)
        with ffmpegs_words() as said:
            open_clip(data, LIMITS)
        assert not any("whitelist" in word for word in said)  # it does not see the sound track
