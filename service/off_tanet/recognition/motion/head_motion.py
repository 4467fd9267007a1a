"""Separation of the flow of a face into head motion and expression.

The geometry is that of the canonical crop, in fractions of its side (x right, y down): eye centres
at (.27, .28) and (.73, .28), brows near y .15, nose tip at y .52, mouth near y .73.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.types import CROP_SIZE, Crop, Flow

Floats = NDArray[np.float64]

_FIT_SIZE = 16  # cells a side; finer cells make the fit slower and no more accurate
_FIT_STEPS = 8
_LEAST_SPREAD_PX = 0.02  # less than the noise of any flow
_SMOOTHING_PX = 2.0
_STRONGEST_PERCENT = 95.0  # half of one brow is some 5% of the regions


def places(size: int) -> tuple[Floats, Floats]:
    """Return x and y of the centres of cells, each [size, size], as fractions of the crop."""
    centres = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(centres, centres)
    return x, y


def brows_and_mouth(size: int) -> NDArray[np.bool_]:
    """Return the mask of the cells of brows, mouth and chin, without the eyes, [size, size]."""
    x, y = places(size)
    brows = (np.abs(y - 0.105) < 0.08) & (np.abs(x - 0.5) < 0.42)
    mouth = (np.abs(y - 0.76) < 0.20) & (np.abs(x - 0.5) < 0.34)
    return brows | mouth


def lids(size: int) -> NDArray[np.bool_]:
    """Return the mask of the cells of the lids of both eyes, [size, size]."""
    x, y = places(size)
    return (np.abs(y - 0.285) < 0.08) & (np.abs(np.abs(x - 0.5) - 0.23) < 0.14)


def head_terms(size: int) -> Floats:
    """Compute the terms of the model of head motion.

    The depth is that of an ellipsoid with a nose: nearer points move more when a head turns or
    nods. It is generic and only has to fit a face better than a plane does.

    Args:
        size: The number of cells a side.

    Returns:
        (x, y, 1, depth) of each cell, [size * size, 4]; x and y are fractions of the crop from
        its centre.
    """
    x, y = (place - 0.5 for place in places(size))
    ellipsoid = np.sqrt(np.maximum(1 - (x / 0.75) ** 2 - (y / 0.9) ** 2, 0.04))
    nose = 0.25 * np.exp(-((x / 0.11) ** 2) - (y / 0.16) ** 2)
    return np.stack([x, y, np.ones_like(x), ellipsoid + nose], axis=-1).reshape(-1, 4)


def _rigid(size: int) -> NDArray[np.bool_]:
    """All cells except the rows of the eyes, where a blink would look like a nod."""
    return np.asarray(np.abs(places(size)[1] - 0.29) > 0.09)


_RIGID = _rigid(_FIT_SIZE).ravel()
_CELLS = head_terms(_FIT_SIZE)[_RIGID]
_PRODUCTS = np.einsum("ni,nj->nij", _CELLS, _CELLS).reshape(-1, 16)  # of the terms of each cell
_MIDDLE = len(_CELLS) // 2  # np.median would take a tenth of the time of the fit
_PIXELS = head_terms(CROP_SIZE).T.astype(np.float32)
_EXPRESSIVE, _LIDS = brows_and_mouth(CROP_SIZE), lids(CROP_SIZE)
_GRID = np.indices((CROP_SIZE, CROP_SIZE), np.float32)[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """The motion of a rigid head.

    Attributes:
        matrix: Maps (x, y, 1, depth) of `head_terms` to (u, v) in pixels at 112 x 112, [2, 4]. Its
            affine part describes shift, roll, scale and shear, its last column yaw and pitch (to
            first order, under weak perspective).
    """

    matrix: Floats

    @classmethod
    def none(cls) -> HeadMotion:
        """Return the motion of a head at rest."""
        return cls(np.zeros((2, 4)))

    def flow(self) -> Flow:
        """Return the motion as a flow [2, 112, 112], in pixels."""
        flow: Flow = self.matrix.astype(np.float32) @ _PIXELS
        return flow.reshape(2, CROP_SIZE, CROP_SIZE)

    def __add__(self, other: HeadMotion) -> HeadMotion:
        """The composition of both motions, to first order in their size."""
        return HeadMotion(self.matrix + other.matrix)

    @property
    def magnitude_px(self) -> float:
        """The mean length of the motion over the crop, in pixels."""
        return float(np.hypot(*self.flow()).mean())


def head_motion(flow: Flow) -> HeadMotion:
    """Fit the motion of a rigid head to the flow of a face.

    The fit is by iteratively reweighted least squares with the weights of Geman and McClure, whose
    scale is the median of the residuals. It is robust, so that a raised brow is not taken for a
    nod. The model is affine with a depth term, because yaw and pitch move the nose more than the
    cheeks: without the term, two thirds more of a head motion of 3 px is left in the expression.
    All cells of the face except the eyes have the same weight: with more weight on the bridge of
    the nose and the sides of the face, which express little, the fit took more of an expression
    for head motion.

    Args:
        flow: The flow of a face [2, 112, 112], in pixels.

    Returns:
        The motion that most of the flow follows.
    """
    size = (_FIT_SIZE, _FIT_SIZE)
    cells = cv2.resize(flow.transpose(1, 2, 0), size, interpolation=cv2.INTER_AREA)
    observed = cells.reshape(-1, 2)[_RIGID].astype(np.float64)
    weights = np.ones(len(_CELLS))
    for _ in range(_FIT_STEPS):
        normal = (weights @ _PRODUCTS).reshape(4, 4)
        matrix = np.linalg.solve(normal, _CELLS.T @ (weights[:, None] * observed))
        residual = np.hypot(*(observed - _CELLS @ matrix).T)
        spread = np.partition(residual, _MIDDLE)[_MIDDLE] + _LEAST_SPREAD_PX
        weights = 1 / (1 + (residual / spread) ** 2) ** 2
    return HeadMotion(np.asarray(matrix.T, np.float64))


def steady(crop: Crop, head: HeadMotion) -> Crop:
    """Undo a head motion in a crop.

    Args:
        crop: The crop [112, 112] after the motion.
        head: The motion from the reference to the crop.

    Returns:
        The crop warped back to the reference.
    """
    x, y = _GRID + head.flow()
    steadied = cv2.remap(crop, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(steadied, np.uint8)


def expression(flow: Flow) -> Flow:
    """Return the flow of a face [2, 112, 112] without the motion of the head."""
    return flow - head_motion(flow).flow()


def strength(flow: Flow) -> float:
    """Measure the strength of an expression.

    This is the 95th percentile of the length of the smoothed flow without head motion, at brows
    and mouth and, where they rise, at the lids: raised or tightened lids are an expression, a
    blink, which lowers them, is none. A single action unit that moves its centre by 1 px gives
    0.3 to 1; identical frames give 0.

    Args:
        flow: The flow of a face [2, 112, 112], in pixels.

    Returns:
        The strength, in pixels at 112 x 112.
    """
    moved = expression(flow).transpose(1, 2, 0)
    smooth = cv2.GaussianBlur(moved, (0, 0), _SMOOTHING_PX)
    raised = np.maximum(-smooth[_LIDS][:, 1], 0)
    lengths = np.concatenate([np.hypot(*smooth[_EXPRESSIVE].T), raised])
    return float(np.percentile(lengths, _STRONGEST_PERCENT))
