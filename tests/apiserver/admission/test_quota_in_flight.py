"""A quota is exact while writes are charged and not yet in the store, for however long that is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubepy.api.errors import AlreadyExists, Conflict, Forbidden
from kubepy.api.objects import Obj
from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.admission.plugins.test_resource_quota import PODS, QUOTAS, counted, pod, quota, used
from tests.apiserver.conftest import Api
from tests.apiserver.held_writes import HeldWrites, turns


@pytest.fixture
def held(store: MemoryStore) -> HeldWrites:
    return HeldWrites(store)


async def recount(api: Api, pods: int, *, hard: Obj | None = None) -> Obj:
    """As a controller that has seen so many pods; returns what is used now."""
    obj = await api.ok("GET", f"{QUOTAS}/q")
    obj["status"] = {
        "hard": hard or obj["status"]["hard"],
        "used": obj["status"]["used"] | {"pods": str(pods)},
    }
    return (await api.ok("PUT", f"{QUOTAS}/q/status", obj))["status"]["used"]


async def started(api: Api, method: str, target: str, body: Any = None) -> asyncio.Task[Any]:
    """A request that has come as far as it can."""
    task = asyncio.ensure_future(api.send(method, target, body))
    await turns()
    return task


async def test_a_count_does_not_give_away_what_is_not_written_yet(
    api: Api, held: HeldWrites, clock: VirtualClock
) -> None:
    await counted(api, {"pods": "2"})
    await api.ok("POST", PODS, pod("a"))
    held.prefix = b"/registry/pods/"
    late = await started(api, "POST", PODS, pod("late"))
    assert len(held) == 1 and await used(api) == {"pods": "2"}
    for _ in range(3):
        await clock.advance(3600)
        assert await recount(api, 1) == {"pods": "2"}
    assert isinstance(await api.error("POST", PODS, pod("more")), Forbidden)
    await held.release()
    await late
    assert await recount(api, 1) == {"pods": "2"}
    assert len((await api.ok("GET", PODS))["items"]) == 2


async def test_what_goes_away_meanwhile_is_given_back(api: Api, held: HeldWrites) -> None:
    await counted(api, {"pods": "2"})
    await api.ok("POST", PODS, pod("a"))
    held.prefix = b"/registry/pods/default/late"
    late = await started(api, "POST", PODS, pod("late"))
    await api.ok("DELETE", f"{PODS}/a?gracePeriodSeconds=0")
    assert await recount(api, 0) == {"pods": "1"}
    await api.ok("POST", PODS, pod("b"))
    assert isinstance(await api.error("POST", PODS, pod("c")), Forbidden)
    await held.release()
    await late
    assert await used(api) == {"pods": "2"}


async def test_a_count_that_is_older_than_a_write_takes_nothing_from_it(api: Api) -> None:
    await counted(api, {"pods": "5"})
    await api.ok("POST", PODS, pod("a"))
    assert await recount(api, 0) == {"pods": "1"}


async def test_a_write_that_fails_gives_back(api: Api, held: HeldWrites) -> None:
    await counted(api, {"pods": "2"})
    await api.ok("POST", PODS, pod("a"))
    assert isinstance(await api.error("POST", PODS, pod("a")), AlreadyExists)
    assert await used(api) == {"pods": "1"}
    # Of two with one name that are on their way, one is written.
    held.prefix = b"/registry/pods/"
    tasks = [await started(api, "POST", PODS, pod("b")) for _ in range(2)]
    assert len([task for task in tasks if task.done()]) == 1
    await held.release()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, (AlreadyExists, Forbidden)) for each in outcomes) == 1
    assert await used(api) == {"pods": "2"}


async def test_two_with_one_name(api: Api, held: HeldWrites) -> None:
    await counted(api, {"pods": "5"})
    held.prefix = b"/registry/pods/"
    tasks = [await started(api, "POST", PODS, pod("b")) for _ in range(2)]
    assert len(held) == 2 and await used(api) == {"pods": "2"}
    assert await recount(api, 0) == {"pods": "2"}
    await held.release()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, AlreadyExists) for each in outcomes) == 1
    assert await used(api) == {"pods": "1"}


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_client_that_leaves_while_its_write_waits(
    api: Api, held: HeldWrites, is_written: bool
) -> None:
    await counted(api, {"pods": "2"})
    held.prefix = b"/registry/pods/"
    late = await started(api, "POST", PODS, pod("late"))
    late.cancel()
    await turns()
    assert await recount(api, 0) == {"pods": "1"}
    await held.release(lost=not is_written)
    assert await used(api) == {"pods": "1" if is_written else "0"}
    assert len((await api.ok("GET", PODS))["items"]) == is_written


async def test_a_client_that_leaves_before_it_heard_the_verdict(api: Api, held: HeldWrites) -> None:
    await counted(api, {"pods": "2"})
    held.prefix = b"/registry/resourcequotas/"
    late = await started(api, "POST", PODS, pod("late"))
    other = await started(api, "POST", PODS, pod("other"))
    late.cancel()
    await turns()
    await held.release()
    await other
    assert await used(api) == {"pods": "1"}
    assert [item["metadata"]["name"] for item in (await api.ok("GET", PODS))["items"]] == ["other"]


async def test_a_new_quota_counts_what_is_in_flight(api: Api, held: HeldWrites) -> None:
    held.prefix = b"/registry/pods/"
    late = await started(api, "POST", PODS, pod("late"))
    await counted(api, {"pods": "1"})
    assert await used(api) == {"pods": "1"}
    assert isinstance(await api.error("POST", PODS, pod("more")), Forbidden)
    await held.release()
    await late
    assert await used(api) == {"pods": "1"}


async def test_new_limits_count_what_is_in_flight(api: Api, held: HeldWrites) -> None:
    await counted(api, {"configmaps": "5"})
    held.prefix = b"/registry/pods/"
    late = await started(api, "POST", PODS, pod("late"))
    assert await recount(api, 0, hard={"configmaps": "5", "pods": "1"}) == {"configmaps": "0", "pods": "1"}
    await held.release()
    await late
    assert await used(api) == {"configmaps": "0", "pods": "1"}


async def test_growth_that_is_in_flight(api: Api, held: HeldWrites) -> None:
    await counted(api, {"services": "5", "services.nodeports": "3"})
    services = "/api/v1/namespaces/default/services"
    ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]
    made = await api.ok("POST", services, {"metadata": {"name": "s"}, "spec": {"ports": ports}})
    made["spec"]["type"] = "NodePort"
    held.prefix = b"/registry/services/"
    late = await started(api, "PUT", f"{services}/s", made)
    assert (await used(api))["services.nodeports"] == "2"
    obj = await api.ok("GET", f"{QUOTAS}/q")
    obj["status"]["used"]["services.nodeports"] = "0"
    raised = await api.ok("PUT", f"{QUOTAS}/q/status", obj)
    assert raised["status"]["used"] == {"services": "1", "services.nodeports": "2"}
    await held.release()
    await late
    assert (await used(api))["services.nodeports"] == "2"


async def test_growth_that_is_lost_to_somebody_else_is_given_back(api: Api, held: HeldWrites) -> None:
    await counted(api, {"services.nodeports": "3"})
    services = "/api/v1/namespaces/default/services"
    made = await api.ok("POST", services, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    grown = made | {"spec": made["spec"] | {"type": "NodePort"}}
    held.prefix = b"/registry/services/"
    late = await started(api, "PUT", f"{services}/s", grown)
    held.prefix = b""
    await api.ok("PUT", f"{services}/s", made | {"metadata": made["metadata"] | {"labels": {"a": "b"}}})
    assert await used(api) == {"services.nodeports": "1"}
    # Whether it is written cannot be told yet: who counts waits for that.
    obj = await api.ok("GET", f"{QUOTAS}/q")
    obj["status"]["used"] = {"services.nodeports": "0"}
    count = await started(api, "PUT", f"{QUOTAS}/q/status", obj)
    assert not count.done()
    await held.release()
    with pytest.raises(Conflict):
        await late
    assert await used(api) == {"services.nodeports": "0"}
    with pytest.raises(Conflict):
        await count


async def test_what_one_quota_refuses_another_is_not_charged_for(api: Api, held: HeldWrites) -> None:
    await counted(api, {"pods": "5"})
    other = await api.ok("POST", QUOTAS, quota({"count/pods": "1"}) | {"metadata": {"name": "r"}})
    other["status"] = {"hard": {"count/pods": "1"}, "used": {"count/pods": "0"}}
    other = await api.ok("PUT", f"{QUOTAS}/r/status", other)
    held.prefix = b"/registry/resourcequotas/default/r"
    late = await started(api, "POST", PODS, pod("late"))
    assert len(held) == 1 and await used(api) == {"pods": "1"}
    # Less is allowed by the time that the charge comes to the store.
    held.prefix = b""
    other["status"]["hard"] = {"count/pods": "0"}
    await api.ok("PUT", f"{QUOTAS}/r/status", other)
    await held.release()
    with pytest.raises(Forbidden, match="exceeded quota: r"):
        await late
    assert await used(api) == {"pods": "0"}


async def test_a_dry_run_of_a_count_changes_nothing(api: Api, held: HeldWrites) -> None:
    await counted(api, {"pods": "2"})
    await api.ok("POST", PODS, pod("a"))
    obj = await api.ok("GET", f"{QUOTAS}/q")
    obj["status"]["used"] = {"pods": "0"}
    shown = await api.ok("PUT", f"{QUOTAS}/q/status?dryRun=All", obj)
    assert shown["status"]["used"] == {"pods": "1"}


async def test_one_that_says_more_is_believed(api: Api) -> None:
    await counted(api, {"pods": "2"})
    assert await recount(api, 2) == {"pods": "2"}
    assert isinstance(await api.error("POST", PODS, pod()), Forbidden)
