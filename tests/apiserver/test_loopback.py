from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubepy.api.errors import Expired, Forbidden, InternalError, NotFound, StatusError
from kubepy.apiserver import loopback
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.loopback import LoopbackTransport
from kubepy.client.transport import ConnectionLost
from kubepy.lib.clock import VirtualClock


@pytest.fixture
def transport(core: Any) -> LoopbackTransport:
    admin = authenticated("system:apiserver", ("system:masters",))
    return LoopbackTransport(core.handler, admin, clock=core.clock, ids=core.ids)


async def test_get_hands_over_the_shared_object(transport: LoopbackTransport, resources: Any) -> None:
    document = resources.add("a")
    reply = await transport.request("GET", "/api/v1/namespaces/default/pods/a")
    assert reply.status == 200
    assert reply.obj is document.obj


async def test_body_is_copied(transport: LoopbackTransport, resources: Any) -> None:
    body = {"metadata": {"labels": {"a": "b"}}}
    reply = await transport.request("POST", "/api/v1/namespaces/default/pods", body=body)
    assert reply.status == 201
    (received,) = resources.bodies
    assert received == body
    assert received is not body and received["metadata"]["labels"] is not body["metadata"]["labels"]


async def test_list_is_a_page_of_documents(transport: LoopbackTransport, resources: Any) -> None:
    documents = [resources.add("a"), resources.add("b")]
    page = await transport.list("/api/v1/namespaces/default/pods")
    assert list(page.documents) == documents and page.revision == 7
    reply = await transport.request("GET", "/api/v1/namespaces/default/pods")
    assert reply.obj["kind"] == "PodList" and len(reply.obj["items"]) == 2


async def test_errors_are_raised(transport: LoopbackTransport, resources: Any) -> None:
    with pytest.raises(NotFound) as caught:
        await transport.request("GET", "/api/v1/namespaces/default/pods/a")
    assert caught.value.message == 'pods "a" not found'
    resources.failure = ZeroDivisionError()
    with pytest.raises(InternalError):
        await transport.request("GET", "/api/v1/namespaces/default/pods/a")


async def test_failing_health_check_is_an_error(transport: LoopbackTransport, core: Any) -> None:
    core.checks.add("broken", lambda: "why")
    with pytest.raises(StatusError) as caught:
        await transport.request("GET", "/readyz")
    assert caught.value.code == 500 and "[-]broken failed: reason withheld" in caught.value.message


async def test_other_identity_passes_the_same_authorization(
    transport: LoopbackTransport, resources: Any
) -> None:
    resources.add("a")
    jane = transport.with_identity("jane", ["developers"])
    with pytest.raises(Forbidden, match='User "jane" cannot get resource "pods"'):
        await jane.request("GET", "/api/v1/namespaces/default/pods/a")
    scheduler = transport.with_identity("system:kube-scheduler", ["schedulers"])
    await scheduler.request("GET", "/api/v1/namespaces/default/pods/a")
    user = resources.requests[-1].user
    assert (user.name, user.groups) == ("system:kube-scheduler", ("schedulers", "system:authenticated"))


async def test_timeout(transport: LoopbackTransport, resources: Any, clock: VirtualClock) -> None:
    async def hang(request: Any) -> Any:
        await clock.sleep(1e6)

    slow = LoopbackTransport(hang, authenticated("a", ()), clock=clock, ids=transport._ids)
    task = asyncio.ensure_future(slow.request("GET", "/api/v1/pods", timeout_s=5))
    await clock.advance(6)
    with pytest.raises(ConnectionLost):
        await task


async def test_watch_gives_the_past_then_what_comes(transport: LoopbackTransport, resources: Any) -> None:
    a, b, c = (resources.add(name) for name in "abc")
    resources.past = [[resources.event("ADDED", a)], []]
    batches = transport.watch("/api/v1/namespaces/default/pods", query={"watch": "1"})
    assert [event.document for event in await anext(batches)] == [a]
    shared = [resources.event("ADDED", b)]
    waiting = asyncio.ensure_future(anext(batches))
    await asyncio.sleep(0)
    resources.feed.sink.send(shared)
    assert await waiting is shared
    resources.feed.sink.send(shared)
    resources.feed.sink.send([resources.event("MODIFIED", c)])
    assert [event.type for event in await anext(batches)] == ["ADDED", "MODIFIED"]
    await batches.aclose()
    assert resources.feed.closed


async def test_watch_ends_at_its_timeout(
    transport: LoopbackTransport, resources: Any, clock: VirtualClock
) -> None:
    resources.timeout_s = 300.0
    task = asyncio.ensure_future(_collect(transport))
    await clock.advance(299)
    assert not task.done()
    await clock.advance(1)
    assert await task == []
    assert resources.feed.closed
    assert clock.next_due is None


async def test_watch_error_is_raised_after_what_came_before(
    transport: LoopbackTransport, resources: Any
) -> None:
    event = resources.event("ADDED", resources.add("a"))
    batches = transport.watch("/api/v1/namespaces/default/pods")
    waiting = asyncio.ensure_future(anext(batches))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    resources.feed.sink.send([event])
    resources.feed.sink.fail(Expired("too old resource version: 1 (5)"))
    assert await waiting == [event]
    with pytest.raises(Expired):
        await anext(batches)
    assert resources.feed.closed


async def test_consumer_that_stops_reading_is_cut_off(
    transport: LoopbackTransport, resources: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback, "EVENTS_MAX", 10)
    event = resources.event("ADDED", resources.add("a"))
    resources.past = [[event]]
    batches = transport.watch("/api/v1/namespaces/default/pods")
    await anext(batches)
    for _ in range(11):
        resources.feed.sink.send([event])
    assert resources.feed.closed
    with pytest.raises(ConnectionLost):
        await anext(batches)


async def _collect(transport: LoopbackTransport) -> list[Any]:
    return [event async for batch in transport.watch("/api/v1/pods") for event in batch]
