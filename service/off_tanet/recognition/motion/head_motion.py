"""What part of a face's flow is the head's motion, and what part is an expression.

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

_FIT_SIZE = 16  # cells a side; finer ones make the fit slower and no better
_FIT_STEPS = 8
_LEAST_SPREAD_PX = 0.02  # below the noise of any flow
_SMOOTHING_PX = 2.0
_STRONGEST_PERCENT = 95.0  # half a brow that moves alone is some 5% of the regions


def places(size: int) -> tuple[Floats, Floats]:
    """x and y of the centres of size x size cells, as fractions of the crop, each [size, size]."""
    centres = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(centres, centres)
    return x, y


def brows_and_mouth(size: int) -> NDArray[np.bool_]:
    """The cells of brows, mouth and chin, but not of the eyes between them, [size, size]."""
    x, y = places(size)
    brows = (np.abs(y - 0.105) < 0.08) & (np.abs(x - 0.5) < 0.42)
    mouth = (np.abs(y - 0.76) < 0.20) & (np.abs(x - 0.5) < 0.34)
    return brows | mouth


def lids(size: int) -> NDArray[np.bool_]:
    """The cells of both eyes' lids, [size, size]."""
    x, y = places(size)
    return (np.abs(y - 0.285) < 0.08) & (np.abs(np.abs(x - 0.5) - 0.23) < 0.14)


def head_terms(size: int) -> Floats:
    """(x, y, 1, depth) of each cell, [size * size, 4], x and y from the centre of the crop.

    The depth is that of an ellipsoid with a nose: what lies nearer moves farther when a head turns
    or nods. It needs not be the person's own, only to be nearer to it than a plane is.
    """
    x, y = (place - 0.5 for place in places(size))
    ellipsoid = np.sqrt(np.maximum(1 - (x / 0.75) ** 2 - (y / 0.9) ** 2, 0.04))
    nose = 0.25 * np.exp(-((x / 0.11) ** 2) - (y / 0.16) ** 2)
    return np.stack([x, y, np.ones_like(x), ellipsoid + nose], axis=-1).reshape(-1, 4)


def _rigid(size: int) -> NDArray[np.bool_]:
    """All cells but the rows of the eyes, where a blink would pass for a nod."""
    return np.asarray(np.abs(places(size)[1] - 0.29) > 0.09)


_RIGID = _rigid(_FIT_SIZE).ravel()
_CELLS = head_terms(_FIT_SIZE)[_RIGID]
_PRODUCTS = np.einsum("ni,nj->nij", _CELLS, _CELLS).reshape(-1, 16)  # of each cell's terms
_MIDDLE = len(_CELLS) // 2  # np.median takes a tenth of all the fit's time
_PIXELS = head_terms(CROP_SIZE).T.astype(np.float32)
_EXPRESSIVE, _LIDS = brows_and_mouth(CROP_SIZE), lids(CROP_SIZE)
_GRID = np.indices((CROP_SIZE, CROP_SIZE), np.float32)[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """The motion of a rigid head: `matrix` [2, 4] maps (x, y, 1, depth) to (u, v).

    x and y are fractions of the crop from its centre, u and v pixels at 112 x 112, the depth that
    of a generic head: its affine part holds shift, roll, size and shear, its last column yaw and
    pitch (to first order, under weak perspective).
    """

    matrix: Floats

    @classmethod
    def none(cls) -> HeadMotion:
        return cls(np.zeros((2, 4)))

    def flow(self) -> Flow:
        """The motion as a flow [2, 112, 112]."""
        flow: Flow = self.matrix.astype(np.float32) @ _PIXELS
        return flow.reshape(2, CROP_SIZE, CROP_SIZE)

    def __add__(self, other: HeadMotion) -> HeadMotion:
        """Both motions after another, to first order in their size."""
        return HeadMotion(self.matrix + other.matrix)

    @property
    def magnitude_px(self) -> float:
        """Its mean length over the crop, in pixels."""
        return float(np.hypot(*self.flow()).mean())


def head_motion(flow: Flow) -> HeadMotion:
    """The motion of a rigid head that most of a face's flow [2, 112, 112] follows.

    Iteratively reweighted least squares with Geman and McClure's weights, whose scale is the
    residual's median: robust, because a raised brow must not pass for a head that nods. Affine
    motion with a term of depth, because yaw and pitch move a nose before the cheeks: without it
    two thirds more of a head's motion of 3 px is left for an expression. The whole face but the
    eyes counts alike: with more weight on the nose's bridge and the sides of the face, which
    express little, the fit took more of an expression for head motion.
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
    """`crop` with a head motion undone: what has moved along it comes back to its place."""
    x, y = _GRID + head.flow()
    steadied = cv2.remap(crop, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(steadied, np.uint8)


def expression(flow: Flow) -> Flow:
    """What is left of a face's flow [2, 112, 112] when the head's motion is taken out."""
    return flow - head_motion(flow).flow()


def strength(flow: Flow) -> float:
    """How strongly a face's flow [2, 112, 112] expresses something, in pixels at 112 x 112.

    The 95th percentile of the length of the smoothed expression at brows and mouth and, where they
    rise, at the lids: a raised or tightened lid expresses something, a blink, which lowers it,
    nothing. A single action unit that moves its centre by 1 px gives 0.3 to 1; identical frames
    give 0.
    """
    moved = expression(flow).transpose(1, 2, 0)
    smooth = cv2.GaussianBlur(moved, (0, 0), _SMOOTHING_PX)
    raised = np.maximum(-smooth[_LIDS][:, 1], 0)
    lengths = np.concatenate([np.hypot(*smooth[_EXPRESSIVE].T), raised])
    return float(np.percentile(lengths, _STRONGEST_PERCENT))
