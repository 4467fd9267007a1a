"""What Prometheus scrapes."""

from __future__ import annotations

from fastapi import Response

from service.api.dependencies import MetricsDep
from service.api.metrics import MEDIA_TYPE


async def metrics(measured: MetricsDep) -> Response:
    """Requests, stages, queue, workers and model in Prometheus' text format."""
    return Response(measured.exposition(), media_type=MEDIA_TYPE)
