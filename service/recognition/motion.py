"""What part of a face's flow is the head's motion, and what part is an expression.

The geometry is that of the canonical crop, in fractions of its side (x right, y down): eye centres
at (.27, .28) and (.73, .28), brows near y .15, nose tip at y .52, mouth near y .73.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from service.recognition.types import CROP_SIZE, Crop, Flow

Floats = NDArray[np.float64]

_FIT_SIZE = 16  # cells a side; finer ones make the fit slower and no better
_FIT_STEPS = 8
_LEAST_SPREAD_PX = 0.02  # below the noise of any flow
_SMOOTHING_PX = 2.0
_STRONGEST_PERCENT = 95.0  # half a brow that moves alone is some 5% of the regions


def _places(size: int) -> tuple[Floats, Floats]:
    """x and y of the centres of size x size cells, as fractions of the crop."""
    centres = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(centres, centres)
    return x, y


def _from_centre(size: int) -> Floats:
    """(x, y, 1) of each cell, [size * size, 3], x and y from the centre of the crop."""
    x, y = _places(size)
    return np.stack([x - 0.5, y - 0.5, np.ones_like(x)], axis=-1).reshape(-1, 3)


def _expressive(size: int) -> NDArray[np.bool_]:
    """Brows, mouth and chin, but not the eyes between them: a blink expresses nothing."""
    x, y = _places(size)
    brows = (np.abs(y - 0.12) < 0.08) & (np.abs(x - 0.5) < 0.42)
    mouth = (np.abs(y - 0.76) < 0.20) & (np.abs(x - 0.5) < 0.34)
    return brows | mouth


_CELLS, _PIXELS = _from_centre(_FIT_SIZE), _from_centre(CROP_SIZE)
_EXPRESSIVE = _expressive(CROP_SIZE)


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """An affine motion of the whole crop: `matrix` [2, 3] maps (x, y, 1) to (u, v).

    x and y are fractions of the crop from its centre, u and v pixels at 112 x 112.
    """

    matrix: Floats

    def flow(self) -> Flow:
        """The motion as a flow [2, 112, 112]."""
        flow = self.matrix @ _PIXELS.T
        return flow.reshape(2, CROP_SIZE, CROP_SIZE).astype(np.float32)

    def __add__(self, other: HeadMotion) -> HeadMotion:
        """Both motions after another, to first order in their size."""
        return HeadMotion(self.matrix + other.matrix)

    @property
    def magnitude_px(self) -> float:
        """Its mean length over the crop, in pixels."""
        return float(np.hypot(*self.flow()).mean())


def head_motion(flow: Flow) -> HeadMotion:
    """The affine motion that most of a face's flow [2, 112, 112] follows.

    Iteratively reweighted least squares with Geman and McClure's weights, whose scale is the
    residual's median. Affine, because a small rotation of the head in depth stretches and shears
    the picture, which a similarity cannot follow; robust, because a raised brow must not pass for
    a head that nods. The whole face counts alike: with more weight on the nose's bridge and the
    sides of the face, which express little, the fit took more of an expression for head motion.
    """
    cells = cv2.resize(
        flow.transpose(1, 2, 0), (_FIT_SIZE, _FIT_SIZE), interpolation=cv2.INTER_AREA
    )
    observed = cells.reshape(-1, 2).astype(np.float64)
    weights = np.ones(len(_CELLS))
    for _ in range(_FIT_STEPS):
        weighted = _CELLS * weights[:, None]
        matrix = np.linalg.solve(weighted.T @ _CELLS, weighted.T @ observed)
        residual = np.hypot(*(observed - _CELLS @ matrix).T)
        spread = np.median(residual) + _LEAST_SPREAD_PX
        weights = 1 / (1 + (residual / spread) ** 2) ** 2
    return HeadMotion(np.asarray(matrix.T, np.float64))


def steady(crop: Crop, head: HeadMotion) -> Crop:
    """`crop` with a head motion undone: what has moved along it comes back to its place."""
    pixels = np.indices((CROP_SIZE, CROP_SIZE), np.float32)[::-1]
    x, y = pixels + head.flow()
    steadied = cv2.remap(crop, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(steadied, np.uint8)


def expression(flow: Flow) -> Flow:
    """What is left of a face's flow [2, 112, 112] when the head's motion is taken out."""
    return flow - head_motion(flow).flow()


def strength(flow: Flow) -> float:
    """How strongly a face's flow [2, 112, 112] expresses something, in pixels at 112 x 112.

    The 95th percentile of the length of the smoothed expression at brows and mouth. A single
    action unit that moves its centre by 1 px gives 0.5 to 1; identical frames give 0.
    """
    moved = expression(flow).transpose(1, 2, 0)
    smooth = cv2.GaussianBlur(moved, (0, 0), _SMOOTHING_PX)
    lengths = np.hypot(*smooth[_EXPRESSIVE].T)
    return float(np.percentile(lengths, _STRONGEST_PERCENT))
