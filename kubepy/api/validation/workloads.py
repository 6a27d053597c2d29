"""Workloads and PodGroups (scheduling.k8s.io): declarative validation upstream.

A value that an update leaves as it is is not looked at again. What belongs to features that are off (topology
constraints, shared claims, composite groups, preemption policies) never comes here: the strategy drops it.

Source: kubernetes 1.37 staging/src/k8s.io/api/scheduling/v1beta1/types.go (its +k8s: marks),
apimachinery pkg/api/validate, pkg/apis/scheduling/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import IMMUTABLE_TEXT, Errors, Kind, check_name, same
from kubepy.api.validation.statuses import check_conditions

_TEMPLATES_MAX = 8
_PRIORITY_MAX = 1_000_000_000
_CANNOT_SET, _CANNOT_CLEAR = "field cannot be set once created", "field cannot be cleared once set"
_NOT_MORE, _NOT_FEWER = "item may not be added", "item may not be removed"

_Check = Callable[[Any, str, Errors], None]
_check_long_name, _check_short_name = check_name(names.dns1123_subdomain), check_name(names.dns1123_label)


def _check_one_of(holder: Obj, members: Sequence[str], path: str, found: Errors) -> bool:
    chosen = [name for name in members if holder.get(name) is not None]
    known = ", ".join(f"`{name}`" for name in members)
    if not chosen:
        found.append(errors.invalid_value(path, "", f"must specify one of: {known}"))
    elif len(chosen) > 1:
        given = "{" + ", ".join(f"`{name}`" for name in chosen) + "}"
        found.append(errors.invalid_value(path, given, f"must specify exactly one of: {known}"))
    return len(chosen) == 1


def _required(check: _Check) -> _Check:
    def checked(value: Any, path: str, found: Errors) -> None:
        if not value:
            found.append(errors.required(path))
        else:
            check(value, path, found)

    return checked


def _check_min_count(gang: Obj, path: str, found: Errors) -> None:
    count = gang.get("minCount") or 0
    if not count:
        found.append(errors.required(f"{path}.minCount"))
    elif count < 1:
        found.append(errors.invalid_value(f"{path}.minCount", count, "must be greater than or equal to 1"))


def _check_policy(policy: Obj, path: str, found: Errors) -> None:
    _check_one_of(policy, ("basic", "gang"), path, found)
    if (gang := policy.get("gang")) is not None:
        _check_min_count(gang, f"{path}.gang", found)


def _check_policy_update(new: Obj, old: Obj, path: str, found: Errors) -> None:
    """Which of them it is stays; how many a gang needs may change."""
    if same(new, old):
        return
    is_one = _check_one_of(new, ("basic", "gang"), path, found)
    if is_one and (new.get("basic") is None) != (old.get("basic") is None):
        found.append(errors.invalid_value(f"{path}.basic", None, IMMUTABLE_TEXT))
    was, is_now = old.get("gang"), new.get("gang")
    if was is None and is_now is not None:
        found.append(errors.invalid_value(f"{path}.gang", None, _CANNOT_SET))
    elif was is not None and is_now is None:
        found.append(errors.invalid_value(f"{path}.gang", None, _CANNOT_CLEAR))
    elif is_now is not None and not same(was, is_now):
        _check_min_count(is_now, f"{path}.gang", found)


def _check_disruption(mode: Obj, path: str, found: Errors) -> None:
    _check_one_of(mode, ("single", "all"), path, found)


def _check_priority(value: int, path: str, found: Errors) -> None:
    if value > _PRIORITY_MAX:
        found.append(errors.invalid_value(path, value, f"must be less than or equal to {_PRIORITY_MAX}"))


def _check_workload_ref(ref: Obj, path: str, found: Errors) -> None:
    _required(_check_long_name)(ref.get("workloadName"), f"{path}.workloadName", found)
    _required(_check_short_name)(ref.get("templateName"), f"{path}.templateName", found)


# What a group and the template of one have alike, beside the policy; none of it can change.
_FIXED: tuple[tuple[str, _Check], ...] = (
    ("disruptionMode", _check_disruption),
    ("priorityClassName", _check_long_name),
    ("priority", _check_priority),
)


def _check_fixed(spec: Obj, fields: Sequence[tuple[str, _Check]], path: str, found: Errors) -> None:
    for field, check in fields:
        if spec.get(field) is not None:
            check(spec[field], f"{path}.{field}", found)


def _check_fixed_update(
    new: Obj, old: Obj, fields: Sequence[tuple[str, _Check]], path: str, found: Errors
) -> None:
    for field, _ in fields:
        if not same(new.get(field), old.get(field)):
            found.append(errors.invalid_value(f"{path}.{field}", None, IMMUTABLE_TEXT))


# -- PodGroup --------------------------------------------------------------------------------------------------

_OF_GROUP = (("workloadRef", _check_workload_ref), *_FIXED)


def _check_group(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    _check_fixed(spec, _OF_GROUP[:1], "spec", found)
    _check_policy(spec.get("schedulingPolicy") or {}, "spec.schedulingPolicy", found)
    _check_fixed(spec, _FIXED, "spec", found)


def _check_group_update(new: Obj, old: Obj, found: Errors) -> None:
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    _check_fixed_update(spec, before, _OF_GROUP[:1], "spec", found)
    policy = spec.get("schedulingPolicy") or {}
    _check_policy_update(policy, before.get("schedulingPolicy") or {}, "spec.schedulingPolicy", found)
    _check_fixed_update(spec, before, _FIXED, "spec", found)


def _check_group_status(new: Obj, old: Obj, found: Errors) -> None:
    check_conditions((new.get("status") or {}).get("conditions") or [], "status.conditions", found)


# -- Workload --------------------------------------------------------------------------------------------------


def _check_controller_ref(ref: Obj, path: str, found: Errors) -> None:
    if ref.get("apiGroup"):
        _check_long_name(ref["apiGroup"], f"{path}.apiGroup", found)
    for field in ("kind", "name"):
        value = ref.get(field)
        if not value:
            found.append(errors.required(f"{path}.{field}"))
            continue
        for message in names.path_segment(value):
            found.append(errors.invalid_value(f"{path}.{field}", value, message))


def _templates(obj: Obj) -> list[Obj]:
    return (obj.get("spec") or {}).get("podGroupTemplates") or []


def _check_workload(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    if (ref := spec.get("controllerRef")) is not None:
        _check_controller_ref(ref, "spec.controllerRef", found)
    templates, path = _templates(obj), "spec.podGroupTemplates"
    if not templates:
        known = "`podGroupTemplates`, `compositePodGroupTemplates`"
        found.append(errors.invalid_value("spec", "", f"must specify one of: {known}"))
    if len(templates) > _TEMPLATES_MAX:
        found.append(errors.too_many(path, len(templates), _TEMPLATES_MAX))
        return
    seen: set[str] = set()
    for at, template in enumerate(templates):
        name = template.get("name") or ""
        if name in seen:
            found.append(errors.duplicate(f"{path}[{at}]", {"name": name}))
        seen.add(name)
        _required(_check_short_name)(name, f"{path}[{at}].name", found)
        _check_policy(template.get("schedulingPolicy") or {}, f"{path}[{at}].schedulingPolicy", found)
        _check_fixed(template, _FIXED, f"{path}[{at}]", found)


def _check_workload_update(new: Obj, old: Obj, found: Errors) -> None:
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    if not same(spec.get("controllerRef"), before.get("controllerRef")):
        found.append(errors.invalid_value("spec.controllerRef", None, IMMUTABLE_TEXT))
    known = {template["name"]: template for template in _templates(old)}
    path = "spec.podGroupTemplates"
    for at, template in enumerate(_templates(new)):
        earlier = known.pop(template.get("name") or "", None)
        if earlier is None:
            found.append(errors.forbidden_field(f"{path}[{at}]", _NOT_MORE))
            continue
        policy, was = template.get("schedulingPolicy") or {}, earlier.get("schedulingPolicy") or {}
        _check_policy_update(policy, was, f"{path}[{at}].schedulingPolicy", found)
        _check_fixed_update(template, earlier, _FIXED, f"{path}[{at}]", found)
    found += [errors.forbidden_field(path, _NOT_FEWER) for _ in known]


WORKLOADS: dict[tuple[str, str], Kind] = {
    ("scheduling.k8s.io", "PodGroup"): Kind(
        create=(_check_group,), update=(_check_group_update,), subresources={"status": (_check_group_status,)}
    ),
    ("scheduling.k8s.io", "Workload"): Kind(create=(_check_workload,), update=(_check_workload_update,)),
}
