"""The chunks of a WebP (RFC 9649), and whether the coded picture in it is whole.

Its codes have no checksum and no marks. But a decoder that lost its way does not end where the data
end: it wants more of them, which libwebp notices, or fewer, which is noticed here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_HEAD = 12
_MOST_CHUNKS = 10_000
_SPARE = {b"VP8 ": 24, b"VP8L": 2}
"""Bytes at the end that are left out. The arithmetic decoder of VP8 reads ahead of what it needs.

The codes of VP8L, where an error soon heals and leaves a pixel more or less, end within the last
two: encoders fill up to an even number.
"""


def size(data: bytes) -> tuple[int, int]:
    """Width and height. Raises ValueError or struct.error."""
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
    raise ValueError("no picture")


def shortened(data: bytes) -> bytes | None:
    """The picture alone, without its last bytes: whole, it cannot be decoded any more.

    None for animations, and where there is too little to leave out.
    """
    for name, start, end in _chunks(data):
        if name in _SPARE and end - start > 2 * _SPARE[name]:
            body = data[start : end - _SPARE[name]]
            length = struct.pack("<I", len(body))
            body += bytes(len(body) % 2)
            chunk = name + length + body
            return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
        if name == b"ANMF":
            return None
    return None


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk's content."""
    place = _HEAD
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(data):
            return
        name, length = struct.unpack_from("<4sI", data, place)
        yield name, place + 8, min(place + 8 + length, len(data))
        place += 8 + length + length % 2
