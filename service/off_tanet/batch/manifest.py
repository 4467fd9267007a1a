"""The input of a batch: the rows of manifests, the clips in folders, and single clips."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from off_tanet import files
from off_tanet.batch import tables
from off_tanet.batch.folder import find_clips, find_frame_folders, is_clip
from off_tanet.batch.frame_numbers import FrameNumberError, find_clip, index_of
from off_tanet.batch.rows import CLIP, INDICES, PAIR, Row

STANDARD_INPUT = Path("-")

_CLIP_NAMES = (*CLIP, "filename")
_FRAME_NAMES = {
    "onset_index": ("onset_frame", "onsetframe", "onset"),
    "apex_index": ("apex_frame", "apexframe", "apexf1", "apex"),
}
"""Columns of frame numbers, as databases name them; `onset` and `apex` only next to a clip."""

_SUBJECT = "subject"
_COLUMNS = {*PAIR, *_CLIP_NAMES, *INDICES, *(n for names in _FRAME_NAMES.values() for n in names)}
_TEXT_SUFFIXES = frozenset({".csv", ".tsv"})
_MAX_FRAMES = 1 << 31
_MAX_BYTES = 1 << 30  # of a manifest of text


class ManifestError(Exception):
    """A manifest cannot be used; the message is one line."""


def read_sources(sources: Sequence[Path], fps: float | None = None) -> list[Row]:
    """Read several sources like `read_rows`.

    Args:
        sources: If there is more than one, the rows have paths that are relative to the working
            directory, so that they differ.
        fps: Frames per second of folders of frames.

    Raises:
        ManifestError: A source cannot be read, or holds nothing to score.
    """
    rows = [row for source in sources for row in read_rows(source, fps)]
    if len(sources) > 1:
        rows = [row.below_working_directory() for row in rows]
    return list(dict.fromkeys(rows))


def read_rows(source: Path, fps: float | None = None) -> list[Row]:
    """Read a manifest, or list the clips of a folder and its subfolders. Repeated rows are dropped.

    Args:
        source: A clip; a folder; or a `.csv`, `.tsv` or `.parquet` file with the columns `onset`
            and `apex`, or with `clip` and optionally onset and apex as frames, whose cells may be
            empty. `-` is text on standard input. Paths are relative to the manifest.
        fps: Frames per second of folders of frames. Without it, they are not taken for clips.

    Returns:
        The distinct rows, in the order of the source.

    Raises:
        ManifestError: The source cannot be read, or holds nothing to score.
    """
    try:
        rows = list(dict.fromkeys(_rows(source, fps)))
    except OSError as error:
        raise ManifestError(f"{source}: {error.strerror}") from None
    except tables.TableError as error:
        raise ManifestError(f"{source} cannot be read: it {error}") from None
    except (ValueError, csv.Error) as error:  # ValueError: ArrowInvalid
        raise ManifestError(f"{source} cannot be read: {error}") from None
    if not rows:
        raise ManifestError(f"{source} has nothing to score")
    return rows


def _rows(source: Path, fps: float | None) -> Iterator[Row]:
    suffix = source.suffix.lower()
    if source == STANDARD_INPUT:
        content = files.read_standard_input(_MAX_BYTES)
        return _rows_of(source, tables.read_text(content, _COLUMNS), fps)
    if source.is_dir():
        found = find_clips(source) + (find_frame_folders(source) if fps else [])
        return iter([Row(source, clip=name, fps=fps) for name in sorted(found)])
    if suffix in _TEXT_SUFFIXES:
        return _rows_of(source, tables.read_text(source.read_bytes(), _COLUMNS), fps)
    if suffix == ".parquet":
        return _rows_of(source, _read_parquet(source), fps)
    if is_clip(source):
        return iter([Row(source.parent, clip=source.name)])
    raise ManifestError(
        f"{source} is neither a folder, nor a clip, nor a .csv, .tsv or .parquet file"
    )


def _read_parquet(source: Path) -> Iterator[tuple[str, tables.Record]]:
    try:
        yield from tables.read_parquet(source, _COLUMNS)
    except ImportError:
        raise ManifestError(
            f"{source} needs the extra parquet: pip install 'off-tanet[parquet]'"
        ) from None


def _rows_of(
    source: Path, records: Iterable[tuple[str, tables.Record]], fps: float | None
) -> Iterator[Row]:
    folder = Path() if source == STANDARD_INPUT else source.parent
    for place, record in records:
        try:
            yield _row(folder, record, fps)
        except FrameNumberError as error:
            raise ManifestError(f"{source}: on {place}, {error}") from None
        except ManifestError as error:
            raise ManifestError(f"{source} {error}") from None


def _row(folder: Path, record: tables.Record, fps: float | None) -> Row:
    """Turn the cells of a manifest into a row.

    Raises:
        FrameNumberError: A cell is not the number of a frame; the message names its column.
        ManifestError: A column is missing; the message continues a sentence about the source.
    """
    cells = {tables.column_name(name): cell for name, cell in record.items()}
    clip_column = _clip_column(cells)
    if clip_column is None:
        onset, apex = (_text(cells[name]) for name in PAIR)
        return Row(folder, onset, apex, others=_others(record, {*PAIR}))
    path = find_clip(folder, _text(cells[clip_column]), _text(cells.get(_SUBJECT)))
    if path and (folder / path).is_dir() and fps is None:
        raise ManifestError(f"names the folder of frames {files.printable(path)}: give --fps")
    onset_index, apex_index = (_frame(name, cells, folder / path) for name in INDICES)
    return Row(
        folder,
        clip=path,
        onset_index=onset_index,
        apex_index=apex_index,
        fps=fps,
        others=_others(record, {clip_column, *INDICES}),
    )


def _clip_column(cells: tables.Record) -> str | None:
    """Return the column that names a clip; None if the columns name a pair of pictures."""
    found = next((name for name in _CLIP_NAMES if name in cells), None)
    if found != "clip" and set(PAIR) <= set(cells) and not (found and _have_numbers(cells)):
        if set(INDICES) & set(cells):
            raise ManifestError("has frame numbers for pictures: only clips have frames")
        return None
    if found is None:
        raise ManifestError("needs the columns onset and apex, or the column clip")
    return found


def _have_numbers(cells: tables.Record) -> bool:
    """Whether onset and apex are frames: otherwise a file name next to them is only a note."""
    return any(_text(cells[name]).removesuffix(".0").isdecimal() for name in PAIR)


def _frame(name: str, cells: tables.Record, clip: Path) -> int | None:
    """Return the index of a frame, from a column of indices or of frame numbers."""
    if (index := _index(name, cells)) is not None:
        return index
    for column in _FRAME_NAMES[name]:
        if column in cells:
            try:
                return index_of(clip, cells[column])
            except FrameNumberError as error:
                raise FrameNumberError(f"{column} {error}") from None
    return None


def _index(name: str, cells: tables.Record) -> int | None:
    """Parse a frame index; tables with missing numbers write 12 as 12.0."""
    cell = cells.get(name)
    if cell is None or cell == "" or cell != cell:  # NaN
        return None
    try:
        number = float(str(cell))
    except ValueError:
        number = math.nan
    if not number.is_integer() or not 0 <= number < _MAX_FRAMES:
        raise FrameNumberError(f"{name} is not a frame number")
    return int(number)


def _text(cell: object) -> str:
    """Return a cell as text; an empty path gives its row the problem unreadable_file."""
    return "" if cell is None or cell != cell else str(cell).strip()


def _others(record: tables.Record, used: set[str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (files.printable(name), files.printable(_text(cell)))
        for name, cell in record.items()
        if tables.column_name(name) not in used
    )
