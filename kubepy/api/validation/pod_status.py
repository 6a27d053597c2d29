"""What a pod's status may become.

Not here: the devices' part of it (extended and node-allocatable claims, health of allocated resources) and the digests
of image volumes.
Source: kubernetes pkg/apis/core/validation/validation.go ValidatePodStatusUpdate.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api import errors, internals, names
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_security import check_id
from kubepy.api.validation.rules import IMMUTABLE_TEXT, Errors, check_ip, check_messages, parse_ip

_NONE: tuple[Obj, ...] = ()
_SYSTEM_CONDITIONS = frozenset(("PodScheduled", "Ready", "Initialized"))


def check_pod_status(new: Obj, old: Obj, found: Errors) -> None:
    """Source: ValidatePodStatusUpdate."""
    after, before = new.get("status") or {}, old.get("status") or {}
    for index, condition in enumerate(after.get("conditions") or _NONE):
        type_ = condition.get("type") or ""
        _check_generation(condition, f"status.conditions[{index}]", found)
        if type_ not in _SYSTEM_CONDITIONS:
            check_messages(names.label_key(type_), type_, f"status.conditions[{index}].Type", found)
    spec = old.get("spec") or {}
    nominated = after.get("nominatedNodeName") or ""
    if nominated and nominated != before.get("nominatedNodeName"):
        check_messages(names.dns1123_subdomain(nominated), nominated, "status.nominatedNodeName", found)
        if spec.get("nodeName"):
            why = "may not be set on pods that are already bound to a node"
            found.append(errors.forbidden_field("status.nominatedNodeName", why))
    _check_generation(after, "status", found)
    qos, old_qos = after.get("qosClass") or "", before.get("qosClass") or ""
    if qos != old_qos:
        found.append(errors.invalid_value("status.qosClass", qos, IMMUTABLE_TEXT))
    if spec.get("restartPolicy") != "Always":
        _check_transitions(after, before, spec, found)
    if claims := after.get("resourceClaimStatuses"):
        _check_claims(claims, new.get("spec") or {}, found)
    _check_ips(after, before, "podIPs", found)
    host_ips = after.get("hostIPs")
    if host_ips:
        first = host_ips[0].get("ip") or ""
        if first != (after.get("hostIP") or ""):
            found.append(errors.invalid_value("status.hostIPs[0].ip", first, "must be equal to `hostIP`"))
        _check_ips(after, before, "hostIPs", found)
    _check_users(after, new.get("spec") or {}, found)


def _check_generation(holder: Obj, path: str, found: Errors) -> None:
    generation = holder.get("observedGeneration") or 0
    if generation < 0:
        why = "must be a non-negative integer"
        found.append(errors.invalid_value(f"{path}.observedGeneration", generation, why))


def _check_transitions(after: Obj, before: Obj, spec: Obj, found: Errors) -> None:
    """A container that ended for good stays ended. Source: ValidateContainerStateTransition."""
    statuses = {status.get("name"): status for status in after.get("containerStatuses") or _NONE}
    policies = {container.get("name"): container for container in spec.get("containers") or _NONE}
    for index, old in enumerate(before.get("containerStatuses") or _NONE):
        terminated = (old.get("state") or {}).get("terminated")
        new = statuses.get(old.get("name"))
        if terminated is None or new is None or (new.get("state") or {}).get("terminated") is not None:
            continue
        container = policies.get(old.get("name")) or {}
        if not _may_restart(container, spec.get("restartPolicy"), terminated.get("exitCode") or 0):
            why = "may not be transitioned to non-terminated state"
            found.append(errors.forbidden_field(f"status.containerStatuses[{index}].state", why))


def _may_restart(container: Obj, pod_policy: str | None, exit_code: int) -> bool:
    """Source: pkg/api/v1/pod ContainerShouldRestart."""
    for rule in container.get("restartPolicyRules") or _NONE:
        codes = rule.get("exitCodes") or {}
        if (exit_code in (codes.get("values") or _NONE)) is (codes.get("operator") == "In"):
            return True
    policy = container.get("restartPolicy") or pod_policy
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _check_claims(statuses: Sequence[Obj], spec: Obj, found: Errors) -> None:
    """Source: validatePodResourceClaimStatuses."""
    known = {claim.get("name") for claim in spec.get("resourceClaims") or _NONE}
    seen: set[str] = set()
    for index, status in enumerate(statuses):
        path, name = f"status.resourceClaimStatuses[{index}]", status.get("name") or ""
        if name not in known:
            why = "must match the name of an entry in `spec.resourceClaims`"
            found.append(errors.invalid_value(f"{path}.name", name, why))
        if name in seen:
            found.append(errors.duplicate(f"{path}.name", name))
        seen.add(name)
        claim = status.get("resourceClaimName")
        if claim is not None:
            check_messages(names.dns1123_subdomain(claim), claim, f"{path}.resourceClaimName", found)


def _check_ips(after: Obj, before: Obj, field: str, found: Errors) -> None:
    """Addresses that were there before may stay, whatever they are. Source: validatePodIPs, validateHostIPs."""
    path = f"status.{field}"
    ips = [entry.get("ip") or "" for entry in after.get(field) or _NONE]
    if not ips or ((was := before.get(field)) and after[field] == was):
        return
    kept = {entry.get("ip") or "" for entry in before.get(field) or _NONE}
    for index, ip in enumerate(ips):
        if ip not in kept:
            check_ip(ip, f"{path}[{index}]", found)
    if len(ips) < 2:
        return
    wrong = next((index for index, ip in enumerate(ips) if parse_ip(ip) is None), None)
    if wrong is not None:
        why = f"failed to check for dual stack with error:invalid IP[{wrong}]: {ips[wrong]}"
        found.append(errors.FieldError(errors.FieldErrorType.INTERNAL, path, "", why))
    if wrong is not None or len(ips) > 2 or len({":" in ip for ip in ips}) == 1:
        why = "may specify no more than one IP for each IP family"
        shown = internals.each("PodIP", after[field])
        found.append(errors.invalid_value(path, shown, why))


def _check_users(status: Obj, spec: Obj, found: Errors) -> None:
    """Source: validateContainerStatusUsers."""
    is_windows = (spec.get("os") or {}).get("name") == "windows"
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for index, container in enumerate(status.get(field) or _NONE):
            linux = (container.get("user") or {}).get("linux")
            if linux is None:
                continue
            path = f"status.{field}[{index}].user.linux"
            if is_windows:
                found.append(errors.forbidden_field(path, "cannot be set for a windows pod"))
                continue
            check_id(linux.get("uid"), f"{path}.uid", found)
            check_id(linux.get("gid"), f"{path}.gid", found)
            for number, group in enumerate(linux.get("supplementalGroups") or _NONE):
                check_id(group, f"{path}.supplementalGroups[{number}]", found)
