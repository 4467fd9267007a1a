"""What stands between a route and the engine."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from fastapi import Request

from service.api.dependencies import _run
from service.engine import Engine
from service.jobs import FramesJob
from service.recognition.errors import ClientGoneError


class Hanging:
    """An engine whose work never ends by itself."""

    def __init__(self) -> None:
        self.cancelled = False

    async def run(self, _job: object, **_: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def test_work_stops_when_its_client_goes() -> None:
    """A user who closes the page must not hold a core."""

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def body() -> None:
        engine = Hanging()
        run = await _run(Request({"type": "http"}, gone), cast(Engine, engine))
        with pytest.raises(ClientGoneError):
            await run(FramesJob(b"", b""))
        await asyncio.sleep(0)  # lets the cancelled work end
        assert engine.cancelled

    asyncio.run(body())
