"""New claims, volumes and classes of attributes carry the finalizer that keeps them while they are in use.

Source: kubernetes plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go.
"""

from __future__ import annotations

from kubepy.api import volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, VOLUME_ATTRIBUTES_CLASSES
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin

FINALIZERS = {
    PERSISTENT_VOLUME_CLAIMS.group_resource: volumes.CLAIM_PROTECTION,
    PERSISTENT_VOLUMES.group_resource: volumes.VOLUME_PROTECTION,
    VOLUME_ATTRIBUTES_CLASSES.group_resource: volumes.ATTRIBUTES_CLASS_PROTECTION,
}


class StorageObjectInUseProtection(Plugin):
    name = "StorageObjectInUseProtection"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource.group_resource in FINALIZERS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "there is one on create"
        finalizer = FINALIZERS[attributes.resource.group_resource]
        finalizers = attributes.obj["metadata"].setdefault("finalizers", [])
        if finalizer not in finalizers:
            finalizers.append(finalizer)
