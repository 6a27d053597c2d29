"""Volumes of the cluster's own making: made where the first pod goes, gone with their claim."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import volumes
from kubepy.api.builtins import (
    EVENTS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    STATEFUL_SETS,
    STORAGE_CLASSES,
)
from kubepy.api.errors import NotFound
from kubepy.controllers.local_provisioner import is_to_be_deleted, is_wanted, refused, render_volume
from kubepy.testing.cluster import Cluster
from tests.api.test_volumes import claim, volume
from tests.controllers.test_persistent_volume_binder import stored_claim
from tests.controllers.test_persistent_volume_plan import noted, phased

OURS = {volumes.STORAGE_PROVISIONER: volumes.LOCAL_PROVISIONER}
CHOSEN = OURS | {volumes.SELECTED_NODE: "node-1"}
STANDARD = {
    "metadata": {"name": "standard"}, "provisioner": volumes.LOCAL_PROVISIONER,
    "volumeBindingMode": "WaitForFirstConsumer",
}  # fmt: skip
AT_ONCE = STANDARD | {"volumeBindingMode": "Immediate"}


@pytest.mark.parametrize(
    ("subject", "storage_class", "wanted"),
    [
        (noted(claim(), CHOSEN), STANDARD, True),
        (noted(claim(), OURS), STANDARD, False),
        (noted(claim(), OURS), AT_ONCE, True),
        (noted(claim(), {volumes.STORAGE_PROVISIONER: "x.csi"}), AT_ONCE, False),
        (noted(claim(), OURS), AT_ONCE | {"provisioner": "x.csi"}, False),
        (noted(claim(volumeName="pv"), CHOSEN), STANDARD, False),
        (noted(claim(), OURS), None, False),
    ],
)
def test_whose_turn_it_is(subject: Any, storage_class: Any, wanted: bool) -> None:
    assert is_wanted(subject, storage_class) is wanted


def test_a_volume_is_where_its_pod_will_be() -> None:
    made = render_volume(
        noted(claim(), CHOSEN), STANDARD | {"reclaimPolicy": "Retain", "mountOptions": ["ro"]}
    )
    spec = made["spec"]
    assert made["metadata"] == {
        "name": "pvc-u1", "annotations": {volumes.PROVISIONED_BY: volumes.LOCAL_PROVISIONER},
    }  # fmt: skip
    assert spec["hostPath"]["path"] == "/var/local-path-provisioner/pvc-u1_default_data"
    assert (spec["persistentVolumeReclaimPolicy"], spec["mountOptions"]) == ("Retain", ["ro"])
    term = spec["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert term == {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"]}
    shared = render_volume(noted(claim(accessModes=["ReadWriteMany"]), CHOSEN), STANDARD)
    assert "nodeAffinity" not in shared["spec"]


def test_what_no_volume_is_made_for() -> None:
    assert refused(claim("8Gi"), STANDARD) == ""
    assert refused(claim("8Gi"), STANDARD | {"parameters": {"maxSize": "8Gi"}}) == ""
    assert refused(claim("8Gi"), STANDARD | {"parameters": {"maxSize": "7Gi"}}) == (
        "rpc error: code = OutOfRange desc = 8Gi is more than maxSize, 7Gi"
    )
    assert refused(claim(selector={}), STANDARD) == "claim.Spec.Selector is not supported"
    assert refused(claim(volumeAttributesClassName="gold"), STANDARD) == (
        "claim.Spec.VolumeAttributesClassName is not supported"
    )


def test_only_its_own_released_volumes_are_deleted() -> None:
    ours = noted(
        volume(persistentVolumeReclaimPolicy="Delete"), {volumes.PROVISIONED_BY: volumes.LOCAL_PROVISIONER}
    )
    assert is_to_be_deleted(phased(ours, "Released"))
    assert not is_to_be_deleted(phased(ours, "Bound"))
    assert not is_to_be_deleted(phased(noted(ours, {volumes.PROVISIONED_BY: "x.csi"}), "Released"))
    retained = ours | {"spec": ours["spec"] | {"persistentVolumeReclaimPolicy": "Retain"}}
    assert not is_to_be_deleted(phased(retained, "Released"))


def pod(name: str, claim_name: str = "data") -> Any:
    mounts = [{"name": "data", "mountPath": "/data"}]
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "containers": [{"name": "app", "image": "nginx", "volumeMounts": mounts}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}],
        },
    }  # fmt: skip


async def test_from_the_claim_to_the_running_pod_and_back(cluster: Cluster) -> None:
    await cluster.create(stored_claim())
    await cluster.settle()
    assert await cluster.list(PERSISTENT_VOLUMES) == []
    await cluster.create(pod("web"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    bound = await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data")
    node = (await cluster.pods())[0]["spec"]["nodeName"]
    assert bound["metadata"]["annotations"][volumes.SELECTED_NODE] == node
    # The second pod has to go where the volume is.
    await cluster.create(pod("too"))
    await cluster.until(lambda: cluster.pods(ready=True), count=2)
    assert {each["spec"]["nodeName"] for each in await cluster.pods()} == {node}
    reasons = {each["reason"] for each in await cluster.list(EVENTS, fields="involvedObject.name=data")}
    assert {"ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"} <= reasons
    # In use: the claim goes after its pods, the volume after the claim.
    await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    await cluster.advance(5)
    assert (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data"))["status"]["phase"] == "Bound"
    for each in await cluster.pods():
        await cluster.client.delete(cluster.resource(each), each["metadata"]["name"], "default")
    await cluster.advance(40)
    with pytest.raises(NotFound):
        await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data")
    assert await cluster.list(PERSISTENT_VOLUMES) == []


async def test_a_node_that_is_gone_is_chosen_anew(cluster: Cluster) -> None:
    stale = stored_claim()
    stale["metadata"]["annotations"] = {volumes.SELECTED_NODE: "gone"}
    await cluster.create(stale)
    await cluster.settle()
    annotations = (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data"))["metadata"]["annotations"]
    assert volumes.SELECTED_NODE not in annotations
    await cluster.create(pod("web"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)


async def test_a_restart_goes_on_where_it_was(cluster: Cluster) -> None:
    for number in range(10):
        await cluster.create(stored_claim(f"data-{number}"), pod(f"web-{number}", f"data-{number}"))
    async with cluster.fork() as other:
        await other.until(lambda: other.pods(ready=True), count=10)
        assert len(await other.list(PERSISTENT_VOLUMES)) == 10


async def test_a_stateful_set_has_claims_and_gives_them_back(cluster: Cluster) -> None:
    labels = {"app": "db"}
    template = pod("ignored")
    del template["spec"]["volumes"]
    claims = stored_claim()
    await cluster.create({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "replicas": 3, "serviceName": "db", "selector": {"matchLabels": labels},
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Retain"},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"]},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claims["spec"]}],
        },
    })  # fmt: skip
    await cluster.until(lambda: cluster.pods(ready=True), count=3)
    await cluster.client.patch(STATEFUL_SETS, "db", {"spec": {"replicas": 2}}, namespace="default")
    await cluster.advance(60)
    names = [each["metadata"]["name"] for each in await cluster.list(PERSISTENT_VOLUME_CLAIMS)]
    assert names == ["data-db-0", "data-db-1"]
    assert len(await cluster.list(PERSISTENT_VOLUMES)) == 2
    await cluster.client.delete(STATEFUL_SETS, "db", "default")
    await cluster.advance(60)
    assert len(await cluster.list(PERSISTENT_VOLUME_CLAIMS)) == 2


async def test_without_a_default_class_nothing_is_made() -> None:
    async with Cluster(nodes=1, default_storage_class=False) as cluster:
        assert await cluster.list(STORAGE_CLASSES) == []
        await cluster.create(stored_claim())
        await cluster.settle()
        assert "storageClassName" not in (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data"))["spec"]
