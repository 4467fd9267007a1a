"""Unsupported image formats are named, with an alternative: "none of PNG, JPEG…" is no help."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import unsupported_images
from off_tanet.recognition.media.images import decode_image
from PIL import Image

from tests.support import factories

PICTURE = factories.picture()
JPEG = factories.jpeg(PICTURE)


def by_pillow(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PICTURE).save(stream, kind)
    return stream.getvalue()


def by_opencv(suffix: str) -> bytes:
    return factories.encoded(factories.grey(PICTURE) if suffix == ".pgm" else PICTURE, suffix)


def file_type(major: bytes, *others: bytes) -> bytes:
    """The head of an ISO media file."""
    brands = major + bytes(4) + b"".join(others)
    return (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + bytes(200)


UNREAD = {
    "HEIC": file_type(b"heic", b"mif1", b"heic"),
    "HEIC .*Most Compatible": file_type(b"mif1", b"mif1", b"heic"),
    "HEIC ": file_type(b"hevc", b"msf1", b"hevc"),
    "AVIF": file_type(b"avif", b"mif1", b"miaf"),
    "AVIF ": file_type(b"mif1", b"avif", b"miaf"),
    "JPEG 2000": by_pillow("JPEG2000"),
    "GIF.*clip": factories.gif(factories.frames(2)),
    "MP4.*clip": factories.mp4(factories.frames(2)),
    "AVI.*clip": factories.avi(factories.frames(2)),
    "WebM or MKV.*clip": factories.webm(factories.frames(2)),
    "PPM": by_opencv(".ppm"),
    "PPM, PGM": by_opencv(".pgm"),
    "TGA": by_pillow("TGA"),
    "JPEG XL": b"\xff\x0a" + bytes(100),
    "PSD": b"8BPS\0\1" + bytes(100),
    "SVG": b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "PDF": b"%PDF-1.7\n" + bytes(100),
    "HTML.*page": b"\n<!DOCTYPE html><html><body>Not found</body></html>",
    "Base64": base64.b64encode(JPEG),
    "Base64 text": b"data:image/jpeg;base64," + base64.b64encode(JPEG),
    "BigTIFF": b"II+\0\x08\0\0\0" + bytes(100),
    "resource fork": b"\0\x05\x16\x07\0\2\0\0" + bytes(100),
    "ICO": by_pillow("ICO"),
    "bytes before": b"\n" + JPEG,
    "JPEG-LS": b"\xff\xd8\xff\xf7\0\x0b" + bytes(100),
    "Lossless JPEG": JPEG.replace(b"\xff\xc0", b"\xff\xc3", 1),
    "Hierarchical JPEG": JPEG.replace(b"\xff\xc0", b"\xff\xc5", 1),
    "JPEG with 12 bits": JPEG.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c", 1),
}


@pytest.mark.parametrize("name", UNREAD)
def test_unsupported_formats_are_named(name: str) -> None:
    """By their bytes, as a HEIC may be called .jpg."""
    with pytest.raises(UnsupportedMediaError, match=name):
        decode_image(UNREAD[name], MediaLimits())


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_have_a_name_or_none(data: bytes) -> None:
    """The name quotes nothing of the bytes."""
    found = unsupported_images.identify(data)
    assert found is None or found.refusal("picture").isascii()


@pytest.mark.parametrize("data", [factories.text(), b"", np.arange(200, dtype=np.uint8).tobytes()])
def test_unknown_formats_have_no_name(data: bytes) -> None:
    assert unsupported_images.identify(data) is None
