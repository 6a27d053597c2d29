"""What is in use stays. Cases: pkg/controller/volume/{pvc,pv,vac}protection/*_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, VOLUME_ATTRIBUTES_CLASSES
from kubepy.api.errors import NotFound
from kubepy.controllers.protection import attributes_classes, keeps_claim, plan
from kubepy.testing.cluster import Cluster
from tests.api.test_volumes import claim
from tests.controllers.test_persistent_volume_binder import stored_claim, stored_volume

GONE = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def thing(*finalizers: str, **metadata: Any) -> Any:
    return {"metadata": {"name": "a", "finalizers": list(finalizers)} | metadata}


@pytest.mark.parametrize(
    ("subject", "is_used", "finalizers"),
    [
        (thing("f"), False, None),
        (thing("f"), True, None),
        (thing(), False, ["f"]),
        (thing("x"), True, ["x", "f"]),
        (thing("f", "x", **GONE), False, ["x"]),
        (thing("f", **GONE), True, None),
        (thing(**GONE), False, None),
    ],
)
def test_who_has_the_finalizer(subject: Any, is_used: bool, finalizers: list[str] | None) -> None:
    wanted = plan(subject, "f", is_used=is_used)
    assert (wanted["metadata"]["finalizers"] if wanted is not None else None) == finalizers


def pod(node: str = "node-1", **volume: Any) -> Any:
    metadata = {"name": "web", "namespace": "default", "uid": "p1"}
    volumes = [{"name": "v"} | volume]
    return {"metadata": metadata, "spec": {"nodeName": node, "volumes": volumes}}


def test_a_pod_keeps_its_claims_from_when_it_has_a_node() -> None:
    used = pod(persistentVolumeClaim={"claimName": "data"})
    assert keeps_claim(used, claim())
    assert not keeps_claim(pod("", persistentVolumeClaim={"claimName": "data"}), claim())
    assert not keeps_claim(pod(persistentVolumeClaim={"claimName": "other"}), claim())
    assert not keeps_claim(pod(emptyDir={}), claim())


def test_an_ephemeral_claim_is_kept_until_its_own_pod_is_shut_down() -> None:
    ours = claim()
    ours["metadata"] |= {
        "name": "web-v",
        "ownerReferences": [{"kind": "Pod", "uid": "p1", "controller": True}],
    }
    user = pod(ephemeral={})
    assert keeps_claim(user, ours)
    user["metadata"] |= GONE | {"deletionGracePeriodSeconds": 0}
    assert not keeps_claim(user, ours)
    foreign = claim()
    foreign["metadata"]["name"] = "web-v"
    assert not keeps_claim(pod(ephemeral={}), foreign)


def test_the_classes_that_a_claim_names() -> None:
    subject = claim(volumeAttributesClassName="fast") | {
        "status": {
            "currentVolumeAttributesClassName": "slow",
            "modifyVolumeStatus": {"targetVolumeAttributesClassName": "fast"},
        }
    }
    assert list(attributes_classes(subject)) == ["fast", "slow"]


async def test_a_bound_volume_goes_after_its_claim(cluster: Cluster) -> None:
    await cluster.create(stored_volume(), stored_claim(storageClassName=""))
    await cluster.settle()
    await cluster.client.delete(PERSISTENT_VOLUMES, "pv")
    await cluster.settle()
    assert (await cluster.get(PERSISTENT_VOLUMES, "pv", ""))["status"]["phase"] == "Bound"
    await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    await cluster.settle()
    with pytest.raises(NotFound):
        await cluster.get(PERSISTENT_VOLUMES, "pv", "")


async def test_a_class_of_attributes_goes_when_no_claim_names_it(cluster: Cluster) -> None:
    await cluster.create({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": "fast"},
        "driverName": "x.csi", "parameters": {"iops": "9"},
    })  # fmt: skip
    await cluster.create(stored_claim(volumeAttributesClassName="fast"))
    await cluster.client.delete(VOLUME_ATTRIBUTES_CLASSES, "fast")
    await cluster.settle()
    kept = await cluster.get(VOLUME_ATTRIBUTES_CLASSES, "fast", "")
    assert kept["metadata"]["finalizers"] == ["kubernetes.io/vac-protection"]
    await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    await cluster.settle()
    with pytest.raises(NotFound):
        await cluster.get(VOLUME_ATTRIBUTES_CLASSES, "fast", "")
