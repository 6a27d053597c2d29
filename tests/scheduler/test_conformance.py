"""Kubernetes' conformance tests of scheduling, replayed on a whole simulated cluster.

Source: kubernetes test/e2e/scheduling/{predicates,preemption,limit_range}.go.
"""

import pytest

from kubepy.api.builtins import LIMIT_RANGES, NODES, PODS, PRIORITY_CLASSES, REPLICA_SETS
from kubepy.api.errors import Invalid
from kubepy.api.objects import condition
from kubepy.client.client import MERGE_PATCH
from kubepy.testing import Cluster

FOO = "scheduling.k8s.io/foo"


@pytest.fixture
async def cluster():
    async with Cluster(nodes=1) as cluster:
        yield cluster


async def with_foo(cluster, amount="5", name=FOO):
    patch = {"status": {"capacity": {name: amount}, "allocatable": {name: amount}}}
    await cluster.client.patch(NODES, "node-1", patch, subresource="status", content_type=MERGE_PATCH)
    await cluster.settle()


async def priority_class(cluster, name, value):
    obj = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    }
    return await cluster.client.create(PRIORITY_CLASSES, obj)


def pause(name, resources=None, **spec):
    ports = spec.pop("ports", [])
    amounts = {"requests": resources, "limits": resources} if resources else {}
    container = {"name": name, "image": "registry.k8s.io/pause:3.10", "resources": amounts, "ports": ports}
    metadata = {
        "name": name,
        "namespace": spec.pop("namespace", "default"),
        "finalizers": spec.pop("finalizers", []),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container], **spec},
    }


async def run(cluster, pod, within="30s"):
    """The pod after a while."""
    await cluster.client.create(PODS, pod)
    await cluster.advance(within)
    return await cluster.client.get(PODS, pod["metadata"]["name"], pod["metadata"]["namespace"])


def said(pod):
    return condition(pod, "PodScheduled")["message"]


async def test_resource_limits_of_pods_that_are_allowed_to_run(cluster):
    filler = await run(cluster, pause("filler", {"cpu": "5600m"}))
    assert filler["status"]["phase"] == "Running"
    additional = await run(cluster, pause("additional", {"cpu": "2600m"}))
    assert not additional["spec"].get("nodeName")
    assert said(additional) == (
        "0/1 nodes are available: 1 Insufficient cpu. "
        "no new claims to deallocate, preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )


@pytest.mark.parametrize(("labels", "is_scheduled"), [({}, False), ({"e2e": "42"}, True)])
async def test_a_node_selector_is_respected(cluster, labels, is_scheduled):
    await cluster.client.patch(NODES, "node-1", {"metadata": {"labels": labels}}, content_type=MERGE_PATCH)
    pod = await run(cluster, pause("restricted", nodeSelector={"e2e": "42"}))
    assert bool(pod["spec"].get("nodeName")) is is_scheduled
    if not is_scheduled:
        assert said(pod) == (
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. "
            "no new claims to deallocate, preemption: "
            "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        )


async def test_the_same_host_port_on_all_addresses_conflicts_with_one_on_one(cluster):
    everywhere = await run(cluster, pause("pod4", ports=[{"containerPort": 80, "hostPort": 54322}]))
    assert everywhere["status"]["phase"] == "Running"
    ports = [{"containerPort": 80, "hostPort": 54322, "hostIP": "10.0.0.1"}]
    refused = await run(cluster, pause("pod5", ports=ports))
    assert said(refused).startswith(
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    )


@pytest.mark.parametrize(
    ("namespace", "priority"), [("default", "high"), ("kube-system", "system-cluster-critical")]
)
async def test_basic_preemption_and_by_critical_pods(cluster, namespace, priority):
    await with_foo(cluster)
    for name, value in (("low", 1), ("medium", 100), ("high", 1000)):
        await priority_class(cluster, name, value)
    for name in ("low", "medium"):
        pod = await run(cluster, pause(name, {FOO: "2"}, priorityClassName=name))
        assert pod["status"]["phase"] == "Running"
    vip = await run(cluster, pause("vip", {FOO: "3"}, priorityClassName=priority, namespace=namespace), "2m")
    assert vip["status"]["phase"] == "Running"
    assert [p["metadata"]["name"] for p in await cluster.list(PODS, "default")][:1] == ["medium"]
    assert "low" not in [p["metadata"]["name"] for p in await cluster.list(PODS, "default")]


async def test_the_preempted_pod_says_that_it_was(cluster):
    await with_foo(cluster, "1")
    await priority_class(cluster, "low", 1)
    await priority_class(cluster, "high", 1000)
    await run(
        cluster,
        pause("victim", {FOO: "1"}, priorityClassName="low", finalizers=["example.com/test-finalizer"]),
    )
    await run(cluster, pause("preemptor", {FOO: "1"}, priorityClassName="high"), "1m")
    victim = await cluster.client.get(PODS, "victim", "default")
    target = condition(victim, "DisruptionTarget")
    assert (target["status"], target["reason"]) == ("True", "PreemptionByScheduler")


async def test_replica_sets_make_anew_what_was_preempted(cluster):
    resource = "example.com/fakecpu"
    await with_foo(cluster, "1k", resource)
    for number in range(1, 5):
        await priority_class(cluster, f"p{number}", number)
    for number, amount in ((1, "200"), (2, "300"), (3, "450")):
        template = pause(f"pod{number}", {resource: amount}, priorityClassName=f"p{number}")
        template["metadata"] = {"labels": {"name": f"pod{number}"}}
        replica_set = {
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": f"rs-{number}", "namespace": "default"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"name": f"pod{number}"}}, "template": {
                "metadata": template["metadata"], "spec": template["spec"]}},
        }  # fmt: skip
        await cluster.client.create(REPLICA_SETS, replica_set)
        await cluster.advance("10s")
    before = {
        p["metadata"]["labels"]["name"]: p["metadata"]["uid"] for p in await cluster.list(PODS, "default")
    }
    preemptor = await run(cluster, pause("pod4", {resource: "500"}, priorityClassName="p4"), "2m")
    assert preemptor["status"]["phase"] == "Running"
    pods = [p for p in await cluster.list(PODS, "default") if p["metadata"]["name"] != "pod4"]
    after = {p["metadata"]["labels"]["name"]: p["metadata"]["uid"] for p in pods}
    assert {name for name in before if after[name] != before[name]} == {"pod1", "pod2"}
    phases = {p["metadata"]["labels"]["name"]: p["status"]["phase"] for p in pods}
    assert phases == {"pod1": "Pending", "pod2": "Pending", "pod3": "Running"}


async def test_the_value_of_a_priority_class_stays(cluster):
    await priority_class(cluster, "p1", 1)
    with pytest.raises(Invalid, match="may not be changed in an update"):
        await cluster.client.patch(PRIORITY_CLASSES, "p1", {"value": 2}, content_type=MERGE_PATCH)


async def test_defaults_of_a_limit_range_are_applied(cluster):
    limits = [{
        "type": "Container", "min": {"cpu": "50m"}, "max": {"cpu": "500m"}, "default": {"cpu": "500m"},
        "defaultRequest": {"cpu": "100m"},
    }]  # fmt: skip
    await cluster.client.create(LIMIT_RANGES, {
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limit-range", "namespace": "default"},
        "spec": {"limits": limits},
    })  # fmt: skip
    await cluster.settle()
    pod = await run(cluster, pause("pod-no-resources"))
    assert pod["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m"},
        "requests": {"cpu": "100m"},
    }
