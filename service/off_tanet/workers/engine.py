"""Admission, deadlines, drain. What runs inside a worker is not known here.

A request is admitted or refused at once; it waits for an idle worker, runs there, and holds its
place until the work is over, whether it ended well, ran out of time or lost its client.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from off_tanet.configuration import Configuration
from off_tanet.errors import (
    DeadlineError,
    DrainingError,
    EngineError,
    NoWorkerError,
    WarmingUpError,
)
from off_tanet.limits import EngineLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Progress
from off_tanet.workers.dispatch import Dispatcher, Place
from off_tanet.workers.messages import Job, PartialResult, WorkerInfo
from off_tanet.workers.pool import WorkerPool
from off_tanet.workers.uploads import Upload
from off_tanet.workers.worker import Worker
from off_tanet.workers.worker_process import WorkerOptions

log = logging.getLogger(__name__)

T = TypeVar("T")

_END_S = 1.0  # for work that nobody waits for any more; a new process takes longer to start
_DRAINED_LOOK_S = 0.02


class State(Enum):
    WARMING = "warming_up"
    READY = "ready"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class EngineStats:
    """How the workers stand: processes `alive`, those `idle`, requests `waiting` for one.

    `restarts` counts the workers started in the place of another.
    """

    alive: int
    idle: int
    waiting: int
    restarts: int

    def __add__(self, other: EngineStats) -> EngineStats:
        return EngineStats(
            self.alive + other.alive,
            self.idle + other.idle,
            self.waiting + other.waiting,
            self.restarts + other.restarts,
        )


class Engine:
    """Runs jobs in worker processes. Lives in one event loop: `start`, `run`…, `stop`."""

    def __init__(
        self,
        configuration: Configuration,
        limits: EngineLimits,
        jobs: Sequence[type[Job[Any]]],
        warm_up: Callable[[Recognizer], None] = Recognizer.warm_up,
    ) -> None:
        """The workers carry out these types of `jobs` and no others.

        `warm_up` is what each does once before it is ready.
        """
        self.limits = limits
        self.state = State.WARMING
        self._dispatcher: Dispatcher[Worker] = Dispatcher(limits.workers + limits.queue_size)
        self._pool = WorkerPool(
            options=WorkerOptions(
                configuration,
                jobs,
                limits.worker_memory_bytes,
                limits.answer_bytes,
                limits.niceness,
                warm_up,
            ),
            count=limits.workers,
            startup_s=limits.startup_timeout_s,
            idle_bytes=min(limits.worker_idle_memory_bytes, limits.worker_memory_bytes),
            dispatcher=self._dispatcher,
        )
        self._stopping: asyncio.Task[None] | None = None

    @property
    def info(self) -> WorkerInfo | None:
        """What the workers tell of themselves; None before the first one is warm."""
        return self._pool.info

    @property
    def starting(self) -> Sequence[asyncio.Task[None]]:
        """A task for each of the first workers, which ends when it is warm."""
        return self._pool.starting

    def start(self) -> None:
        """Begin to start the workers; the engine is ready when all of them are warm."""
        self._pool.start()
        for task in self.starting:
            task.add_done_callback(self._note_ready)

    def start_when_asked(self) -> None:
        """Take jobs from now on; the first one starts the workers, and waits until one is warm."""
        self.state = State.READY

    async def stop(self) -> None:
        """Refuse new work, let the admitted work end within the grace period, end the workers.

        What has not ended then ends with DrainingError. Safe to call again, and at the same time.
        """
        if self._stopping is None:
            self.state = State.DRAINING
            self._stopping = asyncio.create_task(self._drain())
        await asyncio.shield(self._stopping)

    def census(self) -> EngineStats:
        """How the workers stand at this moment."""
        return EngineStats(
            alive=self._pool.alive,
            idle=self._dispatcher.idle,
            waiting=self._dispatcher.waiting,
            restarts=max(0, self._pool.started - self.limits.workers),
        )

    def check_ready(self) -> WorkerInfo:
        """What the workers tell of themselves. Raises WarmingUp-, Draining- and NoWorkerError."""
        self._check_state()
        if self._pool.info is None:
            raise WarmingUpError("The service is starting and not ready yet.")
        if not self._pool.any_warm:
            raise NoWorkerError("No worker is alive.")
        return self._pool.info

    def check_admission(self, client: str = "") -> None:
        """Whether `run` would take a job now; raises the same errors of the service."""
        self._check_state()
        self._pool.check()
        self._dispatcher.check(client)

    async def run(
        self,
        job: Job[T],
        upload: Upload | None = None,
        *,
        client: str = "",
        progress: Progress = lambda *_: None,
        waited: Callable[[float], None] = lambda _: None,
        parts: Callable[[PartialResult], None] = lambda _: None,
    ) -> T:
        """Carry out `job` in a worker; cancelling the caller stops the work.

        `client` names whose request it is: all clients have equal shares. `progress` is called in
        the event loop, `waited` with the seconds until a worker was free, `parts` with the parts of
        the answer that the job has before the rest.
        Raises what the job raises, QueueFullError, WarmingUpError, DrainingError, NoWorkerError,
        DeadlineError and WorkerLostError.
        """
        admitted = time.monotonic()
        deadline = admitted + self.limits.deadline_s
        self._check_state()
        self._pool.check()
        with self._dispatcher.place(client) as place:
            if not self.starting:
                self.start()
            worker = await self._next_worker(place, deadline)
            waited(time.monotonic() - admitted)
            work = asyncio.create_task(
                worker.run(job, upload or Upload(), deadline, progress, parts)
            )
            work.add_done_callback(_retrieve)
            return await self._end_of(work, worker)

    def _check_state(self) -> None:
        if self.state is State.DRAINING:
            raise DrainingError("The service is about to stop.")
        if self.state is State.WARMING:
            raise WarmingUpError("The service is starting and not ready yet.")

    async def _next_worker(self, place: Place[Worker], deadline: float) -> Worker:
        try:
            async with asyncio.timeout_at(deadline):  # a loop's clock is time.monotonic()
                worker = await self._dispatcher.worker(place)
                while not worker.usable:  # it died a moment ago
                    self._pool.take_back(worker)
                    worker = await self._dispatcher.worker(place)
                return worker
        except TimeoutError:
            raise DeadlineError("No worker became free in time.") from None

    async def _end_of(self, work: asyncio.Task[T], worker: Worker) -> T:
        """The outcome of the work, once it has stopped; its worker is given on or replaced."""
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # Whoever leaves early and often must not cost a new process each time.
            await asyncio.wait([work], timeout=_END_S)
            raise
        except EngineError:
            await worker.stop()  # the answer is given when the work has stopped, not before
            raise
        finally:
            if not work.done():
                worker.kill()
                work.cancel()
            self._pool.take_back(worker)

    async def _drain(self) -> None:
        give_up = time.monotonic() + self.limits.shutdown_timeout_s
        while self._dispatcher.admitted and time.monotonic() < give_up:
            await asyncio.sleep(_DRAINED_LOOK_S)
        await self._pool.stop(DrainingError("The service stopped before this request's end."))

    def _note_ready(self, _: object) -> None:
        all_warm = all(task.done() for task in self.starting)
        if self.state is not State.WARMING or not all_warm or self.info is None:
            return
        self.state = State.READY
        log.info(
            "ready: %d workers, flow build %s, model %s %s",
            self.limits.workers,
            self.info.flow_build,
            self.info.card.name,
            self.info.card.version,
        )


def _retrieve(work: asyncio.Task[Any]) -> None:
    """Look at the outcome of work that nobody may wait for any more; else the loop logs it."""
    if not work.cancelled():
        work.exception()
