"""Counters and histograms for one event loop, which Prometheus' client library exposes.

The library's own take a lock and look their labels up for each of a request's dozen values, a tenth
of the server's time for the request.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import INF, floatToGoString


class CounterTable(Collector):
    """A counter for each combination of labels.

    Args:
        name: Name of the metric, without `_total`.
        documentation: Its help.
        labels: Names of the labels.
    """

    def __init__(self, name: str, documentation: str, labels: Sequence[str]) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._counts: Counter[tuple[str, ...]] = Counter()

    def count(self, *labels: str) -> None:
        """Add one to the counter with the values `labels`."""
        self._counts[labels] += 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the current counts."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, count in list(self._counts.items()):
            family.add_metric(labels, count)
        yield family


class HistogramTable(Collector):
    """A histogram for each value of one label.

    Args:
        name: Name of the metric.
        documentation: Its help.
        label: Name of the label.
        bounds: Inclusive upper bounds of the buckets, in increasing order, without infinity.
    """

    def __init__(self, name: str, documentation: str, label: str, bounds: Sequence[float]) -> None:
        self._name, self._documentation, self._label = name, documentation, label
        self._bounds = [*bounds, INF]
        self._texts = tuple(map(floatToGoString, self._bounds))
        self._buckets: dict[str, list[int]] = {}
        self._sums: dict[str, float] = defaultdict(float)

    def observe(self, label: str, value: float) -> None:
        """Add a value to the histogram of `label`."""
        buckets = self._buckets.get(label)
        if buckets is None:
            buckets = self._buckets[label] = [0] * len(self._bounds)
        buckets[bisect_left(self._bounds, value)] += 1
        self._sums[label] += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the current histograms."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=(self._label,))
        for label, buckets in list(self._buckets.items()):
            counts = zip(self._texts, accumulate(buckets), strict=True)
            family.add_metric((label,), list(counts), self._sums[label])
        yield family
