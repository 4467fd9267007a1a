"""Labelled clips of databases with their raw flows, and their `.npz` files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CROP_SIZE, Flow

from off_tanet_export.datasets.flow_maps import MAP_SIZE, FlowMaps
from off_tanet_export.datasets.npz import read_arrays
from off_tanet_export.datasets.outputs import replacing
from off_tanet_export.datasets.people import unique_person
from off_tanet_export.datasets.rows import Row
from off_tanet_export.errors import MapsError
from off_tanet_export.graph import FlowClassifier, PreprocessingConfig
from off_tanet_export.network.model import OffTanet

_NAMES = ("dataset", "subject", "clip", "emotion", "onset", "apex", "label")


@dataclass(frozen=True, slots=True, eq=False)
class ClipFlows:
    """Clips with the flow from onset to apex.

    Attributes:
        flows: float32 [N, 2, 112, 112], in pixels; float16 in files.
        columns: For each clip [N]: `dataset`, `subject` (the person's name in it), `clip`,
            `emotion`, the numbers of the frames `onset` and `apex`, and `label`, the class's index.
        classes: The names of the classes.
        about: What was done to make them: plain JSON values.
    """

    flows: NDArray[np.float32]
    columns: Mapping[str, NDArray[Any]]
    classes: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class's index of each clip [N]."""
        return np.asarray(self.columns["label"], np.int64)

    @property
    def people(self) -> NDArray[np.str_]:
        """The person of each clip [N], unique across databases, as `FlowMaps.people`."""
        return np.array(list(map(unique_person, self.columns["dataset"], self.columns["subject"])))

    @classmethod
    def of(cls, rows: Sequence[Row], flows: Sequence[Flow], classes: tuple[str, ...]) -> ClipFlows:
        """Join rows and their flows.

        Args:
            rows: N rows, whose apex is known.
            flows: Their flows.
            classes: The names of the classes.
        """
        values: dict[str, list[Any]] = {
            "dataset": [row.database for row in rows],
            "subject": [row.person for row in rows],
            "clip": [row.clip for row in rows],
            "emotion": [row.emotion for row in rows],
        }
        numbers: dict[str, list[Any]] = {
            "onset": [row.onset for row in rows],
            "apex": [row.apex for row in rows],
            "label": [row.label for row in rows],
        }
        columns = {name: np.array(column, np.str_) for name, column in values.items()}
        columns |= {name: np.array(column, np.int64) for name, column in numbers.items()}
        shape = (len(rows), 2, CROP_SIZE, CROP_SIZE)
        return cls(np.array(flows, np.float32).reshape(shape), columns, classes)

    def maps(self, size: int = MAP_SIZE) -> NDArray[np.float32]:
        """Compute maps (u, v, strain) [N, 3, size, size], each channel scaled to 0..1.

        Args:
            size: The side of a map; it divides 112.
        """
        preprocessing = PreprocessingConfig(map_size=size, scaling="range")
        classifier = FlowClassifier(OffTanet(), preprocessing)
        with torch.no_grad():
            return classifier.maps(torch.from_numpy(self.flows)).numpy()

    def labelled_maps(self) -> FlowMaps:
        """Return the maps with their labels and flows."""
        columns = self.columns
        return FlowMaps(
            self.maps(), columns["label"], columns["dataset"], columns["subject"],
            columns["clip"], self.classes, self.flows,
        )  # fmt: skip


def save_flows(clips: ClipFlows, path: Path, map_size: int | None = None) -> None:
    """Write an `.npz` file; it is there as a whole, or not at all.

    Args:
        clips: The clips.
        path: The file to write.
        map_size: Write maps (u, v, strain), uint8 [N, size, size, 3], instead of flows.

    Raises:
        MapsError: The file cannot be written.
    """
    features: dict[str, NDArray[Any]]
    if map_size is None:
        features = {"flow": clips.flows.astype(np.float16)}
    else:
        scaled = np.rint(clips.maps(map_size) * 255).astype(np.uint8)
        features = {"maps": scaled.transpose(0, 2, 3, 1)}
    with replacing(path) as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            classes=np.array(clips.classes),
            about=np.array(json.dumps(dict(clips.about), sort_keys=True)),
            **features,
            **clips.columns,
        )


def load_flows(path: Path) -> ClipFlows:
    """Read an `.npz` file of flows.

    Raises:
        MapsError: The file is missing, damaged or of another form.
    """
    arrays = read_arrays(path, (*_NAMES, "flow", "classes", "about"))
    flows, classes = arrays["flow"], tuple(map(str, arrays["classes"].ravel()))
    columns = {name: arrays[name] for name in _NAMES}
    try:
        about = json.loads(str(arrays["about"]))
    except ValueError as error:
        raise MapsError(f"{path}: `about` is not JSON") from error
    if flows.shape[1:] != (2, CROP_SIZE, CROP_SIZE) or flows.dtype.kind != "f" or not len(flows):
        wanted = "float16 [N,2,112,112]"
        raise MapsError(f"{path}: flows are {flows.dtype} {flows.shape} instead of {wanted}")
    for name, values in columns.items():
        if values.shape != (len(flows),):
            raise MapsError(f"{path}: there must be one {name} for each flow")
    if not np.isin(columns["label"], range(len(classes))).all():
        raise MapsError(f"{path}: labels must be indices of the {len(classes)} classes")
    columns["label"] = columns["label"].astype(np.int64)
    return ClipFlows(flows.astype(np.float32), columns, classes, about)
