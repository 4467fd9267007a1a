"""Jobs that routes hand to the engine: they end when their client goes or the engine fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI, Request
from off_tanet.api.middleware.client_id import client_of
from off_tanet.api.requests import run_job
from off_tanet.api.sse import EventStream
from off_tanet.errors import ClientGoneError
from off_tanet.workers.answer_types import Answer
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import FramesJob
from off_tanet.workers.uploads import Upload


class Hanging:
    """An engine whose work never ends by itself."""

    def __init__(self) -> None:
        self.cancelled = False

    async def run(self, _job: object, _upload: object, **_: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def test_work_stops_when_its_client_goes() -> None:
    """A user who closes the page must not occupy a core."""

    messages: Iterator[dict[str, Any]]
    messages = iter([{"type": "http.request", "body": b"x"}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    app = FastAPI()
    app.state.client_of = client_of("none")
    engine = Hanging()

    async def body() -> None:
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/"}
        scope |= {"query_string": b"", "headers": [], "app": app}
        with pytest.raises(ClientGoneError):
            await run_job(Request(scope, receive), cast(Engine, engine), FramesJob(b""))
        await asyncio.sleep(0)  # lets the cancelled work end
        assert engine.cancelled

    asyncio.run(body())


class Broken:
    """An engine whose answer is not UTF-8."""

    async def run(self, job: object, *_: object, **__: object) -> Any:
        return Answer(b"\xff", {})


def test_a_stream_ends_with_a_problem_whatever_fails() -> None:
    """Otherwise its client waits without end, or finds the connection closed."""
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async def body() -> None:
        stream = EventStream(cast(Engine, Broken()), FramesJob(b""), Upload(), "", 1000)
        await stream({"type": "http", "path": "/", "headers": []}, receive, send)

    asyncio.run(body())
    assert b'"code":"internal_error"' in sent[-1]["body"]
    assert not sent[-1].get("more_body")
