"""Measurements of a face on every frame: eyes, mouth, pose, sharpness and light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.pose import HeadPose, head_pose
from off_tanet.types import Crop

Points = NDArray[np.float64]

# Of each eye of the person: outer and inner corner, three points of the upper lid, and those of the
# lower lid below them.
_RIGHT_EYE = (33, 133), (160, 159, 158), (144, 145, 153)
_LEFT_EYE = (263, 362), (387, 386, 385), (373, 374, 380)
_INNER_LIPS = (13, 14)
_OUTER_CORNERS = (33, 263)


@dataclass(frozen=True, slots=True)
class FaceSignals:
    """What one frame shows of a face.

    Attributes:
        presence: Probability that the tracked region shows a face, 0..1.
        right_eye: Height of the opening of the person's right eye as a share of its width.
        left_eye: The same of the left eye.
        mouth: Distance between the lips as a share of the distance of the eyes' outer corners.
        pose: Where the head is and how it is turned.
        sharpness: Standard deviation of the crop's Laplacian, in grey levels.
        brightness: Mean of the crop, in grey levels.
    """

    presence: float
    right_eye: float
    left_eye: float
    mouth: float
    pose: HeadPose
    sharpness: float
    brightness: float


def measure_signals(landmarks: FaceLandmarks, crop: Crop) -> FaceSignals:
    """Measure the signals of one frame.

    Args:
        landmarks: The landmarks of the face.
        crop: Its crop [112, 112].

    Returns:
        The signals.
    """
    points = landmarks.points
    return FaceSignals(
        presence=landmarks.presence,
        right_eye=_eye_opening(points, *_RIGHT_EYE),
        left_eye=_eye_opening(points, *_LEFT_EYE),
        mouth=_ratio(points, [_INNER_LIPS], _OUTER_CORNERS),
        pose=head_pose(points),
        sharpness=float(cv2.Laplacian(crop, cv2.CV_32F).std()),
        brightness=float(crop.mean()),
    )


def _eye_opening(
    points: Points, corners: tuple[int, int], upper: tuple[int, ...], lower: tuple[int, ...]
) -> float:
    """T. Soukupova and J. Cech, "Real-Time Eye Blink Detection using Facial Landmarks", 2016."""
    return _ratio(points, list(zip(upper, lower, strict=True)), corners)


def _ratio(points: Points, heights: list[tuple[int, int]], width: tuple[int, int]) -> float:
    """The mean distance of pairs of landmarks as a share of that of one pair."""
    first, second = np.array(heights).T
    distances = np.linalg.norm(points[first, :2] - points[second, :2], axis=1)
    across = float(np.linalg.norm(points[width[0], :2] - points[width[1], :2]))
    return float(distances.mean()) / max(across, 1e-6)
