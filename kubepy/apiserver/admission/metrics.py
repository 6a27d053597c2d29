"""How long admission takes, and what webhooks answer, under upstream's names.

Source: apiserver pkg/admission/metrics/metrics.go.
"""

from __future__ import annotations

from typing import Any

from kubepy.observability.metrics import Metrics

_STEP_BUCKETS_S = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_WEBHOOK_BUCKETS_S = (*_STEP_BUCKETS_S, 10.0, 25.0)
_CONDITION_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25)
_CODE_MAX = 600
ADMIT, VALIDATE = "admit", "validate"
# Webhooks call the second step otherwise.
VALIDATING = "validating"
CALLING_ERROR, INTERNAL_ERROR, NO_ERROR = (
    "calling_webhook_error",
    "apiserver_internal_error",
    "no_error",
)


class AdmissionMetrics:
    def __init__(self, metrics: Metrics) -> None:
        def histogram(name: str, help_: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Any:
            return metrics.histogram(f"apiserver_admission_{name}", help_, labels, buckets)

        def counter(name: str, help_: str, labels: tuple[str, ...]) -> Any:
            return metrics.counter(f"apiserver_admission_{name}", help_, labels)

        def gauge(name: str, help_: str, labels: tuple[str, ...]) -> Any:
            return metrics.gauge(f"apiserver_admission_{name}", help_, labels)

        timed = ("type", "operation", "rejected")
        condition = ("name", "kind", "type", "operation")
        self._step = histogram(
            "step_admission_duration_seconds",
            "Admission sub-step latency in seconds.",
            timed,
            _STEP_BUCKETS_S,
        )
        self._controller = histogram(
            "controller_admission_duration_seconds", "Admission controller latency in seconds, by name.",
            ("name", *timed), _STEP_BUCKETS_S,
        )  # fmt: skip
        self._webhook = histogram(
            "webhook_admission_duration_seconds", "Admission webhook latency in seconds, by name.",
            ("name", *timed), _WEBHOOK_BUCKETS_S,
        )  # fmt: skip
        # Counters whose names end otherwise than in _total; the library would add it.
        self._rejections = gauge(
            "webhook_rejection_count", "Requests that an admission webhook rejected, by name.",
            ("name", "type", "operation", "error_type", "rejection_code"),
        )  # fmt: skip
        self._open = gauge(
            "webhook_fail_open_count", "Failures of admission webhooks that were ignored.", ("name", "type")
        )
        self._requests = counter(
            "webhook_request_total", "Requests to admission webhooks, by name.",
            ("name", "type", "operation", "code", "rejected"),
        )  # fmt: skip
        self._condition_errors = counter(
            "match_condition_evaluation_errors_total", "Match conditions that failed.", condition
        )
        self._exclusions = counter(
            "match_condition_exclusions_total", "Requests that match conditions excluded.", condition
        )
        self._condition = histogram(
            "match_condition_evaluation_seconds", "Evaluation time of match conditions in seconds.",
            condition, _CONDITION_BUCKETS_S,
        )  # fmt: skip

    def of_step(self, step: str, operation: str, *, rejected: bool) -> Any:
        """To be kept by who observes often; so is the next one's."""
        return self._step.labels(step, operation, _go(rejected))

    def of_controller(self, name: str, step: str, operation: str, *, rejected: bool) -> Any:
        return self._controller.labels(name, step, operation, _go(rejected))

    def webhook(
        self, name: str, step: str, operation: str, seconds: float, code: int, *, rejected: bool
    ) -> None:
        self._requests.labels(name, step, operation, str(min(code, _CODE_MAX)), _go(rejected)).inc()
        self._webhook.labels(name, step, operation, _go(rejected)).observe(seconds)

    def rejection(self, name: str, step: str, operation: str, error: str, code: int) -> None:
        self._rejections.labels(name, step, operation, error, str(min(code, _CODE_MAX))).inc()

    def failed_open(self, name: str, step: str) -> None:
        self._open.labels(name, step).inc()

    def condition(self, name: str, kind: str, step: str, operation: str, seconds: float) -> None:
        """`kind`: webhook or policy."""
        self._condition.labels(name, kind, step, operation).observe(seconds)

    def condition_error(self, name: str, kind: str, step: str, operation: str) -> None:
        self._condition_errors.labels(name, kind, step, operation).inc()

    def excluded(self, name: str, kind: str, step: str, operation: str) -> None:
        self._exclusions.labels(name, kind, step, operation).inc()


def _go(value: bool) -> str:
    return "true" if value else "false"
