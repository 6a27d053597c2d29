"""NodeUnschedulable: a cordoned node takes only pods that tolerate being on one.

Source: pkg/scheduler/framework/plugins/nodeunschedulable/node_unschedulable.go.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from kubepy.api import placement
from kubepy.api.objects import Obj, uid_of
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Scope, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.plugins.taint_toleration import sign_tolerations

_CORDONED = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "node(s) were unschedulable", plugin="NodeUnschedulable"
)
_TAINT = {"key": placement.TAINT_UNSCHEDULABLE, "effect": placement.NO_SCHEDULE}


class NodeUnschedulable:
    name = "NodeUnschedulable"
    scope = Scope.NODE

    def sign(self, pod: PodInfo) -> Hashable:
        return sign_tolerations(pod)

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        if not node.unschedulable or _tolerates(pod.obj):
            return None
        return _CORDONED

    def events(self) -> Sequence[Interest]:
        return [
            Interest(ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_TAINT), _after_node),
            Interest(ClusterEvent("Pod", Action.UPDATE_POD_TOLERATION), _after_toleration),
        ]


def _tolerates(pod: Obj) -> bool:
    return placement.is_tolerated(_TAINT, placement.tolerations_of(pod))


def _after_node(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    was_closed = old is None or _is_cordoned(old)
    return Hint.QUEUE if was_closed and new is not None and not _is_cordoned(new) else Hint.SKIP


def _is_cordoned(node: Obj) -> bool:
    return bool((node.get("spec") or {}).get("unschedulable"))


def _after_toleration(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    is_own = new is not None and uid_of(new) == pod.uid
    return Hint.QUEUE if is_own and new is not None and _tolerates(new) else Hint.SKIP
