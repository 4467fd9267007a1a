"""Samples as a picture's file stores them, and the 8-bit colour that is made of them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.types import Pixels

Samples = NDArray[np.uint8] | NDArray[np.uint16]

_BAND_PIXELS = 1 << 20  # converted at once: temporaries of a whole picture would be its size again
_DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras' sensors and converters have


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """A decoded picture before its depth is chosen.

    `samples` are grey [H, W], blue-green-red [H, W, 3] or with opacity [H, W, 4], uint8 or uint16.
    `bits` of them are in use where the file tells it, `least_bits` where it leaves some doubt.
    `multiplied`: the colours have been
    multiplied by the opacity already. `orientation` is EXIF's, still to be applied. `damaged`: the
    data are not what an encoder writes, though every pixel is there.
    """

    samples: Samples
    bits: int | None = None
    least_bits: int = 8
    multiplied: bool = False
    orientation: int = 1
    damaged: bool = False

    @property
    def is_guessed(self) -> bool:
        """Whether the depth is no more than what the samples need."""
        return self.bits is None and self.samples.dtype == np.uint16

    @property
    def depth(self) -> int:
        """The bits in use: as the file tells, else as many as the largest sample needs.

        Many cameras leave values of 10 to 14 bits in files of 16, where they would be almost black.
        """
        if self.bits is not None:
            return self.bits
        if self.samples.dtype == np.uint8:
            return 8
        needed = max(self.least_bits, int(self._colours.max(initial=0)).bit_length())
        return next(depth for depth in _DEPTHS if depth >= needed)

    @property
    def _colours(self) -> Samples:
        return self.samples[..., :3] if self.samples.ndim == 3 else self.samples

    def pixels(self, depth: int) -> Pixels:
        """Blue-green-red of 8 bits, upright, where samples of `depth` bits are the full range."""
        height, width = self.samples.shape[:2]
        colour = np.empty((height, width, 3), np.uint8)
        rows = max(1, _BAND_PIXELS // width)
        for top in range(0, height, rows):
            band = _eight_bit(self.samples[top : top + rows], depth)
            colour[top : top + rows] = _colour(band, self.multiplied)
        return upright(colour, self.orientation)


def _eight_bit(samples: Samples, depth: int) -> NDArray[np.uint8]:
    if samples.dtype == np.uint8 and depth == 8:
        return samples.astype(np.uint8, copy=False)
    scaled = cv2.convertScaleAbs(np.ascontiguousarray(samples), alpha=255 / ((1 << depth) - 1))
    return np.asarray(scaled, np.uint8).reshape(samples.shape)


def _colour(samples: NDArray[np.uint8], multiplied: bool) -> Pixels:
    """Three channels; what is transparent becomes black."""
    if samples.ndim == 2:
        return np.asarray(cv2.cvtColor(samples, cv2.COLOR_GRAY2BGR), np.uint8)
    colour = np.ascontiguousarray(samples[..., :3])
    if samples.shape[2] == 3 or multiplied:
        return colour
    alpha = cv2.cvtColor(np.ascontiguousarray(samples[..., 3]), cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.multiply(colour, alpha, scale=1 / 255), np.uint8)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation of `pixels` [H, W, 3]: from 5 on rows and columns change places."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
