"""Rows of a database's sheet, with their cells by the names of columns, before any is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from off_tanet_export.datasets.frames import FrameFolders
from off_tanet_export.datasets.layouts.layout import COLUMNS, Cells, Layout, reduced_name
from off_tanet_export.datasets.sheets import Sheet, is_sheet, read_sheets
from off_tanet_export.errors import MapsError

Fixes = Mapping[int, Mapping[str, str]]
"""Cells that replace those of a sheet, by line and column."""

_NO_FIXES: Fixes = MappingProxyType({})
_HEADER_LINES = 40  # within which a header is searched


@dataclass(frozen=True, slots=True)
class Record:
    """A row as it is delivered.

    Attributes:
        place: Where it stands: `line 5`, or a folder.
        cells: Its cells by the names of columns.
        problem: Why the cells are not known; empty if they are.
    """

    place: str
    cells: Cells
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Table:
    """A sheet, the index of each column, and the line after which its rows begin."""

    sheet: Sheet
    places: Mapping[str, int]
    header: int


def find_sheet(layout: Layout, root: Path) -> Path:
    """Return the spreadsheet in a folder or in the folders directly below it.

    Args:
        layout: The database, by whose columns one of several spreadsheets is told.
        root: The folder.

    Raises:
        MapsError: There is none, or there are several.
    """
    found = sorted(
        path
        for pattern in ("*", "*/*")
        for path in root.glob(pattern)
        if is_sheet(path) and path.is_file()
    )
    if len(found) > 1:
        found = [path for path in found if _has_columns(layout, path)] or found
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.relative_to(root).as_posix() for path in found[:8])
    detail = f"several spreadsheets ({names})" if found else "no spreadsheet"
    raise MapsError(f"{root} has {detail}: name it with --sheet")


def _has_columns(layout: Layout, path: Path) -> bool:
    try:
        _find_table(layout, read_sheets(path), path)
    except MapsError:
        return False
    return True


def read_records(layout: Layout, path: Path, fixes: Fixes = _NO_FIXES) -> list[Record]:
    """Read the rows of a sheet; lines without any cell are skipped.

    Args:
        layout: The database.
        path: The spreadsheet.
        fixes: Cells that replace those of the sheet.

    Raises:
        MapsError: The file cannot be read, a column is missing, or a fix is of no row.
    """
    sheets = read_sheets(path)
    table = _find_table(layout, sheets, path)
    records = list(_records(layout, table, sheets, fixes))
    lost = set(map(_line_place, fixes)) - {record.place for record in records}
    if lost:
        raise MapsError(f"{path} has no row on {min(lost)}, which is to be mended")
    return records


def _line_place(number: int) -> str:
    return f"line {number}"


def list_records(layout: Layout, folders: FrameFolders) -> list[Record]:
    """List the clips of a database that has no sheet; none of one that has."""
    listed = layout.list_clips(folders.folders) if layout.list_clips else []
    return [Record(place, cells) for place, cells in listed]


def _find_table(layout: Layout, sheets: Sequence[Sheet], path: Path) -> _Table:
    """Find the sheet and line with the names of all required columns."""
    if layout.places:
        width = max(map(len, sheets[0].lines), default=0)
        if width <= max(layout.places.values()):
            raise MapsError(f"{path} has {width} columns, which is too few for {layout.title}")
        return _Table(sheets[0], layout.places, 0)
    known: dict[str, int] = {}
    for sheet in sheets:
        for number, line in enumerate(sheet.lines[:_HEADER_LINES], 1):
            places = _columns(line, layout.columns)
            if all(name in places for name in layout.required):
                return _Table(sheet, places, number)
            known = max(known, places, key=len)
    missing = next(name for name in layout.required if name not in known)
    raise MapsError(f"{path} has no column {missing}")


def _columns(line: Sequence[str], columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    names = [reduced_name(cell) for cell in line]
    found = {
        column: next((names.index(name) for name in known if name in names), None)
        for column, known in columns.items()
    }
    return {column: place for column, place in found.items() if place is not None}


def _records(
    layout: Layout, table: _Table, sheets: Sequence[Sheet], fixes: Fixes
) -> Iterator[Record]:
    needed = max(table.places[name] for name in layout.required if name in table.places)
    width = len(_stripped(table.sheet.lines[table.header - 1])) if table.header else 0
    for number, line in enumerate(table.sheet.lines[table.header :], table.header + 1):
        if not any(line):
            continue
        place, cells = _line_place(number), dict.fromkeys(COLUMNS, "")
        cells |= {name: line[at] for name, at in table.places.items() if at < len(line)}
        cells |= fixes.get(number, {})
        if len(line) <= needed or (width and len(_stripped(line)) > width):
            yield Record(place, cells, f"{len(line)} cells instead of {width or needed + 1}")
        else:
            yield Record(place, layout.add(cells, sheets) if layout.add else cells)


def _stripped(line: Sequence[str]) -> tuple[str, ...]:
    """Return a line without the empty cells at its end."""
    filled = [place for place, cell in enumerate(line, 1) if cell]
    return tuple(line[: max(filled, default=0)])
