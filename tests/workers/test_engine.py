"""The engine with real worker processes: what is late, lost or cancelled costs only itself."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from off_tanet.configuration import Configuration
from off_tanet.errors import (
    DeadlineError,
    DrainingError,
    OffTanetError,
    QueueFullError,
    WarmingUpError,
    WorkerLostError,
    WorkMemoryError,
)
from off_tanet.limits import EngineLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers.engine import Engine, EngineStats
from off_tanet.workers.messages import Job, Report

from tests.support.paths import ROOT

LIMITS = EngineLimits(workers=1, queue_size=1, deadline_s=60, shutdown_timeout_s=5)


class Pid(Job[int], frozen=True):
    """Tells which process worked."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        report("work", 1, 1)
        return os.getpid()


class Hang(Job[int], frozen=True):
    """A decoder that never returns."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        report("hanging", 0, 1)
        threading.Event().wait()
        return 0


class Brief(Job[int], frozen=True):
    """A request like most: it ends soon after it was seen to begin."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        report("work", 0, 1)
        recognizer.warm_up()
        return os.getpid()


class Crash(Job[int], frozen=True):
    """A decoder that takes its process with it."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        os._exit(139)


class Grow(Job[int], frozen=True):
    """A decoder that takes ever more memory."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        held = []
        while True:
            held.append(bytes(range(256)) * 40_000)


class Bug(Job[int], frozen=True):
    """An error of ours, whose message quotes the upload."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        raise RuntimeError("secret pixels")


JOBS = (Pid, Hang, Brief, Crash, Grow, Bug)


@asynccontextmanager
async def ready_engine(
    limits: EngineLimits,
    jobs: Sequence[type[Job[Any]]] = JOBS,
    configuration: Configuration | None = None,
) -> AsyncIterator[Engine]:
    engine = Engine(configuration or Configuration(), limits, jobs)
    engine.start()
    try:
        await until_ready(engine)
        yield engine
    finally:
        await engine.stop()


async def until_ready(engine: Engine) -> None:
    async with asyncio.timeout(60):
        await asyncio.gather(*engine.starting)


async def pid(engine: Engine) -> int:
    async with asyncio.timeout(60):
        return await engine.run(Pid())


def with_engine(body: Callable[[Engine], Awaitable[None]], limits: EngineLimits = LIMITS) -> None:
    async def run() -> None:
        async with ready_engine(limits) as engine:
            await body(engine)

    asyncio.run(run())


def test_work_runs_in_another_process() -> None:
    """Off the event loop, and off its process."""

    async def body(engine: Engine) -> None:
        assert await pid(engine) != os.getpid()

    with_engine(body)


def test_late_work_is_really_stopped() -> None:
    """An answer of 504 while the work goes on is the field's commonest overload bug."""

    async def body(engine: Engine) -> None:
        before = await pid(engine)
        with pytest.raises(DeadlineError):
            await engine.run(Hang())
        with pytest.raises(ProcessLookupError):
            os.kill(before, 0)
        engine.limits = LIMITS  # a new worker may take longer to start than the work was given
        assert await pid(engine) != before

    with_engine(body, replace(LIMITS, deadline_s=5))


def test_a_crash_costs_one_request() -> None:
    async def body(engine: Engine) -> None:
        before = await pid(engine)
        with pytest.raises(WorkerLostError):
            await engine.run(Crash())
        assert await pid(engine) != before

    with_engine(body)


def test_work_that_grows_past_its_memory_is_stopped() -> None:
    """Else the kernel picks a process to kill, and it may be the one that serves."""

    async def body(engine: Engine) -> None:
        before = await pid(engine)
        with pytest.raises(WorkerLostError, match="memory"):
            await engine.run(Grow())
        assert await pid(engine) != before

    with_engine(body, replace(LIMITS, worker_memory_bytes=400_000_000))


def test_who_takes_too_much_memory_is_not_told_to_come_again() -> None:
    """A polite client that is would kill one worker after another."""

    async def body(engine: Engine) -> None:
        with pytest.raises(WorkMemoryError) as raised:
            await engine.run(Grow())
        assert (raised.value.status, raised.value.retry_after_s) == (413, None)

    with_engine(body, replace(LIMITS, worker_memory_bytes=400_000_000))


def test_a_worker_that_died_idle_costs_nothing() -> None:
    """The kernel's out-of-memory killer does not wait for a request."""

    async def body(engine: Engine) -> None:
        before = await pid(engine)
        os.kill(before, 9)
        os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
        assert await pid(engine) != before

    with_engine(body)


def test_a_client_that_leaves_early_costs_no_new_process() -> None:
    """Else whoever opens and closes connections would keep every worker starting."""

    async def body(engine: Engine) -> None:
        before = await pid(engine)
        begun = asyncio.Event()
        work = asyncio.create_task(engine.run(Brief(), progress=lambda *_: begun.set()))
        await begun.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await pid(engine) == before

    with_engine(body)


def test_cancelling_stops_the_work() -> None:
    """A client that went away must not hold a core."""

    async def body(engine: Engine) -> None:
        before = await pid(engine)
        started = asyncio.Event()
        work = asyncio.create_task(engine.run(Hang(), progress=lambda *_: started.set()))
        await started.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await pid(engine) != before

    with_engine(body)


def test_what_does_not_fit_is_refused_at_once() -> None:
    """One works, one waits, the third is told to come back."""

    async def body(engine: Engine) -> None:
        started = asyncio.Event()
        first = asyncio.create_task(engine.run(Hang(), progress=lambda *_: started.set()))
        await started.wait()
        second = asyncio.create_task(engine.run(Pid()))
        await asyncio.sleep(0)  # lets the second be admitted
        with pytest.raises(QueueFullError):
            await engine.run(Pid())
        first.cancel()
        async with asyncio.timeout(60):
            assert await second > 0

    with_engine(body)


ORPHAN = """
import asyncio, os, signal
from off_tanet.workers.engine import Engine
from off_tanet.recognition.recognizer import Configuration
from tests.workers.test_engine import JOBS, LIMITS, Hang, pid, until_ready

async def main():
    engine = Engine(Configuration(), LIMITS, JOBS)
    engine.start()
    await until_ready(engine)
    print(await pid(engine), flush=True)
    await engine.run(Hang(), progress=lambda *_: os.kill(os.getpid(), signal.SIGKILL))

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_killed_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    """A worker that hangs cannot see its pipe close; a service that restarts would pile them up."""
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN, encoding="utf-8")
    root = str(ROOT)
    # The worker holds the other end of this pipe, so that reading it ends only with the worker.
    parent = subprocess.run(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
        timeout=60,
    )
    assert parent.returncode == -signal.SIGKILL
    assert int(parent.stdout) > 0


def test_progress_arrives_in_the_event_loop() -> None:
    async def body(engine: Engine) -> None:
        steps: list[tuple[str, int, int]] = []
        threads: set[int] = set()

        def note(stage: str, done: int, total: int) -> None:
            steps.append((stage, done, total))
            threads.add(threading.get_ident())

        await engine.run(Pid(), progress=note)
        assert steps == [("work", 1, 1)]
        assert threads == {threading.get_ident()}

    with_engine(body)


def test_a_bug_tells_nothing_of_the_upload() -> None:
    async def body(engine: Engine) -> None:
        with pytest.raises(OffTanetError) as caught:
            await engine.run(Bug())
        assert "secret" not in str(caught.value)
        assert await pid(engine) > 0

    with_engine(body)


def test_not_ready_before_warm_nor_while_draining() -> None:
    """A load balancer believes this answer."""

    async def body() -> None:
        engine = Engine(Configuration(), LIMITS, JOBS)
        engine.start()
        with pytest.raises(WarmingUpError):
            await engine.run(Pid())
        await until_ready(engine)
        await engine.stop()
        with pytest.raises(DrainingError):
            await engine.run(Pid())

    asyncio.run(body())


def test_an_end_during_the_start_leaves_no_process_and_no_error() -> None:
    """A deployment that is stopped at once has done nothing wrong."""

    async def body() -> None:
        told: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context["message"]))
        threads = ThreadPoolExecutor(1)
        loop.set_default_executor(threads)
        begun = threading.Event()
        threads.submit(begun.wait)  # so that the process is started after the engine's end
        engine = Engine(Configuration(), LIMITS, JOBS)
        engine.start()
        await asyncio.sleep(0)
        await engine.stop()
        begun.set()
        await loop.shutdown_default_executor()
        for _ in range(3):  # until the loop knows of it
            await asyncio.sleep(0)
        del engine
        gc.collect()
        assert told == []
        assert multiprocessing.active_children() == []

    asyncio.run(body())


def test_draining_finishes_what_was_admitted() -> None:
    async def body() -> None:
        async with ready_engine(LIMITS) as engine:
            work = asyncio.create_task(engine.run(Pid()))
            await asyncio.sleep(0)  # lets it be admitted
            await engine.stop()
            assert await work > 0

    asyncio.run(body())


def test_the_stats_count_workers_waiting_requests_and_restarts() -> None:
    """An operator sees overload and crashes in these four numbers alone."""

    async def body(engine: Engine) -> None:
        assert engine.stats() == EngineStats(alive=1, idle=1, waiting=0, restarts=0)
        held = asyncio.Event()
        working = asyncio.create_task(engine.run(Hang(), progress=lambda *_: held.set()))
        await held.wait()
        waiting = asyncio.create_task(pid(engine))
        await asyncio.sleep(0)  # lets it be admitted
        assert engine.stats() == EngineStats(alive=1, idle=0, waiting=1, restarts=0)
        working.cancel()
        assert await waiting > 0
        assert engine.stats() == EngineStats(alive=1, idle=1, waiting=0, restarts=1)

    with_engine(body)
