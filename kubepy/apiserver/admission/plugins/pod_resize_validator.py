"""A running pod does not grow beyond what its node has at all, and only where resizing works.

Source: kubernetes plugin/pkg/admission/podresize/admission.go.
"""

from __future__ import annotations

from kubepy.api import pods, quantity
from kubepy.api.builtins import NODES, PODS
from kubepy.api.errors import quote
from kubepy.api.objects import Obj, labels_of, walk
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import UPDATE, Attributes, Plugin, forbidden

OS = "kubernetes.io/os"


class PodResizeValidator(Plugin):
    name = "PodResizeValidator"
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == UPDATE and resource == PODS and subresource == "resize"

    async def validate(self, attributes: Attributes) -> None:
        new, old = attributes.obj, attributes.old
        assert new is not None and old is not None, "there are both on update"
        node_name = new["spec"].get("nodeName")
        # Only another spec has another generation.
        if not node_name or new["metadata"].get("generation") == old["metadata"].get("generation"):
            return
        node = await self.lookup.find(NODES, "", node_name)
        if node is None:
            raise forbidden(attributes, f"node {quote(node_name)} not found")
        for reason, why in (
            ("UnsupportedPlatform", _platform_refusal(node.obj)),
            ("NodeCapacity", capacity_refusal(new, node.obj)),
        ):
            if why:
                refusal = forbidden(attributes, why)
                assert refusal.details is not None
                refusal.details["causes"] = [{"reason": reason}]
                raise refusal


def _platform_refusal(node: Obj) -> str:
    os = labels_of(node).get(OS, "linux")
    if os == "linux":
        return ""
    return (
        f"pod resize is only supported on linux nodes, node {quote(node['metadata']['name'])} is {quote(os)}"
    )


def capacity_refusal(pod: Obj, node: Obj) -> str:
    allocatable = walk(node, "status", "allocatable") or {}
    wanted = pods.requests(pod)
    short = []
    for name, read in (("cpu", quantity.milli), ("memory", quantity.value)):
        there = read(allocatable.get(name, "0"))
        if wanted.get(name, 0) > there:
            short.append(f"{name}, requested: {wanted[name]}, allocatable: {there}")
    return f"node didn't have enough allocatable resources: {'; '.join(short)}" if short else ""
