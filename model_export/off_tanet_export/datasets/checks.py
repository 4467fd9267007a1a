"""Checks of rows: every one before any flow is computed, and all faults at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from off_tanet_export.datasets.frames import FrameFolders, Frames, endings
from off_tanet_export.datasets.layouts.layout import Layout
from off_tanet_export.datasets.people import database_name, person_name
from off_tanet_export.datasets.records import Record
from off_tanet_export.datasets.rows import ApexRule, Fault, Row, RowFaultError, Rows, Rules
from off_tanet_export.datasets.schemes import emotions

_NO_FRAME = frozenset({"", "/", "-", "0", "-1", "n/a", "na", "nan", "none", "null"})


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
    seen = Counter(map(_video, records)) if layout.several_clips else Counter()
    usable: dict[tuple[str, str, str], Row] = {}
    faults: list[Fault] = []
    left_out: Counter[str] = Counter()
    for record in records:
        try:
            row = _check(layout, record, folders, rules)
            if seen[_video(record)] > 1:
                row = replace(row, clip=f"{row.clip}_{row.onset}")
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


def _video(record: Record) -> tuple[str, ...]:
    """What the clips of one video have in common."""
    cells = record.cells
    subject = person_name(cells.get("subject", ""))
    return cells.get("database", ""), subject, cells.get("clip", "").casefold()


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
        if _without_decimals(cells["onset"]) != "0":
            raise RowFaultError("no onset", "there is no onset")
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
    text = _without_decimals(cells.get(name, ""))
    if text in _NO_FRAME:
        return None
    if not text.isdecimal():
        raise RowFaultError(f"no number as {name}", f"{name} must be a frame number, not {text!r}")
    return int(text)


def _without_decimals(text: str) -> str:
    return re.sub(r"\.0+$", "", text.casefold())


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
