"""GangScheduling: pods of a PodGroup wait until the group and enough of its pods are there, and get their nodes only if
enough of them do.

Source: kubernetes 1.37 pkg/scheduler/framework/plugins/gangscheduling/gangscheduling.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api.objects import Obj, key_of
from kubepy.scheduler.framework import Action, ClusterEvent, Code, Hint, Interest, Status
from kubepy.scheduler.node_info import PodInfo
from kubepy.scheduler.pod_groups import group_of, min_count
from kubepy.scheduler.toolbox import Toolbox

_NAME = "GangScheduling"
_TOO_FEW = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE,
    "waiting for minCount pods from a gang to appear in scheduling queue",
    plugin=_NAME,
)


class GangScheduling:
    name = _NAME

    def __init__(self, tools: Toolbox) -> None:
        assert tools.groups is not None, "NEEDS says so"
        self._groups = tools.groups

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        key = group_of(pod.obj)
        if key is None:
            return None
        group = self._groups.get(key)
        if group is None:
            message = f'waiting for pod\'s pod group "{key.name}" to appear in scheduling queue'
            return Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, message, plugin=_NAME)
        is_gang = group["spec"]["schedulingPolicy"].get("gang") is not None
        return _TOO_FEW if is_gang and self._groups.count(key) < min_count(group) else None

    def events(self) -> Sequence[Interest]:
        # A pod's group cannot change, and no pod that goes makes a gang complete.
        return [
            Interest(ClusterEvent("UnscheduledPod", Action.ADD), _after_pod),
            Interest(ClusterEvent("Pod", Action.ADD), _after_pod),
            Interest(ClusterEvent("PodGroup", Action.ADD), _after_group),
            Interest(ClusterEvent("PodGroup", Action.UPDATE), _after_group_update),
        ]

    def placement_feasible(self, group: Obj, *, scheduled: int, remaining: int) -> Status | None:
        wanted = min_count(group)
        if remaining + scheduled < wanted:
            text = f"minCount ({wanted}) cannot be satisfied: {scheduled} scheduled, {remaining} remaining"
            return Status(Code.UNSCHEDULABLE, text, plugin=_NAME)
        if scheduled < wanted:
            text = f"minCount ({wanted}) is not yet satisfied: {scheduled} scheduled, {remaining} remaining"
            return Status(Code.WAIT, text, plugin=_NAME)
        return None


def _after_pod(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    mine = group_of(pod.obj)
    return Hint.QUEUE if new is not None and mine is not None and mine == group_of(new) else Hint.SKIP


def _after_group(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    return Hint.QUEUE if new is not None and group_of(pod.obj) == key_of(new) else Hint.SKIP


def _after_group_update(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    """Fewer are enough now."""
    if old is None or new is None or _after_group(pod, old, new) is Hint.SKIP:
        return Hint.SKIP
    gangs = [one["spec"]["schedulingPolicy"].get("gang") for one in (old, new)]
    if gangs[0] is None or gangs[1] is None:
        return Hint.SKIP
    return Hint.QUEUE if gangs[1]["minCount"] < gangs[0]["minCount"] else Hint.SKIP
