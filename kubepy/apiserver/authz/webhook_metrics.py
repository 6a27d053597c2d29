"""What authorization webhooks answer, and whom they are not asked about, under upstream's names.

Source: apiserver plugin/pkg/authorizer/webhook/metrics/metrics.go, pkg/authorization/cel/metrics.go.
"""

from __future__ import annotations

from kubepy.observability.metrics import Metrics

SUCCESS, TIMEOUT, ERROR = "success", "timeout", "error"
# Source: component-base metrics DefBuckets.
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_PREFIX = "apiserver_authorization"


class WebhookMetrics:
    """Of one webhook, by its name."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._name = name
        of, conditions = ("name", "result"), ("type", "name")
        self._evaluations = metrics.counter(
            f"{_PREFIX}_webhook_evaluations_total", "Round-trips to authorization webhooks.", of
        )
        self._durations = metrics.histogram(
            f"{_PREFIX}_webhook_duration_seconds", "Request latency in seconds.", of, _BUCKETS_S
        )
        self._open = metrics.counter(
            f"{_PREFIX}_webhook_evaluations_fail_open_total",
            "NoOpinion results due to webhook timeout or error.",
            of,
        )
        self._condition_errors = metrics.counter(
            f"{_PREFIX}_match_condition_evaluation_errors_total",
            "Total number of errors when an authorization webhook encounters a match condition error split by "
            "authorizer type and name.",
            conditions,
        )
        self._exclusions = metrics.counter(
            f"{_PREFIX}_match_condition_exclusions_total",
            "Total number of exclusions when an authorization webhook is skipped because match conditions exclude it.",
            conditions,
        )

    def asked(self, result: str, seconds: float) -> None:
        self._evaluations.labels(self._name, result).inc()
        self._durations.labels(self._name, result).observe(seconds)

    def failed_open(self, result: str) -> None:
        self._open.labels(self._name, result).inc()

    def condition_failed(self) -> None:
        self._condition_errors.labels("Webhook", self._name).inc()

    def excluded(self) -> None:
        self._exclusions.labels("Webhook", self._name).inc()
