"""The PodStatus a kubelet would report after each step of a pod's life, and what it would say. Pure.

    outcome = take(pod, "start", place=Place(...), now=clock.now())

The steps are those of turns.py, and these, which somebody decides:

    deadline, evict, shut_down    the pod fails, with the reason and message of a Verdict
    reject                        it never gets to run here: kubelet admission said no

Conditions that are not the kubelet's (PodScheduled, readiness gates) are kept as they are.
Source: kubernetes 1.36 pkg/kubelet/status/generate.go, pkg/kubelet/kubelet_pods.go (getPhase, generateAPIPodStatus),
pkg/kubelet/kuberuntime (events).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from kubepy.api.objects import Obj, copy, walk
from kubepy.kubelet import containers, durations, turns
from kubepy.kubelet.containers import FIELDS, Part, parts_of
from kubepy.kubelet.runtimes import images
from kubepy.kubelet.runtimes.fake import NEVER, OOM
from kubepy.kubelet.turns import TOGETHER_S
from kubepy.lib import clock as clocks

NORMAL, WARNING = "Normal", "Warning"


class Place(Struct, frozen=True):
    """Where the pod is: its own addresses and its node's."""

    pod_ip: str  # "10.244.0.7"
    host_ip: str  # "10.0.0.1"


class Verdict(Struct, frozen=True):
    """Why a pod fails or is held back, where that does not follow from its containers."""

    reason: str  # "Evicted"
    message: str
    disruption: str = ""  # the message of the condition DisruptionTarget, if it gets that
    annotations: dict[str, str] = {}  # of the event that says so


DEADLINE = Verdict("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")


class Said(Struct, frozen=True):
    """An Event. field_path: of the container it is about."""

    type: str
    reason: str
    message: str
    field_path: str = ""
    annotations: dict[str, str] = {}


class Outcome(Struct, frozen=True):
    """The whole next status, with the fields that others own carried over, and the events that go with it."""

    status: Obj
    said: list[Said] = field(default_factory=list)


def take(pod: Obj, step: str, *, place: Place, now: float, verdict: Verdict | None = None) -> Outcome:
    """The pod after the step. `verdict`: for steps that somebody decides, and for a resize that has to wait."""
    old: Obj = pod.get("status") or {}
    text = clocks.rfc3339(now)
    status = copy(old)
    generation = pod["metadata"].get("generation", 1)
    status["observedGeneration"] = generation
    status.setdefault("startTime", text)
    if step == "reject":
        assert verdict is not None, "a rejection has a reason"
        status |= {
            "phase": "Failed", "reason": verdict.reason, "message": f"Pod was rejected: {verdict.message}",
        }  # fmt: skip
        return Outcome(status, [Said(WARNING, verdict.reason, verdict.message)])
    status["hostIP"], status["hostIPs"] = place.host_ip, [{"ip": place.host_ip}]
    parts = parts_of(pod, own=True)
    if step not in ("create", "deadline", "evict", "shut_down"):
        _network(status, pod["spec"], place)
    said = list(_act(pod, parts, step, now, verdict))
    is_over = step == "stop" and not any(part.is_running for part in parts)
    is_terminal = is_over or step in ("deadline", "evict", "shut_down")
    if turns.is_over(pod, parts) and not any(part.is_running for part in parts):
        is_terminal = True
    if is_terminal:
        _lose_the_rest(parts)
    for part_field, status_field in FIELDS.items():
        if entries := [part.entry for part in parts if part.field == part_field]:
            status[status_field] = entries
    status["phase"] = _phase(pod, parts, is_terminal)
    fails = verdict if verdict is not None and step != "resize" else DEADLINE if step == "deadline" else None
    if fails is not None:
        status |= {"phase": "Failed", "reason": fails.reason, "message": fails.message}
    _conditions(pod, status, parts, text)
    if step == "resize":
        _resize_conditions(status, verdict, text, generation)
    if fails is not None and fails.disruption:
        _put(status, "DisruptionTarget", "True", "TerminationByKubelet", fails.disruption, text, generation)
    return Outcome(status, said)


def _act(pod: Obj, parts: Sequence[Part], step: str, now: float, verdict: Verdict | None) -> Iterator[Said]:
    """Change the containers whose turn it is; yields what the kubelet says."""
    text = clocks.rfc3339(now)
    if step in ("deadline", "evict", "shut_down"):
        yield from _fail(parts, step, verdict or DEADLINE, text)
        return
    if step == "create":
        return
    if step == "crash":
        for part in parts:
            if part.is_running and part.field == "containers":
                containers.end(part, "137", text)
        return
    due = [
        part
        for part, turn in turns.turns_of(pod, parts, now)
        if turn.step == step and turn.at <= now + TOGETHER_S
    ]
    if step == "resize":
        yield from _resize(pod, due, verdict)
        return
    for part in due:
        match step:
            case "start" | "restart":
                yield from _start(pod, part, text)
            case "pull_error" | "pull_back_off":
                yield from _fail_to_pull(part, step)
            case "probe":
                containers.probe(part, part.running_s(now) + TOGETHER_S)
            case "exit":
                containers.end(part, part.life.end(part.entry["restartCount"]), text)
            case "unhealthy":
                yield from _kill_unhealthy(pod, part, text)
            case "replace":
                yield Said(
                    NORMAL,
                    "Killing",
                    f"Container {part.name} definition changed, will be restarted",
                    part.path,
                )
                containers.end(part, "0", text)
                yield from _start(pod, part, text)
            case "back_off":
                yield _back_off(pod, part)
            case "stop":
                containers.end(part, _stop_code(part, _grace_s(pod)), text)
    if step == "exit":
        yield from _restart_all(due, parts, text)


# -- containers --------------------------------------------------------------------------------------------------


def _start(pod: Obj, part: Part, now: str) -> Iterator[Said]:
    image, path = part.container.get("image", ""), part.path
    pull_s, policy = part.life.pull_s, part.container.get("imagePullPolicy")
    if pull_s is None and policy == "Always":
        pull_s = images.CHECK_S
    if pull_s is None or policy == "Never":
        yield Said(
            NORMAL, "Pulled",
            f'Container image "{image}" already present on machine and can be accessed by the pod', path,
        )  # fmt: skip
    else:
        took = durations.render_exact(pull_s)
        yield Said(NORMAL, "Pulling", f'Pulling image "{image}"', path)
        yield Said(
            NORMAL, "Pulled",
            f'Successfully pulled image "{image}" in {took} ({took} including waiting). '
            f"Image size: {images.size_bytes(image)} bytes.", path,
        )  # fmt: skip
    containers.start(part, pod, now)
    yield Said(NORMAL, "Created", "Container created", path)
    yield Said(NORMAL, "Started", "Container started", path)


def _fail_to_pull(part: Part, step: str) -> Iterator[Said]:
    image, path = part.container.get("image", ""), part.path
    part.entry["image"] = image
    if images.is_malformed(image):
        text = images.malformed(image)
        containers.wait(part.entry, containers.BAD_NAME, text)
        yield Said(WARNING, "InspectFailed", text, path)
        yield Said(WARNING, "Failed", f"Error: {containers.BAD_NAME}", path)
        return
    if part.container.get("imagePullPolicy") == "Never":
        text = f'Container image "{image}" is not present with pull policy of Never'
        containers.wait(part.entry, containers.NEVER_PULL, text)
        yield Said(WARNING, containers.NEVER_PULL, text, path)
        yield Said(WARNING, "Failed", f"Error: {containers.NEVER_PULL}", path)
        return
    error = images.pull_error(image)
    if step == "pull_error":
        containers.wait(part.entry, containers.PULL, error)
        yield from pull_failed(part)
    else:
        text = f"{_waiting_to_pull(image)}: {containers.PULL}: {error}"
        containers.wait(part.entry, containers.PULL_BACK_OFF, text)
        yield from pull_waits(part)


def pull_failed(part: Part) -> Iterator[Said]:
    image, path = part.container.get("image", ""), part.path
    yield Said(NORMAL, "Pulling", f'Pulling image "{image}"', path)
    yield Said(WARNING, "Failed", f'Failed to pull image "{image}": {images.pull_error(image)}', path)
    yield Said(WARNING, "Failed", f"Error: {containers.PULL}", path)


def pull_waits(part: Part) -> Iterator[Said]:
    yield Said(NORMAL, "BackOff", _waiting_to_pull(part.container.get("image", "")), part.path)
    yield Said(WARNING, "Failed", f"Error: {containers.PULL_BACK_OFF}", part.path)


def _waiting_to_pull(image: str) -> str:
    return f'Back-off pulling image "{image}"'


def _kill_unhealthy(pod: Obj, part: Part, now: str) -> Iterator[Said]:
    """It is stopped, and starts again at once whatever its code, unless it has to wait. Source: computePodActions."""
    containers.end(part, _stop_code(part, turns.probe_grace_s(pod, part)), now)
    if containers.restarts_killed(part, pod["spec"]) and not containers.back_off_s(part.entry):
        yield from _start(pod, part, now)


def _back_off(pod: Obj, part: Part) -> Said:
    wait_s, name = containers.back_off_s(part.entry), containers.pod_name(pod)
    containers.wait(
        part.entry, containers.CRASH_LOOP,
        f"back-off {durations.render(wait_s)} restarting failed container={part.name} pod={name}",
    )  # fmt: skip
    return restart_waits(pod, part)


def restart_waits(pod: Obj, part: Part) -> Said:
    text = f"Back-off restarting failed container {part.name} in pod {containers.pod_name(pod)}"
    return Said(WARNING, "BackOff", text, part.path)


def _restart_all(ended: Sequence[Part], parts: Sequence[Part], now: str) -> Iterator[Said]:
    """A rule of one that ended makes all of them begin anew. Source: computePodActions, RestartAllContainers."""
    if not any(containers.restarts_all(part, part.exit_code or 0) for part in ended):
        return
    text = "The container is removed because RestartAllContainers in place"
    for part in parts:
        if part.field == "ephemeralContainers" or not (part.is_running or part.exit_code is not None):
            continue
        if part.is_running:
            yield Said(NORMAL, "Killing", f"Stopping container {part.name}", part.path)
        containers.end(part, "137", now)
        part.entry["state"]["terminated"] |= {
            "exitCode": 137,
            "reason": "RestartingAllContainers",
            "message": text,
        }
        containers.wait(part.entry, "RestartingAllContainers", text)
        # It is as if it had never been there, but for its count.
        part.entry["restartCount"] += 1
        part.entry.pop("containerID", None)


def _stop_code(part: Part, grace_s: int) -> str:
    """A server that is asked to stop ends with 0; one that takes too long is killed. Work that is cut short is never
    well done: it ends as it would have, or is killed."""
    if part.life.run_s != NEVER:
        end = part.life.end(part.entry["restartCount"])
        return end if end.strip("0") and end != OOM else "137"
    return "0" if part.life.stop_s <= grace_s else "137"


def _grace_s(pod: Obj) -> int:
    grace = pod["metadata"].get("deletionGracePeriodSeconds")
    wanted = pod["spec"].get("terminationGracePeriodSeconds", 30) if grace is None else grace
    return max(int(wanted), turns.LEAST_GRACE_S)


def _fail(parts: Sequence[Part], step: str, verdict: Verdict, now: str) -> Iterator[Said]:
    """All containers are killed; they get no more time here."""
    if step == "deadline":
        yield Said(NORMAL, verdict.reason, verdict.message)
    elif step == "evict":
        yield Said(WARNING, verdict.reason, verdict.message, annotations=verdict.annotations)
    for part in parts:
        if part.is_running:
            yield Said(NORMAL, "Killing", f"Stopping container {part.name}", part.path)
            containers.end(part, "137", now)


def _lose_the_rest(parts: Sequence[Part]) -> None:
    """What never came up is over too, as far as the pod had come. Source: status_manager.go, TerminatePod."""
    inits = [part for part in parts if part.is_init]
    last = max((n for n, part in enumerate(inits) if part.entry.get("containerID")), default=-1)
    for part in inits[: last + 1]:
        containers.lose(part.entry)
    if turns.is_initialized(parts):
        for part in parts:
            if part.field == "containers":
                containers.lose(part.entry)


# -- resize ------------------------------------------------------------------------------------------------------


def _resize(pod: Obj, due: Sequence[Part], verdict: Verdict | None) -> Iterator[Said]:
    """Source: allocation_manager.go handlePodResourcesResize, kubelet.go SyncPod, events/resize.go."""
    if verdict is not None:
        yield Said(WARNING, "ResizeDeferred", _resize_text(pod, verdict.reason, verdict.message))
        return
    yield Said(NORMAL, "ResizeStarted", _resize_text(pod, "started"))
    for part in due:
        containers.allocate(part.entry, part.container)
    yield Said(NORMAL, "ResizeCompleted", _resize_text(pod, "completed"))


def _resize_text(pod: Obj, what: str, error: str = "") -> str:
    spec = pod["spec"]
    summary: Obj = {}
    for name in ("initContainers", "containers"):
        if found := spec.get(name):
            summary[name] = [{"name": c["name"], "resources": c.get("resources") or {}} for c in found]
    summary["generation"] = pod["metadata"].get("generation", 1)
    if error:
        summary["error"] = error
    return f"Pod resize {what}: {json.dumps(summary, separators=(',', ':'))}"


def _resize_conditions(status: Obj, verdict: Verdict | None, now: str, generation: int) -> None:
    kinds = ("PodResizePending", "PodResizeInProgress")
    status["conditions"] = [c for c in status["conditions"] if c["type"] not in kinds]
    if verdict is not None:
        # Source: status_manager.go, SetPodResizePendingCondition: what is not infeasible is deferred.
        _put(status, "PodResizePending", "True", "Deferred", verdict.message, now, generation)


# -- the pod -----------------------------------------------------------------------------------------------------


def _network(status: Obj, spec: Obj, place: Place) -> None:
    if status.get("podIP"):
        return
    ip = place.host_ip if spec.get("hostNetwork") else place.pod_ip
    status["podIP"], status["podIPs"] = ip, [{"ip": ip}]


def _phase(pod: Obj, parts: Sequence[Part], is_terminal: bool) -> str:
    """Source: kubelet_pods.go, getPhase."""
    spec = pod["spec"]
    if turns.has_failed_to_initialize(spec, parts):
        return "Failed" if is_terminal else "Pending"
    regular = [part for part in parts if part.field == "containers"]
    inits = [part for part in parts if part.is_init]
    initialized = turns.is_initialized(parts)
    if not initialized and any(not turns.is_done(part) for part in inits) and not is_terminal:
        return "Pending"
    if any(_never_ran(part) for part in regular):
        return "Failed" if is_terminal else "Pending"
    if any(part.is_running for part in (*regular, *(p for p in inits if p.is_sidecar))):
        return "Running"
    codes = [_last_code(part) for part in regular]
    if not is_terminal and any(containers.restarts(part, spec, code) for part, code in zip(regular, codes)):
        return "Running"
    return "Succeeded" if all(code == 0 for code in codes) else "Failed"


def _never_ran(part: Part) -> bool:
    return "waiting" in part.entry["state"] and not walk(part.entry, "lastState", "terminated")


def _last_code(part: Part) -> int:
    code = part.exit_code
    return int(walk(part.entry, "lastState", "terminated", "exitCode") or 0) if code is None else code


def _conditions(pod: Obj, status: Obj, parts: Sequence[Part], now: str) -> None:
    phase = status["phase"]
    initialized, ready = _initialized(phase, parts), _containers_ready(phase, parts)
    pod_ready = ready
    if ready[0] and (text := turns.gate_message({**pod, "status": status})):
        pod_ready = (False, "ReadinessGatesNotReady", text)
    network = bool(status.get("podIP")) and phase in ("Pending", "Running")
    values = {
        "PodReadyToStartContainers": (network, "", ""),
        "Initialized": initialized,
        "Ready": pod_ready,
        "ContainersReady": ready,
        "PodScheduled": (True, "", ""),
    }
    if any(map(containers.could_restart_all, parts)):
        # It is true within a step only.
        reason = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase, "")
        values["AllContainersRestarting"] = (False, reason, "")
    kept = [c for c in status.get("conditions") or () if c["type"] not in values]
    before = {c["type"]: c for c in status.get("conditions") or ()}
    generation = pod["metadata"].get("generation", 1)
    status["conditions"] = [
        *(
            _condition(
                before.get(type_),
                type_,
                "True" if values[type_][0] else "False",
                *values[type_][1:],
                now,
                generation,
            )
            for type_ in values
        ),
        *kept,
    ]


def _initialized(phase: str, parts: Sequence[Part]) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return True, "PodCompleted", ""
    if turns.has_started(parts):
        return True, "", ""
    pending = [part.name for part in parts if part.is_init and not turns.is_done(part)]
    if not pending:
        return True, "", ""
    return False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(pending)}]"


def _containers_ready(phase: str, parts: Sequence[Part]) -> tuple[bool, str, str]:
    if phase in ("Succeeded", "Failed"):
        return False, "PodCompleted" if phase == "Succeeded" else "PodFailed", ""
    unready = [
        part.name
        for part in parts
        if (part.is_sidecar or part.field == "containers") and not part.entry["ready"]
    ]
    if unready:
        return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return True, "", ""


def _put(status: Obj, type_: str, value: str, reason: str, message: str, now: str, generation: int) -> None:
    before = next((c for c in status["conditions"] if c["type"] == type_), None)
    status["conditions"] = [
        *(c for c in status["conditions"] if c["type"] != type_),
        _condition(before, type_, value, reason, message, now, generation),
    ]


def _condition(
    old: Obj | None, type_: str, value: str, reason: str, message: str, now: str, generation: int
) -> Obj:
    same = old is not None and old.get("status") == value and old.get("lastTransitionTime")
    condition: Obj = {
        "type": type_, "observedGeneration": generation, "status": value, "lastProbeTime": None,
        "lastTransitionTime": old["lastTransitionTime"] if old is not None and same else now,
    }  # fmt: skip
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition
