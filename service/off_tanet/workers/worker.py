"""One worker process, as seen from the server.

Each worker has its own socket, so that it can be killed at any time: the death of a process can
neither leave a lock held nor a partial message in the channel of another one.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self, TypeVar

import msgspec

from off_tanet.errors import DeadlineError, EngineError, WorkerLostError, WorkMemoryError
from off_tanet.types import Progress
from off_tanet.workers import early, malloc, processes
from off_tanet.workers.channel import Channel
from off_tanet.workers.feed import Feed
from off_tanet.workers.messages import (
    PIECE,
    REQUEST,
    WARM_UP,
    Ask,
    Failure,
    Job,
    MessageError,
    PartialResult,
    Result,
    Step,
    WorkerInfo,
    answer_type,
)
from off_tanet.workers.options import WorkerOptions
from off_tanet.workers.uploads import Upload

log = logging.getLogger(__name__)

_MEMORY_CHECK_S = 0.05  # interval between checks of a working process's memory
_CANCEL_TIMEOUT_S = 1.0  # for cancelled work to end; starting a new process takes longer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Listeners:
    """What follows the messages of one request, as in `Worker.run`."""

    progress: Progress | None = None
    on_partial: Callable[[PartialResult], None] = lambda _: None
    feed: Feed | None = None
    number: int = WARM_UP


class Worker:
    """Owns one process, within the event loop that started it."""

    def __init__(self, process: processes.WorkerProcess, memory_bytes: int) -> None:
        self._process = process
        self._memory_bytes = memory_bytes
        self._channel: Channel
        self._killed = False
        self._ending = ""
        self._reason: EngineError = WorkerLostError("The worker died under this request.")

    @classmethod
    async def start(cls, options: WorkerOptions, on_lost: Callable[[Worker], None]) -> Self:
        """Start a process; `warm_up` then waits until it is ready.

        Args:
            options: Options of the process.
            on_lost: Called once when the worker can no longer be used, for any reason.

        Raises:
            OSError: The system cannot provide a process or a file.
            RuntimeError: The system cannot provide a thread.
        """
        started = early.take(options) or await processes.start(options)
        worker = cls(started.process, options.memory_bytes)
        channel = worker._channel = Channel(options.message_bytes, lambda: on_lost(worker))
        channel.expect(WARM_UP)  # its message may already be there
        try:
            await asyncio.get_running_loop().create_connection(lambda: channel, sock=started.socket)
        except BaseException:
            started.kill()
            raise
        return worker

    @property
    def usable(self) -> bool:
        """Whether it can run a job: it is alive and has completed its last answer."""
        return self.completed and self._process.is_alive()

    @property
    def completed(self) -> bool:
        """Whether it has completed its last answer; if it dies after that, `on_lost` is called."""
        return not self._killed and self._channel.idle

    @property
    def alive(self) -> bool:
        """Whether its process is alive."""
        return not self._killed and self._process.is_alive()

    async def warm_up(self, deadline: float) -> WorkerInfo:
        """Wait until the process is ready.

        Args:
            deadline: A `time.monotonic()` value.

        Raises:
            OffTanetError: As raised by `run`.
        """
        return await self._outcome(b"", iter(()), WorkerInfo, deadline, _Listeners())

    async def run(
        self,
        job: Job[T],
        upload: Upload,
        deadline: float,
        progress: Progress | None = None,
        on_partial: Callable[[PartialResult], None] = lambda _: None,
        feed: Feed | None = None,
    ) -> T:
        """Run a job.

        If it ends without the worker's own final message, for any reason, the process is killed, so
        that no late message can be taken for that of another request. If the call is cancelled, the
        work has a second to end by itself.

        Args:
            job: The job.
            upload: The body of the request.
            deadline: A `time.monotonic()` value at which the work is stopped.
            progress: Called with the progress of each stage, which else is not sent.
            on_partial: Called with each partial result.
            feed: The pieces that the job may ask for. The deadline does not pass while one is
                waited for, and each has a deadline of its own.

        Returns:
            The answer of the job.

        Raises:
            OffTanetError: The job failed.
            DeadlineError: The job was not completed in time.
            WorkerLostError: The process died or violated the protocol.
        """
        number = secrets.randbits(63) + 1  # random, so that a worker cannot answer in advance
        data = msgspec.msgpack.encode(job)
        head = REQUEST.pack(number, len(data), upload.size, progress is not None) + data
        self._channel.expect(number)
        self._next_check = asyncio.get_running_loop().call_later(
            _MEMORY_CHECK_S, self._check_memory
        )
        try:
            listeners = _Listeners(progress, on_partial, feed, number)
            return await self._outcome(head, iter(upload), answer_type(job), deadline, listeners)
        finally:
            self._next_check.cancel()

    def kill(self, reason: EngineError | None = None) -> None:
        """Kill the process now; a call of `run` in progress raises `reason`."""
        if not self._killed:
            self._killed = True
            self._reason = reason or self._reason
            if self._channel.lost:
                self._ending = "broke the protocol" if self._channel.broken else "ended by itself"
            processes.kill(self._process)
            self._channel.close()

    async def stop(self) -> None:
        """Kill the process, wait for its end and close its files. It may be called twice."""
        self.kill()
        ending, self._ending = self._ending, ""
        exit_code = None
        # There may be no thread to wait in, or the process is closed already; it was killed anyway.
        with suppress(RuntimeError, ValueError):
            await asyncio.to_thread(self._process.join)
            exit_code = self._process.exitcode
            self._process.close()  # else two pipes stay open until garbage collection
        if ending:
            log.error("a worker %s, exit code %s", ending, exit_code)

    def resident_bytes(self) -> int:
        """Return the resident memory of the process in bytes; 0 if it is not known."""
        return malloc.resident_bytes(self._process.pid or 0)

    async def _outcome(
        self,
        head: bytes,
        pieces: Iterator[bytes],
        kind: type[T],
        deadline: float,
        listeners: _Listeners,
    ) -> T:
        try:
            async with asyncio.timeout_at(deadline) as limit:  # a loop's clock: time.monotonic()
                await self._channel.send(head, pieces)
                final = await self._final_message(listeners, limit)
            if isinstance(final, Result):
                return final.answer(kind)
            error = final.exception()
        except TimeoutError:
            self.kill()
            raise DeadlineError("The work took too long and was stopped.") from None
        except MessageError:
            self.kill()
            raise self._reason from None
        except asyncio.CancelledError:
            await self._await_end(pieces, listeners)
            raise
        except BaseException:
            self.kill()
            raise
        if final.cause:
            log.error("%s", final.cause)
        raise error

    async def _await_end(self, pieces: Iterator[bytes], listeners: _Listeners) -> None:
        """Give cancelled work a little time to end, then kill the process.

        Clients that often leave early must not cost a new process each time.
        """
        try:
            async with asyncio.timeout(_CANCEL_TIMEOUT_S) as limit:
                await self._channel.send(b"", pieces)
                await self._final_message(listeners, limit)
        except (TimeoutError, MessageError):
            self.kill()
        except BaseException:  # cancelled again
            self.kill()
            raise

    async def _final_message(
        self, listeners: _Listeners, limit: asyncio.Timeout
    ) -> Result | Failure:
        while True:
            message = await self._channel.receive()
            if isinstance(message, Step):
                if listeners.progress is not None:
                    listeners.progress(message.stage, message.done, message.total)
            elif isinstance(message, PartialResult):
                listeners.on_partial(message)
            elif isinstance(message, Ask):
                await self._pass_on(listeners, limit)
            else:
                return message

    async def _pass_on(self, listeners: _Listeners, limit: asyncio.Timeout) -> None:
        """Send the next piece; while it is waited for, only the client limits the time.

        The death of the worker is noticed when the piece is there.
        """
        feed = listeners.feed
        if feed is None:
            raise MessageError("the job has no pieces")
        limit.reschedule(None)
        piece = await feed.next()
        limit.reschedule(asyncio.get_running_loop().time() + feed.deadline_s)
        await self._channel.send(PIECE.pack(listeners.number, len(piece)), (piece,))

    def _check_memory(self) -> None:
        """Kill the process if it exceeds its memory limit, and check again until `run` ends."""
        if self.resident_bytes() > self._memory_bytes:
            self.kill(WorkMemoryError("The work took too much memory and was stopped."))
        self._next_check = asyncio.get_running_loop().call_later(
            _MEMORY_CHECK_S, self._check_memory
        )
