"""Where a clip's expression begins and peaks, and whether two frames belong to one scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from service.recognition.course import edge, even_moments, lowered, resampled, smoothed
from service.recognition.posture import Posture, PostureTrack, lengths
from service.recognition.types import Crop, Progress

Curve = NDArray[np.float32]
"""Expression strength of each frame, [T], in pixels at 112 x 112."""

Floats = NDArray[np.float64]

_RATE = 200.0  # frames a second that are looked at, at most: more of them only average noise
_SMOOTHING_S = 0.02
_SLOW_S = 0.5  # longer than an expression takes to rise
_CALM_S = 2 * np.pi**0.5 * _SMOOTHING_S  # what lies farther apart has a noise of its own
_STRONGEST_PERCENT = 95.0

# Measured on made clips (`tests.courses`). Of 40 heads each that move by 1 and 3 px without an
# expression, 30% and 25% pass, of still ones none; of 420 clips with one, 2% are taken for weak.
_LEAST_RISE_PX = 0.06
# The highest of N values of noise lies about sqrt(2 ln N) deviations over their mean, give or take
# half of one; the rest, their 20th percentile, one below it.
_OVER_REST = 1.5
_LEAST_APART = 7.0  # such values, as in half a second
_LEAST_RISE_OF_HEAD = 0.03
_LEAST_FRAMES_FOR_NOISE = 8  # in fewer frames an expression is as quick as noise

# Squared pixels times seconds: an expression, of 0.3 px and correlated over 0.2 s, is what the lids
# are not to explain, and they pull by 0.6 of their own motion: (0.3 px / 0.6)^2 x 0.2 s.
_LIDS_PRIOR = 0.05

_CUT_SIZE = 14
_CUT_CORRELATION = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Spotting:
    """Where a clip's expression begins and peaks.

    `strength_px` [T] float32 is measured against the first frame, or against the onset where that
    was given. `weak` says that no peak stands out of what noise and the head's motion make of the
    curve; the apex is then the middle of what follows the onset.
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
    """Onset and apex of one expression, as far as they are not given, from face crops [112, 112].

    Each frame's posture against the first, or against the onset, is projected on the pattern of
    motion that explains most of what changes at the pace of expressions. What moves together, at
    brows, mouth and lids, adds up there, and noise averages out. The apex is the peak of that
    course, the onset where the rise to it begins.

    `progress` is told of each frame in the stage `spotting`. Raises ValueError where no frame
    follows the onset.
    """
    first = onset or 0
    last = len(crops) - 1 if apex is None else apex
    if not 0 <= first < last < len(crops):
        raise ValueError(f"no frame follows frame {first} up to {last} of {len(crops)}")
    postures = _postures(crops[first:], progress)
    seen_s = np.asarray(times_s[first:], np.float64)
    even_s = even_moments(seen_s, _RATE)
    rate = (len(even_s) - 1) / float(even_s[-1] - even_s[0])
    features = resampled(np.array([each.features for each in postures]), seen_s, even_s)
    lids = resampled(np.array([each.lids for each in postures]), seen_s, even_s)
    nuisances = np.array([each.nuisances[:-1] for each in postures])
    features = _without_blinks(features, lids, rate)
    pattern = _pattern(features, rate)
    along = smoothed(features @ pattern, _SMOOTHING_S * rate) * _size(pattern)
    course = np.interp(seen_s, even_s, along - along[0])
    if course.max() < -course.min():
        pattern, course = -pattern, -course
    span = course[: last - first + 1]
    peak = last - first if apex is not None else 1 + int(span[1:].argmax())
    weak = bool(
        span[peak] - np.percentile(span, 20) < _least_rise(features, pattern, nuisances, rate)
    )
    begin = 0 if onset is not None or weak else _beginning(span[: peak + 1])
    if weak and apex is None:
        peak = len(span) // 2
    strength = np.concatenate([np.zeros(first), np.abs(course)]).astype(np.float32)
    return Spotting(first + begin, first + peak, strength, weak)


def _postures(crops: Sequence[Crop], progress: Progress | None) -> list[Posture]:
    track = PostureTrack(crops[0])
    postures = [track.posture(crops[0])]
    for done, crop in enumerate(crops[1:], 1):
        # Of what hides the face, no posture can be told: it is as it was before.
        hidden = is_cut(crops[0], crop)
        postures.append(postures[-1] if hidden else track.posture(crop))
        if progress:
            progress("spotting", done, len(crops) - 1)
    return postures


def _without_blinks(features: Floats, lids: Floats, rate: float) -> Floats:
    """The features [T, D] less what follows the lids [T], which pull at brows and cheeks.

    Ridge regression: lids that hardly move explain nothing.
    """
    down = lowered(lids)
    rest = features - np.median(features, axis=0)
    response = down @ rest / (down @ down + _LIDS_PRIOR * rate)
    return np.asarray(features - np.outer(down, response), np.float64)


def _pattern(features: Floats, rate: float) -> Floats:
    """The main pattern of motion in features [T, D]: [D], of length 1.

    It is the first principal component of what is neither noise nor slow. What drifts with pose,
    light or a codec's errors gathers over a long clip, while an expression stays as short as it is.
    """
    slow = smoothed(features, _SLOW_S * rate)
    calm = smoothed(features, _SMOOTHING_S * rate) - slow
    return np.asarray(np.linalg.eigh(calm.T @ calm).eigenvectors[:, -1], np.float64)


def _least_rise(features: Floats, pattern: Floats, nuisances: Floats, rate: float) -> float:
    """How far noise and the head's motion may make the course along a pattern rise, in pixels."""
    of_noise = 0.0
    if len(features) >= _LEAST_FRAMES_FOR_NOISE:
        # What a Gaussian of so many frames leaves of white noise.
        left = min(1.0, (_CALM_S * rate) ** -0.5)
        apart = max(_LEAST_APART, len(features) / rate / _CALM_S)
        # The first principal component is the direction in which noise happened to be strongest.
        chosen = float(np.linalg.norm(_noise(features))) / apart**0.5
        sigma = (float(_noise(features @ pattern)) + chosen) * left * _size(pattern)
        of_noise = (_OVER_REST + (2 * np.log(apart)) ** 0.5) * sigma
    of_head = _LEAST_RISE_OF_HEAD * float(np.linalg.norm(np.ptp(nuisances, axis=0)))
    return float(np.hypot(max(_LEAST_RISE_PX, of_noise), of_head))


def _noise(curves: Floats) -> Floats:
    """The standard deviation of the noise in curves [T] or [T, D].

    Second differences leave the noise and little of an expression: the median absolute value of
    white noise's is 0.6745 sqrt(6) standard deviations.
    """
    return np.asarray(np.median(np.abs(np.diff(curves, 2, axis=0)), axis=0) / (0.6745 * 6**0.5))


def _size(pattern: Floats) -> float:
    """How far the cells that move most go along a pattern, for each unit of it."""
    return float(np.percentile(lengths(pattern), _STRONGEST_PERCENT))


def _beginning(rise: Floats) -> int:
    """The frame at which a curve that ends at its peak begins to rise."""
    peak = len(rise) - 1
    rest = min(float(np.percentile(rise, 10)), float(rise.mean()))
    foot = int(np.flatnonzero(rise <= max(rest, rise.min()))[-1])
    return round(max(0.0, peak - edge(rise[foot:][::-1])))


def is_cut(a: Crop, b: Crop) -> bool:
    """Whether two crops [112, 112] show different scenes.

    They do where their coarse pictures, of 14 x 14 averages, correlate by less than 0.5. The same
    face stays above 0.7 through 6 px of head motion, strong expressions and changes of light;
    other pictures stay below 0.5. Other faces in the same place often do not.
    """
    size = (_CUT_SIZE, _CUT_SIZE)
    coarse = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in (a, b)]
    first, second = (picture - picture.mean() for picture in coarse)
    contrast = float(np.linalg.norm(first) * np.linalg.norm(second))
    if contrast == 0:  # a flat picture correlates with nothing, not even with another flat one
        return bool(first.any() or second.any())
    return float((first * second).sum()) < _CUT_CORRELATION * contrast
