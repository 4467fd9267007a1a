"""Labelled flow maps, and their `.npz` files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.datasets.npz import read_arrays
from off_tanet_export.datasets.people import unique_person
from off_tanet_export.errors import MapsError

Flows = NDArray[np.float32]

MAP_SIZE = 28
"""The side of a flow map, as in MEGC2019."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowMaps:
    """Labelled maps (u, v, strain) of the motion from onset to apex.

    Attributes:
        maps: float32 [N, 3, 28, 28], each channel scaled to 0..1.
        labels: The class's index [N].
        datasets: The name of each clip's data set [N].
        subjects: The name of each clip's subject in its data set [N].
        clips: The name of each clip [N]; empty where it is not known.
        classes: The names of the classes.
        flows: The flows of which the maps are made, float32 [N, 2, 112, 112] in pixels, if they are
            known.
    """

    maps: NDArray[np.float32]
    labels: NDArray[np.int64]
    datasets: NDArray[np.str_]
    subjects: NDArray[np.str_]
    clips: NDArray[np.str_]
    classes: tuple[str, ...] = CLASSES
    flows: Flows | None = None

    @property
    def people(self) -> NDArray[np.str_]:
        """The subjects [N], unique across data sets: two of them may have a subject 01.

        A subject that is spelled in two ways (`1`, `sub01`) is one person.
        """
        return np.array(list(map(unique_person, self.datasets, self.subjects)))

    def select(self, clips: NDArray[np.bool_]) -> FlowMaps:
        """Return the clips for which the mask [N] is true."""
        return FlowMaps(
            self.maps[clips],
            self.labels[clips],
            self.datasets[clips],
            self.subjects[clips],
            self.clips[clips],
            self.classes,
            None if self.flows is None else self.flows[clips],
        )


def concatenate(parts: Sequence[FlowMaps]) -> FlowMaps:
    """Concatenate data sets; there must be at least one, and all must have the same classes."""
    flows = [part.flows for part in parts if part.flows is not None]
    return FlowMaps(
        np.concatenate([part.maps for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.datasets for part in parts]),
        np.concatenate([part.subjects for part in parts]),
        np.concatenate([part.clips for part in parts]),
        parts[0].classes,
        np.concatenate(flows) if len(flows) == len(parts) else None,
    )


def load_maps(path: Path) -> FlowMaps:
    """Read an `.npz` file.

    Args:
        path: A file with the arrays `maps` uint8 [N, 28, 28, 3], `label`, `dataset` and `subject`
            [N], and `classes`; `clip` [N], if the clips have names.

    Raises:
        MapsError: The file is missing, damaged or of another form.
    """
    arrays = read_arrays(path, ("maps", "label", "dataset", "subject", "classes"), ["clip"])
    maps, label = arrays["maps"], arrays["label"]
    dataset, subject = arrays["dataset"], arrays["subject"]
    clip = arrays.get("clip", np.full(label.shape, ""))
    classes = tuple(map(str, arrays["classes"].ravel()))
    columns = {"label": label, "dataset": dataset, "subject": subject, "clip": clip}
    _check(path, maps, columns, classes)
    scaled = np.asarray(maps.transpose(0, 3, 1, 2).astype(np.float32) / 255, np.float32)
    datasets, subjects, clips = (column.astype(str) for column in (dataset, subject, clip))
    return FlowMaps(scaled, label.astype(np.int64), datasets, subjects, clips, classes)


def _check(
    path: Path, maps: NDArray[Any], columns: dict[str, NDArray[Any]], classes: tuple[str, ...]
) -> None:
    if maps.dtype != np.uint8 or maps.shape[1:] != (MAP_SIZE, MAP_SIZE, 3) or not len(maps):
        raise MapsError(f"{path}: maps are {maps.dtype} {maps.shape} instead of uint8 [N,28,28,3]")
    for name, values in columns.items():
        if values.shape != (len(maps),):
            raise MapsError(f"{path}: there must be one {name} for each map")
    if not np.isin(columns["label"], range(len(classes))).all():
        raise MapsError(f"{path}: labels must be indices of the {len(classes)} classes")
