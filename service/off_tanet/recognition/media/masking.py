"""A file as FFmpeg is shown it: the upload's bytes with some of them overwritten.

What FFmpeg is not to read (sound, titles, indexes) becomes padding of the same length, so that it
costs no memory, and no decoder or parser ever sees it. The upload itself is not copied.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate


class TooManyFramesError(Exception):
    """An index is longer than a clip may be."""


@dataclass(slots=True)
class View:
    """What FFmpeg is to see of a file: all but `masks`, what to write in which place.

    `size` is the width and height that its container tells of the largest stream; `broken` says
    that somewhere a part is followed by nothing that belongs there; `counted` that frames come at
    one rate, and that the container does not tell in which order they are shown.
    """

    masks: dict[int, bytes] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    broken: bool = False
    counted: bool = False

    def measure(self, width: int, height: int) -> None:
        """Take a stream of this size into account."""
        self.size = max(self.size, (width, height), key=lambda size: size[0] * size[1])


class MaskedFile(io.BytesIO):
    """`data` with each of `masks`, by its place, in the stead of as many bytes."""

    def __init__(self, data: bytes, masks: Mapping[int, bytes]) -> None:
        super().__init__(data)
        self._masks = sorted(masks.items())
        ends = (place + len(mask) for place, mask in self._masks)
        self._ends = list(accumulate(ends, max))

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        read = super().read(size)
        end = start + len(read)
        shown: bytearray | None = None
        for place, mask in self._masks[bisect_right(self._ends, start) :]:
            if place >= end:
                break
            shown = bytearray(read) if shown is None else shown
            seen = mask[max(0, start - place) : end - place]
            offset = max(0, place - start)
            shown[offset : offset + len(seen)] = seen
        return read if shown is None else bytes(shown)
