"""A pod carries the zone and region of its node, from the moment it is bound to it.

Source: kubernetes plugin/pkg/admission/podtopologylabels/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import labels_of
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin

LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


class PodTopologyLabels(Plugin):
    name = "PodTopologyLabels"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == PODS and subresource in ("", "binding")

    async def admit(self, attributes: Attributes) -> None:
        obj = attributes.obj
        assert obj is not None, "there is one on create"
        if attributes.subresource:
            # The Binding's labels become the pod's.
            target = obj.get("target") or {}
            node = target.get("name", "") if target.get("kind", "") == "Node" else ""
        else:
            node = obj["spec"].get("nodeName", "")
        if not node or (found := await self.lookup.find(NODES, "", node)) is None:
            return
        labels = labels_of(found.obj)
        if copied := {key: labels[key] for key in LABELS if key in labels}:
            obj["metadata"]["labels"] = {**(obj["metadata"].get("labels") or {}), **copied}
