"""The input of a batch: the rows of a manifest, or the clips in a folder."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from off_tanet.batch import tables
from off_tanet.batch.folder import find_clips
from off_tanet.files import printable

PAIR = ("onset", "apex")
CLIP = ("clip",)
INDICES = ("onset_index", "apex_index")
_COLUMNS = (*PAIR, *CLIP, *INDICES)
_TEXT_SUFFIXES = frozenset({".csv", ".tsv"})
_MAX_FRAMES = 1 << 31


class ManifestError(Exception):
    """A manifest cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One onset-apex pair, or one clip.

    Attributes:
        folder: Folder to which the paths are relative.
        onset: Path of the onset picture, as the manifest has it.
        apex: Path of the apex picture.
        clip: Path of the clip.
        onset_index: Onset frame of the clip, from 0; None to spot it.
        apex_index: Apex frame of the clip, from 0; None to spot it.
    """

    folder: Path
    onset: str | None = None
    apex: str | None = None
    clip: str | None = None
    onset_index: int | None = None
    apex_index: int | None = None

    @property
    def files(self) -> dict[str, str]:
        """The paths by column, with unprintable characters escaped."""
        paths = {name: getattr(self, name) for name in (*PAIR, *CLIP)}
        return {name: printable(path) for name, path in paths.items() if path is not None}

    @property
    def indices(self) -> dict[str, int]:
        """The given frame indices by column."""
        indices = {name: getattr(self, name) for name in INDICES}
        return {name: index for name, index in indices.items() if index is not None}

    @property
    def input(self) -> dict[str, object]:
        """The paths and the given frame indices by column."""
        return {**self.files, **self.indices}


def read_rows(source: Path) -> list[Row]:
    """Read a manifest, or list the clips of a folder and its subfolders. Repeated rows are dropped.

    Args:
        source: A folder, or a `.csv`, `.tsv` or `.parquet` file with the columns `onset` and
            `apex`, or with `clip` and optionally `onset_index` and `apex_index`, whose cells may
            be empty. Other columns are ignored.

    Returns:
        The distinct rows, in the order of the source.

    Raises:
        ManifestError: The source cannot be read, or holds nothing to score.
    """
    try:
        distinct = list(dict.fromkeys(_rows(source)))
    except OSError as error:
        raise ManifestError(f"{source}: {error.strerror}") from None
    except tables.TableError as error:
        raise ManifestError(f"{source} cannot be read: it {error}") from None
    except (ValueError, csv.Error) as error:  # ValueError: ArrowInvalid
        raise ManifestError(f"{source} cannot be read: {error}") from None
    if not distinct:
        raise ManifestError(f"{source} has nothing to score")
    return distinct


def _rows(source: Path) -> Iterator[Row]:
    suffix = source.suffix.lower()
    if source.is_dir():
        return iter([Row(source, clip=name) for name in find_clips(source)])
    if suffix in _TEXT_SUFFIXES:
        return _rows_of(source, tables.read_text(source, _COLUMNS))
    if suffix == ".parquet":
        return _rows_of(source, _read_parquet(source))
    raise ManifestError(f"{source} is neither a folder nor a .csv, .tsv or .parquet file")


def _rows_of(source: Path, records: Iterable[tuple[str, tables.Record]]) -> Iterator[Row]:
    for place, record in records:
        columns = set(record) - set(INDICES)
        if columns not in (set(PAIR), set(CLIP)):
            raise ManifestError(f"{source} needs the columns onset and apex, or the column clip")
        if columns == set(PAIR) and columns != set(record):
            raise ManifestError(f"{source} has frame numbers for pictures: only clips have frames")
        # An empty cell becomes an empty path, so that its row gets the problem unreadable_file.
        paths = {name: str(record[name] or "").strip() for name in columns}
        yield Row(
            source.parent,
            onset=paths.get("onset"),
            apex=paths.get("apex"),
            clip=paths.get("clip"),
            onset_index=_index(source, place, "onset_index", record),
            apex_index=_index(source, place, "apex_index", record),
        )


def _index(source: Path, place: str, name: str, record: tables.Record) -> int | None:
    """Parse a frame index; tables with missing numbers write 12 as 12.0."""
    cell = record.get(name)
    if cell is None or cell == "" or cell != cell:  # NaN
        return None
    try:
        number = float(str(cell))
    except ValueError:
        number = math.nan
    if not number.is_integer() or not 0 <= number < _MAX_FRAMES:
        raise ManifestError(f"{source}: {name} on {place} is not a frame number")
    return int(number)


def _read_parquet(source: Path) -> Iterator[tuple[str, tables.Record]]:
    try:
        yield from tables.read_parquet(source, _COLUMNS)
    except ImportError:
        raise ManifestError(
            f"{source} needs the extra parquet: pip install 'off-tanet[parquet]'"
        ) from None
