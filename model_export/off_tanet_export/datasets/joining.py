"""Flows of one or more files as one data set to train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from off_tanet.types import are_class_names

from off_tanet_export.datasets.clip_flows import ClipFlows, load_flows
from off_tanet_export.datasets.npz import array_names
from off_tanet_export.datasets.people import database_name
from off_tanet_export.errors import MapsError

MIN_PEOPLE = 2


def load_training_clips(paths: Sequence[Path]) -> ClipFlows:
    """Read files of `data read` as one data set.

    Args:
        paths: One or more `.npz` files of flows. Each must name the same classes.

    Returns:
        The clips; the classes are in the order of the first file, and `about` has `files`: what
        each file says of itself.

    Raises:
        MapsError: A file cannot be used, the classes differ or have unusable names, a class has no
            clip, a clip is given twice, or there is only one person.
    """
    for path in paths:
        if "flow" not in array_names(path):
            raise MapsError(f"{path} has no flows: read the database without --maps")
    files = [load_flows(path) for path in paths]
    classes = files[0].classes
    if not are_class_names(classes):
        raise MapsError(
            f"{paths[0]}: names of classes are letters, digits and marks other than dots, each "
            f"name once: {', '.join(classes)}"
        )
    for path, file in zip(paths, files, strict=True):
        if set(file.classes) != set(classes):
            ours, theirs = ", ".join(classes), ", ".join(file.classes)
            raise MapsError(f"{path} has the classes {theirs}; {paths[0]} has {ours}")
    files = [in_order(file, classes) for file in files]
    columns = {
        name: np.concatenate([file.columns[name] for file in files]) for name in files[0].columns
    }
    flows = np.concatenate([file.flows for file in files])
    joined = ClipFlows(flows, columns, classes, {"files": [dict(file.about) for file in files]})
    _check(joined)
    return joined


def in_order(clips: ClipFlows, classes: tuple[str, ...]) -> ClipFlows:
    """Return the clips with the same classes in another order."""
    places = np.array([classes.index(name) for name in clips.classes], np.int64)
    columns = {**clips.columns, "label": places[clips.labels]}
    return replace(clips, columns=columns, classes=classes)


def _check(clips: ClipFlows) -> None:
    found = np.bincount(clips.labels, minlength=len(clips.classes))
    absent = [name for name, count in zip(clips.classes, found, strict=True) if not count]
    if absent:
        raise MapsError(f"no clip is of the class {absent[0]}: read the data with other --classes")
    names = zip(map(database_name, clips.columns["dataset"]), clips.people, strict=True)
    named = zip(names, clips.columns["clip"], clips.columns["onset"], strict=True)
    twice = [key for key, count in Counter(named).items() if count > 1]
    if twice:
        (_, person), clip, _ = twice[0]
        raise MapsError(f"{len(twice)} of the clips are given twice, such as {clip} of {person}")
    if len(set(clips.people)) < MIN_PEOPLE:
        raise MapsError("training needs two people: the temperature is fitted on held-out ones")
