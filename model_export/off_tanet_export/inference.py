"""Probabilities of scaled flow maps, by the network of a checkpoint."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import CheckpointError
from off_tanet_export.graph import mirror, rescale

BATCH = 16


def predict_clips(checkpoint: Checkpoint, data: FlowMaps) -> NDArray[np.float32]:
    """Compute the probabilities [N, C] of clips: from their flows, if they have them.

    Raises:
        CheckpointError: The weights are for other classes or another kind of map.
    """
    check_classes(checkpoint, data)
    if data.flows is None:
        return predict(checkpoint, data.maps)
    classifier = checkpoint.classifier()
    flows = torch.from_numpy(data.flows).split(BATCH)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        return torch.cat([classifier(batch)[0] for batch in flows]).numpy()


def check_classes(checkpoint: Checkpoint, data: FlowMaps) -> None:
    """Raise `CheckpointError` if the weights are for other classes than those of the data."""
    theirs = checkpoint.card.classes
    if data.classes != theirs:
        raise CheckpointError(
            f"the weights are for the classes {', '.join(theirs)}, the data have "
            f"{', '.join(data.classes)}"
        )


def predict(checkpoint: Checkpoint, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute probabilities of scaled maps, which skip the graph's first steps.

    Args:
        checkpoint: The weights.
        maps: [N, 3, 28, 28], each channel in 0..1.

    Returns:
        Probabilities [N, C].

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
