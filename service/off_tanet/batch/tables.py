"""Tables as spreadsheets and programs write them: text of separated cells, or Parquet."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

Record = Mapping[str, object]
"""The cells of one row, by the columns that were asked for."""

_SEPARATORS = (",", ";", "\t")
_MARKED = (b"\xff\xfe", b"\xfe\xff")  # the byte order marks of UTF-16
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # which Excel reads and writes


class TableError(ValueError):
    """A table that cannot be read; the message ends a sentence that begins with its name."""


def text_records(path: Path, columns: Collection[str]) -> Iterator[tuple[str, Record]]:
    """Each row that is not blank with its place, "line 3"; of its cells those of `columns`.

    The text is UTF-8 or, with a byte order mark, UTF-16; cells are separated by commas,
    semicolons or tabs, whichever makes most of the first line's cells known. Raises TableError,
    OSError and csv.Error.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        try:
            first = file.readline()
            told = _SEPARATOR_LINE.fullmatch(first)
            if not told:
                file.seek(0)
            separator = told[1] if told else _separator(first, columns)
            yield from _records(file, separator, columns)
        except UnicodeError:
            raise TableError(
                "is no text in UTF-8, nor in UTF-16 with a byte order mark: save it as UTF-8"
            ) from None


def parquet_records(path: Path, columns: Collection[str]) -> Iterator[tuple[str, Record]]:
    """The same of a Parquet file, with the place "row 3". Raises ImportError without pyarrow."""
    from pyarrow import parquet

    file = parquet.ParquetFile(path)
    names = {name: column(name) for name in file.schema_arrow.names}
    known = _known(list(names.values()), columns)
    wanted = [name for name, as_column in names.items() if as_column in known]
    number = 0
    for batch in file.iter_batches(columns=wanted):
        for cells in batch.to_pylist():
            number += 1
            yield f"row {number}", {names[name]: cells[name] for name in wanted}


def column(name: str) -> str:
    """The name of a column as it is compared: "Onset Index " is `onset_index`."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in _MARKED else "utf-8-sig"


def _separator(line: str, columns: Collection[str]) -> str:
    def known(separator: str) -> int:
        cells = next(csv.reader([line], delimiter=separator), [])
        return sum(column(cell) in columns for cell in cells)

    return max(_SEPARATORS, key=known)


def _records(
    lines: Iterable[str], separator: str, columns: Collection[str]
) -> Iterator[tuple[str, Record]]:
    reader = csv.reader(lines, delimiter=separator)
    head = next((row for row in reader if _has_text(row)), [])
    names = [column(cell) for cell in head]
    known = _known(names, columns)
    for cells in reader:
        place = f"line {reader.line_num}"
        if not _has_text(cells):
            continue
        if _has_text(cells[len(names) :]):
            raise TableError(f"has more cells on {place} than on its first: quote what has a comma")
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
