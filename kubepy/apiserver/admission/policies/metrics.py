"""What policies have decided, counted under upstream's names.

Not here: how long each expression takes (check_duration_seconds).

Source: apiserver pkg/admission/plugin/policy/{validating,mutating}/{metrics/metrics,errors}.go.
"""

from __future__ import annotations

from kubepy.apiserver.admission.match_conditions import OUT_OF_BUDGET
from kubepy.observability.metrics import Metrics

ALLOW, DENY = "allow", "deny"
NO_ERROR = "no_error"


def error_type(message: str) -> str:
    """A validation that just does not hold is an invalid_error, too."""
    if message.startswith("compilation"):
        return "compile_error"
    return "out_of_budget" if message == OUT_OF_BUDGET else "invalid_error"


class PolicyMetrics:
    def __init__(self, metrics: Metrics, kind: str, labels: tuple[str, ...]) -> None:
        """kind: "validating", "mutating"."""
        self._checks = metrics.counter(
            f"apiserver_{kind}_admission_policy_check_total",
            f"Checks of {kind} admission policies, by policy, binding and what came of it.",
            ("policy", "policy_binding", *labels),
        )

    def count(self, policy: str, binding: str, *labels: str) -> None:
        self._checks.labels(policy, binding, *labels).inc()


def of_validating(metrics: Metrics) -> PolicyMetrics:
    return PolicyMetrics(metrics, "validating", ("error_type", "enforcement_action"))


def of_mutating(metrics: Metrics) -> PolicyMetrics:
    return PolicyMetrics(metrics, "mutating", ("error_type",))
