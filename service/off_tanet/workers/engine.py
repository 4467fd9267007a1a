"""Admission, deadlines and draining, independent of what the jobs do.

A request is admitted, at once or as soon as there is a place, or refused. It waits for an idle
worker, runs there, and occupies its place until the work has ended: completed, out of time, or
cancelled because its client left.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from off_tanet.configuration import Configuration
from off_tanet.errors import (
    DeadlineError,
    DrainingError,
    EngineError,
    NoWorkerError,
    WarmingUpError,
)
from off_tanet.limits import EngineLimits
from off_tanet.types import Progress
from off_tanet.workers.dispatch import Dispatcher, Place
from off_tanet.workers.feed import Feed
from off_tanet.workers.messages import Job, PartialResult, WorkerInfo
from off_tanet.workers.options import WorkerOptions, warm_up
from off_tanet.workers.pool import WorkerPool
from off_tanet.workers.uploads import Upload
from off_tanet.workers.worker import Worker

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer

log = logging.getLogger(__name__)

T = TypeVar("T")

_DRAIN_INTERVAL_S = 0.02


class State(Enum):
    """State of an engine."""

    WARMING = "warming_up"
    READY = "ready"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Current state of an engine in numbers.

    Attributes:
        alive: Worker processes that are alive.
        idle: Worker processes without a request.
        waiting: Requests that wait for a worker.
        restarts: Workers that were started to replace another one.
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
    """Runs jobs in worker processes, within one event loop."""

    def __init__(
        self,
        configuration: Configuration,
        limits: EngineLimits,
        jobs: Sequence[type[Job[Any]]],
        warm_up: Callable[[Recognizer], None] = warm_up,
    ) -> None:
        """Configure the engine without starting it.

        Args:
            configuration: Configuration of the workers' Recognizers.
            limits: Limits of the engine.
            jobs: The types of jobs that the workers accept.
            warm_up: Called in each worker before it is ready.
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
        """Description of the workers; None before the first one is warm."""
        return self._pool.info

    @property
    def starting(self) -> Sequence[asyncio.Task[None]]:
        """A task per initial worker, which ends when the worker is warm."""
        return self._pool.starting

    def load(self) -> None:
        """Let the first workers load the models before there is an event loop; wait for one.

        Raises:
            OffTanetError: It could not load them.
        """
        self._pool.load()

    def start(self) -> None:
        """Start the workers in the background; the engine is ready when all of them are warm."""
        self._pool.start()
        for task in self.starting:
            task.add_done_callback(self._note_ready)

    def start_on_demand(self) -> None:
        """Accept jobs now; the first one starts the workers and waits until one is warm."""
        self.state = State.READY

    async def stop(self) -> None:
        """Refuse new work, let admitted work complete, and stop the workers.

        Work that is not completed within the shutdown timeout fails with DrainingError. Further
        calls, also concurrent ones, wait for the same end.
        """
        if self._stopping is None:
            self.state = State.DRAINING
            self._stopping = asyncio.create_task(self._drain())
        await asyncio.shield(self._stopping)

    def share(self, count: int) -> int:
        """Divide `count` among the clients that have requests; 1 while a worker is idle."""
        return 1 if self._dispatcher.idle else max(1, count // max(1, self._dispatcher.clients))

    def stats(self) -> EngineStats:
        """Return the current state in numbers."""
        return EngineStats(
            alive=self._pool.alive,
            idle=self._dispatcher.idle,
            waiting=self._dispatcher.waiting,
            restarts=max(0, self._pool.started - self.limits.workers),
        )

    def check_ready(self) -> WorkerInfo:
        """Return the description of the workers if the engine is ready.

        Raises:
            WarmingUpError: The engine is starting.
            DrainingError: The engine is stopping.
            NoWorkerError: No worker is alive.
        """
        self._check_state()
        if self._pool.info is None:
            raise WarmingUpError("The service is starting and not ready yet.")
        if not self._pool.any_warm:
            raise NoWorkerError("No worker is alive.")
        return self._pool.info

    def check_admission(self, client: str = "") -> None:
        """Check whether `run` would accept a job now.

        Args:
            client: Identifier of the client.

        Raises:
            EngineError: As `run` would raise it.
        """
        self._check_state()
        self._pool.check()
        self._dispatcher.check(client)

    async def admission(self, client: str = "") -> None:
        """Like `check_admission`, but wait for a place, for `refusal_delay_s` at most."""
        self._check_state()
        self._pool.check()
        await self._dispatcher.room(client, self.limits.refusal_delay_s)
        self._check_state()

    async def run(
        self,
        job: Job[T],
        upload: Upload | None = None,
        *,
        client: str = "",
        progress: Progress | None = None,
        waited: Callable[[float], None] = lambda _: None,
        on_partial: Callable[[PartialResult], None] = lambda _: None,
        feed: Feed | None = None,
    ) -> T:
        """Run a job in a worker; cancelling the call stops the work.

        Args:
            job: The job.
            upload: The body of the request.
            client: Identifier of the client; all clients have equal shares.
            progress: Called in the event loop with the progress of each stage.
            waited: Called once with the seconds until a worker was free.
            on_partial: Called with each partial result.
            feed: The pieces that the job may ask for, each within a deadline of its own.

        Returns:
            The answer of the job.

        Raises:
            OffTanetError: The job failed.
            EngineError: The engine is starting, stopping or full, no worker can be started, the
                worker died, or the job was not completed in time.
        """
        admitted = time.monotonic()
        deadline = admitted + self.limits.deadline_s
        self._check_state()
        self._pool.check()
        await self._dispatcher.room(client, self.limits.refusal_delay_s, overtakes=True)
        with self._dispatcher.place(client) as place:
            if not self.starting:
                self.start()
            worker = await self._next_worker(place, deadline)
            waited(time.monotonic() - admitted)
            try:
                return await worker.run(
                    job, upload or Upload(), deadline, progress, on_partial, feed
                )
            except EngineError:
                await worker.stop()  # respond only when the work has stopped
                raise
            finally:
                self._pool.take_back(worker)

    def _check_state(self) -> None:
        if self.state is State.DRAINING:
            raise DrainingError("The service is about to stop.")
        if self.state is State.WARMING:
            raise WarmingUpError("The service is starting and not ready yet.")

    async def _next_worker(self, place: Place[Worker], deadline: float) -> Worker:
        if self._dispatcher.idle:  # it comes at once, and needs no timer
            worker = await self._dispatcher.worker(place)
            if worker.usable:
                return worker
            self._pool.replace(worker)  # it has just died
        try:
            async with asyncio.timeout_at(deadline):  # a loop's clock is time.monotonic()
                worker = await self._dispatcher.worker(place)
                while not worker.usable:
                    self._pool.replace(worker)
                    worker = await self._dispatcher.worker(place)
                return worker
        except TimeoutError:
            raise DeadlineError("No worker became free in time.") from None

    async def _drain(self) -> None:
        give_up = time.monotonic() + self.limits.shutdown_timeout_s
        while self._dispatcher.admitted and time.monotonic() < give_up:
            await asyncio.sleep(_DRAIN_INTERVAL_S)
        await self._pool.stop(
            DrainingError("The service stopped before this request was completed.")
        )

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
