"""Nodes on virtual time, in a whole cluster."""

from collections import Counter

import pytest

from kubepy.api import errors
from kubepy.api.builtins import CSI_NODES, LEASES, NODES
from kubepy.api.objects import condition
from kubepy.client.client import MERGE_PATCH
from kubepy.kubelet import csi_nodes
from kubepy.kubelet.nodes import (
    LEASE_NAMESPACE,
    SIMULATED,
    parse_capacity,
    render_status,
    renewal_due_s,
    software,
    status_due_at,
    transitions,
)
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


@pytest.mark.parametrize("now", [0.0, 3.2, 9.999, 10.0, 1234.5])
def test_nodes_have_their_second_of_ten(now):
    for name in ("node-1", "node-2", "worker"):
        due = renewal_due_s(name, now, 3)
        assert 0 < due <= 10
        assert (now + due) % 1 == pytest.approx(0, abs=1e-6) or (now + due) % 1 == pytest.approx(1, abs=1e-6)
    assert len({round(renewal_due_s(f"node-{i}", now, 100), 3) for i in range(100)}) == 10


def test_many_nodes_have_more_turns_so_that_no_crowd_comes_at_once():
    dues = Counter(round(renewal_due_s(f"node-{i}", 77.7, 5000), 6) for i in range(5000))
    assert len(dues) == 5000 // 64 and max(dues.values()) < 128
    assert all(0 < due <= 10 for due in dues)


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


def node(status: dict, **said: str) -> dict:
    annotations = {f"kubepy.io/{name}": value for name, value in said.items()}
    return {"metadata": {"name": "n", "uid": "u", "annotations": annotations}, "status": status}


def rendered(subject: dict, seconds: float) -> dict:
    return render_status(subject, number=1, now=clocks.rfc3339(seconds), version="0", kubernetes="1.37")


def test_what_others_put_into_the_status_stays():
    old = {
        "capacity": {"example.com/gpu": "2", "cpu": "64"},
        "conditions": [{"type": "Custom", "status": "True"}],
    }
    status = rendered(node(old), 1000)
    assert status["capacity"]["example.com/gpu"] == "2" and status["capacity"]["cpu"] == "64"
    assert status["conditions"][0] == {"type": "Custom", "status": "True"}


def test_when_a_status_is_due():
    well = node(rendered(node({}), 1000))
    ours = software("0", "1.37")
    assert status_due_at(well, ours) == 1300
    assert status_due_at(node({}), ours) == 0
    for said in ({"pressure": "disk"}, {"shutdown": "true"}):
        assert status_due_at(node(well["status"], **said), ours) == 0, said


@pytest.mark.parametrize(("version", "kubernetes"), [("1", "1.37"), ("0", "1.36")])
def test_a_node_of_another_version_says_at_once_what_it_is_now(version: str, kubernetes: str):
    well = node(rendered(node({}), 1000))
    assert status_due_at(well, software(version, kubernetes)) == 0


def test_pressures_are_reported_with_upstreams_reasons():
    subject = node(rendered(node({}), 1000), pressure="pid, memory")
    status = rendered(subject, 2000)
    assert {c["type"]: c["reason"] for c in status["conditions"] if c["status"] == "True"} == {
        "MemoryPressure": "KubeletHasInsufficientMemory",
        "PIDPressure": "KubeletHasInsufficientPID",
        "Ready": "KubeletReady",
    }
    assert transitions(subject, status) == ["NodeHasInsufficientMemory", "NodeHasInsufficientPID"]
    relieved = node(status)
    assert transitions(relieved, rendered(relieved, 3000)) == [
        "NodeHasSufficientMemory",
        "NodeHasSufficientPID",
    ]


@pytest.mark.parametrize(
    ("text", "cpu"), [("", "8"), ("cpu=4, memory=16Gi", "4"), ("example.com/gpu=2", "8")]
)
def test_a_capacity_is_read(text, cpu):
    assert parse_capacity(text)["cpu"] == cpu


@pytest.mark.parametrize("text", ["cpu", "cpu=much", "=3"])
def test_a_capacity_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="must be like cpu=4,memory=16Gi"):
        parse_capacity(text)


async def test_nodes_have_a_csi_node_with_the_drivers_that_are_said():
    async with Cluster(nodes=1, scheduler="off", controllers=()) as cluster:
        (made,) = await cluster.list(CSI_NODES)
        (node,) = await cluster.list(NODES)
        assert (made["metadata"]["name"], made["spec"]["drivers"]) == ("node-1", None)
        assert made["metadata"]["ownerReferences"][0]["uid"] == node["metadata"]["uid"]

        async def drivers(said):
            change = {"metadata": {"annotations": {csi_nodes.DRIVERS: said}}}
            await cluster.client.patch(NODES, "node-1", change, content_type=MERGE_PATCH)
            await cluster.settle()
            (made,) = await cluster.list(CSI_NODES)
            return {
                each["name"]: (each.get("allocatable") or {}).get("count")
                for each in made["spec"]["drivers"] or ()
            }

        assert await drivers("a.example.com=2, b.example.com") == {"a.example.com": 2, "b.example.com": None}
        assert await drivers(None) == {}


async def test_what_others_say_of_a_nodes_drivers_stays():
    async with Cluster(nodes=1, scheduler="off", controllers=()) as cluster:
        driver = {"name": "theirs.example.com", "nodeID": "n", "topologyKeys": None}
        await cluster.client.patch(
            CSI_NODES, "node-1", {"spec": {"drivers": [driver]}}, content_type=MERGE_PATCH
        )
        other = cluster.fork()
    async with other:
        await other.advance(30)
        (made,) = await other.list(CSI_NODES)
        assert [each["name"] for each in made["spec"]["drivers"]] == ["theirs.example.com"]
