"""The table of group versions that are served elsewhere.

The request path asks `table` and nothing else: a plain dict, empty in most clusters. It follows the APIServices by way
of an informer (aggregator.py); what is known of a remote's documents is put beside it (documents.py). `generation`
counts the changes that discovery and OpenAPI documents depend on.

Not here: APIServices without a spec.service. This server serves what its catalog has, whether or not an APIService says
so. Differs: upstream stops serving a built-in group version whose APIService somebody deleted.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from msgspec import Struct

from kubepy.api import objects
from kubepy.api.builtins import GroupVersions
from kubepy.api.objects import Obj, api_version
from kubepy.api.resources import Resource
from kubepy.apiserver.aggregation import priorities
from kubepy.apiserver.aggregation.priorities import Priority
from kubepy.apiserver.request import Request

GroupVersion = tuple[str, str]  # ("metrics.k8s.io", "v1beta1")

AVAILABLE = "Available"


class ServiceReference(NamedTuple):
    namespace: str
    name: str
    port: int

    @property
    def host(self) -> str:
        """What its certificate must be for."""
        return f"{self.name}.{self.namespace}.svc"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}:{self.port}"


class Route(Struct, frozen=True):
    """One APIService with a service, decoded once."""

    name: str  # "v1beta1.metrics.k8s.io"
    group: str
    version: str
    priority: Priority
    service: ServiceReference
    ca: bytes  # PEM; b"": the system's
    is_unverified: bool
    is_available: bool

    @property
    def root(self) -> str:
        """The path everything of this group version is below."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


class Documents(NamedTuple):
    """What a remote says of one of its group versions."""

    discovery: Obj | None  # a version of an APIGroupDiscovery; None: not known
    openapi: str  # the relative URL of its OpenAPI v3 document, with its hash; "": it has none
    is_fresh: bool
    converted: bytes = b""  # that document, where it had to be made from v2


UNKNOWN = Documents(None, "", False)


class Routes:
    def __init__(self) -> None:
        self.table: dict[GroupVersion, Route] = {}
        self.generation = 0
        self.is_complete = True  # False: APIServices are still being read
        self._documents: dict[GroupVersion, Documents] = {}

    def of(self, request: Request) -> Route | None:
        """The route of a request for a resource, or for /apis/<group>/<version> itself; ask if `table` is not empty."""
        info = request.info
        if info.is_resource:
            return self.table.get((info.group, info.version))
        return self._at(request.path)

    def of_openapi(self, path: str) -> Route | None:
        """The route of /openapi/v3/apis/<group>/<version>."""
        return self._at(path.removeprefix("/openapi/v3"))

    def _at(self, path: str) -> Route | None:
        match path.strip("/").split("/"):
            case ["apis", group, version]:
                return self.table.get((group, version))
            case ["api", version]:
                return self.table.get(("", version))
        return None

    def put(self, route: Route) -> None:
        key = route.group, route.version
        if self.table.get(key) != route:
            self.table[key] = route
            self.generation += 1

    def drop(self, group_version: GroupVersion) -> None:
        if self.table.pop(group_version, None) is not None:
            self._documents.pop(group_version, None)
            self.generation += 1

    def documents(self, group_version: GroupVersion) -> Documents:
        return self._documents.get(group_version, UNKNOWN)

    def learn(self, group_version: GroupVersion, documents: Documents) -> None:
        if group_version in self.table and self.documents(group_version) != documents:
            self._documents[group_version] = documents
            self.generation += 1

    def groups(self, local: list[GroupVersions]) -> list[GroupVersions]:
        """The groups of this server with those of the table among them; `local` itself where there are none."""
        if not self.table:
            return local
        return priorities.merged(local, {key: route.priority for key, route in self.table.items()})

    def discovery_of(self, group: str, version: str) -> Obj | None:
        """A version of an aggregated discovery document; None: this server's own."""
        if (group, version) not in self.table:
            return None
        known = self.documents((group, version))
        freshness = "Current" if known.is_fresh else "Stale"
        return {"version": version, **(known.discovery or {}), "freshness": freshness}

    def resources(self) -> tuple[tuple[Resource, ...], dict[str, str]]:
        """What is behind the routes, and by group version why it is not known. Source: client-go
        discovery/aggregated_discovery.go StaleGroupVersionError."""
        found: list[Resource] = []
        failures: dict[str, str] = {}
        for group, version in self.table:
            known = self.documents((group, version))
            if known.is_fresh and known.discovery is not None:
                found += (_resource(group, version, row) for row in known.discovery.get("resources") or ())
            else:
                name = api_version(group, version)
                failures[name] = f"stale GroupVersion discovery: {name}"
        return tuple(found), failures

    def openapi_paths(self) -> dict[str, str]:
        """Entries of the OpenAPI v3 index, by path: "apis/metrics.k8s.io/v1beta1" -> the document's relative URL, "" if
        its server has none or is not there."""
        return {
            route.root.removeprefix("/"): self.documents(key).openapi for key, route in self.table.items()
        }


def _resource(group: str, version: str, row: Obj) -> Resource:
    return Resource(
        group=group, version=version, kind=(row.get("responseKind") or {}).get("kind") or "", plural=row["resource"],
        singular=row.get("singularResource") or "", namespaced=row.get("scope") == "Namespaced",
        verbs=tuple(row.get("verbs") or ()),
    )  # fmt: skip


def group_version_of(name: str) -> GroupVersion:
    """ "v1beta1.metrics.k8s.io" -> ("metrics.k8s.io", "v1beta1")."""
    version, _, group = name.partition(".")
    return group, version


def route_of(obj: Obj) -> Route | None:
    """None for an APIService that this server serves itself."""
    spec = obj.get("spec") or {}
    service = spec.get("service")
    if service is None:
        return None
    return Route(
        name=obj["metadata"]["name"],
        group=spec.get("group") or "",
        version=spec.get("version") or "",
        priority=Priority(spec.get("groupPriorityMinimum") or 0, spec.get("versionPriority") or 0),
        service=ServiceReference(
            service.get("namespace") or "", service.get("name") or "", service.get("port") or 443
        ),
        ca=_decoded(spec.get("caBundle") or ""),
        is_unverified=bool(spec.get("insecureSkipTLSVerify")),
        is_available=objects.is_condition_true(obj, AVAILABLE),
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b"not base64"
