"""Spotting of onset and apex in a clip, and detection of cuts between two crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.motion.features import MotionFeatureExtractor, MotionFeatures, lengths
from off_tanet.recognition.spotting.curves import (
    edge,
    even_moments,
    gaussian_smooth,
    lowered,
    resampled,
)
from off_tanet.types import Crop, Progress

Curve = NDArray[np.float32]
"""Expression strength of each frame, [T], in pixels at 112 x 112."""

Floats = NDArray[np.float64]

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

_CUT_SIZE = 14
_CUT_CORRELATION = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Spotting:
    """Onset and apex of a clip.

    Attributes:
        onset: The index of the onset frame.
        apex: The index of the apex frame.
        strength_px: Strength of the expression at each frame against the first one, or against the
            onset if it was given, float32 [T], in pixels at 112 x 112.
        weak: Whether no peak exceeds what noise and head motion cause. The apex is then the middle
            of the frames after the onset.
    """

    onset: int
    apex: int
    strength_px: Curve
    weak: bool


def spot(
    crops: Sequence[Crop],
    times_s: Sequence[float] | NDArray[np.floating],
    onset: int | None = None,
    apex: int | None = None,
    progress: Progress | None = None,
) -> Spotting:
    """Find onset and apex of one expression.

    Motion features against the first frame or the onset are projected on the pattern of motion that
    explains most of the change at the pace of expressions: motions of brows, mouth and lids that
    occur together add up, and noise averages out. The apex is the peak, the onset the rise's start.

    Args:
        crops: T face crops [112, 112] of one scene.
        times_s: The time of each crop, [T], in seconds.
        onset: The index of the onset, if known.
        apex: The index of the apex, if known.
        progress: Called after each frame in the stage `spotting`.

    Returns:
        Onset, apex and the motion curve.

    Raises:
        ValueError: If no frame follows the onset.
    """
    first = onset or 0
    last = len(crops) - 1 if apex is None else apex
    if not 0 <= first < last < len(crops):
        raise ValueError(f"no frame follows frame {first} up to {last} of {len(crops)}")
    motion = _extract_features(crops[first:], progress)
    curve, least_rise = _motion_curve(motion, np.asarray(times_s[first:], np.float64))
    searched = curve[: last - first + 1]
    peak = last - first if apex is not None else 1 + int(searched[1:].argmax())
    weak = bool(searched[peak] - np.percentile(searched, 20) < least_rise)
    start = 0 if onset is not None or weak else _rise_start(searched[: peak + 1])
    if weak and apex is None:
        peak = len(searched) // 2
    strength = np.concatenate([np.zeros(first), np.abs(curve)]).astype(np.float32)
    return Spotting(first + start, first + peak, strength, weak)


def _extract_features(crops: Sequence[Crop], progress: Progress | None) -> list[MotionFeatures]:
    extractor = MotionFeatureExtractor(crops[0])
    motion = [extractor.extract(crops[0])]
    for done, crop in enumerate(crops[1:], 1):
        # A crop that shows something else than the face keeps the features of the previous one.
        hidden = is_cut(crops[0], crop)
        motion.append(motion[-1] if hidden else extractor.extract(crop))
        if progress:
            progress("spotting", done, len(crops) - 1)
    return motion


def _motion_curve(motion: Sequence[MotionFeatures], times_s: Floats) -> tuple[Floats, float]:
    """The motion along the main pattern at each frame, [T], and the least rise that counts."""
    even_s = even_moments(times_s, _RATE)
    rate = (len(even_s) - 1) / float(even_s[-1] - even_s[0])
    features = resampled(np.array([frame.features for frame in motion]), times_s, even_s)
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


def _rise_start(rise: Floats) -> int:
    """The frame at which a curve that ends at its peak starts to rise."""
    peak = len(rise) - 1
    rest = min(float(np.percentile(rise, 10)), float(rise.mean()))
    foot = int(np.flatnonzero(rise <= max(rest, rise.min()))[-1])
    return round(max(0.0, peak - edge(rise[foot:][::-1])))


def is_cut(a: Crop, b: Crop) -> bool:
    """Decide whether two crops show different scenes.

    They do if their averages over 14 x 14 cells correlate by less than 0.5. The same face stays
    above 0.7 with 6 px of head motion, strong expressions and changes of light; other pictures
    stay below 0.5. Another face in the same place often exceeds it.

    Args:
        a: A crop [112, 112].
        b: Another crop [112, 112].

    Returns:
        Whether there is a cut between the two.
    """
    size = (_CUT_SIZE, _CUT_SIZE)
    coarse = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in (a, b)]
    first, second = (picture - picture.mean() for picture in coarse)
    contrast = float(np.linalg.norm(first) * np.linalg.norm(second))
    if contrast == 0:  # the correlation with a flat picture is undefined
        return bool(first.any() or second.any())
    return float((first * second).sum()) < _CUT_CORRELATION * contrast
