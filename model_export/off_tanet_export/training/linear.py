"""Linear models of flow maps: a baseline, and a model of a network's residual.

Ridge regression without a tuned parameter: the penalty is the mean variance of a clip, and each
class has the same total weight. A. E. Hoerl, R. W. Kennard, "Ridge Regression", Technometrics
12(1), 1970.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from off_tanet_export.graph import mirror
from off_tanet_export.metrics import Labels

Values = NDArray[np.float64]
"""One row of numbers for each clip."""


def classify(known: Values, labels: Labels, unknown: Values) -> Labels:
    """Classify clips by a linear model.

    Args:
        known: Values [N, D] of the training clips.
        labels: Their classes [N].
        unknown: Values [M, D] of the clips to classify.

    Returns:
        The classes [M] of `unknown`.
    """
    targets = np.eye(labels.max() + 1)[labels]
    return np.asarray(ridge(known, targets, class_weights(labels), unknown).argmax(1), np.int64)


def correct(
    known: Values, residual: Values, labels: Labels, unknown: Values, probabilities: Values
) -> Values:
    """Add a linear model of a network's residual to its probabilities.

    Args:
        known: Values [N, D] of the training clips.
        residual: The true probabilities (0 or 1) minus the network's [N, K].
        labels: The classes [N] of the training clips.
        unknown: Values [M, D] of the clips to classify.
        probabilities: The network's probabilities [M, K] for them.

    Returns:
        Corrected probabilities [M, K].
    """
    corrected = probabilities + ridge(known, residual, class_weights(labels), unknown)
    positive = np.maximum(corrected, 0)
    return np.asarray(positive / positive.sum(1, keepdims=True), np.float64)


def mirror_mean(maps: NDArray[np.float32]) -> Values:
    """Average maps [N, 3, S, S] with their mirror images, as the graph does; return [N, 3SS]."""
    mirrored = mirror(torch.from_numpy(maps)).numpy()
    return np.asarray((maps + mirrored) / 2, np.float64).reshape(len(maps), -1)


def class_weights(labels: Labels) -> Values:
    """Return a weight for each clip, with mean 1, that gives all classes the same total weight."""
    frequency = np.bincount(labels)
    weight = 1 / frequency[labels]
    return np.asarray(weight / weight.mean(), np.float64)


def ridge(known: Values, targets: Values, weight: Values, unknown: Values) -> Values:
    """Fit weighted ridge regression, and predict.

    Args:
        known: Values [N, D] of the training clips.
        targets: Their targets [N, T].
        weight: Their weights [N].
        unknown: Values [M, D].

    Returns:
        Predicted targets [M, T] of `unknown`.
    """
    slope, bias = fit_ridge(known, targets, weight)
    return np.asarray(unknown @ slope + bias, np.float64)


def fit_ridge(known: Values, targets: Values, weight: Values) -> tuple[Values, Values]:
    """Fit weighted ridge regression in its dual form.

    Args:
        known: Values [N, D] of the training clips.
        targets: Their targets [N, T].
        weight: Their weights [N].

    Returns:
        The slope [D, T] and the bias [T].
    """
    root = np.sqrt(weight)[:, None]
    centre, level = (np.average(values, axis=0, weights=weight) for values in (known, targets))
    rows = root * (known - centre)
    kernel = rows @ rows.T
    penalty = max(np.trace(kernel) / len(kernel), 1e-9)  # a single clip has no variance
    dual = np.linalg.solve(kernel + penalty * np.eye(len(kernel)), root * (targets - level))
    slope = rows.T @ dual
    return slope, level - centre @ slope
