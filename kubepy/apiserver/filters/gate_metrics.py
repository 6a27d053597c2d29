"""How often, and how long, it was asked who somebody is and whether they may. Callers in this process are not counted.

Source: apiserver pkg/endpoints/filters/metrics.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kubepy.apiserver.authz import Decision
from kubepy.observability.metrics import Metrics, Samples

_BUCKETS_S = tuple(0.001 * 2**power for power in range(15))
# Whose names may be seen by those who scrape.
_NAMED = frozenset({"admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"})


class Attempts:
    """By result, with the time that each took."""

    def __init__(self) -> None:
        self._by_result: dict[str, Samples] = {}

    def add(self, result: str, seconds: float) -> None:
        samples = self._by_result.get(result)
        if samples is None:
            samples = self._by_result[result] = Samples(_BUCKETS_S)
        samples.add(seconds)

    def numbers(self) -> Iterator[tuple[tuple[str], float]]:
        for result, samples in list(self._by_result.items()):
            yield (result,), float(sum(samples.counts))

    def samples(self) -> Iterator[tuple[tuple[str], Samples]]:
        for result, samples in list(self._by_result.items()):
            yield (result,), samples


class GateMetrics:
    def __init__(self, metrics: Metrics) -> None:
        self.authentications, self.authorizations = Attempts(), Attempts()
        self._users: Counter[str] = Counter()
        result = ("result",)
        metrics.observe_each(
            "authenticated_user_requests", "Counter of authenticated requests broken out by username.",
            ("username",), lambda: [((name,), count) for name, count in list(self._users.items())], is_counter=True,
        )  # fmt: skip
        metrics.observe_each(
            "authentication_attempts", "Counter of authenticated attempts.", result, self.authentications.numbers,
            is_counter=True,
        )  # fmt: skip
        metrics.observe_samples(
            "authentication_duration_seconds", "Authentication duration in seconds broken out by result.", result,
            self.authentications.samples,
        )  # fmt: skip
        metrics.observe_each(
            "authorization_attempts",
            "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', "
            "'no-opinion' or 'error'.",
            result, self.authorizations.numbers, is_counter=True,
        )  # fmt: skip
        metrics.observe_samples(
            "authorization_duration_seconds", "Authorization duration in seconds broken out by result.", result,
            self.authorizations.samples,
        )  # fmt: skip

    def authenticated(self, name: str, seconds: float) -> None:
        self.authentications.add("success", seconds)
        self._users[group_of(name)] += 1

    def decided(self, decision: Decision, seconds: float) -> None:
        self.authorizations.add(result_of(decision), seconds)


def group_of(name: str) -> str:
    if name in _NAMED:
        return name
    return "email_id" if "@" in name else "other"


def result_of(decision: Decision) -> str:
    if decision.is_allowed:
        return "allowed"
    if decision.error:
        return "error"
    return "denied" if decision.is_denied else "no-opinion"
