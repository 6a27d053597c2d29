"""Custom resources: generations, and a /status that changes nothing but status; and the definitions of their kinds.

Source: apiextensions-apiserver pkg/registry/customresource/{strategy,status_strategy}.go,
pkg/registry/customresourcedefinition/{strategy,etcd}.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj, copy
from kubepy.apiserver.crds import status
from kubepy.apiserver.registry.options import DeleteOptions
from kubepy.apiserver.registry.strategies.base import Moment, Strategy, take


class CustomStrategy(Strategy):
    counts_generations = True
    unconditional_update = False
    returns_deleted = False

    def reset_status(self, obj: Obj) -> None:
        obj.pop("status", None)

    def canonicalize(self, obj: Obj) -> None:
        if self.has_status and self.empty_status is not None:
            obj.setdefault("status", copy(self.empty_status))

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
        given = new["metadata"]
        super().prepare_subresource_update(subresource, new, old, moment)
        new["metadata"] = dict(old["metadata"])
        take(new["metadata"], given, "managedFields")


class DefinitionStrategy(Strategy):
    """CustomResourceDefinitions: they remember in which versions objects are stored, and go when their objects are."""

    counts_generations = True
    unconditional_update = False

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        _remember_storage(obj)

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_update(new, old, moment)
        if "status" in new:
            new["status"] = copy(new["status"])
        _remember_storage(new)

    def begin_deletion(self, obj: Obj, options: DeleteOptions, moment: Moment) -> bool:
        metadata = obj["metadata"]
        if metadata.get("deletionTimestamp"):
            return False
        metadata["deletionTimestamp"] = moment.now
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), status.FINALIZER]
        text = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        wanted = obj["status"] = copy(obj.get("status") or {})
        status.set_condition(wanted, "Terminating", "True", "InstanceDeletionPending", text, moment.now)
        return True


def _remember_storage(definition: Obj) -> None:
    stored = definition.setdefault("status", {}).get("storedVersions") or []
    for version in definition["spec"].get("versions") or ():
        if version.get("storage"):
            if version.get("name") not in stored:
                definition["status"]["storedVersions"] = [*stored, version.get("name", "")]
            return
