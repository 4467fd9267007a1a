"""OpenTelemetry: a span for each request and, under it, one for each stage, told to a collector.

Needs the extra `otel`. Spans are made of finished exchanges, so they hold what the log may hold and
nothing else. A thread of the SDK sends them; its queue is bounded and drops what does not fit, so
that a collector that is slow or gone costs no request anything.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from off_tanet.api.middleware.instrumentation import UNMATCHED, RequestRecord

_FLUSH_S = 2.0
_SPANS_KEPT = 2048


class Tracing:
    """Sends spans to the collector at `endpoint`, a base URL; OTEL_* variables hold for the rest.

    Raises ValueError where one of those cannot be read.
    """

    def __init__(self, endpoint: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME", "off-tanet")
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": name}), shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_SPANS_KEPT))
        self._tracer = self._provider.get_tracer("off_tanet")
        self._propagator = TraceContextTextMapPropagator()

    def observe(self, exchange: RequestRecord) -> None:
        """Tell of one exchange, as a part of its client's trace where that names one."""
        ended = time.time_ns()
        started = ended - _nanoseconds(exchange.seconds)
        known = exchange.route != UNMATCHED
        method = "_OTHER" if exchange.method == "other" else exchange.method
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "http.response.status_code": exchange.status,
            "off_tanet.request_id": exchange.request_id,
        }
        if known:
            attributes["http.route"] = exchange.route
        if exchange.problem is not None:
            attributes["error.type"] = exchange.problem
        span = self._tracer.start_span(
            f"{method} {exchange.route}" if known else method,
            context=self._propagator.extract({"traceparent": exchange.traceparent}),
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=started,
        )
        if span.is_recording():
            self._tell_stages(exchange, started, set_span_in_context(span))
        if exchange.status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    async def close(self, within_s: float) -> None:
        """Send what is left, or give up in time."""
        # Its own shutdown waits for half a minute; a daemon's end is not waited for at exit.
        flushing = threading.Thread(target=self._provider.shutdown, daemon=True)
        flushing.start()
        await asyncio.to_thread(flushing.join, min(_FLUSH_S, within_s))

    def _tell_stages(self, exchange: RequestRecord, started: int, parent: Context) -> None:
        """The stages follow each other, from the moment at which the request began to wait."""
        stages = {name: ms / 1000 for name, ms in exchange.stages_ms.items() if name != "total"}
        at = started + _nanoseconds(exchange.began_s - stages.get("queue", 0.0))
        for name, seconds in stages.items():
            span = self._tracer.start_span(name, context=parent, start_time=at)
            at += _nanoseconds(seconds)
            span.end(at)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
