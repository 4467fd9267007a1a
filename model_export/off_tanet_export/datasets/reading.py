"""From a database as delivered to flows: by the face, crop and flow of the service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from off_tanet.configuration import ASSETS
from off_tanet.errors import MediaError, NoFaceError, OffTanetError
from off_tanet.limits import MediaLimits, Thresholds
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import FaceTracker
from off_tanet.recognition.face.tracking import PreCroppedTracker, Tracker
from off_tanet.recognition.media.images import decode_image, decode_pair
from off_tanet.recognition.motion.stabilization import expression_flow
from off_tanet.recognition.pair import CropPair, crop_pair, spot_pair
from off_tanet.recognition.spotting.scenes import TrackedClip
from off_tanet.types import Pixels
from tqdm import tqdm

from off_tanet_export.datasets.checks import check_rows
from off_tanet_export.datasets.clip_flows import ClipFlows
from off_tanet_export.datasets.frames import FrameFolders
from off_tanet_export.datasets.layouts import LAYOUTS
from off_tanet_export.datasets.layouts.layout import Layout
from off_tanet_export.datasets.people import database_name
from off_tanet_export.datasets.records import (
    Fixes,
    Record,
    find_sheet,
    list_records,
    read_records,
)
from off_tanet_export.datasets.rows import ApexRule, Fault, Row, RowFaultError, Rows, Rules
from off_tanet_export.datasets.schemes import MEGC2019, Scheme
from off_tanet_export.errors import MapsError, OptionError, RowsError

_LIMITS, _THRESHOLDS = MediaLimits(), Thresholds()


@dataclass(frozen=True, slots=True)
class Source:
    """A database on disk, and what to read of it.

    Attributes:
        database: A key of `LAYOUTS`.
        root: The folder of the database.
        sheet: Its spreadsheet; None to search it in the folder.
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
    """

    clips: ClipFlows
    rows: Rows
    origin: str

    @property
    def remarks(self) -> list[str]:
        """A line for each clip that was skipped, or about which something is odd."""
        skipped = [f"skipped: {fault}" for fault in self.rows.faults]
        return skipped + [f"note: {note}" for note in self.rows.notes]

    @property
    def summary(self) -> str:
        """The closing line: how many rows were used, and why others were not."""
        counts = Counter({f"{count} {name}": count for name, count in self.rows.left_out.items()})
        kinds = Counter(fault.kind for fault in self.rows.faults)
        parts = [f"{self.rows.total} rows: {len(self.rows.usable)} used"]
        parts += [text for text, _ in counts.most_common()]
        parts += [f"{count} {kind}" for kind, count in kinds.most_common()]
        return "; ".join(parts)


def read_database(source: Source, *, skip_unusable: bool = False) -> Reading:
    """Read a database. All rows, frames and faces are checked before any flow is computed.

    Args:
        source: The database, and what to read of it.
        skip_unusable: Whether to go on without the clips that cannot be used.

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
    rows, pairs = _crop_all(rows, layout.rate, None if source.cropped else FaceDetector(ASSETS))
    if rows.faults and not skip_unusable:
        raise RowsError([f"{origin}, {fault}" for fault in rows.faults], rows.total)
    if not rows.usable:
        summary = Reading(ClipFlows.of([], [], source.scheme.classes), rows, origin).summary
        raise MapsError(
            f"{origin} has no clip of the classes {', '.join(source.scheme.classes)} that can be "
            f"used: {summary}"
        )
    with tqdm(pairs, desc="flow", unit="clip", disable=None) as bar:
        flows = [expression_flow(*pair.crops, pair.shape).flow for pair in bar]
    return Reading(ClipFlows.of(rows.usable, flows, source.scheme.classes), rows, origin)


def _read_records(
    layout: Layout, source: Source, folders: FrameFolders
) -> tuple[list[Record], str]:
    """Return the rows, and the name of the file or folder that has them."""
    if layout.list_clips is not None:
        if source.sheet or source.fixes or source.columns:
            raise OptionError(
                f"{layout.title} has no sheet: --sheet, --fixes and --columns do not apply"
            )
        return list_records(layout, folders), source.root.name
    sheet = source.sheet or find_sheet(layout, source.root)
    return read_records(layout, sheet, source.fixes), sheet.name


def _crop_all(
    rows: Rows, rate: float, detector: FaceDetector | None
) -> tuple[Rows, list[CropPair]]:
    """Crop the faces of all usable rows; those that cannot be cropped become faults."""
    usable: list[Row] = []
    faults: list[Fault] = []
    notes: list[str] = []
    pairs: list[CropPair] = []
    with tqdm(rows.usable, desc="faces", unit="clip", disable=None) as bar:
        for row in bar:
            try:
                apex = _spot_apex(row, rate, detector) if row.apex is None else row.apex
                pairs.append(_crop(row, apex, detector))
                usable.append(replace(row, apex=apex))
                if pairs[-1].different_scenes:
                    notes.append(f"{row.place}: {row.name}: onset and apex may be of two people")
            except RowFaultError as error:
                faults.append(row.fault(error))
    faults = [*rows.faults, *faults]
    checked = replace(rows, usable=tuple(usable), faults=tuple(faults))
    return replace(checked, notes=(*rows.notes, *notes)), pairs


def _tracker(detector: FaceDetector | None) -> Tracker:
    return PreCroppedTracker() if detector is None else FaceTracker(detector)


def _crop(row: Row, apex_number: int, detector: FaceDetector | None) -> CropPair:
    """Decode onset and apex as the service decodes a pair, and crop the face on them."""
    onset, apex = paths = row.frames[row.onset], row.frames[apex_number]
    try:
        pictures = decode_pair(onset.read_bytes(), apex.read_bytes(), _LIMITS)
    except MediaError as error:
        names = f"{onset.name} or {apex.name}"
        raise RowFaultError("no picture", f"{names}: {error.detail}") from error
    for path, picture in zip(paths, pictures, strict=True):
        if picture.damaged:
            raise RowFaultError("damaged", f"{path.name}: the picture is damaged")
    sizes = [picture.pixels.shape[:2] for picture in pictures]
    if sizes[0] != sizes[1]:
        texts = " and ".join(f"{width} x {height}" for height, width in sizes)
        raise RowFaultError("of two sizes", f"onset and apex have different sizes, {texts}")
    try:
        return crop_pair(pictures[0].pixels, pictures[1].pixels, _tracker(detector))
    except NoFaceError as error:
        raise _no_face(row) from error


def _spot_apex(row: Row, rate: float, detector: FaceDetector | None) -> int:
    """Spot the apex between onset and offset as the service does in a clip."""
    last = max(row.frames) if row.offset is None else row.offset
    numbers = sorted(number for number in row.frames if row.onset <= number <= last)
    tracker = _tracker(detector)
    try:
        frames = [tracker.track(_decode(row.frames[number])) for number in numbers]
        times = (np.array(numbers, np.float32) - row.onset) / np.float32(rate)
        pair, _ = spot_pair(TrackedClip(frames, times), 0, None, _THRESHOLDS, None)
    except NoFaceError as error:
        raise _no_face(row) from error
    except OffTanetError as error:
        raise RowFaultError("without a spotted apex", error.detail) from error
    return numbers[pair.apex.index]


def _decode(path: Path) -> Pixels:
    try:
        return decode_image(path.read_bytes(), _LIMITS)
    except MediaError as error:
        raise RowFaultError("no picture", f"{path.name}: {error.detail}") from error


def _no_face(row: Row) -> RowFaultError:
    return RowFaultError("without a face", f"no face on the onset frame, {row.onset}")
