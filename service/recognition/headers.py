"""What a file says of itself before it is decoded: its kind, its size, whether its end is there.

A declared media type can lie and a decoder takes its memory before it can be asked, so both
questions are answered from the first bytes. Nothing here decodes a sample.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import StrEnum

from service.recognition import matroska
from service.recognition.errors import UndecodableMediaError


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
_RIFF = {b"WEBP": Kind.WEBP, b"AVI ": Kind.AVI}
# `ftyp` opens every modern file; the others open QuickTime files older than it.
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
# HEIF and AVIF pictures live in the same boxes, and FFmpeg would take them for short videos.
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)

# JPEG markers (ITU-T T.81, table B.1)
_JPEG_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA

# TIFF 6.0 tags; the orientation is EXIF's too
_IMAGE_WIDTH, _IMAGE_LENGTH, _BITS_PER_SAMPLE, _ORIENTATION = 256, 257, 258, 274
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_TIFF_TYPES = {1: "B", 3: "H", 4: "I"}  # BYTE, SHORT, LONG


def kind_of(data: bytes) -> Kind | None:
    """The kind that the first bytes show, or None where they are none of `Kind`."""
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    if data[4:8] in _MP4_BOXES:
        return None if data[4:12] in [b"ftyp" + brand for brand in _STILL_BRANDS] else Kind.MP4
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return Kind.BMP
    return None


def picture_size(data: bytes, kind: Kind) -> tuple[int, int]:
    """Width and height in pixels, as stored, of a picture of this kind.

    Raises UndecodableMediaError where the header is cut short or says nothing sensible.
    """
    try:
        width, height = _SIZES[kind](data)
    except (struct.error, LookupError, ValueError):
        raise UndecodableMediaError(f"The header of the {kind} picture is broken.") from None
    if width <= 0 or height <= 0:
        raise UndecodableMediaError(f"The {kind} picture has no pixels.")
    return width, height


def indexed_frames(data: bytes, kind: Kind) -> int:
    """The frames in the index of an MP4's video track; 0 of other clips.

    For each of them FFmpeg takes 72 bytes and most of a microsecond before it can be asked.
    """
    if kind is not Kind.MP4:
        return 0
    tracks = _boxes(data, (0, len(data)), b"moov", b"trak", b"mdia", b"minf")
    pictures = [track for track in tracks if any(_boxes(data, track, b"vmhd"))]
    tables = [table for track in pictures for table in _boxes(data, track, b"stbl", b"stsz")]
    return max((int.from_bytes(data[start + 8 : start + 12]) for start, _ in tables), default=0)


def _boxes(data: bytes, within: tuple[int, int], *path: bytes) -> Iterator[tuple[int, int]]:
    """Where the content of each MP4 box at `path` begins and ends."""
    position, end = within
    while position + 16 <= end:
        size, box = struct.unpack_from(">I4s", data, position)
        header = 16 if size == 1 else 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if size < header:
            return
        content = position + header, min(position + size, end)
        if box == path[0]:
            yield from _boxes(data, content, *path[1:]) if path[1:] else [content]
        position += size


def _png_size(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise ValueError
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    position = 2
    while True:
        position = data.index(b"\xff", position)  # a decoder skips stray bytes, too
        while data[position] == 0xFF:
            position += 1
        marker, position = data[position], position + 1
        if marker in _JPEG_START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, position + 3)
            return width, height
        if marker in (_JPEG_END, _JPEG_SCAN):
            raise ValueError
        if marker not in _JPEG_WITHOUT_LENGTH:
            position += struct.unpack_from(">H", data, position)[0]


def _webp_size(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8X" and len(data) >= 30:
        canvas = int.from_bytes(data[24:27], "little"), int.from_bytes(data[27:30], "little")
        return 1 + canvas[0], 1 + canvas[1]
    raise ValueError


def _bmp_size(data: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return width, abs(height)  # a negative height only says that the top row comes first


def _tiff_size(data: bytes) -> tuple[int, int]:
    tags = _first_directory(data)
    if max(tags.get(_BITS_PER_SAMPLE, (1,))) > 16:
        raise UndecodableMediaError("TIFF samples of more than 16 bits are not read.")
    size = max(tags[_IMAGE_WIDTH]), max(tags[_IMAGE_LENGTH])
    tile = max(tags.get(_TILE_WIDTH, (0,))), max(tags.get(_TILE_LENGTH, (0,)))
    # A small picture in one giant tile costs the tile's memory.
    return max(size, tile, key=lambda area: area[0] * area[1])


_SIZES = {
    Kind.PNG: _png_size,
    Kind.JPEG: _jpeg_size,
    Kind.WEBP: _webp_size,
    Kind.BMP: _bmp_size,
    Kind.TIFF: _tiff_size,
}


def _first_directory(data: bytes) -> dict[int, tuple[int, ...]]:
    """The unsigned integer tags of a TIFF's first directory; a repeated tag's values add up.

    Raises struct.error or KeyError where the directory lies outside of the file.
    """
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    (start,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, start)
    tags: dict[int, tuple[int, ...]] = {}
    for place in range(start + 2, start + 2 + 12 * entries, 12):
        tag, type_, count = struct.unpack_from(order + "HHI", data, place)
        if type_ in _TIFF_TYPES and 0 < count <= 16:
            values = f"{order}{count}{_TIFF_TYPES[type_]}"
            inline = struct.calcsize(values) <= 4
            at = place + 8 if inline else struct.unpack_from(order + "I", data, place + 8)[0]
            tags[tag] = tags.get(tag, ()) + struct.unpack_from(values, data, at)
    return tags


def orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where the block is absent, broken or silent."""
    try:
        found = _first_directory(exif.removeprefix(b"Exif\0\0")).get(_ORIENTATION, (1,))[0]
    except (struct.error, KeyError):
        return 1
    return found if 1 <= found <= 8 else 1


def is_whole(data: bytes, kind: Kind) -> bool:
    """Whether all parts that a file announces are there, as far as its container tells.

    FFmpeg plays a clip that was cut short up to the cut, and the apex may have been behind it.
    For a chunk of a PNG that claims 2 GB OpenCV takes 4 GB before it looks for them. The decoders
    of the other pictures see to it themselves.
    """
    try:
        return kind not in _ENDS or _ENDS[kind](data)
    except (struct.error, IndexError):
        return False


def _png_ends(data: bytes) -> bool:
    position, chunk = 8, b""
    while chunk != b"IEND":
        size, chunk = struct.unpack_from(">I4s", data, position)
        position += 12 + size
    return position <= len(data)


def _mp4_ends(data: bytes) -> bool:
    position = 0
    while position + 8 <= len(data):
        size, box = struct.unpack_from(">I4s", data, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if size < 8 or box not in (*_MP4_BOXES, b"moof"):
            break  # the last box may leave its size open, and any bytes may follow it
        position += size
    return position <= len(data)


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
    Kind.PNG: _png_ends,
    Kind.MP4: _mp4_ends,
    Kind.AVI: _avi_ends,
    Kind.MKV: matroska.is_whole,
    Kind.GIF: _gif_ends,
}
