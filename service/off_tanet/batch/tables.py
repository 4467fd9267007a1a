"""Reads tables as spreadsheets and programs write them: delimited text, or Parquet."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

Record = Mapping[str, object]
"""The cells of one row, by the requested columns."""

_SEPARATORS = (",", ";", "\t")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # as Excel writes it


class TableError(ValueError):
    """A table cannot be read; the message continues a sentence whose subject is the file."""


def read_text(path: Path, columns: Collection[str]) -> Iterator[tuple[str, Record]]:
    """Read a table of delimited text; blank rows are skipped.

    Args:
        path: Text in UTF-8 or, with a byte order mark, UTF-16. Cells are separated by commas,
            semicolons or tabs: by the one that finds most of `columns` in the first line.
        columns: The columns to read, by the names that `column_name` returns.

    Yields:
        The place of each row, such as "line 3", and its cells.

    Raises:
        TableError: The text cannot be decoded, or has too many cells or repeated columns.
        OSError: The file cannot be read.
        csv.Error: The text is not a table.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        try:
            first = file.readline()
            declared = _SEPARATOR_LINE.fullmatch(first)
            if not declared:
                file.seek(0)
            separator = declared[1] if declared else _separator(first, columns)
            yield from _records(file, separator, columns)
        except UnicodeError:
            raise TableError(
                "is neither UTF-8 nor UTF-16 with a byte order mark: save it as UTF-8"
            ) from None


def read_parquet(path: Path, columns: Collection[str]) -> Iterator[tuple[str, Record]]:
    """Read a Parquet file.

    Args:
        path: The file.
        columns: The columns to read, by the names that `column_name` returns.

    Yields:
        The place of each row, such as "row 3", and its cells.

    Raises:
        ImportError: pyarrow is not installed.
        TableError: A column is repeated.
        OSError: The file cannot be read.
        ValueError: The file is no Parquet file.
    """
    from pyarrow import parquet

    file = parquet.ParquetFile(path)
    names = {name: column_name(name) for name in file.schema_arrow.names}
    known = _known(list(names.values()), columns)
    wanted = [name for name, normalized in names.items() if normalized in known]
    number = 0
    for batch in file.iter_batches(columns=wanted):
        for cells in batch.to_pylist():
            number += 1
            yield f"row {number}", {names[name]: cells[name] for name in wanted}


def column_name(text: str) -> str:
    """Normalize the name of a column: "Onset Index " becomes `onset_index`."""
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in _UTF16_MARKS else "utf-8-sig"


def _separator(line: str, columns: Collection[str]) -> str:
    def known(separator: str) -> int:
        cells = next(csv.reader([line], delimiter=separator), [])
        return sum(column_name(cell) in columns for cell in cells)

    return max(_SEPARATORS, key=known)


def _records(
    lines: Iterable[str], separator: str, columns: Collection[str]
) -> Iterator[tuple[str, Record]]:
    reader = csv.reader(lines, delimiter=separator)
    header = next((row for row in reader if _has_text(row)), [])
    names = [column_name(cell) for cell in header]
    known = _known(names, columns)
    for cells in reader:
        place = f"line {reader.line_num}"
        if not _has_text(cells):
            continue
        if _has_text(cells[len(names) :]):
            raise TableError(
                f"has more cells on {place} than in its header: quote cells with a separator"
            )
        filled = zip_longest(names, cells[: len(names)], fillvalue="")
        yield place, {name: cell.strip() for name, cell in filled if name in known}


def _known(names: Sequence[str], columns: Collection[str]) -> set[str]:
    known = {name for name in names if name in columns}
    for name in known:
        if names.count(name) > 1:
            raise TableError(f"names the column {name} more than once")
    return known


def _has_text(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells)
