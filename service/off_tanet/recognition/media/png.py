"""The chunks of a PNG (ISO/IEC 15948)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_SIGNATURE_BYTES = 8
_HEADER = b"\0\0\0\x0dIHDR"
_STILL = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
_XMP = b"XML:com.adobe.xmp\0\0"  # not compressed
_ORIENTATION = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\b""")
_MAX_CHUNKS = 100_000  # 50 MB in the usual 8 kB chunks are 6,000


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels. Raises ValueError or struct.error."""
    if data[8:16] != _HEADER:
        raise ValueError("no header")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def significant_bits(data: bytes) -> int:
    """Return the significant bits of a colour sample, as the file declares (sBIT), or 8."""
    for name, start, end in chunks(data):
        if name == b"sBIT":
            channels = {0: 1, 4: 1}.get(data[25], 3)  # grey or colour
            bits = data[start + 8 : min(start + 8 + channels, end - 4)]
            return min(max(bits, default=8), 16)
        if name == b"IDAT":
            break
    return 8


def transparent_grey(data: bytes) -> int | None:
    """Return the grey level, of 8 or 16 bits, that is transparent (tRNS of a grey image)."""
    bits, colours = data[24:26]
    if colours != 0:
        return None
    for name, start, end in chunks(data):
        if name == b"tRNS" and end - start == 14:
            (grey,) = struct.unpack_from(">H", data, start + 8)
            largest = (1 << bits) - 1
            grey &= largest  # the higher bits are unused
            return int(grey) * 255 // largest if bits < 8 else int(grey)
        if name == b"IDAT":
            break
    return None


def orientation(data: bytes) -> int | None:
    """Return the EXIF orientation from XMP; None without it, or where an EXIF chunk exists."""
    found = None
    for name, start, end in chunks(data):
        if name == b"eXIf":
            return None
        if name == b"iTXt" and data.startswith(_XMP, start + 8):
            match = _ORIENTATION.search(data, start, end)
            found = int(match[1]) if match else None
    return found


def is_whole(data: bytes) -> bool:
    """Return whether all chunks are complete, the header is first and there is only one.

    OpenCV allocates 4 GB for a chunk that declares 2 GB before it checks that the data exist. Which
    of two headers it uses is undefined. Raises struct.error.
    """
    numbered = enumerate(chunks(data))
    return all(
        (name == b"IHDR") == (number == 0) and number < _MAX_CHUNKS and end <= len(data)
        for number, (name, _, end) in numbered
    )


def strip_extras(data: bytes) -> bytes:
    """Return the file with only the chunks of its still image.

    This removes animations: OpenCV 5.0 was seen to crash on the frames of a broken one. It also
    removes colour profiles and texts, which would be decompressed but are not used.
    """
    found = list(chunks(data))
    if all(name in _STILL for name, _, _ in found):
        return data
    kept = (data[start:end] for name, start, end in found if name in _STILL)
    return data[:_SIGNATURE_BYTES] + b"".join(kept)


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk, up to the end chunk. Raises struct.error."""
    name, end = b"", _SIGNATURE_BYTES
    while name != b"IEND":
        start: int = end
        length, name = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        yield name, start, end
