"""A new node is tainted not-ready until the node lifecycle controller has seen it ready, so that nothing is scheduled
there too early. Where that controller does not run, the taint stays.

Source: kubernetes plugin/pkg/admission/nodetaint/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import NODES
from kubepy.api.placement import NO_SCHEDULE, TAINT_NOT_READY
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin


class TaintNodesByCondition(Plugin):
    name = "TaintNodesByCondition"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == NODES and not subresource

    async def admit(self, attributes: Attributes) -> None:
        node = attributes.obj
        assert node is not None
        taints = node.setdefault("spec", {}).get("taints") or []
        if not any(
            taint.get("key") == TAINT_NOT_READY and taint.get("effect") == NO_SCHEDULE for taint in taints
        ):
            node["spec"]["taints"] = [*taints, {"key": TAINT_NOT_READY, "effect": NO_SCHEDULE}]
