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

from off_tanet import cpu
from off_tanet.types import CROP_SIZE

from off_tanet_export.datasets.clip_flows import save_flows
from off_tanet_export.datasets.fixes import load_fixes
from off_tanet_export.datasets.folder_patterns import folder_template
from off_tanet_export.datasets.layouts import LAYOUTS
from off_tanet_export.datasets.layouts.layout import COLUMNS
from off_tanet_export.datasets.outputs import check_room, check_writable
from off_tanet_export.datasets.reading import Reading, Source, read_database
from off_tanet_export.datasets.rows import ApexRule
from off_tanet_export.datasets.schemes import MEGC2019, SCHEMES, custom_scheme
from off_tanet_export.errors import OptionError, RowsError

KINDS = ("micro", "macro")

_USAGE = (
    "off-tanet data read ROOT --database NAME --output FILE.npz [options]\n\n"
    "example: off-tanet data read CASME2 --database casme2 --output casme2.npz"
)
_ADVICE = (
    "mend them with --fixes, take another apex with --apex, or leave them out with --skip-unusable"
)
_MAPS = (
    "u (right), v (down) and strain, sqrt(ux^2 + vy^2 + (uy + vx)^2 / 2), of the averaged flow; "
    "each scaled from its own range to 0..255"
)
_BYTES_A_CLIP = 2 * 2 * CROP_SIZE**2  # of a flow in half precision, before compression


def add_data_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `data`."""
    actions = command.add_subparsers(dest="action", required=True, metavar="read")
    read = actions.add_parser(
        "read",
        usage=_USAGE,
        help="read a database into a file of flows or maps",
        description=(
            "Read a database as it is delivered: its sheet and its folders of frames. All rows, "
            "frames and faces are checked before any flow is computed, and all that is wrong is "
            "listed at once, with its line. The file is written as a whole or not at all."
        ),
    )
    read.add_argument("root", type=Path, nargs="?", metavar="ROOT", help="folder of the database")
    read.add_argument(
        "--database", choices=tuple(LAYOUTS), required=True, metavar="NAME",
        help="which one it is: "
        + "; ".join(f"{name} ({layout.title})" for name, layout in LAYOUTS.items()),
    )  # fmt: skip
    read.add_argument(
        "--output", type=Path, required=True, metavar="FILE.npz",
        help="file to write; one that is there is replaced",
    )  # fmt: skip
    read.add_argument(
        "--maps", type=int, metavar="SIZE", dest="map_size",
        help="write maps (u right, v down, strain) of this size instead of flows, each scaled to "
        "0..255 by its own range: 28 is usual",
    )  # fmt: skip
    read.add_argument(
        "--processes", type=int, default=cpu.available(), metavar="N",
        help="processes that work at once; default: as many as there are cores",
    )  # fmt: skip
    _add_clip_options(read.add_argument_group("which clips"))
    _add_source_options(read.add_argument_group("copies that differ, and your own data"))


def _add_clip_options(read: argparse._ArgumentGroup) -> None:
    read.add_argument(
        "--scheme", choices=tuple(SCHEMES), default=MEGC2019.name,
        help="classes: megc2019 (the default) has negative, positive, surprise, and exactly the "
        "clips of MEGC2019; casme2-5 and emotions-7 have emotions",
    )  # fmt: skip
    read.add_argument(
        "--classes", nargs="+", metavar="CLASS=EMOTION,EMOTION",
        help="classes of your own, such as smile=happiness rest=others,disgust; CLASS alone is the "
        "emotion of that name",
    )  # fmt: skip
    read.add_argument(
        "--kinds", nargs="+", default=["micro"], metavar="KIND",
        help="micro (the default), macro or both, where the sheet tells them apart",
    )  # fmt: skip
    read.add_argument(
        "--apex", choices=get_args(ApexRule), default="marked",
        help="of clips whose apex is not marked or not after the onset: leave out or list them "
        "(marked, the default), or take the frame in the middle, or the one that the service spots",
    )  # fmt: skip
    read.add_argument(
        "--skip-unusable", action="store_true",
        help="go on without clips that cannot be used, and say which",
    )  # fmt: skip
    read.add_argument(
        "--fixes", type=Path, metavar="FILE",
        help="corrections, which leave the sheet as it is: a table with the columns line (of the "
        "sheet), column and value",
    )  # fmt: skip


def _add_source_options(read: argparse._ArgumentGroup) -> None:
    read.add_argument(
        "--cropped", action="store_true",
        help="frames are tight face crops; otherwise the face is searched",
    )  # fmt: skip
    read.add_argument(
        "--sheet", type=Path, metavar="FILE",
        help="the spreadsheet; default: the one in ROOT, or up to two folders below it, that has "
        "the columns",
    )  # fmt: skip
    read.add_argument(
        "--worksheet", metavar="NAME", help="the sheet in a workbook that has several of clips"
    )
    read.add_argument(
        "--columns", nargs="+", default=[], metavar="NAME=COLUMN",
        help=f"columns of other titles: NAME is one of {', '.join(COLUMNS)}; COLUMN is its title "
        "in the sheet, or its number in a sheet without a header",
    )  # fmt: skip
    read.add_argument(
        "--folders", nargs="+", default=[], metavar="PATTERN",
        help="where frames are below any folder of ROOT, such as {subject}/{clip} or "
        "sub{person:02}/{clip}*: names in braces are columns, or person, the subject's number; "
        "* is any text",
    )  # fmt: skip
    read.add_argument(
        "--name",
        help="name of your own data (--database csv), by which its people are told from those of "
        "other databases",
    )  # fmt: skip


def run_data(args: argparse.Namespace) -> None:
    """Run `data read`.

    Raises:
        OptionError: Options do not fit together.
        MapsError: The database cannot be read, or the file not written.
        RowsError: Clips cannot be used.
    """
    source = _source(args)
    check_writable(args.output)
    try:
        reading = read_database(
            source,
            skip_unusable=args.skip_unusable,
            processes=args.processes,
            prepare=lambda clips: check_room(args.output, clips * _BYTES_A_CLIP),
        )
    except RowsError as error:
        raise RowsError(error.faults, error.total, _ADVICE) from error
    for line in reading.remarks:
        print(line, file=sys.stderr)
    about = _about(source, reading) | ({"maps": _MAPS} if args.map_size else {})
    save_flows(replace(reading.clips, about=about), args.output, args.map_size)
    print(reading.summary)
    print(_description(reading))
    if args.map_size:
        print(f"maps {args.map_size} x {args.map_size}: {_MAPS}")


def _source(args: argparse.Namespace) -> Source:
    root = _root(args)
    _check_options(args)
    scheme = custom_scheme(args.classes) if args.classes else SCHEMES[args.scheme]
    return Source(
        args.database, root, args.sheet, args.name or "", scheme, tuple(args.kinds),
        args.apex, args.cropped, load_fixes(args.fixes) if args.fixes else {},
        _columns(args.columns), tuple(map(folder_template, args.folders)), args.worksheet,
    )  # fmt: skip


def _check_options(args: argparse.Namespace) -> None:
    if args.output.suffix != ".npz":
        raise OptionError(f"--output: the name of the file must end in .npz: {args.output}")
    if args.map_size is not None and (args.map_size < 1 or CROP_SIZE % args.map_size):
        raise OptionError(f"--maps: the size must divide {CROP_SIZE}: {args.map_size}")
    unknown = [kind for kind in args.kinds if kind not in KINDS]
    if unknown:
        raise OptionError(f"--kinds: {unknown[0]} is none of {', '.join(KINDS)}")
    if args.processes < 1:
        raise OptionError(f"--processes: there must be one: {args.processes}")
    if args.database == "csv" and not (args.name or "").strip():
        raise OptionError("--database csv needs a --name for your data")
    if args.database != "csv" and args.name:
        raise OptionError("--name is for --database csv only: other databases have their own")


def _root(args: argparse.Namespace) -> Path:
    """Return the folder of the database, which the option before it may have taken for a word."""
    if args.root is None:
        for words in (args.classes or [], args.kinds, args.columns, args.folders):
            if len(words) > 1 and Path(words[-1]).is_dir():
                return Path(words.pop())
        raise OptionError("ROOT, the folder of the database, is missing; see data read --help")
    return Path(args.root)


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
        "folders": list(source.folders),
        "worksheet": source.worksheet,
        "summary": reading.summary,
        "skipped": [str(fault) for fault in reading.rows.faults],
        "notes": reading.notes,
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
