"""Custom resources: generations, and a /status that changes nothing but status.

Source: apiextensions-apiserver pkg/registry/customresource/{strategy,status_strategy}.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.strategies.base import Moment, Strategy, take


class CustomStrategy(Strategy):
    counts_generations = True
    unconditional_update = False
    returns_deleted = False

    def is_another_wish(self, new: Obj, old: Obj) -> bool:
        ignored = (
            ("apiVersion", "kind", "metadata", "status")
            if self.has_status
            else ("apiVersion", "kind", "metadata")
        )
        return {k: v for k, v in new.items() if k not in ignored} != {
            k: v for k, v in old.items() if k not in ignored
        }

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        managed = new["metadata"].get("managedFields")
        super().prepare_subresource_update(subresource, new, old, moment)
        new["metadata"] = dict(old["metadata"])
        if managed is not None:
            take(new["metadata"], {"managedFields": managed}, "managedFields")
