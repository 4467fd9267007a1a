"""The square tiles of a picture in which faces are searched, from coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from off_tanet.recognition.face.regions import Region

MOST_TILES = 128
"""Of one level. No level of a picture that is at most 2 times as long as wide has more."""

LEAST_SHARE = 1 / 8
"""The smallest face that the first level is for, as a share of the picture's shorter side."""

_SHARE_OF_TILE = 3 / 32  # 12 of the network's 128 pixels
_LEAST_SIDE = 128.0  # pixels; smaller tiles would be enlarged
_OVERLAP = 0.25  # of the tile; what is larger than that, a coarser level has found


@dataclass(frozen=True, slots=True)
class Level:
    """Tiles of one size that cover the picture.

    Attributes:
        tiles: The tiles.
        least_face: The smallest face that is found reliably, in pixels.
    """

    tiles: tuple[Region, ...]
    least_face: float


def levels(width: int, height: int, most: int) -> Iterator[Level]:
    """Yield the levels of a picture, the coarsest first; each halves the tiles.

    The first level's tiles are larger than the shorter side by a third. A picture of 4:3 has one,
    and a face that fills a square picture has a margin. There are no tiles of less than 128 pixels.

    Args:
        width: The width of the picture, in pixels.
        height: Its height.
        most: The number of levels at most.

    Yields:
        The levels: 1, 6, 20 and 88 tiles of a picture of 4:3. At least one, however small or
        long the picture is.
    """
    shorter, longer = sorted((width, height))
    side = shorter * LEAST_SHARE / _SHARE_OF_TILE
    if _count(longer, side) > MOST_TILES:
        side = longer / (MOST_TILES - 1) / (1 - _OVERLAP)
    for number in range(most):
        columns, rows = _count(width, side), _count(height, side)
        if number and (side < _LEAST_SIDE or columns * rows > MOST_TILES):
            return
        tiles = tuple(
            Region(x, y, side)
            for y in _centres(height, side, rows)
            for x in _centres(width, side, columns)
        )
        yield Level(tiles, _SHARE_OF_TILE * side)
        side /= 2


def _count(length: int, side: float) -> int:
    return max(0, math.ceil((length - side) / (side * (1 - _OVERLAP)) - 1e-9)) + 1


def _centres(length: int, side: float, count: int) -> list[float]:
    """The centres of evenly spaced tiles along a side of the picture."""
    if count == 1:
        return [length / 2 - 0.5]
    step = (length - side) / (count - 1)
    return [side / 2 - 0.5 + number * step for number in range(count)]
