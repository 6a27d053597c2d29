"""Conversion between the served versions of one stored kind.

Two kinds of 1.37 are served in two forms: events (core v1, which is stored, and events.k8s.io/v1) and
horizontalpodautoscalers (autoscaling/v2, which is stored, and v1). What autoscaling/v1 has no field for travels in
annotations, as upstream writes them, so that a client of the old version does not lose what it cannot see. Versions of
any other kind have the same fields: only apiVersion changes.

Promised: `convert` changes nothing it was given; its answer shares the parts that did not change. v2 -> v1 -> v2 gives
back what went in, but for quantities that v1 cannot leave out and writes as "0".

Source: kubernetes 1.36 pkg/apis/autoscaling/v1/conversion.go, pkg/apis/events/v1/conversion.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from kubepy.api import quantity
from kubepy.api.objects import Obj, walk
from kubepy.api.resources import Resource


def convert(obj: Obj, from_resource: Resource, to_resource: Resource) -> Obj:
    """An object in the form of `from_resource` -> in that of `to_resource`; itself when the two are one."""
    return converter(from_resource, to_resource)(obj)


def converter(from_resource: Resource, to_resource: Resource) -> Callable[[Obj], Obj]:
    """`convert` for many objects: the pair of versions is looked up once."""
    to_version = to_resource.api_version
    if from_resource.api_version == to_version:
        return lambda obj: obj
    if to_resource.own is not None and to_resource.own.convert is not None:
        return to_resource.own.convert
    change = _CONVERSIONS.get((from_resource.api_version, to_version, to_resource.plural))
    if change is None:
        return lambda obj: obj | {"apiVersion": to_version}
    return lambda obj: change(obj) | {"apiVersion": to_version}


def transcribe(obj: Obj, from_resource: Resource, to_resource: Resource) -> Obj:
    """`convert` on the way from the store or to it: a custom object loses what the other version does not know.

    Source: apiextensions-apiserver pkg/apiserver/customresource_handler.go schemaCoercingConverter.
    """
    converted = convert(obj, from_resource, to_resource)
    own = to_resource.own
    return converted if own is None or converted is obj else own.schema.coerce(converted)


# -- events -----------------------------------------------------------------------------------------------------

_EVENT_FIELDS = {  # core v1 -> events.k8s.io/v1; all other fields are named alike
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}


_CORE_EVENT_FIELDS = {new: old for old, new in _EVENT_FIELDS.items()}
# A core v1 event always has them, the other one only when they are not empty.
_ALWAYS_IN_CORE = {"reportingComponent": "", "reportingInstance": ""}


def _event_from_core(obj: Obj) -> Obj:
    return {
        _EVENT_FIELDS.get(key, key): value
        for key, value in obj.items()
        if value or key not in _ALWAYS_IN_CORE
    }


def _event_to_core(obj: Obj) -> Obj:
    return _ALWAYS_IN_CORE | {_CORE_EVENT_FIELDS.get(key, key): value for key, value in obj.items()}


# -- autoscaling ------------------------------------------------------------------------------------------------

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_TOLERANCES = (
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
)
_ROUND_TRIP = frozenset((METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR, *_TOLERANCES))
_DEFAULT_CPU_UTILIZATION = 80


class _Path(NamedTuple):
    """One field of a metric, in both versions."""

    v2: tuple[str, ...]  # ("target", "averageValue")
    v1: str  # "targetAverageValue"
    always: bool = False  # v1 has a quantity there that is no pointer: absent is written as "0"


# In the order of v1's structs, which is that of the annotations.
_DESCRIBED = _Path(("describedObject",), "target")
_NAME, _SELECTOR = _Path(("metric", "name"), "metricName"), _Path(("metric", "selector"), "selector")
_EXTERNAL = (_NAME, _Path(("metric", "selector"), "metricSelector"))
_CONTAINER = _Path(("container",), "container")
_RESOURCE = (
    _Path(("name",), "name"),
    _Path(("target", "averageUtilization"), "targetAverageUtilization"),
    _Path(("target", "averageValue"), "targetAverageValue"),
)
_RESOURCE_STATUS = (
    _Path(("name",), "name"),
    _Path(("current", "averageUtilization"), "currentAverageUtilization"),
    _Path(("current", "averageValue"), "currentAverageValue", always=True),
)

_SPECS: dict[str, tuple[_Path, ...]] = {
    "object": (
        _DESCRIBED,
        _NAME,
        _Path(("target", "value"), "targetValue", always=True),
        _SELECTOR,
        _Path(("target", "averageValue"), "averageValue"),
    ),
    "pods": (_NAME, _Path(("target", "averageValue"), "targetAverageValue", always=True), _SELECTOR),
    "resource": _RESOURCE,
    "containerResource": (*_RESOURCE, _CONTAINER),
    "external": (
        *_EXTERNAL,
        _Path(("target", "value"), "targetValue"),
        _Path(("target", "averageValue"), "targetAverageValue"),
    ),
}
_STATUSES: dict[str, tuple[_Path, ...]] = {
    "object": (
        _DESCRIBED,
        _NAME,
        _Path(("current", "value"), "currentValue", always=True),
        _SELECTOR,
        _Path(("current", "averageValue"), "averageValue"),
    ),
    "pods": (_NAME, _Path(("current", "averageValue"), "currentAverageValue", always=True), _SELECTOR),
    "resource": _RESOURCE_STATUS,
    "containerResource": (*_RESOURCE_STATUS, _CONTAINER),
    "external": (
        *_EXTERNAL,
        _Path(("current", "value"), "currentValue", always=True),
        _Path(("current", "averageValue"), "currentAverageValue"),
    ),
}


def _metric_to_v1(metric: Obj, table: dict[str, tuple[_Path, ...]]) -> Obj:
    out: Obj = {}
    for source, value in metric.items():
        if source not in table:
            out[source] = value
            continue
        old: Obj = {}
        for path in table[source]:
            found = walk(value, *path.v2)
            if found is not None:
                old[path.v1] = found
            elif path.always:
                old[path.v1] = "0"
        out[source] = old
    return out


def _metric_to_v2(metric: Obj, table: dict[str, tuple[_Path, ...]]) -> Obj:
    out: Obj = {}
    for source, value in metric.items():
        if source not in table:
            out[source] = value
            continue
        new: Obj = {}
        for path in table[source]:
            if path.v1 in value:
                _put(new, path.v2, value[path.v1])
        if table is _SPECS:
            _set_target_type(source, new.setdefault("target", {}))
        out[source] = new
    return out


def _set_target_type(source: str, target: Obj) -> None:
    if source in ("resource", "containerResource"):
        target["type"] = "Utilization" if "averageUtilization" in target else "AverageValue"
    elif source == "pods":
        target["type"] = "AverageValue"
    elif source == "external":
        target["type"] = "Value" if "value" in target else "AverageValue"
    else:
        target["type"] = "AverageValue" if "averageValue" in target else "Value"
        # v1 cannot leave the value out; as a target of zero it would not be valid beside an average.
        if "averageValue" in target and "value" in target and not quantity.parse(target["value"]):
            del target["value"]


def _put(value: Obj, path: tuple[str, ...], found: Any) -> None:
    for step in path[:-1]:
        value = value.setdefault(step, {})
    value[path[-1]] = found


def _is_cpu_utilization(metric: Obj) -> bool:
    resource = metric.get("resource") or {}
    return (
        metric.get("type") == "Resource"
        and resource.get("name") == "cpu"
        and walk(resource, "target", "averageUtilization") is not None
    )


def _cpu_utilization(percentage: int) -> Obj:
    target = {"type": "Utilization", "averageUtilization": percentage}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _autoscaler_to_v1(obj: Obj) -> Obj:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    metrics = spec.get("metrics") or ()
    new_spec = {key: value for key, value in spec.items() if key not in ("metrics", "behavior")}
    for metric in metrics:
        if _is_cpu_utilization(metric):
            new_spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
            break
    new_status = {"currentReplicas": 0} | {
        key: value for key, value in status.items() if key not in ("currentMetrics", "conditions")
    }
    for metric in status.get("currentMetrics") or ():
        current = walk(metric, "resource", "current", "averageUtilization")
        if (
            metric.get("type") == "Resource"
            and metric["resource"].get("name") == "cpu"
            and current is not None
        ):
            new_status["currentCPUUtilizationPercentage"] = current
    carried: dict[str, Any] = {
        METRICS: [_metric_to_v1(metric, _SPECS) for metric in metrics if not _is_cpu_utilization(metric)],
        CURRENT_METRICS: [_metric_to_v1(metric, _STATUSES) for metric in status.get("currentMetrics") or ()],
        CONDITIONS: status.get("conditions"),
        BEHAVIOR: _behavior_to_v1(spec.get("behavior")),
    }
    annotations = {key: orjson.dumps(value).decode() for key, value in carried.items() if value}
    return obj | {
        "metadata": _with_annotations(obj["metadata"], annotations),
        "spec": new_spec,
        "status": new_status,
    }


def _autoscaler_to_v2(obj: Obj) -> Obj:
    annotations = obj["metadata"].get("annotations") or {}
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    percentage = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_metric_to_v2(metric, _SPECS) for metric in _carried(annotations, METRICS, list) or ()]
    if percentage is not None or not metrics:
        metrics.append(_cpu_utilization(_DEFAULT_CPU_UTILIZATION if percentage is None else percentage))
    spec["metrics"] = metrics
    behavior = _carried(annotations, BEHAVIOR, dict)
    if behavior:
        spec["behavior"] = _uncapitalized(behavior)
    if not status.get("currentReplicas"):
        status.pop("currentReplicas", None)
    current = status.pop("currentCPUUtilizationPercentage", None)
    current_metrics = _carried(annotations, CURRENT_METRICS, list)
    if current_metrics is not None:
        status["currentMetrics"] = [_metric_to_v2(metric, _STATUSES) for metric in current_metrics]
    elif current is not None:
        resource = {"name": "cpu", "current": {"averageUtilization": current}}
        status["currentMetrics"] = [{"type": "Resource", "resource": resource}]
    conditions = _carried(annotations, CONDITIONS, list)
    if conditions is not None:
        status["conditions"] = conditions
    return obj | {"metadata": _with_annotations(obj["metadata"], {}), "spec": spec, "status": status}


def _with_annotations(metadata: Obj, carried: dict[str, str]) -> Obj:
    """Metadata with these round-trip annotations and no others of that kind."""
    kept = {
        key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _ROUND_TRIP
    }
    annotations = kept | carried
    if annotations:
        return metadata | {"annotations": annotations}
    return {key: value for key, value in metadata.items() if key != "annotations"}


def _carried(annotations: Obj, key: str, of: type) -> Any:
    """What an annotation carries; None where it is absent or not what we would have written."""
    text = annotations.get(key)
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, of):
        return None
    items = value if isinstance(value, list) else [value]
    return value if all(isinstance(item, dict) for item in items) else None


# Upstream writes the annotation from Go structs without JSON names, in their order, and says so where nothing is set.
_SCALING = ("StabilizationWindowSeconds", "SelectPolicy", "Policies", "Tolerance")


def _behavior_to_v1(behavior: Obj | None) -> Obj | None:
    if not behavior:
        return None
    return {name: _scaling_to_v1(behavior.get(_uncapital(name))) for name in ("ScaleUp", "ScaleDown")}


def _scaling_to_v1(rules: Obj | None) -> Obj | None:
    if rules is None:
        return None
    policies = [
        {name: policy.get(_uncapital(name)) for name in ("Type", "Value", "PeriodSeconds")}
        for policy in rules.get("policies") or ()
    ]
    given = {name: rules.get(_uncapital(name)) for name in _SCALING}
    return given | {"Policies": policies or None}


def _uncapital(name: str) -> str:
    return name[:1].lower() + name[1:]


def _uncapitalized(value: Any) -> Any:
    if isinstance(value, dict):
        return {_uncapital(key): _uncapitalized(item) for key, item in value.items() if item is not None}
    return [_uncapitalized(item) for item in value] if isinstance(value, list) else value


# -- priority levels -------------------------------------------------------------------------------------------

# In v1beta3 no shares are as good as the default, unless this says that none are meant.
# Source: kubernetes pkg/apis/flowcontrol/v1beta3/{conversion,defaults}.go.
PRESERVE_ZERO_SHARES = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares"


def _shares_to_v1beta3(obj: Obj) -> Obj:
    limited = (obj.get("spec") or {}).get("limited")
    if limited is None or limited.get("nominalConcurrencyShares"):
        return obj
    annotations = (obj["metadata"].get("annotations") or {}) | {PRESERVE_ZERO_SHARES: ""}
    return obj | {"metadata": obj["metadata"] | {"annotations": annotations}}


def _shares_to_v1(obj: Obj) -> Obj:
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    if (limited := spec.get("limited")) is not None:
        shares = {"nominalConcurrencyShares": limited.get("nominalConcurrencyShares") or 0}
        obj = obj | {"spec": spec | {"limited": limited | shares}}
    annotations = metadata.get("annotations") or {}
    if PRESERVE_ZERO_SHARES not in annotations:
        return obj
    kept = {key: value for key, value in annotations.items() if key != PRESERVE_ZERO_SHARES}
    others = {key: value for key, value in metadata.items() if key != "annotations"}
    return obj | {"metadata": others | ({"annotations": kept} if kept else {})}


_LEVELS = "prioritylevelconfigurations"
_FLOW_CONTROL = "flowcontrol.apiserver.k8s.io"

_CONVERSIONS: dict[tuple[str, str, str], Callable[[Obj], Obj]] = {
    ("v1", "events.k8s.io/v1", "events"): _event_from_core,
    ("events.k8s.io/v1", "v1", "events"): _event_to_core,
    ("autoscaling/v2", "autoscaling/v1", "horizontalpodautoscalers"): _autoscaler_to_v1,
    ("autoscaling/v1", "autoscaling/v2", "horizontalpodautoscalers"): _autoscaler_to_v2,
    (f"{_FLOW_CONTROL}/v1", f"{_FLOW_CONTROL}/v1beta3", _LEVELS): _shares_to_v1beta3,
    (f"{_FLOW_CONTROL}/v1beta3", f"{_FLOW_CONTROL}/v1", _LEVELS): _shares_to_v1,
}
