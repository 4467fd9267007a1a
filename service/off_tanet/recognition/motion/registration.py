"""Registration of the crops of a face with an earlier one: the motion of each cell of the face.

Motion and light are fitted together by the inverse compositional method (S. Baker and I. Matthews,
"Lucas-Kanade 20 Years On: A Unifying Framework", IJCV 56(3), 2004): all derivatives are those of
the reference, so that one matrix, inverted once, solves every step on every later crop. The motion
is that of 14 x 14 cells, whose differences from a rigid head are small and smooth. Large residuals
count less by Huber's modified residuals (P. J. Huber, "Robust Statistics", 1981), which leave the
matrix as it is.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.flow import light
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.types import CROP_SIZE, Crop

Floats = NDArray[np.float32]

CELLS = 14
"""The number of cells a side; a cell is as wide as the smallest action unit."""

_SIDE = 56  # samples a side: what is finer holds more noise than motion
_CELL = _SIDE // CELLS
_STEP = CROP_SIZE // _SIDE
_BLUR = 0.7  # samples: without it, aliasing makes motion where the head moves
_BORDER = 2  # samples: what the head moves beyond the edge of the crop is not seen

# Grey levels, and distances in samples. The difference was chosen of 0.04, 0.06 and 0.08 on
# synthetic clips and videos of seeds below 1000.
_NOISE = 1.0
_OUTLIER = 6.0
_OUTLIER_LEVELS = 3.0  # of the mean residual
_SPREAD = 0.5  # of a cell around the head
_DIFFERENCE = 0.06  # between neighbouring cells

_STEPS = 6  # two or three are enough for most crops
_SMALL_STEP = 0.02  # the next step would be a third of it
_NEAR = 0.95  # of the mean residual before: the light is fitted, too
_CLIPPED_SHARE = 0.002  # of the pixels, from which on the reference is clipped like a crop
_FOREIGN = 40.0  # grey levels: a pixel that differs by more says nothing about the start


def _grid() -> Floats:
    """Place of each sample, x and y, [56, 56, 2]."""
    return np.ascontiguousarray(np.indices((_SIDE, _SIDE), np.float32)[::-1].transpose(1, 2, 0))


def _inside() -> Floats:
    """1 on the samples that count, 0 near the edge, [56, 56]."""
    inside = np.zeros((_SIDE, _SIDE), np.float32)
    inside[_BORDER:-_BORDER, _BORDER:-_BORDER] = 1
    return inside


def _laplacian() -> NDArray[np.float64]:
    """The matrix of the summed squares of differences between neighbouring cells, [196, 196]."""
    index = np.arange(CELLS * CELLS).reshape(CELLS, CELLS)
    pairs = np.concatenate(
        [
            np.stack([index[:, 1:].ravel(), index[:, :-1].ravel()], 1),
            np.stack([index[1:].ravel(), index[:-1].ravel()], 1),
        ]
    )
    differences = np.zeros((len(pairs), index.size))
    rows = np.arange(len(pairs))
    differences[rows, pairs[:, 0]], differences[rows, pairs[:, 1]] = 1, -1
    return differences.T @ differences


_GRID, _INSIDE = _grid(), _inside()
_STIFFNESS = np.eye(CELLS * CELLS) / _SPREAD**2 + _laplacian() / _DIFFERENCE**2


class Registration:
    """Registers successive crops with a reference crop.

    A step begins with the motion on the previous crop, or with none if that fits better, so that a
    hand in front of the face does not affect all later crops.

    Args:
        reference: The reference crop [112, 112].
        shape: The shape of the head.
    """

    def __init__(self, reference: Crop, shape: HeadShape) -> None:
        self._crop = reference
        self._reference = _samples(reference)
        self._slopes = _slopes(self._reference) * _INSIDE[..., None]
        terms, spreads = light.derivatives(self._reference)
        self._light = np.ascontiguousarray((terms * _INSIDE).reshape(len(terms), -1))
        self._light_prior = (spreads**-2).astype(np.float32)
        prior = _prior(shape)
        self._prior = prior.astype(np.float32)
        self._solution = self._solved(prior, spreads)
        self._motion = np.zeros((CELLS * CELLS, 2), np.float32)
        self._terms = np.zeros(len(self._light), np.float32)
        self._clipped = False
        self._level = 0.0  # mean residual before the last step

    def shift(self, motion: NDArray[np.floating]) -> None:
        """Begin the next crop as much farther as it is cut elsewhere.

        Args:
            motion: u and v of each cell, [196, 2], in pixels of the crop.
        """
        self._motion = self._motion + np.asarray(motion / _STEP, np.float32)

    def register(self, crop: Crop) -> Floats:
        """Measure the motion from the reference to the next crop.

        Args:
            crop: The crop [112, 112].

        Returns:
            u and v of each cell, [196, 2], in pixels of the crop.
        """
        levels = _samples(crop)
        clipped = np.count_nonzero((crop == 255) & (self._crop < 255))
        self._clipped = bool(clipped > _CLIPPED_SHARE * crop.size)
        residual = self._residual(levels)
        still = levels - self._lit()
        if _misfit(still) < _misfit(residual):
            self._motion, residual = np.zeros_like(self._motion), still
        for step in range(_STEPS):
            if step:
                residual = self._residual(levels)
            level, before = float(np.abs(residual).mean()), self._level
            # A change of light makes all residuals large until it is fitted.
            most = max(_OUTLIER, _OUTLIER_LEVELS * level)
            self._level = level
            if (
                self._improve(np.clip(residual, -most, most)) < _SMALL_STEP
                and level > _NEAR * before
            ):
                break
        return self._motion * _STEP

    @cached_property
    def _fine_light(self) -> Floats:
        """The derivatives of the reference by the terms of light, [terms, 112 * 112]."""
        terms, _ = light.derivatives(self._crop.astype(np.float32))
        return terms.reshape(len(terms), -1)

    def _lit(self) -> Floats:
        """The reference in the light of the crop, [56, 56]."""
        if not self._clipped:
            return self._reference - (self._terms @ self._light).reshape(_SIDE, _SIDE)
        lit = self._crop - (self._terms @ self._fine_light).reshape(CROP_SIZE, CROP_SIZE)
        return _samples(np.clip(lit, 0, 255))

    def _residual(self, levels: Floats) -> Floats:
        """What the crop has more than the reference where its cells are now, [56, 56]."""
        motion = self._motion.reshape(CELLS, CELLS, 2)
        moved = cv2.resize(motion, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
        places = np.asarray(moved + _GRID, np.float32)
        seen = cv2.remap(levels, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        return np.asarray(seen - self._lit(), np.float32)

    def _improve(self, residual: Floats) -> float:
        """Change motion and light by one step, and return its largest motion."""
        of_cells = _sums(self._slopes * residual[..., None]).reshape(-1, 2)
        gradient = np.concatenate(
            [
                (of_cells / _NOISE**2 + self._prior @ self._motion).ravel(),
                self._light @ residual.ravel() / _NOISE**2 + self._light_prior * self._terms,
            ]
        )
        step = self._solution @ gradient
        moved = step[: self._motion.size].reshape(-1, 2)
        self._motion = self._motion - moved
        self._terms = self._terms - step[self._motion.size :]
        return float(np.abs(moved).max())

    def _solved(self, prior: NDArray[np.float64], spreads: NDArray[np.float64]) -> Floats:
        """The inverse of the matrix of a step, [392 + light, 392 + light]."""
        cells, size = len(prior), 2 * len(prior)
        matrix = np.zeros((size + len(spreads),) * 2)
        across, down = self._slopes[..., 0], self._slopes[..., 1]
        squares = _sums(np.dstack([across * across, across * down, down * down])).reshape(-1, 3)
        u, v = 2 * np.arange(cells), 2 * np.arange(cells) + 1
        matrix[u, u], matrix[v, v] = squares[:, 0], squares[:, 2]
        matrix[u, v] = matrix[v, u] = squares[:, 1]
        terms = self._light.reshape(-1, _SIDE, _SIDE)
        mixed = np.stack([_sums(self._slopes * each[..., None]).ravel() for each in terms], 1)
        matrix[:size, size:], matrix[size:, :size] = mixed, mixed.T
        matrix[size:, size:] = self._light @ self._light.T
        matrix /= _NOISE**2
        matrix[:size:2, :size:2] += prior
        matrix[1:size:2, 1:size:2] += prior
        matrix[size:, size:] += np.diag(spreads**-2)
        # The matrix is positive definite: Cholesky's way takes half of the time of np.linalg.inv.
        return np.asarray(cv2.invert(matrix, flags=cv2.DECOMP_CHOLESKY)[1], np.float32)


def _prior(shape: HeadShape) -> NDArray[np.float64]:
    """The precision of the motion of the cells along one axis, [196, 196].

    Motions of a rigid head cost nothing: they are projected out.
    """
    head = shape.terms(CELLS)
    stiff = _STIFFNESS @ head
    prior: NDArray[np.float64] = _STIFFNESS - stiff @ np.linalg.solve(head.T @ stiff, stiff.T)
    return prior


def _samples(crop: NDArray[Any]) -> Floats:
    """The blurred grey levels of a crop, [56, 56]."""
    levels = cv2.resize(crop.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(levels, (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


def _slopes(levels: Floats) -> Floats:
    """The gradients to the right and downwards, [56, 56, 2], in grey levels a sample."""
    wide = np.pad(levels, 1, mode="edge") / 2
    return np.dstack([wide[1:-1, 2:] - wide[1:-1, :-2], wide[2:, 1:-1] - wide[:-2, 1:-1]])


def _sums(values: Floats) -> Floats:
    """The sums over the samples of each cell, [14, 14, ...]."""
    means = cv2.resize(values, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(means * _CELL**2, np.float32)


def _misfit(residual: Floats) -> float:
    return float(np.minimum(np.abs(residual * _INSIDE), _FOREIGN).sum())
