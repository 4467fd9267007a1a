"""The files that a command names: patterns, standard input, folders of frames."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from off_tanet.cli.console import path
from off_tanet.cli.exit_codes import CommandError, ExitCode

if TYPE_CHECKING:
    from off_tanet.recognition.media.sources import Source

STANDARD_STREAM = Path("-")

Clips = Annotated[
    list[Path],
    typer.Argument(
        parser=path,
        metavar="FILE...",
        help="MP4, MOV, AVI, WebM, MKV or GIF; - for standard input; or a folder of frames.",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--fps",
        min=1,
        max=10_000,
        help="Frames per second of folders of frames, which are read in the order of the numbers "
        "in their names.",
    ),
]


def expand(named: Sequence[Path]) -> list[Path]:
    """Replace patterns such as `*.mp4` by the files they match, as shells other than cmd.exe do.

    A file with such a name is itself; a pattern without a match stays, and will not be found.
    """
    from off_tanet.files import natural_order

    found: list[Path] = []
    for each in named:
        pattern = str(each)
        matches = [] if each.exists() else glob.glob(pattern, recursive=True)
        found += map(Path, sorted(matches, key=natural_order)) if matches else [each]
    return found


def read(file: Path, limit: int) -> bytes:
    """Read a file or standard input, as `files.read`.

    Raises:
        UnreadableFileError: The file cannot be read.
    """
    from off_tanet import files

    return files.read_standard_input(limit) if file == STANDARD_STREAM else files.read(file, limit)


def open_source(file: Path, fps: float | None, limit: int) -> Source:
    """Return the frames of a folder, or the content of a file.

    Raises:
        CommandError: The frame rate of a folder is missing.
        UnreadableFileError: The file or folder cannot be read.
    """
    from off_tanet.recognition.media.frame_files import FrameFiles, list_frames

    if not file.is_dir() or not (fps or list_frames(file)):
        return read(file, limit)
    if fps is None:
        raise CommandError(f"{file} is a folder of frames: give their rate, --fps", ExitCode.USAGE)
    return FrameFiles.of(file, fps)
