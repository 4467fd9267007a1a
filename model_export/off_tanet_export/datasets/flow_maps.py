"""Labelled flow maps: of an .npz, or of frames that lie in folders."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.errors import MapsError

MAP_SIZE = 28


@dataclass(frozen=True, slots=True, eq=False)
class FlowMaps:
    """Maps (u, v, strain) of onset to apex, each channel scaled to 0..1, with what they show.

    `maps` [N, 3, 28, 28] float32; `labels` [N], the class's index; `datasets` [N], the name of the
    data set that the clip is of; `subjects` [N], who is seen, as that data set names them.
    """

    maps: NDArray[np.float32]
    labels: NDArray[np.int64]
    datasets: NDArray[np.str_]
    subjects: NDArray[np.str_]

    @property
    def people(self) -> NDArray[np.str_]:
        """Who is seen [N], told apart across data sets: two of them may have a subject 01."""
        return np.array([f"{d}/{s}" for d, s in zip(self.datasets, self.subjects, strict=True)])

    def of(self, clips: NDArray[np.bool_]) -> FlowMaps:
        """The chosen clips alone."""
        return FlowMaps(
            self.maps[clips], self.labels[clips], self.datasets[clips], self.subjects[clips]
        )


def joined(parts: Sequence[FlowMaps]) -> FlowMaps:
    """Several data sets as one; at least one part."""
    return FlowMaps(
        np.concatenate([part.maps for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.datasets for part in parts]),
        np.concatenate([part.subjects for part in parts]),
    )


def load_maps(path: Path) -> FlowMaps:
    """Read an .npz of `maps` uint8 [N, 28, 28, 3], `label`, `dataset`, `subject` [N], `classes`.

    Raises `MapsError`.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            maps, label = file["maps"], file["label"]
            dataset, subject = file["dataset"], file["subject"]
            classes = tuple(file["classes"])
    except FileNotFoundError as error:
        raise MapsError(f"{path} is not there") from error
    except KeyError as error:
        raise MapsError(f"{path} lacks an array: {error.args[0]}") from error
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise MapsError(f"{path} is no .npz file, or a damaged one") from error
    _check(path, maps, {"label": label, "dataset": dataset, "subject": subject}, classes)
    scaled = maps.transpose(0, 3, 1, 2).astype(np.float32) / 255
    return FlowMaps(scaled, label.astype(np.int64), dataset.astype(str), subject.astype(str))


def _check(
    path: Path, maps: NDArray[Any], told: dict[str, NDArray[Any]], classes: tuple[str, ...]
) -> None:
    if classes != CLASSES:
        raise MapsError(f"{path} names other classes than {', '.join(CLASSES)}")
    if maps.dtype != np.uint8 or maps.shape[1:] != (MAP_SIZE, MAP_SIZE, 3) or not len(maps):
        raise MapsError(f"{path}: maps are {maps.dtype} {maps.shape} instead of uint8 [N,28,28,3]")
    for name, values in told.items():
        if values.shape != (len(maps),):
            raise MapsError(f"{path}: there is not one {name} for each map")
    if not np.isin(told["label"], range(len(CLASSES))).all():
        raise MapsError(f"{path}: a label is none of 0, 1, 2")
