"""Claims grow: the volume first, then its file system where a pod uses it."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from kubepy.api.errors import Forbidden
from kubepy.controllers.volume_expand import WAIT_FOR_NODE, Plan, plan, with_condition
from kubepy.testing.cluster import Cluster
from tests.api.test_volumes import claim, volume
from tests.controllers.conftest import World
from tests.controllers.test_local_provisioner import pod
from tests.controllers.test_persistent_volume_binder import noted, stored_claim, stored_volume

OURS = {volumes.PROVISIONED_BY: volumes.LOCAL_PROVISIONER}


def bound(size: str, has: str, node: str = "") -> Any:
    status = {"phase": "Bound", "capacity": {"storage": has}}
    return claim(size) | {
        "status": status | ({"allocatedResourceStatuses": {"storage": node}} if node else {})
    }


@pytest.mark.parametrize(
    ("subject", "its_volume", "wanted"),
    [
        (bound("8Gi", "8Gi"), noted(volume(size="8Gi"), OURS), Plan()),
        (bound("9Gi", "8Gi"), noted(volume(size="8Gi"), OURS), Plan(volume_size="9Gi")),
        (bound("9Gi", "8Gi"), noted(volume(size="9Gi"), OURS), Plan(pending_on_node=True)),
        (bound("9Gi", "8Gi", "NodeResizePending"), noted(volume(size="9Gi"), OURS), Plan()),
        (
            bound("9Gi", "8Gi", "ControllerResizeInProgress"),
            noted(volume(size="9Gi"), OURS),
            Plan(pending_on_node=True),
        ),
        (bound("9Gi", "8Gi"), volume(size="8Gi"), Plan(external=True)),
    ],
)
def test_what_is_next(subject: Any, its_volume: Any, wanted: Plan) -> None:
    assert plan(subject, its_volume) == wanted


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
