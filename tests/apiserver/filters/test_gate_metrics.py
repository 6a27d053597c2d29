from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from kubepy.api.errors import Forbidden, Unauthorized
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.authz import NO_OPINION, Decision
from kubepy.apiserver.filters.authentication import authentication
from kubepy.apiserver.filters.authorization import authorization
from kubepy.apiserver.filters.gate_metrics import GateMetrics, group_of, result_of
from kubepy.apiserver.request import Request, RequestInfo, Response, User
from kubepy.lib.clock import VirtualClock
from kubepy.observability.metrics import Metrics


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("admin", "admin"),
        ("system:serviceaccount:kube-system:default", "system:serviceaccount:kube-system:default"),
        ("system:serviceaccount:default:default", "other"),
        ("jane@example.com", "email_id"),
        ("jane", "other"),
    ],
)
def test_most_names_are_nobodys_business(name: str, group: str) -> None:
    assert group_of(name) == group


@pytest.mark.parametrize(
    ("decision", "result"),
    [
        (Decision(True, error="but"), "allowed"),
        (Decision(False, is_denied=True), "denied"),
        (Decision(False, is_denied=True, error="away"), "error"),
        (NO_OPINION, "no-opinion"),
    ],
)
def test_results(decision: Decision, result: str) -> None:
    assert result_of(decision) == result


class Slow:
    """Knows jane, who may; the others it has never heard of."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    async def authenticate(self, request: Request) -> User | None:
        await self._clock.sleep(0.003)
        if request.path == "/who":
            raise Unauthorized
        return authenticated("jane", ())

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        return Decision(info.path == "/may")


async def test_attempts_are_counted_and_timed(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    metrics, slow = Metrics(), Slow(clock)
    gate = GateMetrics(metrics)

    async def end(request: Request) -> Response:
        return Response()

    handler = authentication(slow, clock, gate)(authorization(slow, clock, gate)(end))  # type: ignore[arg-type]

    async def ask(path: str) -> None:
        try:
            await handler(make_request(path))
        except (Unauthorized, Forbidden):
            pass

    for path in ("/who", "/may", "/may", "/may-not"):
        task = asyncio.ensure_future(ask(path))
        await clock.advance(1)
        await task

    def read(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    assert read("authentication_attempts_total", result="error") == 1
    assert read("authentication_attempts_total", result="success") == 3
    assert read("authenticated_user_requests_total", username="other") == 3
    assert read("authorization_attempts_total", result="allowed") == 2
    assert read("authorization_attempts_total", result="no-opinion") == 1
    assert read("authentication_duration_seconds_bucket", result="success", le="0.002") == 0
    assert read("authentication_duration_seconds_bucket", result="success", le="0.004") == 3
