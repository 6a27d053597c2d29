from __future__ import annotations

from collections.abc import Callable

import pytest

from kubepy.api.errors import Forbidden
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.authz import NO_OPINION, NO_RULES, Decision, Rules, modes
from kubepy.apiserver.filters.authorization import authorization
from kubepy.apiserver.filters.gate_metrics import GateMetrics
from kubepy.apiserver.request import Request, RequestInfo, Response, User
from kubepy.lib.clock import VirtualClock
from kubepy.observability.metrics import Metrics

JANE = authenticated("jane", ())


class Says:
    """An authorizer that says one thing."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        return self.decision

    async def rules(self, user: User, namespace: str) -> Rules:
        return NO_RULES


async def _answer(make_request: Callable[..., Request], *said: Decision) -> Response:
    async def end(request: Request) -> Response:
        return Response(200)

    chain = modes.chain([Says(decision) for decision in said])
    handler = authorization(chain, VirtualClock(), GateMetrics(Metrics()))(end)
    return await handler(make_request("/api/v1/pods?a=<b>", user=JANE))


async def test_who_may_comes_through(make_request: Callable[..., Request]) -> None:
    assert (await _answer(make_request, NO_OPINION, Decision(True, error="but"))).status == 200


@pytest.mark.parametrize(
    ("said", "suffix"),
    [
        ((), "at the cluster scope"),
        ((Decision(False, reason="a"), Decision(False, reason="b")), "at the cluster scope: a\nb"),
        ((Decision(False, is_denied=True, reason="no"), Decision(True)), "at the cluster scope: no"),
    ],
)
async def test_who_may_not(
    make_request: Callable[..., Request], said: tuple[Decision, ...], suffix: str
) -> None:
    with pytest.raises(Forbidden) as caught:
        await _answer(make_request, *said)
    assert caught.value.message.endswith(suffix)


async def test_where_nobody_knows_the_server_has_failed(make_request: Callable[..., Request]) -> None:
    """Source: filters/authorization.go: an error counts unless somebody allows it."""
    answer = await _answer(make_request, Decision(False, error="webhook is away"), NO_OPINION)
    assert (answer.status, answer.content_type) == (500, "text/plain; charset=utf-8")
    assert answer.body == b'Internal Server Error: "/api/v1/pods?a=&lt;b&gt;": webhook is away\n'
