"""Watchers. Source: kubernetes test/e2e/apimachinery/watch.go."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import Conformance, Obj

pytestmark = pytest.mark.asyncio(loop_scope="module")


def seen(events: list[Obj]) -> list[tuple[str, str, str]]:
    return [
        (
            event["type"],
            event["object"]["metadata"]["name"],
            (event["object"].get("data") or {}).get("mutation", ""),
        )
        for event in events
    ]


async def labelled(k8s: Conformance, path: str, name: str, label: str) -> Obj:
    return await k8s.ok("POST", path, {"metadata": {"name": name, "labels": {"watch-this": label}}})


async def mutated(k8s: Conformance, path: str, name: str, number: int) -> Obj:
    return await k8s.merge(f"{path}/{name}", {"data": {"mutation": str(number)}})


async def relabelled(k8s: Conformance, path: str, name: str, label: str) -> None:
    await k8s.merge(f"{path}/{name}", {"metadata": {"labels": {"watch-this": label}}})


async def test_should_observe_add_update_and_delete_watch_notifications_on_configmaps(
    k8s: Conformance,
) -> None:
    path = f"/api/v1/namespaces/{await k8s.namespace()}/configmaps"
    start = (await k8s.ok("GET", path))["metadata"]["resourceVersion"]
    await labelled(k8s, path, "a", "multiple-watchers-A")
    await mutated(k8s, path, "a", 1)
    await mutated(k8s, path, "a", 2)
    await k8s.ok("DELETE", f"{path}/a")
    await labelled(k8s, path, "b", "multiple-watchers-B")
    await k8s.ok("DELETE", f"{path}/b")
    of_a = [("ADDED", "a", ""), ("MODIFIED", "a", "1"), ("MODIFIED", "a", "2"), ("DELETED", "a", "2")]
    of_b = [("ADDED", "b", ""), ("DELETED", "b", "")]
    for selector, expected in (
        ("watch-this=multiple-watchers-A", of_a),
        ("watch-this=multiple-watchers-B", of_b),
        ("watch-this in (multiple-watchers-A,multiple-watchers-B)", of_a + of_b),
    ):
        found = await k8s.events(path, len(expected), resourceVersion=start, labelSelector=selector)
        assert seen(found) == expected


async def test_should_be_able_to_start_watching_from_a_specific_resource_version(k8s: Conformance) -> None:
    path = f"/api/v1/namespaces/{await k8s.namespace()}/configmaps"
    await labelled(k8s, path, "a", "from-resource-version")
    first = await mutated(k8s, path, "a", 1)
    await mutated(k8s, path, "a", 2)
    await k8s.ok("DELETE", f"{path}/a")
    found = await k8s.events(path, 2, resourceVersion=first["metadata"]["resourceVersion"])
    assert seen(found) == [("MODIFIED", "a", "2"), ("DELETED", "a", "2")]


async def test_should_be_able_to_restart_watching_from_the_last_resource_version_observed(
    k8s: Conformance,
) -> None:
    path = f"/api/v1/namespaces/{await k8s.namespace()}/configmaps"
    only = {"labelSelector": "watch-this=watch-closed-and-restarted"}
    start = (await k8s.ok("GET", path))["metadata"]["resourceVersion"]
    await labelled(k8s, path, "a", "watch-closed-and-restarted")
    await mutated(k8s, path, "a", 1)
    before = await k8s.events(path, 2, resourceVersion=start, **only)
    assert seen(before) == [("ADDED", "a", ""), ("MODIFIED", "a", "1")]
    await mutated(k8s, path, "a", 2)
    await k8s.ok("DELETE", f"{path}/a")
    last = before[-1]["object"]["metadata"]["resourceVersion"]
    after = await k8s.events(path, 2, resourceVersion=last, **only)
    assert seen(after) == [("MODIFIED", "a", "2"), ("DELETED", "a", "2")]


async def test_should_observe_an_object_deletion_if_it_stops_meeting_the_requirements_of_the_selector(
    k8s: Conformance,
) -> None:
    path = f"/api/v1/namespaces/{await k8s.namespace()}/configmaps"
    start = (await k8s.ok("GET", path))["metadata"]["resourceVersion"]
    await labelled(k8s, path, "a", "label-changed-and-restored")
    await mutated(k8s, path, "a", 1)
    await relabelled(k8s, path, "a", "wrong-value")
    await mutated(k8s, path, "a", 2)
    await relabelled(k8s, path, "a", "label-changed-and-restored")
    await mutated(k8s, path, "a", 3)
    await k8s.ok("DELETE", f"{path}/a")
    selector = "watch-this=label-changed-and-restored"
    assert seen(await k8s.events(path, 6, resourceVersion=start, labelSelector=selector)) == [
        ("ADDED", "a", ""),
        ("MODIFIED", "a", "1"),
        ("DELETED", "a", "1"),
        ("ADDED", "a", "2"),
        ("MODIFIED", "a", "3"),
        ("DELETED", "a", "3"),
    ]


async def test_should_receive_events_on_concurrent_watches_in_same_order(k8s: Conformance) -> None:
    path = f"/api/v1/namespaces/{await k8s.namespace()}/configmaps"
    start = (await k8s.ok("GET", path))["metadata"]["resourceVersion"]
    for number in range(100):
        name = f"cm-{number % 10}"
        if number < 10:
            await k8s.ok("POST", path, {"metadata": {"name": name}})
        else:
            await mutated(k8s, path, name, number)
    whole = [
        event["object"]["metadata"]["resourceVersion"]
        for event in await k8s.events(path, 100, resourceVersion=start)
    ]
    assert whole == sorted(whole, key=int)

    async def from_(index: int) -> list[str]:
        found = await k8s.events(path, 99 - index, resourceVersion=whole[index])
        return [event["object"]["metadata"]["resourceVersion"] for event in found]

    for index, found in enumerate(await asyncio.gather(*map(from_, range(99)))):
        assert found == whole[index + 1 :]
