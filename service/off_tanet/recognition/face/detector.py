"""Face detection, and the canonical 112 x 112 grey crop of a face.

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
"""The smallest face of the first and the second detection, as a share of the shorter side."""

SMALLEST_PX = 20.0
"""The smallest face that is detected: the networks were trained on this size and more."""

MOST_PIXELS = 3_000_000
"""The most pixels of the picture at the scale at which the smallest face fits the first network.

It takes about a second. Only in a picture 30 times as long as wide it excludes the smallest faces.
"""

PLACES = np.array([(0.27, 0.28), (0.73, 0.28), (0.5, 0.52), (0.33, 0.73), (0.67, 0.73)])
"""The places of the five landmarks on the crop, as shares of its side, [5, 2]."""


class FaceDetector:
    """Detects faces with MTCNN.

    Args:
        assets: The folder whose subfolder `mtcnn` contains the three networks.
        threads: The number of threads of each network.

    Raises:
        ModelError: If a file is missing or cannot be run.
    """

    def __init__(self, assets: Path, threads: int = 1) -> None:
        self._mtcnn = Mtcnn(assets / "mtcnn", threads)

    def detect(self, frame: Frame | Pixels) -> tuple[Face, ...]:
        """Detect the faces of a picture.

        Faces smaller than an eighth of the shorter side are detected only if there is no larger
        one: they take most of the time, and a larger face would be the subject.

        Args:
            frame: The picture [H, W, 3].

        Returns:
            The faces, the largest first, possibly none. Boxes are clipped to the picture;
            landmarks may lie outside it.
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
        """Find a known face on a later frame, at a tenth of the cost of a detection.

        Args:
            picture: The later frame [H, W, 3].
            face: The face on an earlier frame.

        Returns:
            The face on the later frame, or None if it is gone.
        """
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
    """Return `detections` in a picture of `size` (width, height) as faces, the largest first."""
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
    """Fit the similarity transform from the picture to the crop, by least squares.

    S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE TPAMI 13(4), 1991.

    Args:
        face: A face with five landmarks.

    Returns:
        The transform [2, 3] from picture pixels to crop pixels.

    Raises:
        ValueError: If all landmarks are one point.
    """
    return similarity(points(face), PLACES * CROP_SIZE - 0.5)


def points(face: Face) -> NDArray[np.float64]:
    """Return the five landmarks in image pixels, [5, 2], in the order of `Landmarks`."""
    marks = face.landmarks
    return np.array(
        [marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right]
    )


def transformed(face: Face, where: Similarity) -> NDArray[np.float64]:
    """Return the five landmarks in crop pixels, [5, 2], by the transform `where`."""
    return points(face) @ where[:, :2].T + where[:, 2]


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Similarity:
    """Fit rotation, scale and shift, without reflection, from `source` to `target`.

    Args:
        source: Points [N, 2], N >= 2.
        target: Points [N, 2].

    Returns:
        The transform [2, 3] with the least squared distances.

    Raises:
        ValueError: If all source points are the same.
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
    """Crop a face.

    A face that is much larger than the crop is blurred before it is sampled: without that, fine
    texture aliases and a motion of a fraction of a crop pixel gives false flow (0.24 px on
    average when shrinking by seven, 0.02 px with the blur). The conversion to grey comes before
    cubic sampling; both are linear, so that the published, opposite order differs by rounding
    alone.

    Args:
        pixels: The picture [H, W, 3].
        similarity: The transform [2, 3] from picture pixels to crop pixels.

    Returns:
        The crop [112, 112]. Border pixels are repeated beyond the picture.
    """
    window, transform = _window(pixels, similarity)
    grey = _floats(cv2.cvtColor(window, cv2.COLOR_BGR2GRAY))
    shrinking = 1 / np.sqrt(np.linalg.det(transform[:, :2]))
    while shrinking >= 4:
        grey, transform = _halved(grey, transform)
        shrinking /= 2
    if shrinking > 1:
        # The width that makes the resolution of the picture that of the crop.
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
    """Scale a whole picture to a crop, for pictures that already are tight face crops.

    Args:
        pixels: The picture [H, W, 3]. It is averaged where it is larger than the crop, and
            interpolated with cubic polynomials where it is smaller.

    Returns:
        The crop [112, 112].
    """
    height, width = pixels.shape[:2]
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    reduced = min(width, CROP_SIZE), min(height, CROP_SIZE)
    grey = cv2.resize(grey, reduced, interpolation=cv2.INTER_AREA)
    grown = cv2.resize(grey, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.uint8)


def _window(pixels: Pixels, similarity: Similarity) -> tuple[Pixels, Similarity]:
    """The part of the picture that the crop depends on, and the transform from this part."""
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
    """The picture at half its size, and the transform from that size."""
    height, width = grey.shape
    size = np.array([max(1, width // 2), max(1, height // 2)])
    step = (width, height) / size
    composed = transform.copy()
    composed[:, :2] *= step
    composed[:, 2] += transform[:, :2] @ (step / 2 - 0.5)
    return _floats(cv2.resize(grey, size.tolist())), composed


def _floats(picture: NDArray[Any]) -> Floats:
    return np.asarray(picture, np.float32)
