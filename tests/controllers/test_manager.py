"""Which controllers run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kubepy.api.builtins import CONFIG_MAPS, DEPLOYMENTS, EVENTS, NAMESPACES, PODS, REPLICA_SETS
from kubepy.api.objects import Key, Obj, controller_of, uid_of
from kubepy.client import kubeconfig
from kubepy.client.client import Client
from kubepy.client.given import Given
from kubepy.controllers import discovery, manager
from kubepy.controllers.manager import ControllerManager
from kubepy.lib.random import Random
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics
from kubepy.testing import builders
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

ALL = [row.name for row in manager.CONTROLLERS if row.by_default]


# Source: staging controller-manager/app/helper_test.go, TestIsControllerEnabled.
@pytest.mark.parametrize(
    ("wanted", "running"),
    [
        (["*"], ALL),
        ([], []),
        (["deployment-controller"], ["deployment-controller"]),
        (["deployment", "namespace"], ["namespace-controller", "deployment-controller"]),
        (["*", "-garbagecollector"], [name for name in ALL if name != "garbage-collector-controller"]),
        (
            ["-deployment-controller", "*", "deployment-controller"],
            [n for n in ALL if n != "deployment-controller"],
        ),
        (["deployment-controller", "-deployment-controller"], ["deployment-controller"]),
        # Upstream's names that are not here turn nothing on or off.
        (["selinux-warning-controller", "job"], ["job-controller"]),
        (["*", "-route", "-storage-version-gc", "-cloud-node-lifecycle-controller"], ALL),
    ],
)
def test_the_first_word_that_names_a_controller_decides(wanted: Sequence[str], running: list[str]) -> None:
    assert [row.name for row in manager.select(wanted)] == running


@pytest.mark.parametrize("word", ["deploymnt", "-deploymnt"])
def test_an_unknown_name_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match='"deploymnt" is not in the list of known controllers'):
        manager.select(["*", word])


def test_names_and_aliases_are_unique() -> None:
    for column in ("name", "alias"):
        values = [value for row in (*manager.CONTROLLERS, *manager.ABSENT) if (value := getattr(row, column))]
        assert len(set(values)) == len(values)


# -- on a running cluster --------------------------------------------------------------------------------------


@pytest.mark.kubepy(controllers=["*", "-deployment"])
async def test_a_controller_that_is_off_does_nothing(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_deployment("web"), builders.make_replica_set("set").replicas(1))
    await cluster.until(lambda: cluster.pods("default", ready=True), count=1)
    assert await world.names(REPLICA_SETS) == ["set"]


async def test_fields_are_the_managers_and_events_each_controllers(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_deployment("web"))
    await world.rolled_out()
    (replica_set,) = await cluster.list(REPLICA_SETS, "default")
    managers = {entry["manager"] for entry in replica_set["metadata"]["managedFields"]}
    assert managers == {"kube-controller-manager"}
    sources = {each["reason"]: each["source"]["component"] for each in await cluster.list(EVENTS, "default")}
    assert sources["ScalingReplicaSet"] == "deployment-controller"
    assert sources["SuccessfulCreate"] == "replicaset-controller"


@pytest.mark.kubepy(controllers=[])
async def test_what_is_closed_leaves_no_task_and_may_be_closed_again(cluster: Cluster) -> None:
    again = remote_manager(cluster, cluster.client)
    await again.start()
    await cluster.settle()
    await again.close()
    await again.close()


def remote_manager(cluster: Cluster, client: Client, **arguments: object) -> ControllerManager:
    """One that knows the server by its client alone."""
    return ControllerManager(
        client,
        Given(cluster.clock, Random(7), logs.silent(), Metrics()),
        root_ca=b"PEM",
        **arguments,  # type: ignore[arg-type]
    )


@pytest.mark.kubepy(controllers=[], serve=True, nodes=1)
async def test_the_controllers_work_from_another_process(cluster: Cluster, world: World) -> None:
    """Over HTTP, TLS and discovery, as against any Kubernetes API server."""
    assert cluster.kubeconfig is not None
    transport = kubeconfig.load(cluster.kubeconfig).transport(clock=cluster.clock, random=Random(7))
    remote = remote_manager(cluster, Client(transport, field_manager="test"))
    try:
        await remote.start()
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
        await cluster.create(namespace, builders.make_deployment("web").replicas(2))
        await cluster.until(lambda: world.is_rolled_out(), within="20s")
        await cluster.client.delete(DEPLOYMENTS, "web", "default")
        await cluster.until(lambda: cluster.pods("default"), count=0, within="20s")
        await cluster.client.delete(NAMESPACES, "x")

        async def namespaces() -> list[str]:
            return [each["metadata"]["name"] for each in await cluster.list(NAMESPACES)]

        async def is_gone() -> bool:
            return "x" not in await namespaces()

        await cluster.until(is_gone, within="20s")
        assert (await cluster.get(CONFIG_MAPS, "kube-root-ca.crt"))["data"] == {"ca.crt": "PEM"}
    finally:
        await remote.close()
        await transport.close()


async def test_an_object_that_breaks_any_controller_leaves_it_its_others(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    controllers = cluster.plane.controller_manager.controllers
    assert set(controllers) >= {"job-controller", "garbage-collector-controller", "node-lifecycle-controller"}
    tried: dict[str, list[str]] = {name: [] for name in controllers}
    for name, controller in controllers.items():

        async def breaks(key: Key, seen: list[str] = tried[name]) -> None:
            seen.append(key.name)
            if key.name.startswith("bad"):
                raise RuntimeError("boom")

        monkeypatch.setattr(controller, "reconcile", breaks)
        # More of them than it has workers.
        for word in (*(f"bad-{n}" for n in range(controller.workers + 1)), "good"):
            controller.queue.add(Key("default", word))
    await cluster.advance(5)
    assert [name for name, seen in tried.items() if "good" not in seen] == []
    assert [name for name, seen in tried.items() if seen.count("bad-0") < 2] == [], "it is tried again"


async def test_discovery_finds_what_the_catalog_has(cluster: Cluster) -> None:
    found = await discovery.of_server(cluster.client)()
    served = await discovery.of_catalog(lambda: cluster.plane.catalog)()
    assert not found.failure
    names = {(row.group, row.plural) for row in discovery.preferred(served.resources, "delete", "list")}
    assert {
        (row.group, row.plural) for row in discovery.preferred(found.resources, "delete", "list")
    } == names


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_and_whenever_it_restarts_the_cluster_converges(seed: int) -> None:
    """Random wishes, accidents and restarts; then quiet, and everything is as the last wish says."""
    dice = Random(seed)
    world = World(Cluster(nodes=3, seed=seed))
    await world.cluster.__aenter__()
    await world.cluster.create(builders.make_deployment("web").replicas(3).image("v0"))
    for step in range(14):
        await world.cluster.advance(dice.uniform(0, 2))
        match dice.choice(["scale", "image", "image", "kill", "kill", "pause", "restart"]):
            case "scale":
                await world.patch(DEPLOYMENTS, "web", {"spec": {"replicas": dice.index(6)}})
            case "image":
                await world.set_image("web", f"v{dice.index(4)}")
            case "pause":
                await world.patch(DEPLOYMENTS, "web", {"spec": {"paused": step % 2 == 0}})
            case "kill":
                if pods := await world.names():
                    await world.cluster.client.delete(PODS, dice.choice(pods), "default", grace_period_s=0)
            case "restart":
                other = world.cluster.fork()
                await world.cluster.__aexit__()
                world = World(other)
                await other.__aenter__()
    await world.patch(DEPLOYMENTS, "web", {"spec": {"paused": False}})
    await world.rolled_out()
    await world.cluster.advance("2m")
    await check_converged(world)
    await world.cluster.__aexit__()


async def check_converged(world: World) -> None:
    deployment = await world.deployment()
    assert await world.is_rolled_out()
    replicas, template = deployment["spec"]["replicas"], deployment["spec"]["template"]
    image = template["spec"]["containers"][0]["image"]
    pods = await world.cluster.pods("default")
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == [image] * replicas
    sets = await world.replica_sets()
    assert {each: found["spec"]["replicas"] for each, found in sets.items()} == {
        each: replicas if each == image else 0 for each in sets
    }
    assert all(owner_of(pod) == uid_of(sets[image]) for pod in pods)
    revisions = [
        int(found["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) for found in sets.values()
    ]
    assert int(deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) == max(revisions)


def owner_of(obj: Obj) -> str:
    owner = controller_of(obj)
    return owner["uid"] if owner else ""
