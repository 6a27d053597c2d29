"""The garbage collector: what becomes of one dependent."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import CLUSTER_ROLES, CONFIG_MAPS, DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS
from kubepy.api.errors import NotFound
from kubepy.controllers import garbage_collector
from kubepy.controllers.dependency_graph import FOREGROUND, ORPHAN, Identity
from kubepy.controllers.garbage_collector import AbsentOwners, Owner, Plan
from kubepy.testing import builders
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

S, D, W = Owner.SOLID, Owner.DANGLING, Owner.WAITING


# Source: garbagecollector.go, attemptToDeleteItem.
@pytest.mark.parametrize(
    ("owners", "finalizers", "dependents", "expected"),
    [
        pytest.param([], [], [], Plan(), id="no owner"),
        pytest.param([S], [], [], Plan(), id="owner lives"),
        pytest.param([S, D], [], [], Plan(remove_owners=("1",)), id="one lives"),
        pytest.param([S, W, D], [], [False], Plan(remove_owners=("1", "2")), id="one lives, one waits"),
        pytest.param([D], [], [], Plan(delete="Background"), id="none lives"),
        pytest.param([D], [ORPHAN], [], Plan(delete="Orphan"), id="it orphans"),
        pytest.param([D], [FOREGROUND], [], Plan(delete="Foreground"), id="it waits itself"),
        pytest.param([W], [], [], Plan(delete="Background"), id="owner waits, no dependents"),
        pytest.param([W], [], [False], Plan(delete="Foreground"), id="owner waits, with dependents"),
        pytest.param([W, D], [], [True], Plan(unblock=True, delete="Foreground"), id="a circle"),
    ],
)
def test_a_dependent_follows_its_owners(
    owners: list[Owner], finalizers: list[str], dependents: list[bool], expected: Plan
) -> None:
    numbered: Any = [(str(at), kind) for at, kind in enumerate(owners)]
    assert garbage_collector.plan(finalizers, numbered, dependents=dependents) == expected


def test_the_owners_missed_last_are_remembered() -> None:
    absent = AbsentOwners(size_max=2)
    a, b, c = (Identity("Pod", "v1", "ns", name, name) for name in "abc")
    absent.add(a)
    absent.add(b)
    assert a in absent
    absent.add(c)
    assert a in absent and c in absent and b not in absent


# -- on a running cluster --------------------------------------------------------------------------------------


async def config_map(
    cluster: Cluster, name: str, *owners: Any, namespace: str = "default", **metadata: Any
) -> Any:
    references = [
        {
            "apiVersion": each["apiVersion"],
            "kind": each["kind"],
            "name": each["metadata"]["name"],
            "uid": each["metadata"]["uid"],
            "blockOwnerDeletion": True,
        }
        for each in owners
    ]
    return await cluster.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace, "ownerReferences": references, **metadata},
        }
    )


async def exists(cluster: Cluster, name: str, namespace: str = "default") -> bool:
    try:
        await cluster.get(CONFIG_MAPS, name, namespace)
    except NotFound:
        return False
    return True


async def delete(cluster: Cluster, name: str, propagation: str = "Background") -> None:
    await cluster.client.delete(CONFIG_MAPS, name, "default", propagation=propagation)
    await cluster.settle()


async def test_a_deployment_takes_everything_along(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_deployment("web").replicas(3))
    await world.rolled_out()
    await cluster.client.delete(DEPLOYMENTS, "web", "default")
    await cluster.settle()
    assert await world.names(REPLICA_SETS) == []
    await cluster.until(lambda: cluster.pods("default"), count=0)


async def test_foreground_goes_from_the_leaves_up(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_deployment("web").replicas(2))
    await world.rolled_out()
    await cluster.client.delete(DEPLOYMENTS, "web", "default", propagation="Foreground")
    await cluster.settle()
    # The pods have their grace period; until they are gone everything above them stays.
    assert (await world.deployment())["metadata"]["finalizers"] == ["foregroundDeletion"]
    (replica_set,) = await cluster.list(REPLICA_SETS, "default")
    assert replica_set["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert len(await world.names(PODS)) == 2
    await cluster.until(lambda: cluster.list(DEPLOYMENTS), count=0)
    assert await world.names(PODS) == [] and await world.names(REPLICA_SETS) == []


async def test_orphans_stay_and_forget_their_owner(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_deployment("web").replicas(2))
    await world.rolled_out()
    await cluster.client.delete(DEPLOYMENTS, "web", "default", propagation="Orphan")
    await cluster.settle()
    assert await cluster.list(DEPLOYMENTS) == []
    (replica_set,) = await cluster.list(REPLICA_SETS, "default")
    assert "ownerReferences" not in replica_set["metadata"]
    await cluster.advance("1m")
    assert len(await world.names(PODS)) == 2


async def test_a_chain_falls_link_by_link(cluster: Cluster) -> None:
    a = await config_map(cluster, "a")
    b = await config_map(cluster, "b", a)
    await config_map(cluster, "c", b)
    await delete(cluster, "a")
    assert [await exists(cluster, name) for name in "abc"] == [False] * 3


async def test_the_last_owner_decides(cluster: Cluster) -> None:
    a, b = await config_map(cluster, "a"), await config_map(cluster, "b")
    await config_map(cluster, "c", a, b)
    await delete(cluster, "a")
    kept = await cluster.get(CONFIG_MAPS, "c")
    assert [ref["name"] for ref in kept["metadata"]["ownerReferences"]] == ["b"]
    await delete(cluster, "b")
    assert not await exists(cluster, "c")


async def test_an_owner_that_never_was_is_dangling(cluster: Cluster) -> None:
    ghost = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ghost", "uid": "no-such-uid"}}
    await config_map(cluster, "a", ghost)
    await cluster.settle()
    assert not await exists(cluster, "a")


async def test_a_namesake_of_the_owner_is_not_the_owner(cluster: Cluster) -> None:
    a = await config_map(cluster, "a")
    impostor = {**a, "metadata": {**a["metadata"], "uid": "another-uid"}}
    await config_map(cluster, "b", impostor)
    await cluster.settle()
    assert not await exists(cluster, "b") and await exists(cluster, "a")


async def test_an_owner_of_an_unknown_kind_is_left_alone(cluster: Cluster) -> None:
    foreign = {"apiVersion": "example.com/v1", "kind": "Foreign", "metadata": {"name": "f", "uid": "u"}}
    await config_map(cluster, "a", foreign)
    await cluster.advance("10m")
    assert await exists(cluster, "a")


async def test_an_owner_in_another_namespace_is_no_owner(cluster: Cluster, world: World) -> None:
    await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    a = await config_map(cluster, "a", namespace="other")
    await config_map(cluster, "b", a)
    await cluster.settle()
    assert not await exists(cluster, "b") and await exists(cluster, "a", "other")
    (message,) = await world.events("OwnerRefInvalidNamespace")
    uid = a["metadata"]["uid"]
    assert message == (
        f'ownerRef [v1/ConfigMap, namespace: default, name: a, uid: {uid}] does not exist in namespace "default"'
    )


async def test_foreground_waits_for_a_dependent_with_a_finalizer(cluster: Cluster, world: World) -> None:
    a = await config_map(cluster, "a")
    await config_map(cluster, "b", a, finalizers=["example.com/hold"])
    await delete(cluster, "a", "Foreground")
    assert await exists(cluster, "a")
    await world.patch(
        CONFIG_MAPS, "b", {"metadata": {"finalizers": None}}, content_type="application/merge-patch+json"
    )
    await cluster.settle()
    assert not await exists(cluster, "a") and not await exists(cluster, "b")


async def test_a_circle_is_broken(cluster: Cluster, world: World) -> None:
    a = await config_map(cluster, "a")
    b = await config_map(cluster, "b", a)
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "b",
        "uid": b["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    await world.patch(CONFIG_MAPS, "a", {"metadata": {"ownerReferences": [reference]}})
    await delete(cluster, "a", "Foreground")
    await cluster.advance("1m")
    assert not await exists(cluster, "a") and not await exists(cluster, "b")


async def test_what_was_orphaned_while_nobody_looked_is_swept_up_later(cluster: Cluster) -> None:
    a = await config_map(cluster, "a")
    await config_map(cluster, "b", a)
    async with Cluster(controllers=["*", "-garbagecollector"], nodes=0) as blind:
        a = await config_map(blind, "a")
        await config_map(blind, "b", a)
        await delete(blind, "a")
        assert await exists(blind, "b")
        seeing = blind.fork()
        seeing.config = Cluster(nodes=0).config
        async with seeing:
            await seeing.settle()
            assert not await exists(seeing, "b")


def as_owner(obj: Any, **other: str) -> Any:
    """A reference to it, perhaps with other coordinates than its own."""
    metadata = obj["metadata"]
    own = {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return own | other


def cluster_role(*references: Any) -> Any:
    metadata = {"name": "child", "ownerReferences": list(references)}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": [],
    }


def child(name: str, *references: Any) -> Any:
    metadata = {"name": name, "namespace": "default", "ownerReferences": list(references)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


GHOST = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ghost", "uid": "ghost"}
NOT_SERVED = "extensions/v1beta1"


# Source: garbagecollector_test.go, TestConflictingData: who is left, and whether a reference is said to be misplaced.
# The parents exist: a ConfigMap and an autoscaler in the namespace, a ClusterRole in none.
@pytest.mark.parametrize(
    ("children", "left", "is_misplaced"),
    [
        pytest.param(lambda p: [child("a", p["role"])], ["a"], False, id="a cluster-scoped owner"),
        pytest.param(lambda p: [cluster_role(p["map"])], ["child"], True, id="a namespaced owner of a cluster-scoped"),
        pytest.param(
            lambda p: [child("a", p["scaler"] | {"apiVersion": "autoscaling/v1"})], ["a"], False, id="another version"
        ),
        pytest.param(
            lambda p: [child("a", p["scaler"] | {"apiVersion": NOT_SERVED})], ["a"], False, id="a version not served"
        ),
        pytest.param(
            lambda p: [child("a", GHOST | {"apiVersion": NOT_SERVED}), child("b", GHOST)], ["a"], False,
            id="of two to a ghost the one that can be looked up",
        ),
        pytest.param(
            lambda p: [child("b", GHOST), child("a", GHOST | {"apiVersion": NOT_SERVED})], ["a"], False,
            id="the same the other way round",
        ),
        pytest.param(
            lambda p: [child("bad", p["map"] | {"apiVersion": "v1", "kind": "Secret"}), child("good", p["map"])],
            ["good"], False, id="another kind",
        ),
        pytest.param(
            lambda p: [child("good", p["map"]), child("bad", p["map"] | {"apiVersion": "v1", "kind": "Secret"})],
            ["good"], False, id="another kind, second",
        ),
        pytest.param(
            lambda p: [cluster_role(GHOST), child("good", GHOST)], ["child"], False, id="a cluster-scoped and a ghost"
        ),
        pytest.param(
            lambda p: [child("good", GHOST), cluster_role(GHOST)], ["child"], False, id="a ghost and a cluster-scoped"
        ),
        pytest.param(
            lambda p: [cluster_role(p["map"]), child("good", p["map"])], ["child", "good"], True,
            id="a cluster-scoped and a good one",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_there_before", [False, True], ids=["as it happens", "all at once"])
async def test_references_that_contradict_each_other(
    children: Any, left: list[str], is_misplaced: bool, is_there_before: bool
) -> None:
    off = ["*", "-garbagecollector"]
    async with Cluster(controllers=off if is_there_before else ["*"], nodes=0) as cluster:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
        autoscaler = (
            builders.Builder("autoscaling/v2", "HorizontalPodAutoscaler", "scaler")
            .spec(scaleTargetRef=target, maxReplicas=2)
            .obj()
        )
        role = cluster_role()
        role["metadata"]["name"] = "parent"
        made = [await cluster.create(each) for each in (child("map"), autoscaler, role)]
        parents = dict(zip(("map", "scaler", "role"), map(as_owner, made)))
        for each in children(parents):
            await cluster.create(each)
        if not is_there_before:
            await cluster.advance("1m")
            assert await who_is_left(cluster) == (left, is_misplaced)
            return
        seeing = cluster.fork()
        seeing.config = Cluster(nodes=0).config
        async with seeing:
            await seeing.advance("1m")
            assert await who_is_left(seeing) == (left, is_misplaced)


async def who_is_left(cluster: Cluster) -> tuple[list[str], bool]:
    found = [*await cluster.list(CONFIG_MAPS, "default"), *await cluster.list(CLUSTER_ROLES)]
    names = {each["metadata"]["name"] for each in found}
    assert {"map", "parent"} <= names
    reasons = {each["reason"] for each in await cluster.list(EVENTS)}
    return sorted(names & {"a", "b", "good", "bad", "child"}), "OwnerRefInvalidNamespace" in reasons
