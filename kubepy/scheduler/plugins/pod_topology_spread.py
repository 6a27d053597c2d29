"""PodTopologySpread: pods of a kind are to be spread evenly over places, the values of a node label.

Hard constraints (DoNotSchedule) filter: a node fits if its place would not have more than maxSkew pods above the place
that has fewest. Soft ones (ScheduleAnyway) score. A pod that brings no constraints has the profile's, which are by
default two soft ones, over hosts and over zones, for the pods that its Services and controller select.

The counts are kept (topology.py): a decision costs a few look-ups per candidate node.

Source: pkg/scheduler/framework/plugins/podtopologyspread/{plugin,common,filtering,scoring}.go.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kubepy.api import placement, selectors
from kubepy.api.objects import Obj, labels_of, uid_of
from kubepy.api.selectors import NOTHING, LabelRequirement, LabelSelector
from kubepy.scheduler.args import PodTopologySpreadArgs
from kubepy.scheduler.cache import names_of, places_of
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
from kubepy.scheduler.plugins.default_selector import DefaultSelector
from kubepy.scheduler.plugins.node_affinity import sign_affinity
from kubepy.scheduler.plugins.taint_toleration import sign_tolerations
from kubepy.scheduler.terms import Condition
from kubepy.scheduler.topology import Group, View

if TYPE_CHECKING:
    from kubepy.scheduler.toolbox import Toolbox

_NAME = "PodTopologySpread"
_HOSTNAME, _ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
_HARD, _SOFT = "DoNotSchedule", "ScheduleAnyway"
_REASON = "node(s) didn't match pod topology spread constraints"
_SKEWED = Status(Code.UNSCHEDULABLE, _REASON, plugin=_NAME)
_NO_LABEL = Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, f"{_REASON} (missing required label)", plugin=_NAME)
_SKIP = Status(Code.SKIP, plugin=_NAME)

SYSTEM_DEFAULTS: tuple[Obj, ...] = (
    {"topologyKey": _HOSTNAME, "whenUnsatisfiable": _SOFT, "maxSkew": 3},
    {"topologyKey": _ZONE, "whenUnsatisfiable": _SOFT, "maxSkew": 5},
)


class Constraint(NamedTuple):
    max_skew: int
    topology_key: str
    selector: LabelSelector
    min_domains: int
    honors_affinity: bool  # nodes that the pod's node affinity rules out do not count
    honors_taints: bool  # nor those whose taints it does not tolerate


class Constraints(NamedTuple):
    hard: tuple[Constraint, ...]
    soft: tuple[Constraint, ...]


class _Hard(NamedTuple):
    constraint: Constraint
    view: View
    matches_itself: bool


class _State(list[_Hard]):
    """What PreFilter finds out, per constraint."""

    def clone(self) -> _State:
        return _State(hard._replace(view=hard.view.clone()) for hard in self)


class PodTopologySpread:
    name = _NAME
    scope = Scope.CLUSTER

    def __init__(self, tools: Toolbox) -> None:
        args = tools.arguments(PodTopologySpreadArgs)
        self._topology = tools.cache.topology
        self._is_system_defaulted = args.defaulting_type == "System"
        self._defaults = SYSTEM_DEFAULTS if self._is_system_defaulted else args.default_constraints
        self._default_selector = DefaultSelector(tools.informers) if self._defaults else None

    # -- filter

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        constraints = self._constraints(pod).hard
        if not constraints:
            return _SKIP
        keys = tuple(c.topology_key for c in constraints)
        state[_NAME] = _State(
            _Hard(c, self._view(pod, c, keys), c.selector.matches(pod.labels)) for c in constraints
        )
        return None

    def filter_nodes(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> Sequence[Status | None]:
        verdicts = [_judge(hard, nodes) for hard in state[_NAME]]
        if len(verdicts) == 1:
            return verdicts[0]
        return [next((v for v in each if v is not None), None) for each in zip(*verdicts, strict=True)]

    def add_pod(self, state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo) -> None:
        self._change(state[_NAME], added, node, 1)

    def remove_pod(self, state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo) -> None:
        self._change(state[_NAME], removed, node, -1)

    def _change(self, state: _State, other: PodInfo, node: NodeInfo, by: int) -> None:
        namespace_labels = self._topology.namespace_labels
        for hard in state:
            group = hard.view.tally.group
            # One that is about to go is not counted in the first place.
            if group.matches(other.key.namespace, other.labels, other.is_terminating, namespace_labels):
                hard.view.change(node.name, by)

    # -- score

    def pre_score(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Status | None:
        constraints = self._constraints(pod).soft
        if not constraints:
            return _SKIP
        requires_all = bool(pod.spec.get("topologySpreadConstraints")) or not self._is_system_defaulted
        keys = tuple(c.topology_key for c in constraints) if requires_all else ()
        state[f"{_NAME}/score"] = (
            [
                # On hosts it is the pods of the very node that count, whichever nodes take part.
                (
                    c,
                    self._group(pod, c).nodes
                    if c.topology_key == _HOSTNAME
                    else self._view(pod, c, keys).counts,
                )
                for c in constraints
            ],
            keys,
        )
        return None

    def score_nodes(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> list[int]:
        constraints, keys = state[f"{_NAME}/score"]
        for key in keys:
            if None in places_of(nodes, key):
                return self._score_some(constraints, keys, nodes)
        return _score_all(constraints, nodes)

    @staticmethod
    def _score_some(
        constraints: Sequence[tuple[Constraint, Mapping[str, int]]],
        keys: Sequence[str],
        nodes: Sequence[NodeInfo],
    ) -> list[int]:
        """Nodes without one of the labels are worth nothing, and not counted as places."""
        taking_part = [all(key in node.labels for key in keys) for node in nodes]
        scores = iter(
            _score_all(constraints, [n for n, takes in zip(nodes, taking_part, strict=True) if takes])
        )
        return [next(scores) if takes else 0 for takes in taking_part]

    # -- events

    def events(self) -> Sequence[Interest]:
        pod_actions = Action.ADD | Action.UPDATE_POD_LABEL | Action.UPDATE_POD_TOLERATION | Action.DELETE
        node_actions = Action.ADD | Action.DELETE | Action.UPDATE_NODE_LABEL | Action.UPDATE_NODE_TAINT
        return [
            Interest(ClusterEvent("Pod", pod_actions), self._after_pod),
            Interest(ClusterEvent("Node", node_actions), self._after_node),
        ]

    def _after_pod(self, pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
        if any(not _is_involved(obj, pod) for obj in (old, new) if obj is not None):
            return Hint.SKIP
        constraints = self._constraints(pod).hard
        if old is not None and new is not None:
            is_own = uid_of(new) == pod.uid
            if (
                is_own
                and any(c.honors_taints for c in constraints)
                and placement.tolerations_of(new) != placement.tolerations_of(old)
            ):
                return Hint.QUEUE
            before, after = labels_of(old), labels_of(new)
            return _hint(
                before != after
                and any(c.selector.matches(before) != c.selector.matches(after) for c in constraints)
            )
        labels = labels_of(new or old or {"metadata": {}})
        return _hint(any(c.selector.matches(labels) for c in constraints))

    def _after_node(self, pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
        keys = [c.topology_key for c in self._constraints(pod).hard]
        before = labels_of(old) if old is not None else {}
        after = labels_of(new) if new is not None else {}
        took_part = old is not None and all(key in before for key in keys)
        takes_part = new is not None and all(key in after for key in keys)
        if old is None or new is None or took_part != takes_part:
            return _hint(took_part or takes_part)
        is_moved = any(before.get(key) != after.get(key) for key in keys)
        return _hint(takes_part and (is_moved or placement.taints_of(old) != placement.taints_of(new)))

    # -- constraints

    def _constraints(self, pod: PodInfo) -> Constraints:
        if pod.spec.get("topologySpreadConstraints"):
            return pod.note(_NAME, _own_constraints)
        if self._default_selector is None:
            return _NONE
        selector = self._default_selector.of(pod)
        return _NONE if selector.is_empty else _compiled(self._defaults, pod.labels, selector)

    def _view(self, pod: PodInfo, constraint: Constraint, keys: tuple[str, ...]) -> View:
        """`keys`: labels that a node must have to take part."""
        taking_part, takes_part = _participation(pod, constraint, keys)
        return View(
            self._topology.tally(
                _conditions(pod, constraint), constraint.topology_key,
                counts_terminating=False, taking_part=taking_part, takes_part=takes_part,
            )
        )  # fmt: skip

    def _group(self, pod: PodInfo, constraint: Constraint) -> Group:
        return self._topology.group(_conditions(pod, constraint), counts_terminating=False)


_NONE = Constraints((), ())


def _own_constraints(pod: PodInfo) -> Constraints:
    return _compiled(pod.spec["topologySpreadConstraints"], pod.labels, None)


def _compiled(
    constraints: Sequence[Obj], labels: Mapping[str, str], selector: LabelSelector | None
) -> Constraints:
    """`selector` stands in for those of the constraints, if given."""
    compiled = {_HARD: [], _SOFT: []}  # type: dict[str, list[Constraint]]
    for constraint in constraints:
        compiled[constraint["whenUnsatisfiable"]].append(
            Constraint(
                constraint["maxSkew"],
                constraint["topologyKey"],
                _selector(constraint, labels) if selector is None else selector,
                constraint.get("minDomains") or 1,
                (constraint.get("nodeAffinityPolicy") or "Honor") == "Honor",
                constraint.get("nodeTaintsPolicy") == "Honor",
            )
        )
    return Constraints(tuple(compiled[_HARD]), tuple(compiled[_SOFT]))


def _selector(constraint: Obj, labels: Mapping[str, str]) -> LabelSelector:
    """labelSelector, and the pod's own values of matchLabelKeys."""
    selector = selectors.from_label_selector(constraint.get("labelSelector"))
    own = [
        LabelRequirement(key, "in", (labels[key],))
        for key in constraint.get("matchLabelKeys") or ()
        if key in labels
    ]
    if not own or selector.is_nothing:
        return selector
    return LabelSelector({*selector.requirements, *own})


def _conditions(pod: PodInfo, constraint: Constraint) -> tuple[Condition, ...]:
    selector = constraint.selector
    # Upstream counts nothing for an empty selector, though each pod matches it.
    counted = NOTHING if selector.is_empty else selector
    return (Condition(frozenset((pod.key.namespace,)), NOTHING, counted),)


def _participation(
    pod: PodInfo, constraint: Constraint, keys: tuple[str, ...]
) -> tuple[Hashable, Callable[[NodeInfo], bool]]:
    """(equal for equal answers, whether a node counts)."""
    affinity = sign_affinity(pod) if constraint.honors_affinity else ()
    tolerated = sign_tolerations(pod) if constraint.honors_taints else None
    required = placement.required_affinity(pod.obj) if affinity else None
    tolerations = placement.tolerations_of(pod.obj)

    def takes_part(node: NodeInfo) -> bool:
        labels = node.labels
        return (
            all(key in labels for key in keys)
            and (required is None or required.matches(node.identity))
            and (tolerated is None or placement.untolerated_taint(node.taints, tolerations) is None)
        )

    return (keys, affinity, tolerated), takes_part


def _judge(hard: _Hard, nodes: Sequence[NodeInfo]) -> list[Status | None]:
    constraint, view, matches_itself = hard
    key, fewest = constraint.topology_key, view.fewest() or 0
    if len(view.tally.domains.sizes) < constraint.min_domains:
        fewest = 0
    # So many pods may be in a place before this one comes.
    most = constraint.max_skew + fewest - matches_itself
    places = places_of(nodes, key)
    if view.changes:
        full: set[str | None] = {p for p in set(places) if p is not None and view.pods(p) > most}
    elif most < 0:
        full = set(places) - {None}
    else:
        counts = view.counts
        full = {p for p in set(places) if p is not None and counts.get(p, 0) > most}
    if not full and None not in places:
        return [None] * len(places)
    return [_NO_LABEL if place is None else _SKEWED if place in full else None for place in places]


def _score_all(
    constraints: Sequence[tuple[Constraint, Mapping[str, int]]], nodes: Sequence[NodeInfo]
) -> list[int]:
    parts = [_part(constraint, counts, nodes) for constraint, counts in constraints]
    totals: Sequence[float] = parts[0]
    for part in parts[1:]:
        totals = list(map(operator.add, totals, part))
    # There are few different totals. They are rounded as Go does: halves away from zero.
    different = list(set(totals))
    final = dict(zip(different, evened([int(total + 0.5) for total in different]), strict=True))
    return list(map(final.__getitem__, totals))


def _part(constraint: Constraint, counts: Mapping[str, int], nodes: Sequence[NodeInfo]) -> list[float]:
    """Pods in a node's place weigh more where there are many places; what maxSkew allows is added, so that small
    differences drown in it. A node without the label gets nothing."""
    key, skew = constraint.topology_key, constraint.max_skew - 1
    places = places_of(nodes, key)
    if key == _HOSTNAME:
        weight = math.log(len(nodes) + 2)
        get = counts.get
        found = [get(name, 0) * weight + skew for name in names_of(nodes)]
        if None not in places:
            return found
        return [0.0 if place is None else worth for place, worth in zip(places, found, strict=True)]
    different = set(places)
    weight = math.log(len(different) + 2)
    worth = {place: counts.get(place, 0) * weight + skew for place in different if place is not None}
    return [worth.get(place, 0.0) for place in places]  # type: ignore[arg-type]


def evened(scores: Sequence[int]) -> list[int]:
    """The fewer pods the better, 0 ... NODE_SCORE_MAX. Source: scoring.go, NormalizeScore."""
    low, high = min(scores, default=0), max(scores, default=0)
    if high == 0:
        return [NODE_SCORE_MAX] * len(scores)
    return [NODE_SCORE_MAX * (high + low - score) // high for score in scores]


def _is_involved(other: Obj, pod: PodInfo) -> bool:
    if uid_of(other) == pod.uid:
        return True
    if not other["spec"].get("nodeName") and not (other.get("status") or {}).get("nominatedNodeName"):
        return False
    return bool(other["metadata"].get("namespace") == pod.key.namespace)


def _hint(may_help: bool) -> Hint:
    return Hint.QUEUE if may_help else Hint.SKIP
