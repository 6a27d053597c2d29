"""Claims that come and go with one pod. Cases: pkg/controller/volume/ephemeral/controller_test.go."""

from __future__ import annotations

from typing import Any

from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PODS
from kubepy.controllers.ephemeral_volume import render_claim
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World
from tests.controllers.test_persistent_volume_binder import stored_claim

SPEC = stored_claim()["spec"]


def pod(name: str = "web") -> Any:
    template = {"metadata": {"labels": {"kind": "scratch"}, "annotations": {"a": "b"}}, "spec": SPEC}
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "containers": [{"name": "app", "image": "nginx", "volumeMounts": mounts}],
            "volumes": [{"name": "tmp", "ephemeral": {"volumeClaimTemplate": template}}],
        },
    }  # fmt: skip


def test_the_claim_is_the_pods() -> None:
    subject = pod()
    subject["metadata"]["uid"] = "u1"
    made = render_claim(subject, subject["spec"]["volumes"][0])
    owner = {
        "apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "u1", "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip
    assert made["metadata"] == {
        "name": "web-tmp", "namespace": "default", "ownerReferences": [owner],
        "labels": {"kind": "scratch"}, "annotations": {"a": "b"},
    }  # fmt: skip
    assert made["spec"] == SPEC


async def test_it_comes_and_goes_with_its_pod(cluster: Cluster) -> None:
    await cluster.create(pod())
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    assert (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "web-tmp"))["status"]["phase"] == "Bound"
    await cluster.client.delete(PODS, "web", "default")
    await cluster.advance(60)
    assert await cluster.list(PERSISTENT_VOLUME_CLAIMS) == []


async def test_a_claim_of_that_name_that_is_not_the_pods_is_not_taken(cluster: Cluster, world: World) -> None:
    await cluster.create(stored_claim("web-tmp"))
    await cluster.create(pod())
    await cluster.settle()
    why = "PVC default/web-tmp was not created for pod default/web (pod is not owner)"
    assert await world.events("FailedBinding") == [f"ephemeral volume tmp: {why}"]
    scheduled = (await cluster.pods())[0]["status"]["conditions"][0]
    assert scheduled["message"].startswith(f"0/3 nodes are available: {why}.")
