"""Linear models of flow maps: the field's simplest, and one that learns what a network leaves over.

Ridge regression without a knob: the penalty is the mean variance of a clip, and classes weigh alike
however rare. A. E. Hoerl, R. W. Kennard, "Ridge Regression", Technometrics 12(1), 1970.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.evaluation.metrics import Labels
from off_tanet_export.graph import mirror

Values = NDArray[np.float64]
"""One row of numbers for each clip."""


def named(known: Values, labels: Labels, unknown: Values) -> Labels:
    """The classes [M] of `unknown` [M, D], from `known` [N, D] and its labels [N]."""
    targets = np.eye(len(CLASSES))[labels]
    return np.asarray(ridge(known, targets, rarity(labels), unknown).argmax(1), np.int64)


def corrected(
    known: Values, leftover: Values, labels: Labels, unknown: Values, answers: Values
) -> Values:
    """A network's `answers` [M, 3] for `unknown`, and what its other answers would have lacked.

    `leftover` [N, 3] is what they lacked for `known`: the truth less the probabilities. Again
    probabilities.
    """
    both = answers + ridge(known, leftover, rarity(labels), unknown)
    positive = np.maximum(both, 0)
    return np.asarray(positive / positive.sum(1, keepdims=True), np.float64)


def symmetric(maps: NDArray[np.float32]) -> Values:
    """Maps [N, 3, S, S] -> [N, 3SS], the mean of face and mirror image, as answers are one, too."""
    mirrored = mirror(torch.from_numpy(maps)).numpy()
    return np.asarray((maps + mirrored) / 2, np.float64).reshape(len(maps), -1)


def rarity(labels: Labels) -> Values:
    """A weight for each clip, 1 on average, under which classes weigh alike."""
    frequency = np.bincount(labels, minlength=len(CLASSES))
    weight = 1 / frequency[labels]
    return np.asarray(weight / weight.mean(), np.float64)


def ridge(known: Values, targets: Values, weight: Values, unknown: Values) -> Values:
    """Targets [M, T] of `unknown` [M, D], from those [N, T] of `known` [N, D], in the dual form."""
    root = np.sqrt(weight)[:, None]
    centre, level = (np.average(values, axis=0, weights=weight) for values in (known, targets))
    rows = root * (known - centre)
    kernel = rows @ rows.T
    penalty = max(np.trace(kernel) / len(kernel), 1e-9)  # one clip alone varies by nothing
    dual = np.linalg.solve(kernel + penalty * np.eye(len(kernel)), root * (targets - level))
    return np.asarray((unknown - centre) @ rows.T @ dual + level, np.float64)
