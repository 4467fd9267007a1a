"""Progress of a job as server-sent events; closing the connection cancels the job."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

from fastapi.sse import format_sse_event
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.api.middleware.instrumentation import (
    record_client_gone,
    record_stages,
    record_wait,
)
from off_tanet.api.requests import disconnected
from off_tanet.errors import DrainingError, OffTanetError, SlowReaderError
from off_tanet.workers.answers import Answer
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import Job, PartialResult
from off_tanet.workers.uploads import Upload

_MAX_PROGRESS_BYTES = 65536
_HEADERS = {"X-Accel-Buffering": "no"}  # a proxy must not delay the events


class ProgressBody(BaseModel):
    """The data of a `progress` event."""

    stage: str
    done: int
    total: int


class EventStream(Response):
    """Runs a job and sends its events.

    These are `progress` events and partial results as they occur, and then one event with the
    answer, named `name`, or a `problem`. If more than `pending_bytes` bytes of events wait for the
    client to read them, the work is cancelled and the stream ends with a problem.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        engine: Engine,
        job: Job[Answer],
        upload: Upload,
        client: str,
        pending_bytes: int,
        name: str = "prediction",
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._engine, self._job, self._upload, self._client = engine, job, upload, client
        self._pending_bytes, self._name = pending_bytes, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the job and send the response."""
        pending = _PendingEvents(self._pending_bytes)
        work = asyncio.create_task(
            self._engine.run(
                self._job,
                self._upload,
                client=self._client,
                progress=pending.put_progress,
                waited=partial(record_wait, scope),
                on_partial=pending.put_partial,
            )
        )
        gone = asyncio.create_task(disconnected(receive))
        for task in (work, gone):
            task.add_done_callback(lambda _: pending.finish())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while (event := await pending.next()) is not None:
                await send({"type": "http.response.body", "body": event, "more_body": True})
            if pending.overflowed:
                final = _problem(scope, SlowReaderError("Events were not read in time."))
            elif work.done():
                final = self._final(scope, work)
            else:
                record_client_gone(scope)
                return
        except asyncio.CancelledError:  # by the server, when the shutdown timeout is over
            final = _problem(
                scope, DrainingError("The service stopped before this request was completed.")
            )
        finally:
            gone.cancel()
            work.cancel()
        await send({"type": "http.response.body", "body": final})

    def _final(self, scope: Scope, work: asyncio.Task[Answer]) -> bytes:
        try:
            answer = work.result()
            event = _event(self._name, answer.json.decode())
        except OffTanetError as error:
            return _problem(scope, error)
        except Exception as error:
            return _problem(scope, problems.unexpected(error))
        record_stages(scope, answer.stages_ms)
        return event


class _PendingEvents:
    """Events that have not been sent yet.

    Partial results may take up `max_bytes`; progress is dropped while more than a few are waiting.
    """

    def __init__(self, max_bytes: int) -> None:
        self.overflowed = False
        self._max_bytes = max_bytes
        self._events: deque[bytes] = deque()
        self._bytes = 0
        self._finished = False
        self._changed = asyncio.Event()

    def put_progress(self, stage: str, done: int, total: int) -> None:
        if self._bytes < _MAX_PROGRESS_BYTES:  # a later event replaces one that is dropped
            body = ProgressBody(stage=stage, done=done, total=total)
            self._put(_event("progress", body.model_dump_json()))

    def put_partial(self, result: PartialResult) -> None:
        if self._bytes + len(result.json) > self._max_bytes:
            self.overflowed = True
            self.finish()
        else:
            self._put(_event(result.kind, result.json))

    def finish(self) -> None:
        """Note that no further event will come."""
        self._finished = True
        self._changed.set()

    async def next(self) -> bytes | None:
        """Wait for the next event; return None after the last one."""
        while not self._events and not self._finished:
            self._changed.clear()
            await self._changed.wait()
        if not self._events:
            return None
        event = self._events.popleft()
        self._bytes -= len(event)
        return event

    def _put(self, event: bytes) -> None:
        self._events.append(event)
        self._bytes += len(event)
        self._changed.set()


def _problem(scope: Scope, error: OffTanetError) -> bytes:
    return _event("problem", problems.problem(scope, error).model_dump_json(exclude_none=True))


def _event(name: str, json: str) -> bytes:
    return format_sse_event(data_str=json, event=name)
