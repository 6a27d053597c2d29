"""Nodes on virtual time, in a whole cluster."""

import pytest

from kubepy.api import errors
from kubepy.api.builtins import LEASES, NODES
from kubepy.api.objects import condition
from kubepy.client.client import MERGE_PATCH
from kubepy.kubelet.nodes import LEASE_NAMESPACE, SIMULATED, render_status, status_due_s
from kubepy.lib import clock as clocks
from kubepy.testing import Cluster


async def test_nodes_register_ready_with_all_that_kubectl_shows():
    async with Cluster(nodes=2, scheduler="off", controllers=()) as cluster:
        nodes = await cluster.list(NODES)
        assert [n["metadata"]["name"] for n in nodes] == ["node-1", "node-2"]
        status = nodes[0]["status"]
        assert condition(nodes[0], "Ready")["status"] == "True"
        assert {c["type"]: c["status"] for c in status["conditions"]} == {
            "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True",
        }  # fmt: skip
        assert status["addresses"][0] == {"type": "InternalIP", "address": "10.0.0.1"}
        assert status["nodeInfo"]["kubeletVersion"] == "v1.37.0" and status["allocatable"]["cpu"] == "8"
        assert nodes[0]["metadata"]["labels"]["kubernetes.io/hostname"] == "node-1"


async def test_leases_are_renewed_every_ten_seconds_and_the_status_every_five_minutes():
    async with Cluster(nodes=1, scheduler="off", controllers=()) as cluster:
        lease = await cluster.client.get(LEASES, "node-1", LEASE_NAMESPACE)
        assert (
            lease["spec"]["leaseDurationSeconds"] == 40
            and lease["metadata"]["ownerReferences"][0]["kind"] == "Node"
        )
        before = await cluster.client.get(NODES, "node-1")
        await cluster.advance(25)
        renewed = await cluster.client.get(LEASES, "node-1", LEASE_NAMESPACE)
        age = cluster.clock.now() - clocks.parse_rfc3339(renewed["spec"]["renewTime"])
        assert 0 <= age < 10
        node = await cluster.client.get(NODES, "node-1")
        assert node["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
        await cluster.advance(290)
        node = await cluster.client.get(NODES, "node-1")
        beat = condition(node, "Ready")
        assert beat["lastHeartbeatTime"] > condition(before, "Ready")["lastHeartbeatTime"]
        assert beat["lastTransitionTime"] == condition(before, "Ready")["lastTransitionTime"]


async def test_a_deleted_node_stays_away_and_a_new_one_with_the_annotation_is_served():
    async with Cluster(nodes=1, scheduler="off", controllers=()) as cluster:
        await cluster.client.delete(NODES, "node-1")
        await cluster.client.create(
            NODES,
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": "mine", "annotations": {SIMULATED: "true"}},
            },
        )
        await cluster.advance(60)
        (node,) = await cluster.list(NODES)
        assert node["metadata"]["name"] == "mine" and condition(node, "Ready")["status"] == "True"
        with pytest.raises(errors.NotFound):
            await cluster.client.get(LEASES, "node-1", "default")


async def test_a_node_somebody_called_unwell_reports_again():
    async with Cluster(nodes=1, scheduler="off", controllers=()) as cluster:
        unwell = {
            "status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}
        }
        await cluster.client.patch(NODES, "node-1", unwell, subresource="status", content_type=MERGE_PATCH)
        await cluster.settle()
        assert condition(await cluster.client.get(NODES, "node-1"), "Ready")["status"] == "True"


def test_what_others_put_into_the_status_stays():
    old = {
        "capacity": {"example.com/gpu": "4", "cpu": "2"},
        "conditions": [{"type": "NetworkUnavailable", "status": "False"}],
        "addresses": [{"type": "InternalIP", "address": "192.0.2.9"}],
    }
    status = render_status("n", old, number=1, now="2026-01-01T00:00:00Z", version="0", kubernetes="1.37")
    assert status["capacity"]["example.com/gpu"] == "4" and status["capacity"]["cpu"] == "2"
    assert "NetworkUnavailable" in [c["type"] for c in status["conditions"]]
    assert status["addresses"][0]["address"] == "192.0.2.9"


def test_when_a_status_is_due():
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": clocks.rfc3339(1000)}
    node = {"status": {"conditions": [ready]}}
    assert status_due_s(node, 1000.0) == 300 and status_due_s(node, 1400.0) == 0
    assert status_due_s({"status": {}}, 0.0) == 0
    assert status_due_s({"status": {"conditions": [ready | {"status": "False"}]}}, 1000.0) == 0
