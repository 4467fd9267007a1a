"""Alignment: from landmarks to the transform of the canonical crop, and to the head's pose."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.geometry import AVERAGE, RIGID
from off_tanet.recognition.face.kernel import SimilarityFitter
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.types import Similarity

Points = NDArray[np.float64]

_FITTER = SimilarityFitter(AVERAGE, RIGID, steps=3)


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
    return _FITTER.fit(points)


def similarity(source: Points, target: Points) -> Similarity:
    """Fit rotation, scale and shift, without reflection, from `source` to `target`.

    S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE TPAMI 13(4), 1991; in two dimensions by complex numbers.

    Args:
        source: Points [N, 2], N >= 2.
        target: Points [N, 2].

    Returns:
        The transform [2, 3] with the least squared distances.

    Raises:
        ValueError: If all source points are the same.
    """
    return SimilarityFitter(target, np.arange(len(target)), steps=1).fit(source)


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
