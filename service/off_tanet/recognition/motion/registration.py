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
from off_tanet.recognition.motion.kernel import Registrar
from off_tanet.types import CROP_SIZE, Crop

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

CELLS = 14
"""The number of cells a side; a cell is as wide as the smallest action unit."""

_SIDE = 56  # samples a side: what is finer holds more noise than motion
_CELL = _SIDE // CELLS
_STEP = CROP_SIZE // _SIDE
_BLUR = 0.7  # samples: without it, aliasing makes motion where the head moves
_BORDER = 2  # samples: what the head moves beyond the edge of the crop is not seen

# Standard deviations in samples; that of the grey levels is 1. The difference was chosen of 0.04,
# 0.06 and 0.08 on synthetic clips and videos of seeds below 1000.
_SPREAD = 0.5  # of a cell around the head
_DIFFERENCE = 0.06  # between neighbouring cells

_CLIPPED_SHARE = 0.002  # of the pixels, from which on the reference is clipped like a crop


def _inside() -> Floats:
    """1 on the samples that count, 0 near the edge, [56, 56]."""
    inside = np.zeros((_SIDE, _SIDE), np.float32)
    inside[_BORDER:-_BORDER, _BORDER:-_BORDER] = 1
    return inside


def _laplacian() -> Doubles:
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


_INSIDE = _inside()
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
        levels = _samples(reference)
        slopes = _slopes(levels) * _INSIDE
        terms, spreads = light.derivatives(levels)
        terms = terms * _INSIDE
        prior, light_prior = _prior(shape), spreads**-2
        self._registrar = Registrar(
            crop=reference,
            levels=levels,
            slopes=slopes,
            light=terms,
            prior=prior.astype(np.float32),
            light_prior=light_prior.astype(np.float32),
            solution=_solution(slopes, terms, prior, light_prior),
        )

    def shift(self, motion: NDArray[np.floating]) -> None:
        """Begin the next crop as much farther as it is cut elsewhere.

        Args:
            motion: u and v of each cell, [196, 2], in pixels of the crop.
        """
        self._registrar.motion += np.asarray(motion / _STEP, np.float32)

    def register(self, crop: Crop) -> Floats:
        """Measure the motion from the reference to the next crop.

        Args:
            crop: The crop [112, 112].

        Returns:
            u and v of each cell, [196, 2], in pixels of the crop.
        """
        clipped = np.count_nonzero((crop == 255) & (self._crop < 255))
        is_clipped = clipped > _CLIPPED_SHARE * crop.size
        self._registrar.register(crop, self._fine_light if is_clipped else None)
        return self._registrar.motion * _STEP

    @cached_property
    def _fine_light(self) -> Floats:
        """The derivatives of the reference by the terms of light, [terms, 112, 112]."""
        return light.derivatives(self._crop.astype(np.float32))[0]


def _solution(slopes: Floats, light_terms: Floats, prior: Doubles, light_prior: Doubles) -> Floats:
    """The inverse of the matrix of a step, [392 + light, 392 + light]."""
    cells, size = len(prior), 2 * len(prior)
    matrix = np.zeros((size + len(light_prior),) * 2)
    across, down = slopes
    squares = _sums(np.dstack([across * across, across * down, down * down])).reshape(-1, 3)
    u, v = 2 * np.arange(cells), 2 * np.arange(cells) + 1
    matrix[u, u], matrix[v, v] = squares[:, 0], squares[:, 2]
    matrix[u, v] = matrix[v, u] = squares[:, 1]
    mixed = np.stack([_sums(np.dstack(list(slopes * each))).ravel() for each in light_terms], 1)
    matrix[:size, size:], matrix[size:, :size] = mixed, mixed.T
    of_pixels = light_terms.reshape(len(light_prior), -1)
    matrix[size:, size:] = of_pixels @ of_pixels.T
    matrix[:size:2, :size:2] += prior
    matrix[1:size:2, 1:size:2] += prior
    matrix[size:, size:] += np.diag(light_prior)
    # The matrix is positive definite: Cholesky's way takes half of the time of np.linalg.inv.
    return np.asarray(cv2.invert(matrix, flags=cv2.DECOMP_CHOLESKY)[1], np.float32)


def _prior(shape: HeadShape) -> Doubles:
    """The precision of the motion of the cells along one axis, [196, 196].

    Motions of a rigid head cost nothing: they are projected out.
    """
    head = shape.terms(CELLS)
    stiff = _STIFFNESS @ head
    prior: Doubles = _STIFFNESS - stiff @ np.linalg.solve(head.T @ stiff, stiff.T)
    return prior


def _samples(crop: NDArray[Any]) -> Floats:
    """The blurred grey levels of a crop, [56, 56]."""
    levels = cv2.resize(crop.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(levels, (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


def _slopes(levels: Floats) -> Floats:
    """The gradients to the right and downwards, [2, 56, 56], in grey levels a sample."""
    wide = np.pad(levels, 1, mode="edge") / 2
    return np.stack([wide[1:-1, 2:] - wide[1:-1, :-2], wide[2:, 1:-1] - wide[:-2, 1:-1]])


def _sums(values: Floats) -> Floats:
    """The sums over the samples of each cell, [14, 14, ...]."""
    means = cv2.resize(values, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(means * _CELL**2, np.float32)
