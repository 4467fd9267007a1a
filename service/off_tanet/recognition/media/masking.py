"""The parts of an uploaded file that FFmpeg may read; the other bytes are overwritten.

What FFmpeg must not read (sound, titles, indexes) is replaced by padding of the same length, so
that it takes no memory and reaches no decoder or parser. The upload itself is not copied.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate


class TooManyFramesError(Exception):
    """The index of a file has more entries than a clip may have frames."""


@dataclass(slots=True)
class View:
    """What FFmpeg sees of a file.

    Attributes:
        masks: The bytes to overwrite the file with, by their offset.
        size: Width and height in pixels of the largest stream, as the container declares it.
        broken: Whether the chain of parts is interrupted somewhere.
        constant_rate: Whether frames have a constant rate and the container does not store the
            order in which they are presented.
    """

    masks: dict[int, bytes] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    broken: bool = False
    constant_rate: bool = False

    def add_stream(self, width: int, height: int) -> None:
        """Enlarge `size` to that of a stream in pixels, if the stream has a larger area."""
        self.size = max(self.size, (width, height), key=lambda size: size[0] * size[1])


class MaskedFile(io.BytesIO):
    """A file object that reads `data` with the bytes at some offsets replaced by `masks`."""

    def __init__(self, data: bytes, masks: Mapping[int, bytes]) -> None:
        super().__init__(data)
        self._masks = sorted(masks.items())
        ends = (offset + len(mask) for offset, mask in self._masks)
        self._ends = list(accumulate(ends, max))

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes, masked."""
        start = self.tell()
        read = super().read(size)
        end = start + len(read)
        masked: bytearray | None = None
        for offset, mask in self._masks[bisect_right(self._ends, start) :]:
            if offset >= end:
                break
            masked = bytearray(read) if masked is None else masked
            part = mask[max(0, start - offset) : end - offset]
            target = max(0, offset - start)
            masked[target : target + len(part)] = part
        return read if masked is None else bytes(masked)
