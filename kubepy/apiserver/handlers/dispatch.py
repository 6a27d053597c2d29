"""Which handler a resource request goes to.

Source: apiserver pkg/endpoints/installer.go (which verbs are installed for what).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kubepy.api import errors, warnings
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import negotiate, routes
from kubepy.apiserver.handlers.create import create
from kubepy.apiserver.handlers.delete import delete, delete_collection
from kubepy.apiserver.handlers.get import get
from kubepy.apiserver.handlers.list import list_
from kubepy.apiserver.handlers.patch import patch
from kubepy.apiserver.handlers.subresources import Subresources, connect
from kubepy.apiserver.handlers.update import update
from kubepy.apiserver.handlers.watch import watch
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response

Verb = Callable[[Registry, Resource, Request], Awaitable[Response]]

_VERBS: dict[str, Verb] = {
    "get": get,
    "list": list_,
    "watch": watch,
    "create": create,
    "update": update,
    "patch": patch,
    "delete": delete,
    "deletecollection": delete_collection,
}
# Subresources whose body is the whole object go through the ordinary verbs.
WHOLE = ("status", "finalize", "approval", "ephemeralcontainers", "resize")


class ResourceHandler:
    """The end of the chain for everything under /api and /apis that is a resource. A request.Handler."""

    def __init__(self, registry: Registry, subresources: Subresources) -> None:
        self._registry = registry
        self._subresources = subresources
        minor = int(registry.schemas.version.partition(".")[2])
        self._deprecated = {
            (resource.group, resource.version, resource.plural): text
            for resource in registry.catalog
            if (text := warnings.of_version(resource, minor))
        }

    async def __call__(self, request: Request) -> Response:
        info = request.info
        resource = self._registry.catalog.get(info.group, info.version, info.resource)
        own = resource.own if resource is not None else None
        if own is None or own.conversions is None:
            return await self._serve(resource, request)
        warned = len(request.warnings)

        async def serve() -> Response:
            del request.warnings[warned:]
            return await self._serve(resource, request)

        return await own.conversions.settle(serve)

    async def _serve(self, resource: Resource | None, request: Request) -> Response:
        info = request.info
        registry = self._registry
        if resource is None:
            raise routes.not_served(registry.catalog, info.group)
        unlisted = self._subresources.unlisted.get((resource.group_resource, info.subresource))
        if unlisted is not None and request.method == "GET" and len(info.parts) == 3:
            return await unlisted(registry, resource, request)
        if resource.own is not None and resource.own.warning:
            request.warnings.append(resource.own.warning)
        routes.check(resource, info, request.method)
        if not request.in_process and not resource.custom:
            routes.check_accept(request)
        if (deprecated := self._deprecated.get((info.group, info.version, info.resource))) is not None:
            request.warnings.append(deprecated)
            # Source: apiserver pkg/endpoints/metrics/metrics.go MonitorRequest.
            request.audit["k8s.io/deprecated"] = "true"
        if info.subresource:
            return await self._subresource(resource, request)
        _negotiate(resource, request)
        verb = info.verb
        computed = self._subresources.computed.get((resource.group_resource, verb))
        if computed is not None:
            return await computed(registry, resource, request)
        virtual = self._subresources.virtual.get(resource.group_resource)
        if virtual is not None and verb == "create":
            return await virtual(registry, resource, request)
        if "get" not in resource.verbs:
            # A question that nobody here can answer is not stored as an object.
            raise errors.unknown_resource()
        return await _VERBS[verb](registry, resource, request)

    async def _subresource(self, resource: Resource, request: Request) -> Response:
        info = request.info
        if info.subresource in connect.SUBRESOURCES:
            await connect.admit(self._registry, resource, request)
        elif info.verb == "create" and not request.in_process:
            negotiate.accepted(request.accept, False, not resource.custom)
        special = self._subresources.find(resource, info.subresource)
        if special is not None:
            return await special(self._registry, resource, request)
        if info.subresource in WHOLE:
            _negotiate(resource, request)
            return await _VERBS[info.verb](self._registry, resource, request)
        if resource.custom:
            raise errors.not_found(resource, info.name)
        # Nobody here can answer, be it there or not: a cluster without nodes has no logs.
        await self._registry.get(resource, info.namespace if resource.namespaced else "", info.name)
        raise errors.unknown_resource()


def _negotiate(resource: Resource, request: Request) -> None:
    """Who cannot be answered is told so before anything is done."""
    if not request.in_process:
        negotiate.wanted(request, resource)
