"""Workloads and PodGroups."""

from __future__ import annotations

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.api.tables import parts
from kubepy.api.tables.parts import Cells, Doc, Printer


def _pod_group(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    status = "Pending"
    if (scheduled := objects.condition(obj, "PodGroupInitiallyScheduled")) is not None:
        status = "Scheduled" if scheduled.get("status") == "True" else "Unschedulable"
    if (disrupted := objects.condition(obj, "DisruptionTarget")) is not None:
        status = disrupted.get("reason") or ""
    policy = "Gang" if (spec.get("schedulingPolicy") or {}).get("gang") is not None else "Basic"
    workload = (spec.get("workloadRef") or {}).get("workloadName") or "<none>"
    return [parts.name(obj), policy, workload, status, parts.age(obj, now)]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("scheduling.k8s.io", "Workload"): parts.NAME_AND_AGE,
    ("scheduling.k8s.io", "PodGroup"): Printer(
        (
            parts.NAME,
            parts.text(
                "Policy",
                Doc("scheduling.v1alpha2.PodGroupSpec.schedulingPolicy"),
            ),
            parts.text("Workload", "Name of the referenced Workload object"),
            parts.text("Status", "Status of the PodGroup"),
            parts.AGE,
        ),
        _pod_group,
    ),
}
