"""FastAPI dependencies of the routes."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from off_tanet.api.metrics import Metrics
from off_tanet.workers.engine import Engine


async def _engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.engine)


EngineDep = Annotated[Engine, Depends(_engine)]


async def _metrics(request: Request) -> Metrics:
    return cast(Metrics, request.app.state.metrics)


MetricsDep = Annotated[Metrics, Depends(_metrics)]
