"""`off-tanet batch`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from off_tanet.cli.bootstrap import create_recognizer, load_settings
from off_tanet.cli.console import (
    AsJson,
    ConfigPath,
    Face,
    grid,
    path,
    print_json,
    progress_bar,
    show,
)
from off_tanet.cli.exit_codes import CommandError, ExitCode
from off_tanet.cli.inputs import STANDARD_STREAM, Rate, expand
from off_tanet.face_choice import FaceChoice
from off_tanet.files import printable

if TYPE_CHECKING:
    from off_tanet.batch.folder import Skipped
    from off_tanet.batch.rows import Row
    from off_tanet.batch.scoring import Result
    from off_tanet.batch.writers import Output
    from off_tanet.settings import Settings

    Scorer = Callable[[Sequence[Row]], AsyncGenerator[Result]]


def batch(
    source: Annotated[
        list[Path],
        typer.Argument(
            parser=path,
            metavar="SOURCE...",
            help="A clip; a folder of clips; or a .csv, .tsv or .parquet file with the columns "
            "onset and apex, or clip, whose paths are relative to it; - for text on standard "
            "input.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            parser=path,
            help="Results file: .jsonl, .csv or .parquet; - for JSON lines on standard output.",
        ),
    ],
    fps: Rate = None,
    face: Face = "auto",
    as_json: AsJson = False,
    on_ray: Annotated[
        bool,
        typer.Option("--ray", help="Use all cores of the Ray cluster that RAY_ADDRESS names."),
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Score many pairs or clips on all cores.

    Run it again to continue an interrupted run. A bad file gets a problem as its result and does
    not end the run. OFF_TANET_WORKERS limits the cores, OFF_TANET_DEADLINE_S the seconds per row.
    """
    from off_tanet.batch.journal import OutputError
    from off_tanet.batch.manifest import ManifestError

    settings = load_settings(config)
    score = _scorer(on_ray, settings, face)
    # Fails at once if there is no model, where every row would fail after its deadline.
    classes = create_recognizer(settings).card.classes
    sources = expand(source)
    left_out = _left_out(sources, fps)
    try:
        run = _run(sources, fps, output, score, classes)
    except ManifestError as error:
        raise CommandError("; ".join([str(error), *_lines(left_out[:3])]), ExitCode.INPUT) from None
    except OutputError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    _summarise(run, output, left_out, as_json)


@dataclass(frozen=True, slots=True)
class _Run:
    """The outcome of a run: rows done before, results by problem code (None: scored), seconds."""

    done_before: int
    codes: Counter[str | None]
    took_s: float


def _left_out(sources: Sequence[Path], fps: float | None) -> list[Skipped]:
    from off_tanet.batch.folder import Skipped, find_skipped

    found: list[Skipped] = []
    for source in sources:
        if source.is_dir():
            place = "" if len(sources) == 1 else f"{source}/"
            skipped = find_skipped(source, frame_folders=fps is not None)
            found += [Skipped(place + each.file, each.reason) for each in skipped]
    return found


def _run(
    sources: Sequence[Path],
    fps: float | None,
    output: Path,
    score: Scorer,
    classes: Sequence[str],
) -> _Run:
    """Score the rows that have no result yet.

    Raises:
        ManifestError: A source cannot be read.
        OutputError: The results cannot be written.
    """
    from off_tanet.batch.journal import key_of
    from off_tanet.batch.manifest import read_sources
    from off_tanet.batch.writers import open_output

    rows = read_sources(sources, fps)
    others = list(dict.fromkeys(name for row in rows for name, _ in row.others))
    with open_output(output, classes, others) as opened:
        pending = [row for row in rows if key_of(row.input) not in opened.done]
        start = time.monotonic()
        codes = Counter[str | None]()
        if pending:
            codes = asyncio.run(_write(score(pending), len(pending), opened))
        return _Run(len(rows) - len(pending), codes, time.monotonic() - start)


def _scorer(on_ray: bool, settings: Settings, face: FaceChoice) -> Scorer:
    """Return a function that scores rows on this machine or on a Ray cluster."""
    configured: dict[str, Any] = {
        "configuration": settings.configuration,
        "limits": settings.engine_limits,
        "face": face,
    }
    if not on_ray:
        from off_tanet.batch import runner

        return partial(runner.score_rows, **configured)
    try:
        from off_tanet.batch import ray_runner
    except ModuleNotFoundError:
        message = "--ray needs the extra ray: pip install 'off-tanet[ray]'"
        raise CommandError(message, ExitCode.USAGE) from None
    return partial(ray_runner.score_rows, **configured)


async def _write(
    results: AsyncGenerator[Result], count: int, output: Output
) -> Counter[str | None]:
    """Write each result on completion; return the number of results by problem code, or None."""
    codes: Counter[str | None] = Counter()
    with progress_bar() as bar:
        task = bar.add_task("rows", total=count)
        async with aclosing(results):
            async for result in results:
                output.add(result.record)
                codes[result.problem_code] += 1
                bar.advance(task)
    return codes


def _summarise(run: _Run, output: Path, left_out: Sequence[Skipped], as_json: bool) -> None:
    problems = {code: count for code, count in run.codes.most_common() if code is not None}
    scored, bad = run.codes[None], sum(problems.values())
    stream = sys.stderr if output == STANDARD_STREAM else sys.stdout
    if as_json:
        summary: dict[str, object] = {
            "skipped": run.done_before,
            "scored": scored,
            "problems": problems,
        }
        summary["left_out"] = [
            {"file": printable(file.file), "reason": file.reason} for file in left_out
        ]
        seconds = round(run.took_s, 3)
        print_json({"output": str(output), **summary, "seconds": seconds}, file=stream)
        return
    kinds = ", ".join(f"{code} {count}" for code, count in problems.items())
    show(
        grid(
            ("skipped", f"{run.done_before}, done before"),
            *(("left out", line) for line in _lines(left_out)),
            ("scored", f"{scored}"),
            ("problems", f"{bad}: {kinds}" if bad else "none"),
            ("output", f"{output}, after {run.took_s:.1f} s"),
        ),
        file=stream,
    )


def _lines(left_out: Sequence[Skipped]) -> list[str]:
    return [f"{printable(file.file)}: {file.reason}" for file in left_out]
