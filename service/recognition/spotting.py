"""Where a clip's expression begins and peaks, and whether two frames belong to one scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from service.recognition.course import edge, smoothed
from service.recognition.posture import Posture, PostureTrack, lengths
from service.recognition.types import Crop, Progress

Curve = NDArray[np.float32]
"""Expression strength of each frame, [T], in pixels at 112 x 112."""

Floats = NDArray[np.float64]

_SMOOTHING_S = 0.02
_STRONGEST_PERCENT = 95.0

# Measured on made clips (`tests.courses`, seeds 0 to 371). Of heads that move by 1 and 3 px without
# an expression, 15% and 20% pass, of still ones none; of clips with one, 2% are taken for weak.
_LEAST_RISE_PX = 0.06
_LEAST_RISE_SIGMAS = 3.0
_LEAST_RISE_OF_HEAD = 0.03
_LEAST_FRAMES_FOR_NOISE = 8  # in fewer frames an expression is as quick as noise

_LIDS_PRIOR = 3.0  # squared pixels, over all frames

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
    motion that explains most of all postures: their first right singular vector. What moves
    together, at brows, mouth and lids, adds up there, and noise averages out. The apex is the peak
    of that course, the onset where the rise to it begins.

    `progress` is told of each frame in the stage `spotting`. Raises ValueError where no frame
    follows the onset.
    """
    first = onset or 0
    last = len(crops) - 1 if apex is None else apex
    if not 0 <= first < last < len(crops):
        raise ValueError(f"no frame follows frame {first} up to {last} of {len(crops)}")
    postures = _postures(crops[first:], progress)
    rate = (len(crops) - 1) / max(times_s[-1] - times_s[0], 1e-6)
    measured = _course(_without_blinks(postures), rate)
    course = smoothed(measured, _SMOOTHING_S * rate)
    course -= course[0]
    span = course[: last - first + 1]
    peak = last - first if apex is not None else 1 + int(span[1:].argmax())
    weak = bool(span[peak] - np.percentile(span, 20) < _least_rise(measured, postures, rate))
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


def _without_blinks(postures: Sequence[Posture]) -> Floats:
    """The features [T, D] less what follows the lids, which pull at brows and cheeks.

    Ridge regression: lids that hardly move explain nothing.
    """
    features = np.array([posture.features for posture in postures])
    lids = np.array([posture.lids for posture in postures])
    lids -= np.median(lids)
    response = lids @ (features - np.median(features, axis=0)) / (lids @ lids + _LIDS_PRIOR)
    return np.asarray(features - np.outer(lids, response), np.float64)


def _course(features: Floats, rate: float) -> Floats:
    """How far each frame of features [T, D] goes along their main pattern, [T], in pixels."""
    moved = features - features[0]
    _, _, patterns = np.linalg.svd(smoothed(moved, _SMOOTHING_S * rate), full_matrices=False)
    course = moved @ patterns[0]
    sign = 1.0 if course.max() >= -course.min() else -1.0
    size = float(np.percentile(lengths(patterns[0]), _STRONGEST_PERCENT))
    return np.asarray(course * sign * size, np.float64)


def _least_rise(course: Floats, postures: Sequence[Posture], rate: float) -> float:
    """How far noise and the head's motion may make a course rise, in pixels."""
    sigma = 0.0
    if len(course) >= _LEAST_FRAMES_FOR_NOISE:
        # Second differences leave the noise and little of an expression: the median absolute
        # value of white noise's is 0.6745 sqrt(6) standard deviations.
        white = float(np.median(np.abs(np.diff(course, 2)))) / (0.6745 * 6**0.5)
        # What a Gaussian of so many frames leaves of it.
        sigma = white * min(1.0, (2 * np.pi**0.5 * _SMOOTHING_S * rate) ** -0.5)
    head = np.ptp([posture.nuisances[:-1] for posture in postures], axis=0)
    of_head = _LEAST_RISE_OF_HEAD * float(np.linalg.norm(head))
    return float(np.hypot(max(_LEAST_RISE_PX, _LEAST_RISE_SIGMAS * sigma), of_head))


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
