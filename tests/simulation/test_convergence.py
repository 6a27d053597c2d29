"""Whatever the order of events and whichever component starts anew when: the same end.

Every source of order is shaken by the seed: when each object is created and in which order, what is deleted on the way,
how long each batch of a watch takes to each informer, and at which moments a component, or the whole control plane, is
replaced by a new one that knows nothing. What is left must be what an undisturbed cluster ends with, but for names,
uids, addresses and times.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from kubepy.api import objects, pods
from kubepy.api.builtins import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    HORIZONTAL_POD_AUTOSCALERS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    RESOURCE_QUOTAS,
    SERVICES,
    STATEFUL_SETS,
)
from kubepy.api.objects import Obj
from kubepy.apiserver.loopback import LoopbackTransport
from kubepy.lib.random import Random
from kubepy.observability.metrics import Metrics
from kubepy.testing import Cluster
from tests.simulation import busy

KINDS = (
    DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS, DAEMON_SETS, CONTROLLER_REVISIONS, JOBS,
    CRON_JOBS, PODS, SERVICES, ENDPOINTS, ENDPOINT_SLICES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES,
    HORIZONTAL_POD_AUTOSCALERS, POD_DISRUPTION_BUDGETS, RESOURCE_QUOTAS,
)  # fmt: skip

# Long enough for every back-off, window and resync that the shaking may have started.
ENOUGH = "15m"

# What tells two good ends apart: who was when and where, and how many tries it took.
ACCIDENTS = frozenset({
    "uid", "resourceVersion", "generation", "observedGeneration", "managedFields", "ownerReferences", "message",
    "nodeName", "hostIP", "hostIPs", "podIP", "podIPs", "ip", "addresses", "clusterIP", "clusterIPs", "nodeAffinity",
    "containerID", "restartCount", "collisionCount", "currentMetrics", "zone", "nodeSelectorTerms",
    "deployment.kubernetes.io/revision", "volume.kubernetes.io/selected-node", "batch.kubernetes.io/controller-uid",
    "controller-uid", "endpoints.kubernetes.io/last-change-trigger-time", "revision",
    "batch.kubernetes.io/cronjob-scheduled-timestamp",
})  # fmt: skip
_TIME = re.compile(r"(Timestamp|Time|At)$")
# Of the run of a CronJob, the minute that it was due.
_RANDOM = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=^kube-api-access-)[0-9a-z]{5}$|(?<=^beat-)[0-9]+"
)


def essence(value: Any) -> Any:
    """Without accidents; lists in an order of their own."""
    if isinstance(value, dict):
        kept = {
            key: essence(each)
            for key, each in sorted(value.items())
            if key not in ACCIDENTS and not _TIME.search(key)
        }
        return {key: each for key, each in kept.items() if each or key != "annotations"}
    if isinstance(value, list):
        return sorted((essence(each) for each in value), key=repr)
    return _RANDOM.sub("<random>", value) if isinstance(value, str) else value


def named(obj: Obj) -> Obj:
    """A generated name is an accident; so is the name of a pod in what refers to it."""
    copied = objects.copy(obj)
    base = copied["metadata"].get("generateName")
    if base and not obj["metadata"].get("labels", {}).get("apps.kubernetes.io/pod-index"):
        copied["metadata"]["name"] = base + "x"
    for subset in copied.get("subsets", ()):
        subset["addresses_count"] = len(subset.get("addresses", ()))
    for endpoint in copied.get("endpoints", ()):
        endpoint.get("targetRef", {}).pop("name", None)
    return copied


def is_of_today(obj: Obj, revisions: Mapping[str, int]) -> bool:
    """Not a scaled-down ReplicaSet or a former ControllerRevision: how many there were depends on who saw which
    template. Nor a pod that has ended: a new job controller that sees a pod late runs its index twice."""
    if obj["kind"] == "ControllerRevision":
        return obj["revision"] == revisions[owner_of(obj)]
    if obj["kind"] == "ReplicaSet":
        return obj["spec"]["replicas"] > 0
    return obj["kind"] != "Pod" or not pods.is_terminal(obj)


def newest(revisions: Iterable[Obj]) -> dict[str, int]:
    """By owner."""
    found: dict[str, int] = {}
    for each in revisions:
        owner = owner_of(each)
        found[owner] = max(found.get(owner, 0), each["revision"])
    return found


def owner_of(obj: Obj) -> str:
    owner = objects.controller_of(obj)
    assert owner is not None
    return str(owner["uid"])


def parts(obj: Obj) -> list[Obj]:
    """The endpoints of a slice, one by one: how they share slices is history."""
    if obj["kind"] != "EndpointSlice":
        return [obj]
    return [obj | {"endpoints": [endpoint]} for endpoint in obj["endpoints"]]


async def outcome(cluster: Cluster) -> list[str]:
    revisions = newest(await cluster.list(CONTROLLER_REVISIONS))
    found = [obj for kind in KINDS for obj in await cluster.list(kind) if is_of_today(obj, revisions)]
    return sorted(f"{each['kind']} {essence(named(each))}" for obj in found for each in parts(obj))


async def undisturbed() -> list[str]:
    async with Cluster(nodes=3, seed=99) as cluster:
        await busy.begin(cluster)
        await cluster.advance("2m")
        await roll(cluster)
        await cluster.advance(ENOUGH)
        assert len(await cluster.pods(ready=True)) == 4 + 3 + 3 + 2
        return await outcome(cluster)


async def roll(cluster: Cluster) -> None:
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}}}
    for kind, name in ((DEPLOYMENTS, "web"), (DAEMON_SETS, "agent"), (STATEFUL_SETS, "db")):
        await cluster.client.patch(kind, name, image, namespace="default")


class Jitter:
    """One batch in three, of each watch, comes late by up to three seconds: every component sees another order."""

    def __init__(self) -> None:
        self.is_on = False
        self._dice = Random(0)

    def watch(self, watch: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        async def late(transport: LoopbackTransport, path: str, **kwargs: Any) -> AsyncIterator[Any]:
            async for batch in watch(transport, path, **kwargs):
                if self.is_on and self._dice.index(3) == 0:
                    await transport._clock.sleep(self._dice.uniform(0, 3))
                yield batch

        return late


async def kill_somebody(cluster: Cluster, dice: Random) -> None:
    """Any pod but the job's: that would be a failure, which a job counts."""
    running = [pod for pod in await cluster.pods("default") if "job-name" not in pod["metadata"]["labels"]]
    if running:
        name = dice.choice(running)["metadata"]["name"]
        await cluster.client.delete(PODS, name, "default", grace_period_s=dice.choice([0, None]))


async def restart_one(cluster: Cluster, dice: Random) -> None:
    """One of controller manager, scheduler and kubelets dies and a new one comes some time later."""
    plane = cluster.plane
    name = ("controller_manager", "scheduler", "kubelet")[dice.index(3)]
    await getattr(plane, name).close()
    await cluster.advance(dice.uniform(0, 8))
    basis = msgspec.structs.replace(plane.basis, metrics=Metrics())  # as a process of its own has
    fresh = getattr(plane, f"make_{name}")(basis)
    setattr(plane, name, fresh)
    await fresh.start()


async def restart_all(cluster: Cluster, jitter: Jitter) -> Cluster:
    other = cluster.fork()
    await cluster.__aexit__()
    return await begin(other, jitter)


async def begin(cluster: Cluster, jitter: Jitter) -> Cluster:
    """A start waits for the first state of everything, and nobody moves the time for it."""
    jitter.is_on = False
    await cluster.__aenter__()
    jitter.is_on = True
    return cluster


@pytest.fixture
def jitter(monkeypatch: pytest.MonkeyPatch) -> Jitter:
    jitter = Jitter()
    monkeypatch.setattr(LoopbackTransport, "watch", jitter.watch(LoopbackTransport.watch))
    return jitter


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def expected() -> list[str]:
    return await undisturbed()


@pytest.mark.parametrize("seed", range(9))
async def test_it_ends_as_if_nothing_had_happened(seed: int, expected: list[str], jitter: Jitter) -> None:
    dice = Random(f"convergence-{seed}")
    cluster = await begin(Cluster(nodes=3, seed=seed), jitter)
    try:
        quota, *wanted = busy.wanted()
        wishes = [quota, *dice.shuffled(wanted)]
        has_rolled = False
        while wishes or not has_rolled:
            await cluster.advance(dice.choice([0.0, 0.01, 0.2, 2.0, 15.0]))
            match dice.choice(["wish", "wish", "wish", "kill", "one", "all", "roll"]):
                case "wish" if wishes:
                    await cluster.create(wishes.pop(0))
                case "kill":
                    await kill_somebody(cluster, dice)
                case "one":
                    await restart_one(cluster, dice)
                case "all":
                    cluster = await restart_all(cluster, jitter)
                case "roll" if not has_rolled and not wishes:
                    await roll(cluster)
                    has_rolled = True
        await cluster.advance(ENOUGH)
        assert await outcome(cluster) == expected
    finally:
        await cluster.__aexit__()
