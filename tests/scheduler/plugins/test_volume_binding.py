"""Pods wait for their claims, and claims for their pods. Cases: volumebinding/volume_binding_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import volumes
from kubepy.api.builtins import (
    CSI_DRIVERS,
    CSI_NODES,
    CSI_STORAGE_CAPACITIES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
    VOLUME_ATTACHMENTS,
)
from kubepy.client.client import MERGE_PATCH
from kubepy.scheduler.framework import Hint
from kubepy.scheduler.plugins import node_volume_limits, volume_restrictions, volume_zone
from kubepy.scheduler.plugins.volume_binding import _after_capacity, after_claim, unusable
from tests.scheduler import builders
from tests.scheduler.conftest import World

# What DynamicResources says of a pod that it was never asked about; upstream's word.
NO_HELP = "not found"


def claims(*names: str) -> list[Any]:
    return [{"name": f"v-{name}", "persistentVolumeClaim": {"claimName": name}} for name in names]


async def make_claim(world: World, name: str = "data", *, volume: str = "", **spec: Any) -> Any:
    """With `volume`: bound to it, as the binder would."""
    annotations = {volumes.BIND_COMPLETED: "yes"} if volume else {}
    made = {
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "late",
        }
        | ({"volumeName": volume} if volume else {})
        | spec,
    }
    claim = await world.client.create(PERSISTENT_VOLUME_CLAIMS, made)
    await world.clock.settle()
    return claim


async def make_volume(world: World, name: str = "pv", labels: Any = None, **spec: Any) -> None:
    made = {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "storageClassName": "late",
        }
        | ({} if "csi" in spec else {"hostPath": {"path": "/a"}})
        | spec,
    }
    await world.client.create(PERSISTENT_VOLUMES, made)
    status = {"status": {"phase": "Available"}}
    await world.client.patch(PERSISTENT_VOLUMES, name, status, subresource="status", content_type=MERGE_PATCH)
    await world.clock.settle()


async def make_class(
    world: World, name: str = "late", mode: str = "WaitForFirstConsumer", **fields: Any
) -> None:
    made = {"metadata": {"name": name}, "provisioner": "x.csi", "volumeBindingMode": mode} | fields
    await world.client.create(STORAGE_CLASSES, made)
    await world.clock.settle()


def on(node: str) -> Any:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    return {"required": {"nodeSelectorTerms": [term]}}


async def test_a_pod_waits_for_its_claim(world: World) -> None:
    await world.start()
    await world.add_node()
    await world.add_pod(volumes=claims("data"))
    message = f'0/1 nodes are available: persistentvolumeclaim "data" not found. {NO_HELP}'
    assert await world.condition() == ("False", "Unschedulable", message)
    await make_class(world, mode="Immediate")
    await make_claim(world)
    await world.clock.advance(10)
    message = f"0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. {NO_HELP}"
    assert (await world.condition())[2] == message
    await make_volume(world)
    bound = {"metadata": {"annotations": {volumes.BIND_COMPLETED: "yes"}}, "spec": {"volumeName": "pv"}}
    await world.client.patch(
        PERSISTENT_VOLUME_CLAIMS, "data", bound, namespace="default", content_type=MERGE_PATCH
    )
    await world.clock.advance(10)
    assert await world.node_of() == "node-1"


@pytest.mark.parametrize("roomy", ["node-1", "node-2"])
async def test_the_node_with_the_most_room_is_taken(world: World, roomy: str) -> None:
    """Source: StorageCapacityScoring, on since 1.37."""
    await world.start()
    await make_class(world)
    await world.client.create(
        CSI_DRIVERS,
        {"metadata": {"name": "x.csi"}, "spec": {"storageCapacity": True, "attachRequired": True}},
    )
    for name in ("node-1", "node-2"):
        await world.add_node(name, labels={"host": name})
        capacity = {
            "metadata": {"name": name, "namespace": "default"},
            "storageClassName": "late",
            "nodeTopology": {"matchLabels": {"host": name}},
            "capacity": "100Gi" if name == roomy else "2Gi",
        }
        await world.client.create(CSI_STORAGE_CAPACITIES, capacity)
    await world.clock.settle()
    await make_claim(world)
    await world.add_pod(volumes=claims("data"))
    claim = await world.client.get(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    assert claim["metadata"]["annotations"][volumes.SELECTED_NODE] == roomy


@pytest.mark.parametrize("roomy", ["node-1", "node-2"])
async def test_of_volumes_that_are_there_the_largest_is_taken(world: World, roomy: str) -> None:
    await world.start()
    await make_class(world)
    for name in ("node-1", "node-2"):
        await world.add_node(name, labels={"kubernetes.io/hostname": name})
        size = {"storage": "100Gi" if name == roomy else "2Gi"}
        await make_volume(world, f"pv-{name}", capacity=size, nodeAffinity=on(name))
    await make_claim(world)
    await world.add_pod(volumes=claims("data"))
    volume = await world.client.get(PERSISTENT_VOLUMES, f"pv-{roomy}")
    assert volume["spec"]["claimRef"]["name"] == "data"


async def test_a_claim_is_told_the_node_and_its_pod_waits_for_the_volume(world: World) -> None:
    await world.start()
    await world.add_node()
    await make_class(world)
    await make_claim(world)
    await world.add_pod(volumes=claims("data"))
    claim = await world.client.get(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    assert claim["metadata"]["annotations"][volumes.SELECTED_NODE] == "node-1"
    assert await world.node_of() == ""
    await make_volume(world, nodeAffinity=None)
    bound = {"metadata": {"annotations": {volumes.BIND_COMPLETED: "yes"}}, "spec": {"volumeName": "pv"}}
    await world.client.patch(
        PERSISTENT_VOLUME_CLAIMS, "data", bound, namespace="default", content_type=MERGE_PATCH
    )
    await world.clock.settle()
    assert await world.node_of() == "node-1"


async def test_nobody_waits_for_ever(world: World) -> None:
    await world.start()
    await world.add_node()
    await make_class(world)
    await make_claim(world)
    await world.add_pod(volumes=claims("data"))
    await world.clock.advance(599)
    assert await world.events() == []
    await world.clock.advance(2)
    message = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
    assert (await world.events())[0][2] == message


async def test_a_volume_is_given_to_one_pod_only(world: World) -> None:
    await world.start()
    for name in ("node-1", "node-2"):
        await world.add_node(name, labels={"kubernetes.io/hostname": name})
    await make_class(world, provisioner=volumes.NO_PROVISIONER)
    await make_volume(world, nodeAffinity=on("node-2"))
    for name in ("one", "two"):
        await make_claim(world, name)
    await world.add_pod("one", volumes=claims("one"))
    await world.add_pod("two", volumes=claims("two"))
    taken = await world.client.get(PERSISTENT_VOLUMES, "pv")
    assert taken["spec"]["claimRef"]["name"] == "one"
    why = "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."
    assert (await world.condition("two"))[2].startswith(why)


async def test_a_provisioner_that_gives_up_sends_the_pod_back(world: World) -> None:
    await world.start()
    await world.add_node()
    await make_class(world)
    await make_claim(world)
    await world.add_pod(volumes=claims("data"))
    undone = {"metadata": {"annotations": {volumes.SELECTED_NODE: None, "a": "b"}}}
    await world.client.patch(
        PERSISTENT_VOLUME_CLAIMS, "data", undone, namespace="default", content_type=MERGE_PATCH
    )
    await world.clock.settle()
    assert (await world.events())[0][2].endswith('binding volumes: provisioning failed for PVC "data"')


async def test_read_write_once_pod(world: World) -> None:
    await world.start()
    await world.add_node()
    await make_volume(world, accessModes=["ReadWriteOncePod"])
    await make_claim(world, volume="pv", accessModes=["ReadWriteOncePod"])
    await world.add_pod("one", volumes=claims("data"))
    await world.add_pod("two", volumes=claims("data"))
    assert (await world.node_of("one"), await world.node_of("two")) == ("node-1", "")
    assert (await world.condition("two"))[2].startswith(
        "0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access "
        "mode already in-use by another pod."
    )
    await world.client.delete(PODS, "one", "default", grace_period_s=0)
    await world.clock.advance(10)
    assert await world.node_of("two") == "node-1"


async def test_a_more_important_pod_takes_a_read_write_once_pod_claim(world: World) -> None:
    await world.start()
    await world.add_node()
    await make_volume(world, accessModes=["ReadWriteOncePod"])
    await make_claim(world, volume="pv", accessModes=["ReadWriteOncePod"])
    await world.client.create(
        world.cluster.plane.catalog.get("scheduling.k8s.io", "v1", "priorityclasses"),  # type: ignore[arg-type]
        {"metadata": {"name": "high"}, "value": 1000},
    )
    await world.add_pod("one", volumes=claims("data"))
    await world.add_pod("two", volumes=claims("data"), priorityClassName="high")
    await world.clock.advance(1)
    assert (await world.pod("two"))["status"]["nominatedNodeName"] == "node-1"


@pytest.mark.parametrize(
    ("one", "other", "conflict"),
    [
        ({"gcePersistentDisk": {"pdName": "a"}}, {"gcePersistentDisk": {"pdName": "a"}}, True),
        (
            {"gcePersistentDisk": {"pdName": "a", "readOnly": True}},
            {"gcePersistentDisk": {"pdName": "a", "readOnly": True}},
            False,
        ),
        (
            {"awsElasticBlockStore": {"volumeID": "a", "readOnly": True}},
            {"awsElasticBlockStore": {"volumeID": "a", "readOnly": True}},
            True,
        ),
        ({"iscsi": {"iqn": "a"}}, {"iscsi": {"iqn": "b"}}, False),
        (
            {"rbd": {"monitors": ["x", "y"], "image": "i", "pool": "p"}},
            {"rbd": {"monitors": ["y"], "image": "i", "pool": "p"}},
            True,
        ),
        ({"rbd": {"monitors": ["x"], "image": "i"}}, {"rbd": {"monitors": ["y"], "image": "i"}}, False),
    ],
)
def test_disks_for_one_pod(one: Any, other: Any, conflict: bool) -> None:
    mine, theirs = (builders.pod(volumes=[{"name": "v"} | disk]) for disk in (one, other))
    assert volume_restrictions.conflicts(mine, [theirs]) is conflict


ZONE = "topology.kubernetes.io/zone"
OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"


@pytest.mark.parametrize(
    ("volume", "node", "inside"),
    [
        ({ZONE: "a"}, {ZONE: "a"}, True),
        ({ZONE: "a"}, {ZONE: "b"}, False),
        ({ZONE: "a__b"}, {ZONE: "b"}, True),
        ({OLD_ZONE: "a"}, {ZONE: "a"}, True),
        ({ZONE: "a"}, {}, True),
        ({ZONE: "a"}, {"topology.kubernetes.io/region": "r"}, False),
        ({}, {ZONE: "b"}, True),
    ],
)
def test_zones_of_volumes(volume: Any, node: Any, inside: bool) -> None:
    wanted = volume_zone.topologies({"metadata": {"labels": volume}})
    assert volume_zone.is_inside(wanted, node) is inside


async def test_a_volume_keeps_its_pod_in_its_zone(world: World) -> None:
    await world.start()
    await world.add_node(labels={ZONE: "b"})
    await make_volume(world, labels={ZONE: "a"})
    await make_claim(world, volume="pv")
    await world.add_pod(volumes=claims("data"))
    assert (await world.condition())[2].startswith(
        "0/1 nodes are available: 1 node(s) had no available volume zone."
    )
    await world.add_node("node-2", labels={ZONE: "a"})
    await world.clock.advance(10)
    assert await world.node_of() == "node-2"


async def test_a_node_takes_so_many_volumes_of_a_driver(world: World) -> None:
    await world.start()
    await world.add_node()
    driver = {"name": "x.csi", "nodeID": "n", "allocatable": {"count": 2}}
    await world.client.create(CSI_NODES, {"metadata": {"name": "node-1"}, "spec": {"drivers": [driver]}})
    for name in ("a", "b", "c"):
        await make_volume(world, name, csi={"driver": "x.csi", "volumeHandle": name})
        await make_claim(world, name, volume=name)
    await world.add_pod("one", volumes=claims("a"))
    await world.add_pod("same", volumes=claims("a"))
    attachment = {
        "metadata": {"name": "left"},
        "spec": {"attacher": "x.csi", "nodeName": "node-1", "source": {"persistentVolumeName": "b"}},
    }
    await world.client.create(VOLUME_ATTACHMENTS, attachment)
    await world.clock.settle()
    await world.add_pod("two", volumes=claims("c"))
    assert (await world.condition("two"))[2].startswith(
        "0/1 nodes are available: 1 node(s) exceed max volume count."
    )
    await world.client.delete(VOLUME_ATTACHMENTS, "left")
    await world.clock.advance(10)
    assert await world.node_of("two") == "node-1"


@pytest.mark.parametrize(
    ("driver", "installed", "why"),
    [
        ({}, [], ""),
        ({"preventPodSchedulingIfMissing": False}, [], ""),
        ({"preventPodSchedulingIfMissing": True}, [], "1 x.csi CSI driver is not installed on the node"),
        (
            {"preventPodSchedulingIfMissing": True},
            ["y.csi"],
            "1 x.csi CSI driver is not installed on the node",
        ),
        ({"preventPodSchedulingIfMissing": True}, ["x.csi"], ""),
        (None, [], ""),
    ],
)
async def test_a_driver_may_ask_that_pods_wait_for_it(
    world: World, driver: Any, installed: list[str], why: str
) -> None:
    """Source: TestVolumeLimitScalingGate."""
    await world.start()
    await world.add_node()
    if driver is not None:
        await world.client.create(CSI_DRIVERS, {"metadata": {"name": "x.csi"}, "spec": driver})
    drivers = [{"name": name, "nodeID": "n", "allocatable": {"count": 2}} for name in installed]
    await world.client.create(CSI_NODES, {"metadata": {"name": "node-1"}, "spec": {"drivers": drivers}})
    await make_volume(world, csi={"driver": "x.csi", "volumeHandle": "h"})
    await make_claim(world, volume="pv")
    await world.add_pod(volumes=claims("data"))
    assert await world.node_of() == ("" if why else "node-1")
    assert not why or (await world.condition())[2].startswith(f"0/1 nodes are available: {why}.")


def test_limits_of_drivers() -> None:
    drivers = [{"name": "a", "allocatable": {"count": 3}}, {"name": "b"}]
    assert node_volume_limits.limits_of(drivers) == {"a": 3}


@pytest.mark.parametrize(
    ("claim", "is_ephemeral", "why"),
    [
        (None, False, 'persistentvolumeclaim "c" not found'),
        (None, True, 'waiting for ephemeral volume controller to create the persistentvolumeclaim "c"'),
        (
            {"metadata": {}, "spec": {"volumeName": "pv"}, "status": {"phase": "Lost"}},
            False,
            'persistentvolumeclaim "c" bound to non-existent persistentvolume "pv"',
        ),
        (
            {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}},
            False,
            'persistentvolumeclaim "c" is being deleted',
        ),
        (
            {"metadata": {"name": "c", "namespace": "default"}, "spec": {}},
            True,
            "PVC default/c was not created for pod default/web (pod is not owner)",
        ),
        ({"metadata": {}, "spec": {}}, False, ""),
    ],
)
def test_claims_that_cannot_be_used(claim: Any, is_ephemeral: bool, why: str) -> None:
    assert unusable(builders.pod(), "c", claim, is_ephemeral=is_ephemeral) == why


def test_what_wakes_a_pod() -> None:
    pod = builders.pod_info(volumes=claims("data"))
    mine = {"metadata": {"name": "data", "namespace": "default"}, "spec": {}}
    other = {"metadata": {"name": "data", "namespace": "x"}, "spec": {}}
    assert after_claim(pod, None, mine) is Hint.QUEUE
    assert after_claim(pod, None, other) is Hint.SKIP
    assert _after_capacity(pod, {"capacity": "1Gi"}, {"capacity": "2Gi"}) is Hint.QUEUE
    assert _after_capacity(pod, {"capacity": "2Gi"}, {"capacity": "1Gi"}) is Hint.SKIP
