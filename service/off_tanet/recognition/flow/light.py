"""Matching of the light of two crops of one face before their flow is computed.

TV-L1 assumes constant brightness: 5% more of it on the same picture gives 2 px of false motion. The
change of light is fitted to coarse averages of the crops, together with the motion of the head, and
undone in the second crop. The contrast of the first one, for which TV-L1 is tuned, is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.flow import kernel, tvl1
from off_tanet.recognition.motion.head_motion import brows_and_mouth, lids
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.types import CROP_SIZE, Crop, Flow

Floats = NDArray[np.float32]

_CELLS = 16  # a side, as in light.cpp

# The gain over the crop is a sum of products of vertical and horizontal waves. Along one axis they
# are as fine as the bands of a rolling shutter under a flickering lamp, along both axes coarser.
_WAVES = 9
_BOTH = 4  # half periods of the vertical and the horizontal wave together
_CROSSED = np.array(
    [(down, both - down) for both in range(2, _BOTH + 1) for down in range(1, both)]
).T
_ONE, _NONE = np.arange(_WAVES), np.zeros(_WAVES, int)
_DOWN = np.concatenate([_ONE, _NONE[1:], _CROSSED[0]])
_ACROSS = np.concatenate([_NONE, _ONE[1:], _CROSSED[1]])
_GAINS = slice(0, len(_DOWN))
_TONES = slice(_GAINS.stop, _GAINS.stop + 2)
_OFFSETS = slice(_TONES.stop, _TONES.stop + 3)
_LIGHT = slice(0, _OFFSETS.stop)

# Prior standard deviation of each term: gains, tones, grey levels and pixels.
_SPREADS = np.concatenate(
    [
        np.where(_DOWN + _ACROSS == 0, 0.5, 0.3 / (1 + (_DOWN**2 + _ACROSS**2) / 4)),
        (0.5, 0.25),
        (30, 5, 5),
        (3,) * 8,
    ]
)
_PRECISION = _SPREADS**-2.0


def _places(pixels: Floats) -> Floats:
    """Crop pixels on a scale from -1 at one edge to 1 at the other."""
    return np.asarray((pixels + 0.5) * (2 / CROP_SIZE) - 1, np.float32)


def _waves(place: Floats) -> Floats:
    """A constant, a slope and cosines of 1 to 4 periods at each place [...], [_WAVES, ...]."""
    waves = np.empty((_WAVES, *place.shape), np.float32)
    waves[0], waves[1] = 1, place
    half_periods = np.arange(2, _WAVES, dtype=np.float32) * np.float32(np.pi / 2)
    np.cos(np.multiply.outer(half_periods, place + 1), out=waves[2:])
    return waves


def _tones() -> Floats:
    """Four values of each grey level, [256, 4].

    These are the level, its first- and second-order change with gamma, and whether it is clipped.
    """
    levels = np.arange(256)
    stops = np.log(np.maximum(levels, 1) / 255)
    clipped = (levels == 0) | (levels == 255)
    return np.stack([levels, levels * stops, levels * stops**2, clipped], 1).astype(np.float32)


# A mouth that opens changes its cells more than any light; what is left of light is seen elsewhere.
_STILL = (~(brows_and_mouth(_CELLS) | lids(_CELLS))).ravel()
_HEAD = np.ascontiguousarray(HeadShape.average().terms(_CELLS).T, np.float32)
_PIXEL_PLACES = _places(np.arange(CROP_SIZE, dtype=np.float32))
_PIXEL_WAVES = _waves(_PIXEL_PLACES)
_LEVELS = _tones()


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Two crops in the light of the first.

    Attributes:
        onset: The first crop [112, 112]. It differs from the original only where the apex is
            clipped: both are limited there to the range of the apex.
        apex: The second crop [112, 112] in the light of the first.
        clipped: The share of pixels that were limited, 0..1.
        unmatched: The remaining difference of the coarse averages; 1 is what noise and motion
            cause.
    """

    onset: Crop
    apex: Crop
    clipped: float
    unmatched: float

    def flow(self) -> Flow:
        """Compute the flow [2, 112, 112] from onset to apex, in pixels."""
        return tvl1(self.onset, self.apex)


def matched(onset: Crop, apex: Crop) -> Matched:
    """Match the light of two crops.

    If the crops differ only by motion, the apex changes by a grey level at most.

    Args:
        onset: The first crop [112, 112], whose light is kept.
        apex: The second crop [112, 112].

    Returns:
        Both crops in the same light.

    Raises:
        ValueError: If a crop is no uint8 array [112, 112].
    """
    terms, unmatched = _fit(onset, apex)
    return _lit(onset, apex, terms, unmatched)


def derivatives(levels: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """Compute how a picture changes with each term of light.

    Args:
        levels: A picture of a face [N, N], in grey levels.

    Returns:
        The derivative of each pixel by each term, [terms, N, N], and the prior standard deviation
        of each term.
    """
    size = len(levels)
    waves = _waves(np.asarray((2 * np.arange(size) + 1) / size - 1, np.float32))
    gains = waves[_DOWN][:, :, None] * waves[_ACROSS][:, None] * levels
    stops = np.log(np.maximum(levels, 1) / 255)
    tones = levels * stops, levels * stops**2
    slopes = (np.broadcast_to(slope, levels.shape) for slope in (waves[1], waves[1][:, None]))
    terms = [*gains, *tones, np.ones_like(levels), *slopes]
    return np.stack(terms).astype(np.float32), _SPREADS[_LIGHT]


def _lit(onset: Crop, apex: Crop, terms: NDArray[np.float64], unmatched: float) -> Matched:
    """Undo a change of light."""
    gains = np.zeros((_WAVES, _WAVES), np.float32)
    gains[_DOWN, _ACROSS] = terms[_GAINS]
    gain = _PIXEL_WAVES.T @ gains @ _PIXEL_WAVES
    offset, across, down = terms[_OFFSETS].astype(np.float32)
    slope = across * _PIXEL_PLACES + (down * _PIXEL_PLACES)[:, None]
    tones = (_LEVELS[:, 0] + _LEVELS[:, 1:3] @ terms[_TONES] + offset).astype(np.float32)
    lit = apex * gain + cv2.LUT(apex, tones) + slope
    onset, clipped = _limit(onset, apex, tones[0] + slope, tones[-1] + 255 * gain + slope)
    over = np.count_nonzero((lit < -0.5) | (lit > 255.5))
    share = max(clipped, over) / lit.size
    return Matched(onset, _rounded(lit), share, unmatched)


def _limit(onset: Crop, apex: Crop, least: Floats, most: Floats) -> tuple[Crop, int]:
    """The onset limited to the range of a clipped apex, and the number of limited pixels."""
    cut = onset
    if apex.min() == 0:
        cut = np.maximum(cut, _rounded(least))
    if apex.max() == 255:
        cut = np.minimum(cut, _rounded(most))
    return cut, int(np.count_nonzero(cv2.absdiff(cut, onset) > 1))


def _fit(onset: Crop, apex: Crop) -> tuple[NDArray[np.float64], float]:
    """The terms that match the apex to the onset, and the remaining difference.

    The model is onset(p) = lit(p + d(p)) with the head motion d and lit = apex + terms of light. It
    is fitted by Gauss-Newton steps, each with the averages of the apex sampled along the head
    motion, and with robust weights against expressions.
    """
    for crop in (onset, apex):
        if crop.dtype != np.uint8 or crop.shape != (CROP_SIZE, CROP_SIZE):
            raise ValueError(f"{crop.dtype} {crop.shape} is no crop")
    terms, unmatched = np.empty(len(_PRECISION)), np.empty(1)
    crops = np.ascontiguousarray(onset), np.ascontiguousarray(apex)
    arrays = (*crops, _LEVELS, _HEAD, _PRECISION, _STILL, terms, unmatched)
    if kernel().fit_light(*(array.ctypes.data for array in arrays)) != 0:
        raise MemoryError("no memory to match the light")
    return terms, float(unmatched[0])


def _rounded(levels: Floats) -> Crop:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
