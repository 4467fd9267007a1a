"""Spreadsheets as databases deliver them: workbooks, or delimited text of any usual kind."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess  # nosec B404 # runs a part of this package
import sys
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from off_tanet_export.datasets import workbook_process
from off_tanet_export.errors import MapsError

WORKBOOKS = frozenset({".ods", ".xls", ".xlsm", ".xlsx"})
"""The suffixes of workbooks."""

TABLES = frozenset({".csv", ".tsv", ".txt"})
"""The suffixes of delimited text."""

HEADER_LINES = 40
"""Lines within which a header is searched."""

_SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # of workbooks: a ZIP archive, an OLE file
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
    """Read all sheets of a file. Its kind is told by its content: text is often named `.xls`.

    Args:
        path: A workbook, or text in UTF-8, UTF-16 or GBK, whose cells are separated by commas,
            semicolons or tabs.

    Raises:
        MapsError: The file is missing, damaged, or no spreadsheet.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MapsError(f"{path} does not exist") from error
    except OSError as error:
        raise MapsError(f"{path} cannot be read: {error.strerror}") from error
    if data.startswith(_SIGNATURES):
        return _read_workbook(path.absolute(), path.stat().st_mtime_ns)
    try:
        return (_read_text(data),)
    except (UnicodeDecodeError, csv.Error) as error:
        if path.suffix.lower() in WORKBOOKS:
            raise MapsError(f"{path} is not a workbook or is damaged") from error
        raise MapsError(f"{path} is not a CSV file in UTF-8, UTF-16 or GBK") from error


@lru_cache(maxsize=1)  # the search for a sheet and its reading follow one another
def _read_workbook(path: Path, _written: int) -> tuple[Sheet, ...]:
    program = [sys.executable, "-P", workbook_process.__file__, str(path)]
    done = subprocess.run(program, capture_output=True, check=False)  # nosec B603
    if done.returncode:
        raise MapsError(f"{path} is not a workbook or is damaged, or its sheets are too large")
    answer = json.loads(done.stdout)
    if "reason" in answer:
        raise MapsError(f"{path} {answer['reason']}")
    return tuple(_sheet(name, lines) for name, lines in answer["sheets"])


def _sheet(name: str, lines: list[list[object]]) -> Sheet:
    """Make a sheet of a workbook, whose lines have no empty cells at their end."""
    width = max(map(len, lines[:HEADER_LINES]), default=0)
    empty = ("",) * width
    padded = ((*map(_text, line), *empty[len(line) :]) if line else empty for line in lines)
    return Sheet(name, tuple(padded))


def _text(value: object) -> str:
    """Return a cell's text; a number that is whole has no decimals, as spreadsheets show it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())


def _read_text(data: bytes) -> Sheet:
    text = _decode(data)
    declared = _DECLARED.fullmatch(_lines(text).readline().strip())
    rows = csv.reader(_lines(text), delimiter=declared[1] if declared else _separator(text))
    return Sheet("", tuple(tuple(map(_text, row)) for row in rows))


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _without_null(data.decode("utf-16"))
    if b"\0" in data[:2]:  # a header begins with a letter, which is one byte of two
        return _without_null(data.decode("utf-16-be" if data[0] == 0 else "utf-16-le"))
    try:
        return _without_null(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _without_null(data.decode("gb18030"))  # of which GBK is a part


def _without_null(text: str) -> str:
    if "\0" in text:
        raise csv.Error("no text")
    return text


def _lines(text: str) -> io.StringIO:
    """Split text at the ends of lines only: Unicode has other separators, within cells."""
    return io.StringIO(text, newline="")


def _separator(text: str) -> str:
    """Return the separator by which most lines have the same number of cells, and more than one.

    Cells may have lists with the others: action units, above all.
    """

    def regularity(separator: str) -> tuple[int, int]:
        rows = islice(csv.reader(_lines(text), delimiter=separator), _SAMPLE)
        widths = Counter(len(row) for row in rows if len(row) > 1)
        return max(((count, width) for width, count in widths.items()), default=(0, 0))

    return max(_SEPARATORS, key=regularity)
