"""GET of one object, and of its /status and other subresources that show the whole object.

Source: apiserver pkg/endpoints/handlers/get.go GetResource.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import respond
from kubepy.apiserver.registry.options import check_revision
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response


async def get(registry: Registry, resource: Resource, request: Request) -> Response:
    info, query = request.info, request.query
    revision = 0
    if query:
        if query.flag("export"):
            raise errors.BadRequest("the export parameter, deprecated since v1.14, is no longer supported")
        text = query.get("resourceVersion")
        check_revision(text)
        revision = int(text or 0)
    found = await registry.get(resource, info.namespace if resource.namespaced else "", info.name, revision)
    return respond.document(registry, registry.served(resource), request, found)
