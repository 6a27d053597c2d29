"""PodTopologySpread: pods of a kind are to be spread evenly over places, the values of a node label.

Hard constraints (DoNotSchedule) filter: a node fits if its place would not have more than maxSkew pods above the place
that has fewest. Soft ones (ScheduleAnyway) score. A pod that brings no constraints has the profile's, which are by
default two soft ones, over hosts and over zones, for the pods that its Services and controller select.

The counts are kept (topology.py): a decision costs a few look-ups per candidate node.

Source: pkg/scheduler/framework/plugins/podtopologyspread/{plugin,common,filtering,scoring}.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kubepy.api import placement, selectors
from kubepy.api.objects import Obj, labels_of, uid_of
from kubepy.api.selectors import NOTHING, LabelRequirement, LabelSelector
from kubepy.scheduler.args import PodTopologySpreadArgs
from kubepy.scheduler.cache import NodeInfo, PodInfo
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
        self._cache, self._topology = tools.cache, tools.cache.topology
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
        answers: list[Status | None] = [None] * len(nodes)
        for constraint, view, matches_itself in state[_NAME]:
            key, fewest = constraint.topology_key, view.fewest() or 0
            if len(view.tally.domains.sizes) < constraint.min_domains:
                fewest = 0
            # So many pods may be in a place before this one comes.
            most = constraint.max_skew + fewest - matches_itself
            pods = view.pods if view.changes else None
            counts = view.counts
            for at, node in enumerate(nodes):
                if answers[at] is not None:
                    continue
                place = node.labels.get(key)
                if place is None:
                    answers[at] = _NO_LABEL
                elif (counts.get(place, 0) if pods is None else pods(place)) > most:
                    answers[at] = _SKEWED
        return answers

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
        ignored = {at for at, node in enumerate(nodes) if not all(key in node.labels for key in keys)}
        scored = [node for at, node in enumerate(nodes) if at not in ignored] if ignored else nodes
        totals = [0.0] * len(scored)
        for constraint, counts in constraints:
            totals = _plus(totals, constraint, counts, scored)
        # Rounded as Go does: halves away from zero.
        scores = evened([int(total + 0.5) for total in totals])
        if not ignored:
            return scores
        rest = iter(scores)
        return [0 if at in ignored else next(rest) for at in range(len(nodes))]

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
                _conditions(pod, constraint), constraint.topology_key, nodes=self._cache.nodes,
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


def _plus(
    totals: list[float], constraint: Constraint, counts: Mapping[str, int], nodes: Sequence[NodeInfo]
) -> list[float]:
    """Pods in a node's place weigh more where there are many places; what maxSkew allows is added, so that small
    differences drown in it."""
    key, skew = constraint.topology_key, constraint.max_skew - 1
    places = [node.labels.get(key) for node in nodes]
    if key == _HOSTNAME:
        weight = math.log(len(nodes) + 2)
        found = [counts.get(node.name, 0) for node in nodes]
    else:
        weight = math.log(len(set(places)) + 2)
        found = [counts.get(place, 0) if place is not None else 0 for place in places]
    return [
        total if place is None else total + (count * weight + skew)
        for total, place, count in zip(totals, places, found, strict=True)
    ]


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
