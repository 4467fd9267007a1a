"""Progress of a job as server-sent events; closing the connection cancels the job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.types import Scope

from service.api import problems
from service.api.exchanges import note_gone, note_stages, note_wait
from service.engine import Engine
from service.jobs import Answer
from service.recognition.errors import OffTanetError
from service.worker import Job, Part


class ProgressBody(BaseModel):
    stage: str
    done: int
    total: int


def event_stream(
    scope: Scope, engine: Engine, job: Job[Answer], name: str = "prediction"
) -> EventSourceResponse:
    """`progress` events and the job's parts as they come, then one event `name` or `problem`."""
    engine.check_admission()  # so that a refusal is an ordinary problem with its own status
    return EventSourceResponse(_events(scope, engine, job, name))


async def _events(
    scope: Scope, engine: Engine, job: Job[Answer], name: str
) -> AsyncIterator[bytes]:
    events: asyncio.Queue[bytes | None] = asyncio.Queue()

    def report(stage: str, done: int, total: int) -> None:
        body = ProgressBody(stage=stage, done=done, total=total)
        events.put_nowait(_event("progress", body.model_dump_json()))

    def tell(part: Part) -> None:
        events.put_nowait(_event(part.kind, part.json.decode()))

    work = asyncio.create_task(engine.run(job, report, partial(note_wait, scope), tell))
    work.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (event := await events.get()) is not None:
            yield event
        try:
            answer = work.result()
            note_stages(scope, answer.stages_ms)
            yield _event(name, answer.json.decode())
        except OffTanetError as error:
            yield _event(
                "problem", problems.problem(scope, error).model_dump_json(exclude_none=True)
            )
    finally:
        if not work.done():
            note_gone(scope)
        work.cancel()


def _event(name: str, json: str) -> bytes:
    return format_sse_event(data_str=json, event=name)
