"""Rows of a database's sheet, with their cells by the names of columns, before any is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from off_tanet_export.datasets.frames import FrameFolders
from off_tanet_export.datasets.layouts.layout import COLUMNS, Cells, Layout, reduced_name
from off_tanet_export.datasets.sheets import HEADER_LINES, Sheet, is_sheet, read_sheets
from off_tanet_export.errors import MapsError

Fixes = Mapping[int, Mapping[str, str]]
"""Cells that replace those of a sheet, by line and column."""

_NO_FIXES: Fixes = MappingProxyType({})
_NEAR = ("*", "*/*", "*/*/*")  # where a spreadsheet is searched, one after another
_ADVICE = "name it with --sheet"


@dataclass(frozen=True, slots=True)
class Record:
    """A row as it is delivered.

    Attributes:
        place: Where it stands: `line 5`, or a folder.
        cells: Its cells by the names of columns.
        problem: Why the cells are not known; empty if they are.
        line: Its line in a sheet; 0 if there is none.
    """

    place: str
    cells: Cells
    problem: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class _Table:
    """A sheet, the index of each column, and the line after which its rows begin."""

    sheet: Sheet
    places: Mapping[str, int]
    header: int


def find_sheet(layout: Layout, root: Path) -> Path:
    """Return the spreadsheet in a folder, or in the folders below it, of which the nearest counts.

    Args:
        layout: The database, by whose columns one of several spreadsheets is told.
        root: The folder.

    Raises:
        MapsError: There is none, or there are several.
    """
    seen: list[Path] = []
    for pattern in _NEAR:
        near = sorted(path for path in root.glob(pattern) if is_sheet(path) and path.is_file())
        found = [path for path in near if _has_columns(layout, path)]
        if len(found) == 1:
            return found[0]
        if found:
            raise MapsError(f"{root} has several spreadsheets ({_listed(found, root)}): {_ADVICE}")
        seen += near
    if len(seen) == 1:
        return seen[0]  # whose fault is then told
    others = f" with the columns of {layout.title}, only {_listed(seen, root)}" if seen else ""
    raise MapsError(f"{root} has no spreadsheet{others}: {_ADVICE}")


def _listed(paths: Sequence[Path], root: Path) -> str:
    return ", ".join(path.relative_to(root).as_posix() for path in paths[:8])


def _has_columns(layout: Layout, path: Path) -> bool:
    try:
        return bool(_tables(layout, read_sheets(path)))
    except MapsError:
        return False


def read_records(
    layout: Layout, path: Path, fixes: Fixes = _NO_FIXES, worksheet: str | None = None
) -> list[Record]:
    """Read the rows of a sheet; lines without any cell are skipped.

    Args:
        layout: The database.
        path: The spreadsheet.
        fixes: Cells that replace those of the sheet.
        worksheet: The name of the sheet in a workbook; by default the one that has the columns.

    Raises:
        MapsError: The file cannot be read, a column is missing, several sheets have the columns, or
            a fix is of no row.
    """
    sheets = _named_first(read_sheets(path), worksheet, path)
    table = _find_table(layout, sheets[:1] if worksheet else sheets, path)
    records = list(_records(layout, table, sheets, fixes))
    lost = fixes.keys() - {record.line for record in records}
    if lost:
        raise MapsError(f"{path} has no row on line {min(lost)}, which is to be mended")
    return records


def _named_first(sheets: Sequence[Sheet], name: str | None, path: Path) -> Sequence[Sheet]:
    """Return the sheets, the one of that name first."""
    if name and name not in [sheet.name for sheet in sheets]:
        names = ", ".join(sheet.name for sheet in sheets)
        raise MapsError(f"{path} has no sheet {name}; it has {names or 'one without a name'}")
    return sorted(sheets, key=lambda sheet: sheet.name != name) if name else sheets


def list_records(layout: Layout, folders: FrameFolders) -> list[Record]:
    """List the clips of a database that has no sheet; none of one that has.

    Args:
        layout: The database.
        folders: Its folders.

    Raises:
        MapsError: No folder is that of a clip.
    """
    listed = layout.list_clips(folders.folders) if layout.list_clips else []
    if not listed and layout.example:
        raise MapsError(f"{folders.root} has no folder such as {layout.example}")
    return [Record(place, cells) for place, cells in listed]


def _find_table(layout: Layout, sheets: Sequence[Sheet], path: Path) -> _Table:
    """Return the only sheet that has all required columns."""
    tables = _tables(layout, sheets)
    if len(tables) > 1:
        names = ", ".join(table.sheet.name for table in tables)
        raise MapsError(f"{path} has several sheets of clips ({names}): name one by --worksheet")
    if tables:
        return tables[0]
    if layout.places:
        width = max(map(len, sheets[0].lines), default=0)
        raise MapsError(f"{path} has {width} columns, which is too few for {layout.title}")
    lines = [line for sheet in sheets for line in sheet.lines[:HEADER_LINES]]
    header = max(lines, key=lambda line: len(_columns(line, layout.columns)), default=())
    found = _columns(header, layout.columns)
    missing = next(name for name in layout.required if name not in found)
    name = f"{missing} ({layout.given[missing]})" if missing in layout.given else missing
    first = ", ".join(filter(None, header if found else [*lines, ()][0]))
    others = f" among {first}: name it with --columns {missing}=TITLE" if first else ""
    raise MapsError(f"{path} has no column {name}{others}")


def _tables(layout: Layout, sheets: Sequence[Sheet]) -> list[_Table]:
    """Return the sheets that have all required columns, and where."""
    if layout.places:
        width = max(map(len, sheets[0].lines), default=0)
        return [_Table(sheets[0], layout.places, 0)] if width > max(layout.places.values()) else []
    tables = []
    for sheet in sheets:
        for number, line in enumerate(sheet.lines[:HEADER_LINES], 1):
            places = _columns(line, layout.columns)
            if all(name in places for name in layout.required):
                tables.append(_Table(sheet, places, number))
                break
    return tables


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
    # In a workbook, a cell beside the table is a remark; in text, it shifts the others.
    checked = table.header and not table.sheet.name
    width = len(_stripped(table.sheet.lines[table.header - 1])) if checked else 0
    for number, line in enumerate(table.sheet.lines[table.header :], table.header + 1):
        if not any(line):
            continue
        place, cells = f"line {number}", dict.fromkeys(COLUMNS, "")
        cells |= {name: line[at] for name, at in table.places.items() if at < len(line)}
        cells |= fixes.get(number, {})
        if len(line) <= needed or (width and len(_stripped(line)) > width):
            problem = f"{len(line)} cells instead of {width or needed + 1}"
            yield Record(place, cells, problem, number)
        else:
            added = layout.add(cells, sheets) if layout.add else cells
            yield Record(place, added, line=number)


def _stripped(line: Sequence[str]) -> tuple[str, ...]:
    """Return a line without the empty cells at its end."""
    filled = [place for place, cell in enumerate(line, 1) if cell]
    return tuple(line[: max(filled, default=0)])
