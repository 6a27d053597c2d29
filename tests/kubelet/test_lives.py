"""What annotations make of pods, in a whole cluster on virtual time."""

from __future__ import annotations

import itertools

import pytest

from kubepy.api import errors
from kubepy.api.builtins import EVENTS, NODES, PODS
from kubepy.api.objects import condition
from kubepy.client.client import MERGE_PATCH
from kubepy.testing import Cluster

NODE = "node-1"


def pod(name: str = "web", said: dict[str, str] | None = None, **spec) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "annotations": {f"kubepy.io/{key}": value for key, value in (said or {}).items()},
        },
        "spec": {"nodeName": NODE, "containers": [{"name": "main", "image": "nginx"}], **spec},
    }


async def status(cluster: Cluster, name: str = "web") -> dict:
    return (await cluster.client.get(PODS, name, "default"))["status"]


async def main(cluster: Cluster, name: str = "web", number: int = 0) -> dict:
    return (await status(cluster, name))["containerStatuses"][number]


async def events(cluster: Cluster, reason: str) -> list[tuple[str, str, int]]:
    found = [event for event in await cluster.list(EVENTS, "default") if event["reason"] == reason]
    return [(event["type"], event["message"], event["count"]) for event in found]


async def annotate(cluster: Cluster, **said: str | None) -> None:
    annotations = {f"kubepy.io/{key}": value for key, value in said.items()}
    await cluster.client.patch(
        NODES, NODE, {"metadata": {"annotations": annotations}}, content_type=MERGE_PATCH
    )


async def test_a_crash_loop_waits_longer_each_time(cluster):
    await cluster.create(pod(said={"exit-code": "1", "run-seconds": "1", "message": "disk is full"}))
    starts = []
    for _ in range(7):
        await cluster.until(lambda: _restarts(cluster, len(starts)), within="10m")
        starts.append(cluster.clock.now())
    waits = [round(later - earlier) for earlier, later in itertools.pairwise(starts)]
    assert [wait // 10 * 10 for wait in waits] == [0, 10, 20, 40, 80, 160]
    await cluster.advance(10)
    entry, uid = await main(cluster), (await cluster.client.get(PODS, "web", "default"))["metadata"]["uid"]
    assert entry["state"]["waiting"] == {
        "reason": "CrashLoopBackOff",
        "message": f"back-off 5m0s restarting failed container=main pod=web_default({uid})",
    }
    ended = entry["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (1, "Error", "disk is full")
    assert (await status(cluster))["phase"] == "Running"
    ((kind, text, count),) = await events(cluster, "BackOff")
    assert (kind, text) == (
        "Warning", f"Back-off restarting failed container main in pod web_default({uid})",
    )  # fmt: skip
    assert count >= 4


async def test_a_container_that_waits_is_spoken_of_every_minute(cluster):
    await cluster.create(pod(said={"exit-code": "1", "run-seconds": "1"}))

    async def count() -> int:
        return (await events(cluster, "BackOff"))[0][2]

    await cluster.until(lambda: _restarts(cluster, 4), within="10m")
    await cluster.advance(5)
    assert await count() == 4, "as the waits of 10, 20, 40 and 80 s began"
    await cluster.advance(50)
    assert await count() == 4
    await cluster.advance(10)
    assert await count() == 5
    await cluster.advance(10)
    assert await count() == 5


async def _restarts(cluster: Cluster, count: int) -> bool:
    found = (await status(cluster)).get("containerStatuses") if await cluster.pods() else None
    return bool(found) and found[0]["restartCount"] == count and "running" in found[0]["state"]


async def test_a_container_that_ran_for_long_begins_anew(cluster):
    await cluster.create(pod(said={"exit-code": "1", "run-seconds": "15m"}))
    await cluster.advance("31m")
    entry = await main(cluster)
    assert entry["restartCount"] == 2 and "running" in entry["state"], (
        "no back-off: it ran for longer than 10 min"
    )


@pytest.mark.parametrize(
    ("policy", "codes", "phase", "restarts"),
    [
        ("Never", "0", "Succeeded", 0),
        ("Never", "3", "Failed", 0),
        ("OnFailure", "1,1,0", "Succeeded", 2),
        ("Always", "0", "Running", 2),
        ("Never", "oom", "Failed", 0),
    ],
)
async def test_restart_policies_and_exit_codes(cluster, policy, codes, phase, restarts):
    await cluster.create(pod(said={"exit-code": codes, "run-seconds": "2"}, restartPolicy=policy))
    await cluster.advance(25)
    found = await status(cluster)
    assert (found["phase"], found["containerStatuses"][0]["restartCount"]) == (phase, restarts)
    if codes == "oom":
        ended = found["containerStatuses"][0]["state"]["terminated"]
        assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


async def test_rules_of_a_container_come_before_the_policy(cluster):
    subject = pod(said={"exit-code": "42,7", "run-seconds": "1"}, restartPolicy="Never")
    subject["spec"]["containers"][0] |= {
        "restartPolicy": "Never",
        "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
    }
    await cluster.create(subject)
    await cluster.advance(10)
    found = await status(cluster)
    assert found["phase"] == "Failed" and found["containerStatuses"][0]["restartCount"] == 1
    assert found["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 7


async def test_a_liveness_probe_that_fails_restarts_the_container(cluster):
    subject = pod(said={"unhealthy-seconds": "30"})
    subject["spec"]["containers"][0]["livenessProbe"] = {
        "httpGet": {"path": "/", "port": 80},
        "periodSeconds": 5,
    }
    await cluster.create(subject)
    await cluster.advance(38)
    assert (await main(cluster))["restartCount"] == 0
    await cluster.advance(8)
    entry = await main(cluster)
    assert entry["restartCount"] == 1
    assert entry["lastState"]["terminated"]["exitCode"] == 0, "a server that is asked to stop does"
    assert await events(cluster, "Unhealthy") == [
        ("Warning", "Liveness probe failed: HTTP probe failed with statuscode: 500", 3)
    ]
    assert await events(cluster, "Killing") == [
        ("Normal", "Container main failed liveness probe, will be restarted", 1)
    ]


async def test_a_container_that_a_probe_kills_gets_the_grace_of_that_probe(cluster):
    subject = pod(said={"started-seconds": "never", "stop-seconds": "never"})
    subject["spec"]["containers"][0]["startupProbe"] = {
        "exec": {"command": ["true"]}, "periodSeconds": 2, "failureThreshold": 5, "terminationGracePeriodSeconds": 3,
    }  # fmt: skip
    await cluster.create(subject)
    await cluster.advance(9.5)
    assert [text for _, text, _ in await events(cluster, "Killing")] == [
        "Container main failed startup probe, will be restarted"
    ]
    assert (await main(cluster))["restartCount"] == 0
    await cluster.advance(3)
    entry = await main(cluster)
    assert (entry["restartCount"], entry["lastState"]["terminated"]["exitCode"]) == (1, 137)


async def test_readiness_comes_and_goes_and_every_probe_that_fails_is_said(cluster):
    subject = pod(said={"ready-seconds": "10", "unready-seconds": "60"})
    subject["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["true"]}}
    await cluster.create(subject)
    seen = []
    for step_s in (7, 50, 20, 10):
        await cluster.advance(step_s)
        ready = condition({"status": await status(cluster)}, "Ready")
        seen.append((ready["status"], ready.get("reason", ""), (await events(cluster, "Unhealthy"))[0][2]))
    not_ready = ("False", "ContainersNotReady")
    assert seen == [(*not_ready, 1), ("True", "", 1), ("True", "", 3), (*not_ready, 4)], (
        "three in a row count"
    )
    assert (await events(cluster, "Unhealthy"))[0][:2] == ("Warning", "Readiness probe failed: ")


async def test_who_fails_for_long_is_heard_every_five_minutes(cluster):
    subject = pod(said={"ready-seconds": "never"})
    subject["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": "web"}, "periodSeconds": 1}
    subject["spec"]["containers"][0]["ports"] = [{"name": "web", "containerPort": 8080}]
    await cluster.create(subject)
    await cluster.advance("8m")
    ((_, text, count),) = await events(cluster, "Unhealthy")
    ip = (await status(cluster))["podIP"]
    assert text == f"Readiness probe failed: dial tcp {ip}:8080: connect: connection refused"
    assert 290 < count < 310, "written when the bucket had a token"


async def test_init_containers_fail_and_sidecars_stay(cluster):
    subject = pod(said={"exit-code.setup": "1,0", "run-seconds.setup": "1"}, restartPolicy="OnFailure")
    subject["spec"]["initContainers"] = [
        {"name": "proxy", "image": "envoy", "restartPolicy": "Always"},
        {"name": "setup", "image": "busybox"},
    ]
    subject["metadata"]["annotations"]["kubepy.io/exit-code.main"] = "0"
    subject["metadata"]["annotations"]["kubepy.io/run-seconds.main"] = "20"
    await cluster.create(subject)
    await cluster.advance(2)
    found = await status(cluster)
    assert found["initContainerStatuses"][0]["started"] and found["phase"] == "Pending"
    await cluster.advance(10)
    found = await status(cluster)
    assert found["phase"] == "Running" and found["initContainerStatuses"][1]["restartCount"] == 1
    assert found["initContainerStatuses"][1]["state"]["terminated"]["reason"] == "Completed"
    await cluster.advance(20)
    found = await status(cluster)
    assert found["phase"] == "Succeeded", "sidecars are stopped when all else is over"
    assert found["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
async def test_an_init_container_that_fails_for_good_fails_the_pod(cluster, policy):
    subject = pod(said={"exit-code.setup": "1"}, restartPolicy=policy)
    subject["spec"]["initContainers"] = [{"name": "setup", "image": "busybox"}]
    await cluster.create(subject)
    await cluster.advance(30)
    found = await status(cluster)
    assert found["phase"] == ("Failed" if policy == "Never" else "Pending")
    expected = "terminated" if policy == "Never" else "waiting"
    assert expected in found["initContainerStatuses"][0]["state"]
    assert found["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"


@pytest.mark.parametrize(
    ("image", "policy", "reason"),
    [
        ("nginx:404", "Always", "ImagePullBackOff"),
        ("nginx:404", "Never", "ErrImageNeverPull"),
        ("NGINX", "IfNotPresent", "InvalidImageName"),
    ],
)
async def test_images_that_cannot_be_had(cluster, image, policy, reason):
    subject = pod()
    subject["spec"]["containers"][0] |= {"image": image, "imagePullPolicy": policy}
    await cluster.create(subject)
    await cluster.advance(5)
    assert (await main(cluster))["state"]["waiting"]["reason"] == reason


async def test_a_pull_that_failed_is_tried_again_and_again(cluster):
    subject = pod()
    subject["spec"]["containers"][0]["image"] = "nginx:404"
    await cluster.create(subject)
    counts = []
    for step_s in (5, 10, 20, 40):
        await cluster.advance(step_s)
        counts.append([(await events(cluster, reason))[0][2] for reason in ("Pulling", "BackOff")])
    assert counts == [[1, 1], [2, 2], [3, 3], [4, 4]], "after 10, 20, 40 s"
    assert {text for _, text, _ in await events(cluster, "Failed")} >= {
        "Error: ErrImagePull", "Error: ImagePullBackOff",
    }  # fmt: skip


async def test_an_image_is_asked_for_each_time_where_the_policy_says_so(cluster):
    for name, policy in (("always", "Always"), ("present", "IfNotPresent")):
        subject = pod(name)
        subject["spec"]["containers"][0]["imagePullPolicy"] = policy
        await cluster.create(subject)
    await cluster.advance(3)
    ((_, text, _),) = await events(cluster, "Pulling")
    assert text == 'Pulling image "nginx"'
    assert {text.partition(" in ")[0].partition(" already")[0] for _, text, _ in await events(cluster, "Pulled")} == {
        'Successfully pulled image "nginx"', 'Container image "nginx"',
    }  # fmt: skip


async def test_pulling_takes_its_time_and_is_said(cluster):
    await cluster.create(pod(said={"pull-seconds": "8"}))
    await cluster.advance(7)
    assert "waiting" in (await main(cluster))["state"]
    await cluster.advance(4)
    assert "running" in (await main(cluster))["state"]
    ((_, text, _),) = await events(cluster, "Pulled")
    assert text.startswith('Successfully pulled image "nginx" in 8s (8s including waiting). Image size: ')


async def test_a_container_that_ignores_sigterm_is_killed(cluster):
    await cluster.create(pod(said={"stop-seconds": "never"}, terminationGracePeriodSeconds=10))
    await cluster.advance(2)
    await cluster.client.patch(PODS, "web", {"metadata": {"finalizers": ["x.io/hold"]}}, namespace="default",
                               content_type=MERGE_PATCH)  # fmt: skip
    await cluster.client.delete(PODS, "web", "default")
    await cluster.advance(9)
    assert "running" in (await main(cluster))["state"]
    await cluster.advance(2)
    assert (await main(cluster))["state"]["terminated"]["exitCode"] == 137


@pytest.mark.parametrize(
    ("said", "phase", "code"),
    [
        ({}, "Succeeded", 0),  # a server
        ({"run-seconds": "60"}, "Failed", 137),
        ({"run-seconds": "60", "exit-code": "3"}, "Failed", 3),
        ({"run-seconds": "60", "exit-code": "oom"}, "Failed", 137),
    ],
)
async def test_work_that_is_cut_short_is_not_done(cluster, said, phase, code):
    subject = pod(said=said, restartPolicy="Never")
    subject["metadata"]["finalizers"] = ["x.io/hold"]
    await cluster.create(subject)
    await cluster.advance(5)
    await cluster.client.delete(PODS, "web", "default")
    await cluster.advance(5)
    found = await status(cluster)
    ended = found["containerStatuses"][0]["state"]["terminated"]
    assert (found["phase"], ended["exitCode"]) == (phase, code)


async def test_a_pod_beyond_the_nodes_room_is_rejected(cluster):
    big = {"requests": {"cpu": "5"}}
    for name in ("one", "two"):
        subject = pod(name)
        subject["spec"]["containers"][0]["resources"] = big
        await cluster.create(subject)
        await cluster.advance(2)
    assert (await status(cluster, "one"))["phase"] == "Running"
    found = await status(cluster, "two")
    assert (found["phase"], found["reason"]) == ("Failed", "OutOfcpu")
    assert found["message"] == (
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 5000, used: 5000, capacity: 8000"
    )
    await cluster.client.delete(PODS, "one", "default")
    await cluster.advance(40)
    subject = pod("three")
    subject["spec"]["containers"][0]["resources"] = big
    await cluster.create(subject)
    await cluster.advance(2)
    assert (await status(cluster, "three"))["phase"] == "Running", "what the first one had is free again"


async def test_a_port_of_the_node_is_given_once(cluster):
    for name in ("one", "two"):
        subject = pod(name)
        subject["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 80}]
        await cluster.create(subject)
        await cluster.advance(2)
    found = await status(cluster, "two")
    assert (found["phase"], found["reason"], found["message"]) == (
        "Failed", "NodePorts",
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    )  # fmt: skip


async def test_a_node_selector_is_checked_again(cluster):
    await cluster.create(pod(nodeSelector={"disk": "ssd"}))
    await cluster.advance(2)
    found = await status(cluster)
    assert (found["reason"], found["message"]) == (
        "NodeAffinity",
        "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    )


async def test_resources_are_resized_in_place(cluster):
    subject = pod()
    subject["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1"}}
    await cluster.create(subject)
    await cluster.advance(2)

    async def resize(cpu: str) -> dict:
        resources = {"requests": {"cpu": cpu}}
        patch = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
        await cluster.client.patch(PODS, "web", patch, namespace="default", subresource="resize")
        await cluster.advance(2)
        return await status(cluster)

    found = await resize("2")
    assert found["containerStatuses"][0]["allocatedResources"] == {"cpu": "2"}
    assert found["containerStatuses"][0]["restartCount"] == 0
    other = pod("other")
    other["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "3"}}
    await cluster.create(other)
    await cluster.advance(2)
    found = await resize("7")
    waiting = condition({"status": found}, "PodResizePending")
    assert (waiting["reason"], found["containerStatuses"][0]["allocatedResources"]) == (
        "Deferred",
        {"cpu": "2"},
    )
    assert waiting["message"] == (
        "Node didn't have enough resource: cpu, requested: 7000, used: 3000, capacity: 8000"
    )
    await cluster.client.delete(PODS, "other", "default")
    await cluster.advance("4m")
    found = await status(cluster)
    assert found["containerStatuses"][0]["allocatedResources"] == {"cpu": "7"}, "it is tried again"
    assert condition({"status": found}, "PodResizePending") is None


async def test_an_outage_freezes_a_node_and_recovery_goes_on(cluster):
    await cluster.create(pod(said={"run-seconds": "60", "exit-code": "0"}, restartPolicy="Never"))
    await cluster.advance(2)
    await annotate(cluster, outage="true")
    await cluster.advance("5m")
    assert (await status(cluster))["phase"] == "Running"
    await annotate(cluster, outage=None)
    await cluster.advance(2)
    assert (await status(cluster))["phase"] == "Succeeded"


async def test_a_node_short_of_memory_ends_pods_until_it_is_not(cluster):
    await annotate(cluster, **{
        "eviction-hard": "memory.available<10Gi,pid.available<100", "eviction-minimum-reclaim": "memory.available=1Gi",
    })  # fmt: skip
    await cluster.create(
        *(pod(name, {"usage-memory": size}) for name, size in (("a", "10Gi"), ("b", "12Gi")))
    )
    await cluster.advance(20)
    found = await status(cluster, "b")
    assert (found["reason"], found["message"]) == (
        "Evicted",
        "The node was low on resource: memory. Threshold quantity: 10Gi, available: 9728Mi. "
        "Container main was using 12Gi, request is 0, has larger consumption of memory. ",
    )  # fmt: skip
    node = await cluster.client.get(NODES, NODE)
    assert condition(node, "MemoryPressure")["reason"] == "KubeletHasInsufficientMemory"
    await cluster.advance("4m")
    assert (await status(cluster, "a"))["phase"] == "Running"
    node = await cluster.client.get(NODES, NODE)
    assert condition(node, "MemoryPressure")["status"] == "True", "for the transition period"
    await cluster.advance("2m")
    node = await cluster.client.get(NODES, NODE)
    assert condition(node, "MemoryPressure")["status"] == "False"
    await annotate(cluster, available="pid.available=50")
    await cluster.advance(11)
    assert (await status(cluster, "a"))["message"].startswith(
        "The node was low on resource: pids. Threshold quantity: 100, available: 50. "
    )
    assert condition(await cluster.client.get(NODES, NODE), "PIDPressure")["status"] == "True"


async def test_a_critical_pod_gets_room(cluster):
    def sized(name: str, cpu: str, **spec) -> dict:
        made = pod(name, **spec)
        made["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
        return made

    await cluster.create(sized("small", "1"), sized("large", "6"))
    await cluster.advance(2)
    await cluster.create(sized("late", "2"))
    await cluster.advance(2)
    assert (await status(cluster, "late"))["reason"] == "OutOfcpu"
    await cluster.create(sized("critical", "2", priorityClassName="system-node-critical"))
    await cluster.advance(2)
    assert (await status(cluster, "critical"))["phase"] == "Running"
    found = await status(cluster, "small")
    assert (found["phase"], found["reason"], found["message"]) == (
        "Failed", "Preempting", "Preempted in order to admit critical pod",
    )  # fmt: skip
    told = condition({"status": found}, "DisruptionTarget")
    assert told["message"] == "Pod was preempted by Kubelet to accommodate a critical pod."
    assert await events(cluster, "Preempting") == [("Warning", "Preempted in order to admit critical pod", 1)]
    assert (await status(cluster, "large"))["phase"] == "Running"
    await cluster.create(sized("huge", "20", priorityClassName="system-cluster-critical"))
    await cluster.advance(2)
    found = await status(cluster, "huge")
    assert found["reason"] == "UnexpectedAdmissionError"
    assert found["message"].endswith(
        "no set of running pods found to reclaim resources: [(res: cpu, q: 14000), ]"
    )


async def test_pressure_evicts_one_pod_after_the_other(cluster):
    precious = pod("precious", priorityClassName="system-node-critical")
    modest = pod("modest")
    modest["spec"]["containers"][0]["resources"] = {
        "requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"},
    }  # fmt: skip
    await cluster.create(precious, modest, pod("greedy"))
    await cluster.advance(2)
    await annotate(cluster, pressure="memory")
    await cluster.advance(2)
    node = await cluster.client.get(NODES, NODE)
    assert condition(node, "MemoryPressure")["reason"] == "KubeletHasInsufficientMemory"
    found = await status(cluster, "greedy")
    assert (found["phase"], found["reason"], found["message"]) == (
        "Failed", "Evicted",
        "The node was low on resource: memory. "
        "Container main was using 32Mi, request is 0, has larger consumption of memory. ",
    )  # fmt: skip
    (event,) = [event for event in await cluster.list(EVENTS, "default") if event["reason"] == "Evicted"]
    assert (event["type"], event["message"]) == ("Warning", found["message"])
    assert event["metadata"]["annotations"]["offending_containers"] == "main"
    (event,) = [e for e in await cluster.list(EVENTS, "default") if e["reason"] == "EvictionThresholdMet"]
    assert (event["involvedObject"]["name"], event["message"]) == (NODE, "Attempting to reclaim memory")
    assert condition({"status": found}, "DisruptionTarget")["reason"] == "TerminationByKubelet"
    assert (await status(cluster, "modest"))["phase"] == "Running"
    await cluster.create(pod("late"))
    await cluster.advance(1)
    late = await status(cluster, "late")
    assert late["message"] == "Pod was rejected: The node had condition: [MemoryPressure]. "
    await cluster.advance(10)
    assert (await status(cluster, "modest"))["phase"] == "Failed"
    assert (await status(cluster, "precious"))["phase"] == "Running"
    await annotate(cluster, pressure=None)
    await cluster.advance(2)
    assert condition(await cluster.client.get(NODES, NODE), "MemoryPressure")["status"] == "False"


async def test_a_node_shuts_down_gracefully(cluster):
    await cluster.create(pod())
    await cluster.advance(2)
    await annotate(cluster, shutdown="true")
    await cluster.advance(2)
    found = await status(cluster)
    assert (found["phase"], found["reason"], found["message"]) == (
        "Failed", "Terminated", "Pod was terminated in response to imminent node shutdown.",
    )  # fmt: skip
    ready = condition(await cluster.client.get(NODES, NODE), "Ready")
    assert (ready["status"], ready["message"]) == ("False", "node is shutting down")
    await cluster.create(pod("late"))
    await cluster.advance(2)
    assert (await status(cluster, "late"))["reason"] == "NodeShutdown"


async def test_a_readiness_gate_that_is_opened_makes_the_pod_ready(cluster):
    await cluster.create(pod(readinessGates=[{"conditionType": "x.io/ok"}]))
    await cluster.advance(2)
    assert condition({"status": await status(cluster)}, "Ready")["reason"] == "ReadinessGatesNotReady"
    patch = {"status": {"conditions": [{"type": "x.io/ok", "status": "True"}]}}
    await cluster.client.patch(PODS, "web", patch, namespace="default", subresource="status")
    await cluster.advance(1)
    assert condition({"status": await status(cluster)}, "Ready")["status"] == "True"


async def test_ephemeral_containers_start(cluster):
    await cluster.create(pod())
    await cluster.advance(2)
    patch = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}
    await cluster.client.patch(PODS, "web", patch, namespace="default", subresource="ephemeralcontainers")
    await cluster.advance(2)
    found = await status(cluster)
    assert "running" in found["ephemeralContainerStatuses"][0]["state"] and found["phase"] == "Running"


async def test_sidecars_stop_last_and_in_reverse_order(cluster):
    sidecars = [{"name": name, "image": "envoy", "restartPolicy": "Always"} for name in ("a", "b")]
    await cluster.create(pod(said={"stop-seconds": "3"}, initContainers=sidecars))
    await cluster.advance(5)
    await cluster.client.delete(PODS, "web", "default")
    running = []
    for _ in range(3):
        await cluster.advance(2.9)
        found = await status(cluster)
        entries = [*found["initContainerStatuses"], *found["containerStatuses"]]
        running.append([entry["name"] for entry in entries if "running" in entry["state"]])
    assert running == [["a", "b", "main"], ["a", "b"], ["a"]]
    killing = [event for event in await cluster.list(EVENTS, "default") if event["reason"] == "Killing"]
    assert len(killing) == 3 and len({event["lastTimestamp"] for event in killing}) == 1, "told at once"
    await cluster.advance(3)
    with pytest.raises(errors.NotFound):
        await status(cluster)


async def test_nodes_have_what_they_are_told():
    async with Cluster(nodes=1, scheduler="off", controllers=(), node_capacity="cpu=2,pods=1") as small:
        capacity = (await small.client.get(NODES, NODE))["status"]["capacity"]
        assert (capacity["cpu"], capacity["pods"], capacity["memory"]) == ("2", "1", "32Gi")
