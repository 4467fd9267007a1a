"""Scenes with the portrait in them, and where the eyes and the mouth are on it."""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from off_tanet.recognition.face.mesh import FaceLandmarks, five_points
from off_tanet.types import Pixels

Points = NDArray[np.float64]

# Read from the enlarged portrait: both pupils, the middle between the corners of the mouth.
EYES_AND_MOUTH = np.array([(203.0, 100.4), (246.4, 102.9), (223.9, 140.2)])
EYE_DISTANCE = 43.5
FACE = (slice(68, 174), slice(173, 279))  # rows and columns of a tight box around the face


def places(face: FaceLandmarks) -> Points:
    """The same three places of a found face."""
    left_eye, right_eye, _, mouth_left, mouth_right = five_points(face.points)
    return np.array([left_eye, right_eye, (mouth_left + mouth_right) / 2])


def turned(pixels: Pixels, degrees: float) -> tuple[Pixels, Points]:
    """The portrait turned around the face, and the three places on it."""
    turn = cv2.getRotationMatrix2D((224, 120), degrees, 1.0)
    size = pixels.shape[1::-1]
    rotated = cv2.warpAffine(pixels, turn, size, borderMode=cv2.BORDER_REPLICATE)
    expected = EYES_AND_MOUTH @ turn[:, :2].T + turn[:, 2]
    return np.asarray(rotated, np.uint8), np.asarray(expected, np.float64)


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    how = cv2.INTER_AREA if width < pixels.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)


def colour(name: str) -> Pixels:
    """A picture of scikit-image in colour."""
    pixels = np.asarray(getattr(skimage.data, name)())
    return np.ascontiguousarray(np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels[..., ::-1])


def pasted(canvas: Pixels, pixels: Pixels, x: int, y: int) -> Pixels:
    result = canvas.copy()
    result[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
    return result


def wall(width: int, height: int) -> Pixels:
    """A bare wall in even light."""
    return np.full((height, width, 3), 150, np.uint8)
