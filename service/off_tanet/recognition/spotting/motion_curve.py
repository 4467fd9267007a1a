"""The motion curve of a clip: one number for each frame from the motion of all places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.motion.features import PLACES, MotionFeatures, lengths
from off_tanet.recognition.spotting.curves import (
    even_moments,
    gaussian_smooth,
    lowered,
    resampled,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_RATE = 200.0  # samples a second, at most: more of them only average noise
_SMOOTHING_S = 0.02
_SLOW_S = 0.5  # longer than an expression takes to rise
_INDEPENDENT_S = 2 * np.pi**0.5 * _SMOOTHING_S  # smoothed noise farther apart is independent
_STRONGEST_PERCENT = 95.0

# Measured on synthetic clips (`tests.support.synthetic_video`). Of 40 heads each that move by 1 and
# 3 px without an expression, 30% and 25% pass, of still ones none; of 420 clips with an expression,
# 2% are classified as weak.
_LEAST_RISE_PX = 0.06
# The highest of N values of noise is about sqrt(2 ln N) standard deviations (give or take 0.5) over
# their mean, and the level at rest, their 20th percentile, one below it.
_OVER_REST = 1.5
_LEAST_INDEPENDENT = 7.0  # independent values, as in half a second
_LEAST_RISE_OF_HEAD = 0.03
_LEAST_FRAMES_FOR_NOISE = 8  # in fewer frames, an expression changes as fast as noise

# Squared pixels times seconds. The lids must not explain an expression, which has 0.3 px and is
# correlated over 0.2 s, and they pull by 0.6 of their own motion: (0.3 px / 0.6)^2 x 0.2 s.
_LIDS_PRIOR = 0.05


def motion_curve(
    motion: Sequence[MotionFeatures], times_s: Floats, wide: Flags
) -> tuple[Floats, float]:
    """Compute how far a face has moved along its main pattern of motion.

    Args:
        motion: The motion features of each frame, T >= 2.
        times_s: The time of each frame, [T], in seconds.
        wide: Whether lids that rise count, on each frame, [T].

    Returns:
        The motion at each frame, [T], in pixels at 112 x 112; and the least rise that counts, which
        noise and the head's motion do not cause.
    """
    even_s = even_moments(times_s, _RATE)
    rate = (len(even_s) - 1) / float(even_s[-1] - even_s[0])
    moved = np.array([frame.features for frame in motion])
    moved[~wide, 2 * PLACES :] = 0  # raised lids
    features = resampled(moved, times_s, even_s)
    lids = resampled(np.array([frame.lids for frame in motion]), times_s, even_s)
    nuisances = np.array([frame.nuisances[:-1] for frame in motion])
    features = _without_blinks(features, lids, rate)
    pattern = _pattern(features, rate)
    along = gaussian_smooth(features @ pattern, _SMOOTHING_S * rate) * _size(pattern)
    curve = np.interp(times_s, even_s, along - along[0])
    # The sign of a principal component is arbitrary: an expression is a rise.
    curve = -curve if curve.max() < -curve.min() else curve
    return curve, _least_rise(features, pattern, nuisances, rate)


def _without_blinks(features: Floats, lids: Floats, rate: float) -> Floats:
    """The features [T, D] without the effect of the lids [T], which pull at brows and cheeks.

    Ridge regression: lids that hardly move explain nothing.
    """
    down = lowered(lids)
    centred = features - np.median(features, axis=0)
    response = down @ centred / (down @ down + _LIDS_PRIOR * rate)
    return np.asarray(features - np.outer(down, response), np.float64)


def _pattern(features: Floats, rate: float) -> Floats:
    """The main pattern of motion in features [T, D]: [D], of length 1.

    It is the first principal component of the band-passed features. The low frequencies are removed
    because drift by pose, light or coding errors grows with the length of a clip, while the
    duration of an expression does not.
    """
    slow = gaussian_smooth(features, _SLOW_S * rate)
    band = gaussian_smooth(features, _SMOOTHING_S * rate) - slow
    return np.asarray(np.linalg.eigh(band.T @ band).eigenvectors[:, -1], np.float64)


def _least_rise(features: Floats, pattern: Floats, nuisances: Floats, rate: float) -> float:
    """The rise of the curve along a pattern that noise and head motion may cause, in pixels."""
    of_noise = 0.0
    if len(features) >= _LEAST_FRAMES_FOR_NOISE:
        # The share of white noise that is left after Gaussian smoothing.
        left = min(1.0, (_INDEPENDENT_S * rate) ** -0.5)
        independent = max(_LEAST_INDEPENDENT, len(features) / rate / _INDEPENDENT_S)
        # The first principal component selects the direction in which the noise is strongest.
        selected = float(np.linalg.norm(_noise(features))) / independent**0.5
        sigma = (float(_noise(features @ pattern)) + selected) * left * _size(pattern)
        of_noise = (_OVER_REST + (2 * np.log(independent)) ** 0.5) * sigma
    of_head = _LEAST_RISE_OF_HEAD * float(np.linalg.norm(np.ptp(nuisances, axis=0)))
    return float(np.hypot(max(_LEAST_RISE_PX, of_noise), of_head))


def _noise(curves: Floats) -> Floats:
    """The standard deviation of the noise in curves [T] or [T, D].

    Second differences keep the noise and remove most of an expression. Their median absolute value
    for white noise is 0.6745 sqrt(6) standard deviations.
    """
    return np.asarray(np.median(np.abs(np.diff(curves, 2, axis=0)), axis=0) / (0.6745 * 6**0.5))


def _size(pattern: Floats) -> float:
    """The motion of the cells that move most, in pixels for each unit along a pattern."""
    return float(np.percentile(lengths(pattern), _STRONGEST_PERCENT))
