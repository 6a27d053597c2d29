"""PodGroups: all of a gang's pods get a node, or none.

Source: schedule_one_podgroup_test.go, test/integration/scheduler/podgroup.
"""

from __future__ import annotations

import pytest

from kubepy.api import objects
from kubepy.api.builtins import POD_GROUPS, PODS, SERVICE_ACCOUNTS
from kubepy.client.client import MERGE_PATCH
from kubepy.testing.cluster import Cluster
from tests.scheduler.conftest import World

ON = {"runtime_config": ("scheduling.k8s.io/v1beta1=true",), "feature_gates": ("GenericWorkload=true",)}


@pytest.fixture
async def gangs():
    async with Cluster(nodes=0, controllers=(), scheduler="off", **ON) as cluster:
        account = {
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"},
        }  # fmt: skip
        await cluster.client.create(SERVICE_ACCOUNTS, account)
        world = World(cluster)
        await world.start(is_served=lambda resource: True)
        yield world
        await world.close()


async def add_group(world, name="gang", policy=None, **spec):
    group = {
        "apiVersion": "scheduling.k8s.io/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"schedulingPolicy": policy or {"gang": {"minCount": 3}}, **spec},
    }
    await world.client.create(POD_GROUPS, group)
    await world.clock.settle()


async def add_members(world, *names, group="gang", **fields):
    for name in names:
        await world.add_pod(name, schedulingGroup={"podGroupName": group}, **fields)


async def progress(world, name="gang"):
    group = await world.client.get(POD_GROUPS, name, "default")
    found = objects.condition(group, "PodGroupInitiallyScheduled")
    return (found["status"], found["reason"], found["message"]) if found else None


async def nodes_of(world, *names):
    return [await world.node_of(name) for name in names]


async def test_pods_wait_for_their_group_and_for_each_other(gangs):
    await gangs.add_node("node-1", cpu="8")
    await add_members(gangs, "a", "b", cpu="1")
    assert gangs.scheduler.statistics()["queue"]["gated"] == 2
    await add_group(gangs)
    assert gangs.scheduler.statistics()["queue"]["gated"] == 2
    assert await progress(gangs) is None
    await add_members(gangs, "c", cpu="1")
    assert await nodes_of(gangs, "a", "b", "c") == ["node-1"] * 3
    assert await progress(gangs) == ("True", "Scheduled", "")


async def test_none_is_bound_where_not_all_fit_and_all_are_when_they_do(gangs):
    await gangs.add_node("node-1", cpu="2")
    await add_group(gangs)
    await add_members(gangs, "a", "b", "c", cpu="1")
    assert await nodes_of(gangs, "a", "b", "c") == ["", "", ""]
    why = "minCount (3) cannot be satisfied: 2 scheduled, 0 remaining"
    why += ", No preemption victims found for incoming preemptor"
    assert await progress(gangs) == ("False", "Unschedulable", why)
    assert (await gangs.condition("a"))[1:] == ("Unschedulable", f"pod group is unschedulable, {why}")
    assert (await gangs.condition("c"))[2] == "0/1 nodes are available: 1 Insufficient cpu."
    # What was tried is given back: another pod fits.
    await gangs.add_pod("other", cpu="2")
    assert await gangs.node_of("other") == "node-1"
    await gangs.add_node("node-2", cpu="4")
    await gangs.clock.advance(11)
    assert await nodes_of(gangs, "a", "b", "c") == ["node-2"] * 3
    assert (await progress(gangs))[0] == "True"


async def test_fewer_are_enough_once_the_group_says_so(gangs):
    await gangs.add_node("node-1", cpu="8")
    await add_group(gangs)
    await add_members(gangs, "a", "b", cpu="1")
    change = {"spec": {"schedulingPolicy": {"gang": {"minCount": 2}}}}
    await gangs.client.patch(POD_GROUPS, "gang", change, namespace="default", content_type=MERGE_PATCH)
    await gangs.clock.settle()
    assert await nodes_of(gangs, "a", "b") == ["node-1"] * 2


async def test_those_beyond_the_least_number_come_when_they_can(gangs):
    await gangs.add_node("node-1", cpu="2")
    await add_group(gangs, policy={"gang": {"minCount": 2}})
    await add_members(gangs, "a", "b", "c", cpu="1")
    assert await nodes_of(gangs, "a", "b", "c") == ["node-1", "node-1", ""]
    assert (await progress(gangs))[0] == "True"
    await gangs.client.delete(PODS, "a", "default", grace_period_s=0)
    await gangs.clock.advance(11)
    assert await gangs.node_of("c") == "node-1"


async def test_pods_of_a_basic_group_need_not_wait(gangs):
    await gangs.add_node("node-1", cpu="1")
    await add_group(gangs, policy={"basic": {}})
    await add_members(gangs, "a", "b", cpu="1")
    assert await nodes_of(gangs, "a", "b") == ["node-1", ""]
    assert await progress(gangs) == ("True", "Scheduled", "")


async def test_pods_that_contradict_their_group(gangs):
    await gangs.add_node("node-1", cpu="8")
    await add_group(gangs, policy={"gang": {"minCount": 2}})
    await add_members(gangs, "a", cpu="1")
    await add_class(gangs, "high", 100)
    await add_members(gangs, "b", cpu="1", priorityClassName="high")
    message = "all pods in a single pod group should have the same priority as the pod group's priority, got 100 and 0"
    assert await progress(gangs) == ("False", "SchedulerError", message)
    assert (await gangs.condition("a"))[1:] == ("SchedulerError", message)


async def add_class(world, name, value):
    made = {
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
    }  # fmt: skip
    await world.cluster.create(made)


async def test_a_group_makes_room_for_itself_and_no_more_than_it_needs(gangs):
    await add_class(gangs, "high", 100)
    await gangs.add_node("node-1", cpu="2")
    await gangs.add_node("node-2", cpu="2")
    for name in ("low-1", "low-2", "low-3"):
        await gangs.add_pod(name, cpu="1", terminationGracePeriodSeconds=0)
    await add_group(gangs, policy={"gang": {"minCount": 3}}, priorityClassName="high")
    await add_members(gangs, "a", "b", "c", cpu="1", priorityClassName="high")
    await gangs.clock.advance(60)
    assert all(await nodes_of(gangs, "a", "b", "c"))
    left = [p.obj["metadata"]["name"] for p in (await gangs.client.list(PODS, "default")).documents]
    assert sum(name.startswith("low") for name in left) == 1
    assert (await progress(gangs))[0] == "True"
    preempted = [e for name in ("low-1", "low-2", "low-3") for e in await gangs.events(name)]
    uid = (await gangs.client.get(POD_GROUPS, "gang", "default"))["metadata"]["uid"]
    messages = [message for _, reason, message, _ in preempted if reason == "Preempted"]
    assert messages == [f"Preempted by podgroup {uid} on node cluster"] * 2


async def test_a_group_that_goes_together_is_evicted_together(gangs):
    await add_class(gangs, "high", 100)
    await gangs.add_node("node-1", cpu="2")
    await add_group(gangs, "low", policy={"gang": {"minCount": 2}}, disruptionMode={"all": {}})
    await add_members(gangs, "low-1", "low-2", group="low", cpu="1", terminationGracePeriodSeconds=0)
    await add_group(gangs, "high", policy={"gang": {"minCount": 1}}, priorityClassName="high")
    await add_members(gangs, "a", group="high", cpu="1", priorityClassName="high")
    await gangs.clock.advance(60)
    assert await gangs.node_of("a") == "node-1"
    left = [p.obj["metadata"]["name"] for p in (await gangs.client.list(PODS, "default")).documents]
    assert left == ["a"]
