"""Workers that lie, and callers that leave at any moment: no request gets another one's answer."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import math
import multiprocessing
import os
import random
import resource
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from off_tanet.configuration import ASSETS, Configuration
from off_tanet.errors import (
    DrainingError,
    EngineError,
    LimitExceededError,
    NoWorkerError,
    OffTanetError,
    WorkerLostError,
)
from off_tanet.limits import EngineLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers.answers import Answer
from off_tanet.workers.channel import Channel
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import REPLY, Failure, Job, PartialResult, Report, Result, Step
from off_tanet.workers.uploads import Upload

from tests.support import sabotage
from tests.workers.test_engine import ready_engine

LIMITS = EngineLimits(
    workers=1, queue_size=4, deadline_s=60, shutdown_timeout_s=5, answer_bytes=1_000_000
)


class Echo(Job[tuple[str, int]], frozen=True):
    """Gives its word back, and the process that did, after some work."""

    word: str
    seconds: float = 0.0

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> tuple[str, int]:
        report("work", 0, 1)
        time.sleep(self.seconds)
        return self.word + body.decode(), os.getpid()


class Lie(Job[int], frozen=True):
    """Writes what it likes to the parent, as a decoder that was taken over would."""

    data: bytes

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        report.parent.sendall(self.data)  # type: ignore[attr-defined] # its own channel
        return 0


class Misnumbered(Job[int], frozen=True):
    """Ends its own request by a message that no parent may believe."""

    message: bytes

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        parent, number = report.parent, report.number  # type: ignore[attr-defined]
        parent.sendall(REPLY.pack(number, len(self.message)) + self.message)
        return 0


class Long(Job[bytes], frozen=True):
    """An answer of so many bytes."""

    size: int

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> bytes:
        return bytes(self.size)


class Flood(Job[int], frozen=True):
    """Tells of its progress without end, as fast as the socket takes it."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        parent, number = report.parent, report.number  # type: ignore[attr-defined]
        while True:
            parent.sendall(1000 * sabotage.frame(Step("work", 0, 1), number))


class Timed(Job[Answer], frozen=True):
    """An answer like a recognition's."""

    stages_ms: dict[str, float]

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        return Answer(b"{}", self.stages_ms)


class Locks(Job[dict[str, int]], frozen=True):
    """What the process may still do."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> dict[str, int]:
        prctl = ctypes.CDLL(None).prctl
        return {
            "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
            "dumpable": prctl(3, 0, 0, 0, 0),
            "no_new_privileges": prctl(39, 0, 0, 0, 0),
        }


JOBS: tuple[type[Job[Any]], ...] = (Echo, Lie, Misnumbered, Long, Flood, Timed, Locks)


def with_engine(body: Callable[[Engine], Awaitable[None]], limits: EngineLimits = LIMITS) -> None:
    async def run() -> None:
        async with ready_engine(limits, JOBS) as engine, asyncio.timeout(120):
            await body(engine)

    asyncio.run(run())


async def lied_to(engine: Engine, job: Job[Any]) -> None:
    """The request ends as one whose worker was lost; the next one has a worker of its own."""
    _, before = await engine.run(Echo("before"))
    with pytest.raises(WorkerLostError):
        await engine.run(job)
    word, after = await engine.run(Echo("after"))
    assert word == "after"
    assert after != before


@pytest.mark.parametrize("kind", sabotage.GARBAGE)
def test_what_is_no_answer_to_the_request_costs_the_worker(kind: str) -> None:
    """A worker decodes what strangers send, and may say what strangers want it to."""
    with_engine(lambda engine: lied_to(engine, Lie(sabotage.GARBAGE[kind]())))


NO_ENDS = {
    "a value of another type": msgspec.msgpack.encode(Result(msgspec.Raw(b"\xa3abc"))),
    "no value": msgspec.msgpack.encode(Result(msgspec.Raw(b""))),
    "half a value": msgspec.msgpack.encode(Result(msgspec.Raw(b"\xc6\xff\xff\xff\xff"))),
    "a value of a million lists": b"\x82\xa4type\xa6Result\xa5value" + b"\x91" * 900_000 + b"\0",
    "an unknown message": msgspec.msgpack.encode({"type": "Facts"}),
    "an error that is no worker's": msgspec.msgpack.encode(Failure("QuotaError", "")),
    "a class of Python's": msgspec.msgpack.encode(Failure("SystemExit", "")),
    "text in no charset": msgspec.msgpack.encode(
        Result(msgspec.Raw(msgspec.msgpack.encode({"a": 1}).replace(b"\xa1a", b"\xa1\xff")))
    ),
    "a progress in no charset": msgspec.msgpack.encode(Step("x", 0, 1)).replace(b"x", b"\xff"),
    "a stage that is an event": msgspec.msgpack.encode(Step("a\n\nevent: b", 0, 1)),
    "a part that is an event": msgspec.msgpack.encode(PartialResult("a\ndata: b", "{}")),
    "a part in no charset": msgspec.msgpack.encode(PartialResult("a", "x")).replace(b"x", b"\xff"),
    "a detail without end": msgspec.msgpack.encode(Failure("NoFaceError", "x" * 900_000)),
    "a cause without end": msgspec.msgpack.encode(Failure("NoFaceError", "", "", "x" * 900_000)),
    "nothing": b"",
}


@pytest.mark.parametrize("kind", NO_ENDS)
def test_a_message_with_the_right_number_is_still_a_strangers(kind: str) -> None:
    """Nothing in it is run, and nothing of another type is passed on."""
    with_engine(lambda engine: lied_to(engine, Misnumbered(NO_ENDS[kind])))


STAGES_OF_NOBODY: dict[str, dict[str, float]] = {
    "another name": {"secret": 1.0},
    "ten thousand names": {f"{number}": 1.0 for number in range(10_000)},
    "no number": {"flow": math.nan},
    "without end": {"flow": math.inf},
    "before it began": {"flow": -1.0},
}


@pytest.mark.parametrize("kind", STAGES_OF_NOBODY)
def test_the_stages_of_an_answer_are_those_that_there_are(kind: str) -> None:
    """Each name is a series of the server's metrics, for ever; a sum with NaN stays NaN."""
    with_engine(lambda engine: lied_to(engine, Timed(STAGES_OF_NOBODY[kind])))


@pytest.mark.parametrize("kind", sabotage.GARBAGE)
def test_what_an_idle_worker_says_reaches_nobody(kind: str) -> None:
    """It would be read as the beginning of the next client's answer."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo("before"))
        try:
            sabotage.write_as(before, sabotage.GARBAGE[kind]())
        except PermissionError:
            pytest.skip("this user may not take another process's socket")
        while engine.stats().idle:  # until the loop has seen it
            await asyncio.sleep(0)
        word, after = await engine.run(Echo("after"))
        assert word == "after"
        assert after != before

    with_engine(body)


def test_callers_that_leave_at_any_moment_leave_no_answer_behind() -> None:
    """Around the deadline above all: the answer may come while the work is being given up."""
    chance = random.Random(1)
    asked = replace(LIMITS, workers=2, queue_size=100, deadline_s=0.3)

    async def one(engine: Engine, number: int) -> None:
        work = asyncio.create_task(engine.run(Echo(str(number), chance.uniform(0, 0.35))))
        await asyncio.wait([work], timeout=chance.uniform(0, 0.35))
        work.cancel()
        try:
            word, _ = await work
        except (asyncio.CancelledError, EngineError):
            return
        assert word == str(number)

    async def body(engine: Engine) -> None:
        for start in range(0, 60, 4):
            await asyncio.gather(*(one(engine, start + number) for number in range(4)))
        engine.limits = LIMITS
        for number in range(4):
            assert (await engine.run(Echo(f"last {number}")))[0] == f"last {number}"

    with_engine(body, asked)


def test_an_answer_that_is_too_long_is_an_error_and_costs_no_worker() -> None:
    """The parent must not take whatever a worker sends."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        answer: bytes = await engine.run(Long(900_000))
        assert len(answer) == 900_000
        with pytest.raises(LimitExceededError) as caught:
            await engine.run(Long(1_100_000))
        assert caught.value.limit == "answer_bytes"
        assert (await engine.run(Echo("")))[1] == before

    with_engine(body)


def test_a_worker_that_tells_without_end_leaves_others_their_turn() -> None:
    """Between two of its messages everything else goes on; none of them lie in memory."""

    async def body(engine: Engine) -> None:
        steps = turns = 0
        seen = asyncio.Event()

        def progress(*_: object) -> None:
            nonlocal steps
            steps += 1
            if steps == 20_000:
                seen.set()

        work = asyncio.create_task(engine.run(Flood(), progress=progress))
        while not seen.is_set():
            await asyncio.sleep(0)
            turns += 1
        assert turns >= steps
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert (await engine.run(Echo("next")))[0] == "next"

    with_engine(body)


def test_what_a_worker_says_before_it_is_heard_stays_on_its_side() -> None:
    """While a worker takes no upload, nobody reads its messages: they must not pile up."""

    async def body() -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        lost: list[bool] = []
        loop = asyncio.get_running_loop()
        transport, channel = await loop.create_unix_connection(
            lambda: Channel(1 << 20, lambda: lost.append(True)), sock=ours
        )
        channel.expect(7)
        said, data = 0, sabotage.frame(Step("work", 0, 1), 7) * 1000
        for _ in range(2000):
            with suppress(BlockingIOError):
                said += theirs.send(data)
            await asyncio.sleep(0)
        assert said < 4 << 20
        assert await channel.receive() == Step("work", 0, 1)
        assert not lost
        transport.close()
        theirs.close()

    asyncio.run(body())


def test_a_worker_leaves_no_core_and_gains_nothing() -> None:
    """A core file holds the upload that the decoder crashed on."""

    async def body(engine: Engine) -> None:
        assert await engine.run(Locks()) == {"core": 0, "dumpable": 0, "no_new_privileges": 1}

    with_engine(body)


def test_an_upload_is_let_go_as_the_worker_takes_it() -> None:
    """While a long video is looked at, the server holds none of it."""

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
    """Files, processes and memory run out for a while; a place that stayed empty would be lost."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.dup(0)  # the lowest number that no file has
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
    """A limit on processes counts threads, too: the wait for a worker's end needs one."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        usual = threading.stack_size(1 << 46)  # more than there is
        try:
            with pytest.raises(RuntimeError, match="can't start new thread"):
                threading.Thread().start()
            kill(before)
            with pytest.raises(NoWorkerError):
                await engine.run(Echo(""))
        finally:
            threading.stack_size(usual)
        assert (await until_answered(engine))[0] == "again"
        assert len(multiprocessing.active_children()) == 1  # none that was asked for in between

    with_engine(body)


def test_workers_that_end_leave_no_files_open() -> None:
    """They were counted as one worker's each: garbage that is collected late held two pipes."""

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


def test_a_model_whose_card_is_too_long_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """A start that fails for ever must say why."""

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
    """A deployment that replaces the file badly must not look well, nor keep clients waiting."""
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


def kill(worker: int) -> None:
    """Kill a child of this process, and wait for its end."""
    os.kill(worker, 9)
    os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)


async def until_answered(engine: Engine) -> tuple[str, int]:
    async with asyncio.timeout(60):
        while True:
            try:
                return await engine.run(Echo("again"))
            except NoWorkerError:
                await asyncio.sleep(0.05)


def test_what_does_not_end_within_the_grace_period_is_told_so() -> None:
    """At work or in the queue, it ends with an error that says when to come back."""

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

    with_engine(body, replace(LIMITS, shutdown_timeout_s=0.1))


def test_a_worker_that_stays_large_is_replaced() -> None:
    """The next lawful upload would be stopped for the memory that the one before it took."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        assert (await engine.run(Echo("")))[1] != before

    with_engine(body, replace(LIMITS, worker_idle_memory_bytes=1_000_000))


def test_every_error_of_a_worker_arrives_as_it_was() -> None:
    """The status, the code and the words of a problem are made of it."""
    for error in (OffTanetError("a"), LimitExceededError("b", "frames"), DrainingError("c")):
        again = Failure.of(error).exception()
        assert type(again) is type(error)
        assert (again.detail, again.args) == (error.detail, error.args)
