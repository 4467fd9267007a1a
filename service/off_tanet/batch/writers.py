"""Opens the output file of a batch, in the format that its suffix names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from off_tanet.batch.journal import CommaSeparated, Journal, JsonLines, Key, OutputError

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


def open_output(path: Path, classes: Sequence[str]) -> AbstractContextManager[Output]:
    """Create a `.jsonl`, `.csv` or `.parquet` file, or continue one.

    Args:
        path: The file.
        classes: The classes of the model, whose probabilities are columns of a table.

    Raises:
        OutputError: It cannot be written to, is open in another run, or holds other contents.
    """
    match path.suffix.lower():
        case ".jsonl":
            return Journal(path, JsonLines())
        case ".csv":
            return Journal(path, CommaSeparated(classes))
        case ".parquet":
            try:
                from off_tanet.batch.parquet import ParquetOutput
            except ImportError:
                raise OutputError(
                    f"{path} needs the extra parquet: pip install 'off-tanet[parquet]'"
                ) from None
            return ParquetOutput(path, classes)
        case _:
            raise OutputError(f"{path} must end in one of {', '.join(SUFFIXES)}")
