"""What is answered when there are too many; the waiting itself is tested in flowcontrol/."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.filters.flow_control import Rejected, max_in_flight, refusal
from kubepy.apiserver.loopback import LoopbackRequest
from kubepy.apiserver.request import Query, Request, Response, User
from kubepy.lib.clock import VirtualClock

_JANE = authenticated("jane", ("devs",))


def test_a_refusal_is_plain_text_over_http(make_request: Callable[..., Request]) -> None:
    response = refusal(make_request("/api/v1/pods"), 4)
    assert (response.status, response.body) == (429, b"Too many requests, please try again later.\n")
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers == {"Retry-After": "4", "X-Content-Type-Options": "nosniff"}


def test_a_refusal_is_raised_in_process() -> None:
    request = LoopbackRequest("GET", "/api/v1/pods", Query(), "1", _JANE, None, "")
    with pytest.raises(Rejected, match="Too many requests") as raised:
        refusal(request, 4)
    assert raised.value.retry_after_s == 4


@pytest.mark.parametrize(
    ("target", "method", "user", "codes"),
    [
        ("/api/v1/pods", "GET", _JANE, [200, 200, 429]),
        ("/api/v1/namespaces/default/pods", "POST", _JANE, [200, 429, 429]),
        ("/api/v1/namespaces/default/pods/web-0/log", "GET", _JANE, [200, 200, 200]),
        ("/api/v1/pods", "GET", User("admin", ("system:masters",)), [200, 200, 200]),
    ],
)
async def test_without_priority_and_fairness_requests_are_counted(
    target: str,
    method: str,
    user: User,
    codes: list[int],
    clock: VirtualClock,
    make_request: Callable[..., Request],
) -> None:
    async def slow(request: Request) -> Response:
        await clock.sleep(1)
        return Response()

    handler: Any = max_in_flight(2, 1)(slow)
    for _ in range(2):
        answers = asyncio.gather(*(handler(make_request(target, method, user=user)) for _ in range(3)))
        await clock.advance(2)
        assert [response.status for response in await answers] == codes
