"""What a checkpoint answers on labelled flow maps, and what that is worth: plain JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CLASSES
from torch import Tensor

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import CheckpointError
from off_tanet_export.evaluation.metrics import (
    Labels,
    by_person,
    error_by_chance,
    interval,
    reliability,
    uar,
    uf1,
)
from off_tanet_export.graph import FlowClassifier, rescaled
from off_tanet_export.network.checkpoint import Checkpoint

BATCH = 16
MEASURES = {"uf1": uf1, "uar": uar}


def evaluate(checkpoint: Checkpoint, data: FlowMaps) -> dict[str, Any]:
    """The `scores` of one checkpoint."""
    return scores(data, predict(checkpoint, data.maps)[None])


def predict(checkpoint: Checkpoint, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities [N, 3] of scaled maps [N, 3, 28, 28]: they enter the graph late.

    Raises `CheckpointError` like `batched`.
    """
    classifier = FlowClassifier(checkpoint.network, checkpoint.recipe).eval()
    with torch.inference_mode():
        answers = [classifier.classify(batch)[0] for batch in batched(checkpoint, maps)]
    return torch.cat(answers).numpy()


def batched(checkpoint: Checkpoint, maps: NDArray[np.float32]) -> tuple[Tensor, ...]:
    """The maps as the checkpoint's graph takes them, few at once: memory is slower than sums.

    Raises `CheckpointError` for weights that were trained on another kind of map.
    """
    recipe = checkpoint.recipe
    if not recipe.scaled or recipe.map_size != maps.shape[-1]:
        raise CheckpointError(
            f"the checkpoint takes maps of {recipe.map_size} x {recipe.map_size}"
            f"{'' if recipe.scaled else ' in raw pixels'}, and the file holds scaled maps of "
            f"{maps.shape[-1]} x {maps.shape[-1]}"
        )
    scaled = rescaled(torch.from_numpy(maps), recipe.scaling)
    return scaled.split(BATCH)  # type: ignore[no-untyped-call, no-any-return]


def scores(data: FlowMaps, runs: NDArray[np.floating]) -> dict[str, Any]:
    """What `runs` of probabilities [R, N, 3] are worth.

    Beside the MEGC2019 scores of `summary`: `runs`, each one's own; `per_dataset`; `confusion`,
    over all runs together; `ece`, the expected calibration error, on average over the runs;
    `ece_by_chance`, the central 95% of what runs would show whose confidence is exactly right.
    """
    named = runs.argmax(2)
    counts = [by_person(data.labels, predicted, data.people).sum(0) for predicted in named]
    inside = {str(name): data.datasets == name for name in np.unique(data.datasets)}
    return {
        **summary(data, named),
        "runs": [{name: float(score(c)) for name, score in MEASURES.items()} for c in counts],
        "per_dataset": {k: summary(data.of(clips), named[:, clips]) for k, clips in inside.items()},
        "confusion": {
            true: dict(zip(CLASSES, row, strict=True))
            for true, row in zip(CLASSES, sum(counts).tolist(), strict=True)
        },
        "ece": float(np.mean([reliability(data.labels, answers).error for answers in runs])),
        "ece_by_chance": np.percentile(
            np.concatenate([error_by_chance(answers) for answers in runs]), (2.5, 97.5)
        ).tolist(),
    }


def summary(data: FlowMaps, named: Iterable[Labels]) -> dict[str, Any]:
    """Clips `n`, `subjects`, UF1 and UAR over one or more runs of labels [N].

    `uf1` and `uar` pool all clips, as MEGC2019 does, and are means over runs; `*_interval` is the
    central 95% over subjects drawn anew. `*_fold_mean` is the form of Off-TANet's paper, the mean
    of each subject's own score: it flatters, since "always negative" scores about a half.
    """
    runs = [by_person(data.labels, predicted, data.people) for predicted in named]
    told: dict[str, Any] = {"n": len(data.labels), "subjects": len(runs[0])}
    for name, score in MEASURES.items():
        told[name] = float(np.mean([score(counts.sum(0)) for counts in runs]))
        told[f"{name}_interval"] = list(interval(runs, score))
        told[f"{name}_fold_mean"] = float(np.mean([score(counts) for counts in runs]))
    return told
