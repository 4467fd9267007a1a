"""One worker process as the server sees it: started, asked, measured, stopped.

A socket for each worker, shared with nobody, is what makes `kill` safe at any moment: the death of
one process cannot leave a lock held or half a message in another one's way.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import multiprocessing
import secrets
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.context import SpawnProcess
from typing import Self, TypeVar

import msgspec

from off_tanet.errors import DeadlineError, EngineError, WorkerLostError, WorkMemoryError
from off_tanet.types import Progress
from off_tanet.workers import malloc, signals, worker_process
from off_tanet.workers.channel import Channel
from off_tanet.workers.messages import (
    REQUEST,
    WARM_UP,
    Failure,
    Job,
    MessageError,
    PartialResult,
    Result,
    Step,
    WorkerInfo,
    answer_type,
)
from off_tanet.workers.uploads import Upload
from off_tanet.workers.worker_process import WorkerOptions

log = logging.getLogger(__name__)

_LOOK_S = 0.05  # how often a working process's memory is looked at

T = TypeVar("T")


class Worker:
    """Owns one process. Belongs to the event loop in which it was started."""

    def __init__(self, process: SpawnProcess, memory_bytes: int) -> None:
        self._process = process
        self._memory_bytes = memory_bytes
        self._channel: Channel
        self._killed = False
        self._ending = ""
        self._reason: EngineError = WorkerLostError("The worker died under this request.")

    @classmethod
    async def start(cls, options: WorkerOptions, on_lost: Callable[[Worker], None]) -> Self:
        """Start a process; `warm_up` waits until it is ready.

        `on_lost` is called once when the worker can answer no more, for whatever reason.
        Raises OSError or RuntimeError where the system has no process, file or thread to give.
        """
        ours, theirs = socket.socketpair()
        spawn = multiprocessing.get_context("spawn")  # no fork: it would copy the event loop
        process = spawn.Process(
            target=worker_process.run,
            args=(theirs, options),
            name="off-tanet-worker",
            daemon=True,
        )
        worker = cls(process, options.memory_bytes)
        with ours:
            try:
                await _start(process)
                theirs.close()  # so that the worker's death is an end of file here
                _, worker._channel = await asyncio.get_running_loop().create_unix_connection(
                    lambda: Channel(options.message_bytes, lambda: on_lost(worker)), sock=ours.dup()
                )
            except BaseException:
                theirs.close()
                _kill(process)
                raise
        return worker

    @property
    def usable(self) -> bool:
        """Whether it can be asked: it lives, and the last it said was the end of an answer."""
        return not self._killed and self._channel.idle and self._process.is_alive()

    @property
    def alive(self) -> bool:
        """Whether its process lives, at work or not."""
        return not self._killed and self._process.is_alive()

    async def warm_up(self, deadline: float) -> WorkerInfo:
        """Wait until the process is ready. Raises like `run`."""
        self._channel.expect(WARM_UP)
        return await self._outcome((), WorkerInfo, deadline, _unheard, _unheard)

    async def run(
        self,
        job: Job[T],
        upload: Upload,
        deadline: float,
        progress: Progress = lambda *_: None,
        parts: Callable[[PartialResult], None] = lambda _: None,
    ) -> T:
        """Carry out `job` with its upload; `deadline` is a `time.monotonic()` value.

        Raises what the job raised, DeadlineError and WorkerLostError. However it ends without the
        worker's own final message, the process is killed: what it might still say is nobody's.
        """
        number = secrets.randbits(63) + 1  # not in sequence: a worker cannot answer in advance
        data = msgspec.msgpack.encode(job)
        head = REQUEST.pack(number, len(data), upload.size)
        self._channel.expect(number)
        self._next_look = asyncio.get_running_loop().call_later(_LOOK_S, self._look)
        try:
            pieces = itertools.chain((head, data), upload)
            return await self._outcome(pieces, answer_type(job), deadline, progress, parts)
        finally:
            self._next_look.cancel()

    def kill(self, reason: EngineError | None = None) -> None:
        """Stop the process now, whatever it does; a `run` under way raises `reason`."""
        if not self._killed:
            self._killed = True
            self._reason = reason or self._reason
            if self._channel.lost:
                self._ending = "broke the protocol" if self._channel.broken else "ended by itself"
            _kill(self._process)
            self._channel.close()

    async def stop(self) -> None:
        """Stop the process, wait for its end and free its files. Safe to call twice."""
        self.kill()
        ending, self._ending = self._ending, ""
        exit_code = None
        # There may be no thread to wait in, or it is closed; it is killed all the same.
        with suppress(RuntimeError, ValueError):
            await asyncio.to_thread(self._process.join)
            exit_code = self._process.exitcode
            self._process.close()  # else two pipes stay open until the garbage is collected
        if ending:
            log.error("a worker %s, exit code %s", ending, exit_code)

    def resident_bytes(self) -> int:
        """What the process holds in memory; 0 where the system does not tell."""
        return malloc.resident_bytes(self._process.pid or 0)

    async def _outcome(
        self,
        pieces: Iterable[bytes],
        kind: type[T],
        deadline: float,
        progress: Progress,
        parts: Callable[[PartialResult], None],
    ) -> T:
        try:
            async with asyncio.timeout_at(deadline):  # a loop's clock is time.monotonic()
                await self._channel.send(pieces)
                final = await self._final_message(progress, parts)
            if isinstance(final, Result):
                return final.answer(kind)
            error = final.exception()
        except TimeoutError:
            self.kill()
            raise DeadlineError("The work took too long and was stopped.") from None
        except MessageError:
            self.kill()
            raise self._reason from None
        except BaseException:  # cancelled
            self.kill()
            raise
        if final.cause:
            log.error("%s", final.cause)
        raise error

    async def _final_message(
        self, progress: Progress, parts: Callable[[PartialResult], None]
    ) -> Result | Failure:
        while True:
            message = await self._channel.receive()
            if isinstance(message, Step):
                progress(message.stage, message.done, message.total)
            elif isinstance(message, PartialResult):
                parts(message)
            else:
                return message

    def _look(self) -> None:
        """Kill the process if it has outgrown its limit; else look again, until `run` ends."""
        if self.resident_bytes() > self._memory_bytes:
            self.kill(WorkMemoryError("The work took too much memory and was stopped."))
        self._next_look = asyncio.get_running_loop().call_later(_LOOK_S, self._look)


def _unheard(*_: object) -> None:
    """Of what comes before a worker is ready, nobody is told."""


async def _start(process: SpawnProcess) -> None:
    """Start it in a thread; one that starts after the caller was cancelled is killed."""
    starting = asyncio.get_running_loop().run_in_executor(None, signals.start_shielded, process)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(lambda _: _kill_late(process, starting))
        raise


def _kill_late(process: SpawnProcess, starting: asyncio.Future[None]) -> None:
    """End a process that nobody waits for any more; that it could not start is no news then."""
    if not starting.cancelled():
        starting.exception()  # else the event loop logs it
    _kill(process)


def _kill(process: SpawnProcess) -> None:
    with suppress(AttributeError, ValueError):  # it was never started
        process.kill()
