"""Undoing of an expression: a face warped so that its landmarks lie at other places."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.types import CROP_SIZE

Points = NDArray[np.float64]
Floats = NDArray[np.float32]

_CELLS = 28  # a side
_BLURS = (6.0, 2.0, 0.8)  # cells: where landmarks are rare, those farther away count
_ENOUGH = 2e-2  # landmarks for each cell
_GRID = np.indices((CROP_SIZE, CROP_SIZE), np.float32)[::-1]


def warp(picture: Floats, landmarks: Points, places: Points) -> Floats:
    """Move the landmarks of a face to other places.

    The motion between them is interpolated by normalised convolution, as `HeadShape` does it.

    Args:
        picture: The face, [112, 112].
        landmarks: x and y of its landmarks, [468, 2], in pixels.
        places: Where they are to lie, [468, 2].

    Returns:
        The warped face, [112, 112].
    """
    cells = np.floor((places + 0.5) * _CELLS / CROP_SIZE).astype(int)
    inside = ((cells >= 0) & (cells < _CELLS)).all(axis=1)
    columns, rows = cells[inside].T
    count = np.zeros((_CELLS, _CELLS), np.float32)
    total = np.zeros((_CELLS, _CELLS, 2), np.float32)
    np.add.at(count, (rows, columns), 1)
    np.add.at(total, (rows, columns), (landmarks - places)[inside])
    moved: NDArray[np.floating] = np.zeros_like(total)
    for blur in _BLURS:
        density = cv2.GaussianBlur(count, (0, 0), blur)[..., None]
        mean = cv2.GaussianBlur(total, (0, 0), blur) / np.maximum(density, 1e-9)
        share = density / (density + _ENOUGH)
        moved = share * mean + (1 - share) * moved
    x, y = _GRID + cv2.resize(moved, (CROP_SIZE, CROP_SIZE)).transpose(2, 0, 1)
    warped = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)
