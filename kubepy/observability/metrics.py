"""Prometheus metrics, one registry per cluster.

Names are upstream's where the thing is the same (apiserver_request_total, workqueue_depth, scheduler_...).
Callers keep the label children they use often: `.labels()` costs more than the increment.

Counting is done by one thread, the loop's, and so takes no locks: a request adds to some twenty values. Rendering, in
another thread, reads them as they are at that moment.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Source: apiserver pkg/endpoints/metrics/metrics.go, requestLatencies buckets, thinned to what a local cluster shows.
LATENCY_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class _Value:
    """What prometheus_client keeps a float in, without its lock."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float) -> None:
        self.value += amount

    def set(self, value: float, timestamp: float | None = None) -> None:
        self.value = value

    def get(self) -> float:
        return self.value

    def get_exemplar(self) -> None:
        return None


class _Counter(Counter):
    def _metric_init(self) -> None:
        super()._metric_init()
        self._value = _Value()

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        self._value.value += amount


class _Histogram(Histogram):
    def _metric_init(self) -> None:
        super()._metric_init()
        self._sum = _Value()
        self._buckets = [_Value() for _ in self._upper_bounds]

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        self._sum.value += amount
        self._buckets[bisect_left(self._upper_bounds, amount)].value += 1


Readings = Callable[[], Iterable[tuple[Sequence[str], float]]]


class Samples:
    """What a histogram counts, for one thread to add to: a quarter of a microsecond, where the library's takes two."""

    __slots__ = ("buckets", "counts", "total")

    def __init__(self, buckets: Sequence[float]) -> None:
        """`buckets`: upper bounds, without the infinite one."""
        self.buckets, self.total = tuple(buckets), 0.0
        self.counts = [0] * (len(buckets) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.buckets, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        bounds = [*(f"{bound:g}" for bound in self.buckets), "+Inf"]
        return [(bound, float(count)) for bound, count in zip(bounds, accumulate(self.counts))]


SampleReadings = Callable[[], Iterable[tuple[Sequence[str], Samples]]]


T = TypeVar("T")


class Metrics:
    """Get-or-create by name, so that components need not agree on who comes first."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._by_name: dict[str, Any] = {}

    def counter(self, name: str, help_: str, labels: Sequence[str] = ()) -> Counter:
        return self._get(name, lambda: _Counter(name, help_, labels, registry=self.registry))

    def gauge(self, name: str, help_: str, labels: Sequence[str] = ()) -> Gauge:
        return self._get(name, lambda: Gauge(name, help_, labels, registry=self.registry))

    def histogram(
        self, name: str, help_: str, labels: Sequence[str] = (), buckets: Sequence[float] = LATENCY_BUCKETS_S
    ) -> Histogram:
        return self._get(
            name, lambda: _Histogram(name, help_, labels, buckets=buckets, registry=self.registry)
        )

    def observe(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """A gauge whose value is read when somebody scrapes."""
        self.registry.register(_Read(name, help_, read))

    def observe_each(
        self, name: str, help_: str, labels: Sequence[str], read: Readings, *, is_counter: bool = False
    ) -> None:
        """The same with labels: `read` gives (label values, value) pairs, from a thread. A counter's name without
        _total."""
        self.registry.register(_ReadEach(name, help_, labels, read, is_counter))

    def observe_samples(self, name: str, help_: str, labels: Sequence[str], read: SampleReadings) -> None:
        """A histogram with labels whose samples are kept elsewhere."""
        self.registry.register(_ReadSamples(name, help_, labels, read))

    def render(self) -> bytes:
        """The text exposition; tens of milliseconds with thousands of series, so callers run it in a thread."""
        return generate_latest(self.registry)

    def _get(self, name: str, make: Callable[[], T]) -> T:
        metric = self._by_name.get(name)
        if metric is None:
            metric = self._by_name[name] = make()
        return cast(T, metric)


class _ReadEach:
    def __init__(
        self, name: str, help_: str, labels: Sequence[str], read: Readings, is_counter: bool
    ) -> None:
        self._name, self._help, self._labels, self._read = name, help_, labels, read
        self._family = CounterMetricFamily if is_counter else GaugeMetricFamily

    def describe(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        return [self._family(self._name, self._help, labels=self._labels)]

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        family = self._family(self._name, self._help, labels=self._labels)
        for values, value in self._read():
            family.add_metric(values, value)
        yield family


class _ReadSamples:
    def __init__(self, name: str, help_: str, labels: Sequence[str], read: SampleReadings) -> None:
        self._name, self._help, self._labels, self._read = name, help_, labels, read

    def describe(self) -> Iterable[HistogramMetricFamily]:
        return [HistogramMetricFamily(self._name, self._help, labels=self._labels)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for values, samples in self._read():
            family.add_metric(values, samples.cumulative(), samples.total)
        yield family


class _Read:
    def __init__(self, name: str, help_: str, read: Callable[[], float]) -> None:
        self._name, self._help, self._read = name, help_, read

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [GaugeMetricFamily(self._name, self._help)]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._help)
        family.add_metric([], self._read())
        yield family
