"""Predictions of a checkpoint for labelled flow maps, and their scores as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.inference import predict
from off_tanet_export.metrics import (
    Labels,
    bootstrap_interval,
    confusion_by_person,
    errors_by_chance,
    reliability,
    uar,
    uf1,
)

MEASURES = {"uf1": uf1, "uar": uar}


def evaluate(checkpoint: Checkpoint, data: FlowMaps) -> dict[str, Any]:
    """Compute the scores of one checkpoint, as `score_runs` does.

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    return score_runs(data, predict(checkpoint, data.maps)[None])


def score_runs(data: FlowMaps, runs: NDArray[np.floating]) -> dict[str, Any]:
    """Score one or more runs.

    Args:
        data: The labelled clips.
        runs: Probabilities [R, N, 3].

    Returns:
        The scores of `summarize`, and: `runs`, the scores of each run; `per_dataset`; `confusion`,
        summed over runs; `ece`, the mean expected calibration error of the runs; `ece_by_chance`,
        the central 95% of that error in runs whose confidence is exactly right.
    """
    predicted = runs.argmax(2)
    counts = [confusion_by_person(data.labels, run, data.people).sum(0) for run in predicted]
    masks = {str(name): data.datasets == name for name in np.unique(data.datasets)}
    return {
        **summarize(data, predicted),
        "runs": [{name: float(score(c)) for name, score in MEASURES.items()} for c in counts],
        "per_dataset": {
            name: summarize(data.select(clips), predicted[:, clips])
            for name, clips in masks.items()
        },
        "confusion": {
            true: dict(zip(CLASSES, row, strict=True))
            for true, row in zip(CLASSES, sum(counts).tolist(), strict=True)
        },
        "ece": float(np.mean([reliability(data.labels, run).error for run in runs])),
        "ece_by_chance": np.percentile(
            np.concatenate([errors_by_chance(run) for run in runs]), (2.5, 97.5)
        ).tolist(),
    }


def summarize(data: FlowMaps, predicted: Iterable[Labels]) -> dict[str, Any]:
    """Compute UF1 and UAR of one or more runs.

    Args:
        data: The labelled clips.
        predicted: The predicted labels [N] of each run.

    Returns:
        `n`, the number of clips; `subjects`; `uf1` and `uar`, pooled over all clips as in MEGC2019,
        and averaged over runs; `*_interval`, the central 95% of bootstrap resamples of subjects;
        `*_fold_mean`, the mean of each subject's own score, as in Off-TANet's paper. The last is
        optimistic: "always negative" scores about one half.
    """
    runs = [confusion_by_person(data.labels, run, data.people) for run in predicted]
    summary: dict[str, Any] = {"n": len(data.labels), "subjects": len(runs[0])}
    for name, score in MEASURES.items():
        summary[name] = float(np.mean([score(counts.sum(0)) for counts in runs]))
        summary[f"{name}_interval"] = list(bootstrap_interval(runs, score))
        summary[f"{name}_fold_mean"] = float(np.mean([score(counts) for counts in runs]))
    return summary
