"""Samples as an image file stores them, and their conversion to 8-bit colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.media.turns import Turn
from off_tanet.types import Pixels

Samples = NDArray[np.uint8] | NDArray[np.uint16]
"""Samples of an image, uint8 or uint16: [H, W] or [H, W, channels]."""

_BAND_PIXELS = 1 << 20  # converted at once; temporaries of a whole image would double its memory
_DEPTHS = (8, 10, 12, 14, 16)  # bits of the sensors and converters of cameras


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """A decoded image before its bit depth is chosen.

    Attributes:
        samples: Grey [H, W], blue-green-red [H, W, 3] or with opacity [H, W, 4], uint8 or uint16.
        bits: Significant bits of a sample, where the file declares them.
        min_bits: Lower bound of the significant bits, where `bits` is None.
        premultiplied: Whether the colours are already multiplied by the opacity.
        orientation: The EXIF orientation (1 to 8), not applied yet.
        damaged: Whether the data differ from what an encoder writes, though no pixel is missing.
    """

    samples: Samples
    bits: int | None = None
    min_bits: int = 8
    premultiplied: bool = False
    orientation: int = 1
    damaged: bool = False

    @property
    def is_depth_estimated(self) -> bool:
        """Whether `depth` is estimated from the largest sample."""
        return self.bits is None and self.samples.dtype == np.uint16

    @property
    def depth(self) -> int:
        """Significant bits of a sample: as declared, or as many as the largest sample needs.

        Many cameras store values of 10 to 14 bits in 16-bit files, where they would be almost
        black.
        """
        if self.bits is not None:
            return self.bits
        if self.samples.dtype == np.uint8:
            return 8
        needed = max(self.min_bits, int(self._colours.max(initial=0)).bit_length())
        return next(depth for depth in _DEPTHS if depth >= needed)

    @property
    def _colours(self) -> Samples:
        return self.samples[..., :3] if self.samples.ndim == 3 else self.samples

    def to_pixels(self, depth: int) -> Pixels:
        """Convert to upright 8-bit blue-green-red, [H, W, 3].

        Args:
            depth: Significant bits of a sample: `2 ** depth - 1` becomes 255.
        """
        turn = Turn.of_exif(self.orientation)
        if depth == 8 and self.samples.dtype == np.uint8 and self.samples.shape[2:] == (3,):
            return turn.apply(cast(Pixels, self.samples))
        height, width = self.samples.shape[:2]
        colour = np.empty((height, width, 3), np.uint8)
        rows = max(1, _BAND_PIXELS // width)
        for top in range(0, height, rows):
            band = _scale_to_8_bits(self.samples[top : top + rows], depth)
            colour[top : top + rows] = _convert_to_bgr(band, self.premultiplied)
        return turn.apply(colour)


def _scale_to_8_bits(samples: Samples, depth: int) -> NDArray[np.uint8]:
    if samples.dtype == np.uint8 and depth == 8:
        return samples.astype(np.uint8, copy=False)
    scaled = cv2.convertScaleAbs(np.ascontiguousarray(samples), alpha=255 / ((1 << depth) - 1))
    return np.asarray(scaled, np.uint8).reshape(samples.shape)


def _convert_to_bgr(samples: NDArray[np.uint8], premultiplied: bool) -> Pixels:
    """Convert to three channels; transparent pixels become black."""
    if samples.ndim == 2:
        return np.asarray(cv2.cvtColor(samples, cv2.COLOR_GRAY2BGR), np.uint8)
    colour = np.ascontiguousarray(samples[..., :3])
    if samples.shape[2] == 3 or premultiplied:
        return colour
    alpha = cv2.cvtColor(np.ascontiguousarray(samples[..., 3]), cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.multiply(colour, alpha, scale=1 / 255), np.uint8)
