"""What a batch scores: the rows of a manifest, or the clips of a folder."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from off_tanet.batch import tables
from off_tanet.batch.folder import clips
from off_tanet.files import printable

PAIR = ("onset", "apex")
CLIP = ("clip",)
INDICES = ("onset_index", "apex_index")
_COLUMNS = (*PAIR, *CLIP, *INDICES)
_TEXTS = frozenset({".csv", ".tsv"})
_MOST_FRAMES = 1 << 31


class ManifestError(Exception):
    """A manifest that cannot be used as a whole; the message is one line."""


@dataclass(frozen=True, slots=True)
class Row:
    """An onset-apex pair or a clip: paths as the manifest has them, relative to `folder`.

    The indices are the frames of a clip that are not to be sought.
    """

    folder: Path
    onset: str | None = None
    apex: str | None = None
    clip: str | None = None
    onset_index: int | None = None
    apex_index: int | None = None

    @property
    def files(self) -> dict[str, str]:
        """The paths it names, by column, each on one line."""
        named = {name: getattr(self, name) for name in (*PAIR, *CLIP)}
        return {name: printable(path) for name, path in named.items() if path is not None}

    @property
    def indices(self) -> dict[str, int]:
        """The frames that it names, by column."""
        named = {name: getattr(self, name) for name in INDICES}
        return {name: index for name, index in named.items() if index is not None}

    @property
    def input(self) -> dict[str, object]:
        """All that the manifest says of it."""
        return {**self.files, **self.indices}


def rows(source: Path) -> list[Row]:
    """Each row of a `.csv`, `.tsv` or `.parquet` manifest once, or each clip of a folder.

    A manifest has the columns `onset` and `apex`, or `clip` and with it `onset_index` and
    `apex_index`, whose empty cells say nothing; others are passed over. Clips are known by their
    endings, in every folder below. Raises ManifestError.
    """
    try:
        distinct = list(dict.fromkeys(_found(source)))
    except OSError as error:
        raise ManifestError(f"{source}: {error.strerror}") from None
    except tables.TableError as error:
        raise ManifestError(f"{source} cannot be read: it {error}") from None
    except (ValueError, csv.Error) as error:  # ValueError: ArrowInvalid
        raise ManifestError(f"{source} cannot be read: {error}") from None
    if not distinct:
        raise ManifestError(f"{source} has nothing to score")
    return distinct


def _found(source: Path) -> Iterator[Row]:
    ending = source.suffix.lower()
    if source.is_dir():
        return iter([Row(source, clip=name) for name in clips(source)])
    if ending in _TEXTS:
        return _named(source, tables.text_records(source, _COLUMNS))
    if ending == ".parquet":
        return _named(source, _parquet_records(source))
    raise ManifestError(f"{source} is no folder and no .csv, .tsv or .parquet file")


def _named(source: Path, records: Iterable[tuple[str, tables.Record]]) -> Iterator[Row]:
    for place, record in records:
        given = set(record) - set(INDICES)
        if given not in (set(PAIR), set(CLIP)):
            raise ManifestError(f"{source} needs the columns onset and apex, or the column clip")
        if given == set(PAIR) and given != set(record):
            raise ManifestError(f"{source} has frame numbers for pictures: they go with clips")
        # A missing name is an empty one: a file that cannot be read, in a row of its own.
        names = {name: str(record[name] or "").strip() for name in given}
        yield Row(
            source.parent,
            onset=names.get("onset"),
            apex=names.get("apex"),
            clip=names.get("clip"),
            onset_index=_index(source, place, "onset_index", record),
            apex_index=_index(source, place, "apex_index", record),
        )


def _index(source: Path, place: str, name: str, record: tables.Record) -> int | None:
    """A frame's number; 12.0 is one, as tables with missing numbers have it."""
    cell = record.get(name)
    if cell is None or cell == "" or cell != cell:  # NaN
        return None
    try:
        number = float(str(cell))
    except ValueError:
        number = math.nan
    if not number.is_integer() or not 0 <= number < _MOST_FRAMES:
        raise ManifestError(f"{source}: {name} on {place} is no number of a frame")
    return int(number)


def _parquet_records(source: Path) -> Iterator[tuple[str, tables.Record]]:
    try:
        yield from tables.parquet_records(source, _COLUMNS)
    except ImportError:
        raise ManifestError(
            f"{source} needs the extra parquet: pip install 'off-tanet[parquet]'"
        ) from None
