"""What aggregated servers say of themselves: discovery and OpenAPI, fetched in the background.

Each group version is asked for when its APIService becomes available or changes, and again every minute. While a server
is away its group version stays listed, marked Stale and without resources, so that clients know what they miss. The
OpenAPI v2 documents, some MB each that only old clients want, are fetched when somebody asks.

Source: kube-aggregator pkg/apiserver/handler_discovery.go, pkg/controllers/openapiv3/aggregator/aggregator.go,
pkg/controllers/openapi/aggregator/{aggregator,downloader}.go.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import orjson

from kubepy.api.builtins import API_SERVICES
from kubepy.api.objects import Key, Obj
from kubepy.apiserver.aggregation import openapi_conversion, swaggers
from kubepy.apiserver.aggregation.availability import AGGREGATOR, is_about_remote
from kubepy.apiserver.aggregation.connections import BadAuthority, Connections, Fetched, Unreachable
from kubepy.apiserver.aggregation.endpoints import Endpoints
from kubepy.apiserver.aggregation.routes import (
    UNKNOWN,
    Documents,
    GroupVersion,
    Route,
    Routes,
    group_version_of,
)
from kubepy.apiserver.aggregation.services import Unresolved
from kubepy.apiserver.openapi import Swagger
from kubepy.client.controller import After, Controller, ControllerContext, key_of
from kubepy.lib.aio import gather_bounded
from kubepy.lib.backoff import Exponential
from kubepy.lib.clock import Clock

REFRESH_S = 60.0
RETRY_S_MIN = 0.5
FETCH_S = 5.0
# Source: openapi/aggregator specDownloadTimeout is a minute; but somebody waits for this one.
SWAGGER_S = 10.0
_AT_ONCE = 8

_JSON = "application/json"
_AGGREGATED = f"{_JSON};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class NoDocument(Exception):
    """It cannot be had; the message says why."""


class Fetcher:
    """Documents of whoever a route leads to."""

    def __init__(self, endpoints: Endpoints, connections: Connections) -> None:
        self._endpoints, self._connections = endpoints, connections

    async def fetch(
        self, route: Route, path: str, *, accept: str = _JSON, within_s: float = FETCH_S
    ) -> Fetched:
        """Raises NoDocument."""
        try:
            address = await self._endpoints.pick(route.service)
            return await self._connections.fetch(
                route, address, path, accept=accept, user=AGGREGATOR, within_s=within_s
            )
        except (Unresolved, Unreachable, BadAuthority) as error:
            raise NoDocument(f"{path}: {error}") from error


class DocumentsController(Controller):
    name = "aggregated-documents"
    workers = 2

    def __init__(self, context: ControllerContext, *, routes: Routes, fetcher: Fetcher) -> None:
        super().__init__(context)
        self._routes, self._fetcher = routes, fetcher
        self._backoff = Exponential(RETRY_S_MIN, REFRESH_S)

    def setup(self) -> None:
        self.watch(API_SERVICES, key_of, is_about_remote)

    async def reconcile(self, key: Key) -> After | None:
        group_version = group_version_of(key.name)
        route = self._routes.table.get(group_version)
        if route is None or not route.is_available:
            self._routes.learn(group_version, UNKNOWN)
            self._backoff.forget(key)
            return None
        try:
            discovery = await self._discovery(route)
            openapi, converted = await self._openapi(route)
        except NoDocument as error:
            self._routes.learn(group_version, self._routes.documents(group_version)._replace(is_fresh=False))
            self.log.warning("aggregated_discovery_failed", object=route.name, error=str(error))
            return After(self._backoff.next_s(key))
        if self._routes.table.get(group_version) == route:
            self._routes.learn(group_version, Documents(discovery, openapi, True, converted))
        self._backoff.forget(key)
        return After(REFRESH_S)

    async def _discovery(self, route: Route) -> Obj:
        fetched = await self._fetcher.fetch(route, "/apis", accept=f"{_AGGREGATED},{_JSON}")
        if fetched.status == 503:
            raise NoDocument(f"service {route.service} returned non-success response code: 503")
        if fetched.status == 200 and "as=APIGroupDiscoveryList" in fetched.content_type:
            return aggregated_version(_decoded(fetched), (route.group, route.version))
        fetched = await self._fetcher.fetch(route, route.root)
        if fetched.status != 200:
            raise NoDocument(f"failed to download legacy discovery for {route.root}: {fetched.status}")
        return {"resources": aggregated_resources(_decoded(fetched).get("resources") or ())}

    async def _openapi(self, route: Route) -> tuple[str, bytes]:
        """Where its v3 document is, and that document itself if its server has v2 only."""
        fetched = await self._fetcher.fetch(route, "/openapi/v3")
        if fetched.status == 404:
            fetched = await self._fetcher.fetch(route, "/openapi/v2", within_s=SWAGGER_S)
            if fetched.status == 200:
                converted = await asyncio.to_thread(_converted, fetched, route.root)
                return f"/openapi/v3{route.root}?hash={hash_of(converted)}", converted
        if fetched.status != 200:
            return "", b""
        entry = (_decoded(fetched).get("paths") or {}).get(route.root.removeprefix("/")) or {}
        return str(entry.get("serverRelativeURL") or ""), b""


class Swaggers:
    """openapi.Remote: the v2 documents of the servers that are there, at most a minute old."""

    def __init__(self, routes: Routes, fetcher: Fetcher, clock: Clock) -> None:
        self._routes, self._fetcher, self._clock = routes, fetcher, clock
        self._known: dict[GroupVersion, tuple[Route, float, Swagger | None]] = {}

    async def swaggers(self) -> list[Swagger]:
        """In the order of priority: of two definitions with one name the first keeps it."""
        available = [route for route in self._routes.table.values() if route.is_available]
        available.sort(key=lambda route: (-route.priority.group, -route.priority.version, route.name))
        found = await gather_bounded(_AT_ONCE, [self._swagger(route) for route in available])
        self._known = {
            key: known for key, known in self._known.items() if self._routes.table.get(key) == known[0]
        }
        return [each for each in found if isinstance(each, Swagger)]

    async def _swagger(self, route: Route) -> Swagger | None:
        key = route.group, route.version
        known = self._known.get(key)
        if known is not None and known[0] == route and self._clock.monotonic() - known[1] < REFRESH_S:
            return known[2]
        try:
            fetched = await self._fetcher.fetch(route, "/openapi/v2", within_s=SWAGGER_S)
            swagger = _swagger_of(route, fetched) if fetched.status == 200 else None
        except NoDocument:
            swagger = None
        self._known[key] = route, self._clock.monotonic(), swagger
        return swagger


def _swagger_of(route: Route, fetched: Fetched) -> Swagger:
    return Swagger(hashlib.sha256(fetched.body).hexdigest(), route.root, _decoded(fetched))


def _converted(fetched: Fetched, root: str) -> bytes:
    """Raises NoDocument."""
    document = _decoded(fetched)
    of_root: Obj = {"info": document.get("info"), "parameters": document.get("parameters"), "paths": {}}
    swaggers.merge(of_root, document, root)
    return orjson.dumps(openapi_conversion.v3_of(of_root))


def hash_of(document: bytes) -> str:
    return hashlib.sha512(document).hexdigest().upper()


def _decoded(fetched: Fetched) -> Obj:
    try:
        obj = orjson.loads(fetched.body)
    except ValueError as error:
        raise NoDocument(f"not JSON: {error}") from error
    if not isinstance(obj, dict):
        raise NoDocument("not an object")
    return obj


def aggregated_version(document: Obj, wanted: GroupVersion) -> Obj:
    """One version of an APIGroupDiscoveryList, {} if it is not in there."""
    group, version = wanted
    for item in document.get("items") or ():
        if ((item.get("metadata") or {}).get("name") or "") != group:
            continue
        for each in item.get("versions") or ():
            if each.get("version") == version:
                resources = [_with_kinds(resource) for resource in each.get("resources") or ()]
                return {"resources": resources}
    return {}


def _with_kinds(resource: Obj) -> Obj:
    """A copy; clients of 1.26 trip over a missing responseKind."""
    nothing: Obj = {"group": "", "version": "", "kind": ""}
    resource = {"responseKind": nothing, **resource}
    if subresources := resource.get("subresources"):
        resource["subresources"] = [{"responseKind": nothing} | each for each in subresources]
    return resource


def aggregated_resources(entries: Any) -> list[Obj]:
    """The resources of an APIResourceList in the form of aggregated discovery.

    Source: apiserver pkg/endpoints/installer.go ConvertGroupVersionIntoToDiscovery.
    """
    found: dict[str, Obj] = {}
    for entry in entries:
        name, _, subresource = entry["name"].partition("/")
        kind = {
            "group": entry.get("group") or "",
            "version": entry.get("version") or "",
            "kind": entry.get("kind") or "",
        }
        scope = "Namespaced" if entry.get("namespaced") else "Cluster"
        parent: Obj = found.setdefault(name, {"resource": name, "scope": scope})
        if subresource:
            parent.setdefault("subresources", []).append(
                {"subresource": subresource, "responseKind": kind, "verbs": entry.get("verbs") or []}
            )
            continue
        parent["responseKind"] = kind
        parent["singularResource"] = entry.get("singularName") or ""
        parent["verbs"] = entry.get("verbs") or []
        parent |= {field: entry[field] for field in ("shortNames", "categories") if entry.get(field)}
    return [_with_kinds(resource) for resource in found.values()]
