"""Labelled flow maps from disk."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_export.errors import MapsError
from service.recognition.types import CLASSES

MAP_SIZE = 28


@dataclass(frozen=True, slots=True, eq=False)
class FlowMaps:
    """Maps (u, v, strain) of onset to apex, each channel scaled to 0..1, with what they show.

    `maps` [N, 3, 28, 28] float32; `labels` [N], the class's index; `datasets` [N], the name of the
    data set that the clip is of.
    """

    maps: NDArray[np.float32]
    labels: NDArray[np.int64]
    datasets: NDArray[np.str_]


def load_maps(path: Path) -> FlowMaps:
    """Read an .npz of `maps` uint8 [N, 28, 28, 3], `label` [N], `dataset` [N] and `classes`.

    Raises `MapsError`.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            maps, label, dataset = file["maps"], file["label"], file["dataset"]
            classes = tuple(file["classes"])
    except FileNotFoundError as error:
        raise MapsError(f"{path} is not there") from error
    except KeyError as error:
        raise MapsError(f"{path} lacks an array: {error.args[0]}") from error
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise MapsError(f"{path} is no .npz file, or a damaged one") from error
    _check(path, maps, label, dataset, classes)
    scaled = maps.transpose(0, 3, 1, 2).astype(np.float32) / 255
    return FlowMaps(scaled, label.astype(np.int64), dataset)


def _check(
    path: Path,
    maps: NDArray[Any],
    label: NDArray[Any],
    dataset: NDArray[Any],
    classes: tuple[str, ...],
) -> None:
    if classes != CLASSES:
        raise MapsError(f"{path} names other classes than {', '.join(CLASSES)}")
    if maps.dtype != np.uint8 or maps.shape[1:] != (MAP_SIZE, MAP_SIZE, 3) or not len(maps):
        raise MapsError(f"{path}: maps are {maps.dtype} {maps.shape} instead of uint8 [N,28,28,3]")
    if label.shape != (len(maps),) or dataset.shape != (len(maps),):
        raise MapsError(f"{path}: there is not one label and one dataset for each map")
    if not np.isin(label, range(len(CLASSES))).all():
        raise MapsError(f"{path}: a label is none of 0, 1, 2")
