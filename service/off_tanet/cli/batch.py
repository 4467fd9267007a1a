"""`off-tanet batch`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from off_tanet.cli.bootstrap import create_recognizer, load_settings
from off_tanet.cli.console import AsJson, Face, grid, path, print_json, progress_bar, show
from off_tanet.cli.exit_codes import CommandError, ExitCode
from off_tanet.files import printable

if TYPE_CHECKING:
    from off_tanet.batch.folder import Skipped
    from off_tanet.batch.scoring import Result
    from off_tanet.batch.writers import Output


def batch(
    source: Annotated[
        Path,
        typer.Argument(
            parser=path,
            metavar="FOLDER_OR_CSV",
            help="A folder of clips; or a .csv, .tsv or .parquet file with the columns onset and "
            "apex, or clip, whose paths are relative to it.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", parser=path, help="Results file: .jsonl, .csv or .parquet."),
    ],
    face: Face = "auto",
    as_json: AsJson = False,
    on_ray: Annotated[
        bool,
        typer.Option("--ray", help="Use all cores of the Ray cluster that RAY_ADDRESS names."),
    ] = False,
) -> None:
    """Score many pairs or clips on all cores.

    Run it again to continue an interrupted run. A bad file gets a problem as its result and does
    not end the run. OFF_TANET_WORKERS limits the cores, OFF_TANET_DEADLINE_S the seconds per row.
    """
    from off_tanet.batch.folder import find_skipped
    from off_tanet.batch.journal import OutputError, key_of
    from off_tanet.batch.manifest import ManifestError, read_rows
    from off_tanet.batch.writers import open_output

    settings = load_settings()
    score_rows = _scorer(on_ray)
    create_recognizer(settings)  # fails at once, where every row would fail after its deadline
    left_out = find_skipped(source) if source.is_dir() else []
    try:
        rows = read_rows(source)
        with open_output(output) as opened:
            pending = [row for row in rows if key_of(row.input) not in opened.done]
            start = time.monotonic()
            codes = Counter[str | None]()
            if pending:
                results = score_rows(pending, settings.configuration, settings.engine_limits, face)
                codes = asyncio.run(_write(results, len(pending), opened))
            took_s = time.monotonic() - start
    except ManifestError as error:
        raise CommandError("; ".join([str(error), *_lines(left_out[:3])]), ExitCode.INPUT) from None
    except OutputError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    _summarise(len(rows) - len(pending), codes, took_s, output, left_out, as_json)


def _scorer(on_ray: bool) -> Callable[..., AsyncGenerator[Result]]:
    if not on_ray:
        from off_tanet.batch import runner

        return runner.score_rows
    try:
        from off_tanet.batch import ray_runner
    except ModuleNotFoundError:
        message = "--ray needs the extra ray: pip install 'off-tanet[ray]'"
        raise CommandError(message, ExitCode.USAGE) from None
    return ray_runner.score_rows


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


def _summarise(
    done: int,
    codes: Counter[str | None],
    took_s: float,
    output: Path,
    left_out: Sequence[Skipped],
    as_json: bool,
) -> None:
    problems = {code: count for code, count in codes.most_common() if code is not None}
    scored, bad = codes[None], sum(problems.values())
    if as_json:
        summary: dict[str, object] = {"skipped": done, "scored": scored, "problems": problems}
        summary["left_out"] = [
            {"file": printable(file.file), "reason": file.reason} for file in left_out
        ]
        print_json({"output": str(output), **summary, "seconds": round(took_s, 3)})
        return
    kinds = ", ".join(f"{code} {count}" for code, count in problems.items())
    show(
        grid(
            ("skipped", f"{done}, done before"),
            *(("left out", line) for line in _lines(left_out)),
            ("scored", f"{scored}"),
            ("problems", f"{bad}: {kinds}" if bad else "none"),
            ("output", f"{output}, after {took_s:.1f} s"),
        )
    )


def _lines(left_out: Sequence[Skipped]) -> list[str]:
    return [f"{printable(file.file)}: {file.reason}" for file in left_out]
