"""What the volumes of a pod wait for, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import volumes as storage
from kubepy.api.builtins import (
    EVENTS,
    PODS,
    VOLUME_ATTACHMENTS,
)
from kubepy.kubelet.attacher import is_to_attach
from kubepy.kubelet.volume_resizer import finished, is_pending
from kubepy.kubelet.volumes import SILENT, Problem, is_due, problems
from kubepy.testing.cluster import Cluster

SETUP = 'MountVolume.SetUp failed for volume "v" : '
CLAIM = "error processing PVC default/data: "


def pod(name: str = "web", *, mounted: bool = True, **volume: Any) -> Any:
    mounts = [{"name": "v", "mountPath": "/v"}] if mounted else []
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": "p1"},
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": "app", "image": "nginx", "volumeMounts": mounts}],
            "volumes": [{"name": "v"} | volume],
        },
    }  # fmt: skip


def claim(phase: str = "Bound", **metadata: Any) -> Any:
    return {
        "metadata": {"name": "data", "namespace": "default", "uid": "u1"} | metadata,
        "spec": {"volumeName": "pv"},
        "status": {"phase": phase},
    }


def volume(uid: str = "u1", **spec: Any) -> Any:
    return {"metadata": {"name": "pv"}, "spec": {"claimRef": {"uid": uid}} | spec}


DATA = {"persistentVolumeClaim": {"claimName": "data"}}
CSI = {"driver": "x.csi", "volumeHandle": "h"}
ATTACHMENT = ("volumeattachments.storage.k8s.io", storage.attachment_name(CSI, "node-1"))


@pytest.mark.parametrize(
    ("subject", "there", "found"),
    [
        (pod(emptyDir={}), {}, []),
        (pod(configMap={"name": "a"}), {}, [SETUP + 'configmap "a" not found']),
        (pod(configMap={"name": "a"}, mounted=False), {}, []),
        (pod(configMap={"name": "a", "optional": True}), {}, []),
        (pod(configMap={"name": "a"}), {("configmaps", "a"): {}}, []),
        (
            pod(configMap={"name": "a", "items": [{"key": "x", "path": "x"}]}),
            {("configmaps", "a"): {"data": {"y": ""}}},
            [SETUP + "configmap references non-existent config key: x"],
        ),
        (pod(secret={"secretName": "a"}), {}, [SETUP + 'secret "a" not found']),
        (
            pod(secret={"secretName": "a", "items": [{"key": "x", "path": "x"}]}),
            {("secrets", "a"): {}},
            [SETUP + "references non-existent secret key: x"],
        ),
        (
            pod(projected={"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "b"}}]}),
            {},
            [SETUP + '[configmap "a" not found, secret "b" not found]'],
        ),
        (
            pod(**DATA), {},
            [CLAIM + 'failed to fetch PVC from API server: persistentvolumeclaims "data" not found'],
        ),
        (pod(**DATA), {("persistentvolumeclaims", "data"): claim("Pending")}, [CLAIM + "PVC is not bound"]),
        (
            pod(**DATA),
            {("persistentvolumeclaims", "data"): claim(deletionTimestamp="2026-01-01T00:00:00Z")},
            [CLAIM + "PVC is being deleted"],
        ),
        (
            pod(**DATA), {("persistentvolumeclaims", "data"): claim()},
            [CLAIM + 'failed to fetch PV pv from API server: persistentvolumes "pv" not found'],
        ),
        (
            pod(**DATA),
            {("persistentvolumeclaims", "data"): claim(), ("persistentvolumes", "pv"): volume("u2")},
            [
                CLAIM + "found PV object pv but its pv.Spec.ClaimRef.UID u2 does not point to claim.UID u1"
            ],
        ),
        (pod(**DATA), {("persistentvolumeclaims", "data"): claim(), ("persistentvolumes", "pv"): volume()}, []),
        (
            pod(**DATA),
            {("persistentvolumeclaims", "data"): claim(), ("persistentvolumes", "pv"): volume(csi=CSI)},
            [SILENT],
        ),
        (
            pod(**DATA),
            {
                ("persistentvolumeclaims", "data"): claim(), ("persistentvolumes", "pv"): volume(csi=CSI),
                ATTACHMENT: {"status": {"attached": True}},
            },
            [],
        ),
        (
            pod(**DATA),
            {
                ("persistentvolumeclaims", "data"): claim(), ("persistentvolumes", "pv"): volume(csi=CSI),
                ("csidrivers.storage.k8s.io", "x.csi"): {"spec": {"attachRequired": False}},
            },
            [],
        ),
    ],
)  # fmt: skip
def test_what_keeps_a_pod_from_starting(subject: Any, there: Any, found: list[str]) -> None:
    known = problems(subject, lambda resource, key: there.get((str(resource), key.name)))
    assert [each.message for each in known] == found


def test_an_ephemeral_claim_has_to_be_the_pods() -> None:
    there = {"persistentvolumeclaims": claim(name="web-v"), "persistentvolumes": volume()}
    known = problems(pod(ephemeral={}), lambda resource, key: there.get(str(resource)))
    assert known == [Problem("v", "PVC default/web-v was not created for pod default/web (pod is not owner)")]


@pytest.mark.parametrize(
    ("status", "due"),
    [
        ({"phase": "Pending"}, False),
        ({"phase": "Pending", "startTime": "x"}, True),
        ({"phase": "Pending", "startTime": "x", "podIP": "10.0.0.1"}, False),
        ({"phase": "Running", "startTime": "x"}, False),
    ],
)
def test_volumes_are_mounted_before_the_sandbox(status: Any, due: bool) -> None:
    assert is_due(pod() | {"status": status}) is due


def test_who_is_attached_and_resized() -> None:
    gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    assert is_to_attach({"metadata": {}, "status": {"attached": False}})
    assert not is_to_attach({"metadata": {}, "status": {"attached": True}})
    assert not is_to_attach({"metadata": gone})
    growing = {
        "status": {
            "allocatedResourceStatuses": {"storage": "NodeResizePending"},
            "conditions": [{"type": "FileSystemResizePending"}, {"type": "Other"}],
        }
    }
    assert is_pending(growing)
    assert finished(growing, "2Gi") == {
        "capacity": {"storage": "2Gi"},
        "conditions": [{"type": "Other"}],
        "allocatedResourceStatuses": {"storage": None},
    }


async def mount_events(cluster: Cluster) -> list[tuple[str, int]]:
    await cluster.settle()
    return [
        (each["message"], each["count"])
        for each in await cluster.list(EVENTS)
        if each["reason"] == "FailedMount"
    ]


async def create(cluster: Cluster, wanted: Any) -> None:
    del wanted["metadata"]["uid"]
    await cluster.create(wanted)


async def test_a_pod_waits_for_its_config_map(cluster: Cluster) -> None:
    await create(cluster, pod(configMap={"name": "web"}))
    await cluster.advance(6)
    # After 0.1, 0.6, 1.6 and 3.6 s: it waits twice as long each time.
    assert await mount_events(cluster) == [(SETUP + 'configmap "web" not found', 4)]
    waiting = (await cluster.get(PODS, "web"))["status"]
    assert waiting["phase"] == "Pending"
    assert waiting["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    await cluster.create({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "default"},
    })  # fmt: skip
    assert await cluster.until(lambda: cluster.pods(ready=True), count=1) < 2


async def test_a_pod_bound_by_hand_waits_for_its_claim(cluster: Cluster) -> None:
    await create(cluster, pod(**DATA))
    await cluster.advance(25)
    message = (
        "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process "
        f'volumes=[v]: {CLAIM}failed to fetch PVC from API server: persistentvolumeclaims "data" not found'
    )
    assert [text for text, _ in await mount_events(cluster)] == [message]
    assert (await mount_events(cluster))[0][1] in (2, 3)


async def test_a_deadline_does_not_wait_for_volumes(cluster: Cluster) -> None:
    late = pod(secret={"secretName": "nope"})
    late["spec"]["activeDeadlineSeconds"] = 10
    await create(cluster, late)
    await cluster.advance(12)
    status = (await cluster.get(PODS, "web"))["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


async def test_an_attachment_waits_for_its_volume(cluster: Cluster) -> None:
    await cluster.create({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "a"},
        "spec": {"attacher": "x.csi", "nodeName": "node-1", "source": {"persistentVolumeName": "pv"}},
    })  # fmt: skip
    await cluster.settle()
    assert not (await cluster.get(VOLUME_ATTACHMENTS, "a", "")).get("status", {}).get("attached")
    await cluster.create({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "csi": CSI},
    })  # fmt: skip
    await cluster.settle()
    assert (await cluster.get(VOLUME_ATTACHMENTS, "a", ""))["status"]["attached"]
