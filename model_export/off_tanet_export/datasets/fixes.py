"""Corrections of a database's sheet, in a file of their own: the sheet stays as delivered."""

from __future__ import annotations

from pathlib import Path

from off_tanet_export.datasets.layouts.layout import COLUMNS, reduced_name
from off_tanet_export.datasets.records import Fixes
from off_tanet_export.datasets.sheets import read_sheets
from off_tanet_export.errors import MapsError

_HEADER = ("line", "column", "value")
_COLUMNS = {
    reduced_name(name): column for column, known in COLUMNS.items() for name in (column, *known)
}


def load_fixes(path: Path) -> Fixes:
    """Read corrections.

    Args:
        path: A file with the columns `line` (of the sheet), `column` (subject, clip, onset, apex,
            offset, emotion or kind, or a usual title of one) and `value` (the right text of the
            cell), and any others.

    Raises:
        MapsError: The file is missing or of another form.
    """
    header, *rows = read_sheets(path)[0].lines or [()]
    names = [name.casefold() for name in header]
    missing = [name for name in _HEADER if name not in names]
    if missing:
        raise MapsError(f"{path} has no column {missing[0]}")
    fixes: dict[int, dict[str, str]] = {}
    for number, row in enumerate(rows, 2):
        if not any(row):
            continue
        cells = dict(zip(names, row, strict=False))
        line = cells.get("line", "").removesuffix(".0")
        column = _COLUMNS.get(reduced_name(cells.get("column", "")))
        if not line.isdecimal() or column is None or "value" not in cells:
            raise MapsError(
                f"{path}, line {number}: needs the number of a line, one of the columns "
                f"{', '.join(COLUMNS)}, and a value"
            )
        if column in fixes.setdefault(int(line), {}):
            raise MapsError(f"{path}, line {number}: mends {column} on line {line} once more")
        fixes[int(line)][column] = cells["value"]
    return fixes
