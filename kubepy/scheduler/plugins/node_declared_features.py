"""NodeDeclaredFeatures: what a pod cannot do without, and not every kubelet knows, the node has to declare.

Source: pkg/scheduler/framework/plugins/nodedeclaredfeatures, component-helpers nodedeclaredfeatures/features.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from kubepy.api.objects import Obj, uid_of
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Scope, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo

_NAME = "NodeDeclaredFeatures"
_SKIP = Status(Code.SKIP, plugin=_NAME)
_MISSING = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "node(s) didn't match Pod's required features", plugin=_NAME
)
_NONE: frozenset[str] = frozenset()


class NodeDeclaredFeatures:
    name = _NAME
    scope = Scope.NODE

    def sign(self, pod: PodInfo) -> Hashable:
        return pod.note(_NAME, _required)

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        return None if pod.note(_NAME, _required) else _SKIP

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        declared = _declared(node.document.obj) if node.document is not None else _NONE
        return None if pod.note(_NAME, _required) <= declared else _MISSING

    def events(self) -> Sequence[Interest]:
        return [
            Interest(ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_DECLARED_FEATURE), _after_node),
            Interest(ClusterEvent("Pod", Action.UPDATE), _after_pod),
        ]


def required_features(spec: Obj) -> frozenset[str]:
    found = set()
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    rules = (rule for container in containers for rule in container.get("restartPolicyRules") or ())
    if any(rule.get("action") == "RestartAllContainers" for rule in rules):
        found.add("RestartAllContainersOnContainerExits")
    if spec.get("hostNetwork") and spec.get("hostUsers") is False:
        found.add("UserNamespacesHostNetworkSupport")
    return frozenset(found) if found else _NONE


def _required(pod: PodInfo) -> frozenset[str]:
    return required_features(pod.spec)


def _declared(node: Obj) -> frozenset[str]:
    return frozenset((node.get("status") or {}).get("declaredFeatures") or ())


def _after_node(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if new is None or not _required(pod) <= _declared(new):
        return Hint.SKIP
    return Hint.SKIP if old is not None and _required(pod) <= _declared(old) else Hint.QUEUE


def _after_pod(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if old is None or new is None or uid_of(new) != pod.uid:
        return Hint.SKIP
    is_changed = required_features(old["spec"]) != required_features(new["spec"])
    return Hint.QUEUE if is_changed else Hint.SKIP
