"""Kind, size in pixels and completeness of a file, read from its container before decoding.

The declared media type of an upload may be wrong, and a decoder allocates memory before it reports
the size. So both are read from the first bytes. Nothing is decoded here.
"""

from __future__ import annotations

import struct
from enum import StrEnum

from off_tanet.errors import UndecodableMediaError, UnsupportedMediaError
from off_tanet.recognition.media import bmp, jpeg, matroska, png, tiff, webp


class Kind(StrEnum):
    """A supported file format; the value is its name in messages."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WebP"
    BMP = "BMP"
    TIFF = "TIFF"
    MP4 = "MP4 or MOV"
    AVI = "AVI"
    MKV = "WebM or MKV"
    GIF = "GIF"


PICTURES = (Kind.PNG, Kind.JPEG, Kind.WEBP, Kind.BMP, Kind.TIFF)
CLIPS = (Kind.MP4, Kind.AVI, Kind.MKV, Kind.GIF)

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": Kind.PNG,
    b"\xff\xd8\xff": Kind.JPEG,
    b"II*\0": Kind.TIFF,
    b"MM\0*": Kind.TIFF,
    b"GIF87a": Kind.GIF,
    b"GIF89a": Kind.GIF,
    b"\x1a\x45\xdf\xa3": Kind.MKV,
}
_APPLE_PNG = b"CgBI"
_RIFF = {b"WEBP": Kind.WEBP, b"AVI ": Kind.AVI}
# Modern files start with `ftyp`, older QuickTime files with one of the others.
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
# HEIF and AVIF images have the same boxes, and FFmpeg would decode them as short videos.
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")
_MAX_MP4_BOXES = 1_000_000  # take a second; a long video in fragments has 150,000


def kind_of(data: bytes) -> Kind | None:
    """Return the kind of a file by its first bytes, or None if it is not supported."""
    if data[12:16] == _APPLE_PNG:
        return None  # only Apple's decoder supports it
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    if data[4:8] in _MP4_BOXES:
        return None if data[4:12] in [b"ftyp" + brand for brand in _STILL_BRANDS] else Kind.MP4
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in bmp.HEADERS:
        return Kind.BMP
    return None


def picture_size(data: bytes, kind: Kind) -> tuple[int, int]:
    """Read the size of an image from its header.

    Args:
        data: The file.
        kind: Its kind, one of `PICTURES`.

    Returns:
        Width and height in pixels, as stored.

    Raises:
        UndecodableMediaError: The header is cut short or invalid.
        UnsupportedMediaError: The coding is not supported.
    """
    try:
        width, height = _SIZES[kind](data)
    except jpeg.UnsupportedJpegError as error:
        raise UnsupportedMediaError(str(error)) from None
    except tiff.DeepSamplesError:
        raise UndecodableMediaError(
            "TIFF with more than 16 bits per sample is not supported."
        ) from None
    except (struct.error, LookupError, ValueError):
        raise UndecodableMediaError(f"The header of the {kind} image is broken.") from None
    if width <= 0 or height <= 0:
        raise UndecodableMediaError(f"The {kind} image has no pixels.")
    return width, height


_SIZES = {
    Kind.PNG: png.size,
    Kind.JPEG: jpeg.size,
    Kind.WEBP: webp.size,
    Kind.BMP: bmp.size,
    Kind.TIFF: tiff.size,
}


def is_whole(data: bytes, kind: Kind) -> bool:
    """Return whether a file has all parts that its container declares.

    FFmpeg decodes a truncated clip up to its end, though the apex may be in the missing part. For
    images other than PNG the result is True, since their decoders detect missing data.
    """
    try:
        return kind not in _COMPLETENESS_CHECKS or _COMPLETENESS_CHECKS[kind](data)
    except (struct.error, IndexError):
        return False


def _is_mp4_whole(data: bytes) -> bool:
    position: int = 0
    for _ in range(_MAX_MP4_BOXES):
        if position + 8 > len(data):
            return position <= len(data)
        size, box = struct.unpack_from(">I4s", data, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if size < 8 or box not in (*_MP4_BOXES, b"moof"):
            return True  # the last box may have no size, and any bytes may follow it
        position += size
    return False


def _is_avi_whole(data: bytes) -> bool:
    size = int.from_bytes(data[4:8], "little")
    return size == 0xFFFFFFFF or 8 + size <= len(data)  # all ones: size unknown, from a live source


def _is_gif_whole(data: bytes) -> bool:
    position = 13 + _gif_palette_bytes(data[10])
    while data[position] in (0x21, 0x2C):
        is_extension = data[position] == 0x21
        position += 2 if is_extension else 11 + _gif_palette_bytes(data[position + 9])
        while data[position]:
            position += data[position] + 1
        position += 1
    return data[position] == 0x3B


def _gif_palette_bytes(flags: int) -> int:
    """Return the size in bytes of the colour table that the flags of a GIF declare."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


_COMPLETENESS_CHECKS = {
    Kind.PNG: png.is_whole,
    Kind.MP4: _is_mp4_whole,
    Kind.AVI: _is_avi_whole,
    Kind.MKV: matroska.is_whole,
    Kind.GIF: _is_gif_whole,
}
