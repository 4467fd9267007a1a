"""Checks of rows: every one before any flow is computed, and all faults at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from off_tanet_export.datasets.folder_patterns import patterns
from off_tanet_export.datasets.frames import FrameFolders, Frames
from off_tanet_export.datasets.layouts.layout import Layout
from off_tanet_export.datasets.people import database_name, person_name
from off_tanet_export.datasets.records import Record
from off_tanet_export.datasets.rows import NO_APEX, ApexRule, Fault, Row, RowFaultError, Rows, Rules
from off_tanet_export.datasets.schemes import emotions

_NO_FRAME = frozenset({"", "/", "-", "0", "-1", "n/a", "na", "nan", "none", "null"})


class _LeftOutError(Exception):
    """A row is not wrong, but has no class, or no apex.

    Args:
        kind: Why, in a few words.
        note: The same as a sentence, where it should be told of each row.
    """

    def __init__(self, kind: str, note: str = "") -> None:
        super().__init__(kind)
        self.kind, self.note = kind, note


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
    rows: list[Row] = []
    places: dict[Hashable, str] = {}
    faults: list[Fault] = []
    left_out: Counter[str] = Counter()
    notes: list[str] = []
    for record in records:
        try:
            row = _check(layout, record, folders, rules)
            if seen[_video(record)] > 1:
                row = replace(row, clip=f"{row.clip}_{row.onset}")
            for key in _keys(row):
                if key in places:
                    raise RowFaultError("twice", f"the same clip as on {places[key]}")
            places |= dict.fromkeys(_keys(row), row.place)
            rows.append(row)
        except _LeftOutError as reason:
            left_out[reason.kind] += 1
            if reason.note:
                notes.append(str(Fault(record.place, _clip_name(record), "", reason.note)))
        except RowFaultError as error:
            faults.append(Fault(record.place, _clip_name(record), error.kind, error.reason))
    return Rows(len(records), tuple(rows), tuple(faults), left_out, (*notes, *_notes(rows)))


def _keys(row: Row) -> tuple[Hashable, ...]:
    """What no two clips have in common: the name, and what they are measured on."""
    named = (row.database, row.person, row.clip.casefold())
    return named, (row.frames[row.onset], (row.offset,) if row.apex is None else row.apex)


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
        onset, apex, offset = _check_numbers(database, cells, rules)
    pictures = folders.pictures(_find_folder(layout, cells, folders))
    if not pictures:
        raise RowFaultError("no frame", "no picture of the folder has a number")
    frames = {number: paths[0] for number, paths in pictures.items()}
    if onset is None:
        onset, offset = min(frames), max(frames)
    marked = apex is not None
    if apex is None:
        apex = _unmarked_apex(onset, offset, frames, rules.apex)
    needed = (onset, apex) if apex is not None else _between(onset, offset, frames)
    for number in needed:
        _check_frame(number, pictures)
    frames = {number: frames[number] for number in needed}
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


def _check_numbers(
    database: str, cells: Mapping[str, str], rules: Rules
) -> tuple[int, int | None, int | None]:
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
        fault = _wrong_apex(apex, onset)
        if apex == onset and database in rules.scheme.with_apex:
            raise _LeftOutError(fault.kind, f"{fault.reason}: {rules.scheme.title} left it out")
        if rules.apex == "marked" or database in rules.scheme.with_apex:
            raise fault
        apex = None
    if apex is None and (rules.apex == "marked" or database in rules.scheme.with_apex):
        raise _LeftOutError(NO_APEX)
    return onset, apex, offset


def _wrong_apex(apex: int, onset: int) -> RowFaultError:
    if apex == onset:
        return RowFaultError("onset = apex", f"the apex, {apex}, is the onset, {onset}")
    return RowFaultError("apex before onset", f"the apex, {apex}, is before the onset, {onset}")


def _number(name: str, cells: Mapping[str, str]) -> int | None:
    """Return the number of a frame; None if the cell is one of the databases' marks for none."""
    text = _without_decimals(cells.get(name, ""))
    if text in _NO_FRAME:
        return None
    if re.fullmatch(r"\d{1,9}", text) is None:
        raise RowFaultError(f"no number as {name}", f"{name} must be a frame number, not {text!r}")
    return int(text)


def _without_decimals(text: str) -> str:
    """Return the text of a number as 59: `59.0`, and `59,0` where commas are decimal."""
    return re.sub(r"(?<=\d)(\.0+|,0)$", "", text.casefold())


def _find_folder(layout: Layout, cells: Mapping[str, str], folders: FrameFolders) -> Path:
    """Return the folder of a clip's frames, relative to the root."""
    found = folders.find(layout.folders, cells)
    if len(found) > 1:
        names = " and ".join(folder.as_posix() for folder in found[:2])
        raise RowFaultError("two folders", f"there are two folders for it: {names}")
    if not found:
        # The frames may be in the folder of another subject, if two rows were swapped.
        elsewhere = folders.find(("{clip}",), {"clip": cells["clip"].rpartition("/")[2]})
        hint = f", but {elsewhere[0].as_posix()} does" if elsewhere else ""
        wanted = next(map(str, patterns(layout.folders, cells)), cells["clip"])
        raise RowFaultError("no folder", f"the folder {wanted} does not exist{hint}")
    if not folders.folders[found[0]]:
        name = found[0].as_posix()
        raise RowFaultError("empty folder", f"the folder {name} has no pictures that can be read")
    return found[0]


def _check_frame(number: int, pictures: Mapping[int, Sequence[Path]]) -> None:
    """Raise an error unless there is one picture of a number."""
    if number not in pictures:
        there = " to ".join(map(str, sorted({min(pictures), max(pictures)})))
        raise RowFaultError("no frame", f"there is no frame {number}, only {there}")
    if len(pictures[number]) > 1:
        names = " and ".join(path.name for path in pictures[number][:2])
        raise RowFaultError("two pictures", f"there are two frames {number}: {names}")


def _unmarked_apex(onset: int, offset: int | None, frames: Frames, rule: ApexRule) -> int | None:
    """Return the apex of a clip whose row marks none; None if it is to be spotted."""
    if rule == "marked":
        raise _LeftOutError(NO_APEX)
    last = max(frames) if offset is None else offset
    numbers = _between(onset, offset, frames)
    if len(numbers) < 2 or onset not in frames:
        raise RowFaultError("no frame", f"there are no frames from {onset} to {last}")
    if rule == "spotted":
        return None
    return min(numbers[1:], key=lambda number: abs(2 * number - onset - last))


def _between(onset: int, offset: int | None, frames: Frames) -> list[int]:
    """The numbers of the frames from onset to offset, or to the last one."""
    last = max(frames) if offset is None else offset
    return sorted(number for number in frames if onset <= number <= last)
