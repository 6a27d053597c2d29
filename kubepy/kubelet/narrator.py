"""What a kubelet says of a pod while its status stays as it is: each probe that fails, each pull that is tried again in
vain, each look at a container that may not start again yet, and whom it has begun to stop.

Only what was said last is remembered. After a restart what has failed before is not said again, what is being stopped
is: a kubelet that restarts stops it again. Differs: while it pulls again the status stays at ImagePullBackOff; looks
come without jitter.

Source: kubernetes 1.36 pkg/kubelet/prober/prober.go (probe), pkg/kubelet/images/image_manager.go (pullImage),
pkg/kubelet/kuberuntime/kuberuntime_manager.go
(computePodActions, computeInitContainerActions, doBackOff), kuberuntime_container.go (killContainer),
pkg/kubelet/pod_workers.go (completeWork).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from kubepy.api.objects import Key, Obj, annotations_of, is_deleting, key_of, uid_of, walk
from kubepy.client.events import NORMAL, WARNING, Recorder
from kubepy.kubelet import containers, probes, status, turns
from kubepy.kubelet.containers import Part
from kubepy.kubelet.runtimes.fake import NEVER, PREFIX
from kubepy.kubelet.turns import TOGETHER_S

# What the tail of a probe's message says. Source: pkg/probe/{http,tcp,grpc,exec}.
_OUTPUT = {
    "httpGet": "HTTP probe failed with statuscode: 500",
    "tcpSocket": "dial tcp {host}:{port}: connect: connection refused",
    "grpc": 'service unhealthy (responded with "NOT_SERVING")',
    "exec": "",
}


_BACKING_OFF = frozenset({containers.PULL_BACK_OFF, containers.CRASH_LOOP})
_PROBES = frozenset(f"{kind}Probe" for kind in probes.KINDS)
_KILLS = f"{PREFIX}unhealthy-seconds"

# A pod whose container waits is looked at so often. Source: kubelet's syncFrequency, resyncInterval.
LOOK_S = 60.0


class _Told(Struct):
    """Of one pod."""

    uid: str
    probed_s: dict[str, float] = field(default_factory=dict)  # id of a run -> told until then, from its start
    stopping: set[str] = field(default_factory=set)  # ids of runs
    # (container, image) -> when it is pulled next, and after which wait
    pulls: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    looks: dict[tuple[str, int], float] = field(default_factory=dict)  # (container, restarts) -> the next one


class Narrator:
    """For the pods of all our nodes."""

    def __init__(self) -> None:
        self._told: dict[Key, _Told] = {}

    def forget(self, pod: Key) -> None:
        self._told.pop(pod, None)

    def tell(self, pod: Obj, now: float, recorder: Recorder) -> float | None:
        """Say what there is to say by now; seconds until there is more, None if only a change of the pod brings it."""
        is_going = is_deleting(pod)
        if not is_going and not _may_say_more(pod):
            return None
        key, uid = key_of(pod), uid_of(pod)
        told = self._told.get(key)
        is_first_sight = told is None or told.uid != uid
        if told is None or is_first_sight:
            told = self._told[key] = _Told(uid)
        parts = containers.parts_of(pod)
        running = [part for part in parts if part.is_running]
        if is_going or turns.is_over(pod, parts):
            _tell_of_stops(pod, running, told, recorder)
            return None
        wait_s = min(
            _tell_of_probes(pod, running, told, now, recorder, is_first_sight=is_first_sight),
            _tell_of_pulls(pod, parts, told, now, recorder),
            _tell_of_restarts(pod, parts, told, now, recorder),
        )
        return None if wait_s == NEVER else wait_s


def _tell_of_stops(pod: Obj, running: Sequence[Part], told: _Told, recorder: Recorder) -> None:
    """All are told at once; sidecars then wait for their turn."""
    for part in running:
        if part.run not in told.stopping:
            told.stopping.add(part.run)
            text = f"Stopping container {part.name}"
            recorder.event(pod, NORMAL, "Killing", text, field_path=part.path)


def _tell_of_probes(
    pod: Obj, running: Sequence[Part], told: _Told, now: float, recorder: Recorder, *, is_first_sight: bool
) -> float:
    """Seconds until the next one fails."""
    said: list[tuple[float, Part, str]] = []
    before, told.probed_s = told.probed_s, {}
    wait_s = NEVER
    for part in running:
        if not part.entry["state"]["running"].get("startedAt"):
            continue  # somebody else's words
        course, running_s = part.course, part.running_s(now)
        after_s = before.get(part.run, running_s if is_first_sight else -1.0)
        told.probed_s[part.run] = until_s = max(after_s, running_s + TOGETHER_S)
        said += [(at - running_s, part, what) for at, what in course.moments(after_s, until_s)]
        wait_s = min(wait_s, course.next_moment_s(until_s) - running_s)
    for _, part, what in sorted(said, key=lambda moment: moment[0]):
        if what == probes.KILLED:
            recorder.event(pod, NORMAL, "Killing", _killing(pod, part), field_path=part.path)
        else:
            text = f"{what.capitalize()} probe failed: {_output(pod, part, what)}"
            recorder.event(pod, WARNING, "Unhealthy", text, field_path=part.path)
    return wait_s


def _tell_of_pulls(pod: Obj, parts: Sequence[Part], told: _Told, now: float, recorder: Recorder) -> float:
    """Seconds until the next one is tried."""
    wait_s = NEVER
    for part in parts:
        key = (part.name, part.container.get("image", ""))
        if part.waits_for != containers.PULL_BACK_OFF:
            continue
        due, step_s = told.pulls.get(key, (now + containers.BACK_OFF_S, containers.BACK_OFF_S))
        if due <= now + TOGETHER_S:
            for said in (*status.pull_failed(part), *status.pull_waits(part)):
                recorder.event(pod, said.type, said.reason, said.message, field_path=said.field_path)
            step_s = min(2 * step_s, containers.BACK_OFF_S_MAX)
            due = now + step_s
        told.pulls[key] = (due, step_s)
        wait_s = min(wait_s, due - now)
    return wait_s


def _tell_of_restarts(pod: Obj, parts: Sequence[Part], told: _Told, now: float, recorder: Recorder) -> float:
    """Seconds until the next look at one that waits for its restart; the first was told of when the wait began."""
    before, told.looks = told.looks, {}
    wait_s = NEVER
    for part in parts:
        if part.waits_for != containers.CRASH_LOOP:
            continue
        key = (part.name, part.entry["restartCount"])
        due = before.get(key, now + LOOK_S)
        if due <= now + TOGETHER_S:
            said = status.restart_waits(pod, part)
            recorder.event(pod, said.type, said.reason, said.message, field_path=said.field_path)
            due = now + LOOK_S
        told.looks[key] = due
        if due < containers.restart_at(part.entry):
            wait_s = min(wait_s, due - now)
    return wait_s


def _may_say_more(pod: Obj) -> bool:
    """It has probes, sidecars that stop on their own, annotations that get it killed, or containers that wait to be
    tried again."""
    spec, found = pod["spec"], pod.get("status") or {}
    return (
        any(_is_backing_off(entry) for entry in found.get("containerStatuses") or ())
        or any(_is_backing_off(entry) for entry in found.get("initContainerStatuses") or ())
        or any(not _PROBES.isdisjoint(container) for container in spec["containers"])
        or any(container.get("restartPolicy") == "Always" for container in spec.get("initContainers") or ())
        or any(name.startswith(_KILLS) for name in annotations_of(pod))
    )


def _is_backing_off(entry: Obj) -> bool:
    waiting = entry["state"].get("waiting")
    return waiting is not None and waiting.get("reason") in _BACKING_OFF


def _killing(pod: Obj, part: Part) -> str:
    """Why a probe ends a container."""
    text = f"Container {part.name} failed {part.course.killer} probe"
    if part.is_init:
        return f"Init {text[0].lower()}{text[1:]}"
    return f"{text}, will be restarted" if containers.restarts_killed(part, pod["spec"]) else text


def _output(pod: Obj, part: Part, which: str) -> str:
    probe = part.container.get(f"{which}Probe") or {}
    kind = next((kind for kind in _OUTPUT if kind in probe), "exec")
    action = probe.get(kind) or {}
    host = action.get("host") or walk(pod, "status", "podIP") or ""
    return _OUTPUT[kind].format(host=host, port=_port(part.container, action.get("port")))


def _port(container: Obj, port: object) -> object:
    """The number of a port that is named. Source: pkg/probe/util.go, ResolveContainerPort."""
    ports = {found.get("name"): found["containerPort"] for found in container.get("ports") or ()}
    return ports.get(port, port) if isinstance(port, str) else port
