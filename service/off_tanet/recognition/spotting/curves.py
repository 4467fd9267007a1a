"""The course of an expression over time: from onset over apex to offset, on a curve [T].

Places on a curve are frames, counted from its first, and need not be whole.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOW, _HIGH = 0.3, 0.8  # of the height; between them an edge is steep, and noise moves it little
_BEYOND = 0.8  # of their distance, to the foot; a raised cosine's is 1.1, a straight line's 0.6


def gaussian_smooth(curves: Floats, frames: float) -> Floats:
    """Curves [T] or [T, N], each averaged over time by a Gaussian of deviation `frames`."""
    if frames < 0.3:
        return curves
    reach = 2 * int(np.ceil(3 * frames)) + 1
    # A width of 1 and a deviation across of nothing to speak of: time alone is averaged.
    calm = cv2.GaussianBlur(
        np.ascontiguousarray(curves.reshape(len(curves), -1)),
        (1, reach),
        sigmaX=0.01,
        sigmaY=frames,
        borderType=cv2.BORDER_REPLICATE,
    )
    return np.asarray(calm, np.float64).reshape(curves.shape)


def even_moments(times_s: Floats, most: float) -> Floats:
    """Evenly spaced moments over those of T frames: as many a second, at most `most`."""
    span_s = max(float(times_s[-1] - times_s[0]), 1e-6)
    count = min(len(times_s), 1 + round(span_s * most))
    return np.linspace(times_s[0], times_s[0] + span_s, max(2, count))


def resampled(curves: Floats, times_s: Floats, at_s: Floats) -> Floats:
    """Curves [T] or [T, N] at other moments, on straight lines between the given ones.

    Where there are fewer of them, the curves are averaged over their distance first: a film of
    more frames is then one of less noise, and nothing else.
    """
    thinned = (len(times_s) - 1) / (len(at_s) - 1)
    calm = gaussian_smooth(curves, 0.5 * thinned) if thinned > 1 else curves
    flat = calm.reshape(len(calm), -1)
    place = np.interp(at_s, times_s, np.arange(len(times_s)))
    below = np.minimum(place.astype(int), len(times_s) - 2)
    part = (place - below)[:, None]
    between = (1 - part) * flat[below] + part * flat[below + 1]
    return np.asarray(between, np.float64).reshape(len(at_s), *curves.shape[1:])


def lowered(lids: Floats) -> Floats:
    """How far lids [T] are below where they mostly are: 0 where they are raised.

    A blink lowers them. What raises them is an expression, of lids or brows, and explains nothing.
    """
    return np.maximum(lids - np.median(lids), 0)


def edge(side: Floats) -> float:
    """How far a course reaches from its peak, `side[0]`, to its foot, `side[-1]`.

    The line through its crossings of 30% and 80% of its height, drawn on to where it would end.
    """
    if len(side) < 2:
        return 0.0
    foot, height = side[-1], side[0] - side[-1]
    low, high = (_crossing(side, foot + level * height) for level in (_LOW, _HIGH))
    return low + _BEYOND * (low - high)


def _crossing(side: Floats, level: float) -> float:
    """Where a falling curve first passes below a level, between two frames."""
    below = int(np.argmax(side < level))
    if below == 0:
        return float(len(side) - 1)
    before, after = side[below - 1], side[below]
    return below - 1 + float((before - level) / (before - after))
