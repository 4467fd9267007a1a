"""The endpoint that Prometheus scrapes."""

from __future__ import annotations

from fastapi import Response

from off_tanet.api.dependencies import MetricsDep
from off_tanet.api.metrics import MEDIA_TYPE


async def metrics(measured: MetricsDep) -> Response:
    """Return metrics of requests, stages, queue, workers and model in Prometheus' text format."""
    return Response(measured.exposition(), media_type=MEDIA_TYPE)
