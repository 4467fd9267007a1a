"""Scores of a checkpoint on labelled flow maps, in the form of the MEGC2019 challenge.

J. See, M. H. Yap, J. Li, X. Hong, S.-J. Wang, "MEGC 2019: The Second Facial Micro-Expressions Grand
Challenge", FG 2019: counts are summed over all clips before any ratio is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model_export.checkpoint import Checkpoint
from model_export.datasets import FlowMaps
from model_export.errors import CheckpointError
from model_export.graph import FlowClassifier
from service.recognition.types import CLASSES

Confusion = NDArray[np.int64]
"""Counts [3, 3]: the row is the true class, the column the predicted one."""


def evaluate(checkpoint: Checkpoint, data: FlowMaps) -> dict[str, Any]:
    """Score the checkpoint; the result is plain JSON: n, uf1, uar, per_dataset, confusion."""
    predicted = predict(checkpoint, data.maps).argmax(1)
    pooled = confusion(data.labels, predicted)
    per_dataset = {}
    for name in np.unique(data.datasets):
        inside = data.datasets == name
        per_dataset[str(name)] = summary(confusion(data.labels[inside], predicted[inside]))
    labelled = {
        true: dict(zip(CLASSES, row, strict=True))
        for true, row in zip(CLASSES, pooled.tolist(), strict=True)
    }
    return {**summary(pooled), "per_dataset": per_dataset, "confusion": labelled}


def predict(checkpoint: Checkpoint, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities [N, 3] of scaled maps [N, 3, 28, 28]: they enter the graph late.

    Raises `CheckpointError` for weights that were trained on another kind of map.
    """
    recipe = checkpoint.recipe
    if not recipe.scaled or recipe.map_size != maps.shape[-1]:
        raise CheckpointError(
            f"the checkpoint takes maps of {recipe.map_size} x {recipe.map_size}"
            f"{'' if recipe.scaled else ' in raw pixels'}, and the file holds scaled maps of "
            f"{maps.shape[-1]} x {maps.shape[-1]}"
        )
    classifier = FlowClassifier(checkpoint.network, recipe).eval()
    with torch.inference_mode():
        probabilities, _ = classifier.classify(torch.from_numpy(maps))
    return probabilities.numpy()


def confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> Confusion:
    """Count each pair of true and predicted class."""
    counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def summary(counts: Confusion) -> dict[str, Any]:
    """The number of clips, UF1 and UAR."""
    return {"n": int(counts.sum()), "uf1": uf1(counts), "uar": uar(counts)}


def uf1(counts: Confusion) -> float:
    """The unweighted mean of each class's F1 = 2TP / (2TP + FP + FN), over classes that occur."""
    occurs = counts.sum(1) > 0
    f1 = 2 * counts.diagonal() / np.maximum(counts.sum(0) + counts.sum(1), 1)
    return float(f1[occurs].mean())


def uar(counts: Confusion) -> float:
    """The unweighted mean of each class's recall, over classes that occur."""
    occurs = counts.sum(1) > 0
    return float((counts.diagonal()[occurs] / counts.sum(1)[occurs]).mean())
