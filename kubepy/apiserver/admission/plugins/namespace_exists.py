"""Nothing is written or deleted in a namespace that is not there.

Source: kubernetes plugin/pkg/admission/namespace/exists/admission.go.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.builtins import NAMESPACES
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, DELETE, UPDATE, Attributes, Plugin


class NamespaceExists(Plugin):
    name = "NamespaceExists"
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return resource.namespaced and operation in (CREATE, UPDATE, DELETE)

    async def validate(self, attributes: Attributes) -> None:
        if await self.lookup.find(NAMESPACES, "", attributes.namespace) is None:
            raise errors.not_found(NAMESPACES, attributes.namespace)
