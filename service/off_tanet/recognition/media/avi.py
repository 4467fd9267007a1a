"""The chunks in the header of an AVI that FFmpeg may read: those of video streams.

Indexes are masked. Frames are read in the order in which they are stored, since indexes that refer
to each other repeatedly expand without limit.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from off_tanet.recognition.media.masking import View

_HEADERS = {b"avih": 56, b"strh": 48, b"strf": 16}  # with the smallest size in bytes
_LISTS = {b"hdrl", b"strl"}
_MASK = b"JUNK"
_VIDEO, _OTHER = b"vids", b"dats"  # kinds of streams; FFmpeg has no decoder for the second

_MAX_STREAMS = 16
_MAX_CHUNKS = 100_000


def view(data: bytes) -> View:
    """Return a view of the video streams only.

    Raises ValueError or struct.error for a header that is ambiguous or cut short.
    """
    found = View(constant_rate=True)
    streams, frames, is_video = 0, len(data), False
    for name, offset, size in _chunks(data, 12):
        kind = data[offset + 8 : offset + 12]
        if name == b"LIST" and kind == b"movi":
            frames = offset + 8 + size + size % 2
            break
        if name == b"LIST" and kind in _LISTS:
            continue
        if name not in _HEADERS:
            found.masks[offset] = _MASK
            continue
        if size < _HEADERS[name] or size % 2:
            raise ValueError("a header of an invalid length")
        if name == b"strh":
            streams += 1
            is_video = kind == _VIDEO
            if not is_video:
                found.masks[offset + 8] = _OTHER
        elif name == b"strf" and is_video:
            width, height = struct.unpack_from("<ii", data, offset + 12)
            found.add_stream(width, abs(height))
    if streams > _MAX_STREAMS:
        raise ValueError("more streams than a camera records")
    trailing = _chunks(data, frames)
    found.masks |= {offset: _MASK for name, offset, _ in trailing if name == b"idx1"}
    return found


def _chunks(data: bytes, position: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, offset and size of each chunk: a list, then its chunks, as FFmpeg reads them."""
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return
        name, size = struct.unpack_from("<4sI", data, position)
        yield name, position, size
        if name == b"LIST" and data[position + 8 : position + 12] in _LISTS:
            position += 12
        else:
            position += 8 + size + size % 2
    raise ValueError("more chunks than a header has")
