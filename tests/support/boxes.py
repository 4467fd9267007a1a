"""MP4 and Matroska files parsed into boxes and joined again, so that a box can be replaced."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

_PARENTS = frozenset(b"moov trak edts mdia minf stbl mvex moof traf".split())


@dataclass(slots=True)
class Box:
    """A box of ISO/IEC 14496-12; `parts` are the boxes in it, otherwise its content is `data`."""

    name: bytes
    data: bytes = b""
    parts: list[Box] | None = None

    def packed(self) -> bytes:
        content = self.data if self.parts is None else packed(self.parts)
        return struct.pack(">I4s", 8 + len(content), self.name) + content

    def part(self, *path: bytes) -> Box:
        """The first box at `path` below this one."""
        found = next(part for part in self.parts or [] if part.name == path[0])
        return found.part(*path[1:]) if path[1:] else found


def boxes(data: bytes) -> list[Box]:
    found = []
    while data:
        size, name = struct.unpack_from(">I4s", data)
        content = data[8:size]
        found.append(Box(name, parts=boxes(content)) if name in _PARENTS else Box(name, content))
        data = data[size:]
    return found


def packed(parts: list[Box]) -> bytes:
    return b"".join(part.packed() for part in parts)


def changed(data: bytes, change: Callable[[Box], object]) -> bytes:
    """The file after `change` of its root. Its index must come after its frames."""
    root = Box(b"", parts=boxes(data))
    change(root)
    return packed(root.parts or [])


def full(name: bytes, *words: int, tail: bytes = b"", flags: int = 0) -> Box:
    """A box of a version and flags, 32-bit words and other data."""
    return Box(name, struct.pack(f">{1 + len(words)}I", flags, *words) + tail)


def element(identity: int, content: bytes, width: int = 8) -> bytes:
    """An element of Matroska, its size in this many bytes."""
    name = identity.to_bytes((identity.bit_length() + 7) // 8, "big")
    return name + (len(content) | 1 << 7 * width).to_bytes(width, "big") + content
