"""Round numbers for scales and axes."""

from __future__ import annotations

import math
from collections.abc import Iterator


def round_up(value: float) -> float:
    """Return the next higher 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * (1 - 1e-6))


def ticks(start: float, end: float) -> Iterator[float]:
    """Return about four round numbers between `start` and `end`."""
    step = round_up((end - start) / 5)
    first = math.ceil(start / step - 1e-9)
    last = math.floor(end / step + 1e-9)
    return (round(index * step, 9) for index in range(first, last + 1))
