"""What a search for a node came to: a choice, nodes among which others may choose, or no node and why.

Source: pkg/scheduler/schedule_one.go ScheduleResult, pkg/scheduler/framework/types.go FitError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from kubepy.lib.random import Random
from kubepy.scheduler.framework import Code, CycleState, Status
from kubepy.scheduler.node_info import NodeInfo

# Up to this many nodes are kept one by one in the record of a decision; of more, only counts.
DETAILS_MAX = 32


class Choice(Struct, frozen=True):
    """A node was found."""

    node: NodeInfo
    state: CycleState
    evaluated: int  # nodes looked at
    feasible: int  # of which this many fit
    ties: int  # of which this many were as good as the one taken
    score: int
    verdicts: Mapping[Status, int]  # the others, by why not
    details: tuple[tuple[str, Status | int], ...]  # (node, why not or its score), while there are few of them


class Feasible(Struct, frozen=True):
    """Nodes that fit, for those who have a say besides the plugins."""

    nodes: Sequence[NodeInfo]
    scores: Sequence[int]
    state: CycleState
    evaluated: int
    verdicts: Mapping[str, Status]  # the others, by name

    def choice(self, left: Sequence[NodeInfo], more: Mapping[str, int], random: Random) -> Choice:
        """The best of those that are left, with scores from elsewhere added."""
        known = {node.name: score for node, score in zip(self.nodes, self.scores, strict=True)}
        scores = [known[node.name] + more.get(node.name, 0) for node in left]
        best = max(scores)
        ties = scores.count(best)
        chosen = left[nth(scores, best, random.index(ties) if ties > 1 else 0)]
        details = tuple(zip((node.name for node in left), scores, strict=True))
        return Choice(
            chosen,
            self.state,
            self.evaluated,
            len(left),
            ties,
            best,
            Counter(self.verdicts.values()),
            details if len(left) <= DETAILS_MAX else (),
        )

    def rejection(self, rejected: Mapping[str, Status], nodes: Sequence[NodeInfo]) -> Rejection:
        """None is left."""
        verdicts = {**self.verdicts, **rejected}
        return Rejection(
            len(nodes),
            Counter(verdicts.values()),
            self.state,
            per_node=lambda: [(node, verdicts.get(node.name)) for node in nodes],
            details=tuple(verdicts.items()) if len(verdicts) <= DETAILS_MAX else (),
        )


class Rejection(Struct, frozen=True):
    """No node fits. `verdicts` counts nodes by status."""

    nodes: int
    verdicts: Mapping[Status, int]
    state: CycleState
    refusal: Status | None = None  # PreFilter's, for all nodes at once
    narrowed_by: tuple[str, ...] = ()
    per_node: Callable[[], Sequence[tuple[NodeInfo, Status | None]]] = lambda: ()
    details: tuple[tuple[str, Status | int], ...] = ()  # (node, why not), while there are few of them

    @property
    def unschedulable_plugins(self) -> set[str]:
        found = {
            s.plugin for s in self._statuses() if s.is_rejection and s.code is not Code.PENDING and s.plugin
        }
        return found | set(self.narrowed_by)

    @property
    def pending_plugins(self) -> set[str]:
        return {s.plugin for s in self._statuses() if s.code is Code.PENDING}

    def message(self, post_filter: str = "") -> str:
        """0/3 nodes are available: 1 Too many pods, 2 Insufficient cpu. preemption: ...

        Source: pkg/scheduler/framework/types.go, FitError.Error.
        """
        if self.refusal is not None:
            text = f"0/{self.nodes} nodes are available: {self.refusal.message}."
        else:
            text = f"0/{self.nodes} nodes are available:{_histogram(self.verdicts)}"
        return f"{text} {post_filter}" if post_filter else text

    def _statuses(self) -> list[Status]:
        return [*self.verdicts, *([self.refusal] if self.refusal is not None else [])]


def _histogram(verdicts: Mapping[Status, int]) -> str:
    counts: Counter[str] = Counter()
    for status, count in verdicts.items():
        for reason in status.reasons:
            counts[reason] += count
    # Sorted as text, count first, as upstream does.
    reasons = sorted(f"{count} {reason}" for reason, count in counts.items())
    return f" {', '.join(reasons)}." if reasons else ""


def nth(values: list[int], value: int, n: int) -> int:
    """Index of the n-th (from 0) occurrence."""
    index = values.index(value)
    for _ in range(n):
        index = values.index(value, index + 1)
    return index
