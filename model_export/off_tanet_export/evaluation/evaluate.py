"""Scores of predictions as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.evaluation.predictions import Predictions
from off_tanet_export.inference import predict_clips
from off_tanet_export.metrics import (
    Labels,
    Reading,
    Score,
    accuracy,
    bootstrap_interval,
    errors_by_chance,
    reliability,
    uar,
    uf1,
)

MEASURES: Mapping[str, Score] = MappingProxyType({"uf1": uf1, "uar": uar})

READINGS: Mapping[str, Reading] = MappingProxyType(
    {"classes of its clips": "truth", "as scikit-learn": "seen", "all classes": "all"}
)
"""What the score of a single fold is averaged over. Many folds have no clips of some classes."""


def evaluate(checkpoint: Checkpoint, data: FlowMaps) -> dict[str, Any]:
    """Compute the scores of one checkpoint, as `score` does.

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    return score(Predictions.of_runs(data, predict_clips(checkpoint, data)[None]))


def score(predictions: Predictions) -> dict[str, Any]:
    """Score one or more runs.

    Returns:
        The scores of `summarize`, and: `runs`, the scores of each run; `per_dataset`; `confusion`,
        summed over runs; `ece`, the mean expected calibration error of the runs; `ece_by_chance`,
        the central 95% of that error in runs whose confidence is exactly right.
    """
    runs = predictions.runs()
    counts = [run.confusions(run.people).sum(0) for run in runs]
    masks = {str(name): predictions.databases == name for name in np.unique(predictions.databases)}
    names = predictions.classes
    return {
        **summarize(predictions),
        "runs": [{name: float(score(c)) for name, score in MEASURES.items()} for c in counts],
        "per_dataset": {
            name: summarize(predictions.select(clips)) for name, clips in masks.items()
        },
        "confusion": {
            true: dict(zip(names, row, strict=True))
            for true, row in zip(names, sum(counts).tolist(), strict=True)
        },
        "ece": float(np.mean([reliability(run.truth, run.probabilities).error for run in runs])),
        "ece_by_chance": np.percentile(
            np.concatenate([errors_by_chance(run.probabilities) for run in runs]), (2.5, 97.5)
        ).tolist(),
    }


def summarize(predictions: Predictions) -> dict[str, Any]:
    """Compute UF1 and UAR of one or more runs.

    Returns:
        `n`, the number of clips; `subjects`; `uf1` and `uar`, pooled over all clips as in MEGC2019,
        and averaged over runs; `*_interval`, the central 95% of bootstrap resamples of subjects;
        `*_fold_mean`, the mean of the scores of each fold, as in Off-TANet's paper. The last is
        optimistic: "always negative" scores about one half. All are over the classes of the clips.
    """
    runs = predictions.runs()
    people = [run.confusions(run.people) for run in runs]
    folds = [run.confusions(run.folds) for run in runs]
    summary: dict[str, Any] = {"n": len(runs[0].truth), "subjects": len(people[0])}
    for name, score in MEASURES.items():
        summary[name] = float(np.mean([score(counts.sum(0)) for counts in people]))
        summary[f"{name}_interval"] = list(bootstrap_interval(people, score))
        summary[f"{name}_fold_mean"] = float(np.mean([score(counts) for counts in folds]))
    return summary


def details(predictions: Predictions) -> dict[str, Any]:
    """Compute what tells how the scores of `summarize` are meant.

    Returns:
        `accuracy`; `absent`, the classes of which there is no clip; and `fold_means`, UF1 and UAR
        averaged over folds, in each of `READINGS`.
    """
    runs = predictions.runs()
    pooled = [run.confusions(run.people).sum(0) for run in runs]
    folds = [run.confusions(run.folds) for run in runs]
    there = pooled[0].sum(1) > 0
    return {
        "accuracy": float(np.mean([accuracy(counts) for counts in pooled])),
        "absent": [
            name for name, clips in zip(predictions.classes, there, strict=True) if not clips
        ],
        "fold_means": {
            title: {
                "uf1": float(np.mean([uf1(counts, reading) for counts in folds])),
                "uar": float(np.mean([uar(counts, reading) for counts in folds])),
            }
            for title, reading in READINGS.items()
        },
    }


def with_labels(predictions: Predictions, labels: Labels) -> Predictions:
    """Return the same clips with other predictions: certain ones of the class indices [M]."""
    certain = np.eye(len(predictions.classes))[labels]
    return replace(predictions, probabilities=certain)
