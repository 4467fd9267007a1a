"""The engine with real worker processes: a late, lost or cancelled request affects no other."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
from off_tanet.workers.engine import Engine, EngineStats

from tests.support.engines import (
    JOBS,
    LIMITS,
    Brief,
    Bug,
    Crash,
    Grow,
    Hang,
    Pid,
    pid,
    ready_engine,
    until_ready,
    with_engine,
)
from tests.support.paths import ROOT


def test_work_runs_in_another_process() -> None:
    """Outside of the event loop and of its process."""

    async def body(engine: Engine) -> None:
        assert await pid(engine) != os.getpid()

    with_engine(body)


@pytest.mark.slow
def test_late_work_is_really_stopped() -> None:
    """Answering 504 while the work goes on is the most common overload bug of such services."""

    async def body(engine: Engine) -> None:
        before = await pid(engine)
        with pytest.raises(DeadlineError):
            await engine.run(Hang())
        with pytest.raises(ProcessLookupError):
            os.kill(before, 0)
        engine.limits = LIMITS  # a new worker may take longer to start than the deadline
        assert await pid(engine) != before

    with_engine(body, deadline_s=5)


def test_a_crash_costs_one_request() -> None:
    async def body(engine: Engine) -> None:
        before = await pid(engine)
        with pytest.raises(WorkerLostError):
            await engine.run(Crash())
        assert await pid(engine) != before

    with_engine(body)


def test_work_that_grows_past_its_memory_is_stopped() -> None:
    """Otherwise the kernel picks a process to kill, possibly the server itself."""

    async def body(engine: Engine) -> None:
        before = await pid(engine)
        with pytest.raises(WorkerLostError, match="memory"):
            await engine.run(Grow())
        assert await pid(engine) != before

    with_engine(body, worker_memory_bytes=400_000_000)


def test_a_request_that_takes_too_much_memory_has_no_retry_after() -> None:
    """A client that retries it would kill one worker after another."""

    async def body(engine: Engine) -> None:
        with pytest.raises(WorkMemoryError) as raised:
            await engine.run(Grow())
        assert (raised.value.status, raised.value.retry_after_s) == (413, None)

    with_engine(body, worker_memory_bytes=400_000_000)


def test_a_worker_that_died_idle_costs_nothing() -> None:
    """The kernel's out-of-memory killer does not wait for a request."""

    async def body(engine: Engine) -> None:
        before = await pid(engine)
        os.kill(before, 9)
        os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
        assert await pid(engine) != before

    with_engine(body)


def test_a_client_that_leaves_early_costs_no_new_process() -> None:
    """Otherwise opening and closing connections would keep every worker restarting."""

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
    """A client that has disconnected must not occupy a core."""

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
    """One runs, one waits, the third is refused."""

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

    with_engine(body, queue_size=1)


ORPHAN = """
import asyncio, os, signal, sys
from off_tanet.workers import early, forked
from off_tanet.workers.engine import Engine
from off_tanet.configuration import Configuration
from tests.support.engines import JOBS, LIMITS, Hang, pid, until_ready

async def main():
    engine = Engine(Configuration(), LIMITS, JOBS)
    engine.start()
    await until_ready(engine)
    print(await pid(engine), flush=True)
    await engine.run(Hang(), progress=lambda *_: os.kill(os.getpid(), signal.SIGKILL))

if __name__ == "__main__":
    if sys.argv[1] == "forked":
        forked.prepare()
        early.start(1)
    asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["started", "forked"])
def test_a_killed_parent_leaves_no_process_behind(tmp_path: Path, kind: str) -> None:
    """A worker that hangs cannot see its socket close; they would pile up over restarts."""
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN, encoding="utf-8")
    root = str(ROOT)
    # The worker inherits this pipe, so reading it ends only when the worker ends.
    parent = subprocess.run(
        [sys.executable, str(script), kind],
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


def test_an_internal_error_quotes_nothing_of_the_upload() -> None:
    async def body(engine: Engine) -> None:
        with pytest.raises(OffTanetError) as caught:
            await engine.run(Bug())
        assert "secret" not in str(caught.value)
        assert await pid(engine) > 0

    with_engine(body)


def test_not_ready_before_warm_nor_while_draining() -> None:
    """A load balancer relies on this."""

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


def test_a_stop_during_the_start_leaves_no_process_and_no_error() -> None:
    """A deployment may be stopped right after its start."""

    async def body() -> None:
        errors: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context["message"]))
        threads = ThreadPoolExecutor(1)
        loop.set_default_executor(threads)
        begun = threading.Event()
        threads.submit(begun.wait)  # the process is started after the engine has stopped
        engine = Engine(Configuration(), LIMITS, JOBS)
        engine.start()
        await asyncio.sleep(0)
        await engine.stop()
        begun.set()
        await loop.shutdown_default_executor()
        for _ in range(3):  # until the loop has reported it
            await asyncio.sleep(0)
        del engine
        gc.collect()
        assert errors == []
        assert multiprocessing.active_children() == []

    asyncio.run(body())


def test_draining_finishes_what_was_admitted() -> None:
    async def body() -> None:
        async with ready_engine() as engine:
            work = asyncio.create_task(engine.run(Pid()))
            await asyncio.sleep(0)  # lets it be admitted
            await engine.stop()
            assert await work > 0

    asyncio.run(body())


def test_the_stats_count_alive_idle_waiting_and_restarted() -> None:
    """These four numbers show an operator overload and crashes."""

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
