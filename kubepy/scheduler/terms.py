"""Affinity between pods, compiled: which pods a term means, and what the terms of running pods say to one that comes.

A `Condition` says which pods: those of some namespaces that a selector matches. A `Term` adds the node label (topology
key) whose values are the places that "together" or "apart" mean. `PodTerms` is all of one pod.

`Claims` counts the terms of the pods that run, equal ones of many pods as one Claim, per place; asked about a pod, it
looks only at terms that one of the pod's labels leads to.

Source: kube-scheduler framework/types.go AffinityTerm; pkg/scheduler/framework/types.go getAffinityTerms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Generic, NamedTuple, Protocol, TypeVar

import orjson

from kubepy.api import selectors
from kubepy.api.objects import Obj
from kubepy.api.selectors import NOTHING, LabelSelector

Labels = Mapping[str, str]


class Condition(NamedTuple):
    """Which pods."""

    namespaces: frozenset[str]
    namespace_selector: LabelSelector  # and namespaces with these labels; NOTHING: no others
    selector: LabelSelector

    def matches(self, namespace: str, labels: Labels, namespace_labels: Callable[[str], Labels]) -> bool:
        if namespace not in self.namespaces:
            wider = self.namespace_selector
            if wider.is_nothing or not wider.matches(namespace_labels(namespace)):
                return False
        return self.selector.matches(labels)

    @property
    def label(self) -> tuple[str, str] | None:
        """A label that every such pod has, if the selector names one."""
        return next(iter(self.selector.exact.items()), None)


class Term(NamedTuple):
    condition: Condition
    topology_key: str  # "kubernetes.io/hostname"


class PodTerms(NamedTuple):
    """What spec.affinity says of other pods; weights of preferred terms are 1 ... 100."""

    affinity: tuple[Term, ...] = ()
    anti_affinity: tuple[Term, ...] = ()
    preferred: tuple[tuple[int, Term], ...] = ()
    preferred_anti: tuple[tuple[int, Term], ...] = ()


NO_TERMS = PodTerms()


def pod_terms(pod: Obj) -> PodTerms:
    """Remembered by content: the pods of a template share one."""
    affinity = pod["spec"].get("affinity")
    if not affinity or not (affinity.get("podAffinity") or affinity.get("podAntiAffinity")):
        return NO_TERMS
    return _compiled(
        pod["metadata"]["namespace"],
        orjson.dumps([affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {}]),
    )


@lru_cache(maxsize=1024)
def _compiled(namespace: str, affinities: bytes) -> PodTerms:
    together, apart = orjson.loads(affinities)
    return PodTerms(
        _required(namespace, together),
        _required(namespace, apart),
        _preferred(namespace, together),
        _preferred(namespace, apart),
    )


def _required(namespace: str, affinity: Obj) -> tuple[Term, ...]:
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    return tuple(_term(namespace, term) for term in terms)


def _preferred(namespace: str, affinity: Obj) -> tuple[tuple[int, Term], ...]:
    terms = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return tuple((entry["weight"], _term(namespace, entry["podAffinityTerm"])) for entry in terms)


def _term(namespace: str, term: Obj) -> Term:
    """matchLabelKeys and mismatchLabelKeys are in the selector since the pod was created (its strategy does that)."""
    named, wider = term.get("namespaces") or (), term.get("namespaceSelector")
    is_own = not named and wider is None
    return Term(
        Condition(
            frozenset((namespace,) if is_own else named),
            NOTHING if wider is None else selectors.from_label_selector(wider),
            selectors.from_label_selector(term.get("labelSelector")),
        ),
        term.get("topologyKey", ""),
    )


class Filed(Protocol):
    """What `Files` keeps."""

    @property
    def condition(self) -> Condition: ...


F = TypeVar("F", bound=Filed)


class Files(Generic[F]):
    """Things with a Condition, found from a pod's labels without looking at all of them.

    Each is filed under one label that it demands; those that demand none are looked at for every pod.
    """

    def __init__(self) -> None:
        self._by_label: dict[tuple[str, str] | None, dict[F, None]] = {}

    def put(self, thing: F) -> None:
        self._by_label.setdefault(thing.condition.label, {})[thing] = None

    def drop(self, thing: F) -> None:
        label = thing.condition.label
        things = self._by_label[label]
        del things[thing]
        if not things:
            del self._by_label[label]

    def near(self, labels: Labels) -> Iterator[F]:
        """All whose condition a pod with these labels may meet, and some that it does not."""
        by_label = self._by_label
        if not by_label:
            return
        if (rest := by_label.get(None)) is not None:
            yield from rest
        for item in labels.items():
            if (things := by_label.get(item)) is not None:
                yield from things


class Claim:
    """One term of running pods: in which places, and how many of them say it there.

    `weight` is 0 for required terms; negative for preferred anti-affinity.
    """

    __slots__ = ("condition", "is_anti", "places", "topology_key", "weight")

    def __init__(self, term: Term, weight: int, is_anti: bool) -> None:
        self.condition, self.topology_key = term
        self.weight, self.is_anti = weight, is_anti
        self.places: dict[str, int] = {}


class Claims:
    """What the running pods say of others, kept as they come and go."""

    def __init__(self) -> None:
        self._claims: dict[tuple[Term, int, bool], Claim] = {}
        self._files: Files[Claim] = Files()

    def __len__(self) -> int:
        return len(self._claims)

    def __bool__(self) -> bool:
        return True

    def count(self, terms: PodTerms, labels: Labels, by: int) -> None:
        """A pod with `terms` came (by = 1) to a node with `labels`, or left it (by = -1)."""
        for term, weight, is_anti in _spoken(terms):
            place = labels.get(term.topology_key)
            if place is None:
                continue
            key = (term, weight, is_anti)
            claim = self._claims.get(key)
            if claim is None:
                claim = self._claims[key] = Claim(term, weight, is_anti)
                self._files.put(claim)
            count = claim.places.get(place, 0) + by
            if count:
                claim.places[place] = count
                continue
            del claim.places[place]
            if not claim.places:
                del self._claims[key]
                self._files.drop(claim)

    def about(self, namespace: str, labels: Labels, namespace_labels: Callable[[str], Labels]) -> list[Claim]:
        """Those that mean a pod with these labels."""
        if not self._claims:
            return []
        return [
            claim
            for claim in self._files.near(labels)
            if claim.condition.matches(namespace, labels, namespace_labels)
        ]


def _spoken(terms: PodTerms) -> Iterable[tuple[Term, int, bool]]:
    for term in terms.anti_affinity:
        yield term, 0, True
    for term in terms.affinity:
        yield term, 0, False
    for weight, term in terms.preferred:
        yield term, weight, False
    for weight, term in terms.preferred_anti:
        yield term, -weight, True
