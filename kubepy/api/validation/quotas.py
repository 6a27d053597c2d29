"""ResourceQuotas and LimitRanges.

Source: kubernetes pkg/apis/core/validation/validation.go ValidateResourceQuotaSpec, validateResourceQuotaScopes,
validateScopedResourceSelectorRequirement, ValidateLimitRange; pkg/apis/core/helper/helpers.go.
"""

from __future__ import annotations

import math
from typing import Any

from kubepy.api import errors, internals, quantity
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_resources import (
    STANDARD_RESOURCES,
    check_amount,
    check_container_resource_name,
    check_resource_name,
    is_huge_page,
    is_overcommittable,
)
from kubepy.api.validation.rules import Errors, Kind, check_label_key

_NONE: tuple[Any, ...] = ()

_PODS = frozenset(("pods",))
_COMPUTE = _PODS | {"cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"}
_STORAGE = frozenset(("persistentvolumeclaims", "requests.storage"))
# scope -> the resources that may be counted within it, of those that quotas know by name
_SCOPES = {
    "Terminating": _COMPUTE,
    "NotTerminating": _COMPUTE,
    "NotBestEffort": _COMPUTE,
    "PriorityClass": _COMPUTE,
    "CrossNamespacePodAffinity": _COMPUTE,
    "BestEffort": _PODS,
    "VolumeAttributesClass": _STORAGE,
}
_CONFLICTS = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
# Scopes that a pod is in or is not: nothing to compare.
_EXISTS_ONLY = frozenset(
    ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
)
_EXISTS_TEXT = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
_UNSUPPORTED, _NOT_FOR_RESOURCE = "unsupported scope", "unsupported scope applied to resource"
_QUOTA_RESOURCES = STANDARD_RESOURCES - {"storage"}


def _is_standard(name: str) -> bool:
    """Source: helper.IsStandardQuotaResourceName."""
    return name in _QUOTA_RESOURCES or is_huge_page(name) or name.startswith("requests.hugepages-")


def _check_scopes(spec: Obj, found: Errors) -> None:
    counted = [name for name in sorted(spec.get("hard") or ()) if _is_standard(name)]
    scopes, selector = spec.get("scopes") or [], spec.get("scopeSelector")
    for scope in scopes:
        if scope not in _SCOPES:
            found.append(errors.invalid_value("spec.scopes", scopes, _UNSUPPORTED))
        for _ in _outside(scope, counted):
            found.append(errors.invalid_value("spec.scopes", scopes, _NOT_FOR_RESOURCE))
    _check_conflicts(scopes, "spec.scopes", scopes, found)
    if selector is not None:
        _check_selector(selector, counted, spec.get("scopes"), found)


def _outside(scope: str, counted: list[str]) -> list[str]:
    """The resources that cannot be counted within a scope; an unknown scope forbids none."""
    allowed = _SCOPES.get(scope)
    return [] if allowed is None else [name for name in counted if name not in allowed]


def _check_selector(selector: Obj, counted: list[str], shown_scopes: list[str] | None, found: Errors) -> None:
    path = "spec.scopeSelector.matchExpressions"
    requirements = selector.get("matchExpressions") or []
    for requirement in requirements:
        scope, operator = requirement.get("scopeName") or "", requirement.get("operator") or ""
        values = requirement.get("values") or []
        if scope not in _SCOPES:
            found.append(errors.invalid_value(f"{path}.scopeName", scope, _UNSUPPORTED))
        for _ in _outside(scope, counted):
            shown = internals.of("ScopeSelector", selector)
            found.append(errors.invalid_value(path, shown, _NOT_FOR_RESOURCE))
        if scope in _EXISTS_ONLY and operator != "Exists":
            found.append(errors.invalid_value(f"{path}.operator", operator, _EXISTS_TEXT))
        if operator in ("In", "NotIn"):
            if not values:
                why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                found.append(errors.required(f"{path}.values", why))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                found.append(errors.invalid_value(f"{path}.values", values, why))
        else:
            found.append(errors.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    # Upstream shows the other list of scopes here too.
    scopes = [requirement.get("scopeName") or "" for requirement in requirements]
    _check_conflicts(scopes, path, shown_scopes, found)


def _check_conflicts(scopes: list[str], path: str, shown: list[str] | None, found: Errors) -> None:
    for pair in _CONFLICTS:
        if all(scope in scopes for scope in pair):
            found.append(errors.invalid_value(path, shown, "conflicting scopes"))


# -- amounts ---------------------------------------------------------------------------------------------------


def _check_quota(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    _check_amounts(spec.get("hard"), "spec.hard", found)
    _check_scopes(spec, found)


def _check_quota_status(new: Obj, old: Obj, found: Errors) -> None:
    for field in ("hard", "used"):
        _check_amounts((new.get("status") or {}).get(field), f"status.{field}", found)


def _check_amounts(amounts: Obj | None, field: str, found: Errors) -> None:
    for name, amount in (amounts or {}).items():
        path = f"{field}[{name}]"
        check_resource_name(name, path, found)
        if "/" not in name and not _is_standard(name):
            found.append(errors.invalid_value(path, name, "must be a standard resource for quota"))
        check_amount(name, amount, path, found)


def _check_scopes_kept(new: Obj, old: Obj, found: Errors) -> None:
    scopes = (new.get("spec") or {}).get("scopes")
    if set(scopes or ()) != set((old.get("spec") or {}).get("scopes") or ()):
        found.append(errors.invalid_value("spec.scopes", scopes, "field is immutable"))


# -- LimitRange ------------------------------------------------------------------------------------------------

_LIMIT_TYPES = ("Container", "Pod", "PersistentVolumeClaim")


def _check_limit_range(obj: Obj, found: Errors) -> None:
    """Source: ValidateLimitRange."""
    seen: set[str] = set()
    for index, limit in enumerate((obj.get("spec") or {}).get("limits") or _NONE):
        here, type_ = f"spec.limits[{index}]", limit.get("type") or ""
        before = len(found)
        check_label_key(type_, f"{here}.type", found)
        if len(found) == before and "/" not in type_ and type_ not in _LIMIT_TYPES:
            why = "must be a standard limit type or fully qualified"
            found.append(errors.invalid_value(f"{here}.type", type_, why))
        if type_ in seen:
            found.append(errors.duplicate(f"{here}.type", type_))
        seen.add(type_)
        _check_limit(limit, type_, here, found)


def _check_limit(limit: Obj, type_: str, path: str, found: Errors) -> None:
    check_name = check_container_resource_name if type_ in ("Container", "Pod") else check_resource_name
    for field in ("max", "min", "default", "defaultRequest"):
        if type_ == "Pod" and field.startswith("default"):
            if limit.get(field):
                why = "may not be specified when `type` is 'Pod'"
                found.append(errors.forbidden_field(f"{path}.{field}", why))
            continue
        for name in limit.get(field) or {}:
            check_name(name, f"{path}.{field}[{name}]", found)
    if type_ == "PersistentVolumeClaim" and not any(
        "storage" in (limit.get(field) or {}) for field in ("min", "max")
    ):
        why = "either minimum or maximum storage value is required, but neither was provided"
        found.append(errors.required(f"{path}.limits", why))
    for name in limit.get("maxLimitRequestRatio") or {}:
        check_name(name, f"{path}.maxLimitRequestRatio[{name}]", found)
    if type_ == "Pod":
        limit = {field: value for field, value in limit.items() if not field.startswith("default")}
    _check_limit_order(limit, path, found)


# (smaller, larger, where the finding goes, which of the values it shows, its text)
_LIMIT_ORDER = (
    ("min", "max", "min", 0, "min value {0} is greater than max value {1}"),
    ("min", "defaultRequest", "defaultRequest", 1, "min value {0} is greater than default request value {1}"),
    ("defaultRequest", "max", "defaultRequest", 0, "default request value {0} is greater than max value {1}"),
    (
        "defaultRequest",
        "default",
        "defaultRequest",
        0,
        "default request value {0} is greater than default limit value {1}",
    ),
    ("min", "default", "default", 0, "min value {0} is greater than default value {1}"),
    ("default", "max", "default", 1, "default value {0} is greater than max value {1}"),
)


def _check_limit_order(limit: Obj, path: str, found: Errors) -> None:
    held = {field: limit.get(field) or {} for field in ("min", "max", "default", "defaultRequest")}
    ratios = limit.get("maxLimitRequestRatio") or {}
    for name in sorted(set().union(*held.values(), ratios)):
        for low, high, place, shown, text in _LIMIT_ORDER:
            pair: tuple[Any, Any] = (held[low].get(name), held[high].get(name))
            if None not in pair and quantity.nano(pair[0]) > quantity.nano(pair[1]):
                found.append(errors.invalid_value(f"{path}.{place}[{name}]", pair[shown], text.format(*pair)))
        if name in ratios:
            here = f"{path}.maxLimitRequestRatio[{name}]"
            _check_ratio(ratios[name], held["min"].get(name), held["max"].get(name), here, found)
        default, request = held["default"].get(name), held["defaultRequest"].get(name)
        if is_overcommittable(name) or default is None or request is None:
            continue
        if quantity.nano(default) != quantity.nano(request):
            why = f"default value {default} must equal to defaultRequest value {request} in {name}"
            found.append(errors.invalid_value(f"{path}.defaultRequest[{name}]", request, why))


def _check_ratio(ratio: Any, low: Any, high: Any, path: str, found: Errors) -> None:
    """Of the limit to the request; no more is possible than the greatest of one to the smallest of the other."""
    asked = _quotient(quantity.nano(ratio), quantity.NANOS)
    if asked < 1:
        found.append(errors.invalid_value(path, ratio, f"ratio {ratio} is less than 1"))
    if low is None or high is None:
        return
    possible = _quotient(quantity.nano(high), quantity.nano(low))
    if asked > possible:
        why = f"ratio {ratio} is greater than max/min = {possible:f}"
        found.append(errors.invalid_value(path, ratio, why))


def _quotient(above: int, below: int) -> float:
    """As floats divide: what is out of their bounds is infinite."""
    if not below:
        return math.inf if above else math.nan
    try:
        return above / below
    except OverflowError:
        return math.inf


QUOTAS: dict[tuple[str, str], Kind] = {
    ("", "ResourceQuota"): Kind(
        rules=(_check_quota,), update=(_check_scopes_kept,), subresources={"status": (_check_quota_status,)}
    ),
    ("", "LimitRange"): Kind(rules=(_check_limit_range,)),
}
