"""The first directory of a TIFF (revision 6.0). An EXIF block has the same structure."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

# Tags; EXIF uses the same number for the orientation
_IMAGE_WIDTH, _IMAGE_LENGTH, _BITS_PER_SAMPLE, _ORIENTATION = 256, 257, 258, 274
_TILE_WIDTH, _TILE_LENGTH, _IMAGE_DEPTH, _TILE_DEPTH = 322, 323, 32997, 32998
_SIZES = frozenset(
    (_IMAGE_WIDTH, _IMAGE_LENGTH, _TILE_WIDTH, _TILE_LENGTH, _IMAGE_DEPTH, _TILE_DEPTH)
)
_TEXT, _SHORT, _LONG = 2, 3, 4
_TYPES = {_SHORT: "H", _LONG: "I"}
_UPRIGHT = 1
_MAX_ENTRIES = 4096  # the limit of libtiff
_MAX_SAMPLES = 8  # per pixel
_MAX_BITS = 16
_MAX_VALUES = 1 << 18  # of an entry: more than a palette of 16-bit samples has

_Values = tuple[int, ...]

_BYTES = (1, 6, 7)  # BYTE, SBYTE, UNDEFINED


class DeepSamplesError(ValueError):
    """Samples have more than 16 bits."""


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels of the image, or of its tiles if those are larger.

    A small image in one giant tile takes the memory of the tile. libtiff accepts sizes of any
    integer type, and uses the first of duplicate tags. The standard allows neither, so both are
    errors here: the size is then never another one than libtiff uses. (Text tags, such as the
    name of a program, may be duplicated.)

    Raises:
        DeepSamplesError: Samples have more than 16 bits.
        ValueError: The directory is invalid or ambiguous.
        struct.error: The directory is cut short.
        KeyError: The byte order or a required tag is missing.
    """
    tags = _tags(data)
    if max(tags.get(_BITS_PER_SAMPLE, (1,))) > _MAX_BITS:
        raise DeepSamplesError
    if {*tags.get(_IMAGE_DEPTH, (1,)), *tags.get(_TILE_DEPTH, (1,))} != {1}:
        raise ValueError("a volume image")
    (width,), (height,) = tags[_IMAGE_WIDTH], tags[_IMAGE_LENGTH]
    (tile_width,), (tile_height,) = tags.get(_TILE_WIDTH, (0,)), tags.get(_TILE_LENGTH, (0,))
    areas = (width, height), (tile_width, tile_height)
    return max(areas, key=lambda area: area[0] * area[1])


def orientation(exif: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; 1 (upright) if the block has none or is invalid."""
    exif = exif.removeprefix(b"Exif\0\0")
    try:
        order = _order(exif)
        entries = _entries(exif, order)
        offset, type_, count = next(entry[1:] for entry in entries if entry[0] == _ORIENTATION)
        (found,) = _values(exif, order, offset, type_, count)
    except (struct.error, LookupError, ValueError, StopIteration):
        return 1
    return found if 1 <= found <= 8 else 1


def reset_orientation(data: bytes) -> bytes:
    """Return the file with its orientation set to upright.

    OpenCV would rotate each tile separately, without moving it. Raises struct.error or KeyError.
    """
    order = _order(data)
    offsets = [offset for tag, offset, _, _ in _entries(data, order) if tag == _ORIENTATION]
    if not offsets:
        return data
    patched = bytearray(data)
    for offset in offsets:
        struct.pack_into(order + "HHIHH", patched, offset, _ORIENTATION, _SHORT, 1, _UPRIGHT, 0)
    return bytes(patched)


def _tags(data: bytes) -> Mapping[int, _Values]:
    """Return the values of the tags that `size` needs. Raises ValueError for ambiguous ones."""
    order = _order(data)
    seen: set[int] = set()
    tags: dict[int, _Values] = {}
    for tag, offset, type_, count in _entries(data, order):
        if tag in seen and type_ != _TEXT:
            raise ValueError("a duplicate tag")
        seen.add(tag)
        if tag in _SIZES or tag == _BITS_PER_SAMPLE:
            if tag in _SIZES and count > 1:
                raise ValueError("a size with several values")
            tags[tag] = _values(data, order, offset, type_, count)
    return tags


def values(data: bytes, tags: frozenset[int]) -> dict[int, _Values]:
    """Return the unsigned integers of those of the `tags` that the first directory has.

    Raises ValueError, struct.error or KeyError if the value of a tag is something else.
    """
    order = _order(data)
    return {
        tag: _values(data, order, offset, type_, count, _MAX_VALUES)
        for tag, offset, type_, count in _entries(data, order)
        if tag in tags
    }


def present(data: bytes) -> frozenset[int]:
    """Return the tags of the first directory."""
    return frozenset(tag for tag, *_ in _entries(data, _order(data)))


def block(data: bytes, tag: int) -> bytes:
    """Return the bytes of a tag of the first directory; empty if it is missing."""
    order = _order(data)
    for found, offset, type_, count in _entries(data, order):
        if found == tag and type_ in _BYTES:
            at = offset + 8 if count <= 4 else struct.unpack_from(order + "I", data, offset + 8)[0]
            return data[at : at + count]
    return b""


def byte_order(data: bytes) -> str:
    """Return `<` or `>`, as for `struct`. Raises KeyError."""
    return _order(data)


def _entries(data: bytes, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, offset, type and count of each entry of the first directory."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, start)
    if entries > _MAX_ENTRIES:
        raise ValueError("a directory that is too long")
    for offset in range(start + 2, start + 2 + 12 * entries, 12):
        tag, type_, count = struct.unpack_from(order + "HHI", data, offset)
        yield tag, offset, type_, count


def _values(
    data: bytes, order: str, offset: int, type_: int, count: int, max_values: int = _MAX_SAMPLES
) -> _Values:
    """Return the unsigned integers of the entry at `offset`."""
    if type_ not in _TYPES or not 1 <= count <= max_values:
        raise ValueError("no unsigned integers")
    values = f"{order}{count}{_TYPES[type_]}"
    inline = struct.calcsize(values) <= 4
    at = offset + 8 if inline else struct.unpack_from(order + "I", data, offset + 8)[0]
    return struct.unpack_from(values, data, at)


def _order(data: bytes) -> str:
    return {b"II": "<", b"MM": ">"}[data[:2]]
