"""Scores rows on all cores of this machine, with the same engine that serves requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import islice

from off_tanet import cpu
from off_tanet.batch.rows import Row
from off_tanet.batch.scoring import Result, ScoreJob, problem_result
from off_tanet.configuration import Configuration
from off_tanet.errors import OffTanetError, WarmingUpError, WorkerLostError, WorkMemoryError
from off_tanet.face_choice import FaceChoice
from off_tanet.limits import EngineLimits
from off_tanet.workers.engine import Engine


async def score_rows(
    rows: Sequence[Row],
    configuration: Configuration,
    limits: EngineLimits,
    face: FaceChoice = "auto",
) -> AsyncGenerator[Result]:
    """Score rows with an engine of their own; closing the generator stops the work at once.

    The engine's deadline and memory limit apply to each row: a file with which a decoder hangs,
    crashes or uses too much memory gets a problem as its result.

    Args:
        rows: The rows to score.
        configuration: The configuration of each worker's Recognizer.
        limits: Number of workers, deadline and memory limit.
        face: The face to analyse, as for `Recognizer`.

    Yields:
        The result of each row, in the order of completion.

    Raises:
        WarmingUpError: No worker became ready in time.
    """
    workers = min(limits.workers, len(rows))
    # A batch keeps its workers busy: no core is free to decode for them.
    ahead = configuration.decode_ahead and workers < cpu.available()
    engine = Engine(
        replace(configuration, decode_ahead=ahead),
        replace(limits, workers=workers, queue_size=workers),
        (ScoreJob,),
    )
    try:
        await start_engine(engine)
        async with aclosing(score_with(engine, rows, face)) as results:
            async for result in results:
                yield result
    finally:
        await engine.stop()


async def start_engine(engine: Engine) -> None:
    """Start an engine and wait for its first worker.

    If the installation does not work, this fails once, and not for every row.

    Raises:
        WarmingUpError: No worker became ready within `startup_timeout_s`.
    """
    engine.start_on_demand()
    engine.start()
    seconds = engine.limits.startup_timeout_s
    first = asyncio.FIRST_COMPLETED
    warm, _ = await asyncio.wait(engine.starting, timeout=seconds, return_when=first)
    if not warm:
        raise WarmingUpError(f"No worker was ready within {seconds:g} s.")


async def score_with(
    engine: Engine, rows: Iterable[Row], face: FaceChoice
) -> AsyncGenerator[Result]:
    """Score rows with an engine that has been started.

    As many rows are queued as are in work, so that workers need not wait for the caller; the engine
    must have a queue of that size.

    Args:
        engine: The engine, started by `start_engine`.
        rows: The rows to score.
        face: The face to analyse, as for `Recognizer`.

    Yields:
        The result of each row, in the order of completion.
    """
    waiting = iter(rows)
    work = {_task(engine, row, face) for row in islice(waiting, 2 * engine.limits.workers)}
    try:
        while work:
            done, work = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            work |= {_task(engine, row, face) for row in islice(waiting, len(done))}
            for task in done:
                yield task.result()
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


def _task(engine: Engine, row: Row, face: FaceChoice) -> asyncio.Task[Result]:
    return asyncio.create_task(_score(engine, row, face))


async def _score(engine: Engine, row: Row, face: FaceChoice) -> Result:
    job = ScoreJob.of(row, face)
    try:
        try:
            return Result(row, await engine.run(job))
        except WorkMemoryError:
            raise
        except WorkerLostError:  # the file need not be the cause; if it is, this fails again
            return Result(row, await engine.run(job))
    except OffTanetError as error:
        return problem_result(row, error)
