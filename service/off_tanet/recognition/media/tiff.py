"""The first directory of a TIFF (revision 6.0), which an EXIF block is, too."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

# Tags; the orientation is EXIF's too
_IMAGE_WIDTH, _IMAGE_LENGTH, _BITS_PER_SAMPLE, _ORIENTATION = 256, 257, 258, 274
_TILE_WIDTH, _TILE_LENGTH, _IMAGE_DEPTH, _TILE_DEPTH = 322, 323, 32997, 32998
_SIZES = frozenset(
    (_IMAGE_WIDTH, _IMAGE_LENGTH, _TILE_WIDTH, _TILE_LENGTH, _IMAGE_DEPTH, _TILE_DEPTH)
)
_TEXT, _SHORT, _LONG = 2, 3, 4
_TYPES = {_SHORT: "H", _LONG: "I"}
_UPRIGHT = 1
_MOST_ENTRIES = 4096  # libtiff reads no directory with more
_MOST_SAMPLES = 8  # of a pixel
_MOST_BITS = 16
_MOST_VALUES = 1 << 18  # of an entry: a palette for samples of 16 bits has as many

_Values = tuple[int, ...]


_BYTES = (1, 6, 7)  # BYTE, SBYTE, UNDEFINED


class DeepSamplesError(ValueError):
    """Samples of more than 16 bits."""


def size(data: bytes) -> tuple[int, int]:
    """Width and height of the picture, or of its tiles where those are larger.

    A small picture in one giant tile costs the tile's memory. libtiff takes a size as an integer
    of any type, and of tags that are there twice the first: where the standard allows neither,
    nothing is read, so that no size is meant but the one that is returned. (A program's name may
    be there twice.)

    Raises ValueError (DeepSamplesError for samples of more than 16 bits), struct.error or KeyError
    for what is no such directory.
    """
    tags = _tags(data)
    if max(tags.get(_BITS_PER_SAMPLE, (1,))) > _MOST_BITS:
        raise DeepSamplesError
    if {*tags.get(_IMAGE_DEPTH, (1,)), *tags.get(_TILE_DEPTH, (1,))} != {1}:
        raise ValueError("a picture of volumes")
    (width,), (height,) = tags[_IMAGE_WIDTH], tags[_IMAGE_LENGTH]
    (tile_width,), (tile_height,) = tags.get(_TILE_WIDTH, (0,)), tags.get(_TILE_LENGTH, (0,))
    areas = (width, height), (tile_width, tile_height)
    return max(areas, key=lambda area: area[0] * area[1])


def orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where the block is absent, broken or silent."""
    exif = exif.removeprefix(b"Exif\0\0")
    try:
        order = _order(exif)
        entries = _entries(exif, order)
        place, type_, count = next(entry[1:] for entry in entries if entry[0] == _ORIENTATION)
        (found,) = _values(exif, order, place, type_, count)
    except (struct.error, LookupError, ValueError, StopIteration):
        return 1
    return found if 1 <= found <= 8 else 1


def as_stored(data: bytes) -> bytes:
    """The file with no orientation told.

    OpenCV turns each tile by itself and leaves it in its place. Raises struct.error or KeyError.
    """
    order = _order(data)
    places = [place for tag, place, _, _ in _entries(data, order) if tag == _ORIENTATION]
    if not places:
        return data
    patched = bytearray(data)
    for place in places:
        struct.pack_into(order + "HHIHH", patched, place, _ORIENTATION, _SHORT, 1, _UPRIGHT, 0)
    return bytes(patched)


def _tags(data: bytes) -> Mapping[int, _Values]:
    """The values of the tags that `size` looks at. Raises ValueError for what is ambiguous."""
    order = _order(data)
    seen: set[int] = set()
    tags: dict[int, _Values] = {}
    for tag, place, type_, count in _entries(data, order):
        if tag in seen and type_ != _TEXT:
            raise ValueError("a tag that is there twice")
        seen.add(tag)
        if tag in _SIZES or tag == _BITS_PER_SAMPLE:
            if tag in _SIZES and count > 1:
                raise ValueError("more values than there can be")
            tags[tag] = _values(data, order, place, type_, count)
    return tags


def values(data: bytes, tags: frozenset[int]) -> dict[int, _Values]:
    """The unsigned integers of those tags of the first directory that are there.

    Raises ValueError, struct.error or KeyError where one of them is something else.
    """
    order = _order(data)
    return {
        tag: _values(data, order, place, type_, count, _MOST_VALUES)
        for tag, place, type_, count in _entries(data, order)
        if tag in tags
    }


def present(data: bytes) -> frozenset[int]:
    """The tags of the first directory."""
    return frozenset(tag for tag, *_ in _entries(data, _order(data)))


def block(data: bytes, tag: int) -> bytes:
    """The bytes of that tag of the first directory; none where it is not there."""
    order = _order(data)
    for found, place, type_, count in _entries(data, order):
        if found == tag and type_ in _BYTES:
            at = place + 8 if count <= 4 else struct.unpack_from(order + "I", data, place + 8)[0]
            return data[at : at + count]
    return b""


def byte_order(data: bytes) -> str:
    """`<` or `>`. Raises KeyError."""
    return _order(data)


def _entries(data: bytes, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Tag, place, type and count of each entry of the first directory."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, start)
    if entries > _MOST_ENTRIES:
        raise ValueError("a directory that is too long")
    for place in range(start + 2, start + 2 + 12 * entries, 12):
        tag, type_, count = struct.unpack_from(order + "HHI", data, place)
        yield tag, place, type_, count


def _values(
    data: bytes, order: str, place: int, type_: int, count: int, most: int = _MOST_SAMPLES
) -> _Values:
    """The unsigned integers of the entry at `place`."""
    if type_ not in _TYPES or not 1 <= count <= most:
        raise ValueError("no unsigned integers")
    values = f"{order}{count}{_TYPES[type_]}"
    inline = struct.calcsize(values) <= 4
    at = place + 8 if inline else struct.unpack_from(order + "I", data, place + 8)[0]
    return struct.unpack_from(values, data, at)


def _order(data: bytes) -> str:
    return {b"II": "<", b"MM": ">"}[data[:2]]
