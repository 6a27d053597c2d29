"""The scopes of a quota: which objects it counts at all.

A scope is a requirement {"scopeName", "operator", "values"}; the short form spec.scopes means "Exists".

Source: apiserver pkg/quota/v1/generic/evaluator.go, kubernetes pkg/quota/v1/evaluator/core/{pods,
persistent_volume_claims}.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubepy.api import pods
from kubepy.api.objects import Obj, walk

VOLUME_ATTRIBUTES_CLASS = "VolumeAttributesClass"

EXISTS = "Exists"


def of_quota(spec: Obj) -> list[Obj]:
    """All requirements of a quota; an object must meet every one."""
    short = [{"scopeName": scope, "operator": EXISTS} for scope in spec.get("scopes") or ()]
    return short + ((spec.get("scopeSelector") or {}).get("matchExpressions") or [])


def pod_matches(requirement: Obj, pod: Obj) -> bool:
    match requirement["scopeName"]:
        case "Terminating":
            return is_terminating(pod)
        case "NotTerminating":
            return not is_terminating(pod)
        case "BestEffort":
            return pods.shown_qos_class(pod) == pods.BEST_EFFORT
        case "NotBestEffort":
            return pods.shown_qos_class(pod) != pods.BEST_EFFORT
        case "PriorityClass":
            name = pod["spec"].get("priorityClassName") or ""
            return _selects(requirement, [name] if name else [])
        case "CrossNamespacePodAffinity":
            return any(
                term.get("namespaces") or term.get("namespaceSelector") is not None
                for term in _affinity_terms(pod)
            )
    return False


def claim_matches(requirement: Obj, claim: Obj) -> bool:
    """For PersistentVolumeClaims."""
    if requirement["scopeName"] != VOLUME_ATTRIBUTES_CLASS:
        return False
    return _selects(requirement, sorted(attributes_classes(claim)))


def is_terminating(pod: Obj) -> bool:
    """Whether the pod has an end by itself; nothing to do with its deletion."""
    deadline = pod["spec"].get("activeDeadlineSeconds")
    return deadline is not None and deadline >= 0


def attributes_classes(claim: Obj) -> set[str]:
    """Every VolumeAttributesClass that the claim has, had or is to have."""
    names = (
        walk(claim, "spec", "volumeAttributesClassName"),
        walk(claim, "status", "currentVolumeAttributesClassName"),
        walk(claim, "status", "modifyVolumeStatus", "targetVolumeAttributesClassName"),
    )
    return {name for name in names if name}


def _selects(requirement: Obj, names: list[str]) -> bool:
    """As a label selector reads it: who has no name matches NotIn and DoesNotExist."""
    values = requirement.get("values") or ()
    match requirement["operator"]:
        case "Exists":
            return bool(names)
        case "DoesNotExist":
            return not names
        case "In":
            return any(name in values for name in names)
        case "NotIn":
            return not names or any(name not in values for name in names)
    return False


def _affinity_terms(pod: Obj) -> Iterator[Obj]:
    affinity = pod["spec"].get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        yield from terms.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for weighted in terms.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield weighted.get("podAffinityTerm") or {}
