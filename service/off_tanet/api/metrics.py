"""Prometheus metrics: finished requests, and the current state of the engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from off_tanet.api.middleware.instrumentation import RequestRecord
from off_tanet.workers.engine import Engine, EngineStats

MEDIA_TYPE = CONTENT_TYPE_LATEST

# Buckets from a health check, or a fast inference, to the default deadline of a long video.
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
_STAGE_SECONDS = (0.001, 0.0025, *_REQUEST_SECONDS)


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self, *engines: Engine) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "off_tanet_requests",
            "Finished requests.",
            ("route", "method", "code"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "off_tanet_request_duration_seconds",
            "Time from the headers of a request to the end of its response.",
            ("route",),
            buckets=_REQUEST_SECONDS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "off_tanet_stage_duration_seconds",
            "Time of each stage of a recognition, and the total.",
            ("stage",),
            buckets=_STAGE_SECONDS,
            registry=self._registry,
        )
        self._rejections = Counter(
            "off_tanet_rejections",
            "Requests answered with a problem, by the code of the problem.",
            ("reason",),
            registry=self._registry,
        )
        self._registry.register(_EngineCollector(engines))
        ProcessCollector(registry=self._registry)

    def observe(self, record: RequestRecord) -> None:
        """Count one finished request."""
        self._requests.labels(record.route, record.method, str(record.status)).inc()
        self._seconds.labels(record.route).observe(record.seconds)
        for stage, milliseconds in record.stages_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)
        if record.problem is not None:
            self._rejections.labels(record.problem).inc()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _EngineCollector(Collector):
    """Reads the state of the engines when the metrics are scraped."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines

    def collect(self) -> Iterator[Metric]:
        stats = sum((engine.stats() for engine in self._engines), EngineStats(0, 0, 0, 0))
        yield GaugeMetricFamily(
            "off_tanet_queue_depth", "Admitted requests that wait for a worker.", stats.waiting
        )
        workers = GaugeMetricFamily(
            "off_tanet_workers", "Worker processes; alive includes idle.", labels=("state",)
        )
        workers.add_metric(("alive",), stats.alive)
        workers.add_metric(("idle",), stats.idle)
        yield workers
        yield CounterMetricFamily(
            "off_tanet_worker_restarts",
            "Workers started to replace another one.",
            stats.restarts,
        )
        if (info := self._engines[0].info) is not None:
            labels = {
                "name": info.card.name,
                "version": info.card.version,
                "flow_build": info.flow_build,
            }
            yield InfoMetricFamily("off_tanet_model", "The loaded model.", labels)
