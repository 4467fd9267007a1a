"""The chunks of a WebP (RFC 9649), and whether its coded image is complete.

The coded data have no checksum and no markers. But a decoder that was misled by damage does not
stop where the data end: either it needs more data, which libwebp reports, or it needs less, which
`truncate` makes visible.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_HEADER_BYTES = 12
_MAX_CHUNKS = 10_000
_TRUNCATED_BYTES = {b"VP8 ": 24, b"VP8L": 2}
"""Bytes that `truncate` removes from the end, by chunk.

The arithmetic decoder of VP8 reads ahead of what it needs. In VP8L an error is soon corrected and
leaves a pixel more or less; its codes end within the last two bytes, since encoders pad the data to
an even length.
"""


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels. Raises ValueError or struct.error."""
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
    raise ValueError("no image")


def truncate(data: bytes) -> bytes | None:
    """Return the image alone without its last bytes; an undamaged one is then undecodable.

    None for animations, and where the data are too short.
    """
    for name, start, end in _chunks(data):
        if name in _TRUNCATED_BYTES and end - start > 2 * _TRUNCATED_BYTES[name]:
            body = data[start : end - _TRUNCATED_BYTES[name]]
            length = struct.pack("<I", len(body))
            body += bytes(len(body) % 2)
            chunk = name + length + body
            return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
        if name == b"ANMF":
            return None
    return None


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the content of each chunk."""
    offset = _HEADER_BYTES
    for _ in range(_MAX_CHUNKS):
        if offset + 8 > len(data):
            return
        name, length = struct.unpack_from("<4sI", data, offset)
        yield name, offset + 8, min(offset + 8 + length, len(data))
        offset += 8 + length + length % 2
