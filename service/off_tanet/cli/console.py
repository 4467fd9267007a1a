"""What commands share: options, JSON for programs, a few lines for people, a progress bar."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress
    from rich.table import Table

_STDERR = 2  # the file descriptor, as libraries in C know it

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
# `FaceMode` in words of its own: whoever asks for --help need not wait for the networks' libraries.
Face = Annotated[
    Literal["auto", "none"],
    typer.Option(help="auto: find the face; none: the frames are tight face crops."),
]


def path(text: str) -> Path:
    """Parse the path of a file or folder.

    Raises:
        typer.BadParameter: It is empty, as an unset variable of a shell; `Path` takes it for the
            current folder.
    """
    if not text:
        raise typer.BadParameter("the path is empty")
    return Path(text)


def answer(value: object) -> None:
    """Print one JSON value."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def show(*parts: RenderableType) -> None:
    """Print for people, in colour where the output is a terminal."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for part in parts:
        console.print(part)


def grid(*rows: tuple[str, ...]) -> Table:
    """Cells one below the other, the first of each row in bold."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for column in range(max(map(len, rows), default=0)):
        table.add_column(style="" if column else "bold", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def progress_bar() -> Progress:
    """A bar on standard error, so that the answer can be piped; none where nobody would see it."""
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
def silenced() -> Iterator[None]:
    """Nothing on standard error meanwhile: decoders of pictures print there what they find."""
    kept = os.dup(_STDERR)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
