"""Progress of a job as server-sent events; closing the connection cancels the job."""

from __future__ import annotations

import asyncio
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
from off_tanet.api.pending_events import PendingEvents
from off_tanet.api.requests import disconnected
from off_tanet.errors import DrainingError, OffTanetError, SlowReaderError
from off_tanet.workers.answer_types import Answer
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import Job
from off_tanet.workers.uploads import Upload

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
        pending = PendingEvents(self._pending_bytes)
        work = asyncio.create_task(
            self._engine.run(
                self._job,
                self._upload,
                client=self._client,
                progress=lambda *step: pending.put_replaceable(_progress(*step)),
                waited=partial(record_wait, scope),
                on_partial=lambda result: pending.put(_event(result.kind, result.json)),
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


def _problem(scope: Scope, error: OffTanetError) -> bytes:
    return _event("problem", problems.problem(scope, error).model_dump_json(exclude_none=True))


def _progress(stage: str, done: int, total: int) -> bytes:
    body = ProgressBody(stage=stage, done=done, total=total)
    return _event("progress", body.model_dump_json())


def _event(name: str, json: str) -> bytes:
    return format_sse_event(data_str=json, event=name)
