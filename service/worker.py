"""One worker process: a Recognizer of its own behind a socket of its own.

A socket for each worker, shared with nobody, is what makes `kill` safe at any moment: the death of
one process cannot leave a lock held or half a message in another one's way. The parent reads it
in its event loop: a thread for each worker would contend with it for the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar, cast

import cv2
from threadpoolctl import threadpool_limits

from service import logs, memory, signals
from service.recognition import flow
from service.recognition.classifier import ModelCard
from service.recognition.errors import DeadlineError, OffTanetError, WorkerLostError
from service.recognition.recognizer import Configuration, Recognizer
from service.recognition.types import Progress

log = logging.getLogger(__name__)

_LENGTH = struct.Struct(">Q")  # before each pickle, so that its end is known
_NICENESS = 5  # the process that answers everybody goes first: refusals under overload take half
_LOOK_S = 0.05  # how often a working process's memory is looked at

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Report(Protocol):
    """What a job tells while it works: as a `Progress`, and parts of its answer."""

    def __call__(self, stage: str, done: int, total: int, /) -> None: ...

    def part(self, part: Part, /) -> None: ...


class Job(Protocol[T_co]):
    """A picklable request; called in the worker with the worker's Recognizer."""

    def __call__(self, recognizer: Recognizer, report: Report, /) -> T_co: ...


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer that is ready before the rest: its kind, and itself as JSON."""

    kind: str
    json: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What a warm worker tells of itself."""

    card: ModelCard
    flow_build: str


@dataclass(frozen=True, slots=True)
class _Step:
    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _Sender:
    """A job's `Report`: sends all that it is told to the parent."""

    send: Callable[[object], None]

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.send(_Step(stage, done, total))

    def part(self, part: Part) -> None:
        self.send(part)


@dataclass(frozen=True, slots=True)
class _Result(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _Failure:
    error: OffTanetError
    cause: str = ""  # of an error of ours, for the parent's log: a worker has none


class Worker:
    """Owns one process. Belongs to the event loop in which it was started."""

    def __init__(
        self,
        process: SpawnProcess,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        memory_bytes: int,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._memory_bytes = memory_bytes
        self._killed = False
        self._cause = "The worker died under this request."

    @classmethod
    async def start(
        cls, configuration: Configuration, memory_bytes: int, niceness: int = 0
    ) -> Self:
        """Start a process that may grow to `memory_bytes`; `warm` waits until it is ready."""
        ours, theirs = socket.socketpair()
        spawn = multiprocessing.get_context("spawn")  # no fork: it would copy the event loop
        process = spawn.Process(
            target=_serve,
            args=(theirs, configuration, niceness),
            name="off-tanet-worker",
            daemon=True,
        )
        await asyncio.to_thread(signals.start_shielded, process)
        theirs.close()  # so that the worker's death is an end of file here
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return cls(process, reader, writer, memory_bytes)

    @property
    def usable(self) -> bool:
        return not self._killed and self._process.is_alive()

    async def warm(self, deadline: float) -> Facts:
        """Wait for the worker's own warm-up. Raises like `run`."""
        # `_serve` sends them before all else.
        return cast(Facts, await self._outcome(deadline, lambda *_: None, lambda _: None))

    async def run(
        self,
        job: Job[T],
        deadline: float,
        progress: Progress,
        parts: Callable[[Part], None] = lambda _: None,
    ) -> T:
        """Carry out `job`; `deadline` is a `time.monotonic()` value.

        Raises what the job raised, DeadlineError and WorkerLostError. Of a worker that was late,
        was lost or whose `run` was cancelled only `stop` may still be called.
        """
        self._next_look = asyncio.get_running_loop().call_later(_LOOK_S, self._look)
        try:
            self._writer.write(_framed(job))
            return await self._outcome(deadline, progress, parts)  # type: ignore[return-value]
        finally:
            self._next_look.cancel()

    def kill(self) -> None:
        """Stop the process now, whatever it does. Safe to call twice."""
        self._killed = True
        self._process.kill()

    async def stop(self) -> None:
        """Stop the process, wait for its end and free the socket."""
        died = not self._killed and (self._reader.at_eof() or self._reader.exception() is not None)
        self.kill()
        self._writer.close()
        await asyncio.to_thread(self._process.join)
        if died:
            log.error("a worker ended by itself, exit code %s", self._process.exitcode)

    async def _outcome(
        self, deadline: float, progress: Progress, parts: Callable[[Part], None]
    ) -> object:
        try:
            async with asyncio.timeout_at(deadline):  # a loop's clock is time.monotonic()
                await self._writer.drain()
                while isinstance(message := await self._message(), _Step | Part):
                    if isinstance(message, Part):
                        parts(message)
                    else:
                        progress(message.stage, message.done, message.total)
        except TimeoutError:
            raise DeadlineError("The work took too long and was stopped.") from None
        except (OSError, asyncio.IncompleteReadError):
            raise WorkerLostError(self._cause) from None
        if isinstance(message, _Result):
            return message.value
        if message.cause:
            log.error("%s", message.cause)
        raise message.error

    async def _message(self) -> _Step | Part | _Result[object] | _Failure:
        (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
        message: _Step | Part | _Result[object] | _Failure
        message = pickle.loads(await self._reader.readexactly(length))  # nosec B301 # our own
        return message

    def _look(self) -> None:
        """Kill the process if it has outgrown its limit; else look again, until `run` ends."""
        if self._resident_bytes() > self._memory_bytes:
            self._cause = "The work took too much memory and was stopped."
            self.kill()
        self._next_look = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _resident_bytes(self) -> int:
        """What the process holds in memory; 0 where the system does not tell."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _framed(message: object) -> bytes:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


def _serve(parent: socket.socket, configuration: Configuration, niceness: int) -> None:
    """The process: warm up, then carry out jobs until the parent closes the socket."""
    # A terminal's Ctrl-C reaches the whole group; the parent decides when work ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _silence()
    # One core for each worker, as everywhere else.
    cv2.setNumThreads(1)
    threadpool_limits(1)
    os.nice(_NICENESS + niceness)
    memory.keep_freed()
    with parent:

        def send(message: object) -> None:
            parent.sendall(_framed(message))

        try:
            recognizer = Recognizer(configuration)
            recognizer.warm_up()
        except Exception as error:
            send(_failure(error))
            return
        send(_Result(Facts(recognizer.card, flow.build_name())))
        outcome = partial(_outcome, recognizer=recognizer, report=_Sender(send))
        for message in map(outcome, _jobs(parent)):  # which drops a job before it takes the next
            send(message)


def _silence() -> None:
    """Decoders print what they find in an upload; how this process ends, the parent tells."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)


def _jobs(parent: socket.socket) -> Iterator[Job[object]]:
    """What the parent asks for, until it closes the socket."""
    with parent.makefile("rb") as messages:
        while len(messages.read(_LENGTH.size)) == _LENGTH.size:
            # From the stream, not from its bytes: an upload is in memory once, not three times.
            yield pickle.load(messages)  # nosec B301 # our own


def _end_with_parent() -> None:
    """A parent that was killed closes no pipe of a worker that is busy; its end is seen here."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _outcome(
    job: Job[object], recognizer: Recognizer, report: Report
) -> _Result[object] | _Failure:
    try:
        return _Result(job(recognizer, report))
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> _Failure:
    if isinstance(error, OffTanetError):
        return _Failure(error)
    return _Failure(OffTanetError("The service failed on this request."), logs.told(error))
