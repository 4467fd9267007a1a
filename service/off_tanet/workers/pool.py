"""A pool of worker processes, which replaces those that die, hang or use too much memory."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

from off_tanet import logs
from off_tanet.errors import EngineError, NoWorkerError, OffTanetError
from off_tanet.workers import early
from off_tanet.workers.dispatch import Dispatcher
from off_tanet.workers.messages import WorkerInfo
from off_tanet.workers.options import WorkerOptions
from off_tanet.workers.worker import Worker

log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _MAX_PAUSE_S = 0.5, 4.0  # between attempts to start a worker


@dataclass(slots=True)
class WorkerPool:
    """Keeps a number of workers alive within one event loop, and offers idle ones to a dispatcher.

    Attributes:
        options: Options of each worker.
        count: Number of workers.
        startup_s: Seconds that a worker may take to become ready.
        idle_bytes: A worker that holds more memory than this after a request is replaced.
        dispatcher: Receives the idle workers.
        info: Description of the workers; None before the first one is warm.
        starting: A task per initial worker, which ends when the worker is warm.
        started: Number of processes that were started.
    """

    options: WorkerOptions
    count: int
    startup_s: float
    idle_bytes: int
    dispatcher: Dispatcher[Worker]
    info: WorkerInfo | None = None
    starting: list[asyncio.Task[None]] = field(default_factory=list)
    started: int = 0
    _workers: set[Worker] = field(default_factory=set)
    _warm: set[Worker] = field(default_factory=set)
    _failing: bool = False
    _stopped: bool = False
    _background_tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self) -> None:
        """Start the workers in the background."""
        self.starting += [self._in_background(self._fill_place()) for _ in range(self.count)]

    def load(self) -> None:
        """Let the first workers load before there is an event loop, as `early.load`."""
        early.start(self.count)
        early.load(self.options, self.startup_s)

    async def stop(self, reason: EngineError) -> None:
        """Stop the workers; requests that still run, or wait for a worker, fail with `reason`."""
        self._stopped = True
        for task in self._background_tasks:
            task.cancel()
        self.dispatcher.close(reason)
        for worker in self._workers:
            worker.kill(reason)
        stops = [worker.stop() for worker in self._workers]
        await asyncio.gather(*stops, *self._background_tasks, return_exceptions=True)

    @property
    def alive(self) -> int:
        """Number of processes that are alive, warm or not."""
        return sum(worker.alive for worker in self._workers)

    @property
    def any_warm(self) -> bool:
        """Whether a worker is alive that has become warm."""
        return any(worker.alive for worker in self._warm)

    def check(self) -> None:
        """Raise NoWorkerError if no worker is alive and the last attempt to start one failed."""
        if self._failing and not self.any_warm:
            raise NoWorkerError("No worker can be started.")

    def take_back(self, worker: Worker) -> None:
        """Offer a worker to the dispatcher after its work, or replace it."""
        if not worker.completed:
            self.replace(worker)
        elif (held := worker.resident_bytes()) > self.idle_bytes:
            log.warning("replacing a worker that holds %d MB when idle", held // 1_000_000)
            self.replace(worker)
        else:
            self.dispatcher.offer(worker)

    def _replace_if_idle(self, worker: Worker) -> None:
        """Replace a lost worker; if it has a request, `take_back` does so later."""
        if self.dispatcher.withdraw(worker):
            self.replace(worker)

    def replace(self, worker: Worker) -> None:
        """Start another worker in the place of one that can no longer be used."""
        if self._stopped:
            return
        self._workers.discard(worker)
        self._warm.discard(worker)
        self._in_background(self._fill_place(worker))

    async def _fill_place(self, predecessor: Worker | None = None) -> None:
        """Start a worker, with increasing pauses between failed attempts."""
        if predecessor is not None:
            await predecessor.stop()
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                worker = await self._start_worker()
                break
            except Exception as error:
                log.error("a worker did not start: %s", _describe(error))
            self._failing = True
            if not self.any_warm:
                self.dispatcher.fail(NoWorkerError("No worker can be started."))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)
        self._failing = False
        self._warm.add(worker)
        self.dispatcher.offer(worker)

    async def _start_worker(self) -> Worker:
        worker = await Worker.start(self.options, self._replace_if_idle)
        self._workers.add(worker)
        self.started += 1
        try:
            self.info = await worker.warm_up(time.monotonic() + self.startup_s)
        except Exception:
            self._workers.discard(worker)
            await worker.stop()
            raise
        return worker

    def _in_background(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Start a task and keep a reference to it, which the event loop does not."""
        task = asyncio.create_task(work)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)
        return task


def _describe(error: Exception) -> str:
    """Return the reason on one line, without anything from an upload."""
    if isinstance(error, OffTanetError):
        return error.detail
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return logs.describe_error(error)
