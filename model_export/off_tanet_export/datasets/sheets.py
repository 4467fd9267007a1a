"""Spreadsheets as databases deliver them: workbooks, or delimited text of any usual kind."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from off_tanet_export.errors import MapsError

WORKBOOKS = frozenset({".ods", ".xls", ".xlsm", ".xlsx"})
"""The suffixes of workbooks."""

TABLES = frozenset({".csv", ".tsv", ".txt"})
"""The suffixes of delimited text."""

_SEPARATORS = (",", ";", "\t")
_SAMPLE = 50  # rows from which the separator is told
_DECLARED = re.compile(r"sep=(.)", re.IGNORECASE)  # as Excel writes it into the first line


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a file.

    Attributes:
        name: The sheet's name; empty for delimited text.
        lines: The cells of each line as text, from line 1 on; numbers without needless decimals.
    """

    name: str
    lines: tuple[tuple[str, ...], ...]


def is_sheet(path: Path) -> bool:
    """Return whether a file's name is that of a spreadsheet that can be read."""
    return path.suffix.lower() in WORKBOOKS | TABLES and not path.name.startswith(("~$", "."))


def read_sheets(path: Path) -> tuple[Sheet, ...]:
    """Read all sheets of a file.

    Args:
        path: A workbook, or text in UTF-8, in UTF-16 with a byte order mark, or in GBK, whose cells
            are separated by commas, semicolons or tabs.

    Raises:
        MapsError: The file is missing, damaged, or no spreadsheet.
    """
    try:
        if path.suffix.lower() in WORKBOOKS:
            return _read_workbook(path)
        return (_read_text(path.read_bytes()),)
    except FileNotFoundError as error:
        raise MapsError(f"{path} does not exist") from error
    except PasswordError as error:
        raise MapsError(f"{path} is protected by a password: save it without") from error
    except CalamineError as error:
        raise MapsError(f"{path} is not a workbook or is damaged: {error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MapsError(f"{path} is not a CSV file in UTF-8, UTF-16 or GBK") from error
    except BaseException as error:
        # The library panics on some damaged .xls, which is no Exception in Python.
        if type(error).__name__ != "PanicException":
            raise
        raise MapsError(f"{path} is not a workbook or is damaged") from error


def _read_workbook(path: Path) -> tuple[Sheet, ...]:
    with path.open("rb") as file, CalamineWorkbook.from_filelike(file) as book:
        return tuple(
            Sheet(
                name,
                tuple(
                    tuple(map(_text, row))
                    for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                ),
            )
            for name in book.sheet_names
        )


def _text(value: object) -> str:
    """Return a cell's text; a number that is whole has no decimals, as spreadsheets show it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())


def _read_text(data: bytes) -> Sheet:
    text = _decode(data)
    start = text.splitlines()
    declared = _DECLARED.fullmatch(start[0].strip()) if start else None
    separator = declared[1] if declared else _separator(start)
    rows = csv.reader(text.splitlines(keepends=True), delimiter=separator)
    return Sheet("", tuple(tuple(map(_text, row)) for row in rows))


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _without_null(data.decode("utf-16"))
    try:
        return _without_null(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _without_null(data.decode("gb18030"))  # of which GBK is a part


def _without_null(text: str) -> str:
    if "\0" in text:
        raise csv.Error("no text")
    return text


def _separator(lines: list[str]) -> str:
    """Return the separator that makes the most cells; commas also stand within cells."""

    def cells(separator: str) -> int:
        return sum(map(len, islice(csv.reader(lines, delimiter=separator), _SAMPLE)))

    return max(_SEPARATORS, key=cells)
