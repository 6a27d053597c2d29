"""Nodes that fall silent: conditions, taints, their pods; and what follows from conditions alone."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import objects
from kubepy.api.builtins import LEASES, NODES, PODS
from kubepy.api.objects import Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.controllers.node_lifecycle import (
    LEASE_NAMESPACE,
    Health,
    Options,
    hear,
    plan,
    wanted_labels,
    wanted_taints,
)
from kubepy.lib.clock import parse_rfc3339
from kubepy.testing.builders import make_deployment, make_node, make_pod
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

CREATED = "2026-01-01T00:00:00Z"
WALL = parse_rfc3339(CREATED)
STAMP = "2026-01-01T01:00:00Z"
NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
MEMORY, DISK, PID = (f"node.kubernetes.io/{kind}-pressure" for kind in ("memory", "disk", "pid"))


def node(ready: str | None = "True", *taints: str, heartbeat: str = CREATED, **conditions: str) -> Obj:
    """taints: "key:effect"."""
    made = make_node("n").created(CREATED)
    for each in taints:
        key, _, effect = each.partition(":")
        made.taint(key, effect=effect)
    obj = made.obj()
    values = conditions if ready is None else {"Ready": ready} | conditions
    obj["status"] = {
        "conditions": [
            {"type": type_, "status": value, "lastHeartbeatTime": heartbeat, "lastTransitionTime": CREATED}
            for type_, value in values.items()
        ]
    }
    return obj


# -- when it was heard from --------------------------------------------------------------------------------------


# Source: node_lifecycle_controller_test.go, TestTryUpdateNodeHealth.
@pytest.mark.parametrize(
    ("known", "subject", "heard"),
    [
        (None, node(), Health(100.0, CREATED)),
        (None, node(None), Health(70.0, None)),  # as old as it is: 30 s
        (Health(20.0, CREATED), node(), Health(20.0, CREATED)),
        (Health(20.0, CREATED), node(heartbeat=STAMP), Health(100.0, STAMP)),
        (Health(20.0, None), node(), Health(100.0, CREATED)),
        (Health(20.0, CREATED), node(None), Health(20.0, None)),
    ],
)
def test_a_heartbeat_is_one_that_is_new(known: Health | None, subject: Obj, heard: Health) -> None:
    assert hear(known, subject, now=100.0, wall=WALL + 30) == heard


# -- the plan ----------------------------------------------------------------------------------------------------


def decide(subject: Obj, silent_s: float = 0.0) -> Any:
    return plan(subject, Health(100.0 - silent_s), Options(), now=100.0, stamp=STAMP)


@pytest.mark.parametrize(
    ("subject", "silent_s", "after_s", "is_silent"),
    [
        (node(), 0, 50, False),
        (node(), 49, 1, False),
        (node(), 50, None, True),
        (node(None), 50, 10, False),  # it may still be starting
        (node(None), 60, None, True),
        (node("False"), 50, None, True),
        (node("Unknown"), 1000, None, False),  # said already
    ],
)
def test_a_node_is_called_unknown_after_the_grace_period(
    subject: Obj, silent_s: float, after_s: float | None, is_silent: bool
) -> None:
    decided = decide(subject, silent_s)
    assert (decided.after_s, bool(decided.conditions)) == (after_s, is_silent)


def test_what_is_said_of_a_silent_node() -> None:
    told = {
        "Ready": "True",
        "MemoryPressure": "Unknown",
        "DiskPressure": "False",
        "NetworkUnavailable": "False",
    }
    said = {c["type"]: (c["status"], c["reason"], c["message"]) for c in decide(node(**told), 60).conditions}
    stopped = ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    never = ("Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status.")
    assert said == {"Ready": stopped, "DiskPressure": stopped, "PIDPressure": never}


@pytest.mark.parametrize(
    ("subject", "waits"),
    [
        (node("True"), False),
        (node("False"), True),
        (node("Unknown"), True),
        (node(None), False),
        (node("False", f"{NOT_READY}:NoExecute"), False),
        (node("Unknown", f"{UNREACHABLE}:NoExecute"), False),
    ],
)
def test_who_waits_for_the_taint_that_drives_pods_away(subject: Obj, waits: bool) -> None:
    assert decide(subject).is_to_wait is waits


# Source: node_lifecycle_controller_test.go, TestTaintsNodeByCondition, TestSwapUnreachableNotReadyTaints.
@pytest.mark.parametrize(
    ("subject", "taints"),
    [
        (node(), None),
        (node("False"), {(NOT_READY, "NoSchedule")}),
        (node("Unknown"), {(UNREACHABLE, "NoSchedule")}),
        (node("True", MemoryPressure="True", DiskPressure="True", PIDPressure="True"),
         {(MEMORY, "NoSchedule"), (DISK, "NoSchedule"), (PID, "NoSchedule")}),
        (node("True", NetworkUnavailable="True"), {("node.kubernetes.io/network-unavailable", "NoSchedule")}),
        (node("True", MemoryPressure="Unknown"), None),
        (node("True", f"{NOT_READY}:NoSchedule"), set()),
        (node("True", f"{NOT_READY}:NoSchedule", "mine:NoSchedule"), {("mine", "NoSchedule")}),
        (node("True", f"{UNREACHABLE}:NoExecute", f"{NOT_READY}:NoExecute"), set()),
        (node("False", f"{UNREACHABLE}:NoExecute", f"{UNREACHABLE}:NoSchedule"),
         {(NOT_READY, "NoExecute"), (NOT_READY, "NoSchedule")}),
        (node("Unknown", f"{NOT_READY}:NoExecute"), {(UNREACHABLE, "NoExecute"), (UNREACHABLE, "NoSchedule")}),
        (node("False", f"{NOT_READY}:NoSchedule"), None),
        # As upstream has it: nothing said is nothing wrong.
        (node(None, f"{NOT_READY}:NoSchedule"), set()),
        (node(None, f"{UNREACHABLE}:NoExecute"), None),
    ],
)  # fmt: skip
def test_taints_follow_the_conditions(subject: Obj, taints: set[tuple[str, str]] | None) -> None:
    wanted = wanted_taints(subject, STAMP)
    assert (None if wanted is None else {(t["key"], t["effect"]) for t in wanted}) == taints


def test_a_cordoned_node_is_tainted_and_new_taints_say_since_when() -> None:
    subject = node()
    subject["spec"] = {"unschedulable": True}
    assert wanted_taints(subject, STAMP) == [
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": STAMP}
    ]


# Source: node_lifecycle_controller_test.go, TestReconcileNodeLabels.
@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ({}, {}),
        ({"kubernetes.io/os": "linux"}, {"beta.kubernetes.io/os": "linux"}),
        ({"kubernetes.io/os": "linux", "beta.kubernetes.io/os": "wrong"}, {"beta.kubernetes.io/os": "linux"}),
        ({"kubernetes.io/arch": "arm", "beta.kubernetes.io/arch": "arm"}, {}),
        ({"beta.kubernetes.io/os": "linux"}, {}),
    ],
)
def test_older_labels_follow_the_stable_ones(labels: dict[str, str], wanted: dict[str, str]) -> None:
    assert wanted_labels({"metadata": {"labels": labels}}) == wanted


# -- on a running cluster ----------------------------------------------------------------------------------------


class Heart:
    """Nodes whose hearts beat as a test says; nobody else keeps them alive."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    async def beat(self, *names: str) -> None:
        """One sign of life of each, by lease; the first one with a status."""
        for name in names:
            now = self.cluster.clock.rfc3339_micro()
            lease = {
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": name, "namespace": LEASE_NAMESPACE}, "spec": {"renewTime": now},
            }  # fmt: skip
            known = {each["metadata"]["name"] for each in await self.cluster.list(LEASES, LEASE_NAMESPACE)}
            if name in known:
                await self.cluster.client.patch(
                    LEASES, name, {"spec": lease["spec"]}, namespace=LEASE_NAMESPACE, content_type=MERGE_PATCH
                )
            else:
                await self.cluster.create(make_node(name).capacity(cpu="8", memory="8Gi", pods="50"))
                await self.cluster.create(lease)
                await self.say(name, "True")

    async def say(self, name: str, ready: str) -> None:
        condition = {
            "type": "Ready", "status": ready, "reason": "KubeletReady",
            "lastHeartbeatTime": self.cluster.clock.rfc3339(), "lastTransitionTime": self.cluster.clock.rfc3339(),
        }  # fmt: skip
        await self.cluster.client.patch(
            NODES, name, {"status": {"conditions": [condition]}}, subresource="status"
        )

    async def beat_for(self, seconds: int, *names: str) -> None:
        for _ in range(seconds // 10):
            await self.beat(*names)
            await self.cluster.advance(10)

    async def taints(self, name: str) -> list[str]:
        found = await self.cluster.client.get(NODES, name)
        return [f"{t['key'].partition('/')[2]}:{t['effect']}" for t in found["spec"].get("taints", ())]

    async def ready(self, name: str) -> str:
        condition = objects.condition(await self.cluster.client.get(NODES, name), "Ready")
        return condition["status"] if condition is not None else ""


@pytest.fixture
def heart(cluster: Cluster) -> Heart:
    return Heart(cluster)


@pytest.mark.kubepy(nodes=0)
async def test_silence_for_the_grace_period_and_its_end(cluster: Cluster, world: World, heart: Heart) -> None:
    await heart.beat("a", "b")
    await cluster.create(make_pod("p").on("a").ready())
    await cluster.client.patch(
        PODS, "p", {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}},
        namespace="default", subresource="status",
    )  # fmt: skip
    await heart.beat_for(100, "a", "b")
    assert (await heart.ready("a"), await heart.taints("a")) == ("True", [])
    await heart.beat_for(30, "b")
    assert await heart.ready("a") == "True"
    await heart.beat_for(20, "b")
    assert await heart.ready("a") == "Unknown"
    assert await heart.taints("a") == ["unreachable:NoSchedule", "unreachable:NoExecute"]
    pod_ready = objects.condition(await cluster.get(PODS, "p"), "Ready")
    assert pod_ready is not None and pod_ready["status"] == "False"
    assert await world.events("NodeNotReady") == ["Node a status is now: NodeNotReady", "Node is not ready"]
    # A lease alone does not make it ready: its kubelet has to say so.
    await heart.beat_for(20, "a", "b")
    assert await heart.ready("a") == "Unknown"
    await heart.say("a", "True")
    await cluster.settle()
    assert (await heart.ready("a"), await heart.taints("a")) == ("True", [])


@pytest.mark.kubepy(nodes=0)
async def test_a_node_that_says_it_is_not_ready_is_tainted_and_the_taint_turns_with_it(
    cluster: Cluster, heart: Heart
) -> None:
    await heart.beat("a", "b")
    await cluster.settle()
    await heart.say("a", "False")
    await cluster.advance(1)
    assert await heart.taints("a") == ["not-ready:NoSchedule", "not-ready:NoExecute"]
    await heart.beat_for(60, "b")
    assert sorted(await heart.taints("a")) == ["unreachable:NoExecute", "unreachable:NoSchedule"]


@pytest.mark.kubepy(nodes=0)
async def test_nodes_lose_their_pods_one_by_one(cluster: Cluster, heart: Heart) -> None:
    names = [f"n{number}" for number in range(6)]
    await heart.beat(*names)
    await heart.beat_for(60, *names[2:])
    tainted = [name for name in names if "unreachable:NoExecute" in await heart.taints(name)]
    assert len(tainted) == 1
    await heart.beat_for(10, *names[2:])
    tainted = [name for name in names if "unreachable:NoExecute" in await heart.taints(name)]
    assert tainted == names[:2]


@pytest.mark.kubepy(nodes=0)
async def test_when_every_node_falls_silent_nobody_loses_anything(cluster: Cluster, heart: Heart) -> None:
    await heart.beat("a")
    await cluster.advance(5)
    await heart.beat("b")
    await cluster.advance(300)
    for name in ("a", "b"):
        assert (await heart.ready(name), await heart.taints(name)) == ("Unknown", ["unreachable:NoSchedule"])
    # With the first that comes back, the other has its grace again, and then goes.
    await heart.beat("a")
    await heart.say("a", "True")
    await cluster.advance(5)
    assert await heart.taints("b") == ["unreachable:NoSchedule"]
    await heart.beat_for(10, "a")
    assert await heart.taints("b") == ["unreachable:NoSchedule", "unreachable:NoExecute"]


@pytest.mark.kubepy(nodes=0, node_monitor_grace_period="20s", node_startup_grace_period="5s")
async def test_the_grace_periods_are_settings(cluster: Cluster, world: World, heart: Heart) -> None:
    await heart.beat("a")
    await cluster.create(make_node("mute"))
    await cluster.advance(5)
    mute = objects.condition(await cluster.client.get(NODES, "mute"), "Ready")
    assert mute is not None and (mute["status"], mute["reason"]) == ("Unknown", "NodeStatusNeverUpdated")
    assert await heart.ready("a") == "True"
    await cluster.advance(15)
    assert await heart.ready("a") == "Unknown"
    assert "Node mute event: Registered Node mute in Controller" in await world.events("RegisteredNode")
    await cluster.client.delete(NODES, "mute")
    assert await world.events("RemovingNode") == ["Node mute event: Removing Node mute from Controller"]


async def test_simulated_nodes_stay_ready_and_are_untainted_at_once(cluster: Cluster, heart: Heart) -> None:
    await cluster.advance("1h")
    for number in (1, 2, 3):
        assert (await heart.ready(f"node-{number}"), await heart.taints(f"node-{number}")) == ("True", [])


@pytest.mark.kubepy(nodes=0)
async def test_pods_of_a_lost_node_come_up_elsewhere(cluster: Cluster, heart: Heart) -> None:
    await heart.beat("a", "b")
    await cluster.settle()
    await cluster.create(make_deployment("web").replicas(4))
    await cluster.settle()
    assert {pod["spec"]["nodeName"] for pod in await cluster.pods("default")} == {"a", "b"}
    await heart.beat_for(350, "b")
    left = [pod for pod in await cluster.pods("default") if not objects.is_deleting(pod)]
    assert {pod["spec"].get("nodeName") for pod in left} == {"a", "b"}
    await heart.beat_for(10, "b")
    left = [pod for pod in await cluster.pods("default") if not objects.is_deleting(pod)]
    assert [pod["spec"]["nodeName"] for pod in left] == ["b"] * 4


# -- with simulated nodes ----------------------------------------------------------------------------------------


async def outage(cluster: Cluster, *names: str, over: bool = False) -> None:
    change = {"metadata": {"annotations": {"kubepy.io/outage": None if over else "true"}}}
    for name in names:
        await cluster.client.patch(NODES, name, change, content_type=MERGE_PATCH)


async def test_a_short_outage_costs_readiness_and_a_long_one_the_pods(
    cluster: Cluster, world: World, heart: Heart
) -> None:
    await cluster.create(make_deployment("web").replicas(3))
    await cluster.until(lambda: cluster.pods(ready=True), count=3)
    before = set(await world.names())
    await outage(cluster, "node-1")
    await cluster.until(lambda: cluster.pods(ready=True), count=2, within="60s")
    await outage(cluster, "node-1", over=True)
    await cluster.until(lambda: cluster.pods(ready=True), count=3, within="60s")
    assert set(await world.names()) == before and await heart.taints("node-1") == []
    await outage(cluster, "node-1")
    await cluster.advance("6m")
    # The silent node does not let its pod go, but there is another in its place.
    assert len(await world.names()) == 4
    running = await cluster.pods("default", ready=True)
    assert len(running) == 3 and "node-1" not in {pod["spec"]["nodeName"] for pod in running}
    await outage(cluster, "node-1", over=True)
    await cluster.advance("1m")
    assert len(await world.names()) == 3 and await heart.taints("node-1") == []


async def test_an_outage_of_everything_costs_nothing(cluster: Cluster, world: World) -> None:
    await cluster.create(make_deployment("web").replicas(3))
    await cluster.until(lambda: cluster.pods(ready=True), count=3)
    before = set(await world.names())
    everything = [f"node-{number}" for number in (1, 2, 3)]
    await outage(cluster, *everything)
    await cluster.advance("20m")
    assert not await cluster.pods(ready=True)
    await outage(cluster, *everything, over=True)
    await cluster.until(lambda: cluster.pods(ready=True), count=3, within="60s")
    assert set(await world.names()) == before
