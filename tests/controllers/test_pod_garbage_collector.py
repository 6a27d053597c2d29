"""Pods that nobody else clears away."""

from __future__ import annotations

import pytest

from kubepy.api import objects
from kubepy.api.builtins import NODES, PODS
from kubepy.client.client import MERGE_PATCH
from kubepy.controllers.pod_garbage_collector import is_out_of_service, surplus, terminated
from kubepy.testing.builders import make_deployment, make_node, make_pod
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


@pytest.mark.parametrize(
    ("phase", "is_over"),
    [("Pending", False), ("Running", False), ("Unknown", False), ("Failed", True), ("Succeeded", True)],
)
def test_which_are_over(phase: str, is_over: bool) -> None:
    assert bool(terminated(make_pod("p").phase(phase).obj())) is is_over


# Source: gc_controller_test.go, TestGCTerminated: pods in the order of their making.
@pytest.mark.parametrize(
    ("phases", "threshold", "doomed"),
    [
        ({"a": "Failed", "b": "Succeeded", "c": "Failed"}, 1, ["a", "b"]),
        ({"a": "Running", "b": "Succeeded", "c": "Failed"}, 1, ["b"]),
        ({"a": "Failed", "b": "Succeeded"}, 1, ["a"]),
        ({"a": "Failed", "b": "Succeeded"}, 5, []),
        ({"a": "Failed", "b": "Succeeded", "c": "Evicted"}, 1, ["c", "a"]),
        ({"a": "Running", "b": "Succeeded", "c": "Evicted"}, 1, ["c"]),
    ],
)
def test_evicted_ones_go_first_and_then_the_oldest(
    phases: dict[str, str], threshold: int, doomed: list[str]
) -> None:
    made = []
    for hour, (name, phase) in enumerate(phases.items()):
        stamp = f"2026-01-01T{hour:02}:00:00Z"
        pod = make_pod(name).phase("Failed" if phase == "Evicted" else phase).created(stamp).obj()
        pod["status"]["reason"] = "Evicted" if phase == "Evicted" else ""
        made.append(pod)
    over = [pod for pod in reversed(made) if list(terminated(pod))]
    assert [pod["metadata"]["name"] for pod in surplus(over, len(over) - threshold)] == doomed


def test_of_pods_of_one_second_the_name_decides() -> None:
    over = [make_pod(name).failed().created("2026-01-01T00:00:01Z").obj() for name in ("b", "a")]
    assert [pod["metadata"]["name"] for pod in surplus(over, 1)] == ["a"]


# Source: gc_controller_test.go, TestGCTerminating.
@pytest.mark.parametrize(
    ("node", "is_out"),
    [
        (make_node("n").taint(OUT_OF_SERVICE, effect="NoExecute").not_ready(), True),
        (make_node("n").taint(OUT_OF_SERVICE, effect="NoExecute").not_ready("Unknown"), True),
        (make_node("n").taint(OUT_OF_SERVICE, effect="NoSchedule").not_ready(), True),
        (make_node("n").taint(OUT_OF_SERVICE, effect="PreferNoSchedule").not_ready(), True),
        (make_node("n").taint(OUT_OF_SERVICE, "any-value", effect="NoExecute").not_ready(), True),
        (make_node("n").taint(OUT_OF_SERVICE, effect="NoExecute").ready(), False),
        (make_node("n").not_ready(), False),
    ],
)
def test_a_node_out_of_service_is_tainted_so_and_not_ready(node: object, is_out: bool) -> None:
    assert is_out_of_service(node.obj()) is is_out  # type: ignore[attr-defined]


@pytest.mark.kubepy(terminated_pod_gc_threshold=2)
async def test_only_so_many_that_are_over_are_kept(cluster: Cluster, world: World) -> None:
    for name in ("a", "b", "c", "d"):
        await cluster.create(make_pod(name))
        status = {"status": {"phase": "Succeeded"}}
        await world.patch(PODS, name, status, subresource="status", content_type=MERGE_PATCH)
        await cluster.advance(1)
    await cluster.advance(30)
    assert await world.names() == ["c", "d"]


async def test_pods_of_a_node_that_is_gone_go_after_a_while(cluster: Cluster, world: World) -> None:
    await cluster.create(make_deployment("web").replicas(3))
    await cluster.until(lambda: cluster.pods(ready=True), count=3)
    lost = [pod["metadata"]["name"] for pod in await cluster.pods() if pod["spec"]["nodeName"] == "node-1"]
    await cluster.client.delete(NODES, "node-1")
    await cluster.advance(39)
    assert set(lost) <= set(await world.names())
    await cluster.advance(30)
    assert not set(lost) & set(await world.names())
    assert len(await cluster.pods("default", ready=True)) == 3


async def test_a_node_that_comes_back_in_time_keeps_them(cluster: Cluster, world: World) -> None:
    await cluster.create(make_pod("p").on("late"))
    await cluster.advance(30)
    await cluster.create(make_node("late").ready())
    await cluster.advance(15)
    assert await world.names() == ["p"]


async def test_why_an_orphan_went_stands_in_it(cluster: Cluster, world: World) -> None:
    await cluster.create(make_pod("p").on("nowhere").finalizer("example.com/wait"))
    await cluster.advance(60)
    pod = await cluster.get(PODS, "p")
    mark = objects.condition(pod, "DisruptionTarget")
    assert objects.is_deleting(pod) and pod["status"]["phase"] == "Failed" and mark is not None
    assert (mark["status"], mark["reason"]) == ("True", "DeletionByPodGC")
    assert mark["message"] == "PodGC: node no longer exists"


@pytest.mark.kubepy(nodes=0)
async def test_pods_that_leave_a_node_out_of_service_are_let_go(cluster: Cluster, world: World) -> None:
    await cluster.create(make_node("n").not_ready())
    for name in ("going", "staying"):
        await cluster.create(make_pod(name).on("n"))
    await cluster.client.delete(PODS, "going", "default")
    await cluster.advance(300)
    assert await world.names() == ["going", "staying"]
    taints = [{"key": OUT_OF_SERVICE, "effect": "NoSchedule"}]
    await cluster.client.patch(NODES, "n", {"spec": {"taints": taints}}, content_type=MERGE_PATCH)
    await cluster.advance(21)
    assert await world.names() == ["staying"]
    await cluster.client.delete(PODS, "staying", "default")
    await cluster.advance(21)
    assert await world.names() == []


@pytest.mark.kubepy(nodes=0)
async def test_pods_that_leave_and_were_never_bound_are_failed(cluster: Cluster, world: World) -> None:
    await cluster.create(make_pod("p").finalizer("example.com/wait"))
    await cluster.client.delete(PODS, "p", "default")
    await cluster.advance(21)
    pod = await cluster.get(PODS, "p")
    assert pod["status"]["phase"] == "Failed" and objects.condition(pod, "DisruptionTarget") is None
