"""Square, turned regions of a picture, as the face mesh takes them.

Coordinates are OpenCV's: the centre of a picture's first pixel is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.types import Pixels, Similarity

Points = NDArray[np.float64]

# MediaPipe's: the mesh was trained on squares that are half as large again as the face in them.
_MARGIN = 1.5
RIGHT_CORNER, LEFT_CORNER = 33, 263
"""The landmarks at the outer corners of the eyes; right and left as the person has them."""


@dataclass(frozen=True, slots=True)
class Region:
    """A square of a picture.

    Attributes:
        x: The column of the centre, in pixels.
        y: The row of the centre, in pixels.
        side: The length of a side, in pixels, above 0.
        angle: The angle from the picture's rows to those of the square, clockwise, in radians.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def around(cls, points: Points, right_eye: Points, left_eye: Points) -> Region:
        """Return the region of a face.

        Args:
            points: Points that enclose the face, [N, 2].
            right_eye: A point of the person's right eye, [2]; the eyes become horizontal.
            left_eye: The same point of the left eye, [2].

        Returns:
            The region, half as large again as the tight square around the points.
        """
        across, down = left_eye - right_eye
        angle = float(np.arctan2(down, across))
        cos, sin = np.cos(angle), np.sin(angle)
        turned = points @ np.array([[cos, -sin], [sin, cos]])
        low, high = turned.min(axis=0), turned.max(axis=0)
        x, y = np.array([[cos, -sin], [sin, cos]]) @ ((low + high) / 2)
        return cls(float(x), float(y), max(1.0, _MARGIN * float((high - low).max())), angle)

    @classmethod
    def around_landmarks(cls, points: NDArray[np.float64]) -> Region:
        """Return the region of a face whose landmarks [468, 2 or more] are known."""
        places = points[:, :2]
        return cls.around(places, places[RIGHT_CORNER], places[LEFT_CORNER])

    @property
    def face_size(self) -> float:
        """The side of the tight square around the face, in pixels."""
        return self.side / _MARGIN

    def scaled(self, factor: float) -> Region:
        """Return the region with the same centre and a side of `factor` times the length."""
        return replace(self, side=factor * self.side)

    def overlap(self, other: Region) -> float:
        """Return the intersection of two faces' tight squares as a share of the smaller one.

        The angles are ignored.
        """
        smaller = min(self.face_size, other.face_size)
        reach = (self.face_size + other.face_size) / 2
        across, down = reach - abs(self.x - other.x), reach - abs(self.y - other.y)
        return min(max(across, 0), smaller) * min(max(down, 0), smaller) / smaller**2

    def to_picture(self, places: NDArray[Any]) -> Points:
        """Return points [N, 2], given as fractions of the square, in the picture's pixels."""
        cos, sin = self.side * np.cos(self.angle), self.side * np.sin(self.angle)
        turned: Points = (places - 0.5) @ np.array([[cos, sin], [-sin, cos]])
        return turned + np.array([self.x, self.y])

    def transform(self, size: int) -> Similarity:
        """Return the transform [2, 3] from the picture to the square of `size` pixels a side."""
        scale = size / self.side
        cos, sin = scale * np.cos(self.angle), scale * np.sin(self.angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        shift = np.full(2, size / 2 - 0.5) - turn @ (self.x, self.y)
        return np.column_stack([turn, shift])


def sample(pixels: Pixels, region: Region, size: int) -> Pixels:
    """Cut a region out of a picture.

    The part of the picture that is needed is averaged to at most 2.25 times the resolution of the
    result first, so that fine texture does not alias.

    Args:
        pixels: The picture [H, W, 3].
        region: The region; what lies outside the picture becomes black, as the mesh was trained.
        size: The side of the result, in pixels.

    Returns:
        The square [size, size, 3].
    """
    transform = region.transform(size)
    turned = abs(np.cos(region.angle)) + abs(np.sin(region.angle))
    reach = region.side * (turned / 2 + 2 / size)  # of a corner, and of two pixels more
    last = np.array(pixels.shape[1::-1])
    left, top = np.clip(np.floor([region.x - reach, region.y - reach]), 0, last - 1).astype(int)
    right, bottom = np.clip(np.ceil([region.x + reach, region.y + reach]) + 1, 1, last).astype(int)
    window = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    transform[:, 2] += transform[:, :2] @ (left, top)
    window, transform = _reduced(window, transform, region.side / size)
    sampled = cv2.warpAffine(window, transform, (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(sampled, np.uint8)


def _reduced(window: Pixels, transform: Similarity, shrinking: float) -> tuple[Pixels, Similarity]:
    """Reduce a picture until it shrinks by less than 3; return it and the transform from there.

    Halving averages 2 x 2 pixels. Above a shrinking of 6, a bilinear reduction to 3 to 4.5 times
    the result's resolution precedes it: it reads 2 x 2 of each n x n pixels, and takes 1 ms where
    an average over all pixels of a face of 1,200 pixels takes 20 ms.
    """
    if shrinking >= 6:
        step = int(shrinking / 3)
        window, transform = _shrunk(window, transform, step)
        shrinking /= step
    while shrinking >= 3:
        window, transform = _shrunk(window, transform, 2)
        shrinking /= 2
    return window, transform


def _shrunk(window: Pixels, transform: Similarity, step: int) -> tuple[Pixels, Similarity]:
    height, width = window.shape[:2]
    size = np.array([max(1, width // step), max(1, height // step)])
    scale = (width, height) / size
    composed = transform.copy()
    composed[:, :2] *= scale
    composed[:, 2] += transform[:, :2] @ (scale / 2 - 0.5)
    small = cv2.resize(window, size.tolist(), interpolation=cv2.INTER_LINEAR)
    return np.asarray(small, np.uint8), composed
