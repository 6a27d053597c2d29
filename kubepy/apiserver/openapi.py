"""Serves the OpenAPI documents: v3 (an index and one document per group version, group, and path beside them) and v2
(JSON and protobuf).

The documents are made by api/openapi.py when somebody first asks, in a thread, for they take tens of milliseconds, and
kept as bytes until the catalog or the routes to other servers change. Of those servers the v3 index names the documents
(which are then asked from them), and the v2 document holds what they said last. Each has a hash; who sends it back
gets 304, and a v3 document asked for by its hash may be cached for ever.

Not there: v3 in gnostic's protobuf, which no kubectl since 1.27 asks for.

Source: kube-openapi pkg/handler3/handler.go, pkg/handler/handler.go.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson

from kubepy import __version__
from kubepy.api.builtins import Catalog
from kubepy.api.objects import Obj
from kubepy.apiserver.aggregation import swaggers
from kubepy.apiserver.aggregation.routes import Routes
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.request import JSON, Request, Response, Verbatim
from kubepy.lib.clock import Clock

if TYPE_CHECKING:
    from kubepy.api.schema import Schemas

V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
# As clients ask for it; with an "@" it is no valid media type, and the answer goes by the other name.
V2_PROTOBUF_ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
_V2 = (JSON, V2_PROTOBUF_ASKED, V2_PROTOBUF)
_VARIES = {"Vary": "Accept"}

_YEAR_S = 365 * 86400


class Swagger(NamedTuple):
    """Another server's v2 document, of which one group version is wanted."""

    etag: str
    root: str  # "/apis/metrics.k8s.io/v1beta1"
    document: Obj  # shared, read-only


class Remote(Protocol):
    async def swaggers(self) -> Sequence[Swagger]:
        """What other servers say, those that answer."""


class OpenApi:
    """`remote` is asked only while `routes` has any."""

    def __init__(
        self,
        catalog: Catalog,
        schemas: Schemas,
        clock: Clock,
        routes: Routes | None = None,
        remote: Remote | None = None,
    ) -> None:
        self._catalog = catalog
        self._schemas = schemas
        self._clock = clock
        self._routes = routes or Routes()
        self._remote = remote
        self._generation = (-1, -1)
        self._swaggers: Sequence[Swagger] = ()
        self._hashes: dict[str, str] = {}  # "apis/apps/v1" -> hash
        self._made: dict[str, asyncio.Future[bytes]] = {}

    async def v3_index(self, request: Request) -> Response:
        self._refresh()
        paths = {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hash_}"}
            for path, hash_ in self._hashes.items()
        }
        for path, url in self._routes.openapi_paths().items():
            paths.pop(path, None)
            if url:
                paths[path] = {"serverRelativeURL": url}
        body = orjson.dumps({"paths": dict(sorted(paths.items()))})
        return _answer(request, body, _etag(body), JSON)

    async def v3_document(self, request: Request) -> Response:
        """/openapi/v3/apis/apps/v1?hash=...; a stale hash is redirected to the new one."""
        self._refresh()
        path = request.path.removeprefix("/openapi/v3/").rstrip("/")
        hash_ = self._hashes.get(path)
        if hash_ is None:
            return Response(404, b"", "")
        if not negotiate.best(request.accept, (JSON,)):
            return _not_acceptable()
        asked = request.query.get("hash")
        if asked and asked != hash_:
            location = f"/openapi/v3/{path}?hash={hash_}"
            return Response(301, b"", headers={"Location": location, **_VARIES})
        headers = dict(_VARIES)
        if asked:
            headers["Cache-Control"] = "public, immutable"
            headers["Expires"] = formatdate(self._clock.now() + _YEAR_S, usegmt=True)
        body = await self._make(path, lambda catalog: self._v3_bytes(catalog, path))
        return _answer(request, body, f'"{hash_}"', JSON, headers)

    async def v2(self, request: Request) -> Response:
        await self._ask_others()
        self._refresh()
        wanted = negotiate.best(request.accept, _V2)
        if not wanted:
            return _not_acceptable()
        if wanted == JSON:
            body = await self._make("v2.json", self._v2_bytes)
            return _answer(request, body, _etag(body), JSON, _VARIES)
        body = await self._make("v2.pb", self._v2_protobuf)
        return _answer(request, body, _etag(body), V2_PROTOBUF, _VARIES)

    async def _ask_others(self) -> None:
        found = await self._remote.swaggers() if self._remote and self._routes.table else ()
        if [each.etag for each in found] != [each.etag for each in self._swaggers]:
            self._swaggers = found
            self._made.pop("v2.json", None)
            self._made.pop("v2.pb", None)

    def _refresh(self) -> None:
        """Forget what was made of other rows than those of now.

        A document's hash is of what it is made of, the rows and the versions of Kubernetes and kubepy: making all of
        them for the index would take a while. A new custom kind costs the document of its own group only.
        """
        generation = self._catalog.generation, self._routes.generation
        if self._generation == generation:
            return
        from kubepy.api import openapi

        self._generation = generation
        before = self._hashes
        self._hashes = {
            (f"apis/{gv.group}/{version}" if gv.group else f"api/{version}"): self._hash(gv.group, version)
            for gv in self._catalog.groups()
            for version in gv.versions
        } | {path: self._digest(path) for path in openapi.roots(self._catalog)}
        self._made = {
            path: made
            for path, made in self._made.items()
            if path in before and before[path] == self._hashes.get(path)
        }

    def _hash(self, group: str, version: str) -> str:
        return self._digest("\n".join(map(repr, self._catalog.resources(group, version))))

    def _digest(self, what: str) -> str:
        return hashlib.sha512(f"{__version__} {self._schemas.version}\n{what}".encode()).hexdigest().upper()

    async def _make(self, name: str, build: Callable[[Catalog], bytes]) -> bytes:
        """Build once, however many ask at the same time; a failure is everybody's and not kept."""
        made = self._made.get(name)
        if made is None:
            # The thread walks the rows several times, and kinds come and go meanwhile.
            rows = Catalog(self._catalog)
            made = self._made[name] = asyncio.get_running_loop().run_in_executor(None, build, rows)
            made.add_done_callback(lambda done: self._forget_failure(name, done))
        # Who goes away must not take the document from the others.
        return await asyncio.shield(made)

    def _forget_failure(self, name: str, done: asyncio.Future[bytes]) -> None:
        if (done.cancelled() or done.exception() is not None) and self._made.get(name) is done:
            del self._made[name]

    def _v3_bytes(self, catalog: Catalog, path: str) -> bytes:
        from kubepy.api import openapi

        keep = openapi.as_bytes
        match path.split("/"):
            case ["api", version]:
                document = openapi.v3_document(catalog, self._schemas, "", version, keep=keep)
            case ["apis", group, version]:
                document = openapi.v3_document(catalog, self._schemas, group, version, keep=keep)
            case _:
                document = openapi.v3_root(self._schemas, path, keep=keep)
        return orjson.dumps(document)

    def _v2_bytes(self, catalog: Catalog) -> bytes:
        if self._swaggers:
            return orjson.dumps(self._v2_document(catalog))
        from kubepy.api import openapi

        return orjson.dumps(openapi.v2_document(catalog, self._schemas, keep=openapi.as_bytes))

    def _v2_protobuf(self, catalog: Catalog) -> bytes:
        from kubepy.api import openapi

        return openapi.v2_protobuf(self._v2_document(catalog))

    def _v2_document(self, catalog: Catalog) -> Obj:
        from kubepy.api import openapi

        document = openapi.v2_document(catalog, self._schemas)
        for swagger in self._swaggers:
            swaggers.merge(document, swagger.document, swagger.root)
        return document


def _answer(
    request: Request, body: bytes, etag: str, content_type: str, headers: dict[str, str] | None = None
) -> Response:
    headers = {"ETag": etag, **(headers or {})}
    if etag in (tag.strip() for tag in request.header("If-None-Match").split(",")):
        return Response(304, None, headers=headers)
    return Verbatim(200, body, content_type, headers)


def _not_acceptable() -> Response:
    """Source: kube-openapi pkg/handler/handler.go: the code alone."""
    return Response(406, b"", "", dict(_VARIES))


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha512(body).hexdigest().upper()}"'
