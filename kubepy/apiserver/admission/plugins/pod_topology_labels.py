"""A pod carries the zone and region of its node, from the moment it is bound to it.

Source: kubernetes plugin/pkg/admission/podtopologylabels/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import Document, labels_of
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin, Tools

LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")

# Nodes whose labels are remembered; of more than that each binding may decode one.
NODES_MAX = 16_384


class PodTopologyLabels(Plugin):
    name = "PodTopologyLabels"
    mutates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._known: dict[str, tuple[Document, dict[str, str]]] = {}  # of the newest version asked about

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
        if copied := self._labels(node, found):
            obj["metadata"]["labels"] = {**(obj["metadata"].get("labels") or {}), **copied}

    def _labels(self, node: str, document: Document) -> dict[str, str]:
        known = self._known.get(node)
        if known is None or known[0] is not document:
            labels = labels_of(document.obj)
            known = document, {key: labels[key] for key in LABELS if key in labels}
            if len(self._known) >= NODES_MAX:
                self._known.clear()
            self._known[node] = known
        return known[1]
