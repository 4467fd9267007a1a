"""Which weights name which clip: fixed ones, or weights that never saw the clip's subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES
from tqdm import tqdm

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import TrainingError
from off_tanet_export.evaluation.evaluate import predict
from off_tanet_export.evaluation.metrics import Labels
from off_tanet_export.network.checkpoint import Checkpoint
from off_tanet_export.training.fine_tuning import FineTuneConfig, answers, fit, lesson
from off_tanet_export.training.linear import corrected, named, symmetric

Runs = NDArray[np.float32]
"""Probabilities [R, N, 3] of the same clips in several runs, each of another seed."""

Fold = NDArray[np.bool_]
"""Which clips [N] are one subject's."""


def fixed(checkpoints: Sequence[Checkpoint], data: FlowMaps) -> Runs:
    """What each checkpoint answers. Raises `CheckpointError` like `predict`."""
    bar = tqdm(checkpoints, desc="fixed", unit="checkpoint")
    return np.stack([predict(checkpoint, data.maps) for checkpoint in bar])


def leave_one_subject_out(
    data: FlowMaps, fitting: FineTuneConfig, starts: Sequence[Checkpoint]
) -> Runs:
    """What networks answer that were trained on all other subjects, one run from each start.

    Nothing of the subject left out is looked at before its clips are named, so the last epoch
    is the one that counts. Raises `TrainingError` where there is one subject alone.
    """
    subjects = list(folds(data))
    runs = np.empty((len(starts), len(data.labels), len(CLASSES)), np.float32)
    with tqdm(total=len(starts) * len(subjects), desc="loso", unit="fold") as progress:
        for seed, start in enumerate(starts):
            whole = lesson(start, data, fitting.part)
            for tested in subjects:
                fitted = fit(start, whole.of(~tested), fitting, seed)
                runs[seed, tested] = answers(fitted, whole.of(tested))
                progress.update()
    return runs


def residual_linear(data: FlowMaps, starts: Sequence[Checkpoint]) -> Runs:
    """Leaving one subject out: each network as it is, and a linear model of what it leaves over.

    Raises `TrainingError` where there is one subject alone.
    """
    runs = fixed(starts, data).astype(np.float64)
    leftover = np.eye(len(CLASSES))[data.labels] - runs
    values = symmetric(data.maps)
    for tested in folds(data):
        known, labels, unknown = values[~tested], data.labels[~tested], values[tested]
        for run, lacking in zip(runs, leftover, strict=True):
            run[tested] = corrected(known, lacking[~tested], labels, unknown, run[tested])
    return runs.astype(np.float32)


def always_negative(data: FlowMaps) -> Labels:
    """The commonest class for every clip: what a score must beat to mean anything."""
    return np.zeros(len(data.labels), np.int64)


def linear(data: FlowMaps) -> Labels:
    """Leaving one subject out: a linear model of a map's 2,352 values.

    Raises `TrainingError` where there is one subject alone.
    """
    values = data.maps.reshape(len(data.maps), -1).astype(np.float64)
    labels = np.empty(len(values), np.int64)
    for tested in folds(data):
        labels[tested] = named(values[~tested], data.labels[~tested], values[tested])
    return labels


def folds(data: FlowMaps) -> Iterator[Fold]:
    """One for each subject. Raises `TrainingError` where there is one subject alone."""
    people = data.people
    names = np.unique(people)
    if len(names) < 2:
        raise TrainingError("leaving one subject out needs two subjects")
    yield from (people == name for name in names)
