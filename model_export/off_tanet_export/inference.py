"""Probabilities of scaled flow maps, by the network of a checkpoint."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.errors import CheckpointError
from off_tanet_export.graph import mirror, rescale

BATCH = 16


def predict(checkpoint: Checkpoint, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute probabilities of scaled maps, which skip the graph's first steps.

    Args:
        checkpoint: The weights.
        maps: [N, 3, 28, 28], each channel in 0..1.

    Returns:
        Probabilities [N, 3].

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    classifier = checkpoint.classifier()
    with torch.inference_mode():
        parts = [classifier.classify(batch)[0] for batch in to_batches(checkpoint, maps)]
        probabilities = torch.cat(parts)
        if checkpoint.residual is not None:
            scaled = torch.from_numpy(maps)
            probabilities = checkpoint.residual((scaled + mirror(scaled)) / 2, probabilities)
    return probabilities.numpy()


def to_batches(checkpoint: Checkpoint, maps: NDArray[np.float32]) -> tuple[Tensor, ...]:
    """Scale maps as the checkpoint's graph does, and split them.

    The batches are small, because large ones are limited by memory bandwidth.

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    config = checkpoint.preprocessing
    if not config.scaled or config.map_size != maps.shape[-1]:
        raise CheckpointError(
            f"the checkpoint takes maps of {config.map_size} x {config.map_size}"
            f"{'' if config.scaled else ' in raw pixels'}, but the file contains scaled maps of "
            f"{maps.shape[-1]} x {maps.shape[-1]}"
        )
    scaled = rescale(torch.from_numpy(maps), config.scaling)
    return scaled.split(BATCH)  # type: ignore[no-untyped-call, no-any-return]
