"""TaintToleration: NoSchedule and NoExecute taints keep pods off that do not tolerate them; the fewer untolerated
PreferNoSchedule taints a node has, the better.

Source: pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from kubepy.api import placement
from kubepy.api.objects import Obj, uid_of
from kubepy.scheduler import framework
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Scope, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo

_TAINTED = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "node(s) had untolerated taint(s)", plugin="TaintToleration"
)


class TaintToleration:
    name = "TaintToleration"
    scope = Scope.NODE

    def sign(self, pod: PodInfo) -> Hashable:
        return sign_tolerations(pod)

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        taints = node.taints
        if not taints or placement.untolerated_taint(taints, placement.tolerations_of(pod.obj)) is None:
            return None
        return _TAINTED

    def score(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> int:
        taints = node.taints
        return (
            placement.count_untolerated_preferences(taints, placement.tolerations_of(pod.obj))
            if taints
            else 0
        )

    def normalize(self, scores: Sequence[int]) -> list[int]:
        return framework.normalize(scores, reverse=True)

    def events(self) -> Sequence[Interest]:
        return [
            Interest(ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_TAINT), _after_node),
            Interest(ClusterEvent("Pod", Action.UPDATE_POD_TOLERATION), _is_own_update),
        ]


def sign_tolerations(pod: PodInfo) -> Hashable:
    """tolerationSeconds is for the eviction, not for us."""
    return frozenset(
        (t.get("key"), t.get("operator"), t.get("value"), t.get("effect"))
        for t in placement.tolerations_of(pod.obj)
    )


def _is_kept_off(pod: Obj, node: Obj) -> bool:
    return placement.untolerated_taint(placement.taints_of(node), placement.tolerations_of(pod)) is not None


def _after_node(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    was_kept_off = old is None or _is_kept_off(pod.obj, old)
    return Hint.QUEUE if was_kept_off and new is not None and not _is_kept_off(pod.obj, new) else Hint.SKIP


def _is_own_update(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    return Hint.QUEUE if new is not None and uid_of(new) == pod.uid else Hint.SKIP
