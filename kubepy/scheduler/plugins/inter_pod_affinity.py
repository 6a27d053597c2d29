"""InterPodAffinity: pods that want to be where others are, or must not; places are values of a node label.

Three demands filter: the pod's required affinity (all terms by one and the same pods; the first of a group that wants
itself is let in anywhere), its required anti-affinity, and that of pods that run. Four preferences score: the pod's
preferred terms, for and against, those of pods that run, and, with a small weight, their required affinity.

All of it is read from counts that are kept (topology.py): a decision costs a few look-ups per candidate node.

Source: pkg/scheduler/framework/plugins/interpodaffinity/{plugin,filtering,scoring}.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kubepy.api.builtins import NAMESPACES
from kubepy.api.objects import Document, Key, Obj, labels_of, uid_of
from kubepy.scheduler.args import InterPodAffinityArgs
from kubepy.scheduler.cache import places_of
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
from kubepy.scheduler.terms import NO_TERMS, Claim, PodTerms, Term, pod_terms
from kubepy.scheduler.topology import View

if TYPE_CHECKING:
    from kubepy.scheduler.toolbox import Toolbox

_NAME = "InterPodAffinity"
_AFFINITY = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "node(s) didn't match pod affinity rules", plugin=_NAME
)
_ANTI_AFFINITY = Status(Code.UNSCHEDULABLE, "node(s) didn't match pod anti-affinity rules", plugin=_NAME)
_EXISTING = Status(
    Code.UNSCHEDULABLE, "node(s) didn't satisfy existing pods anti-affinity rules", plugin=_NAME
)
_SKIP = Status(Code.SKIP, plugin=_NAME)

_NO_LABELS: Mapping[str, str] = {}


class _State:
    """What PreFilter finds out."""

    __slots__ = ("affinity", "anti_affinity", "claims", "matches_itself", "more_claims")

    def __init__(
        self,
        affinity: Sequence[tuple[str, View]],
        anti_affinity: Sequence[tuple[str, View]],
        claims: Sequence[Claim],
        matches_itself: bool,
    ) -> None:
        self.affinity, self.anti_affinity = (
            affinity,
            anti_affinity,
        )  # (topology key, pods that the term means)
        self.claims = claims  # required anti-affinity of running pods against this one
        self.matches_itself = matches_itself  # the pod meets its own affinity
        self.more_claims: dict[tuple[str, str], int] = {}  # (topology key, place) -> what would be if

    def clone(self) -> _State:
        copy = _State(
            [(key, view.clone()) for key, view in self.affinity],
            [(key, view.clone()) for key, view in self.anti_affinity],
            self.claims,
            self.matches_itself,
        )
        copy.more_claims = dict(self.more_claims)
        return copy

    def judge_all(self, nodes: Sequence[NodeInfo]) -> Sequence[Status | None]:
        """As things are."""
        verdicts: list[list[Status | None]] = []
        is_first = self.matches_itself and all(view.is_empty for _, view in self.affinity)
        for key, view in self.affinity:
            places = places_of(nodes, key)
            if is_first:
                verdicts.append([_AFFINITY if place is None else None for place in places])
            else:
                there = view.counts
                verdicts.append([None if place in there else _AFFINITY for place in places])
        for key, view in self.anti_affinity:
            there = view.counts
            verdicts.append([_ANTI_AFFINITY if place in there else None for place in places_of(nodes, key)])
        for claim in self.claims:
            there = claim.places
            verdicts.append(
                [_EXISTING if place in there else None for place in places_of(nodes, claim.topology_key)]
            )
        if len(verdicts) == 1:
            return verdicts[0]
        return [next((v for v in each if v is not None), None) for each in zip(*verdicts, strict=True)]

    @property
    def is_changed(self) -> bool:
        return bool(self.more_claims) or any(v.changes for _, v in (*self.affinity, *self.anti_affinity))

    def judge(self, labels: Mapping[str, str]) -> Status | None:
        """About a node with these labels, as things would be."""
        if self.affinity and not self._is_wanted(labels):
            return _AFFINITY
        for key, view in self.anti_affinity:
            place = labels.get(key)
            if place is not None and view.pods(place) > 0:
                return _ANTI_AFFINITY
        if self.more_claims:
            return self._judge_claims(labels)
        for claim in self.claims:
            if labels.get(claim.topology_key) in claim.places:
                return _EXISTING
        return None

    def _is_wanted(self, labels: Mapping[str, str]) -> bool:
        is_there = True
        for key, view in self.affinity:
            place = labels.get(key)
            if place is None:
                return False
            is_there = is_there and view.pods(place) > 0
        # The first of a series that wants to be near itself must begin somewhere.
        return is_there or (self.matches_itself and all(view.is_empty for _, view in self.affinity))

    def _judge_claims(self, labels: Mapping[str, str]) -> Status | None:
        counts = dict(self.more_claims)
        for claim in self.claims:
            place = labels.get(claim.topology_key)
            if place is not None:
                pair = (claim.topology_key, place)
                counts[pair] = counts.get(pair, 0) + claim.places.get(place, 0)
        is_refused = any(count > 0 and labels.get(key) == place for (key, place), count in counts.items())
        return _EXISTING if is_refused else None


class InterPodAffinity:
    name = _NAME
    scope = Scope.CLUSTER

    def __init__(self, tools: Toolbox) -> None:
        self._args = tools.arguments(InterPodAffinityArgs)
        self._topology = tools.cache.topology
        self._namespaces = tools.informers.informer(NAMESPACES)
        self._topology.namespace_labels = self._labels_of
        self._namespaces.add_handler(
            on_add=lambda new: self._topology.namespaces_changed(),
            on_update=self._namespace_updated,
            on_delete=lambda old: self._topology.namespaces_changed(),
        )

    # -- filter

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        terms = pod.terms or NO_TERMS
        claims = [c for c in self._about(pod) if c.is_anti and not c.weight]
        if not claims and not terms.affinity and not terms.anti_affinity:
            return _SKIP
        wanted = tuple(term.condition for term in terms.affinity)
        state[_NAME] = _State(
            [(t.topology_key, View(self._topology.tally(wanted, t.topology_key)))
             for t in terms.affinity],
            [(t.topology_key, self._view(t)) for t in terms.anti_affinity],
            claims,
            bool(wanted) and all(c.matches(pod.key.namespace, pod.labels, self._labels_of) for c in wanted),
        )  # fmt: skip
        return None

    def filter_nodes(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> Sequence[Status | None]:
        found: _State = state[_NAME]
        return [found.judge(node.labels) for node in nodes] if found.is_changed else found.judge_all(nodes)

    def add_pod(self, state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo) -> None:
        self._change(state[_NAME], pod, added, node, 1)

    def remove_pod(self, state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo) -> None:
        self._change(state[_NAME], pod, removed, node, -1)

    def _change(self, state: _State, pod: PodInfo, other: PodInfo, node: NodeInfo, by: int) -> None:
        namespace, labels = other.key.namespace, other.labels
        for _, view in (*state.affinity, *state.anti_affinity):
            if view.tally.group.matches(namespace, labels, False, self._labels_of):
                view.change(node.name, by)
        if other.terms is None:
            return
        for term in other.terms.anti_affinity:
            place = node.labels.get(term.topology_key)
            if place is not None and self._means(term, pod):
                pair = (term.topology_key, place)
                state.more_claims[pair] = state.more_claims.get(pair, 0) + by

    # -- score

    def pre_score(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Status | None:
        terms = pod.terms or NO_TERMS
        own = [(weight, term) for weight, term in terms.preferred]
        own += [(-weight, term) for weight, term in terms.preferred_anti]
        if not own and self._args.ignore_preferred_terms_of_existing_pods:
            return _SKIP
        sources = [(t.topology_key, self._view(t).counts, weight) for weight, t in own]
        hard = self._args.hard_pod_affinity_weight
        for claim in self._about(pod):
            weight = claim.weight or (0 if claim.is_anti else hard)
            if weight:
                sources.append((claim.topology_key, claim.places, weight))
        sources = [source for source in sources if source[1]]
        if not sources:
            return _SKIP
        state[f"{_NAME}/score"] = sources
        return None

    def score_nodes(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> list[int]:
        """Weights times pods in the node's place; may be negative."""
        totals = [0] * len(nodes)
        for key, counts, weight in state[f"{_NAME}/score"]:
            get = counts.get
            places = places_of(nodes, key)
            totals = [t + weight * get(place, 0) for t, place in zip(totals, places, strict=True)]
        return totals

    def normalize(self, scores: Sequence[int]) -> list[int]:
        low, high = min(scores, default=0), max(scores, default=0)
        if low == high:
            return [0] * len(scores)
        return [int(NODE_SCORE_MAX * ((score - low) / (high - low))) for score in scores]

    # -- events

    def events(self) -> Sequence[Interest]:
        return [
            Interest(
                ClusterEvent("Pod", Action.ADD | Action.UPDATE_POD_LABEL | Action.DELETE), self._after_pod
            ),
            Interest(ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_LABEL), _after_node),
        ]

    def _after_pod(self, pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
        if old is not None and new is not None and uid_of(new) == pod.uid:
            return Hint.QUEUE  # its own labels, which others' anti-affinity may have meant
        if any(not _is_somewhere(obj) for obj in (old, new) if obj is not None):
            return Hint.SKIP
        terms = pod.terms or NO_TERMS
        if new is not None:
            if old is None:
                return _hint(self._meets_all(terms.affinity, new))
            is_wanted = not self._meets_all(terms.affinity, old) and self._meets_all(terms.affinity, new)
            is_harmless = self._meets_all(terms.anti_affinity, old) and not self._meets_all(
                terms.anti_affinity, new
            )
            return _hint(is_wanted or is_harmless)
        assert old is not None, "one of the two is there"
        theirs = pod_terms(old).anti_affinity
        return _hint(self._meets_all(terms.anti_affinity, old) or self._meets_all(theirs, pod.obj))

    # -- helpers

    def _view(self, term: Term) -> View:
        return View(self._topology.tally((term.condition,), term.topology_key))

    def _about(self, pod: PodInfo) -> list[Claim]:
        return self._topology.claims.about(pod.key.namespace, pod.labels, self._labels_of)

    def _means(self, term: Term, pod: PodInfo) -> bool:
        return term.condition.matches(pod.key.namespace, pod.labels, self._labels_of)

    def _meets_all(self, terms: Sequence[Term], pod: Obj) -> bool:
        metadata = pod["metadata"]
        return bool(terms) and all(
            t.condition.matches(metadata["namespace"], labels_of(pod), self._labels_of) for t in terms
        )

    def _labels_of(self, namespace: str) -> Mapping[str, str]:
        obj = self._namespaces.get(Key("", namespace))
        return _NO_LABELS if obj is None else labels_of(obj)

    def _namespace_updated(self, old: Document, new: Document) -> None:
        if labels_of(old.obj) != labels_of(new.obj):
            self._topology.namespaces_changed()


def _hint(may_help: bool) -> Hint:
    return Hint.QUEUE if may_help else Hint.SKIP


def _is_somewhere(pod: Obj) -> bool:
    return bool(pod["spec"].get("nodeName") or (pod.get("status") or {}).get("nominatedNodeName"))


def _after_node(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    assert new is not None, "it was added or updated"
    terms: PodTerms = pod.terms or NO_TERMS
    after = labels_of(new)
    if old is None:
        # A pod that keeps away from others may fit a new node whatever its labels are.
        return _hint(bool(terms.anti_affinity) or any(t.topology_key in after for t in terms.affinity))
    before = labels_of(old)
    moved_near = any(
        t.topology_key in after and before.get(t.topology_key) != after[t.topology_key]
        for t in terms.affinity
    )
    moved_away = any(
        t.topology_key in before and before[t.topology_key] != after.get(t.topology_key)
        for t in terms.anti_affinity
    )
    return _hint(moved_near or moved_away)
