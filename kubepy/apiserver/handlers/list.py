"""GET of a collection. Source: apiserver pkg/endpoints/handlers/get.go ListResource, handleList."""

from __future__ import annotations

from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import respond
from kubepy.apiserver.registry.options import list_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response


async def list_(registry: Registry, resource: Resource, request: Request) -> Response:
    info = request.info
    options = list_options(request.query)
    namespace = info.namespace if resource.namespaced else ""
    found = await registry.list_(resource, namespace, info.name, options)
    return await respond.listing(registry, registry.served(resource), request, found)
