"""New PodGroups carry the finalizer that keeps them while pods belong to them.

Source: kubernetes plugin/pkg/admission/scheduling/podgroupprotection/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import POD_GROUPS
from kubepy.api.pods import POD_GROUP_PROTECTION
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin


class PodGroupProtection(Plugin):
    name = "PodGroupProtection"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == POD_GROUPS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "there is one on create"
        finalizers = attributes.obj["metadata"].setdefault("finalizers", [])
        if POD_GROUP_PROTECTION not in finalizers:
            finalizers.append(POD_GROUP_PROTECTION)
