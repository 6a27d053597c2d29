"""Making room for a PodGroup: whom to evict in the whole cluster so that the group fits.

Every pod of lower priority is taken away in thought; if the group fits then, as many as possible are given back, those
first whose disruption budgets would be violated, then the more important. What could not be given back are the victims.
Pods of a group whose disruptionMode is All go together or not at all.

Source: kubernetes 1.37 pkg/scheduler/framework/preemption/podgrouppreemption.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from kubepy.scheduler.cache import Cache
from kubepy.scheduler.node_info import PodInfo

NEVER = "not eligible due to preemptionPolicy=Never."
NO_VICTIMS = "No preemption victims found for incoming preemptor"


class Unit(NamedTuple):
    """Pods that go together."""

    pods: tuple[PodInfo, ...]
    priority: int
    is_group: bool
    started: float  # of the first of them

    @property
    def importance(self) -> tuple[float, ...]:
        """Most important first. Source: moreImportantVictim."""
        return (-self.priority, not self.is_group, -len(self.pods) if self.is_group else 0, self.started)


def choose(
    units: Iterable[Unit],
    cache: Cache,
    why_not: Callable[[], str],
    split: Callable[[Sequence[Unit]], tuple[list[Unit], list[Unit]]],
) -> tuple[list[Unit], str]:
    """(victims, "") or ([], why nobody helps). `why_not()` tries the group as the cache is, and leaves no trace;
    `split` says whose eviction violates a budget."""
    candidates = sorted(units, key=lambda unit: unit.importance)
    if not candidates:
        return [], NO_VICTIMS
    away = {id(unit): ExitStack() for unit in candidates}

    def take(unit: Unit) -> None:
        for pod in unit.pods:
            away[id(unit)].enter_context(cache.without(pod.key))

    try:
        for unit in candidates:
            take(unit)
        if why := why_not():
            return [], why
        over, within = split(candidates)
        victims = []
        for unit in (*over, *within):
            away[id(unit)].close()
            if why_not():
                take(unit)
                victims.append(unit)
        return sorted(victims, key=lambda unit: unit.importance), ""
    finally:
        for stack in away.values():
            stack.close()
