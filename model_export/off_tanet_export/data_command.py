"""The command `data`: a database as it is delivered becomes a file for training and evaluation."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from off_tanet.types import CROP_SIZE

from off_tanet_export.datasets.clip_flows import save_flows
from off_tanet_export.datasets.fixes import load_fixes
from off_tanet_export.datasets.layouts import LAYOUTS
from off_tanet_export.datasets.layouts.layout import COLUMNS
from off_tanet_export.datasets.reading import Reading, Source, read_database
from off_tanet_export.datasets.rows import ApexRule
from off_tanet_export.datasets.schemes import MEGC2019, SCHEMES, custom_scheme
from off_tanet_export.errors import MapsError, OptionError

KINDS = ("micro", "macro")


def add_data_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `data`."""
    actions = command.add_subparsers(dest="action", required=True, metavar="read")
    read = actions.add_parser(
        "read",
        description=(
            "Read a database as it is delivered: its sheet and its folders of frames. All rows, "
            "frames and faces are checked before any flow is computed, and all that is wrong is "
            "listed at once."
        ),
    )
    read.add_argument("root", type=Path, metavar="ROOT", help="the folder of the database")
    read.add_argument("--database", choices=tuple(LAYOUTS), required=True, help="which one it is")
    read.add_argument("--output", type=Path, required=True, help="the .npz file to write")
    _add_source_options(read)
    read.add_argument(
        "--skip-unusable", action="store_true", help="go on without clips that cannot be used"
    )
    read.add_argument(
        "--fixes", type=Path,
        help="sheet of corrections: the columns line, column and value",
    )  # fmt: skip
    read.add_argument(
        "--maps", type=int, metavar="SIZE", dest="map_size",
        help="write maps (u, v, strain) of this size, scaled to 0..255, instead of flows: "
        "28 is usual",
    )  # fmt: skip


def _add_source_options(read: argparse.ArgumentParser) -> None:
    read.add_argument(
        "--sheet", type=Path, help="the spreadsheet; default: the only one in ROOT or just below"
    )
    read.add_argument(
        "--name",
        help="name of your own data, by which its people are told from those of other databases",
    )
    read.add_argument(
        "--scheme",
        choices=tuple(SCHEMES),
        default=MEGC2019.name,
        help="which emotion is of which class",
    )
    read.add_argument(
        "--classes", nargs="+", metavar="CLASS=EMOTION,EMOTION",
        help="a scheme of your own; CLASS alone is the emotion of that name",
    )  # fmt: skip
    read.add_argument(
        "--columns", nargs="+", default=[], metavar="NAME=COLUMN",
        help=f"names of columns that are not found, or other ones ({', '.join(COLUMNS)}); "
        "the number of a column in sheets without a header",
    )  # fmt: skip
    read.add_argument(
        "--folders", nargs="+", default=[], metavar="PATTERN",
        help="where the frames of clips are, such as {subject}/{clip} or sub{person:02}/{clip}*",
    )  # fmt: skip
    read.add_argument(
        "--kinds", choices=KINDS, nargs="+", default=["micro"],
        help="kinds of expressions, where the sheet has several; default: micro",
    )  # fmt: skip
    read.add_argument(
        "--apex", choices=get_args(ApexRule), default="marked",
        help="clips without a usable apex: left out (marked), or the frame in the middle, or the "
        "one that the service spots",
    )  # fmt: skip
    read.add_argument(
        "--cropped", action="store_true", help="the frames are already tight face crops"
    )


def run_data(args: argparse.Namespace) -> None:
    """Run `data read`.

    Raises:
        OptionError: Options do not fit together.
        MapsError: The database cannot be read.
        RowsError: Clips cannot be used.
    """
    source = _source(args)
    reading = read_database(source, skip_unusable=args.skip_unusable)
    for line in reading.remarks:
        print(line, file=sys.stderr)
    clips = replace(reading.clips, about=_about(source, reading))
    save_flows(clips, args.output, args.map_size)
    print(reading.summary)
    print(_description(reading))


def _source(args: argparse.Namespace) -> Source:
    if not args.output.parent.is_dir():
        raise MapsError(f"the folder {args.output.parent} does not exist")
    if args.map_size is not None and (args.map_size < 1 or CROP_SIZE % args.map_size):
        raise OptionError(f"--maps: the size must divide {CROP_SIZE}: {args.map_size}")
    if args.database == "csv" and not args.name:
        raise OptionError("--database csv needs a --name for your data")
    if args.database != "csv" and args.name:
        raise OptionError("--name is for --database csv only: other databases have their own")
    scheme = custom_scheme(args.classes) if args.classes else SCHEMES[args.scheme]
    return Source(
        args.database, args.root, args.sheet, args.name or "", scheme, tuple(args.kinds),
        args.apex, args.cropped, load_fixes(args.fixes) if args.fixes else {},
        _columns(args.columns), tuple(args.folders),
    )  # fmt: skip


def _columns(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise OptionError(f"--columns: {text!r} is not NAME=COLUMN")
    return {name.casefold(): title for name, _, title in (text.partition("=") for text in texts)}


def _about(source: Source, reading: Reading) -> dict[str, Any]:
    """What was done, without a path of this machine."""
    return {
        "program": f"off-tanet {version('off-tanet')}",
        "database": source.database,
        "source": reading.origin,
        "scheme": source.scheme.name,
        "classes": dict(source.scheme.by_emotion),
        "kinds": list(source.kinds),
        "apex": source.apex,
        "apexes_not_marked": sum(not row.marked for row in reading.rows.usable),
        "cropped": source.cropped,
        "fixes": {str(line): dict(cells) for line, cells in source.fixes.items()},
        "columns": dict(source.columns),
        "summary": reading.summary,
        "skipped": [str(fault) for fault in reading.rows.faults],
    }


def _description(reading: Reading) -> str:
    """The numbers of clips and people."""
    clips, rows = reading.clips, reading.rows.usable
    labels = Counter(row.label for row in rows)
    counts = ", ".join(f"{labels[at]} {name}" for at, name in enumerate(clips.classes))
    people = len({(row.database, row.person) for row in rows})
    taken = sum(not row.marked for row in rows)
    apexes = f"; {taken} apexes not marked" if taken else ""
    return f"{len(rows)} clips of {people} people: {counts}{apexes}"
