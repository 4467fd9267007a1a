"""From a database as delivered to flows: by the face, crop and flow of the service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from off_tanet_export.datasets.checks import check_rows
from off_tanet_export.datasets.clip_flows import ClipFlows
from off_tanet_export.datasets.frames import FrameFolders
from off_tanet_export.datasets.layouts import LAYOUTS
from off_tanet_export.datasets.layouts.layout import Layout
from off_tanet_export.datasets.measuring import CroppedClip, Measuring
from off_tanet_export.datasets.people import database_name
from off_tanet_export.datasets.records import (
    Fixes,
    Record,
    find_sheet,
    list_records,
    read_records,
)
from off_tanet_export.datasets.rows import NO_APEX, ApexRule, Fault, Row, Rows, Rules
from off_tanet_export.datasets.schemes import MEGC2019, Published, Scheme
from off_tanet_export.errors import MapsError, OptionError, RowsError


@dataclass(frozen=True, slots=True)
class Source:
    """A database on disk, and what to read of it.

    Attributes:
        database: A key of `LAYOUTS`.
        root: The folder of the database.
        sheet: Its spreadsheet; None to search it in the folder.
        worksheet: The name of the sheet in a workbook, if several have the columns.
        name: The database's name in the file; by default that of the layout.
        scheme: The classes.
        kinds: The kinds of expressions: `micro`, `macro`.
        apex: What to do with clips whose apex is not marked.
        cropped: Whether frames are tight face crops.
        fixes: Corrections of the sheet.
        columns: The names of columns in the sheet, where they differ from those of the layout.
        folders: Where the frames of clips are, if not as the layout says.
    """

    database: str
    root: Path
    sheet: Path | None = None
    name: str = ""
    scheme: Scheme = MEGC2019
    kinds: tuple[str, ...] = ("micro",)
    apex: ApexRule = "marked"
    cropped: bool = False
    fixes: Fixes = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    worksheet: str | None = None

    @property
    def layout(self) -> Layout:
        """The layout of this copy of the database."""
        layout = LAYOUTS[self.database].with_columns(self.columns)
        return replace(layout, folders=self.folders) if self.folders else layout


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read of a database.

    Attributes:
        clips: The clips with their flows.
        rows: All rows, with what is wrong with those that are not among the clips.
        origin: The name of the sheet, or of the folder where there is none.
        scheme: The classes.
    """

    clips: ClipFlows
    rows: Rows
    origin: str
    scheme: Scheme

    @property
    def remarks(self) -> list[str]:
        """A line for each clip that was skipped, or about which something is odd."""
        skipped = [f"skipped: {fault}" for fault in self.rows.faults]
        return skipped + [f"note: {note}" for note in self.notes]

    @property
    def notes(self) -> list[str]:
        """What is odd: of clips, and of their number."""
        return [*self.rows.notes, *_differences(self.scheme, self.rows.usable)]

    @property
    def summary(self) -> str:
        """The closing line: how many rows were used, and why others were not."""
        counts = Counter({f"{count} {name}": count for name, count in self.rows.left_out.items()})
        kinds = Counter(fault.kind for fault in self.rows.faults)
        parts = [f"{self.rows.total} rows: {len(self.rows.usable)} used"]
        parts += [text for text, _ in counts.most_common()]
        parts += [f"{count} {kind}" for kind, count in kinds.most_common()]
        return "; ".join(parts)


def read_database(
    source: Source,
    *,
    skip_unusable: bool = False,
    processes: int = 1,
    prepare: Callable[[int], None] | None = None,
) -> Reading:
    """Read a database. All rows, frames and faces are checked before any flow is computed.

    Args:
        source: The database, and what to read of it.
        skip_unusable: Whether to go on without the clips that cannot be used.
        processes: The largest number of processes that work at once.
        prepare: Called before the long work with the largest number of clips that there can be.

    Raises:
        MapsError: The folder or the spreadsheet cannot be read, or no clip is usable.
        RowsError: Clips cannot be used, and are not to be skipped.
        OptionError: An option does not fit the database.
    """
    layout = source.layout
    folders = FrameFolders.of(source.root, cropped=source.cropped)
    records, origin = _read_records(layout, source, folders)
    rules = Rules(
        source.scheme, database_name(source.name or layout.database), source.kinds, source.apex
    )
    rows = check_rows(layout, records, folders, rules)
    if prepare:
        prepare(len(rows.usable))
    measuring = Measuring(layout.rate, source.cropped, processes)
    rows, cropped = _crop_all(rows, measuring)
    if rows.faults and not skip_unusable:
        raise RowsError([f"{origin}, {fault}" for fault in rows.faults], rows.total)
    if not rows.usable:
        nothing = ClipFlows.of([], [], source.scheme.classes)
        raise MapsError(_no_clips(Reading(nothing, rows, origin, source.scheme)))
    clips = ClipFlows.of(rows.usable, measuring.flows(cropped), source.scheme.classes)
    return Reading(clips, rows, origin, source.scheme)


def _differences(scheme: Scheme, rows: Sequence[Row]) -> Iterator[str]:
    """Tell of each database how its clips differ from those that are published of the scheme."""
    for database in sorted({row.database for row in rows} & scheme.published.keys()):
        own, published = (
            [row for row in rows if row.database == database],
            scheme.published[database],
        )
        labels = Counter(row.label for row in own)
        found = Published(
            tuple(labels[label] for label in range(len(scheme.classes))),
            len({row.person for row in own}),
        )
        if found != published:
            names = ", ".join(scheme.classes)
            yield f"of {database}, {scheme.title} has {published} ({names}); these are {found}"


def _no_clips(reading: Reading) -> str:
    classes = ", ".join(reading.scheme.classes)
    advice = (
        ": --apex middle or --apex spotted takes one" if NO_APEX in reading.rows.left_out else ""
    )
    return (
        f"{reading.origin} has no clip of the classes {classes} that can be used: "
        f"{reading.summary}{advice}"
    )


def _read_records(
    layout: Layout, source: Source, folders: FrameFolders
) -> tuple[list[Record], str]:
    """Return the rows, and the name of the file or folder that has them."""
    if layout.list_clips is not None:
        if source.sheet or source.worksheet or source.fixes or source.columns:
            options = "--sheet, --worksheet, --fixes and --columns do not apply"
            raise OptionError(f"{layout.title} has no sheet: {options}")
        return list_records(layout, folders), source.root.resolve().name
    sheet = source.sheet or find_sheet(layout, source.root)
    return read_records(layout, sheet, source.fixes, source.worksheet), sheet.name


def _crop_all(rows: Rows, measuring: Measuring) -> tuple[Rows, list[CroppedClip]]:
    """Crop the faces of all usable rows; those that cannot be cropped become faults."""
    usable: list[Row] = []
    faults: list[Fault] = []
    notes: list[str] = []
    clips: list[CroppedClip] = []
    for row, clip in zip(rows.usable, measuring.crop_all(rows.usable), strict=True):
        if isinstance(clip, Fault):
            faults.append(clip)
            continue
        usable.append(replace(row, apex=clip.apex))
        clips.append(clip)
        notes += [f"{row.place}: {row.name}: {note}" for note in clip.notes]
    checked = replace(rows, usable=tuple(usable), faults=(*rows.faults, *faults))
    return replace(checked, notes=(*rows.notes, *notes)), clips
