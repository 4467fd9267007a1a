"""An engine with real worker processes, and jobs that work, hang, crash or lie in them."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from off_tanet.configuration import Configuration
from off_tanet.errors import NoWorkerError
from off_tanet.limits import EngineLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers.answer_types import Answer
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import REPLY, Job, Report, Step

from tests.support import sabotage

LIMITS = EngineLimits(
    workers=1, queue_size=4, deadline_s=60, shutdown_timeout_s=5, answer_bytes=1_000_000
)


class Pid(Job[int], frozen=True):
    """Returns the worker's process id."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        report("work", 1, 1)
        return os.getpid()


class Echo(Job[tuple[str, int]], frozen=True):
    """Returns its word with the body appended, and the process id, after `seconds` of work."""

    word: str
    seconds: float = 0.0

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> tuple[str, int]:
        report("work", 0, 1)
        time.sleep(self.seconds)
        return self.word + body.decode(), os.getpid()


class Brief(Job[int], frozen=True):
    """A typical request: it ends soon after its first progress."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        report("work", 0, 1)
        recognizer.warm_up()
        return os.getpid()


class Hang(Job[int], frozen=True):
    """A decoder that never returns."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        report("hanging", 0, 1)
        threading.Event().wait()
        return 0


class Crash(Job[int], frozen=True):
    """A decoder that ends its process."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        os._exit(139)


class Grow(Job[int], frozen=True):
    """A decoder that allocates memory without end."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        held = []
        while True:
            held.append(bytes(range(256)) * 40_000)


class Bug(Job[int], frozen=True):
    """An internal error whose message quotes the upload."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        raise RuntimeError("secret pixels")


class Lie(Job[int], frozen=True):
    """Writes any bytes to the parent, as a decoder under an attacker's control could."""

    data: bytes

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        report.parent.sendall(self.data)  # type: ignore[attr-defined] # its own channel
        return 0


class Misnumbered(Job[int], frozen=True):
    """Ends its own request by an invalid message."""

    message: bytes

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        parent, number = report.parent, report.number  # type: ignore[attr-defined]
        parent.sendall(REPLY.pack(number, len(self.message)) + self.message)
        return 0


class Long(Job[bytes], frozen=True):
    """Returns `size` bytes."""

    size: int

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> bytes:
        return bytes(self.size)


class Flood(Job[int], frozen=True):
    """Reports progress without end, as fast as the socket accepts it."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> int:
        parent, number = report.parent, report.number  # type: ignore[attr-defined]
        while True:
            parent.sendall(1000 * sabotage.frame(Step("work", 0, 1), number))


class Timed(Job[Answer], frozen=True):
    """Returns an answer with these times of its stages."""

    stages_ms: dict[str, float]

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        return Answer(b"{}", self.stages_ms)


class Locks(Job[dict[str, int]], frozen=True):
    """Returns the restrictions of the worker's process."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> dict[str, int]:
        prctl = ctypes.CDLL(None).prctl
        return {
            "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
            "dumpable": prctl(3, 0, 0, 0, 0),
            "no_new_privileges": prctl(39, 0, 0, 0, 0),
        }


JOBS: tuple[type[Job[Any]], ...] = (
    *(Pid, Echo, Brief, Hang, Crash, Grow, Bug),
    *(Lie, Misnumbered, Long, Flood, Timed, Locks),
)


@asynccontextmanager
async def ready_engine(
    limits: EngineLimits = LIMITS,
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


async def until_answered(engine: Engine) -> tuple[str, int]:
    """The answer of the first worker that can be started again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await engine.run(Echo("again"))
            except NoWorkerError:
                await asyncio.sleep(0.05)


async def pid(engine: Engine) -> int:
    async with asyncio.timeout(60):
        return await engine.run(Pid())


def with_engine(body: Callable[[Engine], Awaitable[None]], **limits: Any) -> None:
    """Run `body` with an engine whose `LIMITS` are replaced by these."""

    async def run() -> None:
        async with ready_engine(replace(LIMITS, **limits)) as engine, asyncio.timeout(120):
            await body(engine)

    asyncio.run(run())


def kill(worker: int) -> None:
    """Kill a child of this process, and wait for its end."""
    os.kill(worker, 9)
    os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
