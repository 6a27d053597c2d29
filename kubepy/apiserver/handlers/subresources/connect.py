"""What a connection to a pod, a node or a service asks for, as admission is shown it: PodExecOptions and the like.

Source: apiserver pkg/endpoints/handlers/rest.go ConnectResource, k8s.io/api/core/v1/types.go.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CONNECT, Kind
from kubepy.apiserver.handlers import write
from kubepy.apiserver.registry.options import DEFAULT_WRITE
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request

_FLAGS = ("stdin", "stdout", "stderr", "tty")
SUBRESOURCES = ("attach", "exec", "portforward", "proxy")


async def admit(registry: Registry, resource: Resource, request: Request) -> None:
    """Before anybody is connected. Raises what admission has against it, BadRequest for a dry run."""
    if request.query.all("dryRun"):
        raise errors.BadRequest("dryRun is not supported")
    call = write.call_of(resource, request, DEFAULT_WRITE)
    await registry.admit(call, options_of(resource, request), CONNECT)


def options_of(resource: Resource, request: Request) -> Obj:
    """What is not said is absent."""
    kind = Kind.of(resource, request.info.subresource)
    options: Obj = {"kind": kind.kind, "apiVersion": "v1"}
    query = request.query
    match request.info.subresource:
        case "attach" | "exec":
            options |= {flag: True for flag in _FLAGS if query.flag(flag)}
            if container := query.get("container"):
                options["container"] = container
            if command := query.all("command"):
                options["command"] = list(command)
        case "portforward":
            ports = [int(part) for text in query.all("ports") for part in text.split(",") if part.isdigit()]
            if ports:
                options["ports"] = ports
        case "proxy":
            below = request.info.parts[3:]
            if path := query.get("path") or ("/" + "/".join(below) if below else ""):
                options["path"] = path
    return options
