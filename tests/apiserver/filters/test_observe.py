from __future__ import annotations

from collections.abc import Callable

import pytest

from kubepy.api.errors import BadRequest
from kubepy.apiserver.filters.observe import CHILDREN_MAX, observe
from kubepy.apiserver.request import Request, Response, resolve_path
from kubepy.lib.clock import VirtualClock
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics

LABELS = {
    "verb": "LIST", "dry_run": "", "group": "apps", "version": "v1", "resource": "deployments", "subresource": "",
    "scope": "namespace", "component": "apiserver",
}  # fmt: skip


async def test_requests_are_counted_and_timed(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    metrics = Metrics()
    handle = observe(clock, logs.silent(), metrics)(_ok)
    for _ in range(2):
        await handle(make_request("/apis/apps/v1/namespaces/a/deployments"))
    total = metrics.registry.get_sample_value("apiserver_request_total", LABELS | {"code": "200"})
    assert total == 2
    assert metrics.registry.get_sample_value("apiserver_request_duration_seconds_count", LABELS) == 2


async def test_errors_are_counted_by_their_code(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    metrics = Metrics()

    async def fail(request: Request) -> Response:
        raise BadRequest("no")

    with pytest.raises(BadRequest):
        await observe(clock, logs.silent(), metrics)(fail)(
            make_request("/apis/apps/v1/namespaces/a/deployments")
        )
    assert metrics.registry.get_sample_value("apiserver_request_total", LABELS | {"code": "400"}) == 1


async def test_watches_are_not_timed(clock: VirtualClock, make_request: Callable[..., Request]) -> None:
    metrics = Metrics()
    await observe(clock, logs.silent(), metrics)(_ok)(
        make_request("/apis/apps/v1/watch/namespaces/a/deployments")
    )
    labels = LABELS | {"verb": "WATCH"}
    assert metrics.registry.get_sample_value("apiserver_request_total", labels | {"code": "200"}) == 1
    assert metrics.registry.get_sample_value("apiserver_request_duration_seconds_count", labels) is None


async def test_invented_names_do_not_grow_without_end(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    metrics = Metrics()
    handle = observe(clock, logs.silent(), metrics)(_ok)
    request = make_request("/")
    for number in range(CHILDREN_MAX + 100):
        request.info = resolve_path("GET", f"/apis/g/v1/r{number}")
        await handle(request)
    other = dict.fromkeys(LABELS, "") | {"verb": "OTHER", "component": "apiserver", "code": "200"}
    assert metrics.registry.get_sample_value("apiserver_request_total", other) == 100


async def _ok(request: Request) -> Response:
    return Response()
