"""The command `evaluate-spotting`: scores of expressions that are spotted in long videos."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from off_tanet import cpu
from off_tanet.errors import OffTanetError

from off_tanet_export.datasets.schemes import MEGC2019, SCHEMES
from off_tanet_export.errors import MapsError, OptionError
from off_tanet_export.evaluation.events import read_events, with_classes, write_events
from off_tanet_export.evaluation.spotting_report import spotting_report, spotting_table
from off_tanet_export.evaluation.videos import SpottingOptions, find_videos, spot_videos


def add_spotting_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate-spotting`."""
    command.add_argument(
        "--truth", type=Path, required=True,
        help="sheet of annotated events: video, onset, offset; subject, type, emotion if known",
    )  # fmt: skip
    command.add_argument(
        "--database", choices=("casme-sq", "samm-lv"),
        help="whose sheet --truth is, as delivered; default: one with the columns above",
    )  # fmt: skip
    command.add_argument(
        "--skip-unusable", action="store_true",
        help="go on without events that cannot be used, such as those with an offset of 0",
    )  # fmt: skip
    command.add_argument(
        "--videos", type=Path, metavar="FOLDER",
        help="videos, as files or as folders of frames; those without events count, too",
    )  # fmt: skip
    command.add_argument(
        "--predictions", type=Path, metavar="FILE",
        help="sheet of spotted events, as --truth; nothing is spotted then",
    )  # fmt: skip
    command.add_argument("--output", type=Path, metavar="CSV", help="write the spotted events")
    command.add_argument(
        "--scheme", choices=tuple(SCHEMES),
        help="class of each emotion; default: megc2019 with --videos, else emotions as they are",
    )  # fmt: skip
    _add_video_options(command)
    command.add_argument("--json", action="store_true", help="print JSON")


def _add_video_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--fps", type=float, help="frames a second of folders of frames")
    command.add_argument(
        "--first-frame", type=int, default=0, metavar="NUMBER",
        help="number of the first frame of video files in --truth; default: 0. Frames in folders "
        "have the numbers in their names",
    )  # fmt: skip
    command.add_argument(
        "--cropped", action="store_true", help="the frames are already tight face crops"
    )
    command.add_argument("--model", type=Path, help="ONNX file; default: the shipped one")
    command.add_argument(
        "--processes", type=int, default=cpu.available(), help="videos at once; default: all cores"
    )


def run_spotting(args: argparse.Namespace) -> None:
    """Run `evaluate-spotting`.

    Raises:
        OptionError: Options do not fit together.
        MapsError: Videos or sheets cannot be used.
    """
    _check_options(args)
    true = read_events(args.truth, args.database, skip_unusable=args.skip_unusable)
    videos = find_videos(args.videos, true) if args.videos else []
    if args.predictions:
        found = read_events(args.predictions)
    else:
        options = SpottingOptions(args.fps, args.first_frame, args.cropped, args.model)
        try:
            found = spot_videos(videos, options, args.processes)
        except OffTanetError as error:
            raise MapsError(error.detail) from error
    if args.output:
        write_events(found, args.output)
    name = args.scheme or (None if args.predictions else MEGC2019.name)
    if name:
        true, found = (with_classes(events, SCHEMES[name]) for events in (true, found))
    report = spotting_report(true, found, [video.name for video in videos])
    print(json.dumps(report, indent=2) if args.json else spotting_table(report))


def _check_options(args: argparse.Namespace) -> None:
    if not args.videos and not args.predictions:
        raise OptionError("evaluate-spotting needs --videos or --predictions")
    if args.output and args.predictions:
        raise OptionError("--output is for what is spotted in --videos")
    if args.output and not args.output.parent.is_dir():
        raise MapsError(f"the folder {args.output.parent} does not exist")
    if args.fps is not None and not args.fps > 0:
        raise OptionError("--fps must be above 0")
    if args.processes < 1:
        raise OptionError("--processes must be at least 1")
