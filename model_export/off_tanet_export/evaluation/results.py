"""A folder of results: one file for each fold, so that an interrupted evaluation can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.npz import read_arrays
from off_tanet_export.errors import MapsError, TrainingError
from off_tanet_export.evaluation.folds import Fold

_CONFIGURATION = "configuration.json"


@dataclass(frozen=True, slots=True)
class Results:
    """A folder of results.

    Attributes:
        folder: The folder; it has the configuration, and a file for each fold that is done.
    """

    folder: Path

    @classmethod
    def open(cls, folder: Path, configuration: Mapping[str, Any]) -> Results:
        """Make a folder, or go on with one of the same configuration.

        Raises:
            TrainingError: The folder is of another configuration, or has other files.
        """
        path = folder / _CONFIGURATION
        wanted = json.loads(json.dumps(dict(configuration)))  # lists, no tuples
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            if any(folder.iterdir()):
                raise TrainingError(f"{folder} has other files: results need a folder of their own")
            _write(path, json.dumps(wanted, indent=2, sort_keys=True).encode())
            return cls(folder)
        try:
            there = json.loads(path.read_bytes())
        except ValueError as error:
            raise TrainingError(f"{path} is damaged") from error
        changed = [name for name in {**there, **wanted} if there.get(name) != wanted.get(name)]
        if changed:
            raise TrainingError(
                f"{folder} has results of another configuration: {', '.join(changed)} changed"
            )
        return cls(folder)

    def load(self, seed: int, number: int, fold: Fold, classes: int) -> NDArray[np.float64] | None:
        """Return the probabilities [M, C] of a fold; None if it has not been done.

        Args:
            seed: The number of the run.
            number: The number of the fold.
            fold: The fold.
            classes: The number C of classes.

        Raises:
            MapsError: The file is damaged or of another fold.
        """
        path = self._path(seed, number)
        if not path.exists():
            return None
        arrays = read_arrays(path, ("fold", "probabilities"))
        probabilities = arrays["probabilities"]
        expected = (int(fold.tested.sum()), classes)
        if str(arrays["fold"]) != fold.name or probabilities.shape != expected:
            raise MapsError(f"{path} is not of fold {fold.name}: remove it to do the fold again")
        return np.asarray(probabilities, np.float64)

    def save(self, seed: int, number: int, fold: Fold, probabilities: NDArray[np.floating]) -> None:
        """Write the probabilities [M, C] of a fold; the file is there as a whole, or not at all."""
        path = self._path(seed, number)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(
                file, allow_pickle=False, fold=np.array(fold.name), probabilities=probabilities
            )
        os.replace(part, path)

    def _path(self, seed: int, number: int) -> Path:
        return self.folder / f"run{seed}_fold{number:03}.npz"


def _write(path: Path, data: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(data)
    os.replace(part, path)


def configuration(
    data: FlowMaps, folds: Sequence[Fold], learner: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what makes results comparable, as JSON values.

    Args:
        data: The labelled clips; a digest of them stands for them.
        folds: The folds, in their order.
        learner: The learner's configuration.
    """
    arrays = (data.maps, data.labels, data.people, data.datasets, data.clips)
    digest = blake2b(digest_size=16)
    for array in arrays if data.flows is None else (*arrays, data.flows):
        digest.update(np.ascontiguousarray(array).tobytes())
    masks = blake2b(digest_size=16)
    for fold in folds:
        masks.update(np.packbits([fold.trained, fold.tested]).tobytes())
    return {
        "program": f"off-tanet {version('off-tanet')}",
        "data": digest.hexdigest(),
        "classes": list(data.classes),
        "folds": {"names": [fold.name for fold in folds], "clips": masks.hexdigest()},
        "training": dict(learner),
    }
