"""Opens the output file of a batch, in the format that its suffix names."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol, Self

from off_tanet.batch.journal import CommaSeparated, Journal, JsonLines, Key, OutputError

STANDARD_OUTPUT = Path("-")
SUFFIXES = (".jsonl", ".csv", ".parquet")


class Output(Protocol):
    """An open file of results."""

    @property
    def done(self) -> Set[Key]:
        """Keys of the results that the file held when it was opened."""
        ...

    def add(self, record: Mapping[str, object]) -> None:
        """Append the `Result.record` of a row."""
        ...


class StreamOutput:
    """JSON lines on a stream, which cannot be continued by a later run.

    Args:
        stream: The stream.
    """

    done: Set[Key] = frozenset()

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def add(self, record: Mapping[str, object]) -> None:
        """Write one result."""
        self._stream.write(JsonLines().line(record))
        self._stream.flush()


def open_output(
    path: Path, classes: Sequence[str], others: Sequence[str] = ()
) -> AbstractContextManager[Output]:
    """Create a `.jsonl`, `.csv` or `.parquet` file, or continue one.

    Args:
        path: The file; `-` for JSON lines on standard output.
        classes: The classes of the model, whose probabilities are columns of a table.
        others: The other columns of the manifest, which are columns of a table, too.

    Raises:
        OutputError: It cannot be written to, is open in another run, or holds other contents.
    """
    if path == STANDARD_OUTPUT:
        return StreamOutput(sys.stdout.buffer)
    match path.suffix.lower():
        case ".jsonl":
            return Journal(path, JsonLines())
        case ".csv":
            return Journal(path, CommaSeparated(classes, others))
        case ".parquet":
            try:
                from off_tanet.batch.parquet import ParquetOutput
            except ImportError:
                raise OutputError(
                    f"{path} needs the extra parquet: pip install 'off-tanet[parquet]'"
                ) from None
            return ParquetOutput(path, classes, others)
        case _:
            raise OutputError(f"{path} must end in one of {', '.join(SUFFIXES)}")
