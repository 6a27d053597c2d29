"""Dynamic resource allocation: device classes, claims and their templates, taint rules; slices are device_slices.py.

Source: kubernetes pkg/apis/resource/validation/validation.go.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

import orjson

from kubepy.api import errors, internals, names
from kubepy.api.objects import Obj
from kubepy.api.validation.device_slices import (
    Items,
    check_binding,
    check_created,
    check_device_name,
    check_effect,
    check_fully_qualified_name,
    check_list,
    check_pool_name,
    check_set,
    check_taint,
    check_updated,
    name_of,
)
from kubepy.api.validation.metadata import check_template
from kubepy.api.validation.pod_placement import check_node_selector
from kubepy.api.validation.pod_resources import is_extended
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
from kubepy.api.validation.statuses import check_conditions

_NONE: tuple[Any, ...] = ()
_REQUESTS_MAX = _CONSTRAINTS_MAX = _CONFIGS_MAX = _SELECTORS_MAX = 32
_ALTERNATIVES_MAX = 8
_RESERVED_MAX = 256
_EXPRESSION_MAX = 10 * 1024
_PARAMETERS_MAX = _DATA_MAX = 10 * 1024
_CONDITIONS_MAX = 8
_INTERFACE_MAX, _HARDWARE_MAX, _IPS_MAX = 256, 128, 16
_SOURCES = ("FromClaim", "FromClass")
_UID_LENGTH = 36
_match_uid = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch

# name of a request -> names of its alternatives
Requests = dict[str, set[str]]


def _itself(item: Any) -> Any:
    return item


# -- claims ----------------------------------------------------------------------------------------------------


def _check_claim(obj: Obj, found: Errors) -> None:
    _check_devices((obj.get("spec") or {}).get("devices") or {}, "spec.devices", found)


def _check_template(obj: Obj, found: Errors) -> None:
    template = obj.get("spec") or {}
    check_template(template.get("metadata") or {}, "spec.metadata", found)
    spec = template.get("spec") or {}
    _check_devices(spec.get("devices") or {}, "spec.spec.devices", found)


def _check_devices(devices: Obj, path: str, found: Errors) -> None:
    """Source: validateDeviceClaim."""
    requests = devices.get("requests") or _NONE
    check_set(requests, _REQUESTS_MAX, _check_request, name_of, f"{path}.requests", found)
    check_reference = _reference(_requests_of(devices))

    def check_constraint(constraint: Obj, path: str, found: Errors) -> None:
        wanted = constraint.get("requests") or _NONE
        check_set(wanted, _REQUESTS_MAX, check_reference, _itself, f"{path}.requests", found)
        for field in ("matchAttribute", "distinctAttribute"):
            if constraint.get(field) is not None:
                check_fully_qualified_name(constraint[field], f"{path}.{field}", found)
                return
        # Upstream says this of the constraint that has neither.
        which = (
            'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
        )
        found.append(errors.required(path, which))

    def check_configuration(config: Obj, path: str, found: Errors) -> None:
        wanted = config.get("requests") or _NONE
        check_set(wanted, _REQUESTS_MAX, check_reference, _itself, f"{path}.requests", found)
        _check_config(config, path, found)

    constraints, configs = devices.get("constraints") or _NONE, devices.get("config") or _NONE
    check_list(constraints, _CONSTRAINTS_MAX, check_constraint, f"{path}.constraints", found)
    check_list(configs, _CONFIGS_MAX, check_configuration, f"{path}.config", found)


def _requests_of(devices: Obj) -> Requests:
    return {
        name_of(request): {name_of(choice) for choice in request.get("firstAvailable") or _NONE}
        for request in devices.get("requests") or _NONE
    }


def _check_request(request: Obj, path: str, found: Errors) -> None:
    check_device_name(name_of(request), f"{path}.name", found)
    exactly, choices = request.get("exactly"), request.get("firstAvailable") or _NONE
    which = "exactly one of `exactly` or `firstAvailable` is required"
    if exactly is None and not choices:
        found.append(errors.required(path, which))
    elif exactly is not None and choices:
        found.append(errors.invalid_value(path, None, f"{which}, but multiple fields are set"))
    elif exactly is not None:
        _check_asked(exactly, f"{path}.exactly", found)
    else:
        here = f"{path}.firstAvailable"
        check_set(choices, _ALTERNATIVES_MAX, _check_alternative, name_of, here, found)


def _check_alternative(choice: Obj, path: str, found: Errors) -> None:
    check_device_name(name_of(choice), f"{path}.name", found)
    _check_asked(choice, path, found)


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
    for index, toleration in enumerate(asked.get("tolerations") or _NONE):
        _check_toleration(toleration, f"{path}.tolerations[{index}]", found)


def _check_toleration(toleration: Obj, path: str, found: Errors) -> None:
    key, operator = toleration.get("key"), toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    if key:
        check_label_key(key, f"{path}.key", found)
    if operator == "Exists":
        if value:
            why = "must be empty for operator `Exists`"
            found.append(errors.invalid_value(f"{path}.value", value, why))
    elif operator == "Equal":
        check_messages(names.label_value(value), value, f"{path}.value", found)
    elif not operator:
        found.append(errors.required(f"{path}.operator"))
    else:
        found.append(errors.not_supported(f"{path}.operator", operator, ("Equal", "Exists")))
    check_effect(effect, f"{path}.effect", found)


def _check_selectors(chosen: Sequence[Obj], path: str, found: Errors) -> None:
    check_list(chosen, _SELECTORS_MAX, _check_selector, path, found)


def _check_selector(selector: Obj, path: str, found: Errors) -> None:
    cel = selector.get("cel")
    if cel is None:
        found.append(errors.required(f"{path}.cel"))
    else:
        _check_expression(cel.get("expression") or "", f"{path}.cel.expression", found)


def _check_expression(text: str, path: str, found: Errors) -> None:
    """Source: validateCELSelector. Differs: one in store is not told from a new one."""
    if len(text) > _EXPRESSION_MAX:
        found.append(errors.too_long(path, _EXPRESSION_MAX))
        return
    # CEL is read when somebody needs it.
    from kubepy.api import cel, device_selectors

    try:
        program = device_selectors.compile_selector(text)
    except cel.ResultTypeError as error:
        why = f"must evaluate to {error.expected} or the unknown type, not {error.actual}"
        found.append(errors.invalid_value(path, text, why))
    except cel.CompileError as error:
        found.append(errors.invalid_value(path, text, f"compilation failed: {error}"))
    else:
        if program.cost_estimate().max > device_selectors.COST_MAX:
            found.append(errors.forbidden_field(path, "too complex, exceeds cost limit"))


def _reference(known: Requests) -> Items:
    """A check of names of requests, or of a request and one of its alternatives."""
    which = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

    def check(text: str, path: str, found: Errors) -> None:
        segments = text.split("/")
        if len(segments) <= 2:
            for segment in segments:
                check_messages(names.dns1123_label(segment), segment, path, found)
        choices = known.get(segments[0])
        is_known = choices is not None and (len(segments) == 1 or segments[1] in choices)
        if len(segments) > 2 or not is_known:
            found.append(errors.invalid_value(path, text, which))

    return check


def _check_config(config: Obj, path: str, found: Errors) -> None:
    opaque = config.get("opaque")
    if opaque is None:
        found.append(errors.required(f"{path}.opaque"))
        return
    check_csi_driver_name(opaque.get("driver") or "", f"{path}.opaque.driver", found)
    _check_raw(opaque.get("parameters"), f"{path}.opaque.parameters", _PARAMETERS_MAX, found)


def _check_raw(value: Any, path: str, most: int, found: Errors) -> None:
    """Anything in JSON, as long as it is an object. Source: validateRawExtension."""
    if value is None:
        found.append(errors.required(path))
    elif len(orjson.dumps(value)) > most:
        found.append(errors.too_long(path, most))
    elif not isinstance(value, dict):
        found.append(errors.invalid_value(path, "<value omitted>", "must be a valid JSON object"))


def _check_claim_status(new: Obj, old: Obj, found: Errors) -> None:
    """Source: validateResourceClaimStatusUpdate."""
    status, before = new.get("status") or {}, old.get("status") or {}
    users, allocation = status.get("reservedFor") or _NONE, status.get("allocation")
    check_set(users, _RESERVED_MAX, _check_user, _uid_of, "status.reservedFor", found)
    results = ((allocation or {}).get("devices") or {}).get("results") or _NONE
    check_status = _device_status([_shared_id(result) for result in results])
    devices = status.get("devices") or _NONE
    check_set(devices, len(devices), check_status, _shared_id, "status.devices", found)
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
            shown = internals.of("AllocationResult", allocation)
            found.append(errors.invalid_value("status.allocation", shown, IMMUTABLE_TEXT))
        return
    requested = (new.get("spec") or {}).get("devices") or {}
    _check_allocation(allocation, _requests_of(requested), "status.allocation", found)


def _check_user(user: Obj, path: str, found: Errors) -> None:
    for field in ("resource", "name", "uid"):
        if not user.get(field):
            found.append(errors.required(f"{path}.{field}"))


def _uid_of(user: Obj) -> str:
    return user.get("uid") or ""


def _check_allocation(allocation: Obj, known: Requests, path: str, found: Errors) -> None:
    """Source: validateAllocationResult."""
    check_reference, devices = _reference(known), allocation.get("devices") or {}

    def check_result(result: Obj, path: str, found: Errors) -> None:
        check_reference(result.get("request") or "", f"{path}.request", found)
        _check_device_id(result, path, found)
        check_binding(result, path, found)
        _check_share(result, path, found)

    def check_configuration(config: Obj, path: str, found: Errors) -> None:
        source = config.get("source") or ""
        if not source:
            found.append(errors.required(f"{path}.source"))
        elif source not in _SOURCES:
            found.append(errors.not_supported(f"{path}.source", source, _SOURCES))
        wanted = config.get("requests") or _NONE
        check_set(wanted, _REQUESTS_MAX, check_reference, _itself, f"{path}.requests", found)
        _check_config(config, path, found)

    results, configs = devices.get("results") or _NONE, devices.get("config") or _NONE
    check_list(results, _REQUESTS_MAX, check_result, f"{path}.devices.results", found)
    # Those of the class and those of the claim.
    check_list(configs, 2 * _CONFIGS_MAX, check_configuration, f"{path}.devices.config", found)
    if allocation.get("nodeSelector") is not None:
        check_node_selector(allocation["nodeSelector"], f"{path}.nodeSelector", found)


def _check_device_id(device: Obj, path: str, found: Errors) -> None:
    check_csi_driver_name(device.get("driver") or "", f"{path}.driver", found)
    check_pool_name(device.get("pool") or "", f"{path}.pool", found)
    check_device_name(device.get("device") or "", f"{path}.device", found)


def _check_share(device: Obj, path: str, found: Errors) -> None:
    """Source: validateUID."""
    share = device.get("shareID")
    if share is None or _match_uid(share):
        return
    if len(share) != _UID_LENGTH:
        why = f"error validating uid: invalid UUID length: {len(share)}"
    elif _match_uid(share.lower()):
        why = (
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` "
            "with lowercase hexadecimal characters"
        )
    else:
        why = "error validating uid: invalid UUID format"
    found.append(errors.invalid_value(f"{path}.shareID", share, why))


def _shared_id(device: Obj) -> Obj | None:
    """As upstream prints it. Source: structured.SharedDeviceID."""
    return internals.of("SharedDeviceID", device)


def _device_status(allocated: list[Obj | None]) -> Items:
    def check(device: Obj, path: str, found: Errors) -> None:
        """Source: validateDeviceStatus."""
        _check_device_id(device, path, found)
        _check_share(device, path, found)
        if _shared_id(device) not in allocated:
            why = "must be an allocated device in the claim"
            found.append(errors.invalid_value(path, _shared_id(device), why))
        conditions = device.get("conditions") or []
        if len(conditions) > _CONDITIONS_MAX:
            found.append(errors.too_many(f"{path}.conditions", len(conditions), _CONDITIONS_MAX))
        check_conditions(conditions, f"{path}.conditions", found)
        if device.get("data") is not None:
            _check_raw(device["data"], f"{path}.data", _DATA_MAX, found)
        if device.get("networkData") is not None:
            _check_network(device["networkData"], f"{path}.networkData", found)

    return check


def _check_network(data: Obj, path: str, found: Errors) -> None:
    for field, most in (("interfaceName", _INTERFACE_MAX), ("hardwareAddress", _HARDWARE_MAX)):
        if len((data.get(field) or "").encode()) > most:
            found.append(errors.too_long(f"{path}.{field}", most))
    check_set(data.get("ips") or _NONE, _IPS_MAX, _check_interface, _itself, f"{path}.ips", found)


def _check_interface(text: str, path: str, found: Errors) -> None:
    """An address with the length of its network's prefix. Source: IsValidInterfaceAddress."""
    try:
        interface = ipaddress.ip_interface(text) if "/" in text else None
    except ValueError:
        interface = None
    if interface is None:
        why = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
        found.append(errors.invalid_value(path, text, why))
    elif str(interface) != text:
        found.append(errors.invalid_value(path, text, f'must be in canonical form ("{interface}")'))


# -- classes, taints -----------------------------------------------------------------------------------


def _check_class(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    _check_selectors(spec.get("selectors") or _NONE, "spec.selectors", found)
    check_list(spec.get("config") or _NONE, _CONFIGS_MAX, _check_config, "spec.config", found)
    extended = spec.get("extendedResourceName")
    if extended is not None and not is_extended(extended):
        why = "must be a valid extended resource name"
        found.append(errors.invalid_value("spec.extendedResourceName", extended, why))


def _check_taint_rule(obj: Obj, found: Errors) -> None:
    _check_rule(obj, None, found)


def _check_taint_rule_update(new: Obj, old: Obj, found: Errors) -> None:
    _check_rule(new, (old.get("spec") or {}).get("taint") or {}, found)


def _check_rule(rule: Obj, before: Obj | None, found: Errors) -> None:
    spec = rule.get("spec") or {}
    chosen = spec.get("deviceSelector") or {}
    for field, check in (
        ("driver", check_csi_driver_name),
        ("pool", check_pool_name),
        ("device", check_device_name),
    ):
        if chosen.get(field) is not None:
            check(chosen[field], f"spec.deviceSelector.{field}", found)
    check_taint(spec.get("taint") or {}, "spec.taint", found, before=before)


def _check_taint_rule_status(new: Obj, old: Obj, found: Errors) -> None:
    conditions = (new.get("status") or {}).get("conditions") or []
    check_conditions(conditions, "status.conditions", found)
    if len(conditions) > _CONDITIONS_MAX:
        found.append(errors.too_many("status.conditions", len(conditions), _CONDITIONS_MAX))


_GROUP = "resource.k8s.io"
DEVICES: dict[tuple[str, str], Kind] = {
    (_GROUP, "DeviceClass"): Kind(name=names.name_is_long_name, rules=(_check_class,)),
    (_GROUP, "DeviceTaintRule"): Kind(
        create=(_check_taint_rule,),
        update=(_check_taint_rule_update,),
        subresources={"status": (_check_taint_rule_status,)},
    ),
    (_GROUP, "ResourceClaim"): Kind(
        create=(_check_claim,),
        update=(immutable("spec", struct="ResourceClaimSpec"),),
        subresources={"status": (_check_claim_status,)},
    ),
    (_GROUP, "ResourceClaimTemplate"): Kind(
        create=(_check_template,), update=(immutable("spec", struct="ResourceClaimTemplateSpec"),)
    ),
    (_GROUP, "ResourceSlice"): Kind(create=(check_created,), update=(check_updated,)),
}
