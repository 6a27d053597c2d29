"""Which nodes take a pod: taints against tolerations, node selectors and node affinity.

Pure functions over pod and node dicts. What a pod demands is compiled once (`required_affinity`,
`preferred_affinity`) and then asked about many nodes.

Source: component-helpers scheduling/corev1/helpers.go and nodeaffinity/nodeaffinity.go,
k8s.io/api core/v1/toleration.go, kubernetes pkg/controller/tainteviction/taint_eviction.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubepy.api import objects, selectors
from kubepy.api.objects import Obj

NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "PreferNoSchedule", "NoExecute"
# The effects that keep a pod off a node.
FILTER_EFFECTS = (NO_SCHEDULE, NO_EXECUTE)

TAINT_NOT_READY = "node.kubernetes.io/not-ready"
TAINT_UNREACHABLE = "node.kubernetes.io/unreachable"
TAINT_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
TAINT_MEMORY_PRESSURE = "node.kubernetes.io/memory-pressure"
TAINT_DISK_PRESSURE = "node.kubernetes.io/disk-pressure"
TAINT_PID_PRESSURE = "node.kubernetes.io/pid-pressure"
TAINT_NETWORK_UNAVAILABLE = "node.kubernetes.io/network-unavailable"
TAINT_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"

# -- taints and tolerations ------------------------------------------------------------------------------------


def taints_of(node: Obj) -> list[Obj]:
    return (node.get("spec") or {}).get("taints") or []


def tolerations_of(pod: Obj) -> list[Obj]:
    return pod["spec"].get("tolerations") or []


def tolerates(toleration: Obj, taint: Obj) -> bool:
    """Empty effect matches all effects, empty key (with Exists) all keys. Source: Toleration.ToleratesTaint.

    Lt and Gt match nothing: TaintTolerationComparisonOperators is alpha and off.
    """
    effect = toleration.get("effect")
    if effect and effect != taint.get("effect"):
        return False
    key = toleration.get("key")
    if key and key != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Equal":
        return (toleration.get("value") or "") == (taint.get("value") or "")
    return operator == "Exists"


def is_tolerated(taint: Obj, tolerations: Iterable[Obj]) -> bool:
    return any(tolerates(toleration, taint) for toleration in tolerations)


def untolerated_taint(
    taints: Iterable[Obj], tolerations: Sequence[Obj], effects: Sequence[str] = FILTER_EFFECTS
) -> Obj | None:
    """The first taint of one of `effects` that nothing tolerates. Source: FindMatchingUntoleratedTaint."""
    for taint in taints:
        if taint.get("effect") in effects and not is_tolerated(taint, tolerations):
            return taint
    return None


def count_untolerated_preferences(taints: Iterable[Obj], tolerations: Sequence[Obj]) -> int:
    """How many PreferNoSchedule taints nothing tolerates: the more, the worse the node."""
    matching = [t for t in tolerations if not t.get("effect") or t["effect"] == PREFER_NO_SCHEDULE]
    return sum(
        1
        for taint in taints
        if taint.get("effect") == PREFER_NO_SCHEDULE and not is_tolerated(taint, matching)
    )


def no_execute_seconds(taints: Iterable[Obj], tolerations: Sequence[Obj]) -> float | None:
    """How long a pod may stay on a node with these taints: None = for ever, less than 0 = one is not tolerated.

    The shortest tolerationSeconds among the first toleration of each NoExecute taint; one without counts as for ever.
    Source: GetMatchingTolerations, getMinTolerationTime.
    """
    seconds: list[int] = []
    for taint in taints:
        if taint.get("effect") != NO_EXECUTE:
            continue
        matching = next((toleration for toleration in tolerations if tolerates(toleration, taint)), None)
        if matching is None:
            return -1
        if (limit := matching.get("tolerationSeconds")) is not None:
            seconds.append(limit)
    return max(0, min(seconds)) if seconds else None


# -- node selectors and affinity -------------------------------------------------------------------------------

_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": ">", "Lt": "<"}


class NodeTerm:
    """One compiled nodeSelectorTerm: all expressions and all fields must hold; an empty or invalid one never does."""

    __slots__ = ("_fields", "_labels", "error", "is_empty")

    def __init__(self, term: Obj) -> None:
        expressions = term.get("matchExpressions") or []
        fields = term.get("matchFields") or []
        self.is_empty = not expressions and not fields
        self.error = ""
        self._labels: selectors.LabelSelector = selectors.NOTHING
        self._fields: list[tuple[str, bool, str]] = []  # (field, must it be equal, value)
        try:
            if not self.is_empty:
                self._labels = selectors.LabelSelector(_label_requirement(e) for e in expressions)
            self._fields = [_field_requirement(e) for e in fields]
        except ValueError as error:
            self.error = str(error)
            self._labels = selectors.NOTHING

    def matches(self, node: Obj) -> bool:
        metadata = node["metadata"]
        if not self._labels.matches(metadata.get("labels")):
            return False
        for field, is_equal, value in self._fields:
            actual = metadata["name"] if field == "metadata.name" else ""
            if (actual == value) is not is_equal:
                return False
        return True

    @property
    def node_names(self) -> frozenset[str] | None:
        """The only nodes it can match by its fields, None when it does not name any."""
        named = [{value} for field, is_equal, value in self._fields if field == "metadata.name" and is_equal]
        return frozenset(set.intersection(*named)) if named else None


class RequiredAffinity:
    """spec.nodeSelector and the required node affinity of one pod, compiled."""

    __slots__ = ("_selector", "is_empty", "terms")

    def __init__(self, node_selector: dict[str, str] | None, required: Obj | None) -> None:
        self._selector = selectors.from_set(node_selector)
        # A selector with no terms matches nothing, no selector matches all.
        self.terms: list[NodeTerm] | None = (
            [NodeTerm(term) for term in required.get("nodeSelectorTerms") or []]
            if required is not None
            else None
        )
        self.is_empty = self.terms is None and self._selector.is_empty

    def matches(self, node: Obj) -> bool:
        if self.is_empty:
            return True
        if not self._selector.matches(node["metadata"].get("labels")):
            return False
        return self.terms is None or any(term.matches(node) for term in self.terms)

    @property
    def node_names(self) -> frozenset[str] | None:
        """The only nodes that can match because every term names its nodes; None when any node could."""
        if not self.terms:
            return None
        names: set[str] = set()
        for term in self.terms:
            named = term.node_names
            if named is None:
                return None
            names |= named
        return frozenset(names)


def required_affinity(pod: Obj) -> RequiredAffinity:
    """What pod.spec demands of a node's labels and name."""
    spec = pod["spec"]
    affinity = objects.walk(
        spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
    )
    return RequiredAffinity(spec.get("nodeSelector"), affinity)


def node_selector(selector: Obj) -> RequiredAffinity:
    """Of a v1.NodeSelector dict, e.g. a PersistentVolume's spec.nodeAffinity.required."""
    return RequiredAffinity(None, selector)


def preferred_terms(preferred: Iterable[Obj]) -> list[tuple[int, NodeTerm]]:
    """(weight, term) of preferredDuringSchedulingIgnoredDuringExecution; those that say nothing are left out."""
    terms = [(entry.get("weight", 0), NodeTerm(entry.get("preference") or {})) for entry in preferred]
    return [(weight, term) for weight, term in terms if weight and not term.is_empty]


def preferred_affinity(pod: Obj) -> list[tuple[int, NodeTerm]]:
    return preferred_terms(
        objects.walk(
            pod["spec"], "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"
        )
        or ()
    )


def preference_score(terms: Iterable[tuple[int, NodeTerm]], node: Obj) -> int:
    """The sum of the weights of the terms that match."""
    return sum(weight for weight, term in terms if term.matches(node))


def _label_requirement(expression: Obj) -> selectors.LabelRequirement:
    operator = _OPERATORS.get(expression.get("operator", ""))
    if operator is None:
        raise ValueError(f'"{expression.get("operator", "")}" is not a valid node selector operator')
    return selectors.requirement(expression.get("key", ""), operator, tuple(expression.get("values") or ()))


def _field_requirement(expression: Obj) -> tuple[str, bool, str]:
    operator, values = expression.get("operator", ""), expression.get("values") or []
    if operator not in ("In", "NotIn"):
        raise ValueError(f'"{operator}" is not a valid node field selector operator')
    if len(values) != 1:
        raise ValueError(f"must have one element for operator {operator}")
    return expression.get("key", ""), operator == "In", values[0]
