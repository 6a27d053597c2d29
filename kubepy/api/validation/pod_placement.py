"""The rules of where a pod may go: tolerations, affinity, node selectors, spreading.

Source: kubernetes pkg/apis/core/validation/validation.go, ValidateTolerations, validateAffinity, ValidateNodeSelector,
validateTopologySpreadConstraints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import (
    Errors,
    check_enum,
    check_label_key,
    check_label_selector,
    check_messages,
)

_NONE: tuple[Any, ...] = ()
_check_taint_effect = check_enum(("NoSchedule", "PreferNoSchedule", "NoExecute"))
_check_when_unsatisfiable = check_enum(("DoNotSchedule", "ScheduleAnyway"))
_check_node_policy = check_enum(("Honor", "Ignore"))


def check_tolerations(tolerations: Sequence[Obj], path: str, found: Errors) -> None:
    """Source: ValidateTolerations."""
    for index, toleration in enumerate(tolerations):
        at = f"{path}[{index}]"
        key, operator = toleration.get("key"), toleration.get("operator") or ""
        value, effect = toleration.get("value") or "", toleration.get("effect") or ""
        if key:
            check_label_key(key, f"{at}.key", found)
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            found.append(errors.invalid_value(f"{at}.operator", operator, why))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            found.append(errors.invalid_value(f"{at}.effect", effect, why))
        if operator in ("", "Equal"):
            if messages := names.label_value(value):
                found.append(errors.invalid_value(f"{at}.operator", value, ";".join(messages)))
        elif operator == "Exists":
            if value:
                why = "value must be empty when `operator` is 'Exists'"
                found.append(errors.invalid_value(f"{at}.operator", value, why))
        else:
            values = ("Equal", "Exists", "Lt", "Gt") if operator in ("Lt", "Gt") else ("Equal", "Exists")
            found.append(errors.not_supported(f"{at}.operator", operator, values))
        if effect:
            _check_taint_effect(effect, f"{at}.effect", found)


def check_affinity(affinity: Obj, path: str, found: Errors) -> None:
    if node := affinity.get("nodeAffinity"):
        required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
        if required is not None:
            at = f"{path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
            check_node_selector(required, at, found)
        at = f"{path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution"
        for index, term in enumerate(node.get("preferredDuringSchedulingIgnoredDuringExecution") or _NONE):
            _check_weight(term, f"{at}[{index}]", found)
            _check_node_term(term.get("preference") or {}, f"{at}[{index}].preference", found)
    for field in ("podAffinity", "podAntiAffinity"):
        if affinity.get(field):
            _check_pod_affinity(affinity[field], f"{path}.{field}", found)


def _check_weight(term: Obj, path: str, found: Errors) -> None:
    weight = term.get("weight") or 0
    if not 1 <= weight <= 100:
        found.append(errors.invalid_value(f"{path}.weight", weight, "must be in the range 1-100"))


def _check_pod_affinity(affinity: Obj, path: str, found: Errors) -> None:
    at = f"{path}.requiredDuringSchedulingIgnoredDuringExecution"
    for index, term in enumerate(affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or _NONE):
        _check_affinity_term(term, f"{at}[{index}]", found)
    at = f"{path}.preferredDuringSchedulingIgnoredDuringExecution"
    for index, term in enumerate(affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or _NONE):
        _check_weight(term, f"{at}[{index}]", found)
        _check_affinity_term(term.get("podAffinityTerm") or {}, f"{at}[{index}].podAffinityTerm", found)


def _check_affinity_term(term: Obj, path: str, found: Errors) -> None:
    """Source: validatePodAffinityTerm."""
    selector = term.get("labelSelector")
    check_label_selector(selector, f"{path}.labelSelector", found)
    check_label_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector", found)
    for name in term.get("namespaces") or _NONE:
        check_messages(names.dns1123_label(name), name, f"{path}.namespace", found)
    _check_label_keys(term, path, found)
    key = term.get("topologyKey") or ""
    if not key:
        found.append(errors.required(f"{path}.topologyKey", "can not be empty"))
    check_label_key(key, f"{path}.topologyKey", found)


def _check_label_keys(term: Obj, path: str, found: Errors) -> None:
    """matchLabelKeys and mismatchLabelKeys. Source: ValidateMatchLabelKeysAndMismatchLabelKeys."""
    matched = term.get("matchLabelKeys") or _NONE
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = term.get(field)
        if not keys:
            continue
        if term.get("labelSelector") is None:
            why = "must not be specified when labelSelector is not set"
            found.append(errors.forbidden_field(f"{path}.{field}", why))
            continue
        for index, key in enumerate(keys):
            check_label_key(key, f"{path}.{field}[{index}]", found)
    _check_selected_twice(matched, term.get("labelSelector") or {}, path, found)
    mismatched = frozenset(term.get("mismatchLabelKeys") or _NONE)
    for index, key in enumerate(matched):
        if key in mismatched:
            why = "exists in both matchLabelKeys and mismatchLabelKeys"
            found.append(errors.invalid_value(f"{path}.matchLabelKeys[{index}]", key, why))


def _check_selected_twice(matched: Sequence[str], selector: Obj, path: str, found: Errors) -> None:
    """By now the selector has an expression of each of the keys; what it says of one besides is too much."""
    if not matched:
        return
    place = {key: index for index, key in enumerate(matched)}
    seen = set(selector.get("matchLabels") or _NONE)
    for expression in selector.get("matchExpressions") or _NONE:
        key = expression.get("key") or ""
        if key in place and key in seen:
            why = "exists in both matchLabelKeys and labelSelector"
            found.append(errors.invalid_value(f"{path}[{place[key]}]", key, why))
        seen.add(key)


def check_node_selector(selector: Obj, path: str, found: Errors) -> None:
    """Source: ValidateNodeSelector."""
    terms = selector.get("nodeSelectorTerms") or _NONE
    if not terms:
        why = "must have at least one node selector term"
        found.append(errors.required(f"{path}.nodeSelectorTerms", why))
    for index, term in enumerate(terms):
        _check_node_term(term, f"{path}.nodeSelectorTerms[{index}]", found)


def _check_node_term(term: Obj, path: str, found: Errors) -> None:
    for index, expression in enumerate(term.get("matchExpressions") or _NONE):
        _check_node_expression(expression, f"{path}.matchExpressions[{index}]", found)
    for index, expression in enumerate(term.get("matchFields") or _NONE):
        _check_node_field(expression, f"{path}.matchFields[{index}]", found)


def _check_node_expression(expression: Obj, path: str, found: Errors) -> None:
    operator, values = expression.get("operator") or "", expression.get("values") or _NONE
    if operator in ("In", "NotIn"):
        if not values:
            why = "must be specified when `operator` is 'In' or 'NotIn'"
            found.append(errors.required(f"{path}.values", why))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(errors.forbidden_field(f"{path}.values", why))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            why = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            found.append(errors.required(f"{path}.values", why))
    else:
        found.append(errors.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    check_label_key(expression.get("key"), f"{path}.key", found)
    for index, value in enumerate(values):
        check_messages(names.label_value(value), value, f"{path}.values[{index}]", found)


def _check_node_field(expression: Obj, path: str, found: Errors) -> None:
    operator, values = expression.get("operator") or "", expression.get("values") or _NONE
    if operator not in ("In", "NotIn"):
        found.append(errors.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    elif len(values) != 1:
        why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        found.append(errors.required(f"{path}.values", why))
    key = expression.get("key") or ""
    if key != "metadata.name":
        found.append(errors.invalid_value(f"{path}.key", key, "not a valid field selector key"))
        return
    for index, value in enumerate(values):
        check_messages(names.dns1123_subdomain(value), value, f"{path}.values[{index}]", found)


def check_spread(constraints: Sequence[Obj], path: str, found: Errors) -> None:
    """Source: validateTopologySpreadConstraints."""
    for index, constraint in enumerate(constraints):
        at = f"{path}[{index}]"
        skew = constraint.get("maxSkew") or 0
        if skew <= 0:
            found.append(errors.invalid_value(f"{at}.maxSkew", skew, "must be greater than zero"))
        key, when = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if not key:
            found.append(errors.required(f"{at}.topologyKey", "can not be empty"))
        _check_when_unsatisfiable(when, f"{at}.whenUnsatisfiable", found)
        for other in constraints[index + 1 :]:
            if (other.get("topologyKey") or "", other.get("whenUnsatisfiable") or "") == (key, when):
                pair = f"{{{key}, {when}}}"
                found.append(errors.duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", pair))
                break
        domains = constraint.get("minDomains")
        if domains is not None:
            if domains <= 0:
                found.append(errors.invalid_value(f"{at}.minDomains", domains, "must be greater than zero"))
            if when != "DoNotSchedule":
                why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}"
                found.append(errors.invalid_value(f"{at}.minDomains", domains, why))
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            _check_node_policy(constraint.get(field), f"{at}.{field}", found)
        _check_label_keys(constraint, at, found)
        check_label_selector(constraint.get("labelSelector"), f"{at}.labelSelector", found)
