"""OpenTelemetry traces: one span per request, with a child span per stage, sent to a collector.

Needs the extra `otel`. Spans are created from finished requests and contain only what the log may
contain. A thread of the SDK sends them. Its queue is bounded and drops spans that do not fit, so
that a slow or unreachable collector delays no request.
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
_MAX_QUEUED_SPANS = 2048


class Tracing:
    """Exports spans to a collector."""

    def __init__(self, endpoint: str) -> None:
        """Configure the exporter, which reads its other options from OTEL_* variables.

        Args:
            endpoint: Base URL of the collector, such as `http://collector:4318`.

        Raises:
            ValueError: An OTEL_* variable has a bad value.
        """
        name = os.environ.get("OTEL_SERVICE_NAME", "off-tanet")
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": name}), shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=_MAX_QUEUED_SPANS)
        )
        self._tracer = self._provider.get_tracer("off_tanet")
        self._propagator = TraceContextTextMapPropagator()

    def observe(self, record: RequestRecord) -> None:
        """Export the spans of one request, as part of the client's trace if the client sent one."""
        ended = time.time_ns()
        started = ended - _nanoseconds(record.seconds)
        known = record.route != UNMATCHED
        method = "_OTHER" if record.method == "other" else record.method
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "http.response.status_code": record.status,
            "off_tanet.request_id": record.request_id,
        }
        if known:
            attributes["http.route"] = record.route
        if record.problem is not None:
            attributes["error.type"] = record.problem
        span = self._tracer.start_span(
            f"{method} {record.route}" if known else method,
            context=self._propagator.extract({"traceparent": record.traceparent}),
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=started,
        )
        if span.is_recording():
            self._export_stages(record, started, set_span_in_context(span))
        if record.status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    async def close(self, within_s: float) -> None:
        """Send the spans that are left, within `within_s` seconds."""
        # The provider's shutdown waits for half a minute; a daemon thread does not delay the exit.
        flushing = threading.Thread(target=self._provider.shutdown, daemon=True)
        flushing.start()
        await asyncio.to_thread(flushing.join, min(_FLUSH_S, within_s))

    def _export_stages(self, record: RequestRecord, started: int, parent: Context) -> None:
        """Export a span per stage; the stages follow each other from the start of the wait on."""
        stages = {name: ms / 1000 for name, ms in record.stages_ms.items() if name != "total"}
        at = started + _nanoseconds(record.began_s - stages.get("queue", 0.0))
        for name, seconds in stages.items():
            span = self._tracer.start_span(name, context=parent, start_time=at)
            at += _nanoseconds(seconds)
            span.end(at)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
