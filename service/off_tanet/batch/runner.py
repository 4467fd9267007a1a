"""Many rows on all cores: the engine that serves requests, asked for one row after another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import islice

from off_tanet.batch.manifest import Row
from off_tanet.batch.scoring import Result, ScoreJob, failed
from off_tanet.configuration import Configuration
from off_tanet.errors import OffTanetError, WarmingUpError, WorkerLostError, WorkMemoryError
from off_tanet.limits import EngineLimits
from off_tanet.types import FaceMode
from off_tanet.workers.engine import Engine


async def scored(
    rows: Sequence[Row],
    configuration: Configuration,
    limits: EngineLimits,
    face: FaceMode = "auto",
) -> AsyncGenerator[Result]:
    """The result of every row, as they come.

    The engine's deadline and memory limit hold for each row: a file that a decoder hangs in, dies
    of or grows with is a row with its problem like any other. Close it to stop the work at once.
    Raises WarmingUpError where no worker starts.
    """
    workers = min(limits.workers, len(rows))
    engine = Engine(
        configuration, replace(limits, workers=workers, queue_size=workers), (ScoreJob,)
    )
    try:
        await started(engine)
        async with aclosing(answered(engine, rows, face)) as results:
            async for result in results:
                yield result
    finally:
        await engine.stop()


async def started(engine: Engine) -> None:
    """Until one worker is warm, that rows need not pay for an installation that does not work.

    Raises WarmingUpError.
    """
    engine.start_on_demand()
    engine.start()
    seconds = engine.limits.startup_timeout_s
    first = asyncio.FIRST_COMPLETED
    warm, _ = await asyncio.wait(engine.starting, timeout=seconds, return_when=first)
    if not warm:
        raise WarmingUpError(f"No worker was ready within {seconds:g} s.")


async def answered(engine: Engine, rows: Iterable[Row], face: FaceMode) -> AsyncGenerator[Result]:
    """The result of every row, as they come, from an engine that was `started`.

    As many rows wait as are worked on, so that no worker ever waits for the caller; the engine must
    queue that many.
    """
    waiting = iter(rows)
    work = {_begun(engine, row, face) for row in islice(waiting, 2 * engine.limits.workers)}
    try:
        while work:
            done, work = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            work |= {_begun(engine, row, face) for row in islice(waiting, len(done))}
            for task in done:
                yield task.result()
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


def _begun(engine: Engine, row: Row, face: FaceMode) -> asyncio.Task[Result]:
    return asyncio.create_task(_scored(engine, row, face))


async def _scored(engine: Engine, row: Row, face: FaceMode) -> Result:
    job = ScoreJob.of(row, face)
    try:
        try:
            return Result(row, await engine.run(job))
        except WorkMemoryError:
            raise
        except WorkerLostError:  # as may happen to any row; one that kills does so again
            return Result(row, await engine.run(job))
    except OffTanetError as error:
        return failed(row, error)
