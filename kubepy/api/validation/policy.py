"""Access, budgets, priorities, leases: the small groups.

Source: kubernetes pkg/apis/{rbac,policy,scheduling,coordination}/validation/validation.go.
"""

from __future__ import annotations

from typing import Any

from kubepy.api import errors, internals, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import (
    Errors,
    Kind,
    Rule,
    UpdateRule,
    at,
    check_at_most_100_percent,
    check_int_or_percent,
    check_label_selector,
    check_messages,
    check_non_negative,
    enum,
    immutable,
    non_negative,
    on_update,
    positive,
    same,
    selector_of,
)

_NONE: tuple[Any, ...] = ()

# -- RBAC ------------------------------------------------------------------------------------------------------

_RBAC_GROUP = "rbac.authorization.k8s.io"


def _policy_rules(*, namespaced: bool) -> Rule:
    """Source: ValidatePolicyRule."""

    def check(obj: Obj, found: Errors) -> None:
        for index, rule in enumerate(obj.get("rules") or _NONE):
            path = f"rules[{index}]"
            if not rule.get("verbs"):
                found.append(errors.required(f"{path}.verbs", "verbs must contain at least one value"))
            urls = rule.get("nonResourceURLs")
            if urls:
                if namespaced:
                    why = "namespaced rules cannot apply to non-resource URLs"
                    found.append(errors.invalid_value(f"{path}.nonResourceURLs", urls, why))
                if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
                    why = "rules cannot apply to both regular resources and non-resource URLs"
                    found.append(errors.invalid_value(f"{path}.nonResourceURLs", urls, why))
                continue
            if not rule.get("apiGroups"):
                why = "resource rules must supply at least one api group"
                found.append(errors.required(f"{path}.apiGroups", why))
            if not rule.get("resources"):
                why = "resource rules must supply at least one resource"
                found.append(errors.required(f"{path}.resources", why))

    return check


def _check_aggregation(obj: Obj, found: Errors) -> None:
    rule = obj.get("aggregationRule")
    if rule is None:
        return
    selectors = rule.get("clusterRoleSelectors") or _NONE
    if not selectors:
        why = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        found.append(errors.required("aggregationRule.clusterRoleSelectors", why))
    for index, selector in enumerate(selectors):
        path = f"aggregationRule.clusterRoleSelectors[{index}]"
        check_label_selector(selector, path, found)
        if selector_of(selector) is None:
            found.append(errors.invalid_value(path, None, "invalid label selector."))


def _role_binding(*, namespaced: bool) -> Rule:
    """Source: ValidateRoleBinding, ValidateClusterRoleBinding."""
    kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)

    def check(obj: Obj, found: Errors) -> None:
        role = obj.get("roleRef") or {}
        if role.get("apiGroup") != _RBAC_GROUP:
            found.append(errors.not_supported("roleRef.apiGroup", role.get("apiGroup") or "", (_RBAC_GROUP,)))
        if role.get("kind") not in kinds:
            found.append(errors.not_supported("roleRef.kind", role.get("kind") or "", kinds))
        name = role.get("name")
        if not name:
            found.append(errors.required("roleRef.name"))
        else:
            check_messages(names.path_segment(name), name, "roleRef.name", found)
        for index, subject in enumerate(obj.get("subjects") or _NONE):
            _check_subject(subject, f"subjects[{index}]", namespaced, found)

    return check


def _check_subject(subject: Obj, path: str, namespaced: bool, found: Errors) -> None:
    kind, name, group = subject.get("kind") or "", subject.get("name") or "", subject.get("apiGroup") or ""
    if not name:
        found.append(errors.required(f"{path}.name"))
    if kind == "ServiceAccount":
        if name:
            check_messages(names.dns1123_subdomain(name), name, f"{path}.name", found)
        if group:
            found.append(errors.not_supported(f"{path}.apiGroup", group, ("",)))
        if not namespaced and not subject.get("namespace"):
            found.append(errors.required(f"{path}.namespace"))
    elif kind in ("User", "Group"):
        if group != _RBAC_GROUP:
            found.append(errors.not_supported(f"{path}.apiGroup", group, (_RBAC_GROUP,)))
    else:
        found.append(errors.not_supported(f"{path}.kind", kind, ("ServiceAccount", "User", "Group")))


_role_ref_kept: UpdateRule = immutable("roleRef", "cannot change roleRef", struct="RoleRef")

# -- PodDisruptionBudget ---------------------------------------------------------------------------------------


def _check_budget(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        why = "minAvailable and maxUnavailable cannot be both set"
        found.append(errors.invalid_value("spec", internals.of("PodDisruptionBudgetSpec", spec), why))
    for field in ("minAvailable", "maxUnavailable"):
        if spec.get(field) is not None:
            check_int_or_percent(spec[field], f"spec.{field}", found)
            check_at_most_100_percent(spec[field], f"spec.{field}", found)
    check_label_selector(spec.get("selector"), "spec.selector", found)


# -- PriorityClass, Lease --------------------------------------------------------------------------------------

_PREEMPTIONS = ("PreemptLowerPriority", "Never")
_USER_PRIORITY_MAX = 1_000_000_000
_SYSTEM_PRIORITIES = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}


def _check_priority_class(obj: Obj, found: Errors) -> None:
    name, value = obj["metadata"].get("name") or "", obj.get("value") or 0
    if name.startswith("system-"):
        why = _why_no_system_priority(name, value, bool(obj.get("globalDefault")))
        if why:
            reserved = "priority class names with 'system-' prefix are reserved for system use only. error: "
            found.append(errors.forbidden_field("metadata.name", reserved + why))
    elif value > _USER_PRIORITY_MAX:
        why = f"maximum allowed value of a user defined priority is {_USER_PRIORITY_MAX}"
        found.append(errors.forbidden_field("value", why))


def _why_no_system_priority(name: str, value: int, is_default: bool) -> str:
    """Source: IsKnownSystemPriorityClass."""
    known = _SYSTEM_PRIORITIES.get(name)
    if known is None:
        return f"{name} is not a known system priority class"
    if value != known:
        return f"value of {name} PriorityClass must be {known}"
    return f"globalDefault of {name} PriorityClass must be false" if is_default else ""


def _check_preemption(obj: Obj, found: Errors) -> None:
    policy = obj.get("preemptionPolicy")
    if policy == "":
        found.append(errors.required("preemptionPolicy"))
    elif policy not in (None, *_PREEMPTIONS):
        found.append(errors.not_supported("preemptionPolicy", policy, _PREEMPTIONS))


def _check_priority_kept(new: Obj, old: Obj, found: Errors) -> None:
    if not same(new.get("value"), old.get("value")):
        found.append(errors.forbidden_field("value", "may not be changed in an update."))


POLICY: dict[tuple[str, str], Kind] = {
    (_RBAC_GROUP, "Role"): Kind(name=names.name_is_path_segment, rules=(_policy_rules(namespaced=True),)),
    (_RBAC_GROUP, "ClusterRole"): Kind(
        name=names.name_is_path_segment, rules=(_policy_rules(namespaced=False), _check_aggregation)
    ),
    (_RBAC_GROUP, "RoleBinding"): Kind(
        name=names.name_is_path_segment, rules=(_role_binding(namespaced=True),), update=(_role_ref_kept,)
    ),
    (_RBAC_GROUP, "ClusterRoleBinding"): Kind(
        name=names.name_is_path_segment, rules=(_role_binding(namespaced=False),), update=(_role_ref_kept,)
    ),
    ("policy", "PodDisruptionBudget"): Kind(
        name=names.name_is_path_segment,
        rules=(_check_budget, enum("spec.unhealthyPodEvictionPolicy", ("AlwaysAllow", "IfHealthyBudget"))),
        subresources={
            "status": on_update(
                non_negative(
                    "status.disruptionsAllowed",
                    "status.currentHealthy",
                    "status.desiredHealthy",
                    "status.expectedPods",
                )
            )
        },
    ),
    ("scheduling.k8s.io", "PriorityClass"): Kind(
        create=(_check_priority_class, _check_preemption),
        update=(_check_priority_kept, immutable("preemptionPolicy")),
    ),
    ("coordination.k8s.io", "Lease"): Kind(
        rules=(
            positive("spec.leaseDurationSeconds"),
            at("spec.leaseTransitions", check_non_negative),
        ),
    ),
}
