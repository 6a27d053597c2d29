"""Nothing is created in a namespace that is not there or on its way out; three namespaces stay.

Source: apiserver pkg/admission/plugin/namespace/lifecycle/admission.go.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.builtins import NAMESPACES
from kubepy.api.objects import walk
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, DELETE, UPDATE, Attributes, Plugin, forbidden

IMMORTAL = ("default", "kube-system", "kube-public")
_REVIEWS = ("localsubjectaccessreviews.authorization.k8s.io",)


class NamespaceLifecycle(Plugin):
    name = "NamespaceLifecycle"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        if resource == NAMESPACES:
            return operation == DELETE
        return (
            resource.namespaced and operation in (CREATE, UPDATE) and resource.group_resource not in _REVIEWS
        )

    async def admit(self, attributes: Attributes) -> None:
        if attributes.resource == NAMESPACES:
            if attributes.name in IMMORTAL:
                raise errors.forbidden(NAMESPACES, attributes.name, "this namespace may not be deleted")
            return
        name = attributes.namespace
        namespace = await self.lookup.find(NAMESPACES, "", name)
        if namespace is None:
            raise errors.not_found(NAMESPACES, name)
        if attributes.operation == CREATE and walk(namespace.obj, "status", "phase") == "Terminating":
            refusal = forbidden(
                attributes, f"unable to create new content in namespace {name} because it is being terminated"
            )
            assert refusal.details is not None
            refusal.details["causes"] = [
                {
                    "reason": "NamespaceTerminating",
                    "message": f"namespace {name} is being terminated",
                    "field": "metadata.namespace",
                }
            ]
            raise refusal
