"""PodGroups as the scheduler sees them: which pods belong to one, where they are, and whether the group can still be
placed.

A pod names its group (spec.schedulingGroup). Pods of a group are decided together, in one cycle that nothing
interrupts: each finds its node as any pod would, with those before it already there; then all of them are bound, or
none (scheduler.py `_schedule_group`). So that it may happen, GangScheduling keeps them out of the queue until the group
and enough of its pods are there.

Not there, and off by default upstream: CompositePodGroups, topology constraints, claims of groups, PodGroups' own
preemption policy. Pods of a group whose disruptionMode is All are evicted one by one when a pod without a group
preempts them; together when a group does.

Source: kubernetes 1.37 pkg/scheduler/schedule_one_podgroup.go, backend/cache/podgroupstate.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kubepy.api import pods
from kubepy.api.builtins import POD_GROUPS, PODS
from kubepy.api.objects import Key, Obj, key_of, uid_of
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.node_info import PodInfo

if TYPE_CHECKING:
    from kubepy.client.informer import InformerFactory
    from kubepy.scheduler.outcomes import Choice, Rejection
    from kubepy.scheduler.queue import QueuedPod

INITIALLY_SCHEDULED = "PodGroupInitiallyScheduled"
_BY_GROUP = "pod_group"


class GroupInvalid(Exception):
    """Pods of one group contradict each other, or the group."""


class Attempt(NamedTuple):
    """What came of trying a group. Of the pods, in order: a node, why none, or (None) it was not tried."""

    members: Sequence[QueuedPod]
    outcomes: Sequence[Choice | Rejection | None]
    refusal: str = (
        ""  # why the group cannot be placed; "": it can, and those with a node are assumed and reserved
    )
    error: str = ""  # something broke

    @property
    def is_placed(self) -> bool:
        return not self.refusal and not self.error


def group_of(pod: Obj) -> Key | None:
    """The PodGroup that a pod names."""
    name = (pod["spec"].get("schedulingGroup") or {}).get("podGroupName")
    return Key(pod["metadata"]["namespace"], name) if name else None


def min_count(group: Obj) -> int:
    """How many of its pods have to have a node, for any to get one. Source: getMinCount."""
    gang = group["spec"]["schedulingPolicy"].get("gang")
    return gang["minCount"] if gang is not None else 1


def priority_of(group: Obj) -> int:
    return group["spec"].get("priority") or 0


class PodGroups:
    def __init__(self, informers: InformerFactory, cache: Cache) -> None:
        """Before the informers run."""
        self._groups, self._pods, self._cache = (
            informers.informer(POD_GROUPS),
            informers.informer(PODS),
            cache,
        )
        self._pods.add_index(_BY_GROUP, _active_group)

    def get(self, key: Key) -> Obj | None:
        return self._groups.get(key)

    def count(self, key: Key) -> int:
        """All its pods that have not ended."""
        return self._pods.count_by_index(_BY_GROUP, str(key))

    def uids(self, key: Key) -> list[str]:
        """Of those pods."""
        return [uid_of(pod) for pod in self._pods.by_index(_BY_GROUP, str(key))]

    def scheduled(self, key: Key) -> list[PodInfo]:
        """Those that have a node, or are about to get it."""
        found = (self._cache.pod(pod) for pod in self._pods.keys_by_index(_BY_GROUP, str(key)))
        return [pod for pod in found if pod is not None]

    def check(self, group: Obj, members: Sequence[QueuedPod]) -> None:
        """Raises GroupInvalid. Source: validatePodGroup."""
        first = members[0].pod
        wanted, policy = priority_of(group), _preemption_policy(first)
        for pod in (*(queued.pod for queued in members), *self.scheduled(key_of(group))):
            if pod.scheduler_name != first.scheduler_name:
                raise GroupInvalid(
                    "all pods in a single pod group should have the same .spec.schedulerName set, got: "
                    f'"{pod.scheduler_name}" and "{first.scheduler_name}"'
                )
            if pod.priority != wanted:
                raise GroupInvalid(
                    "all pods in a single pod group should have the same priority as the pod group's priority, got "
                    f"{pod.priority} and {wanted}"
                )
            if (other := _preemption_policy(pod)) != policy:
                raise GroupInvalid(
                    "all pods in a single pod group should have the same preemption policy, got "
                    f"{other} and {policy}"
                )


def in_order(members: Iterable[QueuedPod]) -> list[QueuedPod]:
    """By priority, then by when each was first seen, then by name."""
    return sorted(members, key=lambda queued: (-queued.pod.priority, queued.added_at, queued.pod.key))


def _preemption_policy(pod: PodInfo) -> str:
    return pod.spec.get("preemptionPolicy") or "PreemptLowerPriority"


def _active_group(pod: Obj) -> Iterable[str]:
    group = group_of(pod)
    return () if group is None or pods.is_terminal(pod) else (str(group),)
