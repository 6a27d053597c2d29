"""NodeAffinity: spec.nodeSelector and node affinity against a node's labels and name.

Source: pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import orjson

from kubepy.api import placement
from kubepy.api.objects import Obj, walk
from kubepy.scheduler import framework
from kubepy.scheduler.args import NodeAffinityArgs
from kubepy.scheduler.framework import (
    Action,
    ClusterEvent,
    Code,
    CycleState,
    Hint,
    Interest,
    Narrowed,
    Scope,
    Status,
)
from kubepy.scheduler.node_info import NodeInfo, PodInfo

_MISMATCH = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE,
    "node(s) didn't match Pod's node affinity/selector",
    plugin="NodeAffinity",
)
_ENFORCED = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE,
    "node(s) didn't match scheduler-enforced node affinity",
    plugin="NodeAffinity",
)
_CONFLICT = Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "pod affinity terms conflict", plugin="NodeAffinity")
_SKIP = Status(Code.SKIP, plugin="NodeAffinity")
_REQUIRED, _PREFERRED = "NodeAffinity/required", "NodeAffinity/preferred"


class NodeAffinity:
    name = "NodeAffinity"
    scope = Scope.NODE

    def __init__(self, args: NodeAffinityArgs | None = None) -> None:
        added = args.added_affinity if args is not None else None
        as_pod: Obj = {"spec": {"affinity": {"nodeAffinity": added or {}}}}
        self._added = placement.required_affinity(as_pod)
        self._added_preferred = placement.preferred_affinity(as_pod)

    def sign(self, pod: PodInfo) -> Hashable:
        return sign_affinity(pod)

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Narrowed | Status | None:
        required = placement.required_affinity(pod.obj)
        if required.is_empty and self._added.is_empty:
            return _SKIP
        state[_REQUIRED] = required
        names = required.node_names
        if names is None:
            return None
        # Every term names its nodes, and no node by two names at once.
        return Narrowed(names) if names else _CONFLICT

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        if not self._added.matches(node.identity):
            return _ENFORCED
        required: placement.RequiredAffinity = state[_REQUIRED]
        return None if required.matches(node.identity) else _MISMATCH

    def pre_score(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Status | None:
        preferred = [*self._added_preferred, *placement.preferred_affinity(pod.obj)]
        if not preferred:
            return _SKIP
        state[_PREFERRED] = preferred
        return None

    def score(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> int:
        return placement.preference_score(state[_PREFERRED], node.identity)

    def normalize(self, scores: Sequence[int]) -> list[int]:
        return framework.normalize(scores)

    def events(self) -> Sequence[Interest]:
        return [Interest(ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_LABEL), self._after_node)]

    def _after_node(self, pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
        required = placement.required_affinity(pod.obj)
        if new is None or not self._added.matches(new) or not required.matches(new):
            return Hint.SKIP
        was_fit = old is not None and self._added.matches(old) and required.matches(old)
        return Hint.SKIP if was_fit else Hint.QUEUE


def sign_affinity(pod: PodInfo) -> Hashable:
    """() for a pod that goes anywhere."""
    spec = pod.spec
    selector, affinity = spec.get("nodeSelector"), walk(spec, "affinity", "nodeAffinity")
    if not selector and affinity is None:
        return ()
    return orjson.dumps([selector, affinity], option=orjson.OPT_SORT_KEYS)
