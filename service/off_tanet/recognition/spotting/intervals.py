"""Detection of expressions: intervals in which the features of a face leave their rest and return.

All inputs are arrays over T frames at an even rate. The features of a face also change without an
expression: with the head, whose motion is never removed completely, with blinks, which pull at
brows and cheeks, and slowly with the light. So the effect of head and lids is removed first, and
then only changes that return count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.motion.features import lengths
from off_tanet.recognition.spotting.curves import edge, gaussian_smooth, lowered

Floats = NDArray[np.float64]

# All values below were chosen on synthetic videos of one minute (`tests.support.synthetic_video`,
# seeds 0 to 23 and 100 to 107).
_HALF_WIDTHS_S = (0.08, 0.13, 0.2, 0.3, 0.5, 0.8, 1.3)
_SCALE_PENALTY = 0.1  # of the rank for each e-fold of scale: an interval is found at several
_SMOOTHING_S = 0.02
_LONGEST_SIDE_S = 4.0

_LEAST_HEIGHT = 0.75  # root of the features' summed squares, in pixels at 112 x 112
_LEAST_HEIGHT_SPREADS = 8.0  # of the spread of heights without an expression
_USUAL_SPREAD = 0.09  # pixels; it is less in three of four windows of long videos
_SPREAD_KNOWN_S = 15.0
_LEAST_HEIGHT_OF_LIDS = 0.5  # of the motion of the lids at the same time
_LIDS_S = 0.2
_LIDS_AROUND_S = 0.07

_NUISANCE_S = 0.25  # the pace of expressions; slower changes say nothing about them
_NUISANCE_SMOOTHING_S = 1 / 30
# Squared pixels times seconds. A nuisance must not explain an expression, which has some 0.3 px and
# is correlated over 0.2 s, and it moves a feature by no more than its own motion: (0.3 px)^2 x
# 0.2 s / 1^2. Otherwise a fit of the head that takes 2% of each expression for head motion would
# explain all of it, as fifty times that motion. From 0.007 to 0.02, synthetic videos score alike.
_NUISANCE_PRIOR = 0.02
_NUISANCE_STEPS = 5
_NUISANCE_SPREADS = 3.0
_LEAST_RESIDUAL = 0.1  # root of the summed squares, in pixels: the precision of the features

_RISES_AGAIN = 0.3  # of the height: another expression has started
_FALLS_ON = 0.05  # of the height: the curve has not reached its foot
_REST_S = 0.1


@dataclass(frozen=True, slots=True)
class ExpressionInterval:
    """The interval of one expression.

    Attributes:
        onset: Start, in frames from the first, fractional.
        apex: Peak, in frames.
        offset: End, in frames.
        strength_px: Height of the peak at the cells that move most, in pixels at 112 x 112.
        prominence: Height of the peak divided by the least height that counts, at least 1.
    """

    onset: float
    apex: float
    offset: float
    strength_px: float
    prominence: float


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    rank: float
    place: int
    reach: int  # half the width of the scale at which it was found, in frames
    direction: Floats
    least: float


def find_intervals(features: Floats, nuisances: Floats, rate: float) -> list[ExpressionInterval]:
    """Find the intervals of expressions.

    As in the method of S.-J. Wang et al. ("A main directional maximal difference analysis for
    spotting facial movements from long-term videos", Neurocomputing 230, 2017), each frame is
    compared with those some time before and after it; here at several scales, and by the smaller
    of both differences, so that a step, which does not return, does not count.

    Args:
        features: Motion features [T, D].
        nuisances: Motions of head and lids [T, 9], the lids last.
        rate: Frames a second.

    Returns:
        Intervals with little overlap, the most prominent first.
    """
    clean, lids = _prepare(features, nuisances, rate)
    found: list[ExpressionInterval] = []
    taken, high = np.zeros((2, len(clean)), bool)
    for candidate in sorted(_candidates(clean, lids, rate), key=lambda c: -c.rank):
        if taken[candidate.place]:
            continue
        interval = _measure(clean, candidate, rate)
        # The rest between two expressions looks like one of the opposite direction.
        if interval is None or high[[int(interval.onset), int(np.ceil(interval.offset))]].any():
            continue
        span = slice(int(interval.onset), int(np.ceil(interval.offset)) + 1)
        if taken[span].mean() <= 0.3:
            taken[span] = True
            high[_upper_half(interval)] = True
            found.append(interval)
    return found


def _prepare(features: Floats, nuisances: Floats, rate: float) -> tuple[Floats, Floats]:
    """Smooth features without nuisances, [T, D], and the recent motion of the lids, [T]."""
    nuisances = np.column_stack([nuisances[:, :-1], lowered(nuisances[:, -1])])
    clean = gaussian_smooth(
        without_nuisances(features, nuisances, rate), max(0.5, _SMOOTHING_S * rate)
    )
    lids = _widened(
        np.abs(_second_difference(nuisances[:, -1], max(2, round(_LIDS_S * rate)))),
        max(1, round(_LIDS_AROUND_S * rate)),
    )
    return clean, lids


def _upper_half(interval: ExpressionInterval) -> slice:
    """The frames from halfway up to halfway down."""
    up = (interval.onset + interval.apex) / 2
    down = (interval.apex + interval.offset) / 2
    return slice(int(np.ceil(up)), int(down) + 1)


def without_nuisances(features: Floats, nuisances: Floats, rate: float) -> Floats:
    """Remove the linear effect of the nuisances from the features.

    Ridge regression on second differences over 0.25 s, with the robust weights of Geman and
    McClure, so that expressions do not affect the fit. The effect of head motion depends on the
    shape of the face and is constant in a video, so that it can be estimated from the video.

    Args:
        features: Motion features [T, D].
        nuisances: Motions of head and lids [T, N].
        rate: Frames a second.

    Returns:
        The residual features [T, D].
    """
    frames = max(2, round(_NUISANCE_S * rate))
    smoothing = _NUISANCE_SMOOTHING_S * rate
    observed, design = (
        _second_difference(gaussian_smooth(curves, smoothing), frames)
        for curves in (features, nuisances)
    )
    prior = _NUISANCE_PRIOR * rate * np.eye(design.shape[1])
    weights = np.ones(len(observed))
    for _ in range(_NUISANCE_STEPS):
        weighted = design * weights[:, None]
        response = np.linalg.solve(weighted.T @ design + prior, weighted.T @ observed)
        residual = np.linalg.norm(observed - design @ response, axis=1)
        spread = _NUISANCE_SPREADS * max(float(np.median(residual)), _LEAST_RESIDUAL)
        weights = 1 / (1 + (residual / spread) ** 2) ** 2
    return np.asarray(features - nuisances @ response, np.float64)


def _candidates(features: Floats, lids: Floats, rate: float) -> Iterator[_Candidate]:
    """Local peaks of the height over the frames before and after, at each scale."""
    for half_s in _HALF_WIDTHS_S:
        reach = max(2, round(half_s * rate))
        if 3 * reach > len(features):
            return
        rise = features - _shifted(features, -reach)
        fall = features - _shifted(features, reach)
        direction = (rise + fall) / 2
        direction /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-9
        height = np.minimum((rise * direction).sum(1), (fall * direction).sum(1))
        usual = float(np.median(height))
        spread = _spread(height - usual, rate)
        least = max(_LEAST_HEIGHT, usual + _LEAST_HEIGHT_SPREADS * spread)
        leasts = least + _LEAST_HEIGHT_OF_LIDS * lids
        peak = (height >= _shifted(height, 1)) & (height > _shifted(height, -1))
        penalty = 1 - _SCALE_PENALTY * np.log(half_s / _HALF_WIDTHS_S[0])
        for place in np.flatnonzero(peak & (height > leasts)):
            rank = float(height[place] / leasts[place] * penalty)
            yield _Candidate(rank, int(place), reach, direction[place], float(leasts[place]))


def _spread(heights: Floats, rate: float) -> float:
    """The standard deviation of heights [T] without an expression.

    In a few seconds of video, expressions and the gaps between them are most of the frames, and the
    median says little about the rest: the fewer the frames, the more the value that is usual in
    long videos counts.
    """
    measured = 1.4826 * float(np.median(np.abs(heights)))
    known = min(1.0, len(heights) / rate / _SPREAD_KNOWN_S)
    return float(np.sqrt(known * measured**2 + (1 - known) * _USUAL_SPREAD**2))


def _measure(features: Floats, candidate: _Candidate, rate: float) -> ExpressionInterval | None:
    """The interval along the direction of a candidate, or None if it is not high enough."""
    longest = int(_LONGEST_SIDE_S * rate)
    start = max(0, candidate.place - longest)
    curve = features[start : candidate.place + longest + 1] @ candidate.direction
    top = candidate.place - start
    left = top - _foot(curve[top::-1], candidate.reach, rate)
    right = top + _foot(curve[top:], candidate.reach, rate)
    top = left + int(curve[left : right + 1].argmax())
    height = float(curve[top] - max(curve[left], curve[right]))
    if height < candidate.least:
        return None
    onset = top - edge(curve[left : top + 1][::-1])
    offset = top + edge(curve[top : right + 1])
    size = float(np.percentile(lengths(candidate.direction), 95))
    return ExpressionInterval(
        onset=max(0.0, start + onset),
        apex=float(start + top),
        offset=min(len(features) - 1.0, start + offset),
        strength_px=height * size,
        prominence=height / candidate.least,
    )


def _foot(side: Floats, reach: int, rate: float) -> int:
    """The index, at least 1, at which a curve that falls from `side[0]` has come to rest."""
    best = int(side[: reach + 1].argmin())
    for place in range(best + 1, len(side)):
        height = side[0] - side[best]
        if side[place] < side[best] - _FALLS_ON * height:
            best = place
        elif side[place] - side[best] > _RISES_AGAIN * height or place - best > max(
            _REST_S * rate, best / 2
        ):
            break
    return min(max(best, 1), len(side) - 1)


def _second_difference(curves: Floats, frames: int) -> Floats:
    """Each value minus the mean of those `frames` before and after it: 0 on a straight line."""
    return curves - (_shifted(curves, -frames) + _shifted(curves, frames)) / 2


def _shifted(curves: Floats, frames: int) -> Floats:
    """The values `frames` later; the first and the last value are repeated."""
    return curves[np.clip(np.arange(len(curves)) + frames, 0, len(curves) - 1)]


def _widened(curve: Floats, frames: int) -> Floats:
    """The maximum over all values up to `frames` away."""
    around = [_shifted(curve, step) for step in range(-frames, frames + 1)]
    return np.asarray(np.max(around, axis=0), np.float64)
