"""Postures of a face: expressions that hold, found by landmarks that leave their rest.

Flow between frames drifts when it is summed over seconds, and misses a jaw that drops. Landmarks do
not drift: with place, size and turn of the head undone, they show a smile for as long as it lasts.
They are too coarse for micro-expressions, whose motion is that of their noise.

All inputs are arrays over T frames at an even rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.pose import unposed
from off_tanet.recognition.spotting.curves import gaussian_smooth, runs_of
from off_tanet.recognition.spotting.intervals import ExpressionInterval

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
_BROWS = (
    *(70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    *(336, 296, 334, 293, 300, 285, 295, 282, 283, 276),
)
_PLACES = np.array([*_LIPS, *_BROWS])
_CORNERS, _INNER = [0, 10], [35, 25]  # of the mouth and its lips, in `_PLACES`

_SMOOTHING_S = 0.06
_MOST_PERCENT = 80.0  # of the landmarks of lips or brows: a one-sided smile moves a third of them

# The face rests where it is calm. A calm third is at rest or holds an expression; what changes by
# less than this, as root of the landmarks' summed squares in pixels a second, is noise.
_CALM_SHARE = 1 / 3
_CALM_SPEED = 60.0
_CALM_SMOOTHING_S = 0.25
_LEAST_SHARE = 0.1  # of the calm frames: a posture that is rarer is no rest
_LEAST_VISIT_S = 0.1
_STEPS = 5

# Pixels by which the landmarks of lips and brows seem to move for each degree of yaw and pitch.
_PX_PER_DEGREE = 0.1
_FALLS_ON = 0.01  # of the height, from frame to frame: the foot is not reached


@dataclass(frozen=True, slots=True, eq=False)
class Postures:
    """What the landmarks of a face show.

    Attributes:
        away_px: The distance of lips or brows from their rest, [T], in pixels at 112 x 112.
        holds: The intervals in which they stay away from it, in the order of time.
    """

    away_px: Floats
    holds: tuple[ExpressionInterval, ...]


def posture(landmarks: NDArray[np.float32]) -> Floats:
    """Return lips and brows without the pose of the head.

    Args:
        landmarks: x, y and z of the landmarks in any picture, [468, 3].

    Returns:
        x and y on the canonical crop, [2 * 60], in pixels.
    """
    return unposed(landmarks.astype(np.float64))[_PLACES, :2].ravel()


def find_holds(
    postures: Floats, turns: Floats, least_px: NDArray[np.floating], rate: float, shortest_s: float
) -> Postures:
    """Find the intervals in which a face stays away from its rest.

    Args:
        postures: Lips and brows as returned by `posture`, [T, 120].
        turns: Yaw and pitch of the head, [T, 2], in degrees.
        least_px: The distance that counts at each frame, [T], in pixels.
        rate: Frames a second.
        shortest_s: Shorter intervals are left out.

    Returns:
        The distance at each frame, and the intervals.
    """
    smooth = gaussian_smooth(postures, _SMOOTHING_S * rate)
    resting = _rest(smooth, float(least_px.min()), rate)
    away = distance(smooth - np.median(smooth[resting], axis=0))
    turned = np.linalg.norm(turns - np.median(turns[resting], axis=0), axis=1)
    least = least_px + _PX_PER_DEGREE * turned
    holds = tuple(
        _hold(away, least, start, stop)
        for start, stop in runs_of(away > least)
        if stop - start >= shortest_s * rate
    )
    return Postures(away, holds)


def _hold(away: Floats, least: Floats, start: int, stop: int) -> ExpressionInterval:
    """The interval of a run of frames, from foot to foot."""
    apex = start + int(away[start:stop].argmax())
    onset = start - _descent(away[start::-1], away[apex])
    offset = stop - 1 + _descent(away[stop - 1 :], away[apex])
    return ExpressionInterval(
        onset, apex, offset, float(away[apex]), float(away[apex] / least[apex])
    )


def _descent(side: Floats, height: float) -> int:
    """For how many frames a curve goes on to fall."""
    stays = np.flatnonzero(np.diff(side) >= -_FALLS_ON * height)
    return int(stays[0]) if stays.size else len(side) - 1


def _rest(postures: Floats, least_px: float, rate: float) -> NDArray[np.intp]:
    """The frames [R] on which the face rests.

    Where the calm frames show two postures, the face rests in the one that it returns to more
    often, and otherwise in the one with the narrower and less open mouth.
    """
    speed = np.linalg.norm(np.gradient(postures, axis=0), axis=1) * rate
    speed = gaussian_smooth(speed, _CALM_SMOOTHING_S * rate)
    calm = np.flatnonzero(speed <= max(float(np.quantile(speed, _CALM_SHARE)), _CALM_SPEED))
    second = _second_posture(postures[calm])
    if not _LEAST_SHARE <= second.mean() <= 1 - _LEAST_SHARE:
        return calm
    groups = calm[~second], calm[second]
    centres = [np.median(postures[group], axis=0) for group in groups]
    if distance(centres[1] - centres[0]) <= least_px:
        return calm
    visits = [_visits(postures - centre, least_px / 2, rate) for centre in centres]
    widths = [_mouth_size(centre) for centre in centres]
    order = [(-visited, width) for visited, width in zip(visits, widths, strict=True)]
    return groups[order.index(min(order))]


def _second_posture(postures: Floats) -> Flags:
    """Which of the postures [R, 120] belong to the second of two groups, by 2-means."""
    centred = postures - postures.mean(axis=0)
    main = np.linalg.eigh(centred.T @ centred).eigenvectors[:, -1]
    second = np.asarray(centred @ main > 0)
    for _ in range(_STEPS):
        if second.all() or not second.any():
            break
        first_centre, second_centre = (
            np.median(postures[group], axis=0) for group in (~second, second)
        )
        second = np.asarray(
            np.linalg.norm(postures - second_centre, axis=1)
            < np.linalg.norm(postures - first_centre, axis=1)
        )
    return second


def _visits(moved: Floats, near_px: float, rate: float) -> int:
    """How often the face comes near a posture."""
    runs = runs_of(distance(moved) < near_px)
    return sum(stop - start >= _LEAST_VISIT_S * rate for start, stop in runs)


def distance(moved: Floats) -> Floats:
    """Measure how far lips or brows have moved, whichever is more.

    Args:
        moved: The differences of postures, [..., 120], in pixels.

    Returns:
        The distances [...], in pixels.
    """
    lengths = np.linalg.norm(moved.reshape(*moved.shape[:-1], -1, 2), axis=-1)
    lips, brows = lengths[..., : len(_LIPS)], lengths[..., len(_LIPS) :]
    both = [np.percentile(part, _MOST_PERCENT, axis=-1) for part in (lips, brows)]
    return np.asarray(np.maximum(*both), np.float64)


def _mouth_size(posture: Floats) -> float:
    """Width and opening of the mouth, in pixels."""
    points = posture.reshape(-1, 2)
    across, apart = (points[a] - points[b] for a, b in (_CORNERS, _INNER))
    return float(np.linalg.norm(across) + np.linalg.norm(apart))
