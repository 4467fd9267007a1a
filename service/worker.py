"""One worker process: a Recognizer of its own behind a pipe of its own.

A pipe for each worker, shared with nobody, is what makes `kill` safe at any moment: the death of
one process cannot leave a lock held or half a message in another one's way.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import cv2

from service import logs
from service.recognition import flow
from service.recognition.classifier import ModelCard
from service.recognition.errors import DeadlineError, OffTanetError, WorkerLostError
from service.recognition.recognizer import Configuration, Recognizer
from service.recognition.types import Progress

log = logging.getLogger(__name__)

_LOOK_S = 0.05  # how often a working process's memory is looked at

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Job(Protocol[T_co]):
    """A picklable request; called in the worker with the worker's Recognizer."""

    def __call__(self, recognizer: Recognizer, progress: Progress, /) -> T_co: ...


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
class _Result(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _Failure:
    error: OffTanetError
    cause: str = ""  # of an error of ours, for the parent's log: a worker has none


class Worker:
    """Owns one process. Its methods block, so they are called from a thread; `kill` from any."""

    def __init__(self, configuration: Configuration, memory_bytes: int) -> None:
        """Start the process, which may grow to `memory_bytes`; `warm` waits until it is ready."""
        self._memory_bytes = memory_bytes
        spawn = multiprocessing.get_context("spawn")  # no fork: the parent has threads
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=_serve, args=(theirs, configuration), name="off-tanet-worker", daemon=True
        )
        self._process.start()
        self._killed = False
        theirs.close()  # so that the worker's death is an end of file here

    @property
    def usable(self) -> bool:
        return not self._killed and self._process.is_alive()

    def warm(self, deadline: float) -> Facts:
        """Wait for the worker's own warm-up. Raises like `run`."""
        facts = self._receive(deadline, lambda *_: None)
        assert isinstance(facts, Facts)  # noqa: S101 - the first answer of `_serve`
        return facts

    def run(self, job: Job[T], deadline: float, progress: Progress) -> T:
        """Carry out `job`; `deadline` is a `time.monotonic()` value.

        Raises what the job raised, DeadlineError after stopping the process, and WorkerLostError
        when the process died.
        """
        try:
            self._pipe.send(job)
        except OSError:
            raise WorkerLostError("The worker stopped before it took the request.") from None
        return self._receive(deadline, progress)  # type: ignore[return-value]

    def kill(self) -> None:
        """Stop the process now, whatever it does. Safe to call twice."""
        self._killed = True
        self._process.kill()

    def close(self) -> None:
        """Stop the process, wait for its end and free the pipe."""
        self._stop()
        self._pipe.close()

    def _receive(self, deadline: float, progress: Progress) -> object:
        while True:
            self._wait_for_message(deadline)
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                raise WorkerLostError("The worker died under this request.") from None
            match message:
                case _Step(stage, done, total):
                    progress(stage, done, total)
                case _Result(value):
                    return value
                case _Failure(error, cause):
                    if cause:
                        log.error("%s", cause)
                    raise error

    def _wait_for_message(self, deadline: float) -> None:
        while not self._pipe.poll(max(0.0, min(_LOOK_S, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                self._stop()
                raise DeadlineError("The work took too long and was stopped.")
            if self._resident_bytes() > self._memory_bytes:
                self._stop()
                raise WorkerLostError("The work took too much memory and was stopped.")

    def _stop(self) -> None:
        """Kill and wait: the answer is given when the work has stopped, not before."""
        self.kill()
        self._process.join()

    def _resident_bytes(self) -> int:
        """What the process holds in memory; 0 where the system does not tell."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _serve(pipe: Connection, configuration: Configuration) -> None:
    """The process: warm up, then carry out jobs until the parent closes the pipe."""
    # A terminal's Ctrl-C reaches the whole group; the parent decides when work ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)  # one core for each worker, as everywhere else
    try:
        recognizer = Recognizer(configuration)
        recognizer.warm_up()
    except OffTanetError as error:
        pipe.send(_Failure(error))
        return
    pipe.send(_Result(Facts(recognizer.card, flow.build_name())))
    while True:
        try:
            job: Job[object] = pipe.recv()
        except EOFError:
            return
        pipe.send(_outcome(job, recognizer, lambda *step: pipe.send(_Step(*step))))


def _end_with_parent() -> None:
    """A parent that was killed closes no pipe of a worker that is busy; its end is seen here."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _outcome(
    job: Job[object], recognizer: Recognizer, progress: Callable[[str, int, int], None]
) -> _Result[object] | _Failure:
    try:
        return _Result(job(recognizer, progress))
    except OffTanetError as error:
        return _Failure(error)
    except Exception as error:
        return _Failure(OffTanetError("The service failed on this request."), logs.told(error))
