"""Rows that have been checked: every one before any flow is computed, and all faults at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from off_tanet_export.datasets.frames import FrameFolders, Frames, endings
from off_tanet_export.datasets.layouts.layout import Layout
from off_tanet_export.datasets.people import database_name, person_name
from off_tanet_export.datasets.records import Record
from off_tanet_export.datasets.schemes import Scheme, emotions

ApexRule = Literal["marked", "middle", "spotted"]
"""Where the apex of a clip is taken that the sheet marks none of: nowhere; or as the words say."""

_NO_FRAME = frozenset({"", "/", "-", "0", "-1", "n/a", "na", "nan", "none", "null"})
_NUMBER = re.compile(r"(\d+)(?:\.0+)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row.

    Attributes:
        place: Where the row stands.
        clip: The subject and the name of the clip.
        kind: The fault in a few words, by which faults are counted.
        reason: The fault as a sentence.
    """

    place: str
    clip: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.place, self.clip, self.reason)))


class RowFaultError(Exception):
    """A row cannot be used. Raised and caught within this package's readers.

    Args:
        kind: The fault in a few words.
        reason: The fault as a sentence.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A clip that has a class, and all frames that its row names.

    Attributes:
        place: Where the row stands.
        database: The database's name.
        subject: The subject as the row spells it.
        person: The subject's name, one for all spellings.
        clip: The clip's name.
        emotion: The emotions of the row.
        label: The class's index.
        onset: The number of the onset frame.
        apex: The number of the apex frame; None if it is to be spotted.
        offset: The number of the offset frame; None if the row has none.
        frames: The frames of the folder.
        marked: Whether the row marks the apex.
    """

    place: str
    database: str
    subject: str
    person: str
    clip: str
    emotion: str
    label: int
    onset: int
    apex: int | None
    offset: int | None
    frames: Frames
    marked: bool = True

    @property
    def name(self) -> str:
        """The subject and the name of the clip."""
        return f"{self.subject}/{self.clip}"

    def fault(self, error: RowFaultError) -> Fault:
        """Return the fault of this row that an error tells."""
        return Fault(self.place, self.name, error.kind, error.reason)


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a database.

    Attributes:
        total: The number of rows.
        usable: Those that have a class and no fault.
        faults: What is wrong with others.
        left_out: The number of rows that have no class, or no apex, by the reason.
        notes: What is odd, but does not hinder.
    """

    total: int
    usable: tuple[Row, ...] = ()
    faults: tuple[Fault, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rows are used, and how.

    Attributes:
        scheme: The classes.
        database: The database's name, where the row has none.
        kinds: The kinds of expressions: `micro`, `macro`.
        apex: What to do with clips whose apex is not marked.
    """

    scheme: Scheme
    database: str
    kinds: Collection[str] = ("micro",)
    apex: ApexRule = "marked"


class _LeftOutError(Exception):
    """A row is not wrong, but has no class, or no apex."""


def check_rows(
    layout: Layout, records: Iterable[Record], folders: FrameFolders, rules: Rules
) -> Rows:
    """Check all rows.

    Args:
        layout: The database.
        records: Its rows.
        folders: Its folders of frames.
        rules: Which rows are used.
    """
    records = list(records)
    usable: dict[tuple[str, str, str], Row] = {}
    faults: list[Fault] = []
    left_out: Counter[str] = Counter()
    for record in records:
        try:
            row = _check(layout, record, folders, rules)
            key = (row.database, row.person, row.clip.casefold())
            if key in usable:
                raise RowFaultError("twice", f"the same clip as on {usable[key].place}")
            usable[key] = row
        except _LeftOutError as reason:
            left_out[str(reason)] += 1
        except RowFaultError as error:
            faults.append(Fault(record.place, _clip_name(record), error.kind, error.reason))
    rows = tuple(usable.values())
    return Rows(len(records), rows, tuple(faults), left_out, tuple(_notes(rows)))


def _clip_name(record: Record) -> str:
    names = [record.cells.get(name, "") for name in ("subject", "clip")]
    return "/".join(names) if all(names) and not record.problem else ""


def _notes(rows: Sequence[Row]) -> Iterable[str]:
    for row in rows:
        if row.offset is None:
            continue
        for name, number in (("onset", row.onset), ("apex", row.apex)):
            if number is not None and number > row.offset:
                reason = f"the {name}, {number}, is after the offset, {row.offset}"
                yield str(Fault(row.place, row.name, "", reason))


def _check(layout: Layout, record: Record, folders: FrameFolders, rules: Rules) -> Row:
    cells = record.cells
    if record.problem:
        raise RowFaultError("wrong cells", record.problem)
    database = database_name(cells.get("database", "")) or rules.database
    label, emotion = _check_label(database, cells, rules)
    for name in ("subject", "clip"):
        if not cells.get(name):
            raise RowFaultError(f"no {name}", f"there is no {name}")
    onset, apex, offset = (None, None, None)
    if layout.list_clips is None:
        onset, apex, offset = _check_numbers(cells, rules.apex)
    frames = _find_frames(layout, cells, folders)
    if onset is None:
        onset, offset = min(frames), max(frames)
    marked = apex is not None
    if apex is None:
        apex = _unmarked_apex(onset, offset, frames, rules.apex)
    for number in (onset, apex):
        if number is not None and number not in frames:
            raise RowFaultError("no frame", f"there is no frame {number}")
    return Row(
        record.place, database, cells["subject"], person_name(cells["subject"]), cells["clip"],
        emotion, label, onset, apex, offset, frames, marked,
    )  # fmt: skip


def _check_label(database: str, cells: Mapping[str, str], rules: Rules) -> tuple[int, str]:
    """Return the class's index and the emotions of a row."""
    kind = cells.get("kind", "").casefold()
    if kind:
        known = next((word for word in ("micro", "macro") if kind.startswith(word)), None)
        if known is None:
            raise RowFaultError("unknown type", f"the type {cells['kind']!r} is not known")
        if known not in rules.kinds:
            raise _LeftOutError(f"{known}-expressions")
    found = emotions(cells.get("emotion", ""))
    if not found:
        raise RowFaultError("no emotion", "there is no emotion")
    for emotion in found:
        if not rules.scheme.knows(emotion):
            raise RowFaultError("unknown emotion", f"the emotion {emotion!r} is not known")
    labels = {rules.scheme.label(database, emotion) for emotion in found}
    label = labels.pop()
    if labels:
        raise _LeftOutError("of several classes")
    if label is None:
        excluded = any(rules.scheme.excludes(database, emotion) for emotion in found)
        names = sorted(rules.scheme.left_out[database]) if excluded else found
        raise _LeftOutError(" or ".join(names))
    return label, "/".join(found)


def _check_numbers(cells: Mapping[str, str], rule: ApexRule) -> tuple[int, int | None, int | None]:
    """Return onset, apex and offset."""
    onset = _number("onset", cells)
    apex = _number("apex", cells)
    if apex is None and cells.get("apex2"):
        apex = _number("apex2", cells)
    offset = _number("offset", cells)
    if onset is None:
        # A first frame may have the number 0; elsewhere it means that there is none.
        if cells.get("onset") not in ("0", "0.0"):
            raise RowFaultError("no onset", "onset and apex must be frame numbers")
        onset = 0
    if apex is not None and apex <= onset:
        if rule == "marked":
            where = "is the onset" if apex == onset else "is before the onset"
            kind = "onset = apex" if apex == onset else "apex before onset"
            raise RowFaultError(kind, f"the apex, {apex}, {where}, {onset}")
        apex = None
    if apex is None and rule == "marked":
        raise _LeftOutError("without an apex")
    return onset, apex, offset


def _number(name: str, cells: Mapping[str, str]) -> int | None:
    """Return the number of a frame; None if the cell is one of the databases' marks for none."""
    text = cells.get(name, "").casefold()
    if text in _NO_FRAME:
        return None
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise RowFaultError(
            f"no number as {name}", f"onset and apex must be frame numbers, but {name} is {text!r}"
        )
    return int(number[1])


def _find_frames(layout: Layout, cells: Mapping[str, str], folders: FrameFolders) -> Frames:
    found = folders.find(layout.folders, cells)
    if len(found) > 1:
        names = " and ".join(folder.as_posix() for folder in found[:2])
        raise RowFaultError("two folders", f"there are two folders for it: {names}")
    if not found:
        # The frames may be in the folder of another subject, if two rows were swapped.
        elsewhere = folders.find(("{clip}",), cells)
        hint = f", but {elsewhere[0].as_posix()} does" if elsewhere else ""
        folder = next(iter(endings(layout.folders, cells)), cells["clip"])
        raise RowFaultError("no folder", f"the folder {folder} does not exist{hint}")
    frames = folders.frames(found[0])
    if not frames:
        raise RowFaultError("no frame", "no picture of the folder has a number")
    return frames


def _unmarked_apex(onset: int, offset: int | None, frames: Frames, rule: ApexRule) -> int | None:
    """Return the apex of a clip whose row marks none; None if it is to be spotted."""
    if rule == "marked":
        raise _LeftOutError("without an apex")
    last = max(frames) if offset is None else offset
    within = sorted(number for number in frames if onset < number <= last)
    if not within or onset not in frames:
        raise RowFaultError("no frame", f"there are no frames from {onset} to {last}")
    if rule == "spotted":
        return None
    return min(within, key=lambda number: abs(2 * number - onset - last))
