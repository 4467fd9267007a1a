"""Results as a Parquet file. Needs the extra `parquet`.

A Parquet file can only be written whole: until a run ends, its results are kept as JSON lines next
to it, in `NAME.parquet.partial`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Self

import pyarrow as pa
from pyarrow import parquet

from off_tanet.batch.journal import Journal, JsonLines, Key, OutputError, key_of
from off_tanet.batch.locking import CAN_REMOVE_OPEN_FILES
from off_tanet.batch.rows import CLIP, INDICES, PAIR
from off_tanet.batch.schema import Kind, columns, flatten

_TYPES: Mapping[Kind, pa.DataType] = MappingProxyType(
    {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "numbers": pa.list_(pa.float64()),
        "texts": pa.list_(pa.string()),
    }
)
_ROW_GROUP_SIZE = 10_000


class ParquetOutput:
    """A Parquet file of results, rewritten at the end with its previous and its new results.

    Attributes:
        done: Keys of the results that both files held when they were opened.
    """

    def __init__(self, path: Path, classes: Sequence[str], others: Sequence[str] = ()) -> None:
        """Open or create the file.

        Args:
            path: The file.
            classes: The classes of the model.
            others: The other columns of the manifest.

        Raises:
            OutputError: It cannot be written to, is open in another run, or holds other contents.
        """
        self._path = path
        kinds = columns(classes, others)
        self._schema = pa.schema([(name, _TYPES[kind]) for name, kind in kinds.items()])
        self._previous = set(_keys(path, self._schema))
        self._partial = path.with_name(f"{path.name}.partial")
        self._journal = Journal(self._partial, JsonLines())
        self.done = self._previous | self._journal.done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write the file, also after an error. Only a killed run leaves the partial file behind."""
        with self._journal:
            self._write()
            if CAN_REMOVE_OPEN_FILES:  # under the lock, as another run may wait for it
                self._partial.unlink()
        if not CAN_REMOVE_OPEN_FILES:
            with suppress(PermissionError):  # another run has opened it
                self._partial.unlink()

    def add(self, record: Mapping[str, object]) -> None:
        """Append one result to the partial file."""
        self._journal.add(record)

    def _write(self) -> None:
        if self._path.exists() and not self._partial.stat().st_size:
            return
        new = self._path.with_name(f"{self._path.name}.new")
        with parquet.ParquetWriter(new, self._schema) as writer:
            if self._path.exists():
                with parquet.ParquetFile(self._path) as previous:
                    for batch in previous.iter_batches():
                        writer.write_batch(batch)
            rows = self._new_rows()
            while chunk := list(islice(rows, _ROW_GROUP_SIZE)):
                writer.write_table(pa.Table.from_pylist(chunk, self._schema))
        os.replace(new, self._path)

    def _new_rows(self) -> Iterator[dict[str, object]]:
        with self._partial.open(encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                # After a kill between `replace` and `unlink`, both files hold the same results.
                if key_of(record["input"]) not in self._previous:
                    yield flatten(record, self._schema.names)


def _keys(path: Path, schema: pa.Schema) -> Iterator[Key]:
    if not path.exists():
        return
    try:
        file = parquet.ParquetFile(path)
    except (OSError, pa.ArrowException):
        raise OutputError(f"{path} is not a readable Parquet file") from None
    with file:
        if not file.schema_arrow.equals(schema):
            raise OutputError(f"{path} holds something other than results of this run")
        names = {f"input.{name}": name for name in (*PAIR, *CLIP, *INDICES)}
        for batch in file.iter_batches(columns=list(names)):
            for row in batch.to_pylist():
                yield key_of({name: row[column] for column, name in names.items()})
