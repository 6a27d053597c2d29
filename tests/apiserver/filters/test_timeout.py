from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kubepy.api.errors import BadRequest, Timeout
from kubepy.apiserver.filters.timeout import is_long_running, parse_duration, timeout
from kubepy.apiserver.request import Request, Response, resolve_path
from kubepy.lib.clock import VirtualClock

MakeRequest = Callable[..., Request]


async def test_request_without_end_is_answered_504_at_its_deadline(
    clock: VirtualClock, make_request: MakeRequest
) -> None:
    handle = timeout(clock, 60.0)(_sleeping(clock, 1e6))
    task = asyncio.ensure_future(handle(make_request("/api/v1/pods")))
    await clock.advance(59.9)
    assert not task.done()
    await clock.advance(0.2)
    with pytest.raises(Timeout) as caught:
        await task
    assert caught.value.message == "Timeout: request did not complete within the allotted timeout"
    assert caught.value.code == 504


async def test_each_request_has_its_own_deadline(clock: VirtualClock, make_request: MakeRequest) -> None:
    handle = timeout(clock, 60.0)(_sleeping(clock, 1e6))
    ends: dict[str, float] = {}

    async def run(target: str) -> None:
        with pytest.raises(Timeout):
            await handle(make_request(target))
        ends[target] = clock.monotonic()

    tasks = [
        asyncio.ensure_future(run(f"/api/v1/pods{query}")) for query in ("", "?timeout=10s", "?timeout=2h")
    ]
    await clock.advance(30)
    tasks.append(asyncio.ensure_future(run("/api/v1/nodes")))
    await clock.advance(100)
    await asyncio.gather(*tasks)
    assert ends == pytest.approx(
        {
            "/api/v1/pods?timeout=10s": 10,
            "/api/v1/pods": 60,
            "/api/v1/pods?timeout=2h": 60,
            "/api/v1/nodes": 90,
        }
    )


async def test_watches_have_no_deadline(clock: VirtualClock, make_request: MakeRequest) -> None:
    request = make_request("/api/v1/watch/pods")
    handle = timeout(clock, 60.0)(_sleeping(clock, 1000))
    task = asyncio.ensure_future(handle(request))
    await clock.advance(999)
    assert not task.done() and request.deadline is None
    await clock.advance(1)
    assert (await task).status == 200


async def test_a_cancel_from_outside_stays_a_cancel(clock: VirtualClock, make_request: MakeRequest) -> None:
    handle = timeout(clock, 60.0)(_sleeping(clock, 1e6))
    task = asyncio.ensure_future(handle(make_request("/api/v1/pods")))
    await clock.settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nothing_is_kept_of_requests_that_ended(clock: VirtualClock, make_request: MakeRequest) -> None:
    handle = timeout(clock, 60.0)(_sleeping(clock, 0))
    for _ in range(5):
        await handle(make_request("/api/v1/pods"))
    assert clock.next_due is not None  # one timer for all
    await clock.advance(60)
    assert clock.next_due is None


def _sleeping(clock: VirtualClock, seconds: float) -> Any:
    async def handle(request: Request) -> Response:
        await clock.sleep(seconds)
        return Response()

    return handle


@pytest.mark.parametrize(
    ("method", "path", "long_running"),
    [
        ("GET", "/api/v1/watch/pods", True),
        ("GET", "/api/v1/namespaces/a/pods/b/log", True),
        ("POST", "/api/v1/namespaces/a/pods/b/exec", True),
        ("GET", "/api/v1/namespaces/a/pods/b", False),
        ("GET", "/watch", False),
    ],
)
def test_long_running(method: str, path: str, long_running: bool) -> None:
    assert is_long_running(resolve_path(method, path)) is long_running


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("32s", 32),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("100ms", 0.1),
        ("0", 0),
        ("-1m", -60),
        (".5s", 0.5),
        ("+2us", 2e-6),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "why"),
    [("abc", "invalid"), ("30", "missing unit in"), ("1s30", "missing unit in"), ("s", "invalid")],
)
def test_bad_durations(text: str, why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_duration(text)
    assert (
        caught.value.message
        == f'invalid timeout specified in the request URL - time: {why} duration "{text}"'
    )
