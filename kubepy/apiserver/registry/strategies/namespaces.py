"""Namespaces: phase, the kubernetes finalizer, and deletion in two phases.

A delete marks the namespace Terminating; the namespace controller empties it and takes its finalizer away through
/finalize; then it vanishes.

Source: kubernetes pkg/registry/core/namespace/{strategy.go,storage/storage.go}.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.options import DeleteOptions
from kubepy.apiserver.registry.strategies.base import Moment, Strategy, take

FINALIZER = "kubernetes"


class NamespaceStrategy(Strategy):
    returns_deleted = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        obj["status"] = {"phase": "Active"}
        finalizers = obj.setdefault("spec", {}).setdefault("finalizers", [])
        if FINALIZER not in finalizers:
            finalizers.append(FINALIZER)

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_update(new, old, moment)
        take(new.setdefault("spec", {}), old.get("spec") or {}, "finalizers")

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        take(new, old, "status" if subresource == "finalize" else "spec")

    def begin_deletion(self, obj: Obj, options: DeleteOptions, moment: Moment) -> bool:
        metadata = obj["metadata"]
        if metadata.get("deletionTimestamp"):
            # Until the namespace controller is done, further deletes change nothing.
            return bool((obj.get("spec") or {}).get("finalizers"))
        metadata["deletionTimestamp"] = moment.now
        obj["status"] = (obj.get("status") or {}) | {"phase": "Terminating"}
        return True

    def may_vanish(self, obj: Obj) -> bool:
        return not (obj.get("spec") or {}).get("finalizers")
