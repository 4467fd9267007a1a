"""Sheets of events in videos: annotated or spotted expressions, with their first and last frame."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from off_tanet_export.datasets.layouts import LAYOUTS
from off_tanet_export.datasets.layouts.layout import Cells, Layout
from off_tanet_export.datasets.people import person_name
from off_tanet_export.datasets.records import Record, read_records
from off_tanet_export.datasets.schemes import Scheme, emotions
from off_tanet_export.errors import MapsError, RowsError

KINDS = ("micro", "macro")

VideoName = tuple[str, str]
"""The person (empty if it is not known) and the name of a video, in lower case."""

_LAYOUT = Layout(
    "events",
    "events",
    folders=(),
    rate=0,
    names={
        "clip": ("video", "videoname", "videocode"),
        "kind": ("type", "kind", "expressiontype", "microormacro"),
    },
    required=("clip", "onset", "offset"),
)
_COLUMNS = ("subject", "video", "onset", "offset", "type", "emotion")


@dataclass(frozen=True, slots=True)
class Event:
    """An expression in a video.

    Attributes:
        video: Its video.
        onset: The number of its first frame.
        offset: The number of its last frame.
        kind: `micro` or `macro`; empty if it is not known.
        emotion: Its emotion or class; empty if it is not known.
    """

    video: VideoName
    onset: int
    offset: int
    kind: str = ""
    emotion: str = ""


def video_name(subject: str, video: str) -> VideoName:
    """Return the name of a video, one for all spellings: `01` and `s1` are one person."""
    return person_name(subject) if subject else "", " ".join(video.casefold().split())


def read_events(
    path: Path, database: str | None = None, *, skip_unusable: bool = False
) -> list[Event]:
    """Read events in the order of their lines.

    Args:
        path: A spreadsheet with the columns `video`, `onset`, `offset`, and `subject`, `type`
            (micro or macro) and `emotion`, if there are any.
        database: Whose sheet it is, as delivered; None for a sheet of events.
        skip_unusable: Whether to go on without rows that cannot be used, which are told on
            standard error.

    Raises:
        MapsError: The file is missing, damaged, or has no such columns.
        RowsError: Rows cannot be used; all are listed.
    """
    found, faults = [], []
    records = read_records(LAYOUTS[database] if database else _LAYOUT, path)
    for record in records:
        try:
            found.append(_event(record))
        except ValueError as error:
            faults.append(f"{path.name}, {record.place}: {error}")
    if faults and not skip_unusable:
        raise RowsError(faults, len(records))
    for fault in faults:
        print(f"left out: {fault}", file=sys.stderr)
    kinds = [bool(event.kind) for event in found]
    if any(kinds) and not all(kinds):
        raise MapsError(f"{path}: some events have a type and others have none")
    return found


def _event(record: Record) -> Event:
    """Return the event of a row.

    Raises:
        ValueError: The row cannot be used.
    """
    cells = record.cells
    if record.problem:
        raise ValueError(record.problem)
    video = cells.get("video") or cells["clip"]
    if not video:
        raise ValueError("there is no video")
    onset, offset = (_frame(name, cells) for name in ("onset", "offset"))
    if offset < onset:
        raise ValueError(f"the offset, {offset}, is before the onset, {onset}")
    kind = cells["kind"].casefold()
    known = next((name for name in KINDS if kind.startswith(name)), "")
    if kind and not known:
        raise ValueError(f"the type {cells['kind']!r} is not micro or macro")
    emotion = "/".join(emotions(cells["emotion"]))
    return Event(video_name(cells["subject"], video), onset, offset, known, emotion)


def _frame(name: str, cells: Cells) -> int:
    text = cells[name]
    try:
        number = float(text)
        if number != int(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise ValueError(f"{name} must be a frame number, not {text!r}") from None
    return int(number)


def write_events(events: Iterable[Event], path: Path) -> None:
    """Write a CSV file that `read_events` reads; it is there as a whole, or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            for event in events:
                writer.writerow(
                    (*event.video, event.onset, event.offset, event.kind, event.emotion)
                )
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def with_classes(events: Sequence[Event], scheme: Scheme) -> list[Event]:
    """Return events whose emotion is a scheme's class; empty where the emotion has no class."""
    return [
        Event(event.video, event.onset, event.offset, event.kind, _class(event.emotion, scheme))
        for event in events
    ]


def _class(emotion: str, scheme: Scheme) -> str:
    if emotion in scheme.classes:
        return emotion
    labels = {scheme.label("", name) for name in emotions(emotion)}
    label = labels.pop() if len(labels) == 1 else None
    return "" if label is None else scheme.classes[label]


def by_video(
    events: Sequence[Event], videos: Iterable[VideoName]
) -> Mapping[VideoName, Sequence[Event]]:
    """Group events by their videos, some of which may have none."""
    groups: dict[VideoName, list[Event]] = {video: [] for video in videos}
    for event in events:
        groups.setdefault(event.video, []).append(event)
    return groups
