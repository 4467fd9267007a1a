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
from service.worker import Job


class ProgressBody(BaseModel):
    stage: str
    done: int
    total: int


def event_stream(scope: Scope, engine: Engine, job: Job[Answer]) -> EventSourceResponse:
    """`progress` events, then one `prediction` or `problem`."""
    engine.check_admission()  # so that a refusal is an ordinary problem with its own status
    return EventSourceResponse(_events(scope, engine, job))


async def _events(scope: Scope, engine: Engine, job: Job[Answer]) -> AsyncIterator[bytes]:
    steps: asyncio.Queue[ProgressBody | None] = asyncio.Queue()

    def report(stage: str, done: int, total: int) -> None:
        steps.put_nowait(ProgressBody(stage=stage, done=done, total=total))

    work = asyncio.create_task(engine.run(job, report, partial(note_wait, scope)))
    work.add_done_callback(lambda _: steps.put_nowait(None))
    try:
        while (step := await steps.get()) is not None:
            yield _event("progress", step.model_dump_json())
        try:
            answer = work.result()
            note_stages(scope, answer.stages_ms)
            yield _event("prediction", answer.json.decode())
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
