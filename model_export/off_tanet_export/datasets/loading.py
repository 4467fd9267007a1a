"""Labelled clips of one or more files, of any kind: maps, flows, or a sheet next to its frames."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from off_tanet import cpu
from off_tanet.types import CLASSES

from off_tanet_export.datasets.clip_flows import load_flows
from off_tanet_export.datasets.flow_maps import FlowMaps, concatenate, load_maps
from off_tanet_export.datasets.npz import array_names
from off_tanet_export.datasets.people import database_name
from off_tanet_export.datasets.reading import Source, read_database
from off_tanet_export.datasets.sheets import is_sheet
from off_tanet_export.errors import MapsError


def load_labelled(
    paths: Sequence[Path],
    *,
    cropped: bool = False,
    skip_unusable: bool = False,
    classes: tuple[str, ...] | None = CLASSES,
) -> FlowMaps:
    """Read files of labelled clips as one data set.

    Args:
        paths: An `.npz` of maps or of flows, or a spreadsheet next to its folders of frames. The
            name of a spreadsheet, without the suffix, is the name of its database.
        cropped: Whether frames are already tight face crops. Otherwise the face is detected on the
            onset frame.
        skip_unusable: Whether to go on without clips of a spreadsheet that cannot be used.
        classes: The classes that the files must have; None for any, the same in all files.

    Raises:
        MapsError: A file cannot be used, has other classes, two spreadsheets have one name, or a
            clip is given twice.
    """
    names = Counter(database_name(path.stem) for path in paths if is_sheet(path))
    for name, count in names.items():
        if count > 1:
            raise MapsError(
                f"{count} spreadsheets are named {name}: their people would be taken for the same"
            )
    parts = [load_clips(path, cropped=cropped, skip_unusable=skip_unusable) for path in paths]
    wanted = classes or parts[0].classes
    for path, part in zip(paths, parts, strict=True):
        if part.classes != wanted:
            raise MapsError(
                f"the classes of {path} are not {', '.join(wanted)}: {', '.join(part.classes)}"
            )
    data = concatenate(parts)
    _check_distinct(data)
    return data


def load_clips(path: Path, *, cropped: bool = False, skip_unusable: bool = False) -> FlowMaps:
    """Read one file of labelled clips, as `load_labelled` does.

    Args:
        path: The file.
        cropped: Whether frames are already tight face crops.
        skip_unusable: Whether to go on without clips of a spreadsheet that cannot be used.

    Raises:
        MapsError: The file cannot be used.
    """
    if is_sheet(path):
        source = Source("csv", path.parent, path, path.stem, cropped=cropped)
        reading = read_database(source, skip_unusable=skip_unusable, processes=cpu.available())
        for line in (*reading.remarks, reading.summary):
            print(f"{path.name}: {line}", file=sys.stderr)
        return reading.clips.labelled_maps()
    return load_flows(path).labelled_maps() if "flow" in array_names(path) else load_maps(path)


def _check_distinct(data: FlowMaps) -> None:
    """Raise `MapsError` if a clip is there twice: it could be in training and in the test."""
    databases = map(database_name, data.datasets)
    named = Counter(zip(databases, data.people, data.clips, strict=True))
    twice = [names for names, count in named.items() if count > 1 and names[-1]]
    if twice:
        _, person, clip = twice[0]
        raise MapsError(f"{len(twice)} clips are given twice, such as {clip} of {person}")
