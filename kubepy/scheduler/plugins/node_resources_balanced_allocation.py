"""NodeResourcesBalancedAllocation: prefer the node whose use of cpu and memory the pod brings closest together.

Source: pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from kubepy.scheduler import scoring
from kubepy.scheduler.args import NodeResourcesBalancedAllocationArgs
from kubepy.scheduler.framework import NODE_SCORE_MAX, Code, CycleState, Scope, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo

_SKIP = Status(Code.SKIP, plugin="NodeResourcesBalancedAllocation")


_DEFAULTS = NodeResourcesBalancedAllocationArgs()


class NodeResourcesBalancedAllocation:
    name = "NodeResourcesBalancedAllocation"
    scope = Scope.NODE

    def __init__(self, args: NodeResourcesBalancedAllocationArgs = _DEFAULTS) -> None:
        self._resources = None if args.resources == _DEFAULTS.resources else args.resources

    def sign(self, pod: PodInfo) -> Hashable:
        wanted = pod.requests
        return (wanted.milli_cpu, wanted.memory) if self._resources is None else wanted.key

    def pre_score(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Status | None:
        # A pod that requests nothing changes no balance; scoring it would send all such pods to one node.
        names = (name for name, _ in self._resources or _DEFAULTS.resources)
        return None if any(pod.requests.of(name) for name in names) else _SKIP

    def score(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> int:
        """75 when the pod leaves the balance as it is, towards 100 as it improves it, towards 50 as it spoils it."""
        if self._resources is not None:
            return scoring.balance(scoring.amounts(self._resources, pod, node, nonzero=False))
        used, have, wanted = node.requested, node.allocatable, pod.requests
        before = _balance(used.milli_cpu, have.milli_cpu, used.memory, have.memory)
        after = _balance(
            used.milli_cpu + wanted.milli_cpu, have.milli_cpu, used.memory + wanted.memory, have.memory
        )
        half = NODE_SCORE_MAX // 2
        # Go's division truncates, but the sum is never negative: balances lie between half and all.
        return half + (half + after - before) // 2


def _balance(cpu: int, cpu_capacity: int, memory: int, memory_capacity: int) -> int:
    """100 when both are used alike, 50 when one is full and the other empty: 1 - standard deviation, in percent."""
    if not cpu_capacity or not memory_capacity:
        return NODE_SCORE_MAX
    deviation = abs(min(cpu / cpu_capacity, 1.0) - min(memory / memory_capacity, 1.0)) / 2
    return int((1 - deviation) * NODE_SCORE_MAX)
