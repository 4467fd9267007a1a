"""Append-only files of results, with which an interrupted run can be resumed.

Each result is one line. If a kill or a full disk cut the last line off, it is removed when the file
is opened again.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, Self

from off_tanet.batch.locking import lock
from off_tanet.batch.rows import CLIP, INDICES, PAIR
from off_tanet.batch.schema import columns, flatten

Key = tuple[str, ...]
"""Identifies the result of a row: the paths of its input, then its frame indices, if any."""


class OutputError(Exception):
    """Results cannot be written to a file; the message is one line."""


def key_of(row_input: Mapping[str, object]) -> Key:
    """Return the key of a row; `row_input` is its `Row.input` or `input` in its result."""
    files = tuple(str(row_input.get(name) or "") for name in (*PAIR, *CLIP))
    values = (row_input.get(name) for name in INDICES)
    indices = tuple("" if index is None else str(index) for index in values)
    return files + indices if any(indices) else files


class Codec(Protocol):
    """How results are written: a header, then one line each."""

    header: bytes

    def line(self, record: Mapping[str, object]) -> bytes:
        """Return the line of a `Result.record`, with its line break."""
        ...

    def key(self, line: bytes) -> Key:
        """Return the key of the result on a line.

        Raises:
            ValueError: The line holds no result.
        """
        ...


class JsonLines:
    """One JSON object per line: a `Result.record`."""

    header = b""

    def line(self, record: Mapping[str, object]) -> bytes:
        """Return the line of a record."""
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"

    def key(self, line: bytes) -> Key:
        """Return the key of a line."""
        record = json.loads(line)
        if not isinstance(record, dict) or not isinstance(record.get("input"), dict):
            raise ValueError("no result")
        return key_of(record["input"])


class CommaSeparated:
    """Comma-separated values with the columns of `schema.columns`; lists are JSON.

    Args:
        classes: The classes of the model.
        others: The other columns of the manifest.
    """

    def __init__(self, classes: Iterable[str], others: Iterable[str] = ()) -> None:
        self._columns = tuple(columns(classes, others))
        self.header = _csv_line(self._columns)

    def line(self, record: Mapping[str, object]) -> bytes:
        """Return the line of a record."""
        return _csv_line(map(_cell, flatten(record, self._columns).values()))

    def key(self, line: bytes) -> Key:
        """Return the key of a line."""
        (cells,) = csv.reader([line.decode()])
        values = dict(zip(self._columns, cells, strict=True))
        return key_of({name: values[f"input.{name}"] for name in (*PAIR, *CLIP, *INDICES)})


class Journal:
    """A file of results, open for one run at a time.

    Attributes:
        done: Keys of the results that the file held when it was opened.
    """

    def __init__(self, path: Path, codec: Codec) -> None:
        """Open or create the file.

        Raises:
            OutputError: It cannot be written to, is open in another run, or holds other contents.
        """
        self._codec = codec
        if path.exists() and not path.is_file():  # reading a device may never end
            raise OutputError(f"{path} is not a file")
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror}") from None
        try:
            lock(self._file)
            self.done = self._recover()
        except BlockingIOError:
            self._file.close()
            raise OutputError(f"{path}: another run is writing to it") from None
        except (ValueError, csv.Error):
            self._file.close()
            raise OutputError(f"{path} holds something other than results of this run") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, record: Mapping[str, object]) -> None:
        """Append one result, which a later crash of this process does not lose."""
        self._file.write(self._codec.line(record))
        self._file.flush()

    def _recover(self) -> set[Key]:
        """Return the keys of the complete lines, and remove an incomplete last one."""
        header = self._codec.header
        self._file.seek(0)
        start = self._file.read(len(header))
        if not header.startswith(start):
            raise ValueError("no header")
        if start != header:  # the file is new, or its header was cut off
            self._file.truncate(0)
            self._file.write(header)
            self._file.flush()
            return set()
        end, keys = len(header), set()
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            keys.add(self._codec.key(line))
            end += len(line)
        self._file.truncate(end)
        return keys


def _csv_line(cells: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, list) else value
