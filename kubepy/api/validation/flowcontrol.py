"""FlowSchemas and PriorityLevelConfigurations.

Source: kubernetes pkg/apis/flowcontrol/validation/validation.go; the mandatory objects:
apiserver pkg/apis/flowcontrol/bootstrap/default.go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import Errors, Kind, check_messages, on_update, same

_NONE: tuple[Any, ...] = ()
_PRECEDENCE_MAX = 10_000
_QUEUES_MAX = 10_000_000
_HASH_BITS_MAX = 60
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")

_ANYBODY = [
    {"kind": "Group", "group": {"name": name}} for name in ("system:unauthenticated", "system:authenticated")
]
_ANYTHING = {
    "resourceRules": [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    ],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}
# Objects that may be written, but not otherwise than they are.
_MANDATORY_SCHEMAS: dict[str, Obj] = {
    "exempt": {
        "priorityLevelConfiguration": {"name": "exempt"},
        "matchingPrecedence": 1,
        "rules": [{"subjects": [{"kind": "Group", "group": {"name": "system:masters"}}], **_ANYTHING}],
    },
    "catch-all": {
        "priorityLevelConfiguration": {"name": "catch-all"},
        "matchingPrecedence": 10_000,
        "distinguisherMethod": {"type": "ByUser"},
        "rules": [{"subjects": _ANYBODY, **_ANYTHING}],
    },
}
_MANDATORY_LEVELS: dict[str, Obj] = {
    "exempt": {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
    "catch-all": {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": {"type": "Reject"}},
    },
}


def _check_schema(obj: Obj, found: Errors) -> None:
    spec, name = obj.get("spec") or {}, obj["metadata"].get("name") or ""
    precedence, path = spec.get("matchingPrecedence") or 0, "spec.matchingPrecedence"
    if precedence <= 0:
        found.append(errors.invalid_value(path, precedence, "must be a positive value"))
    if precedence > _PRECEDENCE_MAX:
        found.append(errors.invalid_value(path, precedence, f"must not be greater than {_PRECEDENCE_MAX}"))
    if precedence == 1 and name != "exempt":
        why = "only the schema named 'exempt' may have matchingPrecedence 1"
        found.append(errors.invalid_value(path, precedence, why))
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in ("ByNamespace", "ByUser"):
        shown = {"Type": method.get("type") or ""}
        found.append(errors.not_supported("spec.distinguisherMethod.type", shown, ("ByNamespace", "ByUser")))
    level = (spec.get("priorityLevelConfiguration") or {}).get("name") or ""
    if level:
        check_messages(names.dns1123_subdomain(level), level, "spec.priorityLevelConfiguration.name", found)
    else:
        why = "must reference a priority level"
        found.append(errors.required("spec.priorityLevelConfiguration.name", why))
    for index, rule in enumerate(spec.get("rules") or _NONE):
        _check_rule(rule, f"spec.rules[{index}]", found)
    fixed = _MANDATORY_SCHEMAS.get(name)
    if fixed is not None and not same(spec, fixed):
        found.append(errors.invalid_value("spec", spec, f"spec of '{name}' must equal the fixed value"))
    _check_conditions(obj, found)


def _check_rule(rule: Obj, path: str, found: Errors) -> None:
    subjects = rule.get("subjects") or _NONE
    if not subjects:
        found.append(errors.required(f"{path}.subjects", "subjects must contain at least one value"))
    for index, subject in enumerate(subjects):
        _check_subject(subject, f"{path}.subjects[{index}]", found)
    resources, others = rule.get("resourceRules") or _NONE, rule.get("nonResourceRules") or _NONE
    if not resources and not others:
        why = "at least one of resourceRules and nonResourceRules has to be non-empty"
        found.append(errors.required(path, why))
    for index, resource in enumerate(resources):
        _check_resource_rule(resource, f"{path}.resourceRules[{index}]", found)
    for index, other in enumerate(others):
        _check_other_rule(other, f"{path}.nonResourceRules[{index}]", found)


# kind of subject -> its field
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}


def _check_subject(subject: Obj, path: str, found: Errors) -> None:
    kind = subject.get("kind") or ""
    own = _SUBJECTS.get(kind)
    if own is None:
        found.append(errors.not_supported(f"{path}.kind", kind, tuple(_SUBJECTS)))
        return
    value = subject.get(own)
    if value is None:
        why = f"{own} is required when subject kind is '{kind}'"
        found.append(errors.required(f"{path}.{own}", why))
    else:
        _check_subject_value(value, kind, f"{path}.{own}", found)
    order = ("user", "group") if kind == "ServiceAccount" else ("serviceAccount", "user", "group")
    for field in order:
        if field != own and subject.get(field) is not None:
            other = next(name for name, its in _SUBJECTS.items() if its == field)
            why = f"{field} is forbidden when subject kind is not '{other}'"
            found.append(errors.forbidden_field(f"{path}.{field}", why))


def _check_subject_value(value: Obj, kind: str, path: str, found: Errors) -> None:
    name = value.get("name") or ""
    if not name:
        found.append(errors.required(f"{path}.name"))
    elif kind == "ServiceAccount" and name != "*":
        check_messages(names.dns1123_subdomain(name), name, f"{path}.name", found)
    if kind == "ServiceAccount":
        namespace = value.get("namespace") or ""
        if namespace:
            check_messages(names.dns1123_label(namespace), namespace, f"{path}.namespace", found)
        else:
            why = "must specify namespace for service account"
            found.append(errors.required(f"{path}.namespace", why))


def _check_all_or_some(values: Sequence[str], path: str, what: str, missing: str, found: Errors) -> bool:
    """Whether the values are to be looked at one by one."""
    if not values:
        found.append(errors.required(path, missing))
        return False
    if "*" in values:
        if len(values) > 1:
            why = f"if '*' is present, must not specify other {what}"
            found.append(errors.invalid_value(path, values, why))
        return False
    return True


def _check_verbs(rule: Obj, path: str, found: Errors) -> None:
    verbs = rule.get("verbs") or []
    missing = "verbs must contain at least one value"
    if _check_all_or_some(verbs, f"{path}.verbs", "verbs", missing, found) and set(verbs) - set(_VERBS):
        found.append(errors.not_supported(f"{path}.verbs", verbs, _VERBS))


def _check_resource_rule(rule: Obj, path: str, found: Errors) -> None:
    _check_verbs(rule, path, found)
    for field, what, one in (
        ("apiGroups", "api groups", "api group"),
        ("resources", "resources", "resource"),
    ):
        missing = f"resource rules must supply at least one {one}"
        _check_all_or_some(rule.get(field) or [], f"{path}.{field}", what, missing, found)
    namespaces = rule.get("namespaces") or []
    if rule.get("clusterScope") and not namespaces:
        return
    missing = "resource rules that are not cluster scoped must supply at least one namespace"
    if _check_all_or_some(namespaces, f"{path}.namespaces", "namespaces", missing, found):
        for index, namespace in enumerate(namespaces):
            for message in names.dns1123_label(namespace):
                why = f"each member of this list must be '*' or a DNS-1123 label; {message}"
                found.append(errors.invalid_value(f"{path}.namespaces[{index}]", namespace, why))


def _check_other_rule(rule: Obj, path: str, found: Errors) -> None:
    _check_verbs(rule, path, found)
    urls, missing = rule.get("nonResourceURLs") or [], "nonResourceURLs must contain at least one value"
    if _check_all_or_some(urls, f"{path}.nonResourceURLs", "non-resource URLs", missing, found):
        for index, url in enumerate(urls):
            if why := _url_fault(url):
                found.append(errors.invalid_value(f"{path}.nonResourceURLs[{index}]", url, why))


def _url_fault(url: str) -> str:
    """Source: ValidateNonResourceURLPath."""
    if not url:
        return "must not be empty"
    if url == "/":
        return ""
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count("*")
    return "wildcard can only do suffix matching" if stars > 1 or (stars and not url.endswith("/*")) else ""


def _check_conditions(obj: Obj, found: Errors) -> None:
    seen: set[str] = set()
    for index, condition in enumerate((obj.get("status") or {}).get("conditions") or _NONE):
        path, type_ = f"status.conditions[{index}].type", condition.get("type") or ""
        if type_ in seen:
            found.append(errors.duplicate(path, type_))
        seen.add(type_)
        if not type_:
            found.append(errors.required(path))


# -- PriorityLevelConfiguration --------------------------------------------------------------------------------

_ROUND_TRIP = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares"


def _check_level(obj: Obj, found: Errors) -> None:
    spec, name = obj.get("spec") or {}, obj["metadata"].get("name") or ""
    if _ROUND_TRIP in (obj["metadata"].get("annotations") or {}):
        why = f"annotation '{_ROUND_TRIP}' is forbidden"
        found.append(errors.forbidden_field("metadata.annotations", why))
    type_, limited, exempt = spec.get("type") or "", spec.get("limited"), spec.get("exempt")
    if (name == "exempt") != (type_ == "Exempt"):
        why = "must be 'Exempt' if and only if `name` is 'exempt'"
        found.append(errors.invalid_value("spec.type", type_, why))
    if type_ == "Exempt":
        if limited is not None:
            found.append(errors.forbidden_field("spec.limited", "must be nil if the type is not Limited"))
        _check_shares(exempt or {}, "spec.exempt", found)
    elif type_ == "Limited":
        if exempt is not None:
            found.append(errors.forbidden_field("spec.exempt", "must be nil if the type is Limited"))
        if limited is None:
            found.append(errors.required("spec.limited", "must not be empty when type is Limited"))
        else:
            _check_limited(limited, found)
    else:
        found.append(errors.not_supported("spec.type", type_, ("Exempt", "Limited")))
    _check_mandatory_level(spec, name, found)
    _check_conditions(obj, found)


def _check_shares(part: Obj, path: str, found: Errors) -> None:
    shares = part.get("nominalConcurrencyShares")
    if shares is not None and shares < 0:
        why = "must be a non-negative integer"
        found.append(errors.invalid_value(f"{path}.nominalConcurrencyShares", shares, why))
    if path == "spec.limited":
        _check_response(part.get("limitResponse") or {}, f"{path}.limitResponse", found)
    lendable = part.get("lendablePercent")
    if lendable is not None and not 0 <= lendable <= 100:
        why = "must be between 0 and 100, inclusive"
        found.append(errors.invalid_value(f"{path}.lendablePercent", lendable, why))


def _check_limited(limited: Obj, found: Errors) -> None:
    _check_shares(limited, "spec.limited", found)
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        why = "if specified, must be a non-negative integer"
        found.append(errors.invalid_value("spec.limited.borrowingLimitPercent", borrowing, why))


def _check_response(response: Obj, path: str, found: Errors) -> None:
    type_, queuing = response.get("type") or "", response.get("queuing")
    if type_ == "Reject":
        if queuing is not None:
            why = "must be nil if limited.limitResponse.type is not Limited"
            found.append(errors.forbidden_field(f"{path}.queuing", why))
    elif type_ == "Queue":
        if queuing is None:
            why = "must not be empty if limited.limitResponse.type is Limited"
            found.append(errors.required(f"{path}.queuing", why))
        else:
            _check_queuing(queuing, f"{path}.queuing", found)
    else:
        found.append(errors.not_supported(f"{path}.type", type_, ("Queue", "Reject")))


def _check_queuing(queuing: Obj, path: str, found: Errors) -> None:
    length, queues, hand = (queuing.get(f) or 0 for f in ("queueLengthLimit", "queues", "handSize"))
    if length <= 0:
        found.append(errors.invalid_value(f"{path}.queueLengthLimit", length, "must be positive"))
    if queues <= 0:
        found.append(errors.invalid_value(f"{path}.queues", queues, "must be positive"))
    elif queues > _QUEUES_MAX:
        found.append(
            errors.invalid_value(f"{path}.queues", queues, f"must not be greater than {_QUEUES_MAX}")
        )
    if hand <= 0:
        found.append(errors.invalid_value(f"{path}.handSize", hand, "must be positive"))
    elif hand > queues:
        why = f"should not be greater than queues ({queues})"
        found.append(errors.invalid_value(f"{path}.handSize", hand, why))
    elif _entropy_bits(queues, hand) > _HASH_BITS_MAX:
        why = (
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than "
            f"{_HASH_BITS_MAX}"
        )
        found.append(errors.invalid_value(f"{path}.handSize", hand, why))


def _entropy_bits(deck: int, hand: int) -> int:
    """Bits that dealing a hand takes. Source: apiserver pkg/util/shufflesharding RequiredEntropyBits."""
    return math.ceil(math.log2(deck) * hand)


def _check_mandatory_level(spec: Obj, name: str, found: Errors) -> None:
    fixed = _MANDATORY_LEVELS.get(name)
    if fixed is None:
        return
    if name == "exempt":
        if not same(spec | {"exempt": None}, fixed | {"exempt": None}):
            why = "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value"
            found.append(errors.invalid_value("spec", spec, why))
    elif not same(spec, fixed):
        found.append(errors.invalid_value("spec", spec, f"spec of '{name}' must equal the fixed value"))


FLOW_CONTROL: dict[tuple[str, str], Kind] = {
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): Kind(
        rules=(_check_schema,), subresources={"status": on_update(_check_conditions)}
    ),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): Kind(
        rules=(_check_level,), subresources={"status": on_update(_check_conditions)}
    ),
}
