"""TIFF directories and JPEG segments built by hand, which no encoder writes."""

from __future__ import annotations

import struct
from collections.abc import Sequence

SHORT, LONG = 3, 4

Entry = tuple[int, int, int, int]  # tag, type, count, value


def tiff(entries: Sequence[Entry], order: str = "<") -> bytes:
    """A TIFF of one directory, followed by 70 kB of zeros."""
    packed = []
    for tag, type_, count, value in entries:
        small = count == 1 and type_ in (SHORT, 8)
        field = f"{order}HHIHH" if small else f"{order}HHII"
        packed.append(struct.pack(field, tag, type_, count, *((value, 0) if small else (value,))))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    directory = struct.pack(f"{order}H", len(packed)) + b"".join(packed) + bytes(4)
    return head + directory + bytes(70_000)


def grey_tiff(width: Sequence[Entry], *others: Entry, side: int = 10) -> list[Entry]:
    """The entries of an uncompressed grey image, `width` included."""
    rest = [(257, SHORT, 1, side), (258, SHORT, 1, 8), (259, SHORT, 1, 1), (262, SHORT, 1, 1)]
    strips = [
        (273, LONG, 1, 500),
        (277, SHORT, 1, 1),
        (278, SHORT, 1, side),
        (279, LONG, 1, 60_000),
    ]
    return [*width, *rest, *strips, *others]


def frame(side: int) -> bytes:
    """A start-of-frame segment (SOF0) that declares `side` x `side` pixels."""
    return b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, side, side, 1) + b"\1\x11\0"


def hidden(side: int) -> bytes:
    """A frame inside a false segment: libjpeg does not read FF 00 as a marker.

    A reader that takes it for a segment skips the frame in it.
    """
    return b"\xff\0" + struct.pack(">H", 2 + len(frame(side))) + frame(side)
