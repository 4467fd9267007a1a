"""The segments of a JPEG (ITU-T T.81, annex B), found as libjpeg finds them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from off_tanet.recognition.media import entropy, tiff
from off_tanet.recognition.media.entropy import Outcome

# What comes before a marker is passed over. FF 00 is no marker, wherever it stands; TEM and RST
# (01, D0 to D7) are passed over, too, as they bring nothing.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_END, _SCAN, _APP1 = 0xD9, 0xDA, 0xE1
_EXIF = b"Exif\0\0"
_START_MARKER = b"\xff\xd8"
_END_MARKER = b"\xff\xd9"
_NO_FRAMES = frozenset({0xC4, 0xC8, 0xCC})  # DHT, JPG, DAC: named among the frames' headers
_FRAMES = frozenset(range(0xC0, 0xD0)) - _NO_FRAMES
_OTHERS = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})

_JPEG_LS = 0xF7
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF})
_LOSSLESS = frozenset({0xC3, 0xCB})

_COMPONENTS = frozenset({1, 3, 4})  # grey, colour, CMYK
_MOST_SEGMENTS = 5000  # 50 MB in segments of 64 kB are 800; each empty one costs a microsecond
# Each scan goes over the whole picture, whatever it brings: 4 ms for 49 million pixels.
# Encoders write 10.
_MOST_SCANS = 100


class UnreadJpegError(ValueError):
    """A kind of JPEG that is not read; the message names it."""


def whole(data: bytes) -> tuple[bytes, Outcome]:
    """The file with an end, and whether all of its picture is there.

    An end marker that is missing is not missed: cameras and cut downloads leave it out.
    """
    return data + _END_MARKER, entropy.walk_jpeg(data)


def frame(packet: bytes) -> bytes:
    """A frame of Motion JPEG from its first marker on, as FFmpeg looks for it."""
    return packet[max(0, packet.find(_START_MARKER)) :]


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
            bits, height, width, components = struct.unpack_from(">BHHB", data, place + 2)
            _check_process(marker, bits, height)
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


def orientation(data: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where none is told before the first scan."""
    try:
        for marker, place in _segments(data):
            if marker == _APP1 and data[place + 2 : place + 8] == _EXIF:
                (length,) = struct.unpack_from(">H", data, place)
                return tiff.orientation(data[place + 2 : place + length])
            if marker == _SCAN:
                break
    except (ValueError, struct.error):
        pass
    return 1


def _check_process(marker: int, bits: int, height: int) -> None:
    """Raises UnreadJpegError for what libjpeg, or its build in OpenCV, does not decode."""
    if marker in _HIERARCHICAL:
        raise UnreadJpegError("Hierarchical JPEG is not read.")
    if marker in _LOSSLESS:
        raise UnreadJpegError("Lossless JPEG is not read.")
    if bits != 8:
        raise UnreadJpegError(f"JPEG of {bits} bits a sample is not read.")
    if height == 0:
        raise UnreadJpegError("JPEG that tells its height at its end is not read.")


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
        if marker == _JPEG_LS:
            raise UnreadJpegError("JPEG-LS is not read.")
        if marker not in _FRAMES and marker not in _OTHERS and marker != _SCAN:
            raise ValueError("an unknown marker")
        yield marker, position
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2:
            raise ValueError("a segment shorter than its length")
        position += length
    raise ValueError("too many segments")
