"""Predictions of clips in one or more runs, and their CSV files."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.people import database_name
from off_tanet_export.errors import MapsError
from off_tanet_export.metrics import Confusion, Labels, confusion_by_person

_COLUMNS = ("database", "person", "clip", "truth", "prediction", "fold", "seed")
_PROBABILITY = "probability."


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions of M clips; with several runs, a clip has one in each.

    Attributes:
        classes: The names of the classes.
        databases: The database of each clip [M].
        people: Its person [M], unique across databases.
        clips: Its name [M]; its number in the data where it has no name.
        truth: Its class's index [M].
        probabilities: [M, C].
        folds: The name of the fold in which it was tested [M].
        seeds: The number of the run [M].
    """

    classes: tuple[str, ...]
    databases: NDArray[np.str_]
    people: NDArray[np.str_]
    clips: NDArray[np.str_]
    truth: Labels
    probabilities: NDArray[np.float64]
    folds: NDArray[np.str_]
    seeds: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        data: FlowMaps,
        clips: NDArray[np.int64],
        probabilities: NDArray[np.floating],
        folds: NDArray[np.str_],
        seeds: NDArray[np.int64],
    ) -> Predictions:
        """Join predictions with what is known of their clips.

        Args:
            data: The labelled clips.
            clips: The index in `data` of each predicted clip [M].
            probabilities: [M, C].
            folds: [M].
            seeds: [M].
        """
        numbers = np.arange(len(data.labels)).astype(str)
        names = np.where(data.clips == "", numbers, data.clips)
        databases = np.array(list(map(database_name, data.datasets)))
        return cls(
            data.classes, databases[clips], data.people[clips], names[clips], data.labels[clips],
            probabilities.astype(np.float64), folds, seeds,
        )  # fmt: skip

    @classmethod
    def of_runs(cls, data: FlowMaps, runs: NDArray[np.floating]) -> Predictions:
        """Join the predictions [R, N, C] of all clips by R models; folds are people."""
        count = len(data.labels)
        clips, seeds = np.tile(np.arange(count), len(runs)), np.repeat(np.arange(len(runs)), count)
        return cls.of(data, clips, np.concatenate(runs), data.people[clips], seeds)

    @property
    def predicted(self) -> Labels:
        """The index of the most probable class [M]."""
        return np.asarray(self.probabilities.argmax(1), np.int64)

    def select(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Predictions:
        """Return the predictions for which the mask [M] is true, or those of some indices."""
        return Predictions(
            self.classes, self.databases[chosen], self.people[chosen], self.clips[chosen],
            self.truth[chosen], self.probabilities[chosen], self.folds[chosen],
            self.seeds[chosen],
        )  # fmt: skip

    def runs(self) -> list[Predictions]:
        """Return the predictions of each run."""
        return [self.select(self.seeds == seed) for seed in np.unique(self.seeds)]

    def confusions(self, groups: NDArray[np.str_]) -> Confusion:
        """Count clips [G, C, C] by a name for each [M], such as its person."""
        return confusion_by_person(self.truth, self.predicted, groups, len(self.classes))


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write a CSV file with a line for each prediction; it is there as a whole, or not at all.

    Its columns are database, person, clip, truth, prediction, fold, seed, and `probability.CLASS`
    of each class, with digits that give back the same number.
    """
    names = np.array(predictions.classes)
    columns = (
        predictions.databases, predictions.people, predictions.clips, names[predictions.truth],
        names[predictions.predicted], predictions.folds, predictions.seeds,
    )  # fmt: skip
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow((*_COLUMNS, *(_PROBABILITY + name for name in predictions.classes)))
            for row in zip(*columns, predictions.probabilities.tolist(), strict=True):
                writer.writerow((*row[:-1], *map(repr, row[-1])))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_predictions(path: Path) -> Predictions:
    """Read a file of `write_predictions`.

    Raises:
        MapsError: The file is missing or of another form.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            header = reader.fieldnames or ()
    except FileNotFoundError as error:
        raise MapsError(f"{path} does not exist") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MapsError(f"{path} is not a CSV file in UTF-8") from error
    if missing := [name for name in _COLUMNS if name not in header]:
        raise MapsError(f"{path} is missing a column: {missing[0]}")
    classes = tuple(
        name.removeprefix(_PROBABILITY) for name in header if name.startswith(_PROBABILITY)
    )
    if not rows or len(classes) < 2:
        raise MapsError(f"{path} contains no predictions")
    try:
        truth = np.array([classes.index(row["truth"]) for row in rows])
        seeds = np.array([int(row["seed"]) for row in rows])
        shares = [[float(row[_PROBABILITY + name]) for name in classes] for row in rows]
    except (TypeError, ValueError) as error:
        raise MapsError(f"{path}: a class, a seed or a probability cannot be read") from error
    databases, people, clips, folds = (
        np.array([row[name] for row in rows]) for name in ("database", "person", "clip", "fold")
    )
    return Predictions(classes, databases, people, clips, truth, np.array(shares), folds, seeds)
