"""A claim may grow only when it is bound and its class says that its volumes can.

Source: kubernetes plugin/pkg/admission/storage/persistentvolume/resize/admission.go.
"""

from __future__ import annotations

from kubepy.api import quantity, volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES
from kubepy.api.objects import Obj, walk
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import UPDATE, Attributes, Plugin, forbidden


class PersistentVolumeClaimResize(Plugin):
    name = "PersistentVolumeClaimResize"
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == UPDATE and resource == PERSISTENT_VOLUME_CLAIMS and not subresource

    async def validate(self, attributes: Attributes) -> None:
        new, old = attributes.obj, attributes.old
        if new is None or old is None or _requested(new) <= _requested(old):
            return
        if walk(old, "status", "phase") != "Bound":
            raise forbidden(attributes, "Only bound persistent volume claims can be expanded")
        if not await self._may_grow(new, old):
            why = (
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
                "support resize"
            )
            raise forbidden(attributes, why)

    async def _may_grow(self, new: Obj, old: Obj) -> bool:
        name = volumes.class_of_claim(new)
        if not name or name != volumes.class_of_claim(old):
            return False
        found = await self.lookup.find(STORAGE_CLASSES, "", name)
        return found is not None and bool(found.obj.get("allowVolumeExpansion"))


def _requested(claim: Obj) -> int:
    return quantity.nano(walk(claim, "spec", "resources", "requests", "storage") or "0")
