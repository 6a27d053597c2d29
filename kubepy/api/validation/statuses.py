"""What controllers may write into a status: conditions of the common form, load balancers, claims,
StorageVersionMigrations.

Source: apimachinery pkg/apis/meta/v1/validation ValidateConditions; kubernetes pkg/apis/core/validation/validation.go
ValidateLoadBalancerStatus, ValidatePersistentVolumeClaimStatusUpdate;
pkg/apis/networking/validation ValidateIngressLoadBalancerStatus; pkg/apis/storagemigration/validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kubepy.api import errors, names, quantity
from kubepy.api.objects import Obj, walk
from kubepy.api.validation.rules import (
    Errors,
    check_enum,
    check_ip,
    check_label_key,
    check_messages,
    parse_ip,
)

_STATUSES = ("False", "True", "Unknown")
_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_is_reason = re.compile(_REASON).fullmatch
_REASON_TEXT = names.regex_text(
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_'",
    _REASON,
    "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB",
)  # fmt: skip
_REASON_MAX, _MESSAGE_MAX = 1024, 32 * 1024

_RESIZE_STATUSES = (
    "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizePending", "NodeResizeInProgress",
    "NodeResizeInfeasible",
)  # fmt: skip

_check_ip_mode = check_enum(("Proxy", "VIP"))


def check_conditions(conditions: Iterable[Obj], path: str, found: Errors) -> None:
    """Of metav1.Condition's form."""
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        here, type_ = f"{path}[{index}]", condition.get("type") or ""
        if type_ in seen:
            found.append(errors.duplicate(f"{here}.type", type_))
        seen.add(type_)
        _check_condition(condition, type_, here, found)


def _check_condition(condition: Obj, type_: str, path: str, found: Errors) -> None:
    check_label_key(type_, f"{path}.type", found)
    status, reason = condition.get("status") or "", condition.get("reason") or ""
    if status not in _STATUSES:
        found.append(errors.not_supported(f"{path}.status", status, _STATUSES))
    if (condition.get("observedGeneration") or 0) < 0:
        where = f"{path}.observedGeneration"
        why = "must be greater than or equal to zero"
        found.append(errors.invalid_value(where, condition["observedGeneration"], why))
    if not condition.get("lastTransitionTime"):
        found.append(errors.required(f"{path}.lastTransitionTime"))
    if not reason:
        found.append(errors.required(f"{path}.reason"))
    else:
        if not _is_reason(reason):
            found.append(errors.invalid_value(f"{path}.reason", reason, _REASON_TEXT))
        if len(reason) > _REASON_MAX:
            found.append(errors.too_long(f"{path}.reason", _REASON_MAX))
    if len(condition.get("message") or "") > _MESSAGE_MAX:
        found.append(errors.too_long(f"{path}.message", _MESSAGE_MAX))


# -- load balancers --------------------------------------------------------------------------------------------


def check_service_status(new: Obj, old: Obj, found: Errors) -> None:
    path = "status.loadBalancer.ingress"
    ingress = walk(new, "status", "loadBalancer", "ingress") or ()
    if ingress and walk(new, "spec", "type") != "LoadBalancer":
        found.append(errors.forbidden_field(path, "may only be used when `spec.type` is 'LoadBalancer'"))
        return
    known = _ips(old)
    for index, entry in enumerate(ingress):
        here, ip, mode = f"{path}[{index}]", entry.get("ip"), entry.get("ipMode")
        _check_new_ip(ip, known, here, found)
        if mode is None:
            if ip:
                found.append(errors.required(f"{here}.ipMode", "must be specified when `ip` is set"))
        elif not ip:
            found.append(
                errors.forbidden_field(f"{here}.ipMode", "may not be specified when `ip` is not set")
            )
        else:
            _check_ip_mode(mode, f"{here}.ipMode", found)
        _check_host_name(entry.get("hostname"), here, found)


def check_ingress_status(new: Obj, old: Obj, found: Errors) -> None:
    known = _ips(old)
    for index, entry in enumerate(walk(new, "status", "loadBalancer", "ingress") or ()):
        here = f"status.loadBalancer.ingress[{index}]"
        _check_new_ip(entry.get("ip"), known, here, found)
        _check_host_name(entry.get("hostname"), here, found)


def _ips(obj: Obj) -> set[str]:
    return {entry.get("ip") or "" for entry in walk(obj, "status", "loadBalancer", "ingress") or ()}


def _check_new_ip(ip: str | None, known: set[str], path: str, found: Errors) -> None:
    """One that is there already may be as it was."""
    if ip and ip not in known:
        check_ip(ip, f"{path}.ip", found)


def _check_host_name(name: str | None, path: str, found: Errors) -> None:
    if not name:
        return
    check_messages(names.dns1123_subdomain(name), name, f"{path}.hostname", found)
    if parse_ip(name) is not None:
        found.append(errors.invalid_value(f"{path}.hostname", name, "must be a DNS name, not an IP address"))


# -- claims ----------------------------------------------------------------------------------------------------


def check_claim_status(new: Obj, old: Obj, found: Errors) -> None:
    if not walk(new, "spec", "accessModes"):
        found.append(errors.required("Spec.accessModes"))
    status = new.get("status") or {}
    for name, amount in (status.get("capacity") or {}).items():
        _check_basic(amount, f"status.capacity[{name}]", found)
    path = "status.allocatedResourceStatuses"
    for name, resize in (status.get("allocatedResourceStatuses") or {}).items():
        _check_claim_resource(name, path, found)
        if resize not in _RESIZE_STATUSES:
            found.append(errors.not_supported(path, name, sorted(_RESIZE_STATUSES)))
    path = "status.allocatedResources"
    for name, amount in (status.get("allocatedResources") or {}).items():
        before = len(found)
        _check_claim_resource(name, path, found)
        if len(found) == before:
            _check_basic(amount, f"{path}[{name}]", found)


def _check_claim_resource(name: str, path: str, found: Errors) -> None:
    """Source: validatePersistentVolumeClaimResourceKey."""
    before = len(found)
    check_messages(names.label_key(name), name, path, found)
    if len(found) == before and names.is_native_resource(name) and name != "storage":
        found.append(errors.not_supported(path, name, ("storage",)))


def _check_basic(amount: str | int | float, path: str, found: Errors) -> None:
    if quantity.nano(amount) < 0:
        found.append(errors.invalid_value(path, quantity.value(amount), "must be a valid resource quantity"))


# -- StorageVersionMigrations ----------------------------------------------------------------------------------


def check_migration(obj: Obj, found: Errors) -> None:
    wanted = walk(obj, "spec", "resource") or {}
    resource, group = wanted.get("resource") or "", wanted.get("group") or ""
    if not resource:
        found.append(errors.required("spec.resource.resource", "resource is required to be set"))
    elif messages := names.dns1035_label(resource):
        found.append(errors.invalid_value("spec.resource.resource", resource, ",".join(messages)))
    if group and (messages := names.dns1123_subdomain(group)):
        found.append(errors.invalid_value("spec.resource.group", group, ",".join(messages)))


def check_migration_status(new: Obj, old: Obj, found: Errors) -> None:
    status, before = new.get("status") or {}, old.get("status") or {}
    conditions, path = status.get("conditions") or [], "status.conditions"
    check_conditions(conditions, path, found)
    revision = status.get("resourceVersion") or ""
    if before.get("resourceVersion") and before["resourceVersion"] != revision:
        found.append(errors.invalid_value("status.resourceVersion", revision, "field is immutable"))
    now, then = _ended(conditions), _ended(before.get("conditions") or ())
    if len(now) == 2:
        why = "Both success and failed conditions cannot be true at the same time"
        found.append(errors.invalid_value(path, conditions, why))
    for type_, word in (("Succeeded", "Success"), ("Failed", "Failed")):
        if type_ in then and type_ not in now:
            why = f"{word} condition cannot be set to false once it is true"
            found.append(errors.invalid_value(path, conditions, why))


def _ended(conditions: Iterable[Obj]) -> set[str]:
    ends = ("Succeeded", "Failed")
    return {c["type"] for c in conditions if c.get("type") in ends and c.get("status") == "True"}
