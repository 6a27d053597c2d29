"""ResourceClaims of pods: which they are, whose, and whether their devices can be used. Pure.

Source: staging/src/k8s.io/dynamic-resource-allocation/resourceclaim/claim.go,
pkg/scheduler/framework/plugins/dynamicresources/dynamicresources.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api import errors, objects
from kubepy.api.objects import Obj, uid_of
from kubepy.scheduler import extended_resources


class Missing(Exception):
    """A claim of the pod is not there, or cannot be used."""


class Binding(Exception):
    """A claim could not be allocated or reserved."""


def is_ready(claim: Obj) -> bool:
    """Every binding condition of its devices is true. Raises Binding if one failed. Source: isClaimReadyForBinding."""
    status = claim.get("status") or {}
    if not status.get("allocation"):
        return False
    by_device = {(one["driver"], one["pool"], one["device"]): one for one in status.get("devices") or ()}
    for result in results_of(claim):
        if not (wanted := result.get("bindingConditions")):
            continue
        device = by_device.get((result["driver"], result["pool"], result["device"]))
        if device is None:
            return False
        true = {c["type"]: c for c in device.get("conditions") or () if c.get("status") == "True"}
        for name in result.get("bindingFailureConditions") or ():
            if name in true:
                reason, message = true[name].get("reason", ""), true[name].get("message", "")
                raise Binding(
                    f"device binding failed: claim={claim['metadata']['name']}, reason={reason}, "
                    f"message={errors.quote(message)}"
                )
        if any(name not in true for name in wanted):
            return False
    return True


def extended_owner(claim: Obj) -> Sequence[str]:
    """The pod for whose extended resources a claim is."""
    if objects.annotations_of(claim).get(extended_resources.ANNOTATION) != "true":
        return ()
    owner = objects.controller_of(claim)
    return (owner["uid"],) if owner is not None else ()


def results_of(claim: Obj) -> Sequence[Obj]:
    allocation = (claim.get("status") or {}).get("allocation") or {}
    return (allocation.get("devices") or {}).get("results") or ()


def claim_name(pod: Obj, wanted: Obj) -> tuple[str | None, bool]:
    """(name, whether the claim has to be the pod's own); None: none is needed. Raises Missing."""
    if name := wanted.get("resourceClaimName"):
        return name, False
    where = f'pod "{pod["metadata"]["namespace"]}/{pod["metadata"]["name"]}"'
    if not wanted.get("resourceClaimTemplateName"):
        raise Missing(f'{where}, spec.resourceClaim "{wanted["name"]}": none of the supported fields are set')
    for status in (pod.get("status") or {}).get("resourceClaimStatuses") or ():
        if status["name"] == wanted["name"]:
            return status.get("resourceClaimName"), True
    raise Missing(f"{where}: ResourceClaim not created yet")


def is_own(claim: Obj, pod: Obj) -> bool:
    owners = claim["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("uid") == uid_of(pod) for owner in owners)


def is_reserved_for(claim: Obj, uid: str) -> bool:
    return any(one.get("uid") == uid for one in (claim.get("status") or {}).get("reservedFor") or ())
