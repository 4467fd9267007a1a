"""Alignment: from landmarks to the transform of the canonical crop, and to the head's pose."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.geometry import AVERAGE, RIGID
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.types import Similarity

Points = NDArray[np.float64]
Complex = NDArray[np.complex128]

_STEPS = 3
_LEAST_VARIANCE = 1e-18  # of the squared distance to the origin: less is rounding
_LEAST_SPREAD = 0.5  # crop pixels; people differ from the average by more
_TARGET: Complex = AVERAGE[RIGID, 0] + 1j * AVERAGE[RIGID, 1]
_MIDDLE = [(len(RIGID) - 1) // 2, len(RIGID) // 2]


def align(landmarks: FaceLandmarks) -> Similarity:
    """Fit the transform from the picture to the canonical crop, as `fit_average` does."""
    return fit_average(landmarks.points)


def fit_average(points: Points) -> Similarity:
    """Fit the transform from the landmarks of a face to those of the average face.

    Least squares over the landmarks that do not express anything (`geometry.RIGID`), iteratively
    reweighted with the weights of Geman and McClure, so that a landmark that is hidden or that
    the mesh misplaces counts less.

    Args:
        points: x and y of the landmarks, and possibly z, [468, 2 or 3].

    Returns:
        The similarity [2, 3] to pixels of the canonical crop.

    Raises:
        ValueError: If all landmarks are one point.
    """
    source = _complex(points[RIGID])
    weights = np.ones(len(RIGID))
    for _ in range(_STEPS):
        factor, shift = _fit(source, _TARGET, weights)
        distances = np.abs(factor * source + shift - _TARGET)
        # np.median takes half of the time of the fit.
        spread = np.partition(distances, _MIDDLE)[_MIDDLE].mean() + _LEAST_SPREAD
        weights = 1 / (1 + (distances / (2 * spread)) ** 2) ** 2
    return _matrix(factor, shift)


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
    shares = np.ones(len(source)) if weights is None else weights
    return _matrix(*_fit(_complex(source), _complex(target), shares))


def _fit(source: Complex, target: Complex, weights: Points) -> tuple[complex, complex]:
    """The factor and the shift of the similarity between points of the complex plane."""
    shares = weights / weights.sum()
    source_mean, target_mean = complex(shares @ source), complex(shares @ target)
    z = source - source_mean
    weighted = shares * z
    variance = float(np.vdot(z, weighted).real)
    if not variance > _LEAST_VARIANCE * abs(source_mean) ** 2:
        raise ValueError("points that are all one point have no similarity to others")
    # The weighted sum of z is zero: the mean of the target need not be taken off.
    factor = complex(np.vdot(weighted, target)) / variance
    return factor, target_mean - factor * source_mean


def _complex(points: Points) -> Complex:
    plane: Complex = points[:, 0] + 1j * points[:, 1]
    return plane


def _matrix(factor: complex, shift: complex) -> Similarity:
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )


def between(first: Similarity, second: Similarity) -> Similarity:
    """Return the transform [2, 3] from the crop of one transform to that of another."""
    back = np.asarray(cv2.invertAffineTransform(first), np.float64)
    composed: Similarity = second[:, :2] @ back
    composed[:, 2] += second[:, 2]
    return composed


def transform(points: Points, where: Similarity) -> Points:
    """Return points [N, 2] moved by a transform [2, 3]."""
    moved: Points = points @ where[:, :2].T + where[:, 2]
    return moved


def on_crop(landmarks: FaceLandmarks, where: Similarity) -> Points:
    """Return the landmarks in crop pixels, [468, 3], by the transform `where`."""
    places = np.empty_like(landmarks.points)
    places[:, :2] = transform(landmarks.points[:, :2], where)
    places[:, 2] = landmarks.points[:, 2] * math.hypot(where[0, 0], where[1, 0])
    return places
