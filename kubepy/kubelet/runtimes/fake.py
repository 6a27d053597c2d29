"""What the fake runtime knows of a pod beside the object: the `.facts` that stages select on. Pure.

    image         "missing" if any container's image cannot exist, else "present"
    completes     whether the containers end by themselves
    runSeconds    how long they run before they do
    exitCode      what they end with
    readySeconds  how long after the start probes succeed
    graceSeconds  how long the containers take to stop once asked to
    deadline      RFC 3339 time of activeDeadlineSeconds, absent without one
    init          "done" (or none), "waiting" (the next init container has not started) or "running"
    initSeconds   how long the running init container takes
    pull          "ErrImagePull" or "ImagePullBackOff" while a container waits for its image, else absent
    changed       whether a running container's image is no longer the one that was asked for

A real kubelet finds these out by running the images. The rules here are what a user of the common images
would see: servers run on, commands and Jobs come to an end.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from kubepy.api.objects import Obj, controller_of, walk
from kubepy.lib import clock as clocks

# Images that tests everywhere use because they cannot be pulled; anything else counts as pullable.
# Source: kubernetes test/e2e/apps (webserver:404, foo:non-existent, redislave:nonexistent).
_MISSING_IMAGE = re.compile(
    r":404$|non-?exist|does-?not-?exist|no-such|not-?found|invalid|bad-?(image|tag)|imagepullbackoff|"
    r"(^|/)missing(:|$)|[^a-z0-9](bogus|typo)|^(bogus|typo)|\.invalid/",
    re.IGNORECASE,
)
_PAUSE_IMAGE = re.compile(r"(^|/)pause([-:@]|$)")
_SLEEP = re.compile(r"\bsleep\s+(infinity|inf|\d+(?:\.\d+)?)([smhd]?)")
_SLEEP_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

# Containers that end by themselves take this long, unless a `sleep` in their command says otherwise.
RUN_SECONDS = 1.0
INIT_SECONDS = 0.3
# A container that reacts to SIGTERM, as servers do.
STOP_SECONDS = 0.3


def facts_of(pod: Obj) -> Obj:
    spec = pod["spec"]
    facts: Obj = {
        "image": "missing" if missing_images(spec) else "present",
        "exitCode": 0,
        "graceSeconds": stop_seconds(pod),
        "readySeconds": ready_seconds(spec),
        "init": "done",
        "changed": is_changed(pod),
    }
    current = current_init(pod)
    if current is not None:
        container, running = current
        facts["init"] = "running" if running else "waiting"
        slept = sleep_seconds([*(container.get("command") or ()), *(container.get("args") or ())])
        facts["initSeconds"] = INIT_SECONDS if slept is None else slept
    run_seconds = completion_seconds(pod)
    facts["completes"] = run_seconds is not None
    if run_seconds is not None:
        facts["runSeconds"] = run_seconds
    pull = pull_state(pod)
    if pull:
        facts["pull"] = pull
    limit = spec.get("activeDeadlineSeconds")
    started = walk(pod, "status", "startTime")
    if limit is not None and started:
        facts["deadline"] = clocks.rfc3339(clocks.parse_rfc3339(started) + limit)
    return facts


def is_missing(image: str) -> bool:
    return _MISSING_IMAGE.search(image) is not None


def missing_images(spec: Obj) -> list[str]:
    return [c.get("image", "") for c in _all(spec) if is_missing(c.get("image", ""))]


def _all(spec: Obj) -> list[Obj]:
    return [*(spec.get("initContainers") or ()), *spec["containers"]]


def completion_seconds(pod: Obj) -> float | None:
    """Seconds until every container has ended; None if the pod runs on. restartPolicy Always never ends."""
    spec = pod["spec"]
    if spec.get("restartPolicy", "Always") == "Always":
        return None
    owner = controller_of(pod)
    in_job = owner is not None and owner.get("kind") == "Job"
    longest = 0.0
    for container in spec["containers"]:
        words = [*(container.get("command") or ()), *(container.get("args") or ())]
        if (slept := sleep_seconds(words)) is not None:
            longest = max(longest, slept)
        elif _PAUSE_IMAGE.search(container.get("image", "")) or not (words or in_job):
            # No command: the image's own, which for nearly all images is a server.
            return None
        else:
            longest = max(longest, RUN_SECONDS)
    return None if longest == float("inf") else longest


def sleep_seconds(words: list[str]) -> float | None:
    """The sum of `sleep N` in a command line; inf for `sleep infinity`; None if it does not sleep."""
    found = _SLEEP.findall(" ".join(words))
    if not found:
        return None
    return sum(float("inf") if n.startswith("inf") else float(n) * _SLEEP_UNITS_S[unit] for n, unit in found)


def stop_seconds(pod: Obj) -> float:
    """How long a deleted pod takes to end: its preStop sleep and then SIGTERM, never beyond the grace period."""
    grace = pod["metadata"].get("deletionGracePeriodSeconds")
    if grace is None:
        grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
    before = max(
        (walk(c, "lifecycle", "preStop", "sleep", "seconds") or 0 for c in pod["spec"]["containers"]),
        default=0,
    )
    return float(min(grace, before + STOP_SECONDS))


def ready_seconds(spec: Obj) -> float:
    """The latest first success of a startup or readiness probe, which here always succeeds at once when it is asked."""
    return float(max((_probe_seconds(container) for container in spec["containers"]), default=0))


def _probe_seconds(container: Obj) -> int:
    return sum(_first(container.get(name)) for name in ("startupProbe", "readinessProbe"))


def _first(probe: Any) -> int:
    return probe.get("initialDelaySeconds") or 0 if probe else 0


def current_init(pod: Obj) -> tuple[Obj, bool] | None:
    """The first init container that is not done, and whether it runs; None when all are. A started sidecar is done."""
    statuses = {s["name"]: s for s in (pod.get("status") or {}).get("initContainerStatuses") or ()}
    for container in pod["spec"].get("initContainers") or ():
        status = statuses.get(container["name"]) or {}
        state = status.get("state") or {}
        if container.get("restartPolicy") == "Always":
            done = bool(status.get("started"))
        else:
            done = walk(state, "terminated", "exitCode") == 0
        if not done:
            return container, "running" in state
    return None


def pull_state(pod: Obj) -> str:
    status = pod.get("status") or {}
    for entry in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        reason = walk(entry, "state", "waiting", "reason")
        if reason in ("ErrImagePull", "ImagePullBackOff"):
            return str(reason)
    return ""


def pull_error(image: str) -> str:
    """What containerd answers for an image that is not there."""
    canonical = canonical_image(image)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{canonical}": '
        f'failed to resolve reference "{canonical}": {canonical}: not found'
    )


def is_changed(pod: Obj) -> bool:
    """Pods may change their containers' images in place; the container then starts anew."""
    images = {c["name"]: canonical_image(c.get("image", "")) for c in pod["spec"]["containers"]}
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any("running" in s["state"] and images.get(s["name"], s["image"]) != s["image"] for s in statuses)


def canonical_image(image: str) -> str:
    """As a container runtime reports it: docker.io/library/nginx:latest."""
    last = image.rsplit("/", 1)[-1]
    tagged = image if ":" in last or "@" in last else f"{image}:latest"
    first, slash, _ = tagged.partition("/")
    if not slash:
        return f"docker.io/library/{tagged}"
    return tagged if "." in first or ":" in first or first == "localhost" else f"docker.io/{tagged}"


def image_id(image: str) -> str:
    """The repository with a digest that is the same for the same image, as a registry's would be."""
    canonical = canonical_image(image)
    repository = canonical.split("@")[0]
    if ":" in repository.rsplit("/", 1)[-1]:
        repository = repository.rpartition(":")[0]
    return f"{repository}@sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
