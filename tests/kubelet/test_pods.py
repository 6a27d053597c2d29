"""Lives of pods on virtual time, in a whole cluster."""

import pytest

from kubepy.api import errors
from kubepy.api.builtins import EVENTS, PODS
from kubepy.api.objects import condition
from kubepy.client.client import MERGE_PATCH
from kubepy.testing import Cluster

NODE = "node-1"


def pod(name: str = "web", *, image: str = "nginx", command: list[str] | None = None, **spec) -> dict:
    container = {"name": "main", "image": image} | ({"command": command} if command else {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": NODE, "containers": [container], **spec},
    }


async def get(cluster: Cluster, name: str = "web") -> dict:
    return await cluster.client.get(PODS, name, "default")


async def reasons(cluster: Cluster) -> list[str]:
    return [event["reason"] for event in await cluster.list(EVENTS, "default")]


async def test_a_server_is_created_runs_and_stays(cluster):
    await cluster.create(pod())
    await cluster.settle()
    first = await get(cluster)
    assert first["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ContainerCreating"
    await cluster.advance(1)
    running = await get(cluster)
    assert running["status"]["phase"] == "Running" and condition(running, "Ready")["status"] == "True"
    assert running["status"]["podIP"].startswith("10.244.")
    assert [r for r in await reasons(cluster) if r in ("Pulled", "Created", "Started")] == [
        "Pulled",
        "Created",
        "Started",
    ]
    await cluster.advance(3600)
    assert (await get(cluster))["metadata"]["resourceVersion"] == running["metadata"]["resourceVersion"]


async def test_a_command_ends_when_its_sleep_is_over(cluster):
    await cluster.create(pod(command=["sleep", "90"], restartPolicy="Never"))
    await cluster.advance(60)
    assert (await get(cluster))["status"]["phase"] == "Running"
    await cluster.advance(40)
    ended = await get(cluster)
    assert ended["status"]["phase"] == "Succeeded"
    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"


async def test_the_deadline_wins_the_race(cluster):
    await cluster.create(pod(command=["sleep", "90"], restartPolicy="Never", activeDeadlineSeconds=30))
    await cluster.advance(60)
    status = (await get(cluster))["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


async def test_a_missing_image_waits_for_ever_and_a_corrected_one_runs(cluster):
    await cluster.create(pod(image="webserver:404"))
    await cluster.advance(600)
    waiting = (await get(cluster))["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "ImagePullBackOff"
    assert {"Failed", "BackOff"} <= set(await reasons(cluster))
    await cluster.client.patch(
        PODS, "web", {"spec": {"containers": [{"name": "main", "image": "nginx"}]}}, namespace="default"
    )
    await cluster.advance(2)
    assert (await get(cluster))["status"]["phase"] == "Running"


async def test_deletion_turns_ready_off_first_and_takes_no_longer_than_the_grace_period(cluster):
    await cluster.create(pod())
    await cluster.advance(2)
    await cluster.client.delete(PODS, "web", "default", grace_period_s=30)
    going = await get(cluster)
    assert going["metadata"]["deletionGracePeriodSeconds"] == 30
    states = []
    watch = cluster.client.watch(PODS, "default", resource_version=going["metadata"]["resourceVersion"])
    async for batch in _until_deleted(cluster, watch):
        states += [(event.type, condition(event.document.obj, "Ready")["status"]) for event in batch]
    assert states[0] == ("MODIFIED", "False") and states[-1][0] == "DELETED"
    with pytest.raises(errors.NotFound):
        await get(cluster)


async def _until_deleted(cluster: Cluster, watch):
    await cluster.advance(30)
    async for batch in watch:
        yield batch
        if batch[-1].type == "DELETED":
            break
    await watch.aclose()


async def test_a_prestop_sleep_holds_the_pod_until_the_grace_period_is_over(cluster):
    subject = pod(terminationGracePeriodSeconds=20)
    subject["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 15}}}
    await cluster.create(subject)
    await cluster.advance(2)
    await cluster.client.delete(PODS, "web", "default")
    await cluster.advance(14)
    assert (await get(cluster))["metadata"]["deletionTimestamp"]
    await cluster.advance(6)
    with pytest.raises(errors.NotFound):
        await get(cluster)


@pytest.mark.parametrize("grace_s", [None, 0])
async def test_a_finalizer_outlasts_the_containers(cluster, grace_s):
    subject = pod()
    subject["metadata"]["finalizers"] = ["example.com/hold"]
    await cluster.create(subject)
    await cluster.advance(2)
    await cluster.client.delete(PODS, "web", "default", grace_period_s=grace_s)
    await cluster.advance(60)
    held = await get(cluster)
    assert "terminated" in held["status"]["containerStatuses"][0]["state"]
    assert condition(held, "Ready")["status"] == "False"
    version = held["metadata"]["resourceVersion"]
    await cluster.advance(600)
    assert (await get(cluster))["metadata"]["resourceVersion"] == version, "nobody writes while it is held"
    await cluster.client.patch(
        PODS, "web", {"metadata": {"finalizers": None}}, namespace="default", content_type=MERGE_PATCH
    )
    with pytest.raises(errors.NotFound):
        await get(cluster)


async def test_what_somebody_else_writes_into_the_status_stays(cluster):
    await cluster.create(pod())
    await cluster.advance(2)
    patch = {"status": {"phase": "Failed", "reason": "Test"}}
    await cluster.client.patch(
        PODS, "web", patch, namespace="default", subresource="status", content_type=MERGE_PATCH
    )
    await cluster.advance(60)
    assert (await get(cluster))["status"]["reason"] == "Test"


async def test_addresses_are_unique_and_host_network_pods_have_their_nodes(cluster):
    await cluster.create(*(pod(f"p{n}") for n in range(5)), pod("host", hostNetwork=True))
    await cluster.advance(2)
    ips = {p["metadata"]["name"]: p["status"]["podIP"] for p in await cluster.list(PODS, "default")}
    assert ips.pop("host") == "10.0.0.1"
    assert len(set(ips.values())) == 5


async def test_init_containers_come_first(cluster):
    inits = [{"name": "a", "image": "busybox"}, {"name": "b", "image": "busybox", "restartPolicy": "Always"}]
    await cluster.create(pod(initContainers=inits))
    await cluster.settle()
    waiting = (await get(cluster))["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "PodInitializing"
    await cluster.advance(10)
    status = (await get(cluster))["status"]
    assert status["phase"] == "Running"
    assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert "running" in status["initContainerStatuses"][1]["state"]


async def test_another_cluster_goes_on_where_this_one_stopped(cluster):
    await cluster.create(pod(), pod("job", command=["sleep", "50"], restartPolicy="Never"))
    await cluster.settle()
    async with cluster.fork() as second:
        await second.advance(60)
        phases = {p["metadata"]["name"]: p["status"]["phase"] for p in await second.list(PODS, "default")}
        assert phases == {"web": "Running", "job": "Succeeded"}
