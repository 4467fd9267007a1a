"""Predictions without training: of fixed weights, and baselines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.evaluation.folds import Fold
from off_tanet_export.inference import predict_clips
from off_tanet_export.metrics import Labels
from off_tanet_export.training.linear import classify

Runs = NDArray[np.float32]
"""Probabilities [R, N, C] of the same clips in several runs with different seeds."""


def fixed(checkpoints: Sequence[Checkpoint], data: FlowMaps) -> Runs:
    """Predict with each checkpoint as it is.

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    with tqdm(checkpoints, desc="fixed", unit="checkpoint") as bar:
        return np.stack([predict_clips(checkpoint, data) for checkpoint in bar])


def most_frequent(data: FlowMaps) -> int:
    """Return the index of the most frequent class."""
    return int(np.bincount(data.labels).argmax())


def linear(data: FlowMaps, folds: Sequence[Fold]) -> Labels:
    """Predict with a linear model of a map's 2,352 values.

    Args:
        data: The labelled clips.
        folds: The folds; each clip is tested in at most one.

    Returns:
        The classes [N]; -1 for clips that are not tested.
    """
    values = data.maps.reshape(len(data.maps), -1).astype(np.float64)
    labels = np.full(len(values), -1, np.int64)
    for fold in folds:
        known = fold.trained
        labels[fold.tested] = classify(values[known], data.labels[known], values[fold.tested])
    return labels
