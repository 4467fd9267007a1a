"""Expressions in a stretch of video: where the posture of a face leaves its rest and comes back.

Everything is a plain array over T frames at an even rate. A face's features wander while it
expresses nothing: with the head, whose motion is never quite undone, with blinks, which pull at
brows and cheeks, and slowly with the light. So first what follows head and lids is taken out, then
only what returns counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.recognition.course import edge, lowered, smoothed
from service.recognition.posture import lengths

Floats = NDArray[np.float64]

# Every number below was chosen on made minutes (`tests.courses`, seeds 0 to 23 and 100 to 107).
_HALF_WIDTHS_S = (0.08, 0.13, 0.2, 0.3, 0.5, 0.8, 1.3)
_LARGER_SCALES = 0.1  # of a bump's rank lost for each e-fold of scale: it is found at several
_SMOOTHING_S = 0.02
_LONGEST_SIDE_S = 4.0

_LEAST_HEIGHT = 0.75  # root of the features' summed squares, in pixels at 112 x 112
_LEAST_HEIGHT_SPREADS = 8.0  # of the spread of what is not there
_USUAL_SPREAD = 0.09  # in three of four windows of long videos it is less
_SPREAD_KNOWN_S = 15.0
_LEAST_HEIGHT_OF_LIDS = 0.5  # of how far the lids move meanwhile
_LIDS_S = 0.2
_LIDS_AROUND_S = 0.07

_NUISANCE_S = 0.25  # the pace of expressions: what changes more slowly tells nothing of them
_NUISANCE_CALM_S = 1 / 30
# Squared pixels times seconds. An expression, of some 0.3 px and correlated over 0.2 s, is what a
# nuisance is not to explain, and it moves a feature by no more than its own motion: (0.3 px)^2 x
# 0.2 s / 1^2. A fit of the head that takes 2% of each expression for motion would else explain all
# of it, by fifty times that motion. From 0.007 to 0.02 made videos score alike.
_NUISANCE_PRIOR = 0.02
_NUISANCE_STEPS = 5
_NUISANCE_SPREADS = 3.0
_LEAST_REST = 0.1  # root of the summed squares, in pixels: no face is measured more exactly

_RISES_AGAIN = 0.3  # of the height: another expression has begun
_FALLS_ON = 0.05
_REST_S = 0.1


@dataclass(frozen=True, slots=True)
class Bump:
    """Onset, apex and offset in frames from the stretch's first, not whole.

    `strength_px` is the apex's height over the rest, at the cells that move most; `clearness` the
    height over the least that counts, at least 1.
    """

    onset: float
    apex: float
    offset: float
    strength_px: float
    clearness: float


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    rank: float
    place: int
    reach: int  # half the width at which it was seen, in frames
    direction: Floats
    least: float


def find_bumps(features: Floats, nuisances: Floats, rate: float) -> list[Bump]:
    """The bumps, clearest first, none over another, in features [T, D] and nuisances [T, 9].

    `rate` is in frames a second; the last nuisance is the lids' motion. As MDMD-like methods do
    (S.-J. Wang et al., "A main directional maximal difference analysis for spotting facial
    movements from long-term videos", Neurocomputing 230, 2017), each frame is compared with those
    some time before and after it; here at several scales, by the smaller of both differences, so
    that a step, which does not come back, is nothing.
    """
    nuisances = np.column_stack([nuisances[:, :-1], lowered(nuisances[:, -1])])
    clean = smoothed(without_nuisances(features, nuisances, rate), max(0.5, _SMOOTHING_S * rate))
    lids = _widened(
        np.abs(_bump(nuisances[:, -1], max(2, round(_LIDS_S * rate)))),
        max(1, round(_LIDS_AROUND_S * rate)),
    )
    found: list[Bump] = []
    taken, high = np.zeros((2, len(clean)), bool)
    for candidate in sorted(_candidates(clean, lids, rate), key=lambda c: -c.rank):
        if taken[candidate.place]:
            continue
        bump = _measured(clean, candidate, rate)
        # The rest between two bumps is itself one, the other way round.
        if bump is None or high[[int(bump.onset), int(np.ceil(bump.offset))]].any():
            continue
        span = slice(int(bump.onset), int(np.ceil(bump.offset)) + 1)
        if taken[span].mean() <= 0.3:
            taken[span] = True
            high[_upper_half(bump)] = True
            found.append(bump)
    return found


def _upper_half(bump: Bump) -> slice:
    """The frames from halfway up to halfway down."""
    up, down = (bump.onset + bump.apex) / 2, (bump.apex + bump.offset) / 2
    return slice(int(np.ceil(up)), int(down) + 1)


def without_nuisances(features: Floats, nuisances: Floats, rate: float) -> Floats:
    """Features [T, D] less what follows the nuisances [T, N] linearly.

    Ridge regression on second differences over 0.25 s, reweighted (Geman and McClure), because
    expressions must not teach it. What a head leaves in the features depends on its owner's shape
    and is the same again and again, so that the video itself tells it.
    """
    frames = max(2, round(_NUISANCE_S * rate))
    calm = _NUISANCE_CALM_S * rate
    seen, beside = (_bump(smoothed(curves, calm), frames) for curves in (features, nuisances))
    prior = _NUISANCE_PRIOR * rate * np.eye(beside.shape[1])
    weights = np.ones(len(seen))
    for _ in range(_NUISANCE_STEPS):
        weighted = beside * weights[:, None]
        response = np.linalg.solve(weighted.T @ beside + prior, weighted.T @ seen)
        rest = np.linalg.norm(seen - beside @ response, axis=1)
        spread = _NUISANCE_SPREADS * max(float(np.median(rest)), _LEAST_REST)
        weights = 1 / (1 + (rest / spread) ** 2) ** 2
    return np.asarray(features - nuisances @ response, np.float64)


def _candidates(features: Floats, lids: Floats, rate: float) -> Iterator[_Candidate]:
    for half_s in _HALF_WIDTHS_S:
        reach = max(2, round(half_s * rate))
        if 3 * reach > len(features):
            return
        back = features - _shifted(features, -reach)
        forth = features - _shifted(features, reach)
        direction = (back + forth) / 2
        direction /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-9
        height = np.minimum((back * direction).sum(1), (forth * direction).sum(1))
        usual = float(np.median(height))
        spread = _spread(height - usual, rate)
        least = max(_LEAST_HEIGHT, usual + _LEAST_HEIGHT_SPREADS * spread)
        leasts = least + _LEAST_HEIGHT_OF_LIDS * lids
        peak = (height >= _shifted(height, 1)) & (height > _shifted(height, -1))
        penalty = 1 - _LARGER_SCALES * np.log(half_s / _HALF_WIDTHS_S[0])
        for place in np.flatnonzero(peak & (height > leasts)):
            rank = float(height[place] / leasts[place] * penalty)
            yield _Candidate(rank, int(place), reach, direction[place], float(leasts[place]))


def _spread(heights: Floats, rate: float) -> float:
    """The deviation of heights [T] that are no bump's, as far as so few of them can tell.

    In a few seconds, bumps and what lies between them are most of what there is, and the median
    knows none of the rest: the fewer the frames, the more counts what is usual in long videos.
    """
    seen = 1.4826 * float(np.median(np.abs(heights)))
    known = min(1.0, len(heights) / rate / _SPREAD_KNOWN_S)
    return float(np.sqrt(known * seen**2 + (1 - known) * _USUAL_SPREAD**2))


def _measured(features: Floats, candidate: _Candidate, rate: float) -> Bump | None:
    """The bump along the candidate's direction, or None where it is not high enough."""
    longest = int(_LONGEST_SIDE_S * rate)
    start = max(0, candidate.place - longest)
    course = features[start : candidate.place + longest + 1] @ candidate.direction
    top = candidate.place - start
    left = top - _foot(course[top::-1], candidate.reach, rate)
    right = top + _foot(course[top:], candidate.reach, rate)
    top = left + int(course[left : right + 1].argmax())
    height = float(course[top] - max(course[left], course[right]))
    if height < candidate.least:
        return None
    onset = top - edge(course[left : top + 1][::-1])
    offset = top + edge(course[top : right + 1])
    size = float(np.percentile(lengths(candidate.direction), 95))
    return Bump(
        onset=max(0.0, start + onset),
        apex=float(start + top),
        offset=min(len(features) - 1.0, start + offset),
        strength_px=height * size,
        clearness=height / candidate.least,
    )


def _foot(side: Floats, reach: int, rate: float) -> int:
    """Where a curve that falls from `side[0]` has come to rest, at a place from 1 on."""
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


def _bump(curves: Floats, frames: int) -> Floats:
    """Each value over the mean of those `frames` before and after it: what is straight is 0."""
    return curves - (_shifted(curves, -frames) + _shifted(curves, frames)) / 2


def _shifted(curves: Floats, frames: int) -> Floats:
    """The values `frames` later, those at the ends repeated."""
    return curves[np.clip(np.arange(len(curves)) + frames, 0, len(curves) - 1)]


def _widened(curve: Floats, frames: int) -> Floats:
    """The largest of the values up to `frames` away."""
    around = [_shifted(curve, step) for step in range(-frames, frames + 1)]
    return np.asarray(np.max(around, axis=0), np.float64)
