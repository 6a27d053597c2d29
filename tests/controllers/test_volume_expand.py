"""Claims grow: the volume first, then its file system where a pod uses it."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import volumes
from kubepy.api.builtins import EVENTS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from kubepy.api.errors import Forbidden
from kubepy.controllers.volume_expand import (
    INFEASIBLE_RETRY_S,
    WAIT_FOR_NODE,
    Plan,
    plan,
    with_condition,
)
from kubepy.testing.cluster import Cluster
from tests.api.test_volumes import claim, volume
from tests.controllers.conftest import World
from tests.controllers.test_local_provisioner import pod
from tests.controllers.test_persistent_volume_binder import stored_claim, stored_volume
from tests.controllers.test_persistent_volume_plan import noted

OURS = {volumes.PROVISIONED_BY: volumes.LOCAL_PROVISIONER}


def bound(size: str, has: str, allocated: str = "", state: str = "") -> Any:
    status: Any = {"phase": "Bound", "capacity": {"storage": has}}
    status |= {"allocatedResources": {"storage": allocated}} if allocated else {}
    return claim(size) | {
        "status": status | ({"allocatedResourceStatuses": {"storage": state}} if state else {})
    }


@pytest.mark.parametrize(
    ("subject", "its_size", "wanted"),
    [
        (bound("8Gi", "8Gi"), "8Gi", ""),
        (bound("2G", "1G"), "1G", "2G"),
        # Begun and not finished: what was begun comes first.
        (bound("5G", "3G", "10G", "ControllerResizeInProgress"), "3G", "10G"),
        (bound("2G", "1G", "2G", "ControllerResizeInProgress"), "2G", "2G"),
        (bound("2G", "1G", "3G"), "3G", "3G"),
        (bound("2G", "1G"), "2G", "2G"),
        # It failed, and the claim asks for less.
        (bound("5G", "3G", "10G", "ControllerResizeInfeasible"), "3G", "5G"),
        (bound("5G", "3G", "10G", "ControllerResizeInfeasible"), "10G", "10G"),
        # The node's turn.
        (bound("2G", "1G", "2G", "NodeResizePending"), "2G", ""),
        (bound("10G", "1G", "3G", "NodeResizePending"), "3G", ""),
        (bound("10G", "1G", "3G", "NodeResizeInProgress"), "3G", ""),
        (bound("10G", "1G", "3G", "NodeResizePending"), "2G", "3G"),
        (bound("2G", "1G", "2G", "NodeResizeInfeasible"), "2G", "2G"),
        (bound("10G", "1G", "2G", "NodeResizeInfeasible"), "2G", "2G"),
    ],
)
def test_what_is_next(subject: Any, its_size: str, wanted: str) -> None:
    """Cases: external-resizer pkg/controller/expand_and_recover_test.go."""
    assert plan(subject, noted(volume(size=its_size), OURS)) == Plan(size=wanted)


def test_volumes_of_others_are_for_others() -> None:
    assert plan(bound("9Gi", "8Gi"), volume(size="8Gi")) == Plan(external=True)


def test_conditions_about_resizing_replace_each_other() -> None:
    other, old = {"type": "Other", "status": "True"}, {"type": "Resizing", "status": "True", "reason": "old"}
    new, later = {"type": "Resizing", "status": "True"}, {"type": "FileSystemResizePending", "status": "True"}
    subject = {"status": {"conditions": [other, old]}}
    assert with_condition(subject, new, keep=False) == [other, old]
    assert with_condition(subject, later, keep=True) == [other, old, later]
    assert with_condition(subject, later, keep=False) == [other, later]


def larger(size: str = "2Gi") -> Any:
    return {"spec": {"resources": {"requests": {"storage": size}}}}


async def test_a_claim_grows_under_its_pod(cluster: Cluster, world: World) -> None:
    await cluster.create(stored_claim(), pod("web"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    await world.patch(PERSISTENT_VOLUME_CLAIMS, "data", larger())
    await cluster.settle()
    grown = await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data")
    assert grown["status"]["capacity"] == {"storage": "2Gi"}
    assert "conditions" not in grown["status"]
    name = grown["spec"]["volumeName"]
    assert (await cluster.get(PERSISTENT_VOLUMES, name, ""))["spec"]["capacity"] == {"storage": "2Gi"}
    node = (await cluster.pods())[0]["spec"]["nodeName"]
    message = f'MountVolume.NodeExpandVolume succeeded for volume "{name}" {node}'
    assert await world.events("FileSystemResizeSuccessful") == [message, message]


async def test_without_a_pod_the_file_system_waits(cluster: Cluster, world: World) -> None:
    await cluster.create(stored_claim(), pod("web"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    await cluster.client.delete(cluster.resource(pod("web")), "web", "default")
    await cluster.advance(60)
    await world.patch(PERSISTENT_VOLUME_CLAIMS, "data", larger())
    await cluster.settle()
    status = (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data"))["status"]
    assert status["capacity"] == {"storage": "1Gi"}
    assert status["allocatedResourceStatuses"] == {"storage": "NodeResizePending"}
    assert status["conditions"][-1]["message"] == WAIT_FOR_NODE
    await cluster.create(pod("again"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    await cluster.settle()
    assert (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data"))["status"]["capacity"] == {"storage": "2Gi"}


async def test_only_claims_whose_class_allows_it_grow(cluster: Cluster, world: World) -> None:
    await cluster.create(stored_volume(), stored_claim(storageClassName=""), stored_claim("unbound"))
    await cluster.settle()
    with pytest.raises(Forbidden) as refusal:
        await world.patch(PERSISTENT_VOLUME_CLAIMS, "data", larger())
    assert str(refusal.value) == (
        'persistentvolumeclaims "data" is forbidden: only dynamically provisioned pvc can be resized and the '
        "storageclass that provisions the pvc must support resize"
    )


async def test_an_expansion_that_cannot_be_is_given_up_for_a_smaller_one(
    cluster: Cluster, world: World
) -> None:
    small = {"provisioner": volumes.LOCAL_PROVISIONER, "parameters": {"maxSize": "3Gi"}}
    small |= {"volumeBindingMode": "Immediate", "allowVolumeExpansion": True}
    await cluster.create(
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "small"}} | small,
        stored_claim(storageClassName="small"),
    )
    await cluster.settle()
    why = "rpc error: code = OutOfRange desc = 9Gi is more than maxSize, 3Gi"
    failed = await _grown(cluster, world, "9Gi")
    name = failed["spec"]["volumeName"]
    assert failed["status"]["allocatedResources"] == {"storage": "9Gi"}
    assert failed["status"]["allocatedResourceStatuses"] == {"storage": "ControllerResizeInfeasible"}
    said = {each["type"]: each.get("message") for each in failed["status"]["conditions"]}
    assert said == {"Resizing": None, "ControllerResizeError": f"failed to expand pvc with {why}"}
    message = f'resize volume "{name}" by resizer "kubepy.io/local-path" failed: {why}'
    assert await world.events("VolumeResizeFailed") == [message]
    await cluster.advance(INFEASIBLE_RETRY_S - 1)
    assert len(await world.events("Resizing")) == 1
    await cluster.advance(2)
    assert (await cluster.list(EVENTS, fields="reason=VolumeResizeFailed"))[0]["count"] == 2
    recovered = (await _grown(cluster, world, "2Gi"))["status"]
    assert recovered["allocatedResources"] == {"storage": "2Gi"}
    assert recovered["allocatedResourceStatuses"] == {"storage": "NodeResizePending"}
    assert [each["type"] for each in recovered["conditions"]] == ["Resizing", "FileSystemResizePending"]
    assert (await cluster.get(PERSISTENT_VOLUMES, name, ""))["spec"]["capacity"] == {"storage": "2Gi"}


async def _grown(cluster: Cluster, world: World, size: str) -> Any:
    await world.patch(PERSISTENT_VOLUME_CLAIMS, "data", larger(size))
    await cluster.settle()
    return await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data")
