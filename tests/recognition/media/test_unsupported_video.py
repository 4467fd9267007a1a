"""Unsupported formats of clips are named, with an alternative."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.errors import MediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import containers, unsupported_video
from off_tanet.recognition.media.video import open_clip
from PIL import Image

from tests.support import factories
from tests.support.encoders import film

FRAMES = factories.frames(8, 144, 176)


def animated(kind: str) -> bytes:
    pictures = [Image.fromarray(pixels) for pixels in FRAMES]
    stream = io.BytesIO()
    pictures[0].save(stream, kind, save_all=True, append_images=pictures[1:], duration=40)
    return stream.getvalue()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("clip.mp4", factories.mp4(FRAMES))
    return stream.getvalue()


FILMS: dict[str, Callable[[], bytes]] = {
    "MPEG-TS": lambda: film(FRAMES, "mpegts"),
    "MPEG-TS of a camcorder": lambda: film(FRAMES, "mpegts", muxer={"mpegts_m2ts_mode": "1"}),
    "MPEG-PS": lambda: film(FRAMES, "vob", "mpeg2video"),
    "Raw MPEG video": lambda: film(FRAMES, "mpeg2video", "mpeg2video"),
    "WMV (ASF)": lambda: film(FRAMES, "asf", "wmv2"),
    "FLV": lambda: film(FRAMES, "flv", "flv"),
    "Ogg (OGV)": lambda: film(FRAMES, "ogg", "libvpx"),
    "MXF": lambda: film(FRAMES, "mxf", "mpeg2video"),
    "IVF": lambda: film(FRAMES, "ivf", "libvpx"),
    "NUT": lambda: film(FRAMES, "nut"),
    "Raw H.264": lambda: film(FRAMES, "h264"),
    "Raw HEVC": lambda: film(FRAMES, "hevc", "libx265"),
    "Raw MPEG-4": lambda: film(FRAMES, "m4v", "mpeg4"),
    "APNG": lambda: animated("PNG"),
    "Animated WebP": lambda: animated("WEBP"),
    "A segment of a stream": lambda: b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix" + bytes(40),
    "ZIP": zipped,
    "JPEG": lambda: factories.jpeg(FRAMES[0]),
    "PNG": lambda: factories.png(FRAMES[0]),
    "WebP": lambda: factories.webp(FRAMES[0]),
    "BMP": lambda: factories.bmp(FRAMES[0]),
    "TIFF": lambda: factories.tiff(FRAMES[0]),
    "HEIC": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
    "AVIF": lambda: b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + bytes(40),
    "WAV": factories.wav,
    "HTML": lambda: b"\xef\xbb\xbf \n<!DOCTYPE html><title>404</title>",
    "HLS": lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
    "A macOS resource fork": lambda: b"\0\x05\x16\x07\0\2\0\0Mac OS X" + bytes(100),
    "Phantom Cine": lambda: b"CI\x2c\0" + bytes(100),
}


@pytest.mark.parametrize("name", FILMS)
def test_an_unsupported_format_is_refused_by_its_name(name: str) -> None:
    """A list of accepted formats does not say what the file is, nor what to do about it."""
    with pytest.raises(UnsupportedMediaError) as refused:
        open_clip(FILMS[name](), MediaLimits())
    message = refused.value.detail
    assert name.removesuffix(" of a camcorder") in message
    assert "not one of" not in message
    assert "\n" not in message
    _, _, way_out = message.partition(": ")
    assert len(way_out) > 10


@pytest.mark.parametrize("brand", [b"3gp4", b"3gp5", b"3gp6", b"3gr6", b"3gg6", b"3g2a", b"kddi"])
def test_a_3gp_of_a_phone_is_read(brand: bytes) -> None:
    data = film(FRAMES, "3gp", "mpeg4")
    assert data[4:8] == b"ftyp"
    assert len(list(open_clip(data[:8] + brand + data[12:], MediaLimits()))) == 8


def test_h263_is_refused_by_its_name() -> None:
    """The oldest 3GP files contain it; the message has a command that converts the clip."""
    data = film(FRAMES, "3gp", "h263")
    with pytest.raises(
        UnsupportedMediaError, match=r"the codec h263 is not supported.*ffmpeg -i in\.mov"
    ):
        open_clip(data, MediaLimits())


def test_an_encrypted_clip_is_named() -> None:
    """As a purchased film: its sample description declares it."""
    data = film(FRAMES).replace(b"avc1", b"encv")
    with pytest.raises(UnsupportedMediaError, match="encrypted"):
        open_clip(data, MediaLimits())


def test_for_unknown_formats_the_accepted_ones_are_listed() -> None:
    with pytest.raises(UnsupportedMediaError, match="supported formats: MP4"):
        open_clip(factories.text(), MediaLimits())


@pytest.mark.parametrize("kind", factories.CLIP_WRITERS)
def test_no_accepted_clip_has_such_a_name(kind: str) -> None:
    assert unsupported_video.identify(factories.CLIP_WRITERS[kind](FRAMES, 25.0)) is None


@given(st.binary(max_size=400))
def test_any_bytes_have_a_name_or_none(data: bytes) -> None:
    """The first bytes may be anything."""
    found = unsupported_video.identify(data)
    assert found is None or found.name
    if data and containers.kind_of(data) not in containers.CLIPS:
        with pytest.raises(MediaError):
            open_clip(data, MediaLimits())
