"""A control plane that dies in the middle of things: the next one ends where the first would have.

A fork is exactly that: another control plane on what was committed at that instant, knowing nothing else. The first is
not asked to stop. Each scenario is cut at many instants, those between two writes among them. With the database and
`kill -9`: tests/e2e/test_restart.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from kubepy.api import errors
from kubepy.api.builtins import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
)
from kubepy.testing import Cluster

# Of virtual time: around the first writes, and later ones.
CUTS_S = (0.0, 0.05, 0.3, 0.45, 0.6, 1.1, 2.5, 7.0)
ENOUGH = "5m"

Outcome = Callable[[Cluster], Awaitable[object]]


def deployment(image: str) -> dict:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 5, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }  # fmt: skip


def job() -> dict:
    container = {"name": "main", "image": "busybox", "command": ["sleep", "2"]}
    annotations = {"kubepy.io/exit-code": "0", "kubepy.io/run-seconds": "2"}
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum", "namespace": "default"},
        "spec": {
            "completions": 6, "parallelism": 2, "completionMode": "Indexed",
            "template": {
                "metadata": {"annotations": annotations},
                "spec": {"restartPolicy": "Never", "containers": [container]},
            },
        },
    }  # fmt: skip


async def begin_rollout(cluster: Cluster) -> None:
    await cluster.create(deployment("nginx:1"))
    await cluster.advance(5)
    await cluster.client.patch(
        DEPLOYMENTS,
        "web",
        {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "nginx:2"}]}}}},
        namespace="default",
    )


async def rollout(cluster: Cluster) -> object:
    status = (await cluster.get(DEPLOYMENTS, "web"))["status"]
    images = sorted(pod["spec"]["containers"][0]["image"] for pod in await cluster.pods(ready=True))
    scales = sorted(each["spec"]["replicas"] for each in await cluster.list(REPLICA_SETS, "default"))
    return status["readyReplicas"], status["updatedReplicas"], images, scales, len(await cluster.pods())


async def begin_job(cluster: Cluster) -> None:
    await cluster.create(job())


async def job_result(cluster: Cluster) -> object:
    status = (await cluster.get(JOBS, "sum"))["status"]
    finalizers = [pod["metadata"].get("finalizers") for pod in await cluster.pods()]
    kinds = [condition["type"] for condition in status["conditions"]]
    return (
        status["succeeded"],
        status.get("failed", 0),
        status["completedIndexes"],
        kinds,
        set(map(bool, finalizers)),
    )


async def begin_deletion(cluster: Cluster) -> None:
    await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "doomed"}})
    await cluster.advance(1)
    for obj in (deployment("nginx"), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}):
        obj["metadata"]["namespace"] = "doomed"
        await cluster.create(obj)
    await cluster.advance(2)
    await cluster.client.delete(NAMESPACES, "doomed")


async def what_is_left(cluster: Cluster) -> object:
    names = [each["metadata"]["name"] for each in await cluster.list(NAMESPACES)]
    counts = [
        len(await cluster.list(kind, "doomed")) for kind in (PODS, DEPLOYMENTS, REPLICA_SETS, CONFIG_MAPS)
    ]
    return "doomed" in names, counts


def stateful_set(replicas: int) -> dict:
    template = {
        "metadata": {"labels": {"app": "db"}},
        "spec": {"containers": [{"name": "main", "image": "postgres"}], "terminationGracePeriodSeconds": 1},
    }
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "replicas": replicas, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": template, "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": spec}],
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Retain"},
        },
    }  # fmt: skip


async def begin_scale_down(cluster: Cluster) -> None:
    await cluster.create(stateful_set(5))
    await cluster.until(lambda: cluster.pods(ready=True), count=5)
    await cluster.client.patch(STATEFUL_SETS, "db", {"spec": {"replicas": 2}}, namespace="default")


async def ordinals(cluster: Cluster) -> object:
    status = (await cluster.get(STATEFUL_SETS, "db"))["status"]
    pods = [pod["metadata"]["name"] for pod in await cluster.pods("default", ready=True)]
    claims = await cluster.list(PERSISTENT_VOLUME_CLAIMS, "default")
    volumes = await cluster.list(PERSISTENT_VOLUMES)
    return status["replicas"], pods, [claim["metadata"]["name"] for claim in claims], len(volumes)


async def begin_drain(cluster: Cluster) -> None:
    """As kubectl drain does: cordon, then evict what is there; the budget lets one go at a time."""
    await cluster.create(
        deployment("nginx"),
        {
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        },
    )  # fmt: skip
    await cluster.until(lambda: cluster.pods(ready=True), count=5)
    await cluster.client.patch(NODES, "node-1", {"spec": {"unschedulable": True}})
    await evict_from(cluster, "node-1")


async def evict_from(cluster: Cluster, node: str) -> None:
    for pod in await cluster.pods("default"):
        if pod["spec"].get("nodeName") != node:
            continue
        name = pod["metadata"]["name"]
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        try:
            await cluster.client.create(
                PODS, eviction, namespace="default", name=name, subresource="eviction"
            )
        except errors.TooManyRequests:
            continue


async def drained(cluster: Cluster) -> object:
    """kubectl asks again every five seconds."""
    for _ in range(12):
        await evict_from(cluster, "node-1")
        await cluster.advance(5)
    budget = (await cluster.get(POD_DISRUPTION_BUDGETS, "web"))["status"]
    nodes = {pod["spec"]["nodeName"] for pod in await cluster.pods("default")}
    return nodes, len(await cluster.pods("default", ready=True)), budget["currentHealthy"]


@pytest.mark.parametrize(
    ("begin", "outcome", "expected"),
    [
        (begin_rollout, rollout, (5, 5, ["nginx:2"] * 5, [0, 5], 5)),
        (begin_job, job_result, (6, 0, "0-5", ["SuccessCriteriaMet", "Complete"], {False})),
        (begin_deletion, what_is_left, (False, [0, 0, 0, 0])),
        (begin_scale_down, ordinals, (2, ["db-0", "db-1"], ["data-db-0", "data-db-1"], 2)),
        (begin_drain, drained, ({"node-2"}, 5, 5)),
    ],
)
async def test_whenever_it_dies_it_ends_where_it_would_have(begin, outcome: Outcome, expected):
    async with Cluster(nodes=2) as cluster:
        await begin(cluster)
        then_s = 0.0
        for cut_s in CUTS_S:
            await cluster.advance(cut_s - then_s)
            then_s = cut_s
            async with cluster.fork() as other:
                await other.advance(ENOUGH)
                assert await outcome(other) == expected, f"cut after {cut_s} s"
        await cluster.advance(ENOUGH)
        assert await outcome(cluster) == expected


async def test_dying_again_and_again_does_no_harm():
    """Each of the control planes lives for a fifth of a second of virtual time."""
    clusters = [Cluster(nodes=2)]
    await clusters[0].__aenter__()
    try:
        await begin_rollout(clusters[0])
        for _ in range(12):
            await clusters[-1].advance(0.2)
            clusters.append(clusters[-1].fork())
            await clusters[-1].__aenter__()
        await clusters[-1].advance(ENOUGH)
        assert await rollout(clusters[-1]) == (5, 5, ["nginx:2"] * 5, [0, 5], 5)
    finally:
        for cluster in clusters:
            await cluster.__aexit__()


async def test_one_object_that_breaks_its_controller_leaves_the_others_alone(monkeypatch):
    async with Cluster(nodes=1) as cluster:
        manager = next(c for c in cluster.plane.components if hasattr(c, "controllers"))
        controller = manager.controllers["deployment-controller"]
        reconcile = controller.reconcile

        async def breaks(key):
            if key.name == "bad":
                raise RuntimeError("boom")
            return await reconcile(key)

        monkeypatch.setattr(controller, "reconcile", breaks)
        for name in ("bad", "good"):
            made = deployment("nginx")
            made["metadata"]["name"] = name
            made["spec"]["selector"] = {"matchLabels": {"app": name}}
            made["spec"]["template"]["metadata"]["labels"] = {"app": name}
            await cluster.create(made)
        await cluster.advance(30)
        assert (await cluster.get(DEPLOYMENTS, "good"))["status"]["readyReplicas"] == 5
        assert not (await cluster.get(DEPLOYMENTS, "bad")).get("status", {}).get("replicas")
        failures = cluster.logged("reconcile_failed", object_="default/bad")
        assert failures and "RuntimeError: boom" in failures[-1]["error"]
        monkeypatch.undo()
        await cluster.advance("5m")
        assert (await cluster.get(DEPLOYMENTS, "bad"))["status"]["readyReplicas"] == 5, "it is tried again"
