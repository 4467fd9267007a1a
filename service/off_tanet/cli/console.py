"""What commands share: option types, output as JSON or as text, a progress bar."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from off_tanet.face_choice import FaceChoice, FaceCount, parse_face

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress
    from rich.table import Table

_STDERR = 2  # the file descriptor that C libraries write to

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def _face(text: str) -> FaceChoice:
    try:
        return parse_face(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Face = Annotated[
    Any,  # a FaceChoice: Typer does not support unions
    typer.Option(
        parser=_face,
        metavar="FACE",
        help="auto or largest: the largest face; an index in the order of size, where 0 is the "
        "largest; a box x,y,width,height in pixels: the face in it; none: the frames are tight "
        "face crops.",
    ),
]
Faces = Annotated[FaceCount, typer.Option(help="all: analyse every face, up to a limit.")]


def path(text: str) -> Path:
    """Parse the path of a file or folder.

    Raises:
        typer.BadParameter: The path is empty, as from an unset shell variable. `Path` would take
            it for the current folder.
    """
    if not text:
        raise typer.BadParameter("the path is empty")
    return Path(text)


ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        parser=path,
        metavar="FILE.toml",
        help="Settings, over which environment variables win; by default OFF_TANET_CONFIG, "
        "off-tanet.toml here, or off-tanet/config.toml in ~/.config or /etc.",
    ),
]


def print_json(value: object, file: TextIO | None = None) -> None:
    """Print one JSON value, on standard output unless another file is given."""
    print(json.dumps(value, indent=2, ensure_ascii=False), file=file)


def show(*parts: RenderableType, file: TextIO | None = None) -> None:
    """Print text and tables, in colour on a terminal."""
    from rich.console import Console

    console = Console(file=file, highlight=False, markup=False, soft_wrap=True)
    for part in parts:
        console.print(part)


def grid(*rows: tuple[str, ...]) -> Table:
    """Return a table without lines; the first cell of each row is bold."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for column in range(max(map(len, rows), default=0)):
        table.add_column(style="" if column else "bold", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def progress_bar() -> Progress:
    """Return a progress bar on standard error, hidden where that is not a terminal."""
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


@contextmanager
def suppress_stderr() -> Iterator[None]:
    """Discard what C libraries print to standard error: image decoders report damage there."""
    saved = os.dup(_STDERR)
    try:
        with open(os.devnull, "wb") as null:
            os.dup2(null.fileno(), _STDERR)
        yield
    finally:
        os.dup2(saved, _STDERR)
        os.close(saved)
