"""The shape of a head: how near each place of the canonical crop is to the camera."""

from __future__ import annotations

from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.geometry import AVERAGE
from off_tanet.types import CROP_SIZE

Floats = NDArray[np.float64]

_CELLS = 28  # a side; finer ones resolve more than the landmarks do
_BORDER = 4  # cells around the crop, for landmarks beyond its edge
_SIZE = _CELLS + 2 * _BORDER
_BLURS = (9.0, 3.0, 1.0)  # cells: a place without landmarks takes the depth of those farther away
_ENOUGH = 2e-3  # landmarks for each cell


def places(size: int) -> tuple[Floats, Floats]:
    """Return x and y of the centres of cells, each [size, size], as fractions of the crop."""
    centres = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(centres, centres)
    return x, y


class HeadShape:
    """The depth of a head over the canonical crop.

    When a head turns or nods, near points move more than far ones: the motion of a rigid head is
    linear in x, y and depth under weak perspective, at any angle. At 5 degrees of yaw, on rendered
    faces, the depth of an ellipsoid with a nose left 0.9 px of false motion, that of the average
    face 0.17 px, and that of the person's own landmarks 0.14 px.

    Args:
        landmarks: x, y and z of the landmarks in crop pixels, [468, 3]; z is smaller when nearer.
    """

    def __init__(self, landmarks: NDArray[np.floating]) -> None:
        self._depth = _depth(np.asarray(landmarks, np.float64))

    @classmethod
    @cache
    def average(cls) -> HeadShape:
        """Return the shape of the average face."""
        return cls(AVERAGE)

    def terms(self, size: int) -> Floats:
        """Compute the terms of the motion of a rigid head.

        Args:
            size: The number of cells a side.

        Returns:
            (x, y, 1, depth) of each cell, [size * size, 4], as fractions of the crop: x and y from
            its centre, the depth larger when nearer.
        """
        depth = cv2.resize(self._depth, (size, size), interpolation=_INTERPOLATION[size > _CELLS])
        return np.concatenate([_plane(size), depth.reshape(1, -1)]).T

    @cached_property
    def pixels(self) -> NDArray[np.float32]:
        """The terms of each pixel of the crop, float32 [4, 112 * 112]."""
        depth = cv2.resize(
            self._depth.astype(np.float32), (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC
        )
        return np.concatenate([_PIXEL_PLANE, depth.reshape(1, -1)])


@cache
def _plane(size: int) -> Floats:
    """(x, y, 1) of each cell, [3, size * size]: the terms of every head but the depth."""
    x, y = (place - 0.5 for place in places(size))
    return np.stack([x, y, np.ones_like(x)]).reshape(3, -1)


_PIXEL_PLANE = _plane(CROP_SIZE).astype(np.float32)
_INTERPOLATION = {False: cv2.INTER_AREA, True: cv2.INTER_CUBIC}


def _kernel(blur: float) -> Floats:
    """The matrix that blurs each column of cells, without the border; transposed, each row.

    Products of such small matrices take a fifth of the time of OpenCV's filter.
    """
    reach = 2 * round(4 * blur) + 1
    kernel = cv2.GaussianBlur(np.eye(_SIZE), (1, reach), blur)
    return np.asarray(kernel[_BORDER:-_BORDER], np.float64)


_KERNELS = np.stack([*map(_kernel, _BLURS)])[:, None]


def _depth(landmarks: Floats) -> Floats:
    """The depth of each cell, [28, 28], interpolated by normalised convolution.

    H. Knutsson and C.-F. Westin, "Normalized and differential convolution", CVPR 1993.
    """
    cells = np.floor((landmarks[:, :2] + 0.5) * _CELLS / CROP_SIZE).astype(int) + _BORDER
    inside = ((cells >= 0) & (cells < _SIZE)).all(axis=1)
    places = cells[inside] @ (1, _SIZE)
    depth = -landmarks[inside, 2] / CROP_SIZE
    sums = np.stack(
        [np.bincount(places, weights, _SIZE**2).reshape(_SIZE, _SIZE) for weights in (None, depth)]
    )
    density, total = (_KERNELS @ sums @ _KERNELS.swapaxes(-1, -2)).swapaxes(0, 1)
    shares, means = density / (density + _ENOUGH), total / np.maximum(density, 1e-12)
    result = np.full((_CELLS, _CELLS), depth.mean() if len(depth) else 0.0)
    for share, mean in zip(shares, means, strict=True):
        result += share * (mean - result)
    return result
