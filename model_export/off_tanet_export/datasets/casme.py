"""Frames in folders, as CASME, CASME II and CAS(ME)^2 come: seen as the service sees a request.

    casme2.csv                subject, clip, onset, apex, class: one line for each clip
    sub05/EP02_07/img73.jpg   its frames: a folder for the subject, one for the clip, numbered

The databases differ in their folders (`sub05`, `s15`, or the bare number), in the names of their
columns and in those of their frames (`img73`, `reg_img73`, `EP01_5-73`); all these are understood.
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
from off_tanet.errors import MediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face import detector as face
from off_tanet.recognition.flow.light import matched
from off_tanet.recognition.media.images import decode_image
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
"""What a column means, and what the databases' own tables call it, in letters alone."""

EMOTIONS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("anger", "contempt", "disgust", "fear", "repression", "sadness", "negative"), "negative"
    )
    | dict.fromkeys(("happiness", "positive"), "positive")
    | {"surprise": "surprise"}
)
"""The classes of MEGC2019. Others ("others", "tense") belong to none, and are left out."""

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png"})


@dataclass(frozen=True, slots=True)
class Clip:
    """One line of the CSV. `onset` and `apex` are the numbers in the frames' names."""

    subject: str
    name: str
    onset: int
    apex: int
    label: int


def load_frames(annotations: Path, *, cropped: bool = False) -> FlowMaps:
    """The flow maps of a CSV's clips, whose folders lie beside it; the data set has its name.

    The face is found on the onset frame, unless the frames are `cropped` tightly already. Clips
    without a class or an apex are no part of the data; one whose frames are missing, or show no
    face, is an error: a score over the clips that happened to work would be another score.

    Raises `MapsError`.
    """
    clips = list(read(annotations))
    if not clips:
        raise MapsError(f"{annotations} names no clip of the classes {', '.join(CLASSES)}")
    detector = face.FaceDetector(ASSETS)
    flows = [
        see(clip, annotations.parent, None if cropped else detector)
        for clip in tqdm(clips, desc=annotations.stem, unit="clip")
    ]
    preprocessing = FlowClassifier(
        OffTanet(), PreprocessingConfig(map_size=MAP_SIZE, scaling="range")
    )
    return FlowMaps(
        preprocessing.maps(torch.from_numpy(np.stack(flows))).numpy(),
        np.array([clip.label for clip in clips]),
        np.full(len(clips), annotations.stem),
        np.array([clip.subject for clip in clips]),
    )


def read(annotations: Path) -> Iterator[Clip]:
    """The CSV's clips that have a class and an apex. Raises `MapsError`."""
    try:
        with annotations.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except FileNotFoundError as error:
        raise MapsError(f"{annotations} is not there") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MapsError(f"{annotations} is no CSV in UTF-8") from error
    places = columns(header, annotations)
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise MapsError(f"{annotations}, line {line}: not as many cells as columns")
        told = {meaning: row[place].strip() for meaning, place in places.items()}
        emotion = EMOTIONS.get(told["class"].lower())
        if emotion is None or told["apex"] in ("", "/", "0"):  # how the databases write "none"
            continue
        if not (told["onset"].isdecimal() and told["apex"].isdecimal()):
            raise MapsError(f"{annotations}, line {line}: onset and apex are no frame numbers")
        onset, apex = int(told["onset"]), int(told["apex"])
        yield Clip(told["subject"], told["clip"], onset, apex, CLASSES.index(emotion))


def columns(header: list[str], annotations: Path) -> dict[str, int]:
    """Which column holds what. Raises `MapsError` where one lacks."""
    names = [re.sub("[^a-z]", "", name.lower()) for name in header]
    places = {
        meaning: next((names.index(name) for name in known if name in names), None)
        for meaning, known in COLUMNS.items()
    }
    if lacking := [meaning for meaning, place in places.items() if place is None]:
        raise MapsError(f"{annotations} has no column {lacking[0]}")
    return {meaning: place for meaning, place in places.items() if place is not None}


def see(clip: Clip, root: Path, detector: face.FaceDetector | None) -> Flow:
    """The flow [2, 112, 112] from onset to apex. Raises `MapsError`."""
    frames = numbered(clip, root)
    onset, apex = (picture(clip, frames, number) for number in (clip.onset, clip.apex))
    if detector is None:
        return matched(face.whole(onset), face.whole(apex)).flow()
    found = detector.detect(onset)
    if not found:
        raise MapsError(f"{clip.subject}/{clip.name}: no face on the onset frame, {clip.onset}")
    where = face.align(found[0])
    return matched(face.crop(onset, where), face.crop(apex, where)).flow()


def numbered(clip: Clip, root: Path) -> dict[int, Path]:
    """A clip's frames by their number, the last one in their names. Raises `MapsError`."""
    folders = [clip.subject]
    if clip.subject.isdecimal():
        folders += [f"sub{int(clip.subject):02}", f"s{int(clip.subject)}"]
    for folder in (root / name / clip.name for name in folders):
        if folder.is_dir():
            pictures = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES]
            numbers = [(re.findall(r"\d+", path.stem), path) for path in pictures]
            return {int(found[-1]): path for found, path in numbers if found}
    raise MapsError(f"{root / folders[-1] / clip.name} is not there")


def picture(clip: Clip, frames: dict[int, Path], number: int) -> Pixels:
    """One frame, decoded as the service does. Raises `MapsError`."""
    if number not in frames:
        raise MapsError(f"{clip.subject}/{clip.name} has no frame {number}")
    try:
        return decode_image(frames[number].read_bytes(), MediaLimits())
    except MediaError as error:
        raise MapsError(f"{frames[number]}: {error.detail}") from error
