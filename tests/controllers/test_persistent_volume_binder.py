"""Claims and volumes find each other."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from kubepy.api import volumes
from kubepy.api.builtins import EVENTS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STORAGE_CLASSES
from kubepy.api.errors import AlreadyExists, Conflict, NotFound
from kubepy.api.objects import uid_of
from kubepy.controllers.persistent_volume_binder import RESYNC_S
from kubepy.lib.random import Random
from kubepy.testing import builders
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World
from tests.controllers.test_persistent_volume_plan import LOST


def stored_claim(name: str = "data", **fields: Any) -> Any:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}} | fields
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def stored_volume(name: str = "pv", **fields: Any) -> Any:
    spec = {
        "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/tmp/x"},
    } | fields  # fmt: skip
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


async def test_a_volume_is_bound_kept_and_bound_again(cluster: Cluster) -> None:
    await cluster.create(stored_claim(storageClassName=""))
    await cluster.settle()
    assert (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data"))["status"] == {"phase": "Pending"}
    await cluster.create(stored_volume())
    await cluster.settle()
    bound = await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data")
    assert bound["spec"]["volumeName"] == "pv"
    assert bound["metadata"]["annotations"] == {
        volumes.BIND_COMPLETED: "yes",
        volumes.BOUND_BY_CONTROLLER: "yes",
    }
    assert bound["status"]["phase"] == "Bound"
    await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    await cluster.settle()
    kept = await cluster.get(PERSISTENT_VOLUMES, "pv", "")
    assert kept["status"]["phase"] == "Released"
    # Somebody has looked at the data and frees the volume.
    await cluster.client.patch(PERSISTENT_VOLUMES, "pv", {"spec": {"claimRef": None}})
    await cluster.create(stored_claim("again", storageClassName="", volumeName="pv"))
    await cluster.settle()
    assert (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "again"))["status"]["phase"] == "Bound"


async def test_many_claims_share_no_volume(cluster: Cluster) -> None:
    await cluster.create(*(stored_volume(f"pv-{i}") for i in range(20)))
    await cluster.create(*(stored_claim(f"data-{i}", storageClassName="") for i in range(20)))
    await cluster.advance(30)
    claims = await cluster.list(PERSISTENT_VOLUME_CLAIMS)
    assert {each["status"]["phase"] for each in claims} == {"Bound"}
    assert len({each["spec"]["volumeName"] for each in claims}) == 20


async def test_claims_get_the_default_class_when_there_is_one_again(cluster: Cluster) -> None:
    await cluster.client.delete(STORAGE_CLASSES, "standard")
    await cluster.create(stored_claim())
    await cluster.settle()
    annotations = {volumes.DEFAULT_CLASS: "true"}
    await cluster.create({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x.csi",
        "metadata": {"name": "late", "annotations": annotations}, "volumeBindingMode": "Immediate",
    })  # fmt: skip
    await cluster.advance(20)
    found = await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data")
    assert found["spec"]["storageClassName"] == "late"
    assert found["metadata"]["annotations"][volumes.STORAGE_PROVISIONER] == "x.csi"


async def test_a_claim_whose_volume_was_taken_away_is_lost(cluster: Cluster, world: World) -> None:
    await cluster.create(stored_volume(), stored_claim(storageClassName=""))
    await cluster.settle()
    await cluster.client.delete(PERSISTENT_VOLUMES, "pv")
    await cluster.settle()
    # In use: it only goes once the claim has.
    assert (await cluster.get(PERSISTENT_VOLUMES, "pv", ""))["metadata"]["deletionTimestamp"]
    await cluster.client.patch(PERSISTENT_VOLUMES, "pv", {"metadata": {"finalizers": None}})
    await cluster.settle()
    assert (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data"))["status"]["phase"] == "Lost"
    assert await world.events("ClaimLost") == [LOST]


async def test_what_cannot_be_deleted_has_failed(cluster: Cluster) -> None:
    refused = {"persistentVolumeReclaimPolicy": "Delete", "hostPath": {"path": "/data"}}
    await cluster.create(stored_volume(**refused), stored_claim(storageClassName=""))
    await cluster.settle()
    await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    await cluster.settle()
    status = (await cluster.get(PERSISTENT_VOLUMES, "pv", ""))["status"]
    why = "host_path deleter only supports /tmp/.+ but received provided /data"
    assert (status["phase"], status["message"]) == ("Failed", why)
    reasons = [each["reason"] for each in await cluster.list(EVENTS, fields="involvedObject.name=pv")]
    assert reasons == ["VolumeFailedDelete"]


async def test_a_volume_that_pods_still_use_is_not_recycled(cluster: Cluster) -> None:
    recycled = {"persistentVolumeReclaimPolicy": "Recycle"}
    waits = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    await cluster.create(stored_volume(**recycled), stored_claim(storageClassName=""))
    await cluster.create(builders.make_pod("user").gated("hold").spec(**waits).obj())
    await cluster.settle()
    await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    await cluster.settle()
    assert (await cluster.get(PERSISTENT_VOLUMES, "pv", ""))["status"]["phase"] == "Released"
    said = await cluster.list(EVENTS, fields="involvedObject.name=pv")
    assert [(each["type"], each["reason"], each["message"]) for each in said] == [
        ("Normal", "VolumeFailedRecycle", "Volume is used by pods: default/user")
    ]
    await cluster.client.delete(PODS, "user", "default", grace_period_s=0)
    await cluster.advance(RESYNC_S)
    assert (await cluster.get(PERSISTENT_VOLUMES, "pv", ""))["status"]["phase"] == "Available"


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_comes_and_goes_claims_and_volumes_agree(seed: int) -> None:
    policies = ("Retain", "Delete", "Recycle")
    async with Cluster(nodes=1, seed=seed) as cluster:
        random = Random(str(seed))
        for _ in range(100):
            claim_name, volume_name = f"c-{random.index(8)}", f"v-{random.index(8)}"
            policy = {"persistentVolumeReclaimPolicy": policies[random.index(3)]}
            with contextlib.suppress(AlreadyExists, NotFound, Conflict):
                match random.index(5):
                    case 0 | 1:
                        await cluster.create(stored_claim(claim_name, storageClassName=""))
                    case 2:
                        await cluster.create(stored_volume(volume_name, **policy))
                    case 3:
                        await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, claim_name, "default")
                    case _:
                        await cluster.client.delete(PERSISTENT_VOLUMES, volume_name)
            if random.index(3) == 0:
                await cluster.settle()
        await cluster.advance(60)
        claims = {uid_of(each): each for each in await cluster.list(PERSISTENT_VOLUME_CLAIMS)}
        there = {each["metadata"]["name"]: each for each in await cluster.list(PERSISTENT_VOLUMES)}
    phases = [each["status"]["phase"] for each in there.values()]
    for uid, each in claims.items():
        if each["status"]["phase"] == "Bound":
            assert there[each["spec"]["volumeName"]]["spec"]["claimRef"]["uid"] == uid
        else:
            assert "Available" not in phases
    bound = [each["spec"]["claimRef"]["uid"] for each in there.values() if each["status"]["phase"] == "Bound"]
    assert len(set(bound)) == len(bound)
    assert set(bound) <= claims.keys()
    for each in there.values():
        assert (
            each["status"]["phase"] != "Released" or each["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        )
