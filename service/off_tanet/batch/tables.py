"""Reads tables as spreadsheets and programs write them: delimited text, or Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

Record = Mapping[str, object]
"""The cells of one row by the names of their columns, as the table has them."""

_SEPARATORS = (",", ";", "\t")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # as Excel writes it


class TableError(ValueError):
    """A table cannot be read; the message continues a sentence whose subject is the file."""


def read_text(content: bytes, columns: Collection[str]) -> Iterator[tuple[str, Record]]:
    """Read a table of delimited text; blank rows and columns without a name are skipped.

    Args:
        content: Text in UTF-8 or, with a byte order mark, UTF-16. Cells are separated by commas,
            semicolons or tabs: by the one that finds most of `columns` in the first line.
        columns: The columns to find, by the names that `column_name` returns.

    Yields:
        The place of each row, such as "line 3", and its cells.

    Raises:
        TableError: The text cannot be decoded, or has too many cells, or repeats one of `columns`.
        csv.Error: The text is not a table.
    """
    encoding = "utf-16" if content[:2] in _UTF16_MARKS else "utf-8-sig"
    try:
        lines = io.StringIO(content.decode(encoding), newline="")
    except UnicodeError:
        raise TableError(
            "is neither UTF-8 nor UTF-16 with a byte order mark: save it as UTF-8"
        ) from None
    first = lines.readline()
    declared = _SEPARATOR_LINE.fullmatch(first)
    if not declared:
        lines.seek(0)
    yield from _records(lines, declared[1] if declared else _separator(first, columns), columns)


def read_parquet(path: Path, columns: Collection[str]) -> Iterator[tuple[str, Record]]:
    """Read the columns of a Parquet file that hold single values.

    Args:
        path: The file.
        columns: The columns to find, by the names that `column_name` returns.

    Yields:
        The place of each row, such as "row 3", and its cells.

    Raises:
        ImportError: pyarrow is not installed.
        TableError: One of `columns` is repeated.
        OSError: The file cannot be read.
        ValueError: The file is no Parquet file.
    """
    from pyarrow import parquet, types

    file = parquet.ParquetFile(path)
    _check_distinct(file.schema_arrow.names, columns)
    single = [
        field.name
        for field in file.schema_arrow
        if not (types.is_nested(field.type) or types.is_binary(field.type))
    ]
    number = 0
    for batch in file.iter_batches(columns=single):
        for cells in batch.to_pylist():
            number += 1
            yield f"row {number}", cells


def column_name(text: str) -> str:
    """Normalize the name of a column: "Onset Index " becomes `onset_index`."""
    return re.sub(r"[\s-]+", "_", text.strip().lower())


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
    names = [cell.strip() for cell in header]
    _check_distinct(names, columns)
    for cells in reader:
        place = f"line {reader.line_num}"
        if not _has_text(cells):
            continue
        if _has_text(cells[len(names) :]):
            raise TableError(
                f"has more cells on {place} than in its header: quote cells with a separator"
            )
        filled = zip_longest(names, cells[: len(names)], fillvalue="")
        yield place, {name: cell.strip() for name, cell in filled if name}


def _check_distinct(names: Sequence[str], columns: Collection[str]) -> None:
    normalized = [column_name(name) for name in names]
    for name in columns:
        if normalized.count(name) > 1:
            raise TableError(f"names the column {name} more than once")


def _has_text(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells)
