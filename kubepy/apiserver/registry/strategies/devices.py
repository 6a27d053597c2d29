"""Devices: a taint knows since when it is there; what a claim gives back says nothing more of itself.

Upstream has the first as a default of the version (SetDefaults_DeviceTaint); a default here knows no clock.

Source: kubernetes pkg/apis/resource/v1/defaults.go, pkg/registry/resource/*/strategy.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.strategies.base import Moment, Strategy

# Driver, pool, device, share of it.
Identity = tuple[str, str, str, str]


class ResourceSliceStrategy(Strategy):
    counts_generations = True
    returns_deleted = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        _stamp(obj, moment)
        super().prepare_create(obj, moment)

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        _stamp(new, moment)
        super().prepare_update(new, old, moment)


class DeviceTaintRuleStrategy(ResourceSliceStrategy):
    keeps_metadata_on_status_update = True


def drop_given_back(new: Obj, old: Obj) -> None:
    """A claim's status of devices that are no longer allocated to it. Source: dropDeallocatedStatusDevices."""
    status = new.get("status") or {}
    gone = _allocated(old.get("status") or {}) - _allocated(status)
    if not gone or not status.get("devices"):
        return
    kept = [device for device in status["devices"] if _identity(device) not in gone]
    new["status"] = {name: value for name, value in status.items() if name != "devices"}
    if kept:
        new["status"]["devices"] = kept


def _allocated(status: Obj) -> set[Identity]:
    devices = (status.get("allocation") or {}).get("devices") or {}
    return {_identity(result) for result in devices.get("results") or ()}


def _identity(device: Obj) -> Identity:
    driver, pool, name, share = (device.get(field) or "" for field in ("driver", "pool", "device", "shareID"))
    return driver, pool, name, share


def _stamp(obj: Obj, moment: Moment) -> None:
    spec = obj.get("spec") or {}
    taints = [taint for device in spec.get("devices") or () for taint in device.get("taints") or ()]
    if spec.get("taint"):
        taints.append(spec["taint"])
    for taint in taints:
        taint.setdefault("timeAdded", moment.now)
