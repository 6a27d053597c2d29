"""The resize subresource of pods: cpu and memory of containers may change, and nothing else.

Source: kubernetes pkg/apis/core/validation/validation.go ValidatePodResize.
"""

from __future__ import annotations

from typing import Any

from kubepy.api import errors, pods
from kubepy.api.objects import Obj, annotations_of
from kubepy.api.validation.pods import MIRROR, check_pod
from kubepy.api.validation.rules import Errors, same

_MUTABLE = ("cpu", "memory")
_NONE: tuple[Obj, ...] = ()


def check_resize(new: Obj, old: Obj, found: Errors) -> None:
    before = old.get("spec") or {}
    refusal = ""
    if MIRROR in annotations_of(old):
        refusal = "static pods cannot be resized"
    elif (before.get("os") or {}).get("name") == "windows":
        refusal = "windows pods cannot be resized"
    if refusal:
        # Upstream answers with this alone, about a path without a name.
        found[:] = [errors.forbidden_field("[]", refusal)]
        return
    check_pod(new, found)
    after = dict(new.get("spec") or {})
    if pods.shown_qos_class(old) != pods.qos_class(new):
        qos = (new.get("status") or {}).get("qosClass") or ""
        found.append(
            errors.invalid_value("spec", qos, "Pod QOS Class may not change as a result of resizing")
        )
    if not _is_supported(old):
        found.append(errors.forbidden_field("spec", "Pod running on node without support for resize"))
    if _has_amounts(before.get("resources")) or _has_amounts(after.get("resources")):
        _check_pod_level(after, before, found)
    if (old.get("status") or {}).get("nodeAllocatableResourceClaimStatuses"):
        why = "pods with node allocatable resource claims cannot be resized"
        found.append(errors.forbidden_field("spec", why))
    if not _check_order(after, before, found):
        return
    for field in ("initContainers", "containers"):
        for index, (container, was) in enumerate(zip(after.get(field) or _NONE, before.get(field) or _NONE)):
            path = f"spec.{field}[{index}].resources"
            for side in ("requests", "limits"):
                if _lacks(container.get("resources"), was.get("resources"), side):
                    found.append(
                        errors.forbidden_field(f"{path}.{side}", f"resource {side} cannot be removed")
                    )
    _check_only_amounts(after, before, found)


def _is_supported(pod: Obj) -> bool:
    """A node that reports the resources of what runs can change them; before anything runs nobody knows."""
    for status in (pod.get("status") or {}).get("containerStatuses") or _NONE:
        if (status.get("state") or {}).get("running") is not None:
            return status.get("resources") is not None
    return True


def _has_amounts(resources: Obj | None) -> bool:
    return bool(resources and (resources.get("requests") or resources.get("limits")))


def _lacks(after: Obj | None, before: Obj | None, side: str) -> bool:
    return bool(((before or {}).get(side) or {}).keys() - ((after or {}).get(side) or {}).keys())


def _check_pod_level(after: Obj, before: Obj, found: Errors) -> None:
    resources, was = after.get("resources"), before.get("resources")
    if was is not None and resources is None:
        found.append(errors.forbidden_field("spec.resources", "pod-level resources cannot be removed"))
        return
    for side in ("requests", "limits"):
        if _lacks(resources, was, side):
            why = f"pod-level resource {side} cannot be removed"
            found.append(errors.forbidden_field(f"spec.resources.{side}", why))
    _put_old_amounts(after, was)
    if not same(after.get("resources"), was):
        why = "only cpu and memory resources are mutable at pod-level"
        found.append(errors.forbidden_field("spec", why))


def _check_order(after: Obj, before: Obj, found: Errors) -> bool:
    """Whether both have the same containers in the same order."""
    count = len(found)
    for field in ("containers", "initContainers"):
        new, old = after.get(field) or _NONE, before.get(field) or _NONE
        if len(new) != len(old):
            why = f"{field} may not be added or removed on resize"
            found.append(errors.forbidden_field(f"spec.{field}", why))
            continue
        for index, (container, was) in enumerate(zip(new, old)):
            if container.get("name") != was.get("name"):
                why = f"{field} may not be renamed or reordered on resize"
                found.append(errors.forbidden_field(f"spec.{field}[{index}].name", why))
    return len(found) == count


def _check_only_amounts(after: Obj, before: Obj, found: Errors) -> None:
    """The new spec with the old amounts put back must be the old spec."""
    count = len(found)
    masked: dict[str, list[Obj]] = {}
    for field in ("containers", "initContainers"):
        for index, (container, was) in enumerate(zip(after.get(field) or _NONE, before.get(field) or _NONE)):
            restored = dict(container)
            _put_old_amounts(restored, was.get("resources"))
            masked.setdefault(field, []).append(restored)
            if field == "initContainers":
                _check_init_container(container, was, restored, index, found)
            elif not same(restored, was):
                found.append(errors.forbidden_field("spec", "only cpu and memory resources are mutable"))
    if len(found) == count and not same(after | masked, before):
        found.append(errors.forbidden_field("spec", "only cpu and memory resources are mutable"))


def _check_init_container(container: Obj, was: Obj, restored: Obj, index: int, found: Errors) -> None:
    if same(container, was):
        return
    path = f"spec.initContainers[{index}]"
    if not same(restored, was):
        why = "only cpu and memory resources for init or sidecar containers are mutable"
        found.append(errors.forbidden_field(path, why))
    if pods.is_sidecar(container):
        return
    for policy in container.get("resizePolicy") or _NONE:
        if policy.get("restartPolicy") == "RestartContainer":
            why = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            found.append(errors.forbidden_field(path, why))


def _put_old_amounts(holder: Obj, was: Obj | None) -> None:
    """What asks for as much as before, in the shape it had: nothing where there was nothing."""
    made: dict[str, Any] = dict(holder.get("resources") or {})
    for side in ("requests", "limits"):
        old = (was or {}).get(side) or {}
        amounts = {
            name: value for name, value in (made.pop(side, None) or {}).items() if name not in _MUTABLE
        }
        amounts |= {name: old[name] for name in _MUTABLE if name in old}
        if amounts:
            made[side] = amounts
    if made or was is not None:
        holder["resources"] = made
    else:
        holder.pop("resources", None)
