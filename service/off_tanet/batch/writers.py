"""Where the results of a batch go, by the ending of the file's name."""

from __future__ import annotations

from collections.abc import Mapping, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from off_tanet.batch.journal import CommaSeparated, Journal, JsonLines, Key, OutputError

ENDINGS = (".jsonl", ".csv", ".parquet")


class Output(Protocol):
    """Results as they come; `done` are the keys of those that were there when it was opened."""

    @property
    def done(self) -> Set[Key]: ...

    def add(self, record: Mapping[str, object]) -> None: ...


def open_output(path: Path) -> AbstractContextManager[Output]:
    """Begin a `.jsonl`, `.csv` or `.parquet` file, or go on with it. Raises OutputError."""
    match path.suffix.lower():
        case ".jsonl":
            return Journal(path, JsonLines())
        case ".csv":
            return Journal(path, CommaSeparated())
        case ".parquet":
            try:
                from off_tanet.batch.parquet import ParquetOutput
            except ImportError:
                raise OutputError(
                    f"{path} needs the extra parquet: pip install 'off-tanet[parquet]'"
                ) from None
            return ParquetOutput(path)
        case _:
            raise OutputError(f"{path} ends in none of {', '.join(ENDINGS)}")
