"""Discovery: which groups, versions and resources there are, in the old form and the aggregated one.

Every document is encoded once and kept until the catalog or the routes to other servers change (their `generation`).
Paths are taken with and without a trailing slash, as generated clients ask for both. Groups that are served elsewhere
are listed among ours, whether or not their server is there; what is in them comes from that server (aggregation).

Source: apiserver pkg/endpoints/discovery/{root,group,version,legacy}.go, pkg/endpoints/discovery/aggregated/*.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import orjson

from kubepy.api.builtins import Catalog, GroupVersions
from kubepy.api.errors import method_not_allowed
from kubepy.api.objects import Obj, api_version
from kubepy.api.protofields import META
from kubepy.api.resources import Resource, Subresource
from kubepy.api.schema import Schemas
from kubepy.apiserver.aggregation.routes import Routes
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.handlers.negotiate import AGGREGATED, AGGREGATED_GROUP, Format
from kubepy.apiserver.handlers.routes import check_accept, not_served
from kubepy.apiserver.request import Request, Response
from kubepy.lib import yaml


class Discovery:
    """Handles /api, /apis and what is below them down to a group version. `address` is host:port, for /api;
    `aggregated` the versions of the aggregated form that there are."""

    def __init__(
        self,
        catalog: Catalog,
        schemas: Schemas,
        *,
        address: Callable[[], str],
        aggregated: tuple[str, ...] = ("v2",),
        routes: Routes | None = None,
    ) -> None:
        self._catalog = catalog
        self._schemas = schemas
        self._routes = routes or Routes()
        self._address, self._versions = address, aggregated
        self._generation = (-1, -1)
        self._bodies: dict[tuple[str, Format], bytes] = {}
        self._etags: dict[tuple[str, Format], str] = {}

    async def handle(self, request: Request) -> Response:
        generation = self._catalog.generation, self._routes.generation
        if self._generation != generation:
            self._generation = generation
            self._bodies.clear()
            self._etags.clear()
        path = request.path.rstrip("/")
        if self._is_routed(path):
            check_accept(request)
        wanted = negotiate.of_discovery(request.accept, self._versions if path in ("/api", "/apis") else ())
        key = (path, wanted)
        body = self._bodies.get(key)
        if body is None:
            document = self._document(path, wanted.version)
            if document is None:
                group = path.split("/")[2] if path.startswith("/apis/") else ""
                raise not_served(self._catalog, group)
            body = self._bodies[key] = self._encoded(document, wanted)
            self._etags[key] = f'"{hashlib.sha512(body).hexdigest().upper()}"'
        if request.method != "GET":
            raise method_not_allowed()
        if not wanted.version:
            return Response(200, body, wanted.media_type)
        etag = self._etags[key]
        headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "public"}
        if request.header("If-None-Match") == etag:
            return Response(304, None, headers=headers)
        content_type = f"{wanted.media_type};g={AGGREGATED_GROUP};v={wanted.version};as={AGGREGATED}"
        return Response(200, body, content_type, headers)

    def _is_routed(self, path: str) -> bool:
        """Whether upstream's router is asked first: not about groups, which the aggregator tells, nor custom ones."""
        match path.split("/")[1:]:
            case ["apis"] | ["apis", _]:
                return False
            case ["apis", group, _]:
                return self._catalog.is_builtin(group)
        return True

    def is_known(self, path: str) -> bool:
        """False only for what is below a group version that nobody serves so far."""
        match path.strip("/").split("/"):
            case ["apis", group, version, *_]:
                return any(True for _ in self._catalog.resources(group, version))
        return True

    def paths(self) -> list[str]:
        """For the listing at /."""
        below = [path for gv in self._groups() if gv.group for path in _group_paths(gv)]
        return ["/api", *(f"/api/{version}" for version in self._core().versions), "/apis", *below]

    def _encoded(self, document: Obj, wanted: Format) -> bytes:
        if wanted.media_type == negotiate.YAML:
            return yaml.dump(document, sort_keys=True).encode()
        if wanted.media_type == negotiate.PROTOBUF:
            package = f"io.k8s.api.apidiscovery.{wanted.version}." if wanted.version else META
            return self._schemas.encoder.body(f"{package}{document['kind']}", document)
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)

    def _groups(self) -> list[GroupVersions]:
        return self._routes.groups(self._catalog.groups())

    def _core(self) -> GroupVersions:
        return next((gv for gv in self._groups() if not gv.group), GroupVersions("", ()))

    def _document(self, path: str, version: str) -> Obj | None:
        match path.split("/")[1:]:
            case ["api"] if version:
                return self._aggregated(version, [self._core()])
            case ["apis"] if version:
                return self._aggregated(version, [gv for gv in self._groups() if gv.group])
            case ["api"]:
                return self._api_versions()
            case ["apis"]:
                return self._group_list()
            case ["api", served]:
                return self._resource_list("", served)
            case ["apis", group]:
                return self._group(group)
            case ["apis", group, served]:
                return self._resource_list(group, served)
        return None

    def _api_versions(self) -> Obj:
        return {
            "kind": "APIVersions",
            "versions": list(self._core().versions),
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": self._address()}],
        }

    def _group_list(self) -> Obj:
        groups = [_group_of(gv) for gv in self._groups() if gv.group]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _group(self, group: str) -> Obj | None:
        found = next((gv for gv in self._groups() if gv.group and gv.group == group), None)
        return None if found is None else {"kind": "APIGroup", "apiVersion": "v1", **_group_of(found)}

    def _resource_list(self, group: str, version: str) -> Obj | None:
        rows = self._catalog.resources(group, version)
        if not rows or (not group and version not in self._core().versions):
            return None
        resources = [
            entry
            for row in sorted(rows, key=lambda row: row.plural)
            for entry in (
                _resource(row, self._catalog),
                *(_subresource(row, sub) for sub in _in_order(row)),
            )
        ]
        # The core group's list has no apiVersion. Source: pkg/endpoints/discovery/version.go for v1.
        head = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if group else {})
        return {**head, "groupVersion": api_version(group, version), "resources": resources}

    def _aggregated(self, version: str, groups: list[GroupVersions]) -> Obj:
        return {
            "kind": AGGREGATED,
            "apiVersion": f"{AGGREGATED_GROUP}/{version}",
            "metadata": {},
            "items": [self._aggregated_group(gv) for gv in groups if gv.versions],
        }

    def _aggregated_group(self, gv: GroupVersions) -> Obj:
        versions = [
            self._routes.discovery_of(gv.group, version) or self._own_version(gv.group, version)
            for version in gv.versions
        ]
        return {"metadata": {"name": gv.group} if gv.group else {}, "versions": versions}

    def _own_version(self, group: str, version: str) -> Obj:
        resources = [_aggregated_resource(row) for row in self._catalog.resources(group, version)]
        return {"version": version, "resources": resources, "freshness": "Current"}


def _group_paths(gv: GroupVersions) -> list[str]:
    return [f"/apis/{gv.group}", *(f"/apis/{gv.group}/{version}" for version in gv.versions)]


def _group_of(gv: GroupVersions) -> Obj:
    versions = [{"groupVersion": f"{gv.group}/{version}", "version": version} for version in gv.versions]
    return {"name": gv.group, "versions": versions, "preferredVersion": versions[0]}


def _verbs(row: Resource) -> list[str]:
    """A custom kind whose definition is going shows less than it still takes."""
    shown = row.own.verbs if row.own is not None else None
    return list(row.verbs if shown is None else shown)


def _resource(row: Resource, catalog: Catalog) -> Obj:
    """Keys in the order of metav1.APIResource; some clients compare bytes."""
    entry: Obj = {
        "name": row.plural,
        "singularName": row.singular,
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": _verbs(row),
    }
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    if storage_hash := catalog.storage_version_hash(row):
        entry["storageVersionHash"] = storage_hash
    return entry


def _subresource(row: Resource, sub: Subresource) -> Obj:
    entry: Obj = {"name": f"{row.plural}/{sub.name}", "singularName": "", "namespaced": row.namespaced}
    if sub.group:
        entry["group"] = sub.group
    if sub.version:
        entry["version"] = sub.version
    entry["kind"] = sub.kind
    entry["verbs"] = list(sub.verbs)
    return entry


def _in_order(row: Resource) -> list[Subresource]:
    """By name; those of custom kinds as the definition's controller lists them."""
    return list(row.subresources) if row.custom else sorted(row.subresources, key=lambda sub: sub.name)


def _aggregated_resource(row: Resource) -> Obj:
    """Source: pkg/endpoints/discovery/aggregated ConvertGroupVersionIntoToDiscovery; an own group version stays "", but
    for custom kinds: apiextensions-apiserver pkg/apiserver/customresource_discovery_controller.go."""
    group, version = (row.group, row.version) if row.custom else ("", "")
    entry: Obj = {
        "resource": row.plural,
        "responseKind": {"group": group, "version": version, "kind": row.kind},
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": _verbs(row),
    }
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    if row.subresources:
        entry["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": {
                    "group": sub.group or group,
                    "version": sub.version or version,
                    "kind": sub.kind,
                },
                "verbs": list(sub.verbs),
            }
            for sub in _in_order(row)
        ]
    return entry
