"""Workloads and PodGroups: without the fields of features that are off.

Source: kubernetes 1.37 pkg/registry/scheduling/{workload,podgroup}/strategy.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.strategies.base import Moment, Strategy

# TopologyAwareWorkloadScheduling, DRAWorkloadResourceClaims, CompositePodGroup, PodGroupPreemptionPolicy.
_OFF = ("schedulingConstraints", "resourceClaims", "parentCompositePodGroupName", "preemptionPolicy")


class PodGroupStrategy(Strategy):
    counts_generations = True
    keeps_metadata_on_status_update = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        _drop(self.holders(obj))
        super().prepare_create(obj, moment)

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        _drop(self.holders(new))
        super().prepare_update(new, old, moment)

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_subresource_update(subresource, new, old, moment)
        (new.get("status") or {}).pop("resourceClaimStatuses", None)

    def holders(self, obj: Obj) -> Iterable[Obj]:
        """What has such fields."""
        return (obj.get("spec") or {},)


class WorkloadStrategy(PodGroupStrategy):
    def holders(self, obj: Obj) -> Iterable[Obj]:
        spec = obj.get("spec") or {}
        spec.pop("compositePodGroupTemplates", None)
        return spec.get("podGroupTemplates") or ()


def _drop(holders: Iterable[Obj]) -> None:
    for holder in holders:
        for field in _OFF:
            holder.pop(field, None)
