"""Volumes are attached where pods use them. Cases: pkg/controller/volume/attachdetach/reconciler/reconciler_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import NODES, PODS, VOLUME_ATTACHMENTS
from kubepy.controllers.attach_detach import Plan, multi_attach_error, plan
from kubepy.testing.cluster import Cluster
from tests.api.test_volumes import volume
from tests.controllers.conftest import World
from tests.controllers.test_local_provisioner import pod
from tests.controllers.test_persistent_volume_binder import stored_claim, stored_volume

ONE, MANY = volume(), volume(accessModes=["ReadWriteMany"])


@pytest.mark.parametrize(
    ("subject", "wanted", "attached", "decided"),
    [
        (ONE, [], [], Plan()),
        (ONE, ["a"], [], Plan(attach=("a",))),
        (ONE, ["a", "a"], ["a"], Plan()),
        (ONE, [], ["a"], Plan(detach=("a",))),
        (ONE, ["a", "b"], [], Plan(attach=("a",), refused=("b",))),
        (ONE, ["a", "b"], ["b"], Plan(refused=("a",))),
        # First one node lets go, then the other has it.
        (ONE, ["b"], ["a"], Plan(detach=("a",), refused=("b",))),
        (MANY, ["a", "b"], ["b", "c"], Plan(attach=("a",), detach=("c",))),
    ],
)
def test_where_a_volume_has_to_be(subject: Any, wanted: Any, attached: Any, decided: Plan) -> None:
    assert plan(subject, wanted, attached) == decided


def named(name: str, namespace: str = "default") -> Any:
    return {"metadata": {"name": name, "namespace": namespace}}


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ([], "Volume is already exclusively attached to one node and can't be attached to another"),
        ([named("a"), named("b")], "Volume is already used by pod(s) a, b"),
        (
            [named("a"), named("b", "x")],
            "Volume is already used by pod(s) a and 1 pod(s) in different namespaces",
        ),
        ([named("b", "x")], "Volume is already used by 1 pod(s) in different namespaces"),
    ],
)
def test_why_it_is_not_attached_twice(others: Any, why: str) -> None:
    assert multi_attach_error("pv", named("web"), others) == f'Multi-Attach error for volume "pv" {why}'


async def attached(cluster: Cluster) -> list[tuple[str, bool]]:
    return [
        (each["spec"]["nodeName"], each.get("status", {}).get("attached", False))
        for each in await cluster.list(VOLUME_ATTACHMENTS)
    ]


async def test_a_volume_follows_its_pods(cluster: Cluster, world: World) -> None:
    source = {"driver": "x.csi", "volumeHandle": "h1"}
    made = stored_volume(csi=source)
    del made["spec"]["hostPath"]
    await cluster.create(made, stored_claim(storageClassName=""))
    await cluster.settle()
    first, second = pod("first"), pod("second")
    first["spec"]["nodeName"], second["spec"]["nodeName"] = "node-1", "node-2"
    await cluster.create(first)
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    assert await attached(cluster) == [("node-1", True)]
    reported = (await cluster.get(NODES, "node-1", ""))["status"]["volumesAttached"]
    assert reported == [{"name": "kubernetes.io/csi/x.csi^h1", "devicePath": ""}]
    assert await world.events("SuccessfulAttachVolume") == ['AttachVolume.Attach succeeded for volume "pv" ']
    await cluster.create(second)
    await cluster.advance(30)
    assert await world.events("FailedAttachVolume") == [
        'Multi-Attach error for volume "pv" Volume is already used by pod(s) first'
    ]
    assert len(await cluster.pods(ready=True)) == 1
    await cluster.client.delete(PODS, "first", "default")
    await cluster.until(lambda: cluster.pods(labels="", ready=True), count=1)
    await cluster.advance(10)
    assert await attached(cluster) == [("node-2", True)]
    assert "volumesAttached" not in (await cluster.get(NODES, "node-1", ""))["status"]


async def test_drivers_that_need_not_attach_are_left_alone(cluster: Cluster) -> None:
    driver = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "x.csi"}}
    await cluster.create(driver | {"spec": {"attachRequired": False}})
    made = stored_volume(csi={"driver": "x.csi", "volumeHandle": "h1"})
    del made["spec"]["hostPath"]
    await cluster.create(made, stored_claim(storageClassName=""), pod("web"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    assert await attached(cluster) == []
