"""Labelled flows of real clips, measured by the service, as an `.npz` file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES, CROP_SIZE

from off_tanet_export.datasets.npz import read_arrays
from off_tanet_export.errors import MapsError

NEUTRAL = -1
"""The label of a clip without an expression."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowPairs:
    """Flows between onset and apex.

    Attributes:
        flows: float32 [N, 2, 112, 112], in pixels.
        labels: The class's index [N], or `NEUTRAL`.
        emotions: The emotion with which a clip is labelled [N].
    """

    flows: NDArray[np.float32]
    labels: NDArray[np.int64]
    emotions: NDArray[np.str_]


def load_pairs(path: Path) -> FlowPairs:
    """Read an `.npz` file.

    Args:
        path: A file with the arrays `flow` [N, 2, 112, 112], `label` and `emotion` [N].

    Raises:
        MapsError: The file is missing, damaged or of another form.
    """
    arrays = read_arrays(path, ("flow", "label", "emotion"))
    flows, labels, emotions = arrays["flow"], arrays["label"], arrays["emotion"]
    shape = (len(labels), 2, CROP_SIZE, CROP_SIZE)
    if flows.shape != shape or labels.shape != emotions.shape:
        raise MapsError(f"{path}: flows are {flows.shape} instead of {shape}, one for each label")
    if not np.isin(labels, range(NEUTRAL, len(CLASSES))).all():
        raise MapsError(f"{path}: labels must be -1, 0, 1 or 2")
    return FlowPairs(flows.astype(np.float32), labels.astype(np.int64), emotions.astype(str))
