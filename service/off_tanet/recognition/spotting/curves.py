"""Smoothing, resampling and edges of curves [T] over time.

Positions on a curve are counted in frames from its first one and may be fractional.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOW, _HIGH = 0.3, 0.8  # of the height; in between an edge is steep, and noise shifts it little
_BEYOND = 0.8  # of their distance, to the foot: 1.1 for a raised cosine, 0.6 for a straight line

_LEAST_SPAN_S = 1e-3  # of a clip: filters are as long as a rate is high, and take as much time


def gaussian_smooth(curves: Floats, frames: float) -> Floats:
    """Smooth curves over time.

    Args:
        curves: Curves [T] or [T, N].
        frames: The standard deviation of the Gaussian, in frames; below 0.3 nothing is done.

    Returns:
        The smoothed curves, of the same shape.
    """
    if frames < 0.3:
        return curves
    reach = 2 * int(np.ceil(3 * frames)) + 1
    # A width of 1 and a tiny deviation across the curves: only time is averaged.
    smooth = cv2.GaussianBlur(
        np.ascontiguousarray(curves.reshape(len(curves), -1)),
        (1, reach),
        sigmaX=0.01,
        sigmaY=frames,
        borderType=cv2.BORDER_REPLICATE,
    )
    return np.asarray(smooth, np.float64).reshape(curves.shape)


def even_moments(times_s: Floats, most: float) -> Floats:
    """Return evenly spaced times over the span of a clip.

    Args:
        times_s: The times of the frames, [T], in seconds.
        most: The highest rate of the result, in samples a second.

    Returns:
        At least 2 times and at most T, in seconds.
    """
    span_s = max(float(times_s[-1] - times_s[0]), _LEAST_SPAN_S)
    count = min(len(times_s), 1 + round(span_s * most))
    return np.linspace(times_s[0], times_s[0] + span_s, max(2, count))


def resampled(curves: Floats, times_s: Floats, at_s: Floats) -> Floats:
    """Interpolate curves linearly at other times.

    Downsampled curves are smoothed over the new distance first, so that more frames only mean less
    noise.

    Args:
        curves: Curves [T] or [T, N].
        times_s: The times of the curves, [T], in seconds.
        at_s: The times of the result, [M], in seconds.

    Returns:
        The curves [M] or [M, N].
    """
    thinned = (len(times_s) - 1) / (len(at_s) - 1)
    smooth = gaussian_smooth(curves, 0.5 * thinned) if thinned > 1 else curves
    flat = smooth.reshape(len(smooth), -1)
    place = np.interp(at_s, times_s, np.arange(len(times_s)))
    below = np.minimum(place.astype(int), len(times_s) - 2)
    part = (place - below)[:, None]
    between = (1 - part) * flat[below] + part * flat[below + 1]
    return np.asarray(between, np.float64).reshape(len(at_s), *curves.shape[1:])


def lowered(lids: Floats) -> Floats:
    """Return how far lids [T] are below their median, and 0 where they are above it.

    A blink lowers the lids. An expression of lids or brows raises them and is no nuisance.
    """
    return np.maximum(lids - np.median(lids), 0)


def runs_of(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield start and stop of each run of successive frames whose flag, [T], is set."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    yield from zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True)


def edge(side: Floats) -> float:
    """Measure the length of an edge of a curve.

    The line through the crossings of 30% and 80% of the height is extended to the foot.

    Args:
        side: The curve from its peak, `side[0]`, to its foot, `side[-1]`.

    Returns:
        The distance of peak and foot, in frames.
    """
    if len(side) < 2:
        return 0.0
    foot, height = side[-1], side[0] - side[-1]
    low, high = (_crossing(side, foot + level * height) for level in (_LOW, _HIGH))
    return low + _BEYOND * (low - high)


def _crossing(side: Floats, level: float) -> float:
    """The position at which a falling curve first passes below a level."""
    below = int(np.argmax(side < level))
    if below == 0:
        return float(len(side) - 1)
    before, after = side[below - 1], side[below]
    return below - 1 + float((before - level) / (before - after))
