"""The segments of a JPEG (ITU-T T.81, annex B), found as libjpeg finds them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

# What comes before a marker is passed over. FF 00 is no marker, wherever it stands; TEM and RST
# (01, D0 to D7) are passed over, too, as they bring nothing.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_END, _SCAN = 0xD9, 0xDA
_NO_FRAMES = frozenset({0xC4, 0xC8, 0xCC})  # DHT, JPG, DAC: named among the frames' headers
_FRAMES = frozenset(range(0xC0, 0xD0)) - _NO_FRAMES
_OTHERS = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})

_COMPONENTS = frozenset({1, 3, 4})  # grey, colour, CMYK
_MOST_SEGMENTS = 5000  # 50 MB in segments of 64 kB are 800; each empty one costs a microsecond
# Each scan goes over the whole picture, whatever it brings: 4 ms for 49 million pixels.
# Encoders write 10.
_MOST_SCANS = 100


def size(data: bytes) -> tuple[int, int]:
    """Width and height that the frame's header tells.

    Raises ValueError, struct.error or IndexError for a file that libjpeg would not read, or only
    at a cost that no camera's picture has.
    """
    found: tuple[int, int] | None = None
    scans = 0
    for marker, place in _segments(data):
        if marker in _FRAMES:
            if found is not None:
                raise ValueError("a second frame")
            height, width, components = struct.unpack_from(">HHB", data, place + 3)
            if components not in _COMPONENTS:
                raise ValueError("samples of no colour")
            found = width, height
        elif marker == _SCAN:
            scans += 1
            if found is None or scans > _MOST_SCANS:
                raise ValueError("a scan without a frame, or too many")
    if found is None:
        raise ValueError("no frame")
    return found


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The marker and the place of the length of each segment, up to the picture's end.

    A file that has no end is left to libjpeg, which tells what is missing.
    """
    position = 2
    for _ in range(_MOST_SEGMENTS):
        match = _MARKER.search(data, position)
        if match is None or data[match.end() - 1] == _END:
            return
        marker, position = data[match.end() - 1], match.end()
        if marker not in _FRAMES and marker not in _OTHERS and marker != _SCAN:
            raise ValueError("an unknown marker")
        yield marker, position
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2:
            raise ValueError("a segment shorter than its length")
        position += length
    raise ValueError("too many segments")
