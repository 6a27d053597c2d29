"""What a Job and its pods say of themselves, for everything that decides about them.

Source: kubernetes 1.36 pkg/controller/job/{job_controller,tracking_utils,utils}.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kubepy.api import objects, pods
from kubepy.api.objects import Obj
from kubepy.controllers.job_indexes import index_of
from kubepy.lib import clock as clocks

TRACKING = "batch.kubernetes.io/job-tracking"
JOB_NAME = "batch.kubernetes.io/job-name"

MANAGED_BY = "kubernetes.io/job-controller"


class Event(NamedTuple):
    type: str
    reason: str
    message: str


def finished(job: Obj) -> Obj | None:
    """The condition that says so. Source: util.FinishedCondition."""
    return next(
        (c for c in objects.conditions(job) if c["type"] in ("Complete", "Failed") and c["status"] == "True"),
        None,
    )


def is_indexed(job: Obj) -> bool:
    return job["spec"].get("completionMode") == "Indexed"


def is_suspended(job: Obj) -> bool:
    return bool(job["spec"].get("suspend"))


def is_ours(job: Obj) -> bool:
    """Not somebody else's by spec.managedBy."""
    return job["spec"].get("managedBy") in (None, MANAGED_BY)


def is_tracked(pod: Obj) -> bool:
    return TRACKING in (pod["metadata"].get("finalizers") or ())


def replaces_only_failed(job: Obj) -> bool:
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or spec.get("podFailurePolicy") is not None


def is_failed(pod: Obj, job: Obj) -> bool:
    """A pod that is deleted counts as failed, for it may never get to say so. Source: isPodFailed."""
    if pods.phase(pod) == pods.FAILED:
        return True
    if replaces_only_failed(job):
        return False
    return objects.is_deleting(pod) and pods.phase(pod) != pods.SUCCEEDED


def render_condition(type_: str, reason: str, message: str, stamp: str, status: str = "True") -> Obj:
    return {
        "type": type_, "status": status, "lastProbeTime": stamp, "lastTransitionTime": stamp,
        "reason": reason, "message": message,
    }  # fmt: skip


def with_condition(conditions: Sequence[Obj], fresh: Obj) -> list[Obj]:
    """Appended or replaced, unless it says nothing new. Source: ensureJobConditionStatus."""
    known = next((c for c in conditions if c["type"] == fresh["type"]), None)
    if known is None:
        # From nothing to False is no news.
        return [*conditions, fresh] if fresh["status"] != "False" else list(conditions)
    if all(known.get(field) == fresh[field] for field in ("status", "reason", "message")):
        return list(conditions)
    return [fresh if c is known else c for c in conditions]


def finish_time(pod: Obj) -> float:
    """When its last container ended, or the next best guess. Source: getFinishedTime."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    sidecars = {c["name"] for c in pods.init_containers(pod) if pods.is_sidecar(c)}
    ended = [
        objects.walk(s, "state", "terminated", "finishedAt")
        for s in (
            *(status.get("containerStatuses") or ()),
            *(s for s in status.get("initContainerStatuses") or () if s.get("name") in sidecars),
        )
    ]
    if ended and all(ended):
        return max(map(clocks.parse_rfc3339, ended))
    ready = objects.condition(pod, "Ready") or {}
    if ready.get("status") == "False" and ready.get("lastTransitionTime"):
        return clocks.parse_rfc3339(ready["lastTransitionTime"])
    if metadata.get("deletionTimestamp"):
        grace = metadata.get("deletionGracePeriodSeconds") or 0
        return clocks.parse_rfc3339(metadata["deletionTimestamp"]) - grace
    created = metadata.get("creationTimestamp")
    return clocks.parse_rfc3339(created) if created else 0.0


def index_order(pod: Obj) -> int:
    index = index_of(pod)
    return -1 if index is None else index
