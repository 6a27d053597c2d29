"""One container's status, from waiting to terminated and back. Pure; entries are changed by those who own them.

    waiting (ContainerCreating, PodInitializing, ErrImagePull, CrashLoopBackOff)  ->  running  ->  terminated  ->  ...

Source: kubernetes 1.36 pkg/kubelet/kubelet_pods.go (convertToAPIContainerStatuses), pkg/kubelet/kuberuntime
(doBackOff), pkg/api/v1/pod/util.go (ContainerShouldRestart).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from msgspec import Struct

from kubepy.api.objects import Obj, copy, walk
from kubepy.kubelet import durations
from kubepy.kubelet.probes import Course
from kubepy.kubelet.runtimes import images
from kubepy.kubelet.runtimes.fake import OOM, Life, life_of
from kubepy.lib import clock as clocks

# Source: pkg/kubelet/kubelet.go, MaxCrashLoopBackOff, initialContainerBackOff; a container that ran for twice the
# longest back-off begins anew.
BACK_OFF_S, BACK_OFF_S_MAX, FORGOTTEN_S = 10, 300, 600

CRASH_LOOP = "CrashLoopBackOff"
NEVER_PULL, PULL, PULL_BACK_OFF, BAD_NAME = (
    "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName",
)  # fmt: skip

# The field of the pod's spec -> the field of its status.
FIELDS = {
    "initContainers": "initContainerStatuses",
    "containers": "containerStatuses",
    "ephemeralContainers": "ephemeralContainerStatuses",
}


class Part(Struct, frozen=True):
    """A container of a pod: what was asked for, what it does, and how it is."""

    container: Obj
    field: str  # "containers"; see FIELDS
    life: Life
    entry: Obj  # its ContainerStatus

    @property
    def name(self) -> str:
        return str(self.container["name"])

    @property
    def is_init(self) -> bool:
        return self.field == "initContainers"

    @property
    def is_sidecar(self) -> bool:
        return self.is_init and self.container.get("restartPolicy") == "Always"

    @property
    def path(self) -> str:
        """As events name it."""
        return f"spec.{self.field}{{{self.name}}}"

    @property
    def run(self) -> str:
        """The id of its last run, "" before there was one."""
        return str(self.entry.get("containerID") or "")

    def running_s(self, now: float) -> float:
        """Only of one that runs."""
        return now - clocks.parse_rfc3339(self.entry["state"]["running"]["startedAt"])

    @property
    def course(self) -> Course:
        """Of a run, as its probes tell it."""
        return Course.of(self.container, self.life)

    @property
    def is_running(self) -> bool:
        return "running" in self.entry["state"]

    @property
    def exit_code(self) -> int | None:
        """Of the last run, if it is over and nothing has started since."""
        code = walk(self.entry, "state", "terminated", "exitCode")
        return None if code is None else int(code)

    @property
    def waits_for(self) -> str:
        """The reason of a waiting container, "" for others."""
        return walk(self.entry, "state", "waiting", "reason") or ""


def parts_of(pod: Obj, *, own: bool = False) -> list[Part]:
    """In start order: init containers, containers, ephemeral ones. `own`: entries are copies, to be changed."""
    spec, status = pod["spec"], pod.get("status") or {}
    found = []
    for field, status_field in FIELDS.items():
        containers = spec.get(field)
        if not containers:
            continue
        before = {entry["name"]: entry for entry in status.get(status_field) or ()}
        for container in containers:
            entry = before.get(container["name"])
            if entry is None:
                entry = new_entry(
                    container, "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
                )
            elif own:
                entry = copy(entry)
            life = life_of(pod, container, is_init=field == "initContainers")
            found.append(Part(container, field, life, entry))
    return found


def new_entry(container: Obj, reason: str) -> Obj:
    entry: Obj = {
        "name": container["name"],
        "state": {"waiting": {"reason": reason}},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": container.get("image", ""),
        "imageID": "",
        "started": False,
    }
    if mounts := container.get("volumeMounts"):
        entry["volumeMounts"] = [_mount(mount) for mount in mounts]
    return entry


def _mount(mount: Obj) -> Obj:
    status: Obj = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        asked = mount.get("recursiveReadOnly")
        recursive = "Enabled" if asked in ("Enabled", "IfPossible") else "Disabled"
        status |= {"readOnly": True, "recursiveReadOnly": recursive}
    return status


# -- what may restart --------------------------------------------------------------------------------------------


def restarts(part: Part, spec: Obj, code: int) -> bool:
    """Whether it starts again after this exit code. Source: ContainerShouldRestart; init containers end with 0."""
    container = part.container
    if part.field == "ephemeralContainers":
        return False
    for rule in container.get("restartPolicyRules") or ():
        if _matches(rule.get("exitCodes") or {}, code):
            if rule.get("action") in ("Restart", "RestartAllContainers"):
                return True
            break
    policy = container.get("restartPolicy") or spec.get("restartPolicy", "Always")
    if part.is_init and not part.is_sidecar and code == 0:
        return False
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def restarts_killed(part: Part, spec: Obj) -> bool:
    """Whether it starts again after a probe got it killed. Source: computePodActions, shouldRestartOnFailure."""
    return (part.container.get("restartPolicy") or spec.get("restartPolicy", "Always")) != "Never"


def _matches(exit_codes: Obj, code: int) -> bool:
    return (code in (exit_codes.get("values") or ())) is (exit_codes.get("operator") == "In")


def restarts_all(part: Part, code: int) -> bool:
    """A rule says that the whole pod begins anew after this exit code."""
    for rule in part.container.get("restartPolicyRules") or ():
        if _matches(rule.get("exitCodes") or {}, code):
            return rule.get("action") == "RestartAllContainers"
    return False


def could_restart_all(part: Part) -> bool:
    """Source: pkg/api/v1/pod/util.go, AllContainersCouldRestart."""
    rules = part.container.get("restartPolicyRules") or ()
    return any(rule.get("action") == "RestartAllContainers" for rule in rules)


def back_off_s(entry: Obj) -> int:
    """How long a terminated container waits before it starts again: 0, 10, 20, ... 300 seconds.

    Nothing is remembered for it: how long it waited the last time is the gap between its last two runs.
    """
    ended = entry["state"]["terminated"]
    before = walk(entry, "lastState", "terminated")
    if before is None or not ended.get("startedAt") or not before.get("finishedAt"):
        return 0
    started = clocks.parse_rfc3339(ended["startedAt"])
    if clocks.parse_rfc3339(ended["finishedAt"]) - started > FORGOTTEN_S:
        return 0
    return next_back_off_s(started - clocks.parse_rfc3339(before["finishedAt"]))


def next_back_off_s(waited_s: float) -> int:
    """What follows on a wait: at first 10 s, then twice the last one. Waits last a little longer than they should."""
    step = BACK_OFF_S
    if waited_s < step - 1:
        return step
    while step < BACK_OFF_S_MAX and min(step * 2, BACK_OFF_S_MAX) <= waited_s + 1:
        step = min(step * 2, BACK_OFF_S_MAX)
    return min(step * 2, BACK_OFF_S_MAX)


_BACK_OFF = re.compile(r"back-off (\S+) restarting failed container=")


def restart_at(entry: Obj) -> float:
    """When a container in CrashLoopBackOff starts again; its message says how long it waits."""
    found = _BACK_OFF.match(walk(entry, "state", "waiting", "message") or "")
    wait_s = durations.parse_s(found.group(1)) if found else BACK_OFF_S
    finished = walk(entry, "lastState", "terminated", "finishedAt")
    return (clocks.parse_rfc3339(finished) if finished else 0.0) + (wait_s or 0.0)


def pod_name(pod: Obj) -> str:
    """web_default(7c9e...). Source: pkg/kubelet/util/format/pod.go."""
    metadata = pod["metadata"]
    return f"{metadata['name']}_{metadata['namespace']}({metadata.get('uid', '')})"


# -- transitions -------------------------------------------------------------------------------------------------


def wait(entry: Obj, reason: str, message: str = "") -> None:
    """What a terminated one was becomes its last state."""
    if "terminated" in entry["state"]:
        entry["lastState"] = entry["state"]
    entry["state"] = {"waiting": {"reason": reason} | ({"message": message} if message else {})}
    entry["ready"] = entry["started"] = False


def start(part: Part, pod: Obj, now: str) -> None:
    """A first run or another one."""
    entry, container = part.entry, part.container
    if "terminated" in entry["state"]:
        entry["lastState"] = entry["state"]
    if entry.get("containerID"):
        entry["restartCount"] += 1
    image = container.get("image", "")
    entry["state"] = {"running": {"startedAt": now}}
    entry["image"], entry["imageID"] = images.canonical(image), images.image_id(image)
    entry["containerID"] = container_id(pod["metadata"]["uid"], container["name"], entry["restartCount"])
    entry["user"] = {"linux": _user(pod["spec"], container)}
    allocate(entry, container)
    probe(part, 0.0)


def allocate(entry: Obj, container: Obj) -> None:
    """Its resources are those asked for. Source: convertContainerStatusResources."""
    resources = container.get("resources") or {}
    entry["resources"] = {side: resources[side] for side in ("limits", "requests") if resources.get(side)}
    entry.pop("allocatedResources", None)
    if resources.get("requests"):
        entry["allocatedResources"] = resources["requests"]


def _user(spec: Obj, container: Obj) -> Obj:
    of_pod, own = spec.get("securityContext") or {}, container.get("securityContext") or {}
    uid = own.get("runAsUser", of_pod.get("runAsUser", 0))
    gid = own.get("runAsGroup", of_pod.get("runAsGroup", 0))
    groups = {gid, *(of_pod.get("supplementalGroups") or ())}
    if of_pod.get("fsGroup") is not None:
        groups.add(of_pod["fsGroup"])
    return {"uid": uid, "gid": gid, "supplementalGroups": sorted(groups)}


@lru_cache(maxsize=1024)
def container_id(uid: str, name: str, restarts: int) -> str:
    return f"kubepy://{hashlib.sha256(f'{uid}/{name}/{restarts}'.encode()).hexdigest()}"


def probe(part: Part, running_s: float) -> None:
    part.entry["started"], part.entry["ready"] = probed(part, part.course, running_s)


def probed(part: Part, course: Course, running_s: float) -> tuple[bool, bool]:
    """(started, ready) as its probes say after so long. Without probes a running container is ready."""
    started = running_s >= course.started_s
    # Source: prober_manager.go, UpdatePodStatus: an init container is ready once it has ended well.
    ready = (
        started
        and course.ready_s <= running_s < course.unready_s
        and not (part.is_init and not part.is_sidecar)
    )
    return started, ready


def end(part: Part, how: str, now: str) -> None:
    """The run is over: `how` is an exit code or OOM."""
    entry, life = part.entry, part.life
    running = entry["state"].get("running")
    if running is None:
        return
    code = 137 if how == OOM else _code(how)
    reason = "OOMKilled" if how == OOM else "Completed" if code == 0 else "Error"
    entry["state"] = {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            **({"message": life.message} if life.message else {}),
            "startedAt": running.get("startedAt"),
            "finishedAt": now,
            "containerID": entry.get("containerID", ""),
        }
    }
    entry["started"] = False
    entry["ready"] = part.is_init and not part.is_sidecar and code == 0


def _code(text: str) -> int:
    return int(text) & 0xFF if text.isdigit() else 1


def lose(entry: Obj) -> None:
    """It never came up, and the pod is over. Source: kubelet_pods.go, TerminatePod, "ContainerStatusUnknown"."""
    if "terminated" in entry["state"]:
        return
    last = walk(entry, "lastState", "terminated")
    if last is not None:
        entry["state"], entry["lastState"] = {"terminated": last}, {}
    else:
        entry["state"] = {
            "terminated": {
                "exitCode": 137,
                "reason": "ContainerStatusUnknown",
                "message": "The container could not be located when the pod was terminated",
                "startedAt": None,
                "finishedAt": None,
            }
        }
    entry["ready"] = entry["started"] = False
