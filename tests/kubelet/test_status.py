import pytest

from kubepy.api.objects import condition
from kubepy.kubelet import containers, status, turns
from kubepy.kubelet.status import Verdict
from kubepy.lib import clock as clocks

PLACE = status.Place("10.244.0.7", "10.0.0.1")
START = clocks.parse_rfc3339("2026-01-01T00:00:00Z")


def pod(*images: str, inits: list | None = None, said: dict[str, str] | None = None, **spec) -> dict:
    made = [{"name": f"c{i}", "image": image} for i, image in enumerate(images or ("nginx",))]
    return {
        "metadata": {
            "name": "web", "namespace": "default", "uid": "u1", "generation": 3,
            "annotations": {f"kubepy.io/{name}": value for name, value in (said or {}).items()},
        },
        "spec": {"containers": made, "restartPolicy": "Always", "initContainers": inits or [], **spec},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]},
    }  # fmt: skip


def after(subject: dict, *steps: str, second: float = 0, verdict: Verdict | None = None) -> dict:
    """The status after the steps, a second apart."""
    for number, step in enumerate(steps):
        outcome = status.take(subject, step, place=PLACE, now=START + second + number, verdict=verdict)
        subject["status"] = outcome.status
    return subject["status"]


def conditions(rendered: dict) -> dict[str, str]:
    return {c["type"]: c["status"] for c in rendered["conditions"]}


def test_creating_waits_without_an_address():
    rendered = after(pod(), "create")
    assert rendered["phase"] == "Pending" and "podIP" not in rendered
    assert rendered["startTime"] == "2026-01-01T00:00:00Z"
    assert rendered["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert conditions(rendered) == {
        "PodScheduled": "True", "PodReadyToStartContainers": "False", "Initialized": "True", "Ready": "False",
        "ContainersReady": "False",
    }  # fmt: skip
    ready = condition({"status": rendered}, "Ready")
    assert (ready["reason"], ready["message"]) == (
        "ContainersNotReady",
        "containers with unready status: [c0]",
    )
    assert rendered["observedGeneration"] == ready["observedGeneration"] == 3


def test_a_started_container_has_all_that_a_kubelet_writes():
    subject = pod("nginx:1.29")
    subject["spec"]["containers"][0] |= {
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        "securityContext": {"runAsUser": 1000, "runAsGroup": 3000},
        "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True}],
    }
    subject["spec"]["securityContext"] = {"fsGroup": 2000}
    rendered = after(subject, "create", "start")
    assert (rendered["phase"], rendered["podIP"], rendered["hostIP"]) == ("Running", "10.244.0.7", "10.0.0.1")
    entry = rendered["containerStatuses"][0]
    assert entry.pop("imageID").startswith("docker.io/library/nginx@sha256:")
    assert entry.pop("containerID") == containers.container_id("u1", "c0", 0)
    assert entry == {
        "name": "c0", "state": {"running": {"startedAt": "2026-01-01T00:00:01Z"}}, "lastState": {},
        "ready": True, "started": True, "restartCount": 0, "image": "docker.io/library/nginx:1.29",
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        "allocatedResources": {"cpu": "1"},
        "user": {"linux": {"uid": 1000, "gid": 3000, "supplementalGroups": [2000, 3000]}},
        "volumeMounts": [
            {"name": "v", "mountPath": "/v", "readOnly": True, "recursiveReadOnly": "Disabled"}
        ],
    }  # fmt: skip
    assert condition({"status": rendered}, "Ready")["lastTransitionTime"] == "2026-01-01T00:00:01Z"


def test_a_transition_time_stays_while_the_value_does():
    rendered = after(pod(), "create", "start", "gates")
    assert condition({"status": rendered}, "Ready")["lastTransitionTime"] == "2026-01-01T00:00:01Z"


def test_a_changed_spec_is_observed():
    subject = pod()
    subject["metadata"]["generation"] = 1
    after(subject, "create", "start")
    assert "observe" not in turns.facts_of(subject, START + 1)
    subject["metadata"]["generation"] = 2
    assert turns.facts_of(subject, START + 1)["observe"] == 0.0
    assert after(subject, "observe")["observedGeneration"] == 2
    assert "observe" not in turns.facts_of(subject, START + 1)


def test_init_containers_run_one_after_the_other():
    inits = [{"name": "i0", "image": "x"}, {"name": "side", "image": "proxy", "restartPolicy": "Always"}]
    subject = pod(inits=inits, said={"run-seconds.i0": "1"})
    rendered = after(subject, "create")
    assert rendered["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    assert (
        condition({"status": rendered}, "Initialized")["message"]
        == "containers with incomplete status: [i0 side]"
    )
    rendered = after(subject, "start", second=1)
    assert [list(s["state"]) for s in rendered["initContainerStatuses"]] == [["running"], ["waiting"]]
    assert turns.facts_of(subject, START + 1) == {"exit": 1.0}
    rendered = after(subject, "exit", second=2)
    assert rendered["initContainerStatuses"][0]["ready"]
    after(subject, "start", "start", second=3)
    assert conditions(subject["status"])["Initialized"] == "True" and subject["status"]["phase"] == "Running"


@pytest.mark.parametrize(
    ("step", "phase", "reason", "ready_reason"),
    [
        ("deadline", "Failed", "DeadlineExceeded", "PodFailed"),
        ("evict", "Failed", "Evicted", "PodFailed"),
    ],
)
def test_pods_that_are_ended(step, phase, reason, ready_reason):
    verdict = Verdict("Evicted", "m", disruption="m") if step == "evict" else None
    subject = pod()
    after(subject, "create", "start")
    rendered = after(subject, step, verdict=verdict)
    assert (rendered["phase"], rendered["reason"]) == (phase, reason)
    assert rendered["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    assert condition({"status": rendered}, "Ready")["reason"] == ready_reason
    assert ("DisruptionTarget" in conditions(rendered)) is (step == "evict")


def test_a_changed_image_restarts_its_container():
    subject = pod("nginx:1")
    after(subject, "create", "start")
    assert "replace" not in turns.facts_of(subject, START)
    subject["spec"]["containers"][0]["image"] = "nginx:2"
    assert turns.facts_of(subject, START)["replace"] == 0
    entry = after(subject, "replace")["containerStatuses"][0]
    assert (entry["restartCount"], entry["image"]) == (1, "docker.io/library/nginx:2")
    assert entry["lastState"]["terminated"]["exitCode"] == 0 and entry["ready"]
    assert "replace" not in turns.facts_of(subject, START)


def test_all_containers_begin_anew_when_a_rule_says_so():
    subject = pod("a", "b", inits=[{"name": "i", "image": "x"}],
                  said={"run-seconds.i": "1", "exit-code.c0": "42", "run-seconds.c0": "5"})  # fmt: skip
    subject["spec"]["containers"][0] |= {
        "restartPolicy": "Never",
        "restartPolicyRules": [
            {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
        ],
    }
    after(subject, "create", "start")
    after(subject, "exit", "start", second=2)
    rendered = after(subject, "exit", second=9)
    every = [*rendered["initContainerStatuses"], *rendered["containerStatuses"]]
    assert {entry["state"]["waiting"]["reason"] for entry in every} == {"RestartingAllContainers"}
    assert {entry["restartCount"] for entry in every} == {1}
    rendered = after(subject, "start", second=10)
    assert "running" in rendered["initContainerStatuses"][0]["state"], "init containers come first again"


@pytest.mark.parametrize(
    ("waited_s", "then_s"),
    [
        (0, 10),
        (1, 10),
        (10, 20),
        (11, 20),
        (20.5, 40),
        (41, 80),
        (81, 160),
        (160, 300),
        (301, 300),
        (400, 300),
    ],
)
def test_back_off_doubles_up_to_five_minutes(waited_s, then_s):
    assert containers.next_back_off_s(waited_s) == then_s


def test_a_pod_that_never_got_to_its_containers_says_so():
    subject = pod(inits=[{"name": "i", "image": "x"}])
    after(subject, "create", "start")
    subject["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:31Z", "deletionGracePeriodSeconds": 30}
    rendered = after(subject, "stop", second=2)
    assert rendered["phase"] == "Failed" and "waiting" in rendered["containerStatuses"][0]["state"]
    assert "terminated" in rendered["initContainerStatuses"][0]["state"]


def test_a_rejected_pod_has_a_reason_and_no_containers():
    outcome = status.take(pod(), "reject", place=PLACE, now=START, verdict=Verdict("OutOfcpu", "too much"))
    assert (outcome.status["phase"], outcome.status["message"]) == ("Failed", "Pod was rejected: too much")
    assert "containerStatuses" not in outcome.status
    assert [(said.reason, said.message) for said in outcome.said] == [("OutOfcpu", "too much")]
