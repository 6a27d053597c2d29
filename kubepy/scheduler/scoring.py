"""How well a node's amounts suit a pod, for any resources and weights. Pure.

The usual cases, cpu and memory alike with LeastAllocated, have shorter ways of their own in the plugins.

Source: pkg/scheduler/framework/plugins/noderesources/{resource_allocation,least_allocated,most_allocated,
requested_to_capacity_ratio,balanced_allocation}.go, plugins/helper/shape_score.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kubepy.scheduler.args import NodeResourcesFitArgs, ResourceWeight, ShapePoint
from kubepy.scheduler.framework import NODE_SCORE_MAX
from kubepy.scheduler.node_info import NodeInfo, PodInfo

# Points of a shape go from 0 to this. Source: pkg/scheduler/apis/config/types.go, MaxCustomPriorityScore.
SHAPE_SCORE_MAX = 10

_ALWAYS_COUNTED = ("cpu", "memory", "ephemeral-storage")


class Amounts(NamedTuple):
    weight: int
    allocated: int
    requested: int  # with the pod
    allocatable: int


def amounts(
    resources: Sequence[ResourceWeight], pod: PodInfo, node: NodeInfo, *, nonzero: bool
) -> list[Amounts]:
    """Of those resources that count for the pod on this node. `nonzero`: who requests no cpu or memory is taken to need
    some."""
    found = []
    for name, weight in resources:
        if nonzero and name == "cpu":
            wanted, used = pod.nonzero_milli_cpu, node.nonzero_milli_cpu
        elif nonzero and name == "memory":
            wanted, used = pod.nonzero_memory, node.nonzero_memory
        else:
            wanted, used = pod.requests.of(name), node.requested.of(name)
        have = node.allocatable.of(name)
        if have and (wanted or name in _ALWAYS_COUNTED):
            found.append(Amounts(weight, used, used + wanted, have))
    return found


def strategy(args: NodeResourcesFitArgs) -> Callable[[PodInfo, NodeInfo], int]:
    """What NodeResourcesFit scores by."""
    resources = args.resources
    combine = {
        "LeastAllocated": _least_allocated,
        "MostAllocated": _most_allocated,
        "RequestedToCapacityRatio": _by_shape(args.shape),
    }[args.strategy]
    return lambda pod, node: combine(amounts(resources, pod, node, nonzero=True))


def _least_allocated(counted: Sequence[Amounts]) -> int:
    return _mean(
        [(one.weight, _percent(one.allocatable - one.requested, one.allocatable)) for one in counted]
    )


def _most_allocated(counted: Sequence[Amounts]) -> int:
    return _mean(
        [(one.weight, _percent(min(one.requested, one.allocatable), one.allocatable)) for one in counted]
    )


def _percent(part: int, whole: int) -> int:
    return max(part, 0) * NODE_SCORE_MAX // whole


def _mean(scores: Sequence[tuple[int, int]]) -> int:
    weights = sum(weight for weight, _ in scores)
    return sum(weight * score for weight, score in scores) // weights if weights else 0


def _by_shape(points: Sequence[ShapePoint]) -> Callable[[Sequence[Amounts]], int]:
    shape = _stretched(points)

    def combine(counted: Sequence[Amounts]) -> int:
        total, weights = 0, 0
        for one in counted:
            is_over = one.requested > one.allocatable
            used = NODE_SCORE_MAX if is_over else one.requested * NODE_SCORE_MAX // one.allocatable
            # What scores nothing does not pull the others down either.
            if (score := broken_line(shape, used)) > 0:
                total += one.weight * score
                weights += one.weight
        return math.floor(total / weights + 0.5) if weights else 0

    return combine


def _stretched(points: Sequence[ShapePoint]) -> list[tuple[int, int]]:
    return [(point.utilization, point.score * (NODE_SCORE_MAX // SHAPE_SCORE_MAX)) for point in points]


def by_use(points: Sequence[ShapePoint]) -> Callable[[Sequence[tuple[int, int]]], int]:
    """The mean over (requested, capacity). Source: volumebinding/scorer.go."""
    shape = _stretched(points)

    def score(uses: Sequence[tuple[int, int]]) -> int:
        total = 0
        for requested, capacity in uses:
            is_over = not capacity or requested > capacity
            total += broken_line(shape, NODE_SCORE_MAX if is_over else requested * NODE_SCORE_MAX // capacity)
        return math.floor(total / len(uses) + 0.5) if uses else 0

    return score


def broken_line(shape: Sequence[tuple[int, int]], x: int) -> int:
    """The value at x of straight lines between (x, y) points; before the first and after the last it is theirs."""
    for at, (right, y) in enumerate(shape):
        if x <= right:
            if at == 0:
                return y
            left, before = shape[at - 1]
            # Go's division truncates towards zero.
            return before + math.trunc((y - before) * (x - left) / (right - left))
    return shape[-1][1]


def balance(counted: Sequence[Amounts]) -> int:
    """75 when the pod leaves the balance as it is, towards 100 as it improves it, towards 50 as it spoils it."""
    before = _evenness([one.allocated / one.allocatable for one in counted])
    after = _evenness([one.requested / one.allocatable for one in counted])
    half = NODE_SCORE_MAX // 2
    return half + (half + after - before) // 2


def _evenness(fractions: Sequence[float]) -> int:
    """100 when all are used alike: 1 - standard deviation, in percent."""
    capped = [min(fraction, 1.0) for fraction in fractions]
    deviation = 0.0
    if len(capped) == 2:
        deviation = abs(capped[0] - capped[1]) / 2
    elif len(capped) > 2:
        mean = sum(capped) / len(capped)
        deviation = math.sqrt(sum((one - mean) ** 2 for one in capped) / len(capped))
    return int((1 - deviation) * NODE_SCORE_MAX)
