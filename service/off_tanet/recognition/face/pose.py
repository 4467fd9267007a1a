"""The pose of a head, from the landmarks that do not express anything."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.geometry import AVERAGE, RIGID

Points = NDArray[np.float64]

_MODEL: Points = AVERAGE[RIGID] - AVERAGE[RIGID].mean(axis=0)
_CENTRE: Points = AVERAGE[RIGID].mean(axis=0)
_VARIANCE = float((_MODEL**2).sum())


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where a head is, and how it is turned.

    Attributes:
        yaw: Degrees to the right of the picture.
        pitch: Degrees downwards.
        roll: Degrees clockwise.
        x: Column of the head in the picture, in pixels.
        y: Its row.
        scale: Picture pixels for one pixel of the canonical crop.
    """

    yaw: float
    pitch: float
    roll: float
    x: float
    y: float
    scale: float


def head_pose(landmarks: Points) -> HeadPose:
    """Fit the pose of the average head to landmarks.

    Least squares over the rigid landmarks in three dimensions: W. Kabsch, "A discussion of the
    solution for the best rotation to relate two sets of vectors", Acta Cryst. A34, 1978.

    Args:
        landmarks: x, y and z of each landmark in picture pixels, [468, 3].

    Returns:
        The pose.
    """
    rotation, scale, middle = _fit(landmarks)
    # Python's numbers take a fifth of the time of NumPy's.
    (right, _, sine), (down, _, nod), (_, _, ahead) = rotation.tolist()
    yaw = math.asin(min(max(-sine, -1.0), 1.0))
    pitch, roll = -math.atan2(nod, ahead), math.atan2(down, right)
    x, y, _ = middle.tolist()
    yaw, pitch, roll = map(math.degrees, (yaw, pitch, roll))
    return HeadPose(yaw, pitch, roll, x, y, scale)


def unposed(landmarks: Points) -> Points:
    """Undo place, size and turn of a head.

    Args:
        landmarks: x, y and z of each landmark in any picture, [468, 3].

    Returns:
        The landmarks as on the canonical crop of a face that looks ahead, [468, 3].
    """
    rotation, scale, middle = _fit(landmarks)
    return (landmarks - middle) @ rotation / scale + _CENTRE


def _fit(landmarks: Points) -> tuple[Points, float, Points]:
    """Rotation [3, 3], scale and centre [3] that place the average head on the landmarks."""
    points = landmarks[RIGID]
    middle = points.mean(axis=0)
    product = points.T @ _MODEL  # the model's mean is zero: the points' need not be taken off
    # OpenCV's functions take a quarter of the time of NumPy's for a matrix of 3 x 3.
    strengths, left, right = map(np.asarray, cv2.SVDecomp(product))
    proper = np.array([1.0, 1.0, np.sign(cv2.determinant(left @ right))])
    scale = float(strengths[:, 0] @ proper) / _VARIANCE
    return (left * proper) @ right, scale, middle
