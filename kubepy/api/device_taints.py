"""Taints of devices: which a DeviceTaintRule sets, and who tolerates them. Pure.

Source: staging/src/k8s.io/dynamic-resource-allocation/resourceclaim/devicetoleration.go,
resourceslice/tracker/tracker.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj

NO_EXECUTE = "NoExecute"


def tolerates(toleration: Obj, taint: Obj) -> bool:
    """Source: resourceclaim.ToleratesTaint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    is_equal = (toleration.get("value") or "") == (taint.get("value") or "")
    return operator == "Exists" or (operator == "Equal" and is_equal)


def selects(rule: Obj, driver: str, pool: str, device: str | None = None) -> bool:
    """Is it a device that this DeviceTaintRule taints? Without `device`: are there such in that pool?

    A rule without a selector taints none, with an empty selector all."""
    selector = rule["spec"].get("deviceSelector")
    if selector is None:
        return False
    found = {"driver": driver, "pool": pool, "device": device}
    return all(
        value is None or selector.get(field) is None or selector[field] == value
        for field, value in found.items()
    )
