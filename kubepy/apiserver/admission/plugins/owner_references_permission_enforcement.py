"""Who makes an object somebody's dependent must be allowed to delete it; who makes it block its owner's deletion, to
set the owner's finalizers.

Source: kubernetes plugin/pkg/admission/gc/gc_admission.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api.builtins import PODS
from kubepy.api.errors import quote
from kubepy.api.objects import Obj, group_version, owner_references
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.request import RequestInfo

_FINALIZE_ANYTHING = RequestInfo(
    True, "", "update", group="*", version="*", resource="*", subresource="finalizers", name="*"
)


class OwnerReferencesPermissionEnforcement(Plugin):
    name = "OwnerReferencesPermissionEnforcement"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._ask, self._catalog = tools.ask, tools.catalog

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        # Writing a pod's status cannot change owners.
        return operation in (CREATE, UPDATE) and not (resource == PODS and subresource == "status")

    async def validate(self, attributes: Attributes) -> None:
        if attributes.obj is None or "metadata" not in attributes.obj:
            return
        new = owner_references(attributes.obj)
        old = owner_references(attributes.old) if attributes.old is not None else []
        if new == old:
            return
        # Who creates an object could as well have left it.
        if attributes.operation != CREATE:
            await self._check_may_delete(attributes)
        blocking = newly_blocking(new, old)
        if not blocking or (await self._ask(attributes.user, _FINALIZE_ANYTHING)).is_allowed:
            return
        for reference in blocking:
            await self._check_may_finalize(attributes, reference)

    async def _check_may_delete(self, attributes: Attributes) -> None:
        resource = attributes.served
        info = RequestInfo(
            True, "", "delete", group=resource.group, version=resource.version, resource=resource.plural,
            subresource=attributes.subresource, namespace=attributes.namespace, name=attributes.name,
        )  # fmt: skip
        decision = await self._ask(attributes.user, info)
        if not decision.is_allowed:
            why = f"cannot set an ownerRef on a resource you can't delete: {decision.reason}, <nil>"
            raise forbidden(attributes, why)

    async def _check_may_finalize(self, attributes: Attributes, reference: Obj) -> None:
        version, kind = reference.get("apiVersion", ""), reference.get("kind", "")
        owner = self._catalog.by_kind(version, kind)
        if owner is None:
            raise forbidden(
                attributes,
                f"cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion {version} "
                f"Kind {kind}: no matches for kind {quote(kind)} in version {quote(version)}",
            )
        group, number = group_version(version)
        info = RequestInfo(
            True, "", "update", group=group, version=number, resource=owner.plural, subresource="finalizers",
            namespace=attributes.namespace if owner.namespaced else "", name=reference.get("name", ""),
        )  # fmt: skip
        decision = await self._ask(attributes.user, info)
        if not decision.is_allowed:
            raise forbidden(
                attributes,
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "
                f"{decision.reason}, <nil>",
            )


def newly_blocking(new: Sequence[Obj], old: Sequence[Obj]) -> list[Obj]:
    """References that keep their owner, and did not before."""
    before = {reference.get("uid"): reference for reference in old}
    return [
        reference
        for reference in new
        if reference.get("blockOwnerDeletion")
        and not before.get(reference.get("uid"), {}).get("blockOwnerDeletion")
    ]
