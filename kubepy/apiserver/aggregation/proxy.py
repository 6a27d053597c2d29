"""One request -> the answer of the server that an APIService names, body streamed both ways.

The aggregated server learns who asks from the X-Remote-* headers, and believes them for the front proxy's certificate.
It never sees the client's own credentials. Watches are ordinary answers that do not end; a component of this process
gets theirs as events. Upgrades (websockets, SPDY) get a connection of their own, and bytes go both ways.

Source: kube-aggregator pkg/apiserver/handler_proxy.go, apimachinery pkg/util/proxy/{upgradeaware,transport}.go,
apiserver pkg/util/proxy/proxy.go NewRequestForProxy.
"""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import aiohttp
import orjson
from multidict import CIMultiDict, MultiMapping

from kubepy.api import errors
from kubepy.api.objects import DocumentPool, Obj
from kubepy.apiserver.aggregation.connections import BadAuthority, Connections, Unreachable, identify
from kubepy.apiserver.aggregation.routes import Route, ServiceReference
from kubepy.apiserver.aggregation.services import Address, Unresolved
from kubepy.apiserver.aggregation.watches import RemoteWatch, document_of, revision_in
from kubepy.apiserver.request import Peer, Request, Response, Stream, Upgraded, Verbatim, WatchResponse
from kubepy.client.transport import Page
from kubepy.lib.aio import Tasks
from kubepy.observability.logs import Logger

Pick = Callable[[ServiceReference], Awaitable[Address]]

# A component's watch; its server ends it long before.
WATCH_S = 24 * 3600.0

# Source: apiserver pkg/util/proxy/proxy.go aggregatedDiscoveryTimeout.
DISCOVERY_S = 5.0

# Source: Go's net/url shouldEscape.
_PATH_SAFE = "/$&+,:;=@"

_TEXT = "text/plain; charset=utf-8"

# What belongs to one connection (RFC 9110, 7.6.1), and what the filters have made of a request's credentials.
_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
_NOT_SENT = _HOP_BY_HOP | {"host", "authorization", "expect"}
_IMPERSONATE = "impersonate-"
# Our own door writes these.
_NOT_RETURNED = _HOP_BY_HOP | {"date", "audit-id", "content-length"}


class Proxy:
    def __init__(
        self, connections: Connections, pick: Pick, pool: DocumentPool, tasks: Tasks, log: Logger
    ) -> None:
        self._connections, self._pick = connections, pick
        self._pool, self._tasks, self._log = pool, tasks, log

    async def serve(self, request: Request, route: Route) -> Response:
        if request.in_process:
            return await self._for_component(request, route)
        return await self._forward(request, route)

    async def _forward(self, request: Request, route: Route) -> Response:
        if not route.is_available:
            return _text(503, "service unavailable")
        user = request.user
        if user is None:
            return _text(500, "missing user")
        headers, target = _sent(request), _target(request)
        identify(headers, user)
        if wanted := _upgrade_of(request):
            return await self._upgrade(request, route, target, headers, wanted)
        is_discovery = not request.info.is_resource and request.path.strip("/").count("/") == 2
        try:
            self._connections.tls(route)
            address = await self._pick(route.service)
            headers.update(_forwarded(address, target))
            answer = await self._connections.open(
                route, address, request.method, target, headers=headers, body=request.body_stream(),
                within_s=DISCOVERY_S if is_discovery else None,
            )  # fmt: skip
        except (BadAuthority, Unresolved, Unreachable) as error:
            return self._failed(route, error)
        if 300 <= answer.status <= 399 and answer.headers.get("Location"):
            answer.close()
            return Verbatim(
                502, b"the backend attempted to redirect this request, which is not permitted", _TEXT
            )
        length = answer.headers.get("Content-Length", "")
        return Stream(
            answer.status,
            _Body(answer),
            headers=_headers(answer.headers),
            length=int(length) if length.isdigit() else None,
        )

    async def _upgrade(
        self, request: Request, route: Route, target: str, headers: CIMultiDict[str], wanted: str
    ) -> Response:
        headers["Connection"], headers["Upgrade"] = "Upgrade", wanted
        try:
            self._connections.tls(route)
            address = await self._pick(route.service)
            head, peer = await self._connections.upgrade(
                route, address, request.method, target, headers=headers
            )
        except (BadAuthority, Unresolved, Unreachable) as error:
            return self._failed(route, error)
        returned = _headers(head.headers)
        if head.status != 101:
            # Its server would rather not; what it says comes with the connection, which is not used again.
            length = head.headers.get("Content-Length", "0")
            return Stream(
                head.status, _Rest(peer, int(length) if length.isdigit() else None), headers=returned,
                length=int(length) if length.isdigit() else None,
            )  # fmt: skip
        returned |= {"Connection": "Upgrade", "Upgrade": head.headers.get("Upgrade", wanted)}
        return Upgraded(peer, headers=returned)

    def _failed(self, route: Route, error: Exception) -> Response:
        match error:
            case Unresolved():
                self._log.warning(
                    "api_service_unresolved", object=route.name, service=str(route.service), error=str(error)
                )
                return _text(503, "service unavailable")
            case Unreachable():
                return _text(503, f"error trying to reach service: {error}")
        return _text(500, str(error))

    async def _for_component(self, request: Request, route: Route) -> Response:
        """For a caller in this process: an object, a page or events, or its error."""
        if request.query.flag("sendInitialEvents"):
            # A server of before 1.27 would send them and never say that they are all; who hears no lists instead.
            raise errors.BadRequest("sendInitialEvents is not asked of other servers")
        response = await self._forward(request, route)
        if request.info.verb == "watch" and isinstance(response, Stream) and response.status == 200:
            subscription = RemoteWatch(response.pieces, self._tasks, self._pool)
            return WatchResponse(subscription, timeout_s=WATCH_S)
        body = response.body or b""
        if isinstance(response, Stream):
            try:
                body = b"".join([piece async for piece in response.pieces])
            except ConnectionError as error:
                raise errors.ServiceUnavailable(f"error trying to reach service: {error}") from error
            finally:
                response.pieces.close()
        obj = _decoded(body)
        if response.status >= 400:
            raise errors.from_status(obj, response.status)
        if request.info.verb == "list":
            return Response(page=self._page(obj))
        return Response(response.status, obj=obj)

    def _page(self, obj: Obj) -> Page:
        head = {"apiVersion": obj.get("apiVersion", ""), "kind": obj.get("kind", "").removesuffix("List")}
        metadata = obj.get("metadata") or {}
        documents = [document_of(head | item, self._pool) for item in obj.get("items") or ()]
        return Page(documents, revision_in(metadata), metadata.get("continue") or "")


class _Body:
    """The pieces of an answer as they arrive. A connection that breaks is broken for our client, too."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionResetError(str(error) or type(error).__name__) from error

    def close(self) -> None:
        # After the end the connection is back in the pool, and this does nothing.
        self._answer.close()


class _Rest:
    """The body of an answer on a connection that was to be upgraded; None: all there is."""

    def __init__(self, peer: Peer, length: int | None) -> None:
        self._peer, self._length = peer, length

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._length
        while left is None or left > 0:
            piece = await self._peer.read()
            if not piece:
                if left is not None:
                    raise ConnectionResetError("the answer ended early")
                return
            yield piece if left is None else piece[:left]
            left = None if left is None else left - len(piece)

    def close(self) -> None:
        self._peer.close()


def _sent(request: Request) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    named = {word.strip().lower() for word in request.header("Connection").split(",")}
    for name in dict.fromkeys(name.lower() for name in request.header_names()):
        if name not in _NOT_SENT and name not in named and not name.startswith(_IMPERSONATE):
            headers.extend((name, value) for value in request.headers(name))
    if "trailers" in (word.strip() for word in request.header("Te").split(",")):
        headers["Te"] = "trailers"
    headers["Audit-Id"] = request.request_id
    headers["X-Forwarded-For"] = ", ".join((*headers.popall("X-Forwarded-For", ()), request.remote))
    return headers


def _forwarded(address: Address, target: str) -> dict[str, str]:
    """What requests that stay HTTP say besides; the host is the one that they are sent to.

    Source: proxy/transport.go RoundTrip.
    """
    path = target.partition("?")[0]
    cleaned = posixpath.normpath(path) + ("/" if path.endswith("/") else "")
    return {"X-Forwarded-Uri": cleaned, "X-Forwarded-Host": str(address), "X-Forwarded-Proto": "https"}


def _target(request: Request) -> str:
    """Path and query as Go writes what it has read: escapes that need not be are none, parameters are sorted."""
    path = quote(unquote_to_bytes(request.target.partition("?")[0]), safe=_PATH_SAFE)
    query = request.query.canonical()
    return f"{path}?{query}" if query else path


def _upgrade_of(request: Request) -> str:
    """What a client wants to speak from here on, "" if HTTP will do."""
    words = {word.strip().lower() for word in request.header("Connection").split(",")}
    return request.header("Upgrade") if "upgrade" in words else ""


def _headers(received: MultiMapping[str]) -> dict[str, str]:
    named = {word.strip().lower() for word in received.get("Connection", "").split(",")}
    headers: dict[str, str] = {}
    for name in dict.fromkeys(received):
        if name.lower() not in _NOT_RETURNED and name.lower() not in named:
            # Warnings have a line each, see heads.py.
            joint = "\n" if name.lower() == "warning" else ", "
            headers[name.title() if joint == "\n" else name] = joint.join(received.getall(name))
    return headers


def _text(status: int, message: str) -> Response:
    """Source: Go's http.Error."""
    return Response(status, f"{message}\n".encode(), _TEXT, {"X-Content-Type-Options": "nosniff"})


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else {}
    except ValueError:
        return {"message": body.decode(errors="replace").strip()}
