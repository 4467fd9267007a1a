"""Invalid messages of workers, and cancelled requests: no request gets another one's answer."""

from __future__ import annotations

import asyncio
import math
import random
import socket
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from off_tanet.errors import (
    EngineError,
    LimitExceededError,
    WorkerLostError,
)
from off_tanet.workers.channel import Channel
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import Failure, Job, PartialResult, Result, Step

from tests.support import sabotage
from tests.support.engines import (
    LIMITS,
    Echo,
    Flood,
    Lie,
    Locks,
    Long,
    Misnumbered,
    Timed,
    with_engine,
)


async def check_worker_replaced(engine: Engine, job: Job[Any]) -> None:
    """`job` ends as one whose worker was lost, and the next request gets a new worker."""
    _, before = await engine.run(Echo("before"))
    with pytest.raises(WorkerLostError):
        await engine.run(job)
    word, after = await engine.run(Echo("after"))
    assert word == "after"
    assert after != before


@pytest.mark.parametrize("kind", sabotage.GARBAGE)
def test_bytes_that_are_no_answer_to_the_request_end_the_worker(kind: str) -> None:
    """A worker decodes untrusted media, and an exploit may control what it sends."""
    with_engine(lambda engine: check_worker_replaced(engine, Lie(sabotage.GARBAGE[kind]())))


INVALID_MESSAGES = {
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


@pytest.mark.parametrize("kind", INVALID_MESSAGES)
def test_an_invalid_message_with_the_right_number_ends_the_worker(kind: str) -> None:
    """It is not executed, and no value of another type is passed on."""
    with_engine(lambda engine: check_worker_replaced(engine, Misnumbered(INVALID_MESSAGES[kind])))


INVALID_STAGES: dict[str, dict[str, float]] = {
    "another name": {"secret": 1.0},
    "ten thousand names": {f"{number}": 1.0 for number in range(10_000)},
    "no number": {"flow": math.nan},
    "without end": {"flow": math.inf},
    "before it began": {"flow": -1.0},
}


@pytest.mark.parametrize("kind", INVALID_STAGES)
def test_only_known_stages_with_finite_times_are_accepted(kind: str) -> None:
    """Each name becomes a permanent time series of the metrics; a sum with NaN stays NaN."""
    with_engine(lambda engine: check_worker_replaced(engine, Timed(INVALID_STAGES[kind])))


@pytest.mark.parametrize("kind", sabotage.GARBAGE)
def test_what_an_idle_worker_sends_reaches_no_request(kind: str) -> None:
    """It would be read as the beginning of the next request's answer."""

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


@pytest.mark.slow
def test_requests_cancelled_at_any_moment_leave_no_answer_behind() -> None:
    """Above all around the deadline: the answer may arrive while the work is being cancelled."""
    chance = random.Random(1)

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

    with_engine(body, workers=2, queue_size=100, deadline_s=0.3)


def test_an_answer_that_is_too_long_is_an_error_and_keeps_the_worker() -> None:
    """The parent limits how much it reads from a worker."""

    async def body(engine: Engine) -> None:
        _, before = await engine.run(Echo(""))
        answer: bytes = await engine.run(Long(900_000))
        assert len(answer) == 900_000
        with pytest.raises(LimitExceededError) as caught:
            await engine.run(Long(1_100_000))
        assert caught.value.limit == "answer_bytes"
        assert (await engine.run(Echo("")))[1] == before

    with_engine(body)


def test_endless_progress_does_not_block_the_event_loop() -> None:
    """Other tasks run between two messages, and the messages do not pile up in memory."""

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


def test_messages_that_are_not_read_stay_in_the_workers_buffer() -> None:
    """Without a request the parent does not read, and the messages must not pile up."""

    async def body() -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        lost: list[bool] = []
        loop = asyncio.get_running_loop()
        transport, channel = await loop.create_unix_connection(
            lambda: Channel(1 << 20, lambda: lost.append(True)), sock=ours
        )
        channel.expect(7)
        sent, data = 0, sabotage.frame(Step("work", 0, 1), 7) * 1000
        for _ in range(2000):
            with suppress(BlockingIOError):
                sent += theirs.send(data)
            await asyncio.sleep(0)
        assert sent < 4 << 20
        assert await channel.receive() == Step("work", 0, 1)
        assert not lost
        transport.close()
        theirs.close()

    asyncio.run(body())


def test_a_worker_writes_no_core_file_and_gains_no_privileges() -> None:
    """A core file would contain the upload that crashed the decoder."""

    async def body(engine: Engine) -> None:
        assert await engine.run(Locks()) == {"core": 0, "dumpable": 0, "no_new_privileges": 1}

    with_engine(body)
