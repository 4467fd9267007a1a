"""Which weights name which clip: fixed ones, or weights that never saw the clip's subject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from model_export.checkpoint import Checkpoint
from model_export.datasets import FlowMaps
from model_export.errors import TrainingError
from model_export.evaluation import predict
from model_export.fitting import Fitting, answers, fit, lesson, scratch
from model_export.metrics import Labels
from service.recognition.types import CLASSES

Runs = NDArray[np.float32]
"""Probabilities [R, N, 3] of the same clips in several runs, each of another seed."""


def fixed(checkpoints: Sequence[Checkpoint], data: FlowMaps) -> Runs:
    """What each checkpoint answers. Raises `CheckpointError` like `predict`."""
    bar = tqdm(checkpoints, desc="fixed", unit="checkpoint")
    return np.stack([predict(checkpoint, data.maps) for checkpoint in bar])


def leave_one_subject_out(
    data: FlowMaps, fitting: Fitting, seeds: Sequence[int], start: Checkpoint | None = None
) -> Runs:
    """What networks answer that were trained on all other subjects, from `start` or from nothing.

    Nothing of the subject left out is looked at before its clips are named, so the last epoch
    is the one that counts. Raises `TrainingError` where there is one subject alone.
    """
    people = data.people
    names = _people(data)
    runs = np.empty((len(seeds), len(people), len(CLASSES)), np.float32)
    with tqdm(total=len(seeds) * len(names), desc="loso", unit="fold") as progress:
        for run, seed in enumerate(seeds):
            begin = start or scratch(seed, fitting.variant)
            whole = lesson(begin, data, fitting.part)
            for name in names:
                tested = people == name
                fitted = fit(begin, whole.of(~tested), fitting, seed)
                runs[run, tested] = answers(fitted, whole.of(tested))
                progress.update()
    return runs


def always_negative(data: FlowMaps) -> Labels:
    """The commonest class for every clip: what a score must beat to mean anything."""
    return np.zeros(len(data.labels), np.int64)


def linear(data: FlowMaps) -> Labels:
    """Leaving one subject out: ridge regression from a map's 2,352 values to its class.

    Classes weigh alike. The penalty is the mean variance of a clip, a choice without a knob, so
    nothing is tuned. Raises `TrainingError` where there is one subject alone.
    """
    people, values = data.people, data.maps.reshape(len(data.maps), -1).astype(np.float64)
    named = np.empty(len(people), np.int64)
    for name in _people(data):
        tested = people == name
        scores = ridge(values[~tested], data.labels[~tested], values[tested])
        named[tested] = scores.argmax(1)
    return named


def ridge(
    known: NDArray[np.float64], labels: Labels, unknown: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each class's score [M, 3] for `unknown` [M, D], from `known` [N, D], in the dual form."""
    frequency = np.bincount(labels, minlength=len(CLASSES))
    weight = 1 / frequency[labels]
    weight /= weight.mean()
    root = np.sqrt(weight)[:, None]
    centre = np.average(known, axis=0, weights=weight)
    targets = np.eye(len(CLASSES))[labels]
    targets -= np.average(targets, axis=0, weights=weight)
    rows = root * (known - centre)
    kernel = rows @ rows.T
    penalty = max(np.trace(kernel) / len(kernel), 1e-9)  # one clip alone varies by nothing
    dual = np.linalg.solve(kernel + penalty * np.eye(len(kernel)), root * targets)
    return np.asarray((unknown - centre) @ rows.T @ dual, np.float64)


def _people(data: FlowMaps) -> NDArray[np.str_]:
    names = np.unique(data.people)
    if len(names) < 2:
        raise TrainingError("leaving one subject out needs two subjects")
    return names
