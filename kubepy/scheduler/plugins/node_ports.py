"""NodePorts: a host port that the pod wants must be free on the node.

Source: pkg/scheduler/framework/plugins/nodeports/node_ports.go; kube-scheduler framework/types.go, HostPortInfo.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from kubepy.api.objects import Obj
from kubepy.api.pods import ANY_ADDRESS, host_ports, ports_conflict
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Scope, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo

_TAKEN = Status(
    Code.UNSCHEDULABLE, "node(s) didn't have free ports for the requested pod ports", plugin="NodePorts"
)
_SKIP = Status(Code.SKIP, plugin="NodePorts")


class NodePorts:
    name = "NodePorts"
    scope = Scope.NODE

    def sign(self, pod: PodInfo) -> Hashable:
        return pod.host_ports

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        return None if pod.host_ports else _SKIP

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        taken = node.ports
        if not taken:
            return None
        for protocol, port, address in pod.host_ports:
            addresses = taken.get((protocol, port))
            if addresses and (address == ANY_ADDRESS or ANY_ADDRESS in addresses or address in addresses):
                return _TAKEN
        return None

    def events(self) -> Sequence[Interest]:
        return [
            Interest(ClusterEvent("Pod", Action.DELETE), _after_pod_deleted),
            Interest(ClusterEvent("Node", Action.ADD)),
        ]


def _after_pod_deleted(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    assert old is not None, "it was deleted"
    if not old["spec"].get("nodeName") and not (old.get("status") or {}).get("nominatedNodeName"):
        return Hint.SKIP
    return Hint.QUEUE if ports_conflict(pod.host_ports, host_ports(old["spec"])) else Hint.SKIP
