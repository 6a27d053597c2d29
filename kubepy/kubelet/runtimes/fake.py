"""What a container that does not exist does: how long it runs, how it ends, what its probes say. Pure.

A real kubelet finds this out by running the image. Here annotations of the pod say it, for all of its containers or,
with `.NAME` behind, for one of them:

    kubepy.io/run-seconds: "90"          how long a run takes; "forever": until it is stopped
    kubepy.io/exit-code: "1,oom,0"       how the first, second, ... run ends; the last goes on. oom: OOMKilled, 137
    kubepy.io/message: "disk is full"    the termination message
    kubepy.io/started-seconds: "5"       from the start until it would pass a startup probe; "never"
    kubepy.io/ready-seconds: "10"        from then until it would pass a readiness probe; "never"
    kubepy.io/unready-seconds: "60"      from the start until a readiness probe fails again
    kubepy.io/unhealthy-seconds: "30"    from the start until a liveness probe begins to fail
    kubepy.io/stop-seconds: "3"          from SIGTERM until the container ends; "never": it has to be killed
    kubepy.io/image: missing             its image cannot be pulled; present: it can, whatever its name
    kubepy.io/pull-seconds: "2"          how long pulling takes; without it images are there already

    kubepy.io/exit-code.main: "3"        of the container called main

Durations are seconds or Go's (1m30s). When the kubelet finds out is probes.py's. What is not said follows from what a
user of the common images would see: servers run on, commands and Jobs end, a `sleep` in a command takes its time,
`exit 3` and `false` fail.
"""

from __future__ import annotations

import posixpath
import re

from msgspec import Struct

from kubepy.api.objects import Obj, controller_of, walk
from kubepy.kubelet.durations import parse_s
from kubepy.kubelet.runtimes import images

PREFIX = "kubepy.io/"
OOM = "oom"

# Containers that end by themselves take this long, unless something says otherwise.
RUN_S = 1.0
INIT_S = 0.3
# A container that reacts to SIGTERM, as servers do. Stages add what that takes: a deletion's time has whole seconds.
STOP_S = 0.0

NEVER = float("inf")

_SLEEP = re.compile(r"\bsleep\s+(infinity|inf|\d+(?:\.\d+)?)([smhd]?)")
_SLEEP_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LOOPS = re.compile(r"\b(while|until)\b.*\bdo\b|\btail -f\b", re.DOTALL)
_EXIT = re.compile(r"\bexit\s+(\d+)\b")


class Life(Struct, frozen=True):
    """One container's. Times are seconds from its start; NEVER for what does not happen."""

    run_s: float = NEVER
    ends: tuple[str, ...] = ("0",)  # of the first, second, ... run: "1", "oom"
    message: str = ""
    started_s: float = 0.0
    ready_s: float = 0.0  # never before started_s
    unready_s: float = NEVER
    unhealthy_s: float = NEVER
    stop_s: float = STOP_S  # from SIGTERM
    image: str = ""  # "missing", "present"; "" leaves it to the name
    pull_s: float | None = None  # None: the image is there

    def end(self, run: int) -> str:
        """How the run of that number (from 0) ends."""
        return self.ends[min(run, len(self.ends) - 1)]

    def is_missing(self, image: str) -> bool:
        return self.image == "missing" or (self.image != "present" and images.is_missing(image))


def life_of(pod: Obj, container: Obj, *, is_init: bool = False) -> Life:
    """What the container does in this pod."""
    run_s, code = _guess(pod, container, is_init)
    pre_stop = walk(container, "lifecycle", "preStop", "sleep", "seconds") or 0
    said = _said(pod, container["name"])
    if not said:
        return Life(run_s=run_s, ends=(code,), stop_s=pre_stop + STOP_S)
    ends = tuple(word.strip() for word in said.get("exit-code", "").split(",") if word.strip())
    if ends and "run-seconds" not in said and run_s == NEVER:
        run_s = RUN_S
    started_s = _time(said, "started-seconds", 0.0)
    return Life(
        run_s=_time(said, "run-seconds", run_s),
        ends=ends or (code,),
        message=said.get("message", ""),
        started_s=started_s,
        ready_s=started_s + _time(said, "ready-seconds", 0.0),
        unready_s=_time(said, "unready-seconds", NEVER),
        unhealthy_s=_time(said, "unhealthy-seconds", NEVER),
        stop_s=pre_stop + _time(said, "stop-seconds", STOP_S),
        image=said.get("image", ""),
        pull_s=_time(said, "pull-seconds", 0.0) if "pull-seconds" in said else None,
    )


def _said(pod: Obj, name: str) -> dict[str, str]:
    """The annotations for this container, without their prefix; its own win."""
    annotations = pod["metadata"].get("annotations")
    if not annotations:
        return {}
    found, own = {}, {}
    for key, value in annotations.items():
        if key.startswith(PREFIX):
            what, _, whose = key[len(PREFIX) :].partition(".")
            if not whose:
                found[what] = value
            elif whose == name:
                own[what] = value
    return found | own


def _time(said: dict[str, str], name: str, default: float) -> float:
    """An annotation that cannot be read is as good as none: nobody validates them."""
    text = said.get(name)
    if text is None:
        return default
    if text in ("never", "forever"):
        return NEVER
    seconds = parse_s(text)
    return default if seconds is None else seconds


def _guess(pod: Obj, container: Obj, is_init: bool) -> tuple[float, str]:
    """(seconds of a run, its end) from the command, the image and the owner."""
    if is_init:
        return _guess_init(container)
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    known = _of_command(words)
    is_always = pod["spec"].get("restartPolicy", "Always") == "Always" and not container.get("restartPolicy")
    if is_always:
        # What goes on for ever is a server, unless its command plainly ends.
        if known is not None and (
            known[1] != "0" or posixpath.basename(words[0]) in ("sleep", "true", "false")
        ):
            return known
        return NEVER, "0"
    if known is not None:
        return known
    owner = controller_of(pod)
    in_job = owner is not None and owner.get("kind") == "Job"
    if images.is_pause(container.get("image", "")) or not (words or in_job):
        # No command: the image's own, which for nearly all images is a server.
        return NEVER, "0"
    return RUN_S, "0"


def _guess_init(container: Obj) -> tuple[float, str]:
    if container.get("restartPolicy") == "Always":
        return NEVER, "0"
    known = _of_command([*(container.get("command") or ()), *(container.get("args") or ())])
    if known is None:
        return INIT_S, "0"
    return (INIT_S if known[0] == RUN_S else known[0]), known[1]


def _of_command(words: list[str]) -> tuple[float, str] | None:
    """What the command line alone says; None if that is nothing."""
    if not words:
        return None
    text = " ".join(words)
    program = posixpath.basename(words[0])
    if program in ("true", "false") and len(words) == 1:
        return RUN_S, "0" if program == "true" else "1"
    if _LOOPS.search(text):
        return NEVER, "0"
    exits, sleeps = _EXIT.findall(text), _SLEEP.findall(text)
    if program == "sleep" and len(words) > 1 and not sleeps:
        return None
    code = exits[-1] if exits else ("1" if text.endswith(("; false", "&& false", "-c false")) else "0")
    if not sleeps:
        return (RUN_S, code) if code != "0" or exits else None
    return sum(NEVER if n.startswith("inf") else float(n) * _SLEEP_UNITS_S[unit] for n, unit in sleeps), code
