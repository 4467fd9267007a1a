"""Frame -> Face -> the canonical 112 x 112 grey crop.

Coordinates are OpenCV's: the centre of a picture's first pixel is (0, 0).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.mtcnn import CELL, Detections, Mtcnn
from off_tanet.recognition.face.pyramid import Octaves
from off_tanet.types import CROP_SIZE, Crop, Face, Frame, Landmarks, Pixels, Similarity

Floats = NDArray[np.float32]

SHARES = (1 / 8, 1 / 25)
"""The smallest face sought, as a share of the picture's shorter side: first one, then the next."""

SMALLEST_PX = 20.0
"""No smaller face is sought: the networks were trained on this size and more."""

MOST_PIXELS = 3_000_000
"""Of the picture as it is when the smallest face sought is as small as the first network takes it.

A second's work. Only of a picture 30 times as long as wide the smallest faces are not sought.
"""

PLACES = np.array([(0.27, 0.28), (0.73, 0.28), (0.5, 0.52), (0.33, 0.73), (0.67, 0.73)])
"""Where the five landmarks lie on the crop, as shares of it, in the order of `Landmarks`."""


class FaceDetector:
    """Finds faces with MTCNN, whose three files are in the folder `mtcnn` of `assets`.

    Raises `ModelError` where one of them is missing or cannot be run.
    """

    def __init__(self, assets: Path, threads: int = 1) -> None:
        self._mtcnn = Mtcnn(assets / "mtcnn", threads)

    def detect(self, frame: Frame | Pixels) -> tuple[Face, ...]:
        """The faces of a picture, the largest first; an empty tuple where there is none.

        Faces of less than an eighth of the shorter side are sought only where there is no larger
        one: they cost most of the time, and beside a larger face they would not be the subject.
        A box ends at the picture's edges; landmarks of a face that the picture cuts may lie
        outside it.
        """
        picture = frame.pixels if isinstance(frame, Frame) else frame
        octaves = Octaves(picture)
        width, height = octaves.size
        least = max(SMALLEST_PX, CELL * math.sqrt(width * height / MOST_PIXELS))
        for smallest in dict.fromkeys(max(least, share * min(width, height)) for share in SHARES):
            found = faces(self._mtcnn.detect(octaves, smallest), octaves.size)
            if found:
                return found
        return ()

    def follow(self, picture: Pixels, face: Face) -> Face | None:
        """The face again, a little later: at a tenth of a search's cost; None where it is gone."""
        marks = points(face) + 0.5
        spread = np.ptp(marks, axis=0).max()
        last = np.array(picture.shape[1::-1])
        left, top = np.clip(marks.min(axis=0) - 2 * spread, 0, last).astype(int)
        right, bottom = np.clip(marks.max(axis=0) + 2 * spread, 0, last).astype(int)
        if right - left < 2 or bottom - top < 2:
            return None
        octaves = Octaves(picture[top:bottom, left:right])
        found = self._mtcnn.look(octaves, marks[None] - (left, top))
        width, height = last
        return next(iter(faces(found.moved(left, top), (width, height))), None)


def faces(detections: Detections, size: tuple[int, int]) -> tuple[Face, ...]:
    """`detections` in a picture of `size` (width, height), the largest first."""
    corners = np.clip(detections.boxes.reshape(-1, 2, 2), 0, size)
    extents = corners[:, 1] - corners[:, 0]
    found = (
        Face(
            box=(float(x), float(y), float(width), float(height)),
            score=float(score),
            landmarks=Landmarks(*((float(across), float(down)) for across, down in points - 0.5)),
        )
        for (x, y), (width, height), score, points in zip(
            corners[:, 0], extents, detections.scores, detections.landmarks, strict=True
        )
        if width > 0 and height > 0
    )
    return tuple(sorted(found, key=lambda face: face.area, reverse=True))


def align(face: Face) -> Similarity:
    """The similarity from the picture to the crop, least squares over the five landmarks.

    S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE TPAMI 13(4), 1991. Raises ValueError where the landmarks are all one point.
    """
    return similarity(points(face), PLACES * CROP_SIZE - 0.5)


def points(face: Face) -> NDArray[np.float64]:
    """The five landmarks, [5, 2], in the order of `Landmarks`."""
    marks = face.landmarks
    return np.array(
        [marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right]
    )


def transformed(face: Face, where: Similarity) -> NDArray[np.float64]:
    """The five landmarks where the crop has them, [5, 2]."""
    return points(face) @ where[:, :2].T + where[:, 2]


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Similarity:
    """The rotation, scale and shift, but no reflection, that bring `source` nearest to `target`.

    Both [N, 2]; N >= 2. Raises ValueError where the source is all one point.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source, target = source - source_mean, target - target_mean
    variance = (source**2).sum()
    if not variance > 0:
        raise ValueError("points that are all one point have no similarity to others")
    left, strengths, right = np.linalg.svd(target.T @ source)
    proper = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    turn = (left * proper) @ right * (strengths * proper).sum() / variance
    return np.column_stack([turn, target_mean - turn @ source_mean])


def crop(pixels: Pixels, similarity: Similarity) -> Crop:
    """The canonical crop of a picture; beyond the picture its edge goes on.

    A face that is much larger than the crop is averaged before it is sampled: without that, fine
    texture aliases and a motion of a fraction of a crop pixel shows false flow (0.24 px on
    average at a shrinking by seven, 0.02 px with it). Grey comes first, cubic sampling after; both
    are linear, so the published order, which is the other, differs by rounding alone.
    """
    window, transform = _window(pixels, similarity)
    grey = _floats(cv2.cvtColor(window, cv2.COLOR_BGR2GRAY))
    shrinking = 1 / np.sqrt(np.linalg.det(transform[:, :2]))
    while shrinking >= 4:
        grey, transform = _halved(grey, transform)
        shrinking /= 2
    if shrinking > 1:
        # As wide as makes the picture's pixels as coarse as the crop's.
        width = 0.45 * float(np.sqrt(shrinking**2 - 1))
        grey = _floats(cv2.GaussianBlur(grey, (0, 0), width, borderType=cv2.BORDER_REPLICATE))
    sampled = cv2.warpAffine(
        grey,
        transform,
        (CROP_SIZE, CROP_SIZE),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    rounded: Crop = np.clip(np.rint(sampled), 0, 255).astype(np.uint8)
    return rounded


def whole(pixels: Pixels) -> Crop:
    """The whole picture as the crop, for pictures that are tight face crops already.

    Averages where the picture is larger than the crop, cubic where it is smaller.
    """
    height, width = pixels.shape[:2]
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    reduced = min(width, CROP_SIZE), min(height, CROP_SIZE)
    grey = cv2.resize(grey, reduced, interpolation=cv2.INTER_AREA)
    grown = cv2.resize(grey, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.uint8)


def _window(pixels: Pixels, similarity: Similarity) -> tuple[Pixels, Similarity]:
    """The part of the picture that the crop is made of, and the similarity from there."""
    inverse = cv2.invertAffineTransform(similarity)
    margin = 6.0  # crop pixels: the reach of the blur and of cubic sampling
    near, far = -margin, CROP_SIZE - 1 + margin
    corners = np.array([(near, near), (near, far), (far, near), (far, far)])
    corners = corners @ inverse[:, :2].T + inverse[:, 2]
    last = np.array(pixels.shape[1::-1]) - 1
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, last).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, last).astype(int)
    shifted = similarity.copy()
    shifted[:, 2] += similarity[:, :2] @ (left, top)
    return pixels[top : bottom + 1, left : right + 1], shifted


def _halved(grey: Floats, transform: Similarity) -> tuple[Floats, Similarity]:
    """The picture at half its size, and the transform from there."""
    height, width = grey.shape
    size = np.array([max(1, width // 2), max(1, height // 2)])
    step = (width, height) / size
    composed = transform.copy()
    composed[:, :2] *= step
    composed[:, 2] += transform[:, :2] @ (step / 2 - 0.5)
    return _floats(cv2.resize(grey, size.tolist())), composed


def _floats(picture: NDArray[Any]) -> Floats:
    return np.asarray(picture, np.float32)
