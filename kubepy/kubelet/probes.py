"""What a kubelet finds out by probing a container, and when: not at once, but at its next probe, and the next. Pure.

A container's Life says how it is (started after 5 s, ready after 12 s). Its probes look every periodSeconds, from
initialDelaySeconds on; readiness and liveness only once the startup probe has succeeded; and failureThreshold or
successThreshold answers in a row are needed until one counts. `Course.of` is what comes of both.

What annotations say of a probe that is not in the spec happens at its own time, and without a word.
Differs: a kubelet begins to count periods before the container runs; here the first probe is at initialDelaySeconds.

Source: kubernetes 1.36 pkg/kubelet/prober/{worker,prober,prober_manager}.go.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

from kubepy.api.objects import Obj
from kubepy.kubelet.runtimes.fake import NEVER, Life

# In the order in which they begin.
KINDS = ("startup", "readiness", "liveness")
# What happens at Course.killed_s, after the probe that fails then.
KILLED = "killed"

# Source: pkg/apis/core/v1/defaults.go, SetDefaults_Probe.
PERIOD_S, FAILURES, SUCCESSES = 10, 3, 1


class _Schedule(Struct, frozen=True):
    """When one probe is taken, from `first_s` on. Without a period: always."""

    first_s: float
    period_s: float = 0.0
    failures: int = 1
    successes: int = 1

    def at(self, moment_s: float) -> float:
        """The first probe at that time or later."""
        if moment_s <= self.first_s or not self.period_s or moment_s == NEVER:
            return max(moment_s, self.first_s)
        return self.first_s + math.ceil((moment_s - self.first_s) / self.period_s) * self.period_s

    def fails(self, moment_s: float) -> float:
        """When what is wrong from then on counts."""
        return self.at(moment_s) + (self.failures - 1) * self.period_s

    def succeeds(self, moment_s: float) -> float:
        return self.at(moment_s) + (self.successes - 1) * self.period_s

    def between(self, begin_s: float, end_s: float) -> Iterator[float]:
        """Each probe from begin_s on, before end_s."""
        moment_s = self.at(begin_s)
        while self.period_s and moment_s < end_s:
            yield moment_s
            moment_s += self.period_s


def _schedule(probe: Obj | None) -> _Schedule:
    if probe is None:
        return _Schedule(0.0)
    return _Schedule(
        float(probe.get("initialDelaySeconds") or 0),
        float(probe.get("periodSeconds") or PERIOD_S),
        int(probe.get("failureThreshold") or FAILURES),
        int(probe.get("successThreshold") or SUCCESSES),
    )


class Course(Struct, frozen=True):
    """A run as its kubelet sees it, in seconds from its start; NEVER for what does not happen."""

    started_s: float = 0.0
    ready_s: float = 0.0
    unready_s: float = NEVER
    killed_s: float = NEVER
    killer: str = ""  # "startup", "liveness": the probe it is killed for
    # (kind, when, from, until): probes that fail, until it is killed.
    failures: tuple[tuple[str, _Schedule, float, float], ...] = ()

    @staticmethod
    def of(container: Obj, life: Life) -> Course:
        startup, readiness, liveness = (container.get(f"{kind}Probe") for kind in KINDS)
        if startup is None and readiness is None and liveness is None:
            return Course(life.started_s, life.ready_s, life.unready_s, life.unhealthy_s, "liveness")
        when = _schedule(startup)
        started_s = when.at(life.started_s)
        gives_up_s = when.fails(0.0) if startup is not None else NEVER
        if started_s > gives_up_s:
            return Course(NEVER, NEVER, NEVER, gives_up_s, "startup", (("startup", when, 0.0, NEVER),))
        failures = [("startup", when, 0.0, started_s)]
        when = _schedule(readiness)
        # Starting makes the readiness probe look at once, and count its periods from there.
        when = _Schedule(max(when.first_s, started_s), when.period_s, when.failures, when.successes)
        ready_s = when.succeeds(life.ready_s)
        if when.at(life.unready_s) <= ready_s:
            ready_s = NEVER
            failures.append(("readiness", when, 0.0, NEVER))
        else:
            failures += [("readiness", when, 0.0, life.ready_s), ("readiness", when, life.unready_s, NEVER)]
        unready_s = when.fails(life.unready_s)
        when = _schedule(liveness)
        unhealthy_s = max(life.unhealthy_s, started_s)
        killed_s = when.fails(unhealthy_s)
        failures.append(("liveness", when, unhealthy_s, NEVER))
        said = tuple(failure for failure in failures if failure[1].period_s and failure[2] < failure[3])
        return Course(started_s, ready_s, unready_s, killed_s, "liveness", said)

    def moments(self, after_s: float, until_s: float) -> list[tuple[float, str]]:
        """(when, what) later than after_s and not later than until_s: of KINDS a probe that fails, or KILLED."""
        after_s, until_s = _just_after(after_s), _just_after(min(until_s, self.killed_s))
        found = [
            (moment_s, kind)
            for kind, when, begin_s, end_s in self.failures
            for moment_s in when.between(max(begin_s, after_s), min(end_s, until_s))
        ]
        if after_s <= self.killed_s < until_s:
            found.append((self.killed_s, KILLED))
        return sorted(found, key=lambda moment: moment[0])

    def next_moment_s(self, after_s: float) -> float:
        """NEVER if there is none later than that."""
        after_s = _just_after(after_s)
        found = (
            moment_s
            for _, when, begin_s, end_s in self.failures
            if (moment_s := when.at(max(begin_s, after_s))) < end_s
        )
        next_s = min(found, default=NEVER)
        if next_s <= self.killed_s:
            return next_s
        return self.killed_s if after_s <= self.killed_s else NEVER


def _just_after(moment_s: float) -> float:
    return moment_s + 1e-6
