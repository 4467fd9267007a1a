"""Measurements of a face on every frame: eyes, mouth, pose, sharpness and light."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.pose import HeadPose, head_pose
from off_tanet.types import Crop, Pixels

Points = NDArray[np.float64]

# Pairs of landmarks: of the person's right, then of the left eye both corners, and three points of
# the upper lid with those of the lower lid below them; the inner lips; the eyes' outer corners.
_PAIRS = np.array(
    [
        *((33, 133), (160, 144), (159, 145), (158, 153)),
        *((263, 362), (387, 373), (386, 374), (385, 380)),
        *((13, 14), (33, 263)),
    ]
)
_FIRST, _SECOND = _PAIRS.T

# The surroundings reach so far from the landmarks, as shares of their width and height, and begin
# at a distance that leaves out the outline of the head and most of the hair.
_BESIDE, _ABOVE = 0.6, 0.5
_GAP_BESIDE, _GAP_ABOVE = 0.1, 0.15
_SAMPLES = 60  # rows on a face; more do not change a mean
_LEAST_SAMPLES = 100
_GREY = (0.114, 0.587, 0.299)  # of blue, green and red, as in the crop


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
    right_eye, left_eye, mouth = _openings(landmarks.points)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(crop, cv2.CV_16S))
    return FaceSignals(
        presence=landmarks.presence,
        right_eye=right_eye,
        left_eye=left_eye,
        mouth=mouth,
        pose=head_pose(landmarks.points),
        sharpness=float(deviation.item()),
        brightness=cv2.mean(crop)[0],
        surroundings=_surroundings(pixels, landmarks.box),
    )


def _openings(points: Points) -> tuple[float, float, float]:
    """The openings of the right eye, of the left eye and of the mouth.

    T. Soukupova and J. Cech, "Real-Time Eye Blink Detection using Facial Landmarks", 2016.
    """
    across, down = (points[_FIRST, :2] - points[_SECOND, :2]).T
    spans: list[float] = np.hypot(across, down).tolist()
    right, left, (lips, corners) = spans[:4], spans[4:8], spans[8:]
    eyes = (sum(lids) / len(lids) / max(width, 1e-6) for width, *lids in (right, left))
    return next(eyes), next(eyes), lips / max(corners, 1e-6)


def _surroundings(pixels: Pixels, box: tuple[float, float, float, float]) -> float:
    """The mean brightness above and on both sides of the box of the landmarks, in grey levels.

    The chest is left out: dark clothes do not make a face brighter than what is behind it.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    step = max(1, int(height / _SAMPLES))
    across = _places(left - _BESIDE * width, right + _BESIDE * width, pixels.shape[1], step)
    down = _places(top - _ABOVE * height, bottom, pixels.shape[0], step)
    rows = slice(_before(down, top - _GAP_ABOVE * height), len(down))
    columns = slice(
        _before(across, left - _GAP_BESIDE * width), _before(across, right + _GAP_BESIDE * width)
    )
    count = len(down) * len(across) - (rows.stop - rows.start) * (columns.stop - columns.start)
    if count < _LEAST_SAMPLES:
        return float("nan")
    # Every `step`-th pixel, give or take one, in a quarter of the time of a slice with steps.
    part = pixels[down.start : down.stop, across.start : across.stop]
    size = len(across), len(down)
    sampled = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    sums, of_head = map(cv2.sumElems, (sampled, sampled[rows, columns]))
    means = ((every - inner) / count for every, inner in zip(sums, of_head, strict=True))
    return float(sum(map(operator.mul, _GREY, means)))


def _places(start: float, stop: float, size: int, step: int) -> range:
    """Every `step`-th row or column from `start` to `stop` that lies in a picture."""
    first = max(0, int(start))
    return range(first, max(first, min(size, int(stop))), step)


def _before(places: range, limit: float) -> int:
    """The number of places before a limit."""
    return len(range(places.start, min(places.stop, math.ceil(limit)), places.step))
