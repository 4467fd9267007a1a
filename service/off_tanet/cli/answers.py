"""The answers for one or several files, as text or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from off_tanet.cli.console import print_json, show
from off_tanet.cli.exit_codes import ExitCode
from off_tanet.errors import EngineError, InstallationError, ModelError, OffTanetError

if TYPE_CHECKING:
    from rich.console import RenderableType

Json = dict[str, Any]
Format = Callable[[Json], Iterable["RenderableType"]]

_NOT_OF_ONE_FILE = (ModelError, InstallationError, EngineError)


def print_answers(
    files: Sequence[Path], answer: Callable[[Path], Json], text: Format, as_json: bool
) -> None:
    """Answer each file and print the answers in order.

    Several files give JSON lines as in `off-tanet batch`, or texts with a title. A bad file does
    not end the command, but gives exit code 1.

    Args:
        files: The files.
        answer: Returns the answer for a file.
        text: Formats an answer as text.
        as_json: Whether to print JSON.

    Raises:
        OffTanetError: The only file cannot be used.
        typer.Exit: One of several files cannot be used.
    """
    if len(files) == 1:
        print_answer(answer(files[0]), text, as_json)
        return
    bad = 0
    for place, file in enumerate(files):
        try:
            body = answer(file)
        except _NOT_OF_ONE_FILE:
            raise
        except OffTanetError as error:
            bad += 1
            _print_problem(file, error, as_json)
            continue
        if as_json:
            _print_line(file, body)
        else:
            show(*[""] * bool(place), f"{file}", *text(body))
    if bad:
        raise typer.Exit(ExitCode.INPUT)


def print_answer(body: Json, text: Format, as_json: bool) -> None:
    """Print one answer."""
    if as_json:
        print_json(body)
    else:
        show(*text(body))


def _print_problem(file: Path, error: OffTanetError, as_json: bool) -> None:
    from off_tanet.batch.rows import Row
    from off_tanet.batch.scoring import problem_result
    from off_tanet.files import printable

    if as_json:
        _print_line(file, problem_result(Row(Path(), clip=str(file)), error).answer)
    detail = error.detail.removeprefix(f"{printable(file.name)}: ")
    print(f"off-tanet: {printable(str(file))}: {detail} ({error.code})", file=sys.stderr)


def _print_line(file: Path, body: Json) -> None:
    from off_tanet.files import printable

    record = {"input": {"clip": printable(str(file))}, **body}
    print(json.dumps(record, ensure_ascii=False), flush=True)
