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

from off_tanet.recognition.flow import tvl1
from off_tanet.recognition.motion.head_motion import brows_and_mouth, lids
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.types import CROP_SIZE, Crop, Flow

Floats = NDArray[np.float32]

_CELLS = 16  # a side, of 7 pixels each: coarse enough for motions of several pixels
_CELL = CROP_SIZE // _CELLS
_STEPS = 5  # with 4, a gain of 1.2 leaves 2 grey levels in one pixel of a hundred
_NOISE = 0.7  # of the average of a cell, in grey levels
_MOTION_PX = 1.5  # of a cell, in addition to the head; with less, a rising brow is taken for light
_CLIPPED_SHARE = 0.25  # of the pixels of a cell, from which on it is ignored

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
_LIGHT, _MOTIONS = slice(0, _OFFSETS.stop), slice(_OFFSETS.stop, None)

# Prior standard deviation of each term: gains, tones, grey levels and pixels.
_SPREADS = np.concatenate(
    [
        np.where(_DOWN + _ACROSS == 0, 0.5, 0.3 / (1 + (_DOWN**2 + _ACROSS**2) / 4)),
        (0.5, 0.25),
        (30, 5, 5),
        (3,) * 8,
    ]
)
_PRIOR = np.diag(_SPREADS**-2.0)


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


_MIDDLES = np.arange(_CELLS) * _CELL + (_CELL - 1) / 2
_CENTRES = np.stack(np.meshgrid(_MIDDLES, _MIDDLES)).reshape(2, -1).astype(np.float32)
# A mouth that opens changes its cells more than any light; what is left of light is seen elsewhere.
_STILL = ~(brows_and_mouth(_CELLS) | lids(_CELLS)).ravel()
_HEAD = np.ascontiguousarray(HeadShape.average().terms(_CELLS).T, np.float32)
_PIXEL_PLACES = _places(np.arange(CROP_SIZE, dtype=np.float32))
_PIXEL_WAVES = _waves(_PIXEL_PLACES)
_LEVELS = _tones()
_LEVELS_OF_ONSET = np.ascontiguousarray(_LEVELS[:, ::3])  # level and clipping

# Half of the difference of the cells on both sides, per pixel; an edge is its own neighbour.
_ROWS = np.arange(_CELLS)
_SLOPE = np.zeros((_CELLS, _CELLS), np.float32)
_SLOPE[_ROWS, np.minimum(_ROWS + 1, _CELLS - 1)] += 1 / (2 * _CELL)
_SLOPE[_ROWS, np.maximum(_ROWS - 1, 0)] -= 1 / (2 * _CELL)


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
    if apex.min() > 0 and apex.max() < 255:
        return onset, 0
    below, above = np.zeros_like(onset), np.full_like(onset, 255)
    if apex.min() == 0:
        below = _rounded(least)
    if apex.max() == 255:
        above = _rounded(most)
    cut = np.clip(onset, below, above)
    return cut, int(np.count_nonzero(np.abs(cv2.absdiff(cut, onset)) > 1))


def _fit(onset: Crop, apex: Crop) -> tuple[NDArray[np.float64], float]:
    """The terms that match the apex to the onset, and the remaining difference.

    The model is onset(p) = lit(p + d(p)) with the head motion d and lit = apex + terms of light. It
    is fitted by Gauss-Newton steps, each with the averages of the apex sampled along the head
    motion, and with robust weights against expressions.
    """
    fine = _averages(apex, _LEVELS)
    cells = slice(_CELL // 2, None, _CELL)
    target, clipped = _averages(onset, _LEVELS_OF_ONSET)[cells, cells].reshape(-1, 2).T
    terms, squares = np.zeros(len(_PRIOR)), np.zeros(_CELLS**2)
    derivatives = np.empty((len(_PRIOR), _CELLS**2), np.float32)
    light, motion = derivatives[_LIGHT], derivatives[_MOTIONS]
    for _ in range(_STEPS):
        small = terms.astype(np.float32)
        places = small[_MOTIONS].reshape(2, 4) @ _HEAD + _CENTRES
        values = _sampled(fine, places)
        _write_light(light, values, places)
        slopes = _slopes((values[0] + small[_LIGHT] @ light + target) / 2)
        np.multiply(slopes[:, None], _HEAD, out=motion.reshape(2, 4, -1))
        wanted = target - values[0] + small[_MOTIONS] @ motion
        visible = np.maximum(1 - np.maximum(clipped, values[3]) / _CLIPPED_SHARE, 0)
        precision = visible / (_NOISE**2 + _MOTION_PX**2 * np.square(slopes).sum(axis=0))
        # The weights of Geman and McClure, as in the fit of head motion.
        scale = max(1.0, 2 * _quantile(squares, 0.5))
        weights = precision / np.square(1 + squares / scale)
        design = derivatives.astype(np.float64)  # their products need more digits
        weighted = design * weights
        terms = np.linalg.solve(weighted @ design.T + _PRIOR, weighted @ wanted)
        squares = precision * np.square(wanted - terms @ design)
    return terms, _quantile(squares[_STILL], 0.9) ** 0.5


def _quantile(values: NDArray[np.float64], share: float) -> float:
    place = int(share * len(values))
    return float(np.partition(values, place)[place])


def _averages(crop: Crop, table: Floats) -> Floats:
    """The values of `table` for each pixel, averaged over a cell around it, [112, 112, ...]."""
    values = table.take(crop, axis=0)
    return np.asarray(cv2.blur(values, (_CELL, _CELL), borderType=cv2.BORDER_REPLICATE), np.float32)


def _sampled(fine: Floats, places: Floats) -> Floats:
    """The averages at places [2, cells], [4, cells]."""
    x, y = places.reshape(2, _CELLS, _CELLS)
    sampled = cv2.remap(fine, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(sampled.reshape(_CELLS**2, -1).T, np.float32)


def _write_light(light: Floats, values: Floats, places: Floats) -> None:
    """Write the derivative of the light by each term into `light`, [terms, cells].

    Args:
        light: Is written.
        values: The averages at the cells, [4, cells].
        places: Where the cells are seen, [2, cells].
    """
    scaled = _places(places)
    waves = _waves(scaled)
    across, down, level = waves[:, 0], waves[:, 1], values[0]
    np.multiply(down, level, out=light[:_WAVES])
    np.multiply(across[1:], level, out=light[_WAVES : 2 * _WAVES - 1])
    crossed = light[_CROSSED[0]], across[_CROSSED[1]]
    np.multiply(*crossed, out=light[2 * _WAVES - 1 : _GAINS.stop])
    light[_TONES] = values[1:3]
    light[_OFFSETS.start] = 1
    light[_OFFSETS.start + 1 : _OFFSETS.stop] = scaled


def _slopes(cells: Floats) -> Floats:
    """The gradients of cells [cells] to the right and downwards, per pixel, [2, cells]."""
    square = cells.reshape(_CELLS, _CELLS)
    return np.stack([square @ _SLOPE.T, _SLOPE @ square]).reshape(2, -1)


def _rounded(levels: Floats) -> Crop:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
