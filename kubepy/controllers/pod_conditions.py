"""Conditions that controllers write into a pod's status, and nothing else of it.

What is written carries the uid, so it never lands on a pod that took the same name.

Source: kubernetes 1.36 pkg/api/v1/pod/util.go UpdatePodCondition, pkg/util/pod/pod.go PatchPodStatus.
"""

from __future__ import annotations

from kubepy.api import objects
from kubepy.api.builtins import PODS
from kubepy.api.objects import Obj
from kubepy.client.client import Client

DISRUPTION_TARGET = "DisruptionTarget"


def changed(
    pod: Obj, type_: str, status: str, *, reason: str = "", message: str = "", now: str
) -> Obj | None:
    """The condition as it is to be; None if the pod says it already. Its time moves only with its status."""
    old = objects.condition(pod, type_)
    fresh: Obj = {"type": type_, "status": status, "reason": reason or None, "message": message or None}
    if old is not None and all((old.get(name) or None) == value for name, value in fresh.items()):
        return None
    is_same = old is not None and old.get("status") == status
    fresh["lastTransitionTime"] = old.get("lastTransitionTime") if old is not None and is_same else now
    if generation := pod["metadata"].get("generation"):
        fresh["observedGeneration"] = generation
    return fresh


async def write(client: Client, pod: Obj, *conditions: Obj, phase: str = "") -> Obj:
    """Raises NotFound, and Conflict if another pod has its name now."""
    metadata = pod["metadata"]
    status: Obj = {"conditions": list(conditions)} if conditions else {}
    if phase:
        status["phase"] = phase
        if generation := metadata.get("generation"):
            status["observedGeneration"] = generation
    patch = {"metadata": {"uid": metadata["uid"]}, "status": status}
    return await client.patch(
        PODS, metadata["name"], patch, namespace=metadata["namespace"], subresource="status"
    )
