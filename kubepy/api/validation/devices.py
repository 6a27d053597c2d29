"""Dynamic resource allocation: device classes, claims and their templates, slices, taint rules.

Not here: whether a selector's expression compiles, and the devices and counters of a slice beyond their names.

Source: kubernetes pkg/apis/resource/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_placement import check_node_selector
from kubepy.api.validation.pod_volumes import check_csi_driver_name
from kubepy.api.validation.rules import (
    IMMUTABLE_TEXT,
    Errors,
    Kind,
    check_label_key,
    check_messages,
    immutable,
    same,
)

_NONE: tuple[Any, ...] = ()
_REQUESTS_MAX = _CONSTRAINTS_MAX = _CONFIGS_MAX = _SELECTORS_MAX = 32
_ALTERNATIVES_MAX = 8
_RESERVED_MAX = 256
_EXPRESSION_MAX = 10 * 1024
_POOL_NAME_MAX = 253
_DEVICES_MAX = 128


def _check_set(items: Sequence[Any], most: int, key: Callable[[Any], Any], path: str, found: Errors) -> None:
    """How many, and each once."""
    if len(items) > most:
        found.append(errors.too_many(path, len(items), most))
    seen: list[Any] = []
    for index, item in enumerate(items):
        value = key(item)
        if value in seen:
            found.append(errors.duplicate(f"{path}[{index}]", value))
        seen.append(value)


def _name_of(item: Obj) -> str:
    return item.get("name") or ""


def _itself(item: Any) -> Any:
    return item


# -- claims ----------------------------------------------------------------------------------------------------


def _check_claim(obj: Obj, found: Errors) -> None:
    _check_devices((obj.get("spec") or {}).get("devices") or {}, "spec.devices", found)


def _check_template(obj: Obj, found: Errors) -> None:
    spec = (obj.get("spec") or {}).get("spec") or {}
    _check_devices(spec.get("devices") or {}, "spec.spec.devices", found)


def _check_devices(devices: Obj, path: str, found: Errors) -> None:
    """Source: validateDeviceClaim."""
    requests = devices.get("requests") or _NONE
    known = {
        _name_of(request): {_name_of(choice) for choice in request.get("firstAvailable") or _NONE}
        for request in requests
    }
    for index, request in enumerate(requests):
        _check_request(request, f"{path}.requests[{index}]", found)
    _check_set(requests, _REQUESTS_MAX, _name_of, f"{path}.requests", found)
    constraints, configs = devices.get("constraints") or _NONE, devices.get("config") or _NONE
    if len(constraints) > _CONSTRAINTS_MAX:
        found.append(errors.too_many(f"{path}.constraints", len(constraints), _CONSTRAINTS_MAX))
    for index, constraint in enumerate(constraints):
        here = f"{path}.constraints[{index}]"
        _check_references(constraint.get("requests") or _NONE, known, f"{here}.requests", found)
        if constraint.get("matchAttribute") is None and constraint.get("distinctAttribute") is None:
            found.append(errors.required(f"{here}.matchAttribute"))
    if len(configs) > _CONFIGS_MAX:
        found.append(errors.too_many(f"{path}.config", len(configs), _CONFIGS_MAX))
    for index, config in enumerate(configs):
        here = f"{path}.config[{index}]"
        _check_references(config.get("requests") or _NONE, known, f"{here}.requests", found)
        _check_config(config, here, found)


def _check_request(request: Obj, path: str, found: Errors) -> None:
    name = _name_of(request)
    check_messages(names.dns1123_label(name), name, f"{path}.name", found)
    exactly, choices = request.get("exactly"), request.get("firstAvailable") or _NONE
    which = "exactly one of `exactly` or `firstAvailable` is required"
    if exactly is None and not choices:
        found.append(errors.required(path, which))
    elif exactly is not None and choices:
        found.append(errors.invalid_value(path, None, f"{which}, but multiple fields are set"))
    elif exactly is not None:
        _check_asked(exactly, f"{path}.exactly", found)
    else:
        for index, choice in enumerate(choices):
            here, name = f"{path}.firstAvailable[{index}]", _name_of(choice)
            check_messages(names.dns1123_label(name), name, f"{here}.name", found)
            _check_asked(choice, here, found)
        _check_set(choices, _ALTERNATIVES_MAX, _name_of, f"{path}.firstAvailable", found)


def _check_asked(asked: Obj, path: str, found: Errors) -> None:
    device_class = asked.get("deviceClassName") or ""
    if not device_class:
        found.append(errors.required(f"{path}.deviceClassName"))
    else:
        here = f"{path}.deviceClassName"
        check_messages(names.dns1123_subdomain(device_class), device_class, here, found)
    _check_selectors(asked.get("selectors") or _NONE, f"{path}.selectors", found)
    mode, count = asked.get("allocationMode") or "", asked.get("count") or 0
    if mode == "All":
        if count:
            why = "must not be specified when allocationMode is 'All'"
            found.append(errors.invalid_value(f"{path}.count", count, why))
    elif mode == "ExactCount":
        if count <= 0:
            found.append(errors.invalid_value(f"{path}.count", count, "must be greater than zero"))
    else:
        found.append(errors.not_supported(f"{path}.allocationMode", mode, ("All", "ExactCount")))


def _check_selectors(chosen: Sequence[Obj], path: str, found: Errors) -> None:
    if len(chosen) > _SELECTORS_MAX:
        found.append(errors.too_many(path, len(chosen), _SELECTORS_MAX))
    for index, selector in enumerate(chosen):
        cel = selector.get("cel")
        if cel is None:
            found.append(errors.required(f"{path}[{index}].cel"))
        elif len(cel.get("expression") or "") > _EXPRESSION_MAX:
            found.append(errors.too_long(f"{path}[{index}].cel.expression", _EXPRESSION_MAX))


def _check_references(wanted: Sequence[str], known: dict[str, set[str]], path: str, found: Errors) -> None:
    """Names of requests, or of a request and one of its alternatives."""
    which = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
    for index, text in enumerate(wanted):
        segments = text.split("/")
        if len(segments) <= 2:
            for segment in segments:
                check_messages(names.dns1123_label(segment), segment, f"{path}[{index}]", found)
        choices = known.get(segments[0])
        is_known = choices is not None and (len(segments) == 1 or segments[1] in choices)
        if len(segments) > 2 or not is_known:
            found.append(errors.invalid_value(f"{path}[{index}]", text, which))
    _check_set(wanted, _REQUESTS_MAX, _itself, path, found)


def _check_config(config: Obj, path: str, found: Errors) -> None:
    opaque = config.get("opaque")
    if opaque is None:
        found.append(errors.required(f"{path}.opaque"))
        return
    check_csi_driver_name(opaque.get("driver") or "", f"{path}.opaque.driver", found)
    if opaque.get("parameters") is None:
        found.append(errors.required(f"{path}.opaque.parameters"))


def _check_claim_status(new: Obj, old: Obj, found: Errors) -> None:
    """Source: validateResourceClaimStatusUpdate."""
    status, before = new.get("status") or {}, old.get("status") or {}
    users = status.get("reservedFor") or _NONE
    for index, user in enumerate(users):
        for field in ("resource", "name", "uid"):
            if not user.get(field):
                found.append(errors.required(f"status.reservedFor[{index}].{field}"))
    _check_set(users, _RESERVED_MAX, lambda user: user.get("uid"), "status.reservedFor", found)
    allocation = status.get("allocation")
    if users and allocation is None:
        why = "may not be specified when `allocated` is not set"
        found.append(errors.forbidden_field("status.reservedFor", why))
    elif users and new["metadata"].get("deletionTimestamp"):
        if any(user not in (before.get("reservedFor") or _NONE) for user in users):
            why = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
            found.append(errors.forbidden_field("status.reservedFor", why))
    if allocation is None:
        return
    if before.get("allocation") is not None:
        if not same(allocation, before["allocation"]):
            found.append(errors.invalid_value("status.allocation", allocation, IMMUTABLE_TEXT))
    elif allocation.get("nodeSelector") is not None:
        check_node_selector(allocation["nodeSelector"], "status.allocation.nodeSelector", found)


# -- classes, slices, taints -----------------------------------------------------------------------------------


def _check_class(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    _check_selectors(spec.get("selectors") or _NONE, "spec.selectors", found)
    configs = spec.get("config") or _NONE
    if len(configs) > _CONFIGS_MAX:
        found.append(errors.too_many("spec.config", len(configs), _CONFIGS_MAX))
    for index, config in enumerate(configs):
        _check_config(config, f"spec.config[{index}]", found)


def _check_slice(obj: Obj, found: Errors) -> None:
    """Source: validateResourceSliceSpec."""
    spec = obj.get("spec") or {}
    check_csi_driver_name(spec.get("driver") or "", "spec.driver", found)
    pool = spec.get("pool") or {}
    _check_pool_name(_name_of(pool), "spec.pool.name", found)
    if (pool.get("resourceSliceCount") or 0) <= 0:
        why = "must be greater than zero"
        count = pool.get("resourceSliceCount") or 0
        found.append(errors.invalid_value("spec.pool.resourceSliceCount", count, why))
    if (pool.get("generation") or 0) < 0:
        why = "must be greater than or equal to zero"
        found.append(errors.invalid_value("spec.pool.generation", pool["generation"], why))
    _check_where(spec, found)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        why = "only one of `sharedCounters` or `devices` is allowed"
        found.append(errors.invalid_value("spec", "", why))
    devices = spec.get("devices") or _NONE
    for index, device in enumerate(devices):
        name = _name_of(device)
        check_messages(names.dns1123_label(name), name, f"spec.devices[{index}].name", found)
    _check_set(devices, _DEVICES_MAX, _name_of, "spec.devices", found)


def _check_where(spec: Obj, found: Errors) -> None:
    """On which nodes the devices are: said in one way."""
    ways: list[str] = []
    node, selector = spec.get("nodeName"), spec.get("nodeSelector")
    if node:
        ways.append("`nodeName`")
        check_messages(names.dns1123_subdomain(node), node, "spec.nodeName", found)
    elif node is not None:
        why = "must be either unset or set to a non-empty string"
        found.append(errors.invalid_value("spec.nodeName", node, why))
    if selector is not None:
        ways.append("`nodeSelector`")
        check_node_selector(selector, "spec.nodeSelector", found)
        terms = selector.get("nodeSelectorTerms") or []
        if len(terms) != 1:
            why = "must have exactly one node selector term"
            found.append(errors.invalid_value("spec.nodeSelector.nodeSelectorTerms", terms, why))
    for field in ("allNodes", "perDeviceNodeSelection"):
        if spec.get(field):
            ways.append(f"`{field}`")
        elif spec.get(field) is not None:
            why = "must be either unset or set to true"
            found.append(errors.invalid_value(f"spec.{field}", spec[field], why))
    which = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
    if not ways:
        found.append(errors.required("spec", which))
    elif len(ways) > 1:
        why = f"{which}, but multiple fields are set"
        found.append(errors.invalid_value("spec", f"{{{', '.join(ways)}}}", why))


def _check_pool_name(name: str, path: str, found: Errors) -> None:
    if not name:
        found.append(errors.required(path))
        return
    if len(name) > _POOL_NAME_MAX:
        found.append(errors.too_long(path, _POOL_NAME_MAX))
    for part in name.split("/"):
        check_messages(names.dns1123_subdomain(part), part, path, found)


def _check_taint_rule(obj: Obj, found: Errors) -> None:
    taint, path = (obj.get("spec") or {}).get("taint") or {}, "spec.taint"
    check_label_key(taint.get("key"), f"{path}.key", found)
    value = taint.get("value") or ""
    check_messages(names.label_value(value), value, f"{path}.value", found)
    effect = taint.get("effect") or ""
    if not effect:
        found.append(errors.required(f"{path}.effect"))
    elif effect not in ("NoExecute", "NoSchedule", "None"):
        found.append(errors.not_supported(f"{path}.effect", effect, ("NoExecute", "NoSchedule", "None")))


_GROUP = "resource.k8s.io"
DEVICES: dict[tuple[str, str], Kind] = {
    (_GROUP, "DeviceClass"): Kind(rules=(_check_class,)),
    (_GROUP, "DeviceTaintRule"): Kind(rules=(_check_taint_rule,)),
    (_GROUP, "ResourceClaim"): Kind(
        create=(_check_claim,), update=(immutable("spec"),), subresources={"status": (_check_claim_status,)}
    ),
    (_GROUP, "ResourceClaimTemplate"): Kind(create=(_check_template,), update=(immutable("spec"),)),
    (_GROUP, "ResourceSlice"): Kind(
        rules=(_check_slice,),
        update=(immutable("spec.driver"), immutable("spec.pool.name"), immutable("spec.nodeName")),
    ),
}
