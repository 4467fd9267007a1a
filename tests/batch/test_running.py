"""Running a batch: each row is answered once, whatever happens to the processes."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from unittest import mock

import pytest
from off_tanet import cpu
from off_tanet.batch import runner
from off_tanet.batch.rows import Row
from off_tanet.batch.runner import score_rows
from off_tanet.batch.scoring import Result
from off_tanet.configuration import ASSETS, Configuration
from off_tanet.errors import WarmingUpError
from off_tanet.limits import EngineLimits

SAMPLES = ASSETS / "samples"
NAMES = ("negative", "positive", "surprise")
PAIRS = [Row(SAMPLES, f"{name}_onset.jpg", f"{name}_apex.jpg") for name in NAMES]


def run(
    rows: Sequence[Row],
    limits: EngineLimits,
    on_result: Callable[[Result], None] = lambda _: None,
    configuration: Configuration | None = None,
) -> list[Result]:
    async def collect() -> list[Result]:
        results = []
        async with aclosing(score_rows(rows, configuration or Configuration(), limits)) as coming:
            async for result in coming:
                on_result(result)
                results.append(result)
        return results

    return asyncio.run(collect())


class EngineStartedError(Exception):
    """Ends a batch where its engine is made."""


@pytest.mark.parametrize(
    ("workers", "cores", "ahead"), [(1, 2, True), (2, 2, False), (3, 2, False)]
)
def test_clips_are_decoded_ahead_where_a_core_is_free(
    workers: int, cores: int, ahead: bool
) -> None:
    """With all cores busy, threads of the workers only change places."""
    with (
        mock.patch.object(cpu, "available", return_value=cores),
        mock.patch.object(runner, "Engine", side_effect=EngineStartedError) as engine,
        pytest.raises(EngineStartedError),
    ):
        run(PAIRS, EngineLimits(workers=workers))
    assert engine.call_args.args[0].decode_ahead is ahead


@pytest.mark.slow
def test_a_killed_worker_loses_no_row() -> None:
    """The kernel kills when memory is short: the row is scored again, and no row twice."""
    victims = 1

    def kill_one(_: Result) -> None:
        nonlocal victims
        while victims:
            victims -= 1
            multiprocessing.active_children()[0].kill()

    results = run(8 * PAIRS + [Row(SAMPLES, clip="none.mp4")], EngineLimits(workers=2), kill_one)
    labels = [f"{r.answer['label']}_onset.jpg" for r in results if r.problem_code is None]
    assert labels == [r.row.onset for r in results if r.problem_code is None]
    assert sorted(labels) == sorted(8 * [f"{name}_onset.jpg" for name in NAMES])
    assert [r.problem_code for r in results if r.problem_code] == ["unreadable_file"]
    assert not multiprocessing.active_children()


def test_a_file_that_ends_its_worker_is_a_row() -> None:
    """Here by its memory, which is checked at intervals shorter than a clip takes."""
    (result,) = run([Row(SAMPLES, clip="clip.mp4")], EngineLimits(worker_memory_bytes=1))
    assert result.problem_code == "too_much_memory"


def test_stopping_early_ends_the_processes() -> None:
    """Ctrl-C must not leave workers running."""

    async def first() -> Result:
        async with aclosing(score_rows(20 * PAIRS, Configuration(), EngineLimits())) as coming:
            return await anext(coming)

    assert asyncio.run(first()).problem_code is None
    assert not multiprocessing.active_children()


def test_workers_that_do_not_start_lose_no_row() -> None:
    """Otherwise each row would be recorded as too slow, and never be scored again."""
    with pytest.raises(WarmingUpError, match="No worker was ready"):
        run(
            PAIRS,
            EngineLimits(startup_timeout_s=0.5),
            configuration=Configuration(model=Path("none")),
        )
