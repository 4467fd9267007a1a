"""The chunks of a PNG (ISO/IEC 15948)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_SIGNATURE = 8  # bytes
_HEADER = b"\0\0\0\x0dIHDR"
_STILL = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
_XMP = b"XML:com.adobe.xmp\0\0"  # not compressed
_ORIENTATION = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\b""")
_MOST_CHUNKS = 100_000  # 50 MB in the 8 kB that writers take are 6,000


def size(data: bytes) -> tuple[int, int]:
    """Width and height. Raises ValueError or struct.error."""
    if data[8:16] != _HEADER:
        raise ValueError("no header")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def significant_bits(data: bytes) -> int:
    """The bits of the colours' samples that are in use, as the file tells (sBIT); else 8."""
    for name, start, end in chunks(data):
        if name == b"sBIT":
            channels = {0: 1, 4: 1}.get(data[25], 3)  # of grey, or of colours
            bits = data[start + 8 : min(start + 8 + channels, end - 4)]
            return min(max(bits, default=8), 16)
        if name == b"IDAT":
            break
    return 8


def transparent_grey(data: bytes) -> int | None:
    """The grey that is transparent (tRNS of a grey picture), of 8 or 16 bits."""
    bits, colours = data[24:26]
    if colours != 0:
        return None
    for name, start, end in chunks(data):
        if name == b"tRNS" and end - start == 14:
            (grey,) = struct.unpack_from(">H", data, start + 8)
            largest = (1 << bits) - 1
            grey &= largest  # the bits above are nothing's
            return int(grey) * 255 // largest if bits < 8 else int(grey)
        if name == b"IDAT":
            break
    return None


def orientation(data: bytes) -> int | None:
    """EXIF's, as XMP tells it; None where that is silent, or where there is EXIF itself."""
    found = None
    for name, start, end in chunks(data):
        if name == b"eXIf":
            return None
        if name == b"iTXt" and data.startswith(_XMP, start + 8):
            match = _ORIENTATION.search(data, start, end)
            found = int(match[1]) if match else None
    return found


def is_whole(data: bytes) -> bool:
    """Whether all chunks are there, with one header, first. Raises struct.error.

    For a chunk that claims 2 GB OpenCV takes 4 GB before it looks for them, and which of two
    headers it goes by is its own affair.
    """
    numbered = enumerate(chunks(data))
    return all(
        (name == b"IHDR") == (number == 0) and number < _MOST_CHUNKS and end <= len(data)
        for number, (name, _, end) in numbered
    )


def still(data: bytes) -> bytes:
    """The file without all that its one picture does not need.

    Animations above all: OpenCV 5.0 was seen to crash on the frames of a broken one. Colour
    profiles and texts would be unfolded, and nobody looks at them.
    """
    found = list(chunks(data))
    if all(name in _STILL for name, _, _ in found):
        return data
    kept = (data[start:end] for name, start, end in found if name in _STILL)
    return data[:_SIGNATURE] + b"".join(kept)


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk, up to the one that says that it is the last."""
    name, end = b"", _SIGNATURE
    while name != b"IEND":
        start: int = end
        length, name = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        yield name, start, end
