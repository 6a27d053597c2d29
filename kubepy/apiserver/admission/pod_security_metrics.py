"""What PodSecurity counts, under upstream's names.

Source: pod-security-admission metrics/metrics.go.
"""

from __future__ import annotations

from typing import Any

from kubepy.api.builtins import NAMESPACES, PODS
from kubepy.api.pod_security.levels import LATEST, PRIVILEGED, Standard
from kubepy.apiserver.admission.base import Attributes
from kubepy.observability.metrics import Metrics

ENFORCE, AUDIT, WARN = "enforce", "audit", "warn"
_OF = ("request_operation", "resource", "subresource")


class PodSecurityMetrics:
    """`minor`: of the version that this server is; what is asked for beyond it is of the future."""

    def __init__(self, metrics: Metrics, minor: int) -> None:
        self._minor = minor
        self._evaluations = metrics.counter(
            "pod_security_evaluations_total",
            "Number of policy evaluations that occurred, not counting ignored or exempt requests.",
            ("decision", "policy_level", "policy_version", "mode", *_OF),
        )
        self._exemptions = metrics.counter(
            "pod_security_exemptions_total",
            "Number of exempt requests, not counting ignored or out of scope requests.",
            _OF,
        )
        self._errors = metrics.counter(
            "pod_security_errors_total",
            "Number of errors preventing normal evaluation. Non-fatal errors may result in the latest restricted "
            "profile being used for evaluation.",
            ("fatal", *_OF),
        )
        self._known: dict[tuple[object, ...], Any] = {}

    def evaluated(self, standard: Standard, mode: str, attributes: Attributes, *, is_allowed: bool) -> None:
        key = (standard, mode, is_allowed, *_labels(attributes))
        counter = self._known.get(key)
        if counter is None:
            decision = "allow" if is_allowed else "deny"
            level, version = standard.level, self._version(standard)
            counter = self._evaluations.labels(decision, level, version, mode, *_labels(attributes))
            self._known[key] = counter
        counter.inc()

    def _version(self, standard: Standard) -> str:
        if standard.minor is None or standard.level == PRIVILEGED:
            return LATEST
        return f"v1.{standard.minor}" if standard.minor <= self._minor else "future"

    def exempted(self, attributes: Attributes) -> None:
        self._exemptions.labels(*_labels(attributes)).inc()

    def failed(self, attributes: Attributes, *, is_fatal: bool) -> None:
        self._errors.labels("true" if is_fatal else "false", *_labels(attributes)).inc()


def _labels(attributes: Attributes) -> tuple[str, str, str]:
    resource = attributes.resource
    what = "pod" if resource == PODS else "namespace" if resource == NAMESPACES else "controller"
    return attributes.operation.lower(), what, attributes.subresource
