"""Dynamic resource allocation: devices, their classes, and claims on them."""

from __future__ import annotations

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.api.tables import parts
from kubepy.api.tables.parts import Cells, Doc, Printer


def _resource_claim(obj: Obj, now: float) -> Cells:
    status = parts.status(obj)
    is_deleted = objects.is_deleting(obj)
    states = ["deleted"] if is_deleted else []
    if status.get("allocation"):
        states.append("allocated")
        if status.get("reservedFor"):
            states.append("reserved")
    elif not is_deleted:
        states.append("pending")
    return [parts.name(obj), ",".join(states), parts.age(obj, now)]


def _resource_slice(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    pool = (spec.get("pool") or {}).get("name") or ""
    return [parts.name(obj), spec.get("nodeName") or "", spec.get("driver") or "", pool, parts.age(obj, now)]


def _device_taint_rule(obj: Obj, now: float) -> Cells:
    taint = parts.spec(obj).get("taint") or {}
    texts = (taint.get(field) or "" for field in ("key", "value", "effect"))
    added = taint.get("timeAdded")
    return [parts.name(obj), *texts, parts.since(added, now) if added else "", parts.age(obj, now)]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("resource.k8s.io", "DeviceClass"): parts.NAME_AND_AGE,
    ("resource.k8s.io", "DeviceTaintRule"): Printer(
        (
            parts.NAME,
            parts.text("Key", Doc("resource.v1.DeviceTaint.key")),
            parts.text("Value", Doc("resource.v1.DeviceTaint.value")),
            parts.text("Effect", Doc("resource.v1.DeviceTaint.effect")),
            parts.text("TimeAdded", Doc("resource.v1.DeviceTaint.timeAdded")),
            parts.AGE,
        ),
        _device_taint_rule,
    ),
    ("resource.k8s.io", "ResourceClaimTemplate"): parts.NAME_AND_AGE,
    ("resource.k8s.io", "ResourceClaim"): Printer(
        (
            parts.NAME,
            parts.text("State", "A summary of the current state (allocated, pending, reserved, etc.)."),
            parts.AGE,
        ),
        _resource_claim,
    ),
    ("resource.k8s.io", "ResourceSlice"): Printer(
        (
            parts.NAME,
            parts.text("Node", Doc("resource.v1.ResourceSliceSpec.nodeName")),
            parts.text("Driver", Doc("resource.v1.ResourceSliceSpec.driver")),
            parts.text("Pool", Doc("resource.v1.ResourcePool.name")),
            parts.AGE,
        ),
        _resource_slice,
    ),
}
