"""A PodGroup that names a Workload names one that is there, and one of its templates.

Source: kubernetes plugin/pkg/admission/podgroup/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import POD_GROUPS, WORKLOADS
from kubepy.api.errors import quote
from kubepy.api.objects import is_deleting
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin, forbidden


class PodGroupWorkloadExists(Plugin):
    name = "PodGroupWorkloadExists"
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == POD_GROUPS and not subresource

    async def validate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "there is one on create"
        ref = attributes.obj["spec"].get("workloadRef")
        if ref is None:
            return
        name, template = ref["workloadName"], ref["templateName"]
        document = await self.lookup.find(WORKLOADS, attributes.namespace, name)
        if document is None:
            raise forbidden(attributes, f"PodGroup rejected: Workload {quote(name)} not found")
        workload = document.obj
        if is_deleting(workload):
            raise forbidden(attributes, f"PodGroup rejected: Workload {quote(name)} is being deleted")
        if all(one["name"] != template for one in workload["spec"].get("podGroupTemplates") or ()):
            raise forbidden(
                attributes,
                f"PodGroup rejected: PodGroupTemplate {quote(template)} not found in Workload {quote(name)}",
            )
