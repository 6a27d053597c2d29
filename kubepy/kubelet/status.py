"""The PodStatus a kubelet would report after each step of a pod's life. Pure: (pod, step, facts, now) -> status.

Steps are what stages name in `next.status`:

    creating      bound to us: ContainerCreating, nothing is up yet
    initializing  the next init container has started
    initialized   the running init container has succeeded (a sidecar: started)
    running       containers are up; Ready where nothing has to be probed first
    ready         probes have succeeded
    restarted     containers whose image changed have started anew
    pull_error    an image cannot be pulled: ErrImagePull
    pull_backoff  ... and it waits: ImagePullBackOff
    succeeded, failed     the containers have ended by themselves
    deadline_exceeded     activeDeadlineSeconds is over
    stopped       the containers have ended because the pod is being deleted

Conditions that are not the kubelet's (PodScheduled, readiness gates, DisruptionTarget) are kept as they are.
Source: kubernetes 1.36 pkg/kubelet/status/generate.go, pkg/kubelet/kubelet_pods.go (getPhase,
convertStatusToAPIStatus).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from kubepy.api.objects import Obj, copy, walk
from kubepy.kubelet.runtimes import fake

STEPS = frozenset({
    "creating", "initializing", "initialized", "running", "ready", "restarted", "pull_error", "pull_backoff",
    "succeeded", "failed", "deadline_exceeded", "stopped",
})  # fmt: skip

# In the order the kubelet reports them.
CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pod is: its own addresses and its node's."""

    pod_ip: str  # "10.244.0.7"
    host_ip: str  # "10.0.0.1"


def render(pod: Obj, step: str, *, facts: Obj, place: Place, now: str) -> Obj:
    """The whole next status; fields that others own are carried over. `now` is RFC 3339."""
    old: Obj = pod.get("status") or {}
    status = copy(old)
    status["observedGeneration"] = pod["metadata"].get("generation", 1)
    status.setdefault("startTime", now)
    status["hostIP"] = place.host_ip
    status["hostIPs"] = [{"ip": place.host_ip}]
    spec = pod["spec"]
    containers = [_previous(c, old, "containerStatuses") for c in spec["containers"]]
    inits = [_previous(c, old, "initContainerStatuses") for c in spec.get("initContainers") or ()]
    match step:
        case "creating":
            status["phase"] = "Pending"
            for entry in (*inits, *containers):
                _set(entry, {"waiting": {"reason": "PodInitializing" if inits else "ContainerCreating"}})
        case "initializing" | "initialized":
            status["phase"] = "Pending"
            _network(status, spec, place)
            _advance_inits(pod, inits, step, now, spec.get("initContainers") or ())
        case "running" | "ready":
            status["phase"] = "Running"
            _network(status, spec, place)
            probed = step == "running" and facts["readySeconds"] > 0
            for entry, container in zip(containers, spec["containers"]):
                _start(entry, pod, container, now)
                entry["ready"] = not (probed and container.get("readinessProbe"))
                entry["started"] = not (probed and container.get("startupProbe"))
        case "restarted":
            for entry, container in zip(containers, spec["containers"]):
                if "running" in entry["state"] and entry["image"] != fake.canonical_image(
                    container.get("image", "")
                ):
                    _end(entry, 0, now)
                    entry["lastState"] = entry["state"]
                    entry["state"] = {}
                    entry["restartCount"] += 1
                    _start(entry, pod, container, now)
        case "pull_error" | "pull_backoff":
            status["phase"] = "Pending"
            _network(status, spec, place)
            for entry, container in zip(
                (*inits, *containers), (*(spec.get("initContainers") or ()), *spec["containers"])
            ):
                if fake.is_missing(container.get("image", "")):
                    _set(entry, {"waiting": _pull_state(step, container["image"])})
                elif not inits and "running" not in entry["state"]:
                    _start(entry, pod, container, now)
                    entry["ready"] = entry["started"] = True
        case "succeeded" | "failed" | "deadline_exceeded" | "stopped":
            code = {"succeeded": 0, "failed": facts["exitCode"] or 1, "deadline_exceeded": 137}.get(
                step, _stop_code(pod)
            )
            for entry in (*inits, *containers):
                _end(entry, code, now)
                entry["ready"] = False
                entry["started"] = False
            status["phase"] = _final_phase(step, containers)
            if step == "deadline_exceeded":
                status["reason"] = "DeadlineExceeded"
                status["message"] = "Pod was active on the node longer than the specified deadline"
    status["containerStatuses"] = containers
    if inits:
        status["initContainerStatuses"] = inits
    _conditions(pod, status, inits, containers, now)
    return status


# -- containers ------------------------------------------------------------------------------------------------


def _previous(container: Obj, old: Obj, field: str) -> Obj:
    """The container's status so far, or a first one."""
    for entry in old.get(field) or ():
        if entry["name"] == container["name"]:
            found: Obj = copy(entry)
            if "waiting" in entry["state"]:
                found["image"] = container.get(
                    "image", ""
                )  # it may have been corrected while it could not be pulled
            return found
    return {
        "name": container["name"],
        "state": {"waiting": {"reason": "ContainerCreating"}},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": container.get("image", ""),
        "imageID": "",
        "started": False,
    }


def _set(entry: Obj, state: Obj) -> None:
    entry["state"] = state
    entry["ready"] = False
    entry["started"] = False


def _start(entry: Obj, pod: Obj, container: Obj, now: str) -> None:
    if "running" in entry["state"]:
        return
    entry["state"] = {"running": {"startedAt": now}}
    entry["image"] = fake.canonical_image(container.get("image", ""))
    entry["imageID"] = fake.image_id(container.get("image", ""))
    entry["containerID"] = container_id(pod, container["name"], entry["restartCount"])
    if container.get("resources"):
        entry["allocatedResources"] = container["resources"].get("requests") or {}
        entry["resources"] = container["resources"]


def container_id(pod: Obj, name: str, restarts: int) -> str:
    seed = f"{pod['metadata']['uid']}/{name}/{restarts}"
    return f"kubepy://{hashlib.sha256(seed.encode()).hexdigest()}"


def _end(entry: Obj, code: int, now: str) -> None:
    state = entry["state"]
    if "terminated" in state:
        return
    started = (state.get("running") or {}).get("startedAt")
    ended: Obj = {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}
    if started:
        ended |= {"startedAt": started, "finishedAt": now, "containerID": entry.get("containerID", "")}
    else:
        # Never came up. Source: kubelet_pods.go, convertToAPIContainerStatuses, "ContainerStatusUnknown".
        ended |= {"exitCode": 137, "reason": "ContainerStatusUnknown",
                  "message": "The container could not be located when the pod was terminated",
                  "startedAt": None, "finishedAt": None}  # fmt: skip
    entry["state"] = {"terminated": ended}


def _advance_inits(pod: Obj, inits: list[Obj], step: str, now: str, specs: Any) -> None:
    for entry, container in zip(inits, specs):
        sidecar = container.get("restartPolicy") == "Always"
        if "terminated" in entry["state"] or (sidecar and entry.get("started")):
            continue
        _start(entry, pod, container, now)
        if step == "initialized":
            if sidecar:
                entry["started"] = entry["ready"] = True
            else:
                _end(entry, 0, now)
                entry["ready"] = True
        return


def _pull_state(step: str, image: str) -> Obj:
    error = fake.pull_error(image)
    if step == "pull_error":
        return {"reason": "ErrImagePull", "message": error}
    return {
        "reason": "ImagePullBackOff",
        "message": f'Back-off pulling image "{image}": ErrImagePull: {error}',
    }


# -- the pod ---------------------------------------------------------------------------------------------------


def _network(status: Obj, spec: Obj, place: Place) -> None:
    ip = place.host_ip if spec.get("hostNetwork") else place.pod_ip
    status["podIP"] = ip
    status["podIPs"] = [{"ip": ip}]


def _stop_code(pod: Obj) -> int:
    """A server that is asked to stop ends with 0; one without time to do so is killed."""
    return 0 if (pod["metadata"].get("deletionGracePeriodSeconds") or 0) > 0 else 137


def _final_phase(step: str, containers: list[Obj]) -> str:
    """Source: kubelet_pods.go getPhase: once every container has ended for good."""
    if step == "deadline_exceeded":
        return "Failed"
    codes = [entry["state"]["terminated"]["exitCode"] for entry in containers]
    return "Succeeded" if all(code == 0 for code in codes) else "Failed"


def _conditions(pod: Obj, status: Obj, inits: list[Obj], containers: list[Obj], now: str) -> None:
    phase = status["phase"]
    unready = [entry["name"] for entry in containers if not entry["ready"]]
    pending_inits = [
        entry["name"] for entry in inits
        if not (entry.get("started") and entry.get("ready")) and walk(entry, "state", "terminated", "exitCode") != 0
    ]  # fmt: skip
    network = bool(status.get("podIP")) and phase in ("Pending", "Running")
    values: dict[str, tuple[bool, str, str]] = {
        "PodReadyToStartContainers": (network, "", ""),
        "Initialized": (
            (True, "PodCompleted" if phase == "Succeeded" else "", "")
            if not pending_inits or phase == "Succeeded"
            else (
                False,
                "ContainersNotInitialized",
                f"containers with incomplete status: [{' '.join(pending_inits)}]",
            )
        ),
    }
    if phase == "Succeeded":
        ready = (False, "PodCompleted", "")
    elif phase == "Failed":
        ready = (False, "PodFailed", "")
    elif unready:
        ready = (False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    else:
        ready = (True, "", "")
    values["ContainersReady"] = ready
    values["Ready"] = _with_gates(pod, status, ready)
    kept = [c for c in status.get("conditions") or () if c["type"] not in values]
    before = {c["type"]: c for c in status.get("conditions") or ()}
    generation = pod["metadata"].get("generation", 1)
    status["conditions"] = [
        *(_condition(before.get(type_), type_, *values[type_], now, generation) for type_ in CONDITIONS),
        *kept,
    ]


def _with_gates(pod: Obj, status: Obj, ready: tuple[bool, str, str]) -> tuple[bool, str, str]:
    """Source: pkg/kubelet/status/generate.go, GeneratePodReadyCondition."""
    if not ready[0]:
        return ready
    true = {c["type"] for c in status.get("conditions") or () if c.get("status") == "True"}
    known = {c["type"] for c in status.get("conditions") or ()}
    texts = [
        f'corresponding condition of pod readiness gate "{gate}" does not exist.' if gate not in known
        else f'the status of pod readiness gate "{gate}" is not "True", but False'
        for gate in (g["conditionType"] for g in pod["spec"].get("readinessGates") or ())
        if gate not in true
    ]  # fmt: skip
    return (False, "ReadinessGatesNotReady", ", ".join(texts)) if texts else ready


def _condition(
    old: Obj | None, type_: str, value: bool, reason: str, message: str, now: str, generation: int
) -> Obj:
    word = "True" if value else "False"
    since = (
        old["lastTransitionTime"]
        if old and old.get("status") == word and old.get("lastTransitionTime")
        else now
    )
    condition: Obj = {
        "type": type_, "observedGeneration": generation, "status": word, "lastProbeTime": None,
        "lastTransitionTime": since,
    }  # fmt: skip
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition
