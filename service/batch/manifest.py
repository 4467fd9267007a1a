"""What a batch scores: the rows of a manifest, or the clips of a folder."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.batch.folder import clips
from service.files import printable

PAIR = ("onset", "apex")
CLIP = ("clip",)


class ManifestError(Exception):
    """A manifest that cannot be used as a whole; the message is one line."""


@dataclass(frozen=True, slots=True)
class Row:
    """An onset-apex pair or a clip: paths as the manifest has them, relative to `folder`."""

    folder: Path
    onset: str | None = None
    apex: str | None = None
    clip: str | None = None

    @property
    def files(self) -> dict[str, str]:
        """The paths it names, by column, each on one line."""
        named = {name: getattr(self, name) for name in (*PAIR, *CLIP)}
        return {name: printable(path) for name, path in named.items() if path is not None}


def rows(source: Path) -> list[Row]:
    """Each row of a `.csv` or `.parquet` manifest once, or each clip of a folder.

    A manifest has the columns `onset` and `apex`, or `clip`; others are passed over. Raises
    ManifestError.
    """
    if source.is_dir():
        found = iter([Row(source, clip=name) for name in clips(source)])
    elif source.suffix.lower() == ".csv":
        found = _named(source, _csv_records(source))
    elif source.suffix.lower() == ".parquet":
        found = _named(source, _parquet_records(source))
    else:
        raise ManifestError(f"{source} is no folder and no .csv or .parquet file")
    try:
        distinct = list(dict.fromkeys(found))
    except OSError as error:
        raise ManifestError(f"{source}: {error.strerror}") from None
    except (ValueError, csv.Error) as error:  # ValueError: UnicodeDecodeError, ArrowInvalid
        raise ManifestError(f"{source} cannot be read: {error}") from None
    if not distinct:
        raise ManifestError(f"{source} has nothing to score")
    return distinct


def _named(source: Path, records: Iterable[Mapping[str, str | None]]) -> Iterator[Row]:
    for record in records:
        given = {name for name in (*PAIR, *CLIP) if name in record}
        if given not in (set(PAIR), set(CLIP)):
            raise ManifestError(f"{source} needs the columns onset and apex, or the column clip")
        # A missing name is an empty one: a file that cannot be read, in a row of its own.
        yield Row(source.parent, **{name: (record[name] or "").strip() for name in given})


def _csv_records(source: Path) -> Iterator[Mapping[str, str | None]]:
    with source.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        yield from reader


def _parquet_records(source: Path) -> Iterator[Mapping[str, str | None]]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ManifestError(
            f"{source} needs the extra parquet: pip install 'off-tanet[parquet]'"
        ) from None
    file = parquet.ParquetFile(source)
    wanted = [name for name in file.schema_arrow.names if name in (*PAIR, *CLIP)]
    for batch in file.iter_batches(columns=wanted):
        yield from batch.to_pylist()
