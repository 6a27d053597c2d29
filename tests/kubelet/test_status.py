import pytest

from kubepy.api.objects import condition
from kubepy.kubelet import status
from kubepy.kubelet.runtimes import fake

PLACE = status.Place("10.244.0.7", "10.0.0.1")


def pod(*images: str, inits: list | None = None, **spec) -> dict:
    containers = [{"name": f"c{i}", "image": image} for i, image in enumerate(images or ("nginx",))]
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": "u1", "generation": 3},
        "spec": {"containers": containers, "restartPolicy": "Always", "initContainers": inits or [], **spec},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]},
    }


def after(subject: dict, *steps: str) -> dict:
    for number, step in enumerate(steps):
        now = f"2026-01-01T00:00:0{number}Z"
        subject["status"] = status.render(subject, step, facts=fake.facts_of(subject), place=PLACE, now=now)
    return subject["status"]


def conditions(rendered: dict) -> dict[str, str]:
    return {c["type"]: c["status"] for c in rendered["conditions"]}


def test_creating_waits_without_an_address():
    rendered = after(pod(), "creating")
    assert (
        rendered["phase"] == "Pending"
        and "podIP" not in rendered
        and rendered["startTime"] == "2026-01-01T00:00:00Z"
    )
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


def test_running_is_ready_with_ids_and_addresses():
    rendered = after(pod("nginx:1.29", "ghcr.io/a/b@sha256:00"), "creating", "running")
    assert (rendered["phase"], rendered["podIP"], rendered["hostIP"]) == ("Running", "10.244.0.7", "10.0.0.1")
    first = rendered["containerStatuses"][0]
    assert (
        first["ready"]
        and first["started"]
        and first["state"] == {"running": {"startedAt": "2026-01-01T00:00:01Z"}}
    )
    assert first["image"] == "docker.io/library/nginx:1.29"
    assert first["imageID"].startswith("docker.io/library/nginx@sha256:") and first["containerID"].startswith(
        "kubepy://"
    )
    assert conditions(rendered)["Ready"] == "True"
    ready = condition({"status": rendered}, "Ready")
    assert ready["lastTransitionTime"] == "2026-01-01T00:00:01Z"


def test_a_transition_time_stays_while_the_value_does():
    rendered = after(pod(), "creating", "running", "ready")
    assert condition({"status": rendered}, "Ready")["lastTransitionTime"] == "2026-01-01T00:00:01Z"


def test_probes_come_before_ready():
    subject = pod()
    subject["spec"]["containers"][0]["readinessProbe"] = {"initialDelaySeconds": 5}
    rendered = after(subject, "creating", "running")
    assert rendered["phase"] == "Running" and conditions(rendered)["Ready"] == "False"
    assert conditions(after(subject, "ready"))["Ready"] == "True"


def test_init_containers_run_one_after_the_other():
    inits = [
        {"name": "i0", "image": "busybox"},
        {"name": "side", "image": "proxy", "restartPolicy": "Always"},
    ]
    subject = pod(inits=inits)
    rendered = after(subject, "creating")
    assert rendered["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    assert (
        condition({"status": rendered}, "Initialized")["message"]
        == "containers with incomplete status: [i0 side]"
    )
    assert fake.facts_of(subject)["init"] == "waiting"
    after(subject, "initializing")
    assert fake.facts_of(subject)["init"] == "running"
    rendered = after(subject, "initialized")
    assert rendered["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    after(subject, "initializing", "initialized")
    assert fake.facts_of(subject)["init"] == "done"
    rendered = after(subject, "running")
    assert conditions(rendered)["Initialized"] == "True" and rendered["initContainerStatuses"][1]["started"]


def test_an_image_that_is_missing_waits_and_a_corrected_one_runs():
    subject = pod("nginx:404")
    rendered = after(subject, "creating", "pull_error")
    waiting = rendered["containerStatuses"][0]["state"]["waiting"]
    assert (
        waiting["reason"] == "ErrImagePull" and "docker.io/library/nginx:404: not found" in waiting["message"]
    )
    rendered = after(subject, "pull_backoff")
    waiting = rendered["containerStatuses"][0]["state"]["waiting"]
    assert waiting["message"].startswith('Back-off pulling image "nginx:404": ErrImagePull: rpc error')
    subject["spec"]["containers"][0]["image"] = "nginx"
    rendered = after(subject, "running")
    assert (
        rendered["phase"] == "Running"
        and rendered["containerStatuses"][0]["image"] == "docker.io/library/nginx:latest"
    )


@pytest.mark.parametrize(
    ("step", "phase", "code", "ready_reason"),
    [
        ("succeeded", "Succeeded", 0, "PodCompleted"),
        ("failed", "Failed", 1, "PodFailed"),
        ("deadline_exceeded", "Failed", 137, "PodFailed"),
    ],
)
def test_endings(step, phase, code, ready_reason):
    rendered = after(pod(), "creating", "running", step)
    assert rendered["phase"] == phase
    assert rendered["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code
    assert condition({"status": rendered}, "Ready")["reason"] == ready_reason
    assert rendered.get("reason") == ("DeadlineExceeded" if step == "deadline_exceeded" else None)


def test_a_readiness_gate_holds_ready_back():
    subject = pod(readinessGates=[{"conditionType": "x.io/ok"}])
    rendered = after(subject, "creating", "running")
    assert condition({"status": rendered}, "Ready")["reason"] == "ReadinessGatesNotReady"
    assert conditions(rendered)["ContainersReady"] == "True"


def test_a_changed_image_restarts_its_container():
    subject = pod("nginx:1")
    after(subject, "creating", "running")
    assert not fake.facts_of(subject)["changed"]
    subject["spec"]["containers"][0]["image"] = "nginx:2"
    assert fake.facts_of(subject)["changed"]
    entry = after(subject, "restarted")["containerStatuses"][0]
    assert (entry["restartCount"], entry["image"]) == (1, "docker.io/library/nginx:2")
    assert entry["lastState"]["terminated"]["exitCode"] == 0 and entry["ready"]
    assert not fake.facts_of(subject)["changed"]
