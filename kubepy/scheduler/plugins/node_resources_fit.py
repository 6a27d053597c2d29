"""NodeResourcesFit: what the pod requests must be free on the node; the emptier the node, the better (LeastAllocated),
unless the arguments name another strategy. An extended resource that stands for a DeviceClass need not be there: where
the node offers none of it, DynamicResources looks for devices.

Not there: scoring by such a resource counts what device plugins offer only.

Source: pkg/scheduler/framework/plugins/noderesources/{fit,least_allocated,resource_allocation}.go.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from kubepy.api import pods
from kubepy.api.objects import Obj, uid_of
from kubepy.scheduler import scoring
from kubepy.scheduler.args import NodeResourcesFitArgs
from kubepy.scheduler.extended_resources import ExtendedResources
from kubepy.scheduler.framework import (
    NODE_SCORE_MAX,
    Action,
    ClusterEvent,
    Code,
    CycleState,
    Hint,
    Interest,
    Scope,
    Status,
)
from kubepy.scheduler.node_info import NodeInfo, PodInfo

_DEFAULTS = NodeResourcesFitArgs()


class NodeResourcesFit:
    name = "NodeResourcesFit"
    scope = Scope.NODE

    def __init__(
        self, args: NodeResourcesFitArgs = _DEFAULTS, extended: ExtendedResources | None = None
    ) -> None:
        self._args, self._extended = args, extended
        is_usual = (args.strategy, args.resources) == (_DEFAULTS.strategy, _DEFAULTS.resources)
        self._strategy = None if is_usual else scoring.strategy(args)
        # One Status per combination of reasons: there are few, and a full cluster has thousands of nodes with the same.
        self._statuses: dict[tuple[Code, tuple[str, ...]], Status] = {}

    def sign(self, pod: PodInfo) -> Hashable:
        return (pod.requests.key, pod.nonzero_milli_cpu, pod.nonzero_memory, self._backed(pod))

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        wanted, have, used = pod.requests, node.allocatable, node.requested
        if (
            len(node.pods) < have.pods
            and wanted.milli_cpu <= have.milli_cpu - used.milli_cpu
            and wanted.memory <= have.memory - used.memory
            and not wanted.ephemeral_storage
            and not wanted.scalars
        ):
            return None
        lacking = insufficient(pod, node, self._args, self._backed(pod))
        return self._status(pod, node, lacking) if lacking else None

    def score(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> int:
        """The mean of the free share of cpu and memory, in percent, after the pod; or as the arguments say."""
        if self._strategy is not None:
            return self._strategy(pod, node)
        have = node.allocatable
        total, count = 0, 0
        if have.milli_cpu:
            total, count = _free_percent(node.nonzero_milli_cpu + pod.nonzero_milli_cpu, have.milli_cpu), 1
        if have.memory:
            total, count = (
                total + _free_percent(node.nonzero_memory + pod.nonzero_memory, have.memory),
                count + 1,
            )
        return total // count if count else 0

    def events(self) -> Sequence[Interest]:
        return [
            Interest(ClusterEvent("Pod", Action.DELETE | Action.UPDATE_POD_SCALE_DOWN), _after_pod),
            Interest(ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_ALLOCATABLE), self._after_node),
            *(
                [Interest(ClusterEvent("DeviceClass", Action.ADD | Action.UPDATE), _after_class)]
                if self._extended is not None
                else ()
            ),
        ]

    def _backed(self, pod: PodInfo) -> tuple[str, ...]:
        scalars = pod.requests.scalars
        return self._extended.backed(scalars) if scalars and self._extended is not None else ()

    def _after_node(self, pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
        if new is None:
            return Hint.SKIP
        now = NodeInfo.of(new)
        if insufficient(pod, now, self._args, self._backed(pod)):
            return Hint.SKIP
        return Hint.QUEUE if old is None or _has_grown(pod, NodeInfo.of(old), now) else Hint.SKIP

    def _status(self, pod: PodInfo, node: NodeInfo, lacking: list[str]) -> Status:
        # More than the whole empty node has: evicting others cannot help.
        is_hopeless = any(
            pod.requests.of(name) > node.allocatable.of(name) for name in lacking if name != "pods"
        )
        code = Code.UNSCHEDULABLE_AND_UNRESOLVABLE if is_hopeless else Code.UNSCHEDULABLE
        reasons = tuple("Too many pods" if name == "pods" else f"Insufficient {name}" for name in lacking)
        status = self._statuses.get((code, reasons))
        if status is None:
            status = self._statuses[code, reasons] = Status(code, *reasons, plugin=self.name)
        return status


def insufficient(
    pod: PodInfo, node: NodeInfo, args: NodeResourcesFitArgs = _DEFAULTS, backed: Sequence[str] = ()
) -> list[str]:
    """Names of the resources that the node lacks for the pod, in upstream's order; those `backed` by devices only if
    the node offers some of them itself."""
    wanted, have, used = pod.requests, node.allocatable, node.requested
    lacking = ["pods"] if len(node.pods) + 1 > have.pods else []
    for name in ("cpu", "memory", "ephemeral-storage", *wanted.scalars):
        amount = wanted.of(name)
        if amount > 0 and amount > have.of(name) - used.of(name) and not _is_ignored(name, args):
            if name in backed and not have.of(name):
                continue
            lacking.append(name)
    return lacking


def _is_ignored(resource: str, args: NodeResourcesFitArgs) -> bool:
    """Only extended resources can be."""
    group, slash, _ = resource.partition("/")
    if not slash or f"{group}/".endswith("kubernetes.io/"):
        return False
    return resource in args.ignored_resources or group in args.ignored_resource_groups


def _free_percent(requested: int, capacity: int) -> int:
    return (capacity - requested) * NODE_SCORE_MAX // capacity if requested <= capacity else 0


def _after_pod(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if old is None:
        return Hint.SKIP
    if new is None:
        nominated = (old.get("status") or {}).get("nominatedNodeName")
        return Hint.QUEUE if old["spec"].get("nodeName") or nominated else Hint.SKIP
    if uid_of(new) == pod.uid:
        return Hint.QUEUE  # the pod itself asks for less
    if not new["spec"].get("nodeName"):
        return Hint.SKIP
    before, after = pods.requests(old), pods.requests(new)
    wanted = pods.requests(pod.obj)
    is_freed = any(amount and before.get(name, 0) > after.get(name, 0) for name, amount in wanted.items())
    return Hint.QUEUE if is_freed else Hint.SKIP


def _after_class(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    """A resource that the pod asks for stands for it now. Source: isSchedulableAfterDeviceClassEvent."""
    if new is None:
        return Hint.SKIP
    name = new["spec"].get("extendedResourceName")
    if old is not None and old["spec"].get("extendedResourceName") == name:
        return Hint.SKIP
    implicit = f"deviceclass.resource.kubernetes.io/{new['metadata']['name']}"
    return Hint.QUEUE if any(pod.requests.scalars.get(one) for one in (name, implicit) if one) else Hint.SKIP


def _has_grown(pod: PodInfo, before: NodeInfo, now: NodeInfo) -> bool:
    """In anything that the pod requests."""
    return now.allocatable.pods > before.allocatable.pods or any(
        pod.requests.of(name) and now.allocatable.of(name) > before.allocatable.of(name)
        for name in ("cpu", "memory", "ephemeral-storage", *pod.requests.scalars)
    )
