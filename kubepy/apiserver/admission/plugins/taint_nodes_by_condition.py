"""A new node is tainted not-ready until somebody has seen it ready, so that nothing is scheduled there too early.

Differs: a node that registers as Ready is left alone. Upstream taints it as well, and the node lifecycle controller
takes the taint off again in the same second.

Source: kubernetes plugin/pkg/admission/nodetaint/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import NODES
from kubepy.api.objects import is_condition_true
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin

NOT_READY = "node.kubernetes.io/not-ready"


class TaintNodesByCondition(Plugin):
    name = "TaintNodesByCondition"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == NODES and not subresource

    async def admit(self, attributes: Attributes) -> None:
        node = attributes.obj
        assert node is not None
        if is_condition_true(node, "Ready"):
            return
        taints = node.setdefault("spec", {}).get("taints") or []
        if not any(taint.get("key") == NOT_READY and taint.get("effect") == "NoSchedule" for taint in taints):
            node["spec"]["taints"] = [*taints, {"key": NOT_READY, "effect": "NoSchedule"}]
