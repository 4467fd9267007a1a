"""A file of results that is only appended to, so that a run which was killed can go on.

Each result is one line, written whole. A line that a kill or a full disk cut off is found when the
file is opened again, and is cut away.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self

from off_tanet.batch.manifest import CLIP, INDICES, PAIR
from off_tanet.batch.schema import COLUMNS, flat

Key = tuple[str, ...]
"""What tells one row's result from the others': the paths of its input, and its indices if any."""


class OutputError(Exception):
    """A file that results cannot be written to; the message is one line."""


def key_of(given: Mapping[str, object]) -> Key:
    """The key of a row with this input."""
    files = tuple(str(given.get(name) or "") for name in (*PAIR, *CLIP))
    indices = tuple("" if (at := given.get(name)) is None else str(at) for name in INDICES)
    return files + indices if any(indices) else files


class Codec(Protocol):
    """How results are written: a head, then one line each."""

    head: bytes

    def line(self, record: Mapping[str, object]) -> bytes: ...

    def key(self, line: bytes) -> Key:
        """Of the result on the line. Raises ValueError where it is none."""
        ...


class JsonLines:
    """A `Result.record` a line."""

    head = b""

    def line(self, record: Mapping[str, object]) -> bytes:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"

    def key(self, line: bytes) -> Key:
        record = json.loads(line)
        if not isinstance(record, dict) or not isinstance(record.get("input"), dict):
            raise ValueError("no result")
        return key_of(record["input"])


class CommaSeparated:
    """The columns of `COLUMNS`, lists in JSON."""

    head = ",".join(COLUMNS).encode() + b"\n"

    def line(self, record: Mapping[str, object]) -> bytes:
        text = io.StringIO()
        cells = flat(record).values()
        csv.writer(text, lineterminator="\n").writerow(map(_cell, cells))
        return text.getvalue().encode()

    def key(self, line: bytes) -> Key:
        (cells,) = csv.reader([line.decode()])
        named = dict(zip(COLUMNS, cells, strict=True))
        return key_of({name: named[f"input.{name}"] for name in (*PAIR, *CLIP, *INDICES)})


class Journal:
    """A file of results, open for one run at a time; `done` are the keys of those it has."""

    def __init__(self, path: Path, codec: Codec) -> None:
        """Open the file or begin it. Raises OutputError, also where it holds anything else."""
        self._codec = codec
        if path.exists() and not path.is_file():  # a device may have no end
            raise OutputError(f"{path} is no file")
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.done = self._recover()
        except BlockingIOError:
            self._file.close()
            raise OutputError(f"{path}: another run is writing to it") from None
        except (ValueError, csv.Error):
            self._file.close()
            raise OutputError(f"{path} holds something other than results") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, record: Mapping[str, object]) -> None:
        """Append one result: once this returns, the death of the process cannot lose it."""
        self._file.write(self._codec.line(record))
        self._file.flush()

    def _recover(self) -> set[Key]:
        head = self._codec.head
        self._file.seek(0)
        found = self._file.read(len(head))
        if not head.startswith(found):
            raise ValueError("no head")
        if found != head:  # new, or cut off at once
            self._file.truncate(0)
            self._file.write(head)
            self._file.flush()
            return set()
        end, keys = len(head), set()
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            keys.add(self._codec.key(line))
            end += len(line)
        self._file.truncate(end)
        return keys


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, list) else value
