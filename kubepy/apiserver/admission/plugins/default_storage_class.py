"""A new claim that says nothing about its class gets the default one.

Source: kubernetes plugin/pkg/admission/storage/storageclass/setdefault/admission.go.
"""

from __future__ import annotations

from kubepy.api import volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin


class DefaultStorageClass(Plugin):
    name = "DefaultStorageClass"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == PERSISTENT_VOLUME_CLAIMS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        claim = attributes.obj
        if claim is None or volumes.has_class(claim):
            return
        found = volumes.default_class([document.obj for document in await self.lookup.all(STORAGE_CLASSES)])
        if found is not None:
            claim["spec"]["storageClassName"] = found["metadata"]["name"]
