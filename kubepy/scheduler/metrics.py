"""What the scheduler counts, by upstream's names and buckets; the queue's and preemption's are where they happen.

Not there: what is measured per plugin and extension point, for plugins are asked too seldom and answer too fast for
that to tell anything; `kubepy why` tells more.

Source: pkg/scheduler/metrics/metrics.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubepy.observability.metrics import Metrics
    from kubepy.scheduler.cache import Cache
    from kubepy.scheduler.queue import Queue, QueuedPod


def _exponential(start: float, count: int) -> tuple[float, ...]:
    """Each twice the one before."""
    return tuple(start * 2**power for power in range(count))


class SchedulerMetrics:
    def __init__(self, metrics: Metrics, profiles: Mapping[str, object], cache: Cache, queue: Queue) -> None:
        attempts = metrics.counter(
            "scheduler_schedule_attempts_total",
            "Number of attempts to schedule pods, by the result.",
            ["result", "profile"],
        )
        seconds = metrics.histogram(
            "scheduler_scheduling_attempt_duration_seconds",
            "Scheduling attempt latency in seconds (scheduling algorithm + binding)",
            ["result", "profile"],
            buckets=_exponential(0.001, 15),
        )
        self._sli = metrics.histogram(
            "scheduler_pod_scheduling_sli_duration_seconds",
            "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue.",
            ["attempts"],
            buckets=_exponential(0.01, 20),
        )
        self._algorithm = metrics.histogram(
            "scheduler_scheduling_algorithm_duration_seconds",
            "Scheduling algorithm latency in seconds",
            buckets=_exponential(0.001, 15),
        )
        metrics.observe_each(
            "scheduler_cache_size",
            "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.",
            ["type"],
            lambda: [
                ((kind.replace("assumed", "assumed_pods"),), n) for kind, n in cache.statistics().items()
            ],
        )
        metrics.observe_each(
            "scheduler_unschedulable_pods",
            "The number of unschedulable pods broken down by plugin name.",
            ["plugin", "profile"],
            queue.unschedulable,
        )
        self._tries = metrics.histogram(
            "scheduler_pod_scheduling_attempts",
            "Number of attempts to successfully schedule a pod.",
            buckets=(1, 2, 4, 8, 16),
        )
        # What an attempt ended with, by the reason the pod's condition gives.
        results = {"": "scheduled", "Unschedulable": "unschedulable", "SchedulerError": "error"}
        self._attempts = {(p, r): attempts.labels(label, p) for p in profiles for r, label in results.items()}
        self._seconds = {(p, r): seconds.labels(label, p) for p in profiles for r, label in results.items()}

    def scheduled(self, profile: str, queued: QueuedPod, now: float, started: float) -> None:
        self._attempts[profile, ""].inc()
        self._seconds[profile, ""].observe(now - started)
        self._tries.observe(queued.attempts)
        self._sli.labels("15+" if queued.attempts >= 15 else str(queued.attempts)).observe(
            now - queued.added_at
        )

    def decided(self, seconds: float) -> None:
        """Which node, or that there is none."""
        self._algorithm.observe(seconds)

    def failed(self, profile: str, reason: str, seconds: float) -> None:
        self._attempts[profile, reason].inc()
        self._seconds[profile, reason].observe(seconds)
