"""Whose turn it is in a pod: which step each container can take next, and from when. Pure.

`facts_of(pod, now)` is what stages see beside the object: for each step that somebody can take, the seconds until then
(0: at once). A stage with `next: {status: exit}` says the rest: how much later than possible it happens. Others say
what happens instead.

    create          the pod is bound to us and nothing is done yet
    start           a container may start: the next init container, a sidecar, then all others
    pull_error      ... but its image cannot be pulled (ErrImagePull, ErrImageNeverPull, InvalidImageName)
    pull_back_off   ... and it waits (ImagePullBackOff)
    probe           what probes say has changed
    exit            a run is over
    unhealthy       a liveness or startup probe has failed often enough
    back_off        a container that ended waits before it starts again (CrashLoopBackOff)
    restart         it starts again
    replace         its definition was changed: it starts anew
    resize          its resources were changed in place
    gates           a readiness gate was opened or closed
    observe         the spec was changed, and the status does not say yet that this was seen (observedGeneration)
    stop            the pod is being deleted, or all but its sidecars is over: the next container has reacted to SIGTERM
    deadline        activeDeadlineSeconds is over
    remove          a deleted pod has ended
    crash           always, while something runs: for stages that want containers to die

Times come from the object alone (startedAt, finishedAt ...: whole seconds), so a restart goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kubepy.api.objects import Obj, condition, is_deleting, walk
from kubepy.kubelet import containers
from kubepy.kubelet.containers import Part, parts_of
from kubepy.kubelet.runtimes import images
from kubepy.kubelet.runtimes.fake import NEVER
from kubepy.lib import clock as clocks

STEPS = frozenset({
    "create", "start", "pull_error", "pull_back_off", "probe", "exit", "unhealthy", "back_off", "restart", "replace",
    "resize", "gates", "observe", "stop", "deadline", "remove",
})  # fmt: skip

# A step that is due within this time is taken with the one that is.
TOGETHER_S = 0.001
# Whatever was asked for, SIGTERM comes so long before SIGKILL: minimumGracePeriodInSeconds of kuberuntime_manager.go.
LEAST_GRACE_S = 2


class Turn(NamedTuple):
    """A container's next step. at: seconds since the epoch; 0.0: as soon as its stage allows."""

    step: str
    at: float = 0.0


def facts_of(pod: Obj, now: float) -> Obj:
    """step -> seconds until it can be taken."""
    status = pod.get("status") or {}
    facts: Obj = {}
    if status.get("phase") in ("Succeeded", "Failed"):
        # Who gave it no time has said all there is to say; then only finalizers keep it.
        if is_deleting(pod) and pod["metadata"].get("deletionGracePeriodSeconds") != 0:
            facts["remove"] = 0.0
        return facts
    if not status.get("startTime") and not is_deleting(pod):
        return {"create": 0.0}
    parts = parts_of(pod)
    for _, turn in turns_of(pod, parts, now):
        left = max(0.0, turn.at - now)
        if left < facts.get(turn.step, NEVER):
            facts[turn.step] = left
    if is_deleting(pod):
        if not any(part.is_running for part in parts):
            facts["stop"] = 0.0
        return facts
    if any(part.is_running and part.field == "containers" for part in parts):
        facts["crash"] = 0.0
    limit = pod["spec"].get("activeDeadlineSeconds")
    if limit is not None:
        facts["deadline"] = max(0.0, clocks.parse_rfc3339(status["startTime"]) + limit - now)
    if gates_differ(pod):
        facts["gates"] = 0.0
    # Versions before 1.33 have no such field.
    generation = pod["metadata"].get("generation", 1)
    if status.get("observedGeneration", generation) != generation:
        facts["observe"] = 0.0
    return facts


def turns_of(pod: Obj, parts: Sequence[Part], now: float) -> Iterator[tuple[Part, Turn]]:
    """The next turn of each container that has one."""
    if is_deleting(pod):
        yield from _stopping(pod, parts, clocks.parse_rfc3339(pod["metadata"]["deletionTimestamp"]))
        return
    if is_over(pod, parts):
        grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
        yield from _stopping(pod, parts, _last_finished(parts) + grace)
        return
    may_start = set(map(id, startable(pod, parts)))
    for part in parts:
        if part.is_running:
            turn = _of_running(pod, part, now)
        elif part.exit_code is not None:
            turn = _of_ended(pod, part, parts)
        else:
            turn = _of_waiting(part, parts, pod) if id(part) in may_start else None
        if turn is not None and turn.at != NEVER:
            yield part, turn


# -- who may start -----------------------------------------------------------------------------------------------


def is_done(part: Part) -> bool:
    """An init container that holds nobody up any more."""
    return bool(part.entry.get("started")) if part.is_sidecar else part.exit_code == 0


def is_initialized(parts: Sequence[Part]) -> bool:
    """Init containers are over, now or ever: once a container has started they do not come again."""
    return all(is_done(part) for part in parts if part.is_init) or has_started(parts)


def has_started(parts: Sequence[Part]) -> bool:
    return any(part.entry.get("containerID") for part in parts if part.field == "containers")


def startable(pod: Obj, parts: Sequence[Part]) -> list[Part]:
    """Waiting containers whose turn has come; of init containers the first that is not done.

    Source: kuberuntime_container.go, computeInitContainerActions.
    """
    if is_initialized(parts):
        return [part for part in parts if not part.is_init or part.is_sidecar]
    earlier: list[Part] = []  # sidecars that run meanwhile, and come back when they fall
    for part in parts:
        if part.is_init and not is_done(part):
            return [*earlier, part]
        if part.is_sidecar:
            earlier.append(part)
    return []


def is_over(pod: Obj, parts: Sequence[Part]) -> bool:
    """Nothing but sidecars is left to run: all containers have ended for good, or an init container has failed."""
    spec = pod["spec"]
    regular = [part for part in parts if part.field == "containers"]
    if all(
        part.exit_code is not None and not containers.restarts(part, spec, part.exit_code) for part in regular
    ):
        return True
    return has_failed_to_initialize(spec, parts)


def has_failed_to_initialize(spec: Obj, parts: Sequence[Part]) -> bool:
    return any(
        part.exit_code and not containers.restarts(part, spec, part.exit_code)
        for part in parts
        if part.is_init and not part.is_sidecar
    )


# -- when --------------------------------------------------------------------------------------------------------


def _of_waiting(part: Part, parts: Sequence[Part], pod: Obj) -> Turn | None:
    reason, image = part.waits_for, part.container.get("image", "")
    if reason == containers.CRASH_LOOP:
        return Turn("restart", containers.restart_at(part.entry))
    if part.life.is_missing(image) or images.is_malformed(image):
        if part.entry["image"] != image or reason not in _PULL_STATES:
            return Turn("pull_error")
        if reason == containers.PULL:
            return Turn("pull_back_off")
        return None
    pull_s = part.life.pull_s
    if pull_s is None or part.container.get("imagePullPolicy") == "Never":
        return Turn("start")
    return Turn("start", _turn_came(part, parts, pod) + pull_s)


_PULL_STATES = (containers.PULL, containers.PULL_BACK_OFF, containers.NEVER_PULL, containers.BAD_NAME)


def _turn_came(part: Part, parts: Sequence[Part], pod: Obj) -> float:
    """When the container was free to start: with the pod, or when the last init container was through."""
    times = [walk(p.entry, "state", "terminated", "finishedAt") or walk(p.entry, "state", "running", "startedAt")
             for p in parts if p.is_init and p is not part]  # fmt: skip
    started = pod["status"].get("startTime")
    return max((clocks.parse_rfc3339(time) for time in (*times, started) if time), default=0.0)


def _of_running(pod: Obj, part: Part, now: float) -> Turn | None:
    entry, life = part.entry, part.life
    started_at = walk(entry, "state", "running", "startedAt")
    if not started_at:
        return None
    if entry["image"] != images.canonical(part.container.get("image", "")):
        return Turn("replace")
    if is_resized(part):
        return Turn("resize")
    began, course = clocks.parse_rfc3339(started_at), part.course
    turns = [Turn("exit", began + life.run_s)]
    if course.killed_s != NEVER:
        turns.append(Turn("unhealthy", began + course.killed_s + _dying_s(pod, part)))
    changes = [t for t in (course.started_s, course.ready_s, course.unready_s) if t != NEVER]
    shown = (entry.get("started"), entry.get("ready"))
    for moment in (now - began, *(t for t in sorted(changes) if t > now - began)):
        if containers.probed(part, course, moment + TOGETHER_S) != shown:
            turns.append(Turn("probe", began + moment))
            break
    return min(turns, key=lambda turn: turn.at)


def is_resized(part: Part) -> bool:
    """Asked for is not what it has. Source: pkg/kubelet/allocation."""
    if part.field == "ephemeralContainers" or "resources" not in part.entry:
        return False
    wanted = part.container.get("resources") or {}
    has = part.entry["resources"] or {}
    return any((wanted.get(side) or {}) != (has.get(side) or {}) for side in ("limits", "requests"))


def _dying_s(pod: Obj, part: Part) -> float:
    """From the decision to kill it until it ends, on its own or by force."""
    return min(part.life.stop_s, float(probe_grace_s(pod, part)))


def probe_grace_s(pod: Obj, part: Part) -> int:
    """What a probe that failed leaves it. Source: kuberuntime_container.go, setTerminationGracePeriod."""
    own = (part.container.get(f"{part.course.killer}Probe") or {}).get("terminationGracePeriodSeconds")
    wanted = pod["spec"].get("terminationGracePeriodSeconds", 30) if own is None else own
    return max(int(wanted), LEAST_GRACE_S)


def _of_ended(pod: Obj, part: Part, parts: Sequence[Part]) -> Turn | None:
    code = part.exit_code
    assert code is not None, "only for containers that have ended"
    if not containers.restarts(part, pod["spec"], code):
        return None
    if part.is_init and not part.is_sidecar and is_initialized(parts):
        return None
    return Turn("back_off") if containers.back_off_s(part.entry) else Turn("restart")


def _stopping(pod: Obj, parts: Sequence[Part], killed_at: float) -> Iterator[tuple[Part, Turn]]:
    """Containers end on their own after SIGTERM, or are killed; sidecars come last, in reverse order.

    Source: kuberuntime_termination_order.go.
    """
    grace = pod["metadata"].get("deletionGracePeriodSeconds")
    asked_at = killed_at - grace if grace is not None else _last_finished(parts)
    killed_at = max(killed_at, asked_at + LEAST_GRACE_S)
    first = [part for part in parts if part.is_running and not part.is_sidecar]
    for part in first:
        yield part, Turn("stop", min(asked_at + part.life.stop_s, killed_at))
    sidecars = [part for part in parts if part.is_sidecar and part.is_running]
    if sidecars and not first:
        free_at = max(asked_at, _last_finished(parts))
        yield sidecars[-1], Turn("stop", min(free_at + sidecars[-1].life.stop_s, killed_at))


def _last_finished(parts: Sequence[Part]) -> float:
    times = [walk(part.entry, "state", "terminated", "finishedAt") for part in parts]
    return max((clocks.parse_rfc3339(time) for time in times if time), default=0.0)


# -- readiness gates ---------------------------------------------------------------------------------------------


def gates_differ(pod: Obj) -> bool:
    """The Ready condition does not say what the gates do; nor, without any, that nothing holds the pod back: the node
    lifecycle controller said so while the node was silent."""
    ready, all_ready = condition(pod, "Ready"), condition(pod, "ContainersReady")
    if ready is None or all_ready is None or all_ready.get("status") != "True":
        return False
    text = gate_message(pod)
    return (ready.get("status") == "True") != (not text) or (bool(text) and ready.get("message") != text)


def gate_message(pod: Obj) -> str:
    """Why readiness gates hold the pod back, "" if none does. Source: status/generate.go, GeneratePodReadyCondition."""
    status = {c["type"]: c.get("status") for c in (pod.get("status") or {}).get("conditions") or ()}
    texts = [
        f'corresponding condition of pod readiness gate "{name}" does not exist.' if name not in status
        else f'the status of pod readiness gate "{name}" is not "True", but {status[name]}'
        for name in (gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ())
        if status.get(name) != "True"
    ]  # fmt: skip
    return ", ".join(texts)
