"""NodeName: a pod that names its node fits no other.

Source: pkg/scheduler/framework/plugins/nodename/node_name.go.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Interest, Scope, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo

_OTHER_NODE = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "node(s) didn't match the requested node name", plugin="NodeName"
)
_SKIP = Status(Code.SKIP, plugin="NodeName")


class NodeName:
    name = "NodeName"
    scope = Scope.NODE

    def sign(self, pod: PodInfo) -> Hashable:
        return pod.spec.get("nodeName") or ""

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        return None if pod.spec.get("nodeName") else _SKIP

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        return None if pod.spec.get("nodeName") in (None, "", node.name) else _OTHER_NODE

    def events(self) -> Sequence[Interest]:
        return [Interest(ClusterEvent("Node", Action.ADD))]
