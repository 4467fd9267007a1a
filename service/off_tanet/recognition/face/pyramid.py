"""A picture at many scales: small copies and cut-out squares without aliasing, at little cost."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.types import Pixels

SMALLEST = 8  # pixels; there is nothing to see in less
LONGEST = 32_766  # pixels of a side that OpenCV cuts from


class Octaves:
    """A picture and its halvings.

    What is shrunk from the halving that is just large enough shrinks by less than two, where
    bilinear interpolation does not alias, and costs as many steps as the result has pixels.
    """

    def __init__(self, picture: Pixels) -> None:
        self._pictures = [picture]
        while min(picture.shape[:2]) >= 2 * SMALLEST:
            height, width = picture.shape[:2]
            picture = _resized(picture, width // 2, height // 2)
            self._pictures.append(picture)

    @property
    def size(self) -> tuple[int, int]:
        """The whole picture's width and height."""
        height, width = self._pictures[0].shape[:2]
        return width, height

    def scaled(self, scale: float) -> Pixels:
        """The whole picture, resized by `scale`, at least a pixel."""
        width, height = self.size
        return _resized(
            self._covering(scale), max(1, round(width * scale)), max(1, round(height * scale))
        )

    def cut(self, squares: NDArray[np.float64], cell: int) -> NDArray[np.uint8]:
        """The squares as uint8 [N, cell, cell, 3]; beyond the picture its edge goes on.

        `squares` [N, 4] holds left, top, right and bottom edge; the picture's edges begin at 0.
        """
        patches = np.empty((len(squares), cell, cell, 3), np.uint8)
        for patch, (left, top, right, _) in zip(patches, squares, strict=True):
            step = (right - left) / cell
            source = self._covering(1 / step)
            x, y = np.array(source.shape[1::-1]) / self.size
            source, (before, above) = _near(source, left * x, top * y)
            # From the centres of the patch's pixels to those of the source's.
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
        """The smallest of the pictures that is at least `scale` as large as the first."""
        halvings = int(np.log2(1 / scale)) if scale < 1 else 0
        return self._pictures[min(halvings, len(self._pictures) - 1)]


def _near(picture: Pixels, x: float, y: float) -> tuple[Pixels, tuple[int, int]]:
    """The picture, or where a side is too long for OpenCV its part around (x, y); its beginning.

    No square that is sought is longer than the part is behind (x, y), as the shorter side is not.
    """
    starts = [
        0 if length <= LONGEST else min(max(0, int(place) - LONGEST // 2), length - LONGEST)
        for length, place in zip(picture.shape[1::-1], (x, y), strict=True)
    ]
    before, above = starts
    return picture[above : above + LONGEST, before : before + LONGEST], (before, above)


def _resized(picture: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(cv2.resize(picture, (width, height)), np.uint8)
