"""Evaluation protocols: fixed weights, or weights trained without the tested subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES
from tqdm import tqdm

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import TrainingError
from off_tanet_export.inference import predict
from off_tanet_export.metrics import Labels
from off_tanet_export.training.fine_tuning import FineTuneConfig, fit, predict_fold, prepare
from off_tanet_export.training.linear import classify, correct, mirror_mean

Runs = NDArray[np.float32]
"""Probabilities [R, N, 3] of the same clips in several runs with different seeds."""

Fold = NDArray[np.bool_]
"""A mask [N] of one subject's clips."""


def fixed(checkpoints: Sequence[Checkpoint], data: FlowMaps) -> Runs:
    """Predict with each checkpoint as it is.

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    with tqdm(checkpoints, desc="fixed", unit="checkpoint") as bar:
        return np.stack([predict(checkpoint, data.maps) for checkpoint in bar])


def leave_one_subject_out(
    data: FlowMaps, config: FineTuneConfig, starts: Sequence[Checkpoint]
) -> Runs:
    """Predict each subject's clips with a network that was fine-tuned on all other subjects.

    Nothing of the tested subject is used before its clips are predicted, so the weights of the last
    epoch count, not of the best one.

    Args:
        data: The labelled clips.
        config: How to fine-tune.
        starts: The initial weights of each run; the run's index is its seed.

    Raises:
        TrainingError: There is only one subject.
    """
    subjects = list(folds(data))
    runs = np.empty((len(starts), len(data.labels), len(CLASSES)), np.float32)
    with tqdm(total=len(starts) * len(subjects), desc="loso", unit="fold") as progress:
        for seed, start in enumerate(starts):
            clips = prepare(start, data, config.part)
            for tested in subjects:
                fitted = fit(start, clips.select(~tested), config, seed)
                runs[seed, tested] = predict_fold(fitted, clips.select(tested))
                progress.update()
    return runs


def residual_linear(data: FlowMaps, starts: Sequence[Checkpoint]) -> Runs:
    """Correct fixed networks by a linear model of their residual, leaving one subject out.

    Args:
        data: The labelled clips.
        starts: The network of each run.

    Raises:
        TrainingError: There is only one subject.
    """
    runs = fixed(starts, data).astype(np.float64)
    residuals = np.eye(len(CLASSES))[data.labels] - runs
    values = mirror_mean(data.maps)
    for tested in folds(data):
        known, labels, unknown = values[~tested], data.labels[~tested], values[tested]
        for run, residual in zip(runs, residuals, strict=True):
            run[tested] = correct(known, residual[~tested], labels, unknown, run[tested])
    return runs.astype(np.float32)


def always_negative(data: FlowMaps) -> Labels:
    """Predict the most frequent class for every clip, as a baseline."""
    return np.zeros(len(data.labels), np.int64)


def linear(data: FlowMaps) -> Labels:
    """Predict with a linear model of a map's 2,352 values, leaving one subject out.

    Raises:
        TrainingError: There is only one subject.
    """
    values = data.maps.reshape(len(data.maps), -1).astype(np.float64)
    labels = np.empty(len(values), np.int64)
    for tested in folds(data):
        labels[tested] = classify(values[~tested], data.labels[~tested], values[tested])
    return labels


def folds(data: FlowMaps) -> Iterator[Fold]:
    """Yield the mask of each subject's clips.

    Raises:
        TrainingError: There is only one subject.
    """
    people = data.people
    names = np.unique(people)
    if len(names) < 2:
        raise TrainingError("leaving one subject out needs two subjects")
    yield from (people == name for name in names)
