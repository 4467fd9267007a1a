"""The chunks of an AVI's header that FFmpeg is shown: those of pictures.

Indexes are left out: frames are read in the order in which they lie, and one that points to another
again and again unfolds without end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from off_tanet.recognition.media.masking import View

_HEADERS = {b"avih": 56, b"strh": 48, b"strf": 16}  # and the bytes that each has at least
_LISTS = {b"hdrl", b"strl"}
_MASK = b"JUNK"
_PICTURES, _OTHER = b"vids", b"dats"  # kinds of streams; FFmpeg has no decoder for the second

_MOST_STREAMS = 16
_MOST_CHUNKS = 100_000


def view(data: bytes) -> View:
    """The streams of pictures and nothing else.

    Raises ValueError or struct.error for a header that can be read in two ways.
    """
    found = View(counted=True)
    streams, frames, pictures = 0, len(data), False
    for name, place, size in _chunks(data, 12):
        kind = data[place + 8 : place + 12]
        if name == b"LIST" and kind == b"movi":
            frames = place + 8 + size + size % 2
            break
        if name == b"LIST" and kind in _LISTS:
            continue
        if name not in _HEADERS:
            found.masks[place] = _MASK
            continue
        if size < _HEADERS[name] or size % 2:
            raise ValueError("a header of another length")
        if name == b"strh":
            streams += 1
            pictures = kind == _PICTURES
            if not pictures:
                found.masks[place + 8] = _OTHER
        elif name == b"strf" and pictures:
            width, height = struct.unpack_from("<ii", data, place + 12)
            found.measure(width, abs(height))
    if streams > _MOST_STREAMS:
        raise ValueError("more streams than a camera has")
    behind = _chunks(data, frames)
    found.masks |= {place: _MASK for name, place, _ in behind if name == b"idx1"}
    return found


def _chunks(data: bytes, position: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and size of each chunk; those of a list follow it, as FFmpeg reads them."""
    for _ in range(_MOST_CHUNKS):
        if position + 8 > len(data):
            return
        name, size = struct.unpack_from("<4sI", data, position)
        yield name, position, size
        if name == b"LIST" and data[position + 8 : position + 12] in _LISTS:
            position += 12
        else:
            position += 8 + size + size % 2
    raise ValueError("more chunks than a header has")
