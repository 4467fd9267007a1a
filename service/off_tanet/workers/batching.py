"""Dynamic batching: tensors of one client that wait for a worker at the same time are one job.

No request waits for others to come: the batch is closed as soon as there is a worker. Only requests
of one client are put together, so that a batch that fails as a whole, with its worker, concerns one
client. The more clients there are, the fewer requests does each of them have in a batch: one turn
of all clients takes no longer than one batch of a single client.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from off_tanet.limits import BatchingLimits
from off_tanet.workers.answer_types import InferenceAnswer
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import InferenceBatch, InferenceJob
from off_tanet.workers.messages import Failure
from off_tanet.workers.uploads import JointUpload, Upload

log = logging.getLogger(__name__)

Waited = Callable[[float], None]
Outcomes = tuple[InferenceAnswer | Failure, ...]


class InferenceBatcher:
    """Runs inference jobs in an engine, together with others of their client.

    Args:
        engine: The engine.
        limits: Limits of a batch.
    """

    def __init__(self, engine: Engine, limits: BatchingLimits) -> None:
        self._engine = engine
        self._limits = limits
        self._open: dict[str, _Batch] = {}  # the batch of each client that others can join

    async def run(
        self, job: InferenceJob, upload: Upload, client: str, waited: Waited
    ) -> InferenceAnswer:
        """Run a job; cancelling the call stops the work, unless others wait for it.

        Args:
            job: The job.
            upload: The body of the request.
            client: Identifier of the client.
            waited: Called once with the seconds until a worker was free.

        Raises:
            OffTanetError: As raised by `Engine.run`.
        """
        limit, batch = self._engine.share(self._limits.requests), self._open.get(client)
        if batch is not None and len(batch.job.jobs) >= limit:
            self._close(batch, client)
            batch = None
        if upload.size > self._limits.body_bytes or (batch is None and limit == 1):
            return await self._engine.run(job, upload, client=client, waited=waited)
        if batch is None:
            batch = self._open[client] = _Batch()
            batch.work = asyncio.create_task(self._run(batch, client))
            batch.work.add_done_callback(_retrieve_exception)
        index = batch.add(job, upload, waited)
        try:
            return await batch.answer(index)
        finally:
            if not batch.members:
                self._close(batch, client)

    async def _run(self, batch: _Batch, client: str) -> Outcomes:
        def begin(_: float) -> None:
            self._close(batch, client)
            batch.begin()

        try:
            return await self._engine.run(batch.job, batch.upload, client=client, waited=begin)
        finally:
            self._close(batch, client)

    def _close(self, batch: _Batch, client: str) -> None:
        """Let nobody join the batch any more."""
        if self._open.get(client) is batch:
            del self._open[client]


class _Batch:
    """Jobs that are run together, and those that wait for their answers.

    Attributes:
        job: The job, which grows until a worker takes it.
        upload: The bodies.
        members: Number of requests that wait for an answer.
        work: Ends with the outcomes.
    """

    work: asyncio.Task[Outcomes]

    def __init__(self) -> None:
        self.job, self.upload, self.members = InferenceBatch([], []), JointUpload(), 0
        self._waiting: list[tuple[Waited, float]] = []

    def add(self, job: InferenceJob, upload: Upload, waited: Waited) -> int:
        """Add a request; return its index."""
        self.job.jobs.append(job)
        self.job.sizes.append(upload.size)
        self.upload.uploads.append(upload)
        self._waiting.append((waited, time.monotonic()))
        return len(self.job.jobs) - 1

    def begin(self) -> None:
        """Tell each request how long it has waited."""
        for waited, since in self._waiting:
            waited(time.monotonic() - since)

    async def answer(self, index: int) -> InferenceAnswer:
        """Wait for the answer of one request; the last one that is cancelled stops the work."""
        self.members += 1
        try:
            outcome = (await asyncio.shield(self.work))[index]
        except asyncio.CancelledError:
            if self.members == 1:
                self.work.cancel()
            raise
        finally:
            self.members -= 1
        if isinstance(outcome, InferenceAnswer):
            return outcome
        if outcome.cause:
            log.error("%s", outcome.cause)
        raise outcome.exception()


def _retrieve_exception(work: asyncio.Task[Outcomes]) -> None:
    """Retrieve the exception of work that nobody waits for any more; else the loop logs it."""
    if not work.cancelled():
        work.exception()
