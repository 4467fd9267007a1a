"""Results as a Parquet file, which can only be written whole: until a run ends, they are JSON lines
beside it, in `NAME.parquet.partial`. Needs the extra `parquet`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Self

import pyarrow as pa
from pyarrow import parquet

from off_tanet.batch.journal import Journal, JsonLines, Key, OutputError, key_of
from off_tanet.batch.manifest import CLIP, INDICES, PAIR
from off_tanet.batch.schema import COLUMNS, Kind, flat

_TYPES: Mapping[Kind, pa.DataType] = MappingProxyType(
    {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "numbers": pa.list_(pa.float64()),
        "texts": pa.list_(pa.string()),
    }
)
SCHEMA = pa.schema([(name, _TYPES[kind]) for name, kind in COLUMNS.items()])
"""The columns of `COLUMNS`."""

_ROWS_AT_ONCE = 10_000


class ParquetOutput:
    """A Parquet file of results, written at the end from those it had and those that came."""

    def __init__(self, path: Path) -> None:
        """Open the file or begin it. Raises OutputError, also where it holds anything else."""
        self._path = path
        self._had = set(_keys(path))
        self._partial = path.with_name(f"{path.name}.partial")
        self._journal = Journal(self._partial, JsonLines())
        self.done = self._had | self._journal.done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write the file, whatever ended the run: what a killed one leaves is the partial file."""
        with self._journal:
            self._write()

    def add(self, record: Mapping[str, object]) -> None:
        self._journal.add(record)

    def _write(self) -> None:
        if self._path.exists() and not self._partial.stat().st_size:
            self._partial.unlink()
            return
        new = self._path.with_name(f"{self._path.name}.new")
        with parquet.ParquetWriter(new, SCHEMA) as writer:
            if self._path.exists():
                for batch in parquet.ParquetFile(self._path).iter_batches():
                    writer.write_batch(batch)
            rows = self._added()
            while chunk := list(islice(rows, _ROWS_AT_ONCE)):
                writer.write_table(pa.Table.from_pylist(chunk, SCHEMA))
        os.replace(new, self._path)
        self._partial.unlink()

    def _added(self) -> Iterator[dict[str, object]]:
        with self._partial.open(encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                # Killed between the last two steps of a run, the partial file repeats the other.
                if key_of(record["input"]) not in self._had:
                    yield flat(record)


def _keys(path: Path) -> Iterator[Key]:
    if not path.exists():
        return
    try:
        file = parquet.ParquetFile(path)
    except (OSError, pa.ArrowException):
        raise OutputError(f"{path} is no Parquet file that can be read") from None
    if not file.schema_arrow.equals(SCHEMA):
        raise OutputError(f"{path} holds something other than results")
    names = {f"input.{name}": name for name in (*PAIR, *CLIP, *INDICES)}
    for batch in file.iter_batches(columns=list(names)):
        for row in batch.to_pylist():
            yield key_of({name: row[column] for column, name in names.items()})
