"""What a change of a node or pod can mean for pods that wait, as ClusterEvents. Pure.

Source: pkg/scheduler/framework/events.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from kubepy.api import pods
from kubepy.api.builtins import (
    CSI_DRIVERS,
    CSI_NODES,
    CSI_STORAGE_CAPACITIES,
    DEVICE_CLASSES,
    DEVICE_TAINT_RULES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_GROUPS,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    STORAGE_CLASSES,
    VOLUME_ATTACHMENTS,
)
from kubepy.api.objects import Obj, annotations_of, conditions, labels_of, walk
from kubepy.api.resources import Resource
from kubepy.scheduler.framework import Action, ClusterEvent

NODE_ADD = ClusterEvent("Node", Action.ADD)
NODE_DELETE = ClusterEvent("Node", Action.DELETE)
POD_ADD = ClusterEvent("Pod", Action.ADD)
POD_DELETE = ClusterEvent("Pod", Action.DELETE)
UNSCHEDULED_POD_ADD = ClusterEvent("UnscheduledPod", Action.ADD)

# Kinds other than Node and Pod that plugins may name in an Interest; watched only if one does.
OTHER_RESOURCES: Mapping[str, Resource] = {
    resource.kind: resource
    for resource in (
        PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES, CSI_NODES, CSI_DRIVERS,
        CSI_STORAGE_CAPACITIES, VOLUME_ATTACHMENTS, RESOURCE_CLAIMS, RESOURCE_SLICES, DEVICE_CLASSES,
        DEVICE_TAINT_RULES, POD_GROUPS,
    )
}  # fmt: skip
_POD_OTHER = (ClusterEvent("Pod", Action.UPDATE_OTHER),)


def node_changes(old: Obj, new: Obj) -> list[ClusterEvent]:
    """Empty when nothing changed that schedules, e.g. for a heartbeat."""
    found: list[Action] = []
    old_spec, new_spec = old.get("spec") or {}, new.get("spec") or {}
    if walk(old, "status", "allocatable") != walk(new, "status", "allocatable"):
        found.append(Action.UPDATE_NODE_ALLOCATABLE)
    if labels_of(old) != labels_of(new):
        found.append(Action.UPDATE_NODE_LABEL)
    became_schedulable = old_spec.get("unschedulable") and not new_spec.get("unschedulable")
    if became_schedulable or (old_spec.get("taints") or []) != (new_spec.get("taints") or []):
        found.append(Action.UPDATE_NODE_TAINT)
    if _condition_statuses(old) != _condition_statuses(new):
        found.append(Action.UPDATE_NODE_CONDITION)
    if annotations_of(old) != annotations_of(new):
        found.append(Action.UPDATE_NODE_ANNOTATION)
    if walk(old, "status", "declaredFeatures") != walk(new, "status", "declaredFeatures"):
        found.append(Action.UPDATE_NODE_DECLARED_FEATURE)
    return [ClusterEvent("Node", action) for action in found]


def is_node_cached_alike(old: Obj, new: Obj) -> bool:
    """Nothing changed that NodeInfo keeps."""
    old_spec, new_spec = old.get("spec") or {}, new.get("spec") or {}
    return (
        walk(old, "status", "allocatable") == walk(new, "status", "allocatable")
        and walk(old, "status", "images") == walk(new, "status", "images")
        and walk(old, "status", "declaredFeatures") == walk(new, "status", "declaredFeatures")
        and labels_of(old) == labels_of(new)
        and (old_spec.get("taints") or []) == (new_spec.get("taints") or [])
        and bool(old_spec.get("unschedulable")) == bool(new_spec.get("unschedulable"))
    )


def pod_changes(old: Obj, new: Obj) -> tuple[ClusterEvent, ...]:
    """Never empty: what has no name of its own is UPDATE_OTHER."""
    found: list[Action] = []
    old_spec, new_spec = old["spec"], new["spec"]
    if labels_of(old) != labels_of(new):
        found.append(Action.UPDATE_POD_LABEL)
    if _is_scaled_down(old, new):
        found.append(Action.UPDATE_POD_SCALE_DOWN)
    if old_spec.get("schedulingGates") and not new_spec.get("schedulingGates"):
        found.append(Action.UPDATE_POD_GATES_ELIMINATED)
    # Tolerations can only be added, so their number tells.
    if len(old_spec.get("tolerations") or ()) != len(new_spec.get("tolerations") or ()):
        found.append(Action.UPDATE_POD_TOLERATION)
    if walk(old, "status", "resourceClaimStatuses") != walk(new, "status", "resourceClaimStatuses"):
        found.append(Action.UPDATE_POD_GENERATED_RESOURCE_CLAIM)
    return tuple(ClusterEvent("Pod", action) for action in found) or _POD_OTHER


def _condition_statuses(node: Obj) -> dict[str, str]:
    return {condition["type"]: condition.get("status", "") for condition in conditions(node)}


def _is_scaled_down(old: Obj, new: Obj) -> bool:
    if old["spec"].get("containers") == new["spec"].get("containers") and _resized(old) == _resized(new):
        return False
    before, after = pods.requests(old), pods.requests(new)
    return any(amount > after.get(name, 0) for name, amount in before.items())


def _resized(pod: Obj) -> list[tuple[object, object]]:
    """What in-place resize reports of each container."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return [(status.get("allocatedResources"), status.get("resources")) for status in statuses]
