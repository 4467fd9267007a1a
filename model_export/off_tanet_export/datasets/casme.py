"""Clips as frames in folders, as CASME, CASME II and CAS(ME)^2 are delivered.

    casme2.csv                subject, clip, onset, apex, class: one row for each clip
    sub05/EP02_07/img73.jpg   numbered frames, in a folder for the subject and one for the clip

The databases differ in the names of folders (`sub05`, `s15`, or the bare number), of columns, and
of frames (`img73`, `reg_img73`, `EP01_5-73`); all of these are supported. Frames are decoded,
cropped and matched in light by the service's own code.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from off_tanet.configuration import ASSETS
from off_tanet.errors import MediaError, NoFaceError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.media.images import decode_pair
from off_tanet.recognition.pair import pair_flow
from off_tanet.types import CLASSES, Flow, Pixels
from tqdm import tqdm

from off_tanet_export.datasets.flow_maps import MAP_SIZE, FlowMaps
from off_tanet_export.errors import MapsError
from off_tanet_export.graph import FlowClassifier, PreprocessingConfig
from off_tanet_export.network.model import OffTanet

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "subject": ("subject",),
        "clip": ("clip", "filename"),
        "onset": ("onset", "onsetframe", "onsetf"),
        "apex": ("apex", "apexframe", "apexf"),
        "class": ("class", "emotion", "estimatedemotion"),
    }
)
"""The supported names of each column, as in the databases' own tables, reduced to letters."""

EMOTIONS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("anger", "contempt", "disgust", "fear", "repression", "sadness", "negative"), "negative"
    )
    | dict.fromkeys(("happiness", "positive"), "positive")
    | {"surprise": "surprise"}
)
"""The class of each emotion in MEGC2019. Other emotions ("others", "tense") have no class."""

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png"})
"""The suffixes of frames."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the CSV file.

    Attributes:
        subject: The subject's name.
        name: The clip's name.
        onset: The number in the onset frame's file name.
        apex: The number in the apex frame's file name.
        label: The class's index.
    """

    subject: str
    name: str
    onset: int
    apex: int
    label: int


def load_frames(annotations: Path, *, cropped: bool = False) -> FlowMaps:
    """Compute the flow maps of the clips in a CSV file.

    Clips without a class or an apex are skipped. Every other clip must be usable: a score over the
    usable clips alone would not be comparable.

    Args:
        annotations: The CSV file, next to the folders of frames. Its name, without the suffix, is
            the name of the data set.
        cropped: Whether frames are already tight face crops. Otherwise the face is detected on the
            onset frame.

    Raises:
        MapsError: The file cannot be read, has no clip of a class, or a clip's frames are missing,
            damaged or show no face.
    """
    clips = list(read_annotations(annotations))
    if not clips:
        raise MapsError(f"{annotations} has no clip of the classes {', '.join(CLASSES)}")
    detector = None if cropped else FaceDetector(ASSETS)
    flows = [
        measure_flow(clip, annotations.parent, detector)
        for clip in tqdm(clips, desc=annotations.stem, unit="clip")
    ]
    classifier = FlowClassifier(OffTanet(), PreprocessingConfig(map_size=MAP_SIZE, scaling="range"))
    return FlowMaps(
        classifier.maps(torch.from_numpy(np.stack(flows))).numpy(),
        np.array([clip.label for clip in clips]),
        np.full(len(clips), annotations.stem),
        np.array([clip.subject for clip in clips]),
    )


def read_annotations(annotations: Path) -> Iterator[Clip]:
    """Yield the clips of a CSV file that have a class and an apex.

    Raises:
        MapsError: The file is missing, not CSV, or a row is invalid.
    """
    try:
        with annotations.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except FileNotFoundError as error:
        raise MapsError(f"{annotations} does not exist") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MapsError(f"{annotations} is not a CSV file in UTF-8") from error
    places = _find_columns(header, annotations)
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise MapsError(
                f"{annotations}, line {line}: {len(row)} cells instead of {len(header)}"
            )
        cells = {name: row[place].strip() for name, place in places.items()}
        emotion = EMOTIONS.get(cells["class"].lower())
        if emotion is None or cells["apex"] in ("", "/", "0"):  # the databases' marks for no apex
            continue
        if not (cells["onset"].isdecimal() and cells["apex"].isdecimal()):
            raise MapsError(f"{annotations}, line {line}: onset and apex must be frame numbers")
        onset, apex = int(cells["onset"]), int(cells["apex"])
        yield Clip(cells["subject"], cells["clip"], onset, apex, CLASSES.index(emotion))


def _find_columns(header: list[str], annotations: Path) -> dict[str, int]:
    """Return the index of each column."""
    names = [re.sub("[^a-z]", "", name.lower()) for name in header]
    places = {}
    for column, known in COLUMNS.items():
        place = next((names.index(name) for name in known if name in names), None)
        if place is None:
            raise MapsError(f"{annotations} has no column {column}")
        places[column] = place
    return places


def measure_flow(clip: Clip, root: Path, detector: FaceDetector | None) -> Flow:
    """Measure the flow [2, 112, 112] from a clip's onset to its apex, in pixels.

    Args:
        clip: The clip to measure.
        root: The folder that contains the subjects' folders.
        detector: Finds the face on the onset frame; None if frames are face crops.

    Raises:
        MapsError: A frame is missing, cannot be decoded, is damaged or shows no face.
    """
    onset, apex = _read_pair(clip, root)
    try:
        return pair_flow(onset, apex, detector).flow
    except NoFaceError as error:
        detail = f"{clip.subject}/{clip.name}: no face on the onset frame, {clip.onset}"
        raise MapsError(detail) from error


def _read_pair(clip: Clip, root: Path) -> tuple[Pixels, Pixels]:
    """Decode onset and apex as the service decodes a pair, with one range of levels for both."""
    frames = _list_frames(clip, root)
    for number in (clip.onset, clip.apex):
        if number not in frames:
            raise MapsError(f"{clip.subject}/{clip.name} has no frame {number}")
    onset, apex = paths = frames[clip.onset], frames[clip.apex]
    try:
        pictures = decode_pair(onset.read_bytes(), apex.read_bytes(), MediaLimits())
    except MediaError as error:
        raise MapsError(f"{onset} or {apex}: {error.detail}") from error
    for path, picture in zip(paths, pictures, strict=True):
        if picture.damaged:
            raise MapsError(f"{path}: the picture is damaged")
    return pictures[0].pixels, pictures[1].pixels


def _list_frames(clip: Clip, root: Path) -> dict[int, Path]:
    """Return a clip's frames by their number, the last one in their names."""
    folders = [clip.subject]
    if clip.subject.isdecimal():
        folders += [f"sub{int(clip.subject):02}", f"s{int(clip.subject)}"]
    for folder in (root / name / clip.name for name in folders):
        if folder.is_dir():
            pictures = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES]
            numbers = [(re.findall(r"\d+", path.stem), path) for path in pictures]
            return {int(found[-1]): path for found, path in numbers if found}
    raise MapsError(f"{root / folders[-1] / clip.name} does not exist")
