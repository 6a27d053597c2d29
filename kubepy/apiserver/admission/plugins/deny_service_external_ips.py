"""Services may keep and drop external addresses, but not get new ones.

Source: kubernetes plugin/pkg/admission/network/denyserviceexternalips/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import SERVICES
from kubepy.api.objects import walk
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, forbidden


class DenyServiceExternalIPs(Plugin):
    name = "DenyServiceExternalIPs"
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource == SERVICES and not subresource

    async def validate(self, attributes: Attributes) -> None:
        known = set(walk(attributes.old, "spec", "externalIPs") or ())
        if set(walk(attributes.obj, "spec", "externalIPs") or ()) - known:
            raise forbidden(attributes, "Use of external IPs is denied by admission control")
