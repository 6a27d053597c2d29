"""Streams of a pod's containers (log, exec, attach, portforward) as far as no node is needed for the answer.

Whose pod, container or node is not there is told so, and a pod that waits for its node has an empty log. Simulated
nodes have no streams to pass on: for their pods there is no such resource.

Source: kubernetes pkg/registry/core/pod/strategy.go LogLocation, streamLocation, PortForwardLocation.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.builtins import NODES
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response

SUBRESOURCES = ("log", "exec", "attach", "portforward")


async def stream(registry: Registry, resource: Resource, request: Request) -> Response:
    info = request.info
    document = await registry.get(resource, info.namespace, info.name)
    spec: Obj = document.obj.get("spec") or {}
    if info.subresource != "portforward" and (
        why := container_fault(info.name, spec, request.query.get("container"))
    ):
        raise errors.BadRequest(why)
    node = spec.get("nodeName") or ""
    if not node:
        if info.subresource == "log":
            return Response(204, b"")
        raise errors.BadRequest(f"pod {info.name} does not have a host assigned")
    if await registry.find(NODES, "", node) is None:
        raise errors.not_found(resource, node)
    raise errors.unknown_resource()


def container_fault(pod: str, spec: Obj, wanted: str) -> str:
    """Why it is not clear which container is meant; "" if it is. Source: validateContainer."""
    containers = spec.get("containers") or []
    names = [
        container["name"]
        for field in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(field) or ()
    ]
    if wanted:
        return "" if wanted in names else f"container {wanted} is not valid for pod {pod}"
    if len(containers) == 1:
        return ""
    return f"a container name must be specified for pod {pod}, choose one of: [{' '.join(names)}]"
