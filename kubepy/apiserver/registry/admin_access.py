"""Admin access to devices, given to somebody else or not, only in namespaces that are labelled for it.

A guard of resource claims, of their templates, and of the allocation that a claim's status holds.

Source: kubernetes pkg/registry/resource/utils.go AuthorizedForAdmin, AuthorizedForAdminStatus.
"""

from __future__ import annotations

from typing import Protocol

from kubepy.api import errors
from kubepy.api.builtins import NAMESPACES, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS
from kubepy.api.objects import Document, Obj, labels_of
from kubepy.api.resources import Resource
from kubepy.apiserver.request import User

LABEL = "resource.kubernetes.io/admin-access"
GUARDED = (RESOURCE_CLAIMS.group_resource, RESOURCE_CLAIM_TEMPLATES.group_resource)


class Lookup(Protocol):
    async def find(self, resource: Resource, namespace: str, name: str) -> Document | None: ...


class AdminAccess:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def check(
        self, resource: Resource, namespace: str, name: str, user: User, obj: Obj, old: Obj | None
    ) -> None:
        """Raises Invalid. A registry.Guard."""
        path = asked_at(obj, old)
        if not path:
            return
        found = await self._lookup.find(NAMESPACES, "", namespace)
        if found is None or labels_of(found.obj).get(LABEL) != "true":
            why = f"admin access to devices requires the `{LABEL}: true` label on the containing namespace"
            raise errors.invalid(resource, name, [errors.forbidden_field(path, why)])


def asked_at(obj: Obj, old: Obj | None) -> str:
    """Where admin access is asked for that was not there before; "" where it is not. What was asked for stays so."""
    if old is None:
        spec = obj.get("spec") or {}
        requests = ((spec.get("spec") or spec).get("devices") or {}).get("requests") or ()
        for index, request in enumerate(requests):
            if (request.get("exactly") or {}).get("adminAccess"):
                return f"spec.devices.requests[{index}].adminAccess"
        return ""
    if _granted_at(old):
        return ""
    return _granted_at(obj)


def _granted_at(claim: Obj) -> str:
    devices = ((claim.get("status") or {}).get("allocation") or {}).get("devices") or {}
    for index, result in enumerate(devices.get("results") or ()):
        if result.get("adminAccess"):
            return f"status.allocation.devices.results[{index}].adminAccess"
    return ""
