"""Separation of the flow of a face into head motion and expression.

The geometry is that of the canonical crop, in fractions of its side (x right, y down): eye centres
at (.27, .28) and (.73, .28), brows near y .15, nose tip at y .52, mouth near y .73.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.alignment import between
from off_tanet.recognition.motion.head_shape import HeadShape, places
from off_tanet.recognition.motion.kernel import HeadFitter
from off_tanet.types import CROP_SIZE, Crop, Flow, Similarity

Floats = NDArray[np.float64]
Number = TypeVar("Number", np.float32, np.float64)

_FIT_SIZE = 16  # cells a side; finer cells make the fit slower and no more accurate
_SMOOTHING_PX = 2.0
_MIDDLE = CROP_SIZE / 2 - 0.5
_STRONGEST_SHARE = 0.95  # half of one brow is some 5% of the regions


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


@cache
def _rigid(size: int) -> NDArray[np.intp]:
    """The cells except those in rows of the eyes, where a blink would look like a nod, [cells]."""
    return np.flatnonzero(np.abs(places(size)[1] - 0.29) > 0.09)


_EXPRESSIVE, _LIDS = map(np.flatnonzero, (brows_and_mouth(CROP_SIZE), lids(CROP_SIZE)))
_GRID = np.indices((CROP_SIZE, CROP_SIZE), np.float32)[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """The motion of a rigid head.

    Attributes:
        matrix: Maps (x, y, 1, depth) of `HeadShape.terms` to (u, v) in pixels at 112 x 112, [2, 4].
            Its affine part describes shift, roll, scale and shear, its last column yaw and pitch
            (under weak perspective).
        shape: The shape of the head.
    """

    matrix: Floats
    shape: HeadShape = field(default_factory=HeadShape.average)

    @classmethod
    def none(cls, shape: HeadShape | None = None) -> HeadMotion:
        """Return the motion of a head at rest."""
        return cls(np.zeros((2, 4)), shape or HeadShape.average())

    def flow(self) -> Flow:
        """Return the motion as a flow [2, 112, 112], in pixels."""
        flow: Flow = self.matrix.astype(np.float32) @ self.shape.pixels
        return flow.reshape(2, CROP_SIZE, CROP_SIZE)

    def __add__(self, other: HeadMotion) -> HeadMotion:
        """The composition of both motions, to first order; its shape is that of the second."""
        return HeadMotion(self.matrix + other.matrix, other.shape)

    @property
    def magnitude_px(self) -> float:
        """The mean length of the motion over the crop, in pixels."""
        return float(_lengths(*self.flow()).mean())


class HeadMotionEstimator:
    """Fits the motion of a rigid head to flows.

    The fit is by iteratively reweighted least squares with the weights of Geman and McClure, whose
    scale is the median of the residuals. It is robust, so that a raised brow is not taken for a
    nod. The model is affine with a depth term, because yaw and pitch move the nose more than the
    cheeks. All cells of the face except the eyes have the same weight: with more weight on the
    bridge of the nose and the sides of the face, which express little, the fit took more of an
    expression for head motion.

    Args:
        shape: The shape of the head; by default that of the average face.
        size: The number of cells a side to which the motion is fitted.
    """

    def __init__(self, shape: HeadShape | None = None, size: int = _FIT_SIZE) -> None:
        self.shape = shape or HeadShape.average()
        self._size = size
        self._fitter = HeadFitter(self.shape.terms(size), _rigid(size))

    @classmethod
    @cache
    def average(cls) -> HeadMotionEstimator:
        """Return the estimator for the average face."""
        return cls()

    def fit(self, flow: Flow) -> HeadMotion:
        """Fit the motion that most of a flow follows.

        Args:
            flow: The flow of a face [2, 112, 112], in pixels.

        Returns:
            The motion of the head.
        """
        size = (self._size, self._size)
        cells = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in flow]
        return self.fit_cells(np.stack(cells, -1).reshape(-1, 2))

    def fit_cells(self, motion: NDArray[np.floating]) -> HeadMotion:
        """Fit the motion that most cells follow.

        Args:
            motion: u and v of each cell, [size * size, 2], in pixels at 112 x 112.

        Returns:
            The motion of the head.

        Raises:
            ValueError: If the motion has another shape.
        """
        if motion.shape != (self._size**2, 2):
            raise ValueError(f"motion has shape {motion.shape}")
        return HeadMotion(self._fitter.fit(motion), self.shape)


def head_motion(flow: Flow) -> HeadMotion:
    """Fit the motion of a head of average shape, as `HeadMotionEstimator.fit` does."""
    return HeadMotionEstimator.average().fit(flow)


def aligned_motion(first: Similarity, second: Similarity) -> HeadMotion:
    """Return the motion of a head that two transforms of crops take out.

    Args:
        first: The transform [2, 3] from the first frame to its crop.
        second: That from the second frame, whose crop shows the face at the same place.

    Returns:
        The motion from the first to the second frame, in pixels of the first crop.
    """
    back = between(second, first)
    matrix = np.zeros((2, 4))
    matrix[:, :2] = (back[:, :2] - np.eye(2)) * CROP_SIZE
    matrix[:, 2] = back @ (_MIDDLE, _MIDDLE, 1) - _MIDDLE
    return HeadMotion(matrix, HeadShape.average())


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
    """Measure the strength of the expression in a flow, after the head's motion is taken out.

    Args:
        flow: The flow of a face [2, 112, 112], in pixels.

    Returns:
        The strength of what `expression` leaves, as `measure_strengths` measures it.
    """
    return measure_strengths(expression(flow)).expression


@dataclass(frozen=True, slots=True)
class Strengths:
    """How strong the motion of a face is, in pixels at 112 x 112.

    Each is the 95th percentile of the length of the smoothed flow over a part of the face, without
    the motion of the head. A single action unit that moves its centre by 1 px gives 0.3 to 1;
    identical frames give 0.

    Attributes:
        expression: At brows and mouth and, where they rise, at the lids: raised or tightened lids
            are an expression, a blink, which lowers them, is none.
        beyond_lids: At brows and mouth alone.
        lids: At the lids, up or down.
    """

    expression: float
    beyond_lids: float
    lids: float


def measure_strengths(flow: Flow) -> Strengths:
    """Measure how strong the motion of a face is.

    Args:
        flow: The flow of a face without the motion of the head, [2, 112, 112], in pixels.

    Returns:
        The strengths of the expression, with and without the lids, and of the lids.
    """
    # Without the noise of single pixels.
    u, v = (cv2.GaussianBlur(part, (0, 0), _SMOOTHING_PX).ravel() for part in flow)
    beyond_lids = _lengths(u[_EXPRESSIVE], v[_EXPRESSIVE])
    lids = _lengths(u[_LIDS], v[_LIDS])
    raised = np.maximum(-v[_LIDS], 0)
    every = np.concatenate([beyond_lids, raised])
    return Strengths(*(_strongest(lengths) for lengths in (every, beyond_lids, lids)))


def _lengths(u: NDArray[Number], v: NDArray[Number]) -> NDArray[Number]:
    """The length of each motion (u, v), in a fifth of the time of np.hypot."""
    length: NDArray[Number] = np.sqrt(np.square(u) + np.square(v))
    return length


def _strongest(lengths: NDArray[np.floating]) -> float:
    """The 95th percentile, as np.percentile computes it in twice the time."""
    place = _STRONGEST_SHARE * (len(lengths) - 1)
    below = int(place)
    ordered = np.partition(lengths, [below, below + 1])
    return float(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))
