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

from off_tanet.cli.bootstrap import configured, warm_recognizer
from off_tanet.cli.console import AsJson, Face, answer, grid, path, progress_bar, show
from off_tanet.cli.exit_codes import Code, EndError
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
            "apex, or clip: paths relative to it.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", parser=path, help="Results, as .jsonl, .csv or .parquet."),
    ],
    face: Face = "auto",
    as_json: AsJson = False,
    on_ray: Annotated[
        bool,
        typer.Option("--ray", help="On all cores of the Ray cluster that RAY_ADDRESS names."),
    ] = False,
) -> None:
    """Score many pairs or clips on all cores.

    Run it again to go on where a run ended. One bad file is a row with its problem and never the
    end. OFF_TANET_WORKERS limits the cores, OFF_TANET_DEADLINE_S the seconds of one row.
    """
    from off_tanet.batch.folder import skipped
    from off_tanet.batch.journal import OutputError, key_of
    from off_tanet.batch.manifest import ManifestError, rows
    from off_tanet.batch.writers import open_output

    settings = configured()
    scored = _way(on_ray)
    warm_recognizer(settings)  # what is wrong ends this here, not every row after the deadline
    left_out = skipped(source) if source.is_dir() else []
    try:
        named = rows(source)
        with open_output(output) as opened:
            left = [row for row in named if key_of(row.input) not in opened.done]
            start = time.monotonic()
            codes = Counter[str | None]()
            if left:
                coming = scored(left, settings.configuration, settings.engine_limits, face)
                codes = asyncio.run(_written(coming, len(left), opened))
            took_s = time.monotonic() - start
    except ManifestError as error:
        raise EndError("; ".join([str(error), *_told(left_out[:3])]), Code.INPUT) from None
    except OutputError as error:
        raise EndError(str(error), Code.USAGE) from None
    _summarise(len(named) - len(left), codes, took_s, output, left_out, as_json)


def _way(on_ray: bool) -> Callable[..., AsyncGenerator[Result]]:
    if not on_ray:
        from off_tanet.batch import runner

        return runner.scored
    try:
        from off_tanet.batch import ray_runner
    except ModuleNotFoundError:
        told = "--ray needs the extra ray: pip install 'off-tanet[ray]'"
        raise EndError(told, Code.USAGE) from None
    return ray_runner.scored


async def _written(
    coming: AsyncGenerator[Result], count: int, output: Output
) -> Counter[str | None]:
    """Write each result as it comes; how many have which problem, or None."""
    codes: Counter[str | None] = Counter()
    with progress_bar() as bar:
        task = bar.add_task("rows", total=count)
        async with aclosing(coming) as results:
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
        told = {
            "left_out": [{"file": printable(each.file), "reason": each.reason} for each in left_out]
        }
        answer({"output": str(output), **summary, **told, "seconds": round(took_s, 3)})
        return
    kinds = ", ".join(f"{code} {count}" for code, count in problems.items())
    show(
        grid(
            ("skipped", f"{done}, done before"),
            *(("left out", told) for told in _told(left_out)),
            ("scored", f"{scored}"),
            ("problems", f"{bad}: {kinds}" if bad else "none"),
            ("output", f"{output}, after {took_s:.1f} s"),
        )
    )


def _told(left_out: Sequence[Skipped]) -> list[str]:
    return [f"{printable(each.file)}: {each.reason}" for each in left_out]
