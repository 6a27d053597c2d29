"""Devices: a taint knows since when it is there.

Upstream has this as a default of the version (SetDefaults_DeviceTaint); a default here knows no clock.

Source: kubernetes pkg/apis/resource/v1/defaults.go, pkg/registry/resource/*/strategy.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.strategies.base import Moment, Strategy


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


def _stamp(obj: Obj, moment: Moment) -> None:
    spec = obj.get("spec") or {}
    taints = [taint for device in spec.get("devices") or () for taint in device.get("taints") or ()]
    if spec.get("taint"):
        taints.append(spec["taint"])
    for taint in taints:
        taint.setdefault("timeAdded", moment.now)
