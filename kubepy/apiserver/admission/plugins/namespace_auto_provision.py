"""A namespace is made when something is first created in it.

Source: kubernetes plugin/pkg/admission/namespace/autoprovision/admission.go.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.builtins import NAMESPACES
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin


class NamespaceAutoProvision(Plugin):
    name = "NamespaceAutoProvision"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource.namespaced

    async def admit(self, attributes: Attributes) -> None:
        name = attributes.namespace
        if attributes.dry_run or await self.lookup.find(NAMESPACES, "", name) is not None:
            return
        try:
            await self.lookup.provide(NAMESPACES, {"metadata": {"name": name}})
        except errors.AlreadyExists:
            return
