"""Rows about single pods that a simulated kubelet can satisfy, on virtual time, with what their programs do as it is.

Source: kubernetes test/e2e/common/node/{pods,kubelet,init_container}.go.
"""

from __future__ import annotations

import pytest

from kubepy.api import errors
from kubepy.api.builtins import EVENTS, PODS
from kubepy.api.objects import condition
from kubepy.client.client import MERGE_PATCH
from kubepy.testing import Cluster

Obj = dict


@pytest.fixture
async def cluster():
    async with Cluster(nodes=2) as made:
        yield made


def pod(name: str, *, labels: dict[str, str] | None = None, command: list[str] | None = None, **spec) -> Obj:
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10" if command is None else "busybox"}
    if command is not None:
        container["command"] = command
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "labels": labels or {}},
        "spec": {"containers": [container], **spec},
    }  # fmt: skip


async def test_a_host_ip_is_set(cluster):
    """Pods should get a host IP."""
    await cluster.create(pod("p"))
    await cluster.advance(2)
    status = (await cluster.get(PODS, "p"))["status"]
    assert status["hostIP"] and status["hostIPs"] == [{"ip": status["hostIP"]}]


async def test_submitted_and_removed(cluster):
    """Pods should be submitted and removed: the last thing a watcher hears carries the deletion."""
    await cluster.create(pod("p", labels={"time": "1"}))
    await cluster.advance(2)
    running = await cluster.get(PODS, "p")
    await cluster.client.delete(PODS, "p", "default", grace_period_s=30)
    await cluster.advance(40)
    events = []
    watch = cluster.client.watch(PODS, "default", resource_version=running["metadata"]["resourceVersion"])
    async for batch in watch:
        events += batch
        if batch[-1].type == "DELETED":
            break
    await watch.aclose()
    last = events[-1].document.obj["metadata"]
    assert last["deletionTimestamp"] and last["deletionGracePeriodSeconds"] is not None
    assert not await cluster.pods(labels="time=1")


async def test_updated(cluster):
    """Pods should be updated."""
    await cluster.create(pod("p", labels={"time": "1"}))
    await cluster.advance(2)
    found = await cluster.get(PODS, "p")
    found = {**found, "metadata": {**found["metadata"], "labels": {"time": "2"}}}
    await cluster.client.update(PODS, found)
    assert [p["metadata"]["name"] for p in await cluster.pods(labels="time=2")] == ["p"]


async def test_active_deadline_can_be_set_while_it_runs(cluster):
    """Pods should allow activeDeadlineSeconds to be updated."""
    await cluster.create(pod("p"))
    await cluster.advance(60)
    await cluster.client.patch(
        PODS, "p", {"spec": {"activeDeadlineSeconds": 5}}, namespace="default", content_type=MERGE_PATCH
    )
    await cluster.advance(2)
    status = (await cluster.get(PODS, "p"))["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


async def test_a_collection_is_deleted(cluster):
    """Pods should delete a collection of pods."""
    await cluster.create(
        *(pod(f"p{n}", labels={"type": "Testing"}, terminationGracePeriodSeconds=1) for n in range(3))
    )
    await cluster.advance(2)
    await cluster.client.delete_collection(PODS, "default", label_selector="type=Testing")
    await cluster.advance(2)
    assert await cluster.pods(labels="type=Testing") == []


async def test_the_lifecycle_of_a_pod_and_its_status(cluster):
    """Pods should run through the lifecycle of Pods and PodStatus."""
    await cluster.create(pod("p", labels={"test-pod-static": "true"}))
    await cluster.advance(2)
    patch = {
        "metadata": {"labels": {"test-pod": "patched"}},
        "spec": {"containers": [{"name": "main", "image": "nginx:2"}]},
    }
    await cluster.client.patch(PODS, "p", patch, namespace="default")
    await cluster.advance(2)
    found = await cluster.get(PODS, "p")
    assert found["status"]["containerStatuses"][0]["image"] == "docker.io/library/nginx:2"
    conditions = [
        {**each, "status": "False"} if each["type"] in ("Ready", "ContainersReady") else each
        for each in found["status"]["conditions"]
    ]
    await cluster.client.update(
        PODS, {**found, "status": {**found["status"], "conditions": conditions}}, subresource="status"
    )
    assert condition(await cluster.get(PODS, "p"), "Ready")["status"] == "False"
    await cluster.client.delete_collection(PODS, "default", label_selector="test-pod-static=true")
    await cluster.advance(40)
    with pytest.raises(errors.NotFound):
        await cluster.get(PODS, "p")


async def test_a_command_that_always_fails(cluster):
    """Kubelet when scheduling a busybox command that always fails in a pod: terminated reason; possible to delete."""
    await cluster.create(pod("p", command=["/bin/false"]))
    await cluster.advance(5)
    entry = (await cluster.get(PODS, "p"))["status"]["containerStatuses"][0]
    ended = entry["state"].get("terminated") or entry["lastState"]["terminated"]
    assert ended["exitCode"] != 0 and ended["reason"] == "Error"
    await cluster.client.delete(PODS, "p", "default", grace_period_s=0)
    with pytest.raises(errors.NotFound):
        await cluster.get(PODS, "p")


def with_inits(policy: str, first: str, command: list[str]) -> Obj:
    inits = [
        {"name": "init1", "image": "busybox", "command": [first]},
        {"name": "init2", "image": "busybox", "command": ["/bin/true"]},
    ]
    return pod("p", command=command, restartPolicy=policy, initContainers=inits)


@pytest.mark.parametrize(("policy", "phase"), [("Never", "Succeeded"), ("Always", "Running")])
async def test_init_containers_are_invoked(cluster, policy, phase):
    """InitContainer should invoke init containers on a RestartNever, a RestartAlways pod."""
    await cluster.create(
        with_inits(policy, "/bin/true", ["/bin/true"] if policy == "Never" else ["sleep", "infinity"])
    )
    await cluster.advance(10)
    status = (await cluster.get(PODS, "p"))["status"]
    assert status["phase"] == phase and condition({"status": status}, "Initialized")["status"] == "True"
    assert [s["state"]["terminated"]["exitCode"] for s in status["initContainerStatuses"]] == [0, 0]
    assert all(s["ready"] for s in status["initContainerStatuses"])


async def test_app_containers_wait_for_init_containers_that_fail(cluster):
    """InitContainer should not start app containers if init containers fail on a RestartAlways pod."""
    await cluster.create(with_inits("Always", "/bin/false", ["sleep", "infinity"]))
    await cluster.advance(60)
    status = (await cluster.get(PODS, "p"))["status"]
    first, second = status["initContainerStatuses"]
    assert status["phase"] == "Pending" and first["restartCount"] >= 3
    assert second["state"]["waiting"]["reason"] == "PodInitializing"
    waiting = condition({"status": status}, "Initialized")
    assert (waiting["reason"], waiting["message"]) == (
        "ContainersNotInitialized", "containers with incomplete status: [init1 init2]",
    )  # fmt: skip


async def test_the_pod_fails_with_its_init_containers(cluster):
    """InitContainer should not start app containers and fail the pod if init containers fail on a RestartNever pod."""
    inits = [
        {"name": "init1", "image": "busybox", "command": ["/bin/true"]},
        {"name": "init2", "image": "busybox", "command": ["/bin/false"]},
    ]
    await cluster.create(pod("p", command=["/bin/true"], restartPolicy="Never", initContainers=inits))
    await cluster.advance(10)
    status = (await cluster.get(PODS, "p"))["status"]
    assert status["phase"] == "Failed"
    assert [s["state"]["terminated"]["exitCode"] for s in status["initContainerStatuses"]] == [0, 1]
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    reasons = {e["reason"] for e in await cluster.list(EVENTS, "default")}
    assert {"Scheduled", "Pulled", "Created", "Started"} <= reasons
