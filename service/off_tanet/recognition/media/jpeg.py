"""The segments of a JPEG (ITU-T T.81, annex B), parsed as libjpeg parses them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from off_tanet.recognition.media import tiff

# Bytes before a marker are skipped. FF 00 is never a marker. TEM and RST (01, D0 to D7) are skipped
# too, since they have no content.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_END, _SCAN, _APP1 = 0xD9, 0xDA, 0xE1
_EXIF = b"Exif\0\0"
_START_MARKER = b"\xff\xd8"
_END_MARKER = b"\xff\xd9"
_NO_FRAMES = frozenset({0xC4, 0xC8, 0xCC})  # DHT, JPG, DAC: in the range of the frame headers
_FRAMES = frozenset(range(0xC0, 0xD0)) - _NO_FRAMES
_OTHERS = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})

_JPEG_LS = 0xF7
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF})
_LOSSLESS = frozenset({0xC3, 0xCB})

_COMPONENTS = frozenset({1, 3, 4})  # grey, colour, CMYK
_MAX_SEGMENTS = 5000  # 50 MB in segments of 64 kB are 800; each empty one costs a microsecond
# libjpeg traverses the whole image for each scan, even an empty one: 4 ms for 49 million pixels.
# Encoders write 10 scans.
_MAX_SCANS = 100

LEAST_REDUCED = 1024
"""The shorter side of a reduced picture has at least so many pixels.

The networks that find a face shrink it further in any case.
"""

REDUCTIONS = (8, 4, 2)
"""By how much libjpeg reduces width and height while it decodes."""


class UnsupportedJpegError(ValueError):
    """A kind of JPEG that is not supported; the message names it."""


def append_end_marker(data: bytes) -> bytes:
    """Return the file with an end marker, which some cameras and cut downloads leave out."""
    return data + _END_MARKER


def extract_frame(packet: bytes) -> bytes:
    """Return a frame of Motion JPEG from its start marker on, as FFmpeg searches for it."""
    return packet[max(0, packet.find(_START_MARKER)) :]


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels from the frame header.

    Raises ValueError, struct.error or IndexError for a file that libjpeg would not decode, or that
    would take more time to decode than the image of a camera.
    """
    found: tuple[int, int] | None = None
    scans = 0
    for marker, offset in _segments(data):
        if marker in _FRAMES:
            if found is not None:
                raise ValueError("a second frame")
            found = _frame_size(data, marker, offset)
        elif marker == _SCAN:
            scans += 1
            if found is None or scans > _MAX_SCANS:
                raise ValueError("a scan without a frame, or too many")
    if found is None:
        raise ValueError("no frame")
    return found


def _first_size(data: bytes) -> tuple[int, int]:
    """Width and height from the first frame header; what follows is not read, unlike in `size`."""
    for marker, offset in _segments(data):
        if marker in _FRAMES:
            return _frame_size(data, marker, offset)
    raise ValueError("no frame")


def _frame_size(data: bytes, marker: int, offset: int) -> tuple[int, int]:
    bits, height, width, components = struct.unpack_from(">BHHB", data, offset + 2)
    _check_process(marker, bits, height)
    if components not in _COMPONENTS:
        raise ValueError("a number of components that is no colour")
    return width, height


def common_reduction(*files: bytes) -> int:
    """Return by how much pictures may be reduced while they are decoded.

    Args:
        files: Files of any kind.

    Returns:
        One of `REDUCTIONS` where all are JPEG files of one size, whose sides it divides and whose
        shorter side keeps `LEAST_REDUCED` pixels; otherwise 1, also where a header is broken.
    """
    if not all(data.startswith(_START_MARKER) for data in files):
        return 1
    try:
        sizes = {_first_size(data) for data in files}
    except (struct.error, LookupError, ValueError):
        return 1
    if len(sizes) > 1:
        return 1
    width, height = sizes.pop()
    fitting = (step for step in REDUCTIONS if not (width % step or height % step))
    return next((step for step in fitting if min(width, height) >= step * LEAST_REDUCED), 1)


def orientation(data: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; 1 (upright) if none comes before the first scan."""
    try:
        for marker, offset in _segments(data):
            if marker == _APP1 and data[offset + 2 : offset + 8] == _EXIF:
                (length,) = struct.unpack_from(">H", data, offset)
                return tiff.orientation(data[offset + 2 : offset + length])
            if marker == _SCAN:
                break
    except (ValueError, struct.error):
        pass
    return 1


def _check_process(marker: int, bits: int, height: int) -> None:
    """Raise UnsupportedJpegError for what libjpeg, or its build in OpenCV, does not decode."""
    if marker in _HIERARCHICAL:
        raise UnsupportedJpegError("Hierarchical JPEG is not supported.")
    if marker in _LOSSLESS:
        raise UnsupportedJpegError("Lossless JPEG is not supported.")
    if bits != 8:
        raise UnsupportedJpegError(f"JPEG with {bits} bits per sample is not supported.")
    if height == 0:
        raise UnsupportedJpegError("JPEG with its height at the end (DNL) is not supported.")


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker of each segment and the offset of its length, up to the end marker.

    A file without an end marker is accepted here; libjpeg reports what is missing.
    """
    position = 2
    for _ in range(_MAX_SEGMENTS):
        match = _MARKER.search(data, position)
        if match is None or data[match.end() - 1] == _END:
            return
        marker, position = data[match.end() - 1], match.end()
        if marker == _JPEG_LS:
            raise UnsupportedJpegError("JPEG-LS is not supported.")
        if marker not in _FRAMES and marker not in _OTHERS and marker != _SCAN:
            raise ValueError("an unknown marker")
        yield marker, position
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2:
            raise ValueError("a segment shorter than its length field")
        position += length
    raise ValueError("too many segments")
