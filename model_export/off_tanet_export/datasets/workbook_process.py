"""Reads a workbook in a process of its own: `python workbook_process.py PATH` prints JSON.

The library panics on some damaged files, with lines of its own on standard error, and asks for
memory for the whole rectangle of a sheet, which a single cell far away makes larger than any
machine's; then it ends its process. This file imports nothing of the package, to start fast.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

_MEMORY = 4 << 30  # bytes; 200,000 lines of ten columns need 0.25 GB


def main(path: str) -> None:
    """Print the sheets, pairs of name and lines, or why there are none.

    Args:
        path: The workbook.
    """
    _limit_memory()
    try:
        with open(path, "rb") as file, CalamineWorkbook.from_filelike(file) as book:
            sheets = [(name, _lines(book.get_sheet_by_name(name))) for name in book.sheet_names]
    except PasswordError:
        json.dump({"reason": "is protected by a password: save it without"}, sys.stdout)
    except CalamineError as error:
        json.dump({"reason": f"is not a workbook or is damaged: {error}"}, sys.stdout)
    else:
        json.dump({"sheets": sheets}, sys.stdout, default=str)


def _limit_memory() -> None:
    with suppress(ImportError, OSError, ValueError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _lines(sheet: CalamineSheet) -> list[list[Any]]:
    """Return the cells of each line without the empty ones at its end, and no empty last line.

    Merged cells have one value, and only in the first of them: it counts for each line.
    """
    lines = [_trimmed(line) for line in sheet.to_python(skip_empty_area=False)]
    while lines and not lines[-1]:
        lines.pop()
    for (top, column), (bottom, _) in sheet.merged_cell_ranges or ():
        value = lines[top][column] if top < len(lines) and column < len(lines[top]) else ""
        for line in lines[top + 1 : bottom + 1] if value != "" else ():
            line += [""] * (column + 1 - len(line))
            line[column] = value
    return lines


def _trimmed(line: list[Any]) -> list[Any]:
    end = len(line)
    while end and (line[end - 1] == "" or str(line[end - 1]).isspace()):
        end -= 1
    return line[:end]


if __name__ == "__main__":
    main(sys.argv[1])
