"""HorizontalPodAutoscalers, as the hub version has them: a metric is a source, and a source has a target.

Source: kubernetes pkg/apis/autoscaling/validation/validation.go,
pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go (which of the two may go without an API group).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubepy.api import errors, names, quantity
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_resources import check_container_resource_name
from kubepy.api.validation.rules import (
    Errors,
    Kind,
    check_enum,
    check_messages,
    check_quantity_non_negative,
    check_required_path_segment,
    non_negative,
    on_update,
)

_NONE: tuple[Any, ...] = ()
_PERIOD_MAX, _WINDOW_MAX = 1800, 3600

_check_select_policy = check_enum(("Disabled", "Max", "Min"))
_check_policy_type = check_enum(("Percent", "Pods"))


def _check_created(obj: Obj, found: Errors) -> None:
    _check_autoscaler(obj, None, found)


def _check_updated(new: Obj, old: Obj, found: Errors) -> None:
    _check_autoscaler(new, old, found)


def _check_autoscaler(obj: Obj, old: Obj | None, found: Errors) -> None:
    """Source: validateHorizontalPodAutoscalerSpec."""
    spec = obj.get("spec") or {}
    before = (old or {}).get("spec") or {}
    low, high = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    # Zero is behind the gate HPAScaleToZero, but for those that have it.
    lowest = 0 if before.get("minReplicas") == 0 else 1
    if low is not None and low < lowest:
        why = f"must be greater than or equal to {lowest}"
        found.append(errors.invalid_value("spec.minReplicas", low, why))
    if high == 0:
        found.append(errors.required("spec.maxReplicas", "must be set and greater than 0"))
    elif high < 0:
        found.append(errors.invalid_value("spec.maxReplicas", high, "must be greater than or equal to 1"))
    if low is not None and high < low:
        why = "must be greater than or equal to `minReplicas`"
        found.append(errors.invalid_value("spec.maxReplicas", high, why))
    _check_target(spec.get("scaleTargetRef") or {}, before.get("scaleTargetRef"), found)
    metrics = spec.get("metrics") or _NONE
    is_free = any(map(_describes_no_version, before.get("metrics") or _NONE))
    for index, metric in enumerate(metrics):
        _check_metric(metric, f"spec.metrics[{index}]", is_free, found)
    if low == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        why = "must specify at least one Object or External metric to support scaling to zero replicas"
        found.append(errors.forbidden_field("spec.metrics", why))
    for direction in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(direction)
        if rules is not None:
            _check_scaling_rules(rules, f"spec.behavior.{direction}", found)


# -- what is scaled, what is measured --------------------------------------------------------------------------


def _why_no_version(api_version: str, *, needs_group: bool) -> str:
    """Source: ValidateAPIVersion, schema.ParseGroupVersion."""
    if api_version.count("/") > 1:
        return f"unexpected GroupVersion string: {api_version}"
    has_group = len(api_version) > 1 and "/" in api_version[1:]
    return "apiVersion must specify API group" if needs_group and not has_group else ""


def _check_reference(ref: Obj, path: str, found: Errors) -> None:
    for field in ("kind", "name"):
        check_required_path_segment(ref.get(field), f"{path}.{field}", found)


def _check_target(target: Obj, before: Obj | None, found: Errors) -> None:
    path = "spec.scaleTargetRef"
    _check_reference(target, path, found)
    version, kind = target.get("apiVersion") or "", target.get("kind")
    if before is not None and (before.get("apiVersion") or "", before.get("kind")) == (version, kind):
        return
    # The one kind of the core group that scales.
    if why := _why_no_version(version, needs_group=kind != "ReplicationController"):
        found.append(errors.invalid_value(f"{path}.apiVersion", version, why))


def _describes_no_version(metric: Obj) -> bool:
    described = (metric.get("object") or {}).get("describedObject") or {}
    is_object = metric.get("type") == "Object" and metric.get("object") is not None
    return is_object and bool(_why_no_version(described.get("apiVersion") or "", needs_group=False))


def _check_described(ref: Obj, path: str, is_free: bool, found: Errors) -> None:
    _check_reference(ref, path, found)
    version = ref.get("apiVersion") or ""
    if not is_free and (why := _why_no_version(version, needs_group=False)):
        found.append(errors.invalid_value(f"{path}.apiVersion", version, why))


# -- metrics ---------------------------------------------------------------------------------------------------


def _check_identifier(source: Obj, path: str, found: Errors) -> None:
    name = (source.get("metric") or {}).get("name")
    if not name:
        found.append(errors.required(f"{path}.metric.name", "must specify a metric name"))
    else:
        check_messages(names.path_segment(name), name, f"{path}.metric.name", found)


def _check_object(source: Obj, path: str, is_free: bool, found: Errors) -> None:
    _check_described(source.get("describedObject") or {}, f"{path}.describedObject", is_free, found)
    _check_identifier(source, path, found)
    target = _check_metric_target(source, path, found)
    if target.get("value") is None and target.get("averageValue") is None:
        why = "must set either a target value or averageValue"
        found.append(errors.required(f"{path}.target.averageValue", why))


def _check_external(source: Obj, path: str, is_free: bool, found: Errors) -> None:
    _check_identifier(source, path, found)
    target = _check_metric_target(source, path, found)
    given = [target.get("value") is not None, target.get("averageValue") is not None]
    if not any(given):
        why = "must set either a target value for metric or a per-pod target"
        found.append(errors.required(f"{path}.target.averageValue", why))
    if all(given):
        why = "may not set both a target value for metric and a per-pod target"
        found.append(errors.forbidden_field(f"{path}.target.value", why))


def _check_pods(source: Obj, path: str, is_free: bool, found: Errors) -> None:
    _check_identifier(source, path, found)
    if _check_metric_target(source, path, found).get("averageValue") is None:
        why = "must specify a positive target averageValue"
        found.append(errors.required(f"{path}.target.averageValue", why))


def _check_resource(source: Obj, path: str, is_free: bool, found: Errors) -> None:
    if not source.get("name"):
        found.append(errors.required(f"{path}.name", "must specify a resource name"))
    _check_utilization(source, path, found)


def _check_container_resource(source: Obj, path: str, is_free: bool, found: Errors) -> None:
    name, container = source.get("name"), source.get("container")
    if not name:
        found.append(errors.required(f"{path}.name", "must specify a resource name"))
    else:
        check_container_resource_name(name, f"{path}.name", found)
    if not container:
        found.append(errors.required(f"{path}.container", "must specify a container"))
    else:
        check_messages(names.dns1123_label(container), container, f"{path}.container", found)
    _check_utilization(source, path, found)


def _check_utilization(source: Obj, path: str, found: Errors) -> None:
    target = _check_metric_target(source, path, found)
    given = [target.get("averageUtilization") is not None, target.get("averageValue") is not None]
    if not any(given):
        why = "must set either a target raw value or a target utilization"
        found.append(errors.required(f"{path}.target.averageUtilization", why))
    if all(given):
        why = "may not set both a target raw value and a target utilization"
        found.append(errors.forbidden_field(f"{path}.target.averageValue", why))


def _check_metric_target(source: Obj, path: str, found: Errors) -> Obj:
    target: Obj = source.get("target") or {}
    type_, path = target.get("type") or "", f"{path}.target"
    if not type_:
        found.append(errors.required(f"{path}.type", "must specify a metric target type"))
    if type_ not in ("Utilization", "Value", "AverageValue"):
        why = "must be either Utilization, Value, or AverageValue"
        found.append(errors.invalid_value(f"{path}.type", type_, why))
    for field in ("value", "averageValue"):
        amount = target.get(field)
        if amount is not None and quantity.nano(amount) <= 0:
            found.append(errors.invalid_value(f"{path}.{field}", amount, "must be positive"))
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        why = "must be greater than 0"
        found.append(errors.invalid_value(f"{path}.averageUtilization", utilization, why))
    return target


# type -> its field and the check of what is there, in the order in which upstream looks
_SOURCES: dict[str, tuple[str, Callable[[Obj, str, bool, Errors], None]]] = {
    "Object": ("object", _check_object),
    "External": ("external", _check_external),
    "Pods": ("pods", _check_pods),
    "Resource": ("resource", _check_resource),
    "ContainerResource": ("containerResource", _check_container_resource),
}


def _check_metric(metric: Obj, path: str, is_free: bool, found: Errors) -> None:
    """Source: validateMetricSpec, which says twice that it does not know a type."""
    type_ = metric.get("type") or ""
    unknown = errors.not_supported(f"{path}.type", type_, sorted(_SOURCES))
    if not type_:
        found.append(errors.required(f"{path}.type", "must specify a metric source type"))
    if type_ not in _SOURCES:
        found.append(unknown)
    present = [(field, check) for field, check in _SOURCES.values() if metric.get(field) is not None]
    for field, check in present[:1]:
        check(metric[field], f"{path}.{field}", is_free, found)
    expected = _SOURCES[type_][0] if type_ in _SOURCES else ""
    if not expected:
        found.append(unknown)
    elif metric.get(expected) is None:
        why = "must populate information for the given metric source"
        found.append(errors.required(f"{path}.{expected}", why))
    if len(present) > 1:
        for field, _ in present:
            if field != expected:
                why = "must populate the given metric source only"
                found.append(errors.forbidden_field(f"{path}.{field}", why))


# -- behavior --------------------------------------------------------------------------------------------------


def _check_scaling_rules(rules: Obj, path: str, found: Errors) -> None:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and not 0 <= window <= _WINDOW_MAX:
        low, high = "greater than or equal to zero", f"less than or equal to {_WINDOW_MAX}"
        why = f"must be {low if window < 0 else high}"
        found.append(errors.invalid_value(f"{path}.stabilizationWindowSeconds", window, why))
    _check_select_policy(rules.get("selectPolicy"), f"{path}.selectPolicy", found)
    if not rules.get("policies"):
        found.append(errors.required(f"{path}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(rules.get("policies") or _NONE):
        _check_scaling_policy(policy, f"{path}.policies[{index}]", found)
    check_quantity_non_negative(rules.get("tolerance"), f"{path}.tolerance", found)


def _check_scaling_policy(policy: Obj, path: str, found: Errors) -> None:
    _check_policy_type(policy.get("type") or "", f"{path}.type", found)
    value, period = policy.get("value") or 0, policy.get("periodSeconds") or 0
    if value <= 0:
        found.append(errors.invalid_value(f"{path}.value", value, "must be greater than zero"))
    if period <= 0:
        found.append(errors.invalid_value(f"{path}.periodSeconds", period, "must be greater than zero"))
    if period > _PERIOD_MAX:
        why = f"must be less than or equal to {_PERIOD_MAX}"
        found.append(errors.invalid_value(f"{path}.periodSeconds", period, why))


AUTOSCALING: dict[tuple[str, str], Kind] = {
    ("autoscaling", "HorizontalPodAutoscaler"): Kind(
        create=(_check_created,),
        update=(_check_updated,),
        subresources={"status": on_update(non_negative("status.currentReplicas", "status.desiredReplicas"))},
    ),
}
