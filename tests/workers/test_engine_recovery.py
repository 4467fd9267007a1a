"""Workers that cannot start, end or stay large: the engine replaces them and leaks nothing."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from off_tanet.configuration import ASSETS, Configuration
from off_tanet.errors import (
    DrainingError,
    LimitExceededError,
    NoWorkerError,
    OffTanetError,
)
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import Failure
from off_tanet.workers.uploads import Upload

from tests.support.engines import (
    JOBS,
    LIMITS,
    Echo,
    kill,
    ready_engine,
    until_answered,
    with_engine,
)


def test_an_upload_is_released_as_the_worker_reads_it() -> None:
    """While a long video is processed, the server holds none of it."""

    async def body(engine: Engine) -> None:
        released: list[int] = []
        taken = asyncio.Event()
        upload = Upload([b"abc", b"", b"de"], released.append)
        work = asyncio.create_task(
            engine.run(Echo("1 ", 0.2), upload, progress=lambda *_: taken.set())
        )
        await taken.wait()
        assert released == [3, 0, 2]
        assert list(upload) == []
        assert (await work)[0] == "1 abcde"

    with_engine(body)


def test_a_worker_that_cannot_be_started_is_tried_again() -> None:
    """Files, processes and memory run out temporarily; the worker's place must not stay empty."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.dup(0)  # the lowest unused file descriptor
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            kill(before)
            with pytest.raises(NoWorkerError):
                await engine.run(Echo(""))
            with pytest.raises(NoWorkerError):
                engine.check_ready()
            with pytest.raises(NoWorkerError):
                engine.check_admission()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        word, _ = await until_answered(engine)
        assert word == "again"
        assert engine.check_ready()

    with_engine(body)


def test_a_worker_is_replaced_where_no_thread_can_be_started() -> None:
    """A limit on processes also counts threads, and waiting for a worker's end needs one."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        usual = threading.stack_size(1 << 46)  # more memory than exists
        try:
            with pytest.raises(RuntimeError, match="can't start new thread"):
                threading.Thread().start()
            kill(before)
            with pytest.raises(NoWorkerError):
                await engine.run(Echo(""))
        finally:
            threading.stack_size(usual)
        assert (await until_answered(engine))[0] == "again"
        assert len(multiprocessing.active_children()) == 1  # none started in between is left

    with_engine(body)


def test_workers_that_end_leave_no_files_open() -> None:
    """Garbage that was collected late once held two pipes for each worker."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        files = len(os.listdir("/proc/self/fd"))
        gc.disable()
        try:
            for _ in range(3):
                kill(before)
                _, before = await until_answered(engine)
        finally:
            gc.enable()
        assert len(os.listdir("/proc/self/fd")) == files

    with_engine(body)


def test_a_model_card_that_is_too_long_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A start that fails every time must log the reason."""

    async def run() -> None:
        engine = Engine(Configuration(), replace(LIMITS, answer_bytes=1000), JOBS)
        engine.start()
        async with asyncio.timeout(60):
            while "a worker did not start" not in caplog.text:
                await asyncio.sleep(0.01)
        await engine.stop()
        assert "The answer has more than 1000 bytes." in caplog.text

    asyncio.run(run())


def test_a_model_that_breaks_while_it_is_served_refuses_at_once(tmp_path: Path) -> None:
    """A deployment that damages the file must not look healthy, nor keep clients waiting."""
    model = tmp_path / "model.onnx"
    whole = (ASSETS / "off_tanet.onnx").read_bytes()
    model.write_bytes(whole)

    async def run() -> None:
        async with ready_engine(LIMITS, JOBS, Configuration(model=model)) as engine:
            _, before = await engine.run(Echo(""))
            model.write_bytes(whole[:1000])
            kill(before)
            with pytest.raises(NoWorkerError):
                await engine.run(Echo(""))
            with pytest.raises(NoWorkerError):
                engine.check_ready()
            model.write_bytes(whole)
            assert (await until_answered(engine))[0] == "again"

    asyncio.run(run())


def test_what_does_not_end_within_the_shutdown_timeout_is_refused() -> None:
    """Running or queued, it ends with an error that has a Retry-After."""

    async def body(engine: Engine) -> None:
        begun = asyncio.Event()
        at_work = asyncio.create_task(engine.run(Echo("", 60), progress=lambda *_: begun.set()))
        await begun.wait()
        queued = asyncio.create_task(engine.run(Echo("")))
        await asyncio.sleep(0)
        await engine.stop()
        for outcome in await asyncio.gather(at_work, queued, return_exceptions=True):
            assert isinstance(outcome, DrainingError)
            assert outcome.retry_after_s

    with_engine(body, shutdown_timeout_s=0.1)


def test_a_worker_that_stays_large_is_replaced() -> None:
    """Otherwise the next valid upload would be stopped for memory that the last one took."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        assert (await engine.run(Echo("")))[1] != before

    with_engine(body, worker_idle_memory_bytes=1_000_000)


def test_errors_of_a_worker_arrive_unchanged() -> None:
    """The status, code and detail of a problem are derived from them."""
    for error in (OffTanetError("a"), LimitExceededError("b", "frames"), DrainingError("c")):
        again = Failure.of(error).exception()
        assert type(again) is type(error)
        assert (again.detail, again.args) == (error.detail, error.args)
