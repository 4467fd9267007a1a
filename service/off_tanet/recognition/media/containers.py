"""What a file says of itself before it is decoded: its kind, its size, whether its end is there.

A declared media type can lie and a decoder takes its memory before it can be asked, so both
questions are answered from the first bytes. Nothing here decodes a sample.
"""

from __future__ import annotations

import struct
from enum import StrEnum

from off_tanet.errors import UndecodableMediaError, UnsupportedMediaError
from off_tanet.recognition.media import bmp, jpeg, matroska, png, tiff, webp


class Kind(StrEnum):
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
_APPLES_PNG = b"CgBI"
_RIFF = {b"WEBP": Kind.WEBP, b"AVI ": Kind.AVI}
# `ftyp` opens every modern file; the others open QuickTime files older than it.
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
# HEIF and AVIF pictures live in the same boxes, and FFmpeg would take them for short videos.
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")
_MOST_MP4_BOXES = 1_000_000  # a second to go along; a long video in fragments has 150,000


def kind_of(data: bytes) -> Kind | None:
    """The kind that the first bytes show, or None where they are none of `Kind`."""
    if data[12:16] == _APPLES_PNG:
        return None  # only Apple's own decoder reads it
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
    """Width and height in pixels, as stored, of a picture of this kind.

    Raises UndecodableMediaError where the header is cut short or says nothing sensible, and
    UnsupportedMediaError for a coding that is not read.
    """
    try:
        width, height = _SIZES[kind](data)
    except jpeg.UnreadJpegError as error:
        raise UnsupportedMediaError(str(error)) from None
    except tiff.DeepSamplesError:
        raise UndecodableMediaError("TIFF samples of more than 16 bits are not read.") from None
    except (struct.error, LookupError, ValueError):
        raise UndecodableMediaError(f"The header of the {kind} picture is broken.") from None
    if width <= 0 or height <= 0:
        raise UndecodableMediaError(f"The {kind} picture has no pixels.")
    return width, height


_SIZES = {
    Kind.PNG: png.size,
    Kind.JPEG: jpeg.size,
    Kind.WEBP: webp.size,
    Kind.BMP: bmp.size,
    Kind.TIFF: tiff.size,
}


def is_whole(data: bytes, kind: Kind) -> bool:
    """Whether all parts that a file announces are there, as far as its container tells.

    FFmpeg plays a clip that was cut short up to the cut, and the apex may have been behind it.
    The decoders of pictures other than PNG see to it themselves.
    """
    try:
        return kind not in _ENDS or _ENDS[kind](data)
    except (struct.error, IndexError):
        return False


def _mp4_ends(data: bytes) -> bool:
    position: int = 0
    for _ in range(_MOST_MP4_BOXES):
        if position + 8 > len(data):
            return position <= len(data)
        size, box = struct.unpack_from(">I4s", data, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if size < 8 or box not in (*_MP4_BOXES, b"moof"):
            return True  # the last box may leave its size open, and any bytes may follow it
        position += size
    return False


def _avi_ends(data: bytes) -> bool:
    size = int.from_bytes(data[4:8], "little")
    return size == 0xFFFFFFFF or 8 + size <= len(data)  # all ones: written by a live source


def _gif_ends(data: bytes) -> bool:
    position = 13 + _gif_colours(data[10])
    while data[position] in (0x21, 0x2C):
        is_extension = data[position] == 0x21
        position += 2 if is_extension else 11 + _gif_colours(data[position + 9])
        while data[position]:
            position += data[position] + 1
        position += 1
    return data[position] == 0x3B


def _gif_colours(flags: int) -> int:
    """The bytes of the colour table that a GIF's flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


_ENDS = {
    Kind.PNG: png.is_whole,
    Kind.MP4: _mp4_ends,
    Kind.AVI: _avi_ends,
    Kind.MKV: matroska.is_whole,
    Kind.GIF: _gif_ends,
}
