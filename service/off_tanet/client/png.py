"""Decodes the crops of an answer, so that the client needs no library for pictures."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = (8, 0, 0, 0, 0)  # bits, colour type, compression, filters, interlacing

Grey = NDArray[np.uint8]
"""A grey picture, [H, W]."""


def decode_grey(data: bytes, side: int) -> Grey:
    """Decode a PNG of 8 bits in grey (W3C, "Portable Network Graphics", section 9).

    Args:
        data: The file.
        side: The width and height that it must have.

    Returns:
        The pixels [side, side].

    Raises:
        ValueError: It is another file.
    """
    try:
        chunks = list(_chunks(data))
        width, height, *kind = struct.unpack(">IIBBBBB", chunks[0][1])
        if (width, height) != (side, side) or tuple(kind) != _GREY:
            raise ValueError("not a grey picture of this size")
        decoder = zlib.decompressobj()
        packed = b"".join(content for name, content in chunks if name == b"IDAT")
        rows = decoder.decompress(packed, side * (side + 1))
    except (struct.error, IndexError, zlib.error):
        raise ValueError("not a PNG") from None
    if len(rows) != side * (side + 1):
        raise ValueError("a PNG that is cut off")
    return _unfiltered(np.frombuffer(rows, np.uint8).reshape(side, side + 1))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(_SIGNATURE):
        raise ValueError("not a PNG")
    place = len(_SIGNATURE)
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        yield name, data[place + 8 : place + 8 + length]
        place += 12 + length


def _unfiltered(rows: Grey) -> Grey:
    """Add to each row what was predicted from its left and its upper neighbours."""
    pixels = np.zeros((len(rows) + 1, rows.shape[1]), np.uint8)  # with a border of zeros
    for y, row in enumerate(rows, 1):
        above, left = pixels[y - 1], pixels[y]
        match int(row[0]):
            case 0:
                left[1:] = row[1:]
            case 1:
                left[1:] = np.cumsum(row[1:], dtype=np.uint8)
            case 2:
                left[1:] = row[1:] + above[1:]
            case 3:
                for x in range(1, len(row)):
                    left[x] = (int(row[x]) + (int(left[x - 1]) + int(above[x])) // 2) & 255
            case 4:
                for x in range(1, len(row)):
                    near = _nearest(int(left[x - 1]), int(above[x]), int(above[x - 1]))
                    left[x] = (int(row[x]) + near) & 255
            case _:
                raise ValueError("a PNG with an unknown filter")
    return pixels[1:, 1:].copy()


def _nearest(left: int, above: int, corner: int) -> int:
    """Return the neighbour that is nearest to left + above - corner (A. W. Paeth)."""
    wanted = left + above - corner
    return min((left, above, corner), key=lambda value: abs(wanted - value))
