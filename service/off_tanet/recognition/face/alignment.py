"""Alignment: from landmarks to the transform of the canonical crop, and to the head's pose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.geometry import AVERAGE, RIGID
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.types import Similarity

Points = NDArray[np.float64]

_STEPS = 3
_LEAST_SPREAD = 0.5  # crop pixels; people differ from the average by more


def align(landmarks: FaceLandmarks) -> Similarity:
    """Fit the transform from the picture to the canonical crop.

    Least squares over the landmarks that do not express anything (`geometry.RIGID`), iteratively
    reweighted with the weights of Geman and McClure, so that a landmark that is hidden or that
    the mesh misplaces counts less.

    Args:
        landmarks: The landmarks of the face.

    Returns:
        The similarity [2, 3] from picture pixels to crop pixels.

    Raises:
        ValueError: If all landmarks are one point.
    """
    source, target = landmarks.points[RIGID, :2], AVERAGE[RIGID, :2]
    weights = np.ones(len(RIGID))
    for _ in range(_STEPS):
        where = similarity(source, target, weights)
        distances = np.hypot(*(transform(source, where) - target).T)
        spread = np.median(distances) + _LEAST_SPREAD
        weights = 1 / (1 + (distances / (2 * spread)) ** 2) ** 2
    return where


def similarity(source: Points, target: Points, weights: Points | None = None) -> Similarity:
    """Fit rotation, scale and shift, without reflection, from `source` to `target`.

    S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE TPAMI 13(4), 1991; in two dimensions by complex numbers.

    Args:
        source: Points [N, 2], N >= 2.
        target: Points [N, 2].
        weights: The weight of each point [N]; by default all the same.

    Returns:
        The transform [2, 3] with the least squared distances.

    Raises:
        ValueError: If all source points are the same.
    """
    shares = np.full(len(source), 1.0) if weights is None else weights
    shares = shares / shares.sum()
    source_mean, target_mean = shares @ source, shares @ target
    z, w = (
        (points - mean) @ (1, 1j) for points, mean in ((source, source_mean), (target, target_mean))
    )
    variance = float(shares @ np.abs(z) ** 2)
    if not variance > 0:
        raise ValueError("points that are all one point have no similarity to others")
    factor = shares @ (z.conj() * w) / variance
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, target_mean - turn @ source_mean])


def transform(points: Points, where: Similarity) -> Points:
    """Return points [N, 2] moved by a transform [2, 3]."""
    moved: Points = points @ where[:, :2].T + where[:, 2]
    return moved


def on_crop(landmarks: FaceLandmarks, where: Similarity) -> Points:
    """Return the landmarks in crop pixels, [468, 3], by the transform `where`."""
    scale = float(np.sqrt(np.linalg.det(where[:, :2])))
    places = transform(landmarks.points[:, :2], where)
    return np.column_stack([places, scale * landmarks.points[:, 2]])
