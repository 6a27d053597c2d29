"""The LimitRanges of a namespace give containers their defaults, and refuse pods and claims that are out of bounds.

Source: kubernetes plugin/pkg/admission/limitranger/admission.go.
"""

from __future__ import annotations

from kubepy.api import limits
from kubepy.api.builtins import LIMIT_RANGES, PERSISTENT_VOLUME_CLAIMS, PODS
from kubepy.api.objects import Document, Obj, is_deleting
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.admission.by_namespace import ByNamespace


class LimitRanger(Plugin):
    name = "LimitRanger"
    mutates = True
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._ranges: ByNamespace[Document] = ByNamespace(
            self.lookup, LIMIT_RANGES, lambda document: document
        )

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        if resource == PODS:
            return (operation, subresource) in ((CREATE, ""), (UPDATE, "resize"))
        return resource == PERSISTENT_VOLUME_CLAIMS and operation in (CREATE, UPDATE) and not subresource

    async def admit(self, attributes: Attributes) -> None:
        if attributes.resource != PODS:
            return
        for limit_range in await self._concerning(attributes):
            assert attributes.obj is not None
            limits.set_defaults(limit_range, attributes.obj)

    async def validate(self, attributes: Attributes) -> None:
        refusal = limits.pod_refusal if attributes.resource == PODS else limits.claim_refusal
        for limit_range in await self._concerning(attributes):
            assert attributes.obj is not None
            if why := refusal(limit_range, attributes.obj):
                raise forbidden(attributes, why)

    async def _concerning(self, attributes: Attributes) -> list[Obj]:
        found = await self._ranges.of(attributes.namespace)
        # What is on its way out may be updated, or its finalizers could never be removed.
        if not found or (attributes.old is not None and is_deleting(attributes.old)):
            return []
        return [document.obj for document in found.values()]
