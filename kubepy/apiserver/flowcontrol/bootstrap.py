"""The FlowSchemas and priority levels that every cluster has, and what has to be done to keep them.

Mandatory ones are put right whatever happens to them; suggested ones as long as their annotation says so, or, without
it, as long as nobody has changed them. One that carries the annotation but is not of this table goes.

Source: apiserver pkg/apis/flowcontrol/bootstrap/default.go, kubernetes pkg/registry/flowcontrol/ensurer/strategy.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from msgspec import Struct

from kubepy.api.builtins import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from kubepy.api.objects import Obj, copy
from kubepy.api.resources import Resource

AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"

_CONTROLLER_MANAGER, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
_EVERYBODY = ("system:unauthenticated", "system:authenticated")
# Source: Go's strconv.ParseBool.
_BOOLEANS = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "FALSE", "false", "False"), False
)


def _object(resource: Resource, name: str, spec: Obj) -> Obj:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name, "annotations": {AUTO_UPDATE: "true"}},
        "spec": spec,
    }


def _level(name: str, shares: int, lendable: int, queues: int, hand: int) -> Obj:
    queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": 50}
    return _limited(name, shares, lendable, {"type": "Queue", "queuing": queuing})


def _limited(name: str, shares: int, lendable: int, response: Obj) -> Obj:
    limited = {
        "nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response,
    }  # fmt: skip
    return _object(PRIORITY_LEVEL_CONFIGURATIONS, name, {"type": "Limited", "limited": limited})


def _groups(*names: str) -> list[Obj]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Obj]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _accounts(name: str) -> list[Obj]:
    return [{"kind": "ServiceAccount", "serviceAccount": {"name": name, "namespace": "kube-system"}}]


def _resources(
    verbs: Iterable[str], group: str, resources: Iterable[str], *, cluster_scope: bool = True
) -> Obj:
    rule: Obj = {"verbs": [*verbs], "apiGroups": [group], "resources": [*resources], "namespaces": ["*"]}
    return rule | {"clusterScope": True} if cluster_scope else rule


_ANYTHING: Obj = {
    "resourceRules": [_resources("*", "*", "*")],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}


def _schema(
    name: str, level: str, precedence: int, distinguisher: str, subjects: list[Obj], rules: Obj
) -> Obj:
    spec: Obj = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence}
    if distinguisher:
        spec["distinguisherMethod"] = {"type": distinguisher}
    return _object(FLOW_SCHEMAS, name, spec | {"rules": [{"subjects": subjects, **rules}]})


_BY_USER, _BY_NAMESPACE = "ByUser", "ByNamespace"
_LEASES = "coordination.k8s.io"

MANDATORY_LEVELS = (
    _limited("catch-all", 5, 0, {"type": "Reject"}),
    _object(
        PRIORITY_LEVEL_CONFIGURATIONS,
        "exempt",
        {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
    ),
)
MANDATORY_SCHEMAS = (
    _schema("exempt", "exempt", 1, "", _groups("system:masters"), _ANYTHING),
    _schema("catch-all", "catch-all", 10000, _BY_USER, _groups(*_EVERYBODY), _ANYTHING),
)
SUGGESTED_LEVELS = (
    _level("system", 30, 33, 64, 6),
    _level("node-high", 40, 25, 64, 6),
    _level("leader-election", 10, 0, 16, 4),
    _level("workload-high", 40, 50, 128, 6),
    _level("workload-low", 100, 90, 128, 6),
    _level("global-default", 20, 50, 128, 6),
)
SUGGESTED_SCHEMAS = (
    _schema("system-nodes", "system", 500, _BY_USER, _groups("system:nodes"), _ANYTHING),
    _schema(
        "system-node-high", "node-high", 400, _BY_USER, _groups("system:nodes"),
        {
            "resourceRules": [
                _resources("*", "", ("nodes", "nodes/status")),
                _resources("*", _LEASES, ("leases",), cluster_scope=False),
            ]
        },
    ),
    _schema(
        "probes", "exempt", 2, "", _groups(*_EVERYBODY),
        {"nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]},
    ),
    _schema(
        "system-leader-election", "leader-election", 100, _BY_USER,
        [*_users(_CONTROLLER_MANAGER, _SCHEDULER), *_accounts("*")],
        {"resourceRules": [_resources(("get", "create", "update"), _LEASES, ("leases",), cluster_scope=False)]},
    ),
    _schema("kube-controller-manager", "workload-high", 800, _BY_NAMESPACE, _users(_CONTROLLER_MANAGER), _ANYTHING),
    _schema("kube-scheduler", "workload-high", 800, _BY_NAMESPACE, _users(_SCHEDULER), _ANYTHING),
    _schema("kube-system-service-accounts", "workload-high", 900, _BY_NAMESPACE, _accounts("*"), _ANYTHING),
    _schema("service-accounts", "workload-low", 9000, _BY_USER, _groups("system:serviceaccounts"), _ANYTHING),
    _schema("global-default", "global-default", 9900, _BY_USER, _groups(*_EVERYBODY), _ANYTHING),
)  # fmt: skip


class Family(NamedTuple):
    resource: Resource
    suggested: tuple[Obj, ...]
    mandatory: tuple[Obj, ...]


LEVELS = Family(PRIORITY_LEVEL_CONFIGURATIONS, SUGGESTED_LEVELS, MANDATORY_LEVELS)
SCHEMAS = Family(FLOW_SCHEMAS, SUGGESTED_SCHEMAS, MANDATORY_SCHEMAS)


class Step(Struct, frozen=True):
    action: Literal["create", "update", "delete"]
    resource: Resource
    obj: Obj

    @property
    def name(self) -> str:
        name: str = self.obj["metadata"]["name"]
        return name


def plan(family: Family, current: Mapping[str, Obj]) -> Iterator[Step]:
    """What to do so that the family is as it should be. `current`: what there is, by name; read only."""
    resource = family.resource
    known = set()
    for objects, is_mandatory in ((family.suggested, False), (family.mandatory, True)):
        for wanted in objects:
            name = wanted["metadata"]["name"]
            known.add(name)
            found = current.get(name)
            if found is None:
                yield Step("create", resource, wanted)
            elif (revised := _revised(found, wanted, is_mandatory)) is not None:
                yield Step("update", resource, revised)
    for name, obj in current.items():
        if name not in known and _annotated(obj):
            yield Step("delete", resource, obj)


def _annotated(obj: Obj) -> bool | None:
    """None without the annotation, and when it says neither yes nor no."""
    return _BOOLEANS.get((obj["metadata"].get("annotations") or {}).get(AUTO_UPDATE, ""))


def _revised(current: Obj, wanted: Obj, is_mandatory: bool) -> Obj | None:
    stated = _annotated(current)
    follows = is_mandatory or (stated if stated is not None else current["metadata"].get("generation") == 1)
    is_spec_changed = follows and not _is_same_spec(current, wanted)
    if stated is follows and not is_spec_changed:
        return None
    revised = copy(current)
    if is_spec_changed:
        revised["spec"] = copy(wanted["spec"])
    annotations = revised["metadata"].setdefault("annotations", {})
    annotations[AUTO_UPDATE] = "true" if follows else "false"
    return revised


def _is_same_spec(current: Obj, wanted: Obj) -> bool:
    spec = current.get("spec") or {}
    if wanted["metadata"]["name"] == "exempt" and "exempt" in wanted["spec"]:
        # How much the exempt level lends is for people to say. Source: ensurer plSpecEqualish.
        return spec.get("type") == "Exempt" and spec.get("exempt") is not None
    return bool(spec == wanted["spec"])
