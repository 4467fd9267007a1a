"""Measurements of a face on every frame: eyes, mouth, pose, sharpness and light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.pose import HeadPose, head_pose
from off_tanet.types import Crop, Pixels

Points = NDArray[np.float64]

# Of each eye of the person: outer and inner corner, three points of the upper lid, and those of the
# lower lid below them.
_RIGHT_EYE = (33, 133), (160, 159, 158), (144, 145, 153)
_LEFT_EYE = (263, 362), (387, 386, 385), (373, 374, 380)
_INNER_LIPS = (13, 14)
_OUTER_CORNERS = (33, 263)

# The surroundings reach so far from the landmarks, as shares of their width and height, and begin
# at a distance that leaves out the outline of the head and most of the hair.
_BESIDE, _ABOVE = 0.6, 0.5
_GAP_BESIDE, _GAP_ABOVE = 0.1, 0.15
_SAMPLES = 60  # rows on a face; more do not change a mean
_LEAST_SAMPLES = 100
_GREY = np.array([0.114, 0.587, 0.299], np.float32)  # of blue, green and red, as in the crop


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
        surroundings: Mean of the picture above and on both sides of the head, in grey levels; NaN
            where the picture ends at the head.
    """

    presence: float
    right_eye: float
    left_eye: float
    mouth: float
    pose: HeadPose
    sharpness: float
    brightness: float
    surroundings: float

    @property
    def eyes(self) -> float:
        """The mean opening of both eyes."""
        return (self.right_eye + self.left_eye) / 2


def mouth_opening(signals: FaceSignals | None) -> float:
    """Return the opening of the mouth; NaN without signals."""
    return float("nan") if signals is None else signals.mouth


def measure_signals(pixels: Pixels, landmarks: FaceLandmarks, crop: Crop) -> FaceSignals:
    """Measure the signals of one frame.

    Args:
        pixels: The frame [H, W, 3].
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
        surroundings=_surroundings(pixels, landmarks.box),
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


def _surroundings(pixels: Pixels, box: tuple[float, float, float, float]) -> float:
    """The mean brightness above and on both sides of the box of the landmarks, in grey levels.

    The chest is left out: dark clothes do not make a face brighter than what is behind it.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    step = max(1, int(height / _SAMPLES))
    across = _places(left - _BESIDE * width, right + _BESIDE * width, pixels.shape[1], step)
    down = _places(top - _ABOVE * height, bottom, pixels.shape[0], step)
    columns, rows = (np.arange(places.start, places.stop, step) for places in (across, down))
    beside = (columns < left - _GAP_BESIDE * width) | (columns > right + _GAP_BESIDE * width)
    around = beside | (rows < top - _GAP_ABOVE * height)[:, None]
    if around.sum() < _LEAST_SAMPLES:
        return float("nan")
    return float((pixels[down, across][around] @ _GREY).mean())


def _places(start: float, stop: float, size: int, step: int) -> slice:
    """Every `step`-th row or column from `start` to `stop` that lies in a picture."""
    first = max(0, int(start))
    return slice(first, max(first, min(size, int(stop))), step)
