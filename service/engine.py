"""Admission, deadline, worker processes, drain. What runs inside a worker is not known here.

A request is admitted or refused at once; it waits for an idle worker, runs there, and holds its
slot until the work is over, whether it ended well, ran out of time or lost its client.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from service.recognition.errors import (
    DeadlineError,
    DrainingError,
    EngineError,
    OffTanetError,
    QueueFullError,
    WarmingUpError,
)
from service.recognition.recognizer import Configuration
from service.recognition.types import Progress
from service.worker import Facts, Job, Part, Worker

log = logging.getLogger(__name__)

T = TypeVar("T")

_END_S = 1.0  # for work that nobody waits for any more; a new process takes longer to start
_RESTART_PAUSE_S = 1.0  # between tries to replace a worker that will not start


class State(Enum):
    WARMING = "warming_up"
    READY = "ready"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """`workers` processes, `queue` requests waiting for one, seconds for each step.

    A worker that holds more than `worker_bytes` while it works is replaced. `niceness` is added to
    every worker's: the nicer ones get the processor's time that the others leave.
    """

    workers: int = 1
    queue: int = 16
    deadline_s: float = 30.0
    warm_up_s: float = 60.0
    grace_s: float = 20.0
    worker_bytes: int = 1_500_000_000
    niceness: int = 0


@dataclass(frozen=True, slots=True)
class Census:
    """How the workers stand: processes `alive`, those `idle`, requests `waiting` for one.

    `restarts` counts the workers started in the place of another.
    """

    alive: int
    idle: int
    waiting: int
    restarts: int

    def __add__(self, other: Census) -> Census:
        return Census(
            self.alive + other.alive,
            self.idle + other.idle,
            self.waiting + other.waiting,
            self.restarts + other.restarts,
        )


@dataclass(slots=True)
class Engine:
    """Runs jobs in worker processes. Lives in one event loop: `start`, `run`…, `stop`."""

    configuration: Configuration
    limits: EngineLimits
    state: State = State.WARMING
    facts: Facts | None = None
    starting: list[asyncio.Task[None]] = field(default_factory=list)
    _idle: asyncio.LifoQueue[Worker] = field(default_factory=asyncio.LifoQueue)
    _workers: set[Worker] = field(default_factory=set)
    _admitted: int = 0
    _waiting: int = 0
    _hired: int = 0
    _keepers: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self) -> None:
        """Begin to start the workers; the engine is ready when all of them are warm."""
        for _ in range(self.limits.workers):
            self.starting.append(self._keep(self._hire()))

    def start_when_asked(self) -> None:
        """Take jobs from now on; the first one starts the workers, and waits until one is warm."""
        self.state = State.READY

    async def stop(self) -> None:
        """Refuse new work, let the admitted work end within the grace period, end the workers."""
        self.state = State.DRAINING
        give_up = time.monotonic() + self.limits.grace_s
        while self._admitted and time.monotonic() < give_up:
            await asyncio.sleep(0.02)
        for keeper in self._keepers:
            keeper.cancel()
        stops = (worker.stop() for worker in self._workers)
        await asyncio.gather(*stops, *self._keepers, return_exceptions=True)

    def census(self) -> Census:
        """How the workers stand at this moment."""
        return Census(
            alive=sum(worker.usable for worker in self._workers),
            idle=self._idle.qsize(),
            waiting=self._waiting,
            restarts=max(0, self._hired - self.limits.workers),
        )

    def check_ready(self) -> Facts:
        """What the workers told of themselves. Raises WarmingUpError or DrainingError."""
        self._check_state()
        if self.facts is None:
            raise WarmingUpError("The service is starting and not ready yet.")
        return self.facts

    def check_admission(self) -> None:
        """Whether `run` would take a job now. Raises WarmingUp-, Draining- and QueueFullError."""
        self._check_state()
        if self._admitted >= self.limits.workers + self.limits.queue:
            raise QueueFullError("The service has more work than it can queue.")

    async def run(
        self,
        job: Job[T],
        progress: Progress | None = None,
        waited: Callable[[float], None] | None = None,
        parts: Callable[[Part], None] | None = None,
    ) -> T:
        """Carry out `job` in a worker; cancelling the caller stops the work.

        `progress` is called in the event loop, `waited` with the seconds until a worker was free,
        `parts` with the parts of the answer that the job has before the rest.
        Raises what the job raises, QueueFullError, WarmingUpError, DrainingError, DeadlineError
        and WorkerLostError.
        """
        admitted = time.monotonic()
        deadline = admitted + self.limits.deadline_s
        self.check_admission()
        self._admitted += 1
        if not self.starting:
            self.start()
        try:
            worker = await self._next_worker(deadline)
            if waited is not None:
                waited(time.monotonic() - admitted)
            return await self._run_on(worker, job, deadline, progress, parts)
        finally:
            self._admitted -= 1

    def _check_state(self) -> None:
        if self.state is State.DRAINING:
            raise DrainingError("The service is about to stop.")
        if self.state is State.WARMING:
            raise WarmingUpError("The service is starting and not ready yet.")

    async def _next_worker(self, deadline: float) -> Worker:
        self._waiting += 1
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                worker = await self._idle.get()
                while not worker.usable:  # it died while it had nothing to do
                    self._keep(self._replace(worker))
                    worker = await self._idle.get()
                return worker
        except TimeoutError:
            raise DeadlineError("No worker became free in time.") from None
        finally:
            self._waiting -= 1

    async def _run_on(
        self,
        worker: Worker,
        job: Job[T],
        deadline: float,
        progress: Progress | None,
        parts: Callable[[Part], None] | None,
    ) -> T:
        work = asyncio.create_task(
            worker.run(job, deadline, progress or (lambda *_: None), parts or (lambda _: None))
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # Whoever leaves early and often must not cost a new process each time.
            await asyncio.wait([work], timeout=_END_S)
            if not work.done():
                await worker.stop()
            await asyncio.gather(work, return_exceptions=True)
            raise
        except EngineError:
            await worker.stop()  # the answer is given when the work has stopped, not before
            raise
        finally:
            if not work.done():  # cancelled again in the meantime
                worker.kill()
            self._give_back(worker)

    def _give_back(self, worker: Worker) -> None:
        if worker.usable:
            self._idle.put_nowait(worker)
        else:
            self._keep(self._replace(worker))

    async def _replace(self, worker: Worker) -> None:
        self._workers.discard(worker)
        await worker.stop()
        await self._hire()

    async def _hire(self) -> None:
        """Start a worker and put it to the idle ones once it is warm; try until one starts."""
        while self.state is not State.DRAINING:
            worker = await Worker.start(
                self.configuration, self.limits.worker_bytes, self.limits.niceness
            )
            self._workers.add(worker)
            self._hired += 1
            try:
                deadline = time.monotonic() + self.limits.warm_up_s
                self.facts = await worker.warm(deadline)
            except OffTanetError as error:
                log.error("a worker did not start: %s", error.detail)
                self._workers.discard(worker)
                await worker.stop()
                await asyncio.sleep(_RESTART_PAUSE_S)
                continue
            self._idle.put_nowait(worker)
            if self.state is State.WARMING and self._idle.qsize() == self.limits.workers:
                self.state = State.READY
                log.info(
                    "ready: %d workers, flow build %s, model %s %s",
                    self.limits.workers,
                    self.facts.flow_build,
                    self.facts.card.name,
                    self.facts.card.version,
                )
            return

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Hold on to a background task until it is done, as the event loop does not."""
        task = asyncio.create_task(work)
        self._keepers.add(task)
        task.add_done_callback(self._keepers.discard)
        return task
