"""SchedulingGates: a pod with spec.schedulingGates is not considered until the last of them is removed.

Source: pkg/scheduler/framework/plugins/schedulinggates/scheduling_gates.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api.objects import Obj, uid_of
from kubepy.scheduler.framework import Action, ClusterEvent, Code, Hint, Interest, Status
from kubepy.scheduler.node_info import PodInfo


class SchedulingGates:
    name = "SchedulingGates"

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        gates = pod.spec.get("schedulingGates")
        if not gates:
            return None
        names = " ".join(gate["name"] for gate in gates)
        message = f"waiting for scheduling gates: [{names}]"
        return Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, message, plugin=self.name)

    def events(self) -> Sequence[Interest]:
        return [Interest(ClusterEvent("Pod", Action.UPDATE_POD_GATES_ELIMINATED), _is_own_update)]


def _is_own_update(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    return Hint.QUEUE if new is not None and uid_of(new) == pod.uid else Hint.SKIP
