"""Where a file format keeps its numbers and blocks, so that mutations get past the first checks.

A random bit flip is refused early; a length that is too large by one, in an otherwise valid file,
is not.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["big", "little"]

_SMALL = 128  # bytes; the contents of blocks up to this size are treated as numbers, too
_MP4_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf"})
_MKV_PARENTS = frozenset(
    bytes.fromhex(ids)
    for ids in ("18538067", "1549a966", "1654ae6b", "ae", "e0", "1f43b675", "1c53bb6b", "114d9b74")
)


@dataclass(frozen=True, slots=True)
class Number:
    """An integer of `width` bytes at `place`: a size, a count, a dimension, a tag."""

    place: int
    width: int
    order: Order


@dataclass(slots=True)
class Layout:
    """The numbers of a file, and its blocks (chunks, boxes, elements) as [start, end)."""

    numbers: list[Number] = field(default_factory=list)
    blocks: list[tuple[int, int]] = field(default_factory=list)

    def add(self, place: int, width: int, order: Order) -> None:
        self.numbers.append(Number(place, width, order))

    def add_words(self, start: int, end: int, width: int, order: Order) -> None:
        """The contents of a small block as numbers."""
        if end - start <= _SMALL:
            for place in range(start, end - width + 1, width):
                self.add(place, width, order)


def layout(kind: str, data: bytes) -> Layout:
    """The layout of the format `kind`, named as in `tests.support.factories`."""
    found = Layout()
    _WALKERS[kind](data, found)
    return found


def png_chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each chunk, as far as the lengths are valid."""
    place = 8
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if end > len(data):
            return
        yield place, end
        place = end


def _png(data: bytes, found: Layout) -> None:
    for start, end in png_chunks(data):
        found.blocks.append((start, end))
        found.add(start, 4, "big")
        found.add(start + 4, 4, "big")
        if data[start + 4 : start + 8] == b"IHDR":
            found.add_words(start + 8, start + 16, 4, "big")
            found.add_words(start + 16, start + 21, 1, "big")


def _jpeg(data: bytes, found: Layout) -> None:
    place = 2
    while data[place] == 0xFF and data[place + 1] != 0xD9:
        marker, end = (
            data[place + 1],
            place + 2 + int.from_bytes(data[place + 2 : place + 4], "big"),
        )
        found.blocks.append((place, end))
        found.add(place + 1, 1, "big")
        found.add(place + 2, 2, "big")
        found.add_words(place + 4, end, 1, "big")
        if marker == 0xC0:
            found.add(place + 5, 2, "big")
            found.add(place + 7, 2, "big")
        if marker == 0xDA:  # entropy-coded samples follow
            return
        place = end


def _riff(data: bytes, found: Layout, start: int = 0, end: int | None = None) -> None:
    """WebP and AVI: chunks of four letters and a little-endian size, in lists."""
    place, end = start, len(data) if end is None else end
    while place + 8 <= end:
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        after = min(place + 8 + size + size % 2, end)
        found.blocks.append((place, after))
        found.add(place, 4, "little")
        found.add(place + 4, 4, "little")
        if data[place : place + 4] in (b"RIFF", b"LIST"):
            _riff(data, found, place + 12, after)
        else:
            found.add_words(place + 8, after, 4, "little")
            found.add_words(place + 8, min(after, place + 24), 1, "little")
        place = after


def _bmp(_: bytes, found: Layout) -> None:
    found.add_words(2, 54, 4, "little")
    found.add_words(26, 30, 2, "little")
    found.blocks += [(0, 14), (14, 54)]


def _tiff(data: bytes, found: Layout) -> None:
    (place,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, place)
    found.add(4, 4, "little")
    found.add(place, 2, "little")
    for start in range(place + 2, place + 2 + 12 * entries, 12):
        found.blocks.append((start, start + 12))
        for offset, width in ((0, 2), (2, 2), (4, 4), (8, 4)):
            found.add(start + offset, width, "little")
    found.add(place + 2 + 12 * entries, 4, "little")


def _mp4(data: bytes, found: Layout, start: int = 0, end: int | None = None) -> None:
    place, end = start, len(data) if end is None else end
    while place + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, place)
        if size < 8:
            return
        after = min(place + size, end)
        found.blocks.append((place, after))
        found.add(place, 4, "big")
        found.add(place + 4, 4, "big")
        if kind in _MP4_PARENTS:
            _mp4(data, found, place + 8, after)
        else:
            found.add_words(place + 8, after, 4, "big")
        place = after


def _mkv(data: bytes, found: Layout, start: int = 0, end: int | None = None) -> None:
    """Elements of EBML: an identifier and a size, whose lengths are in their first byte."""
    place, end = start, len(data) if end is None else end
    while place < end and data[place]:
        name = 9 - data[place].bit_length()
        if place + name >= end or not data[place + name]:
            return
        width = 9 - data[place + name].bit_length()
        size = int.from_bytes(data[place + name : place + name + width], "big")
        content = place + name + width
        after = min(content + (size & ((1 << 7 * width) - 1)), end)
        found.blocks.append((place, after))
        found.add(place, name, "big")
        found.add(place + name, width, "big")
        if data[place : place + name] in _MKV_PARENTS:
            _mkv(data, found, content, after)
        elif 0 < after - content <= 8:
            found.add(content, after - content, "big")
        place = after


def _gif(data: bytes, found: Layout) -> None:
    found.add_words(6, 10, 2, "little")
    found.add_words(10, 13, 1, "little")
    place = 13 + _gif_colours(data[10])
    while place < len(data) and data[place] in (0x21, 0x2C):
        start = place
        found.add(start, 1, "little")
        if data[place] == 0x2C:
            found.add_words(place + 1, place + 9, 2, "little")
            found.add_words(place + 9, place + 10, 1, "little")
            place += 10 + _gif_colours(data[place + 9])
            found.add(place, 1, "little")  # the number of bits of the first LZW code
            place += 1
        else:
            found.add(place + 1, 1, "little")
            place += 2
        while data[place]:
            found.add(place, 1, "little")
            found.add_words(place + 1, min(place + 1 + data[place], place + 9), 1, "little")
            place += data[place] + 1
        place += 1
        found.blocks.append((start, place))


def _gif_colours(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


_WALKERS: dict[str, Callable[[bytes, Layout], None]] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _riff,
    "bmp": _bmp,
    "tiff": _tiff,
    "mp4": _mp4,
    "mov": _mp4,
    "avi": _riff,
    "webm": _mkv,
    "mkv": _mkv,
    "gif": _gif,
}
