"""An image pyramid for resizing and cropping without aliasing, at low cost."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.types import Pixels

SMALLEST = 8  # pixels of the shorter side of the last level
LONGEST = 32_766  # pixels of a side, the most that OpenCV warps from


class Octaves:
    """A picture [H, W, 3] at full, half, quarter, ... size.

    Resizing starts from the smallest level that is large enough and so shrinks by less than two.
    There bilinear interpolation does not alias, and the cost is that of the result's pixels.
    """

    def __init__(self, picture: Pixels) -> None:
        self._pictures = [picture]
        while min(picture.shape[:2]) >= 2 * SMALLEST:
            height, width = picture.shape[:2]
            picture = _resized(picture, width // 2, height // 2)
            self._pictures.append(picture)

    @property
    def size(self) -> tuple[int, int]:
        """The width and height of the whole picture."""
        height, width = self._pictures[0].shape[:2]
        return width, height

    def scaled(self, scale: float) -> Pixels:
        """Return the whole picture resized by `scale`, with sides of at least one pixel."""
        width, height = self.size
        return _resized(
            self._covering(scale), max(1, round(width * scale)), max(1, round(height * scale))
        )

    def cut(self, squares: NDArray[np.float64], cell: int) -> NDArray[np.uint8]:
        """Crop squares and resize each to `cell` x `cell` pixels.

        Args:
            squares: Left, top, right and bottom edges, [N, 4]; the picture's edges are at 0.
            cell: The side of the results.

        Returns:
            The squares, uint8 [N, cell, cell, 3]. Border pixels are repeated beyond the picture.
        """
        patches = np.empty((len(squares), cell, cell, 3), np.uint8)
        for patch, (left, top, right, _) in zip(patches, squares, strict=True):
            step = (right - left) / cell
            source = self._covering(1 / step)
            x, y = np.array(source.shape[1::-1]) / self.size
            source, (before, above) = _near(source, left * x, top * y)
            # Maps pixel centres of the patch to those of the source.
            back = np.array(
                [
                    [step * x, 0, (left + step / 2) * x - 0.5 - before],
                    [0, step * y, (top + step / 2) * y - 0.5 - above],
                ]
            )
            cv2.warpAffine(
                source,
                back,
                (cell, cell),
                dst=patch,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        return patches

    def _covering(self, scale: float) -> Pixels:
        """The smallest level that is at least `scale` times as large as the first."""
        halvings = int(np.log2(1 / scale)) if scale < 1 else 0
        return self._pictures[min(halvings, len(self._pictures) - 1)]


def _near(picture: Pixels, x: float, y: float) -> tuple[Pixels, tuple[int, int]]:
    """The part of a picture around (x, y) that is small enough for OpenCV, and its origin.

    The part covers every square that begins at (x, y), as none is longer than the shorter side.
    """
    starts = [
        0 if length <= LONGEST else min(max(0, int(place) - LONGEST // 2), length - LONGEST)
        for length, place in zip(picture.shape[1::-1], (x, y), strict=True)
    ]
    before, above = starts
    return picture[above : above + LONGEST, before : before + LONGEST], (before, above)


def _resized(picture: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(cv2.resize(picture, (width, height)), np.uint8)
