"""The HTTP door: TLS sockets on one side, the chain on the other.

aiohttp parses and keeps connections; Requests are made straight from its messages, and answers are written as one
piece of bytes, head and body together. What a hand-made answer must still do is all here: Content-Length, keep-alive,
HEAD, 100-continue, waiting for a client that reads slowly.

A watch is not a task that waits for events. The registry pushes shared, ready-made chunks into the sink of each
watcher; everything that came within one turn of the loop (or within FLUSH_INTERVAL_S when turns come thick) is joined
into one write, for a TLS record costs ten times what its bytes cost. The handler's task sleeps meanwhile and wakes for
the end, or for a client whose socket is full (watch_sink.py).

A connection that is upgraded (websocket, SPDY) is not ours to understand: bytes go to and fro until one side ends.

Not promised: HTTP/2, compression. HTTP/1.0 clients cannot watch.

Source: apiserver pkg/server/secure_serving.go, pkg/endpoints/handlers/watch.go,
pkg/endpoints/handlers/responsewriters/writers.go.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, cast

import orjson
from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import ERROR, RequestPayloadError, _ErrInfo

from kubepy.api.errors import BadRequest, RequestEntityTooLarge, request_entity_too_large
from kubepy.apiserver.heads import Heads
from kubepy.apiserver.request import (
    JSON,
    ClientCertificate,
    Handler,
    Request,
    RequestIds,
    Response,
    Stream,
    Upgraded,
    Verbatim,
    WatchResponse,
    chunk,
    split_target,
)
from kubepy.apiserver.upgrade import Upload, pass_on
from kubepy.apiserver.watch_sink import LAST_CHUNK, Flusher, HttpSink
from kubepy.lib.clock import Clock, Timer
from kubepy.observability.logs import Logger

# Source: apiserver pkg/server/config.go MaxRequestBodyBytes.
BODY_BYTES_MAX = 3 << 20

# Go's http.Server takes a megabyte of headers; selectors and tokens are long, but not that long.
LINE_BYTES_MAX = 256 << 10
HEADERS_MAX = 1000

# What a head may have in all, and how long it may take, before its client is known to anybody.
# Source: Go's net/http DefaultMaxHeaderBytes, apiserver pkg/server/secure_serving.go ReadHeaderTimeout.
HEAD_BYTES_MAX = 1 << 20
HEAD_S = 32.0

# Source: apiserver pkg/server/secure_serving.go IdleTimeout.
IDLE_S = 90.0

# How long a client may leave an answer unread, and a graceful end may take.
WRITE_S = 60.0
GRACE_S = 5.0

# Above it head and body go out as two buffers: copying a list costs more than a TLS record of its own.
JOIN_BYTES_MAX = 64 << 10

# Client certificates whose CA is remembered; some hundred bytes each.
AUTHORITIES_MAX = 4096

_PEOPLE = ("curl", "Wget", "Mozilla/5.0")


class HttpRequest(Request):
    """A Request that reads from a connection. aiohttp treats it as its own request: the three methods at the end."""

    __slots__ = ("_body", "_connection", "_message", "_payload", "_task")

    def __init__(self, message: Any, payload: StreamReader, connection: Connection, request_id: str) -> None:
        path, query = split_target(message.path)
        # Who wants to find its requests again may name them. Source: apiserver pkg/endpoints/filters/audit_init.go.
        named = message.headers.get("Audit-ID", "")
        super().__init__(
            message.method,
            path,
            query,
            named if named.isascii() and named.isprintable() and named else request_id,
        )
        self._message = message
        self._payload = payload
        self._connection = connection
        self._body: bytes | None = None
        self._task: Any = None

    @property
    def is_last(self) -> bool:
        """Nothing is read behind it: the client says so, or wanted to speak something else then, which may be what the
        next bytes are."""
        return bool(self._message.should_close or self._message.upgrade)

    def header(self, name: str) -> str:
        return self._message.headers.get(name, "")

    def headers(self, name: str) -> list[str]:
        return self._message.headers.getall(name, [])

    def header_names(self) -> Iterable[str]:
        return self._message.headers

    @property
    def remote(self) -> str:
        transport = self._connection.transport
        peer = transport.get_extra_info("peername") if transport is not None else None
        return peer[0] if peer else ""

    @property
    def client_certificate(self) -> ClientCertificate | None:
        return self._connection.client_certificate()

    @property
    def target(self) -> str:
        target = self._message.path
        return target if target.startswith("/") else super().target

    def body_stream(self) -> AsyncIterable[bytes] | bytes | None:
        if self._body is not None:
            return self._body
        return None if self._payload.is_eof() and not self._payload.total_bytes else _Upload(self)

    async def pieces(self) -> AsyncIterator[bytes]:
        self._welcome_body()
        while part := await self._payload.readany():
            yield part

    async def read_body(self) -> bytes:
        if self._body is None:
            self._body = await self._read()
        return self._body

    def _welcome_body(self) -> None:
        is_awaited = self._message.headers.get("Expect", "").lower() == "100-continue"
        if is_awaited and not self._payload.is_eof():
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _read(self) -> bytes:
        length = self._message.headers.get("Content-Length", "")
        if len(length) > 7 or (length.isdigit() and int(length) > BODY_BYTES_MAX):
            raise _too_large()
        self._welcome_body()
        parts, size = [], 0
        try:
            while part := await self._payload.readany():
                size += len(part)
                if size > BODY_BYTES_MAX:
                    raise _too_large()
                parts.append(part)
        except RequestPayloadError as error:
            raise BadRequest(f"the body could not be read: {error}")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _cancel(self, exc: BaseException) -> None:
        self._payload.set_exception(exc)

    def _finish(self) -> None:
        """aiohttp releases what a form held; there is none."""


class _Upload:
    """A request's body on its way to another server. It comes once: a second attempt to send it must fail."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._is_taken = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._is_taken:
            raise ConnectionResetError("the body is sent already")
        self._is_taken = True
        return self._request.pieces()


def _too_large() -> RequestEntityTooLarge:
    return request_entity_too_large(BODY_BYTES_MAX)


class Connection(web.RequestHandler):
    """aiohttp's connection, with the client's certificate read once, and bounds for a head that does not end."""

    __slots__ = ("_certificate", "_clock", "_head_bytes", "_head_timer", "_is_certificate_read")

    def __init__(self, *args: Any, clock: Clock, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._certificate: ClientCertificate | None = None
        self._is_certificate_read = False
        self._clock = clock
        self._head_bytes = 0  # of a head whose end has not come
        self._head_timer: Timer | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_idle:
            self._wait_for_head(len(data))
        elif self._head_timer is not None:
            self._forget_head()
        # aiohttp answers what it cannot parse after the request before it, but does not tell that request when it
        # is in the very body it waits for.
        if (
            self._current_request is not None
            and self._messages
            and isinstance(self._messages[-1][0], _ErrInfo)
        ):
            self._current_request._cancel(RequestPayloadError("not HTTP"))

    def connection_lost(self, exc: BaseException | None) -> None:
        self._forget_head()
        super().connection_lost(exc)

    def _wait_for_head(self, size: int) -> None:
        if self._head_timer is None:
            self._head_timer = self._clock.call_later(HEAD_S, self.force_close)
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX and self.transport is not None:
            self.transport.write(_refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
            self.force_close()

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._head_bytes = 0

    @property
    def is_idle(self) -> bool:
        """Nobody waits for anything on it: the next request has not come."""
        waiter = self._waiter
        return waiter is not None and not waiter.done()

    def refuse(self) -> None:
        """Before anything was asked: there are too many."""
        self.write(_refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections", "Retry-After: 1\r\n"))
        self.force_close()

    def client_certificate(self) -> ClientCertificate | None:
        if not self._is_certificate_read:
            self._is_certificate_read = True
            tls = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
            if tls is not None and (der := tls.getpeercert(True)):
                self._certificate = _certificate(tls.getpeercert(), der, self._authority(tls, der))
        return self._certificate

    def _authority(self, tls: Any, der: bytes) -> str:
        """The fingerprint of the CA that the client's certificate goes back to; "" if that is not known any more."""
        known = cast(_AiohttpServer, self._manager).authorities
        fingerprint = hashlib.sha256(der).hexdigest()
        # Public since Python 3.13. A resumed session has no chain; who resumes one has been here before.
        if chain := tls._sslobj.get_verified_chain():
            if len(known) >= AUTHORITIES_MAX:
                known.clear()
            authority = ssl.PEM_cert_to_DER_cert(chain[-1].public_bytes())
            known[fingerprint] = hashlib.sha256(authority).hexdigest()
        return known.get(fingerprint, "")

    def write(self, data: bytes) -> None:
        """Raises ConnectionResetError if the client has gone."""
        if self.transport is None:
            raise ConnectionResetError("the client went away")
        self.transport.write(data)

    def write_parts(self, parts: Sequence[bytes]) -> None:
        if self.transport is None:
            raise ConnectionResetError("the client went away")
        self.transport.writelines(parts)

    async def drained(self, clock: Clock) -> None:
        """Wait until the client has read most of what it was sent; drop one that does not."""
        try:
            async with clock.timeout(WRITE_S):
                await self._drain_helper()
        except TimeoutError:
            self.abort()
            raise ConnectionResetError("the client does not read") from None

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What could not be parsed as HTTP."""
        why = ""
        if isinstance(exc, LineTooLong) or "Too many headers" in (message or ""):
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        elif "'Host'" in (message or "") and "Duplicate" not in (message or ""):
            why = "missing required Host header"
        self.write(_refusal(HTTPStatus(status), why))
        return _Sent(keep_alive=False)


def _refusal(status: HTTPStatus, why: str = "", headers: str = "") -> bytes:
    """Source: Go's net/http server.go, conn.serve."""
    text = f"{status.value} {status.phrase}"
    body = f"{text}: {why}" if why else text
    head = f"HTTP/1.1 {text}\r\nContent-Type: text/plain; charset=utf-8\r\n{headers}Connection: close\r\n\r\n"
    return (head + body).encode()


def _certificate(decoded: Any, der: bytes, authority: str) -> ClientCertificate:
    names: dict[str, list[str]] = {}
    for relative in decoded.get("subject", ()):
        for attribute, value in relative:
            names.setdefault(attribute, []).append(value)
    return ClientCertificate(
        common_name=names.get("commonName", [""])[0],
        organizations=tuple(names.get("organizationName", ())),
        fingerprint=hashlib.sha256(der).hexdigest(),
        not_after=ssl.cert_time_to_seconds(decoded["notAfter"]),
        authority=authority,
    )


class _Sent(web.StreamResponse):
    """Tells aiohttp that the answer is on its way already, and whether the connection goes on."""

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._goes_on = keep_alive

    @property
    def keep_alive(self) -> bool:
        return self._goes_on

    async def prepare(self, request: Any) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


class _AiohttpServer(web.Server):
    """Has at most `connections_max` connections (0: any number). One more takes the place of one that is idle, as HTTP
    allows at any time; where all have something to do it is refused. Upstream leaves it to the limit of open files."""

    def __init__(self, *args: Any, clock: Clock, connections_max: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock, self._connections_max = clock, connections_max
        self.authorities: dict[str, str] = {}  # fingerprints: client certificate -> its CA

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if 0 < self._connections_max < len(self._connections):
            self._make_room(cast(Connection, handler))

    def _make_room(self, newest: Connection) -> None:
        for connection in self._connections:
            if connection is not newest and cast(Connection, connection).is_idle:
                connection.force_close()
                return
        newest.refuse()

    def __call__(self) -> Connection:
        return Connection(self, clock=self._clock, loop=self._loop, **self._kwargs)


class HttpServer:
    """Listens, and hands requests to `handler`. `clock` is the machine's: sockets know no other time."""

    def __init__(
        self, handler: Handler, *, clock: Clock, ids: RequestIds, log: Logger, connections_max: int = 0
    ) -> None:
        self._handler = handler
        self._clock = clock
        self._ids = ids
        self._log = log
        self._heads = Heads(clock)
        self._flusher = Flusher(clock)
        self._sinks: set[HttpSink] = set()
        self._serving = 0
        self._listeners: list[asyncio.Server] = []
        self._goes_on = _Sent(keep_alive=True)
        self._closes = _Sent(keep_alive=False)
        self._server = _AiohttpServer(
            cast(Any, self._serve),
            clock=clock,
            connections_max=connections_max,
            request_factory=cast(Any, self._request),
            handler_cancellation=True,
            access_log=None,
            logger=_quiet_logger(),
            keepalive_timeout=IDLE_S,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            max_headers=HEADERS_MAX,
            auto_decompress=False,
            lingering_time=2.0,
        )

    async def start(self, hosts: Sequence[str], port: int, tls: ssl.SSLContext | None) -> int:
        """Listen; returns the port (that of the first host if 0 was asked for). Raises OSError if it is taken."""
        loop = asyncio.get_running_loop()
        for host in hosts:
            listener = await loop.create_server(
                self._server,
                host,
                port,
                ssl=tls,
                backlog=1024,
                ssl_handshake_timeout=10.0 if tls is not None else None,
                ssl_shutdown_timeout=1.0 if tls is not None else None,
            )
            self._listeners.append(listener)
            port = port or listener.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        return len(self._server.connections)

    @property
    def watchers(self) -> int:
        return len(self._sinks)

    @property
    def in_flight(self) -> int:
        """Requests that are not answered yet, without the watches."""
        return self._serving - len(self._sinks)

    async def close(self, grace_s: float = GRACE_S) -> None:
        """Stop listening, end the watches, let what is in flight finish within `grace_s`, then cut off."""
        for listener in self._listeners:
            listener.close()
        for sink in list(self._sinks):
            sink.end()
        self._server.pre_shutdown()
        await self._server.shutdown(grace_s)

    # -- one request -------------------------------------------------------------------------------------------

    def _request(self, message: Any, payload: StreamReader, connection: Any, writer: Any, task: Any) -> Any:
        if message is ERROR:  # unparsable: aiohttp answers it by way of Connection.handle_error
            return web.BaseRequest(message, payload, connection, writer, task, asyncio.get_running_loop())
        return HttpRequest(message, payload, connection, self._ids.next())

    async def _serve(self, request: HttpRequest) -> web.StreamResponse:
        self._serving += 1
        try:
            return await self._answered(request)
        except ConnectionError:
            return self._closes
        except Exception as error:  # noqa: BLE001 - logged, and the connection ends
            # The chain answers its own failures; what arrives here went wrong while answering.
            self._log.error("answer_failed", request_id=request.request_id, path=request.path, exc_info=error)
            request._connection.abort()
            return self._closes
        finally:
            self._serving -= 1

    async def _answered(self, request: HttpRequest) -> web.StreamResponse:
        connection = request._connection
        if request._message.version < HttpVersion10:
            # A line without a version: the parser takes it for HTTP/0.9, which Go never speaks.
            connection.write(_refusal(HTTPStatus.BAD_REQUEST))
            return self._closes
        response = await self._handler(request)
        if type(response) is WatchResponse:
            await self._watch(request, response)
            return self._closes if request.is_last else self._goes_on
        if type(response) is Stream:
            return await self._stream(request, response)
        if type(response) is Upgraded:
            connection.write(self._heads.render_upgrade(request, response))
            upload = Upload(connection)
            connection.set_parser(cast(Any, upload))
            await pass_on(connection, upload, response.peer, self._clock)
            return self._closes
        goes_on = not request.is_last and response.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        parts = self._answer(request, response, goes_on)
        if len(parts[1]) > JOIN_BYTES_MAX:
            connection.write_parts(parts)
        else:
            connection.write(b"".join(parts))
        if connection.writing_paused:
            await connection.drained(self._clock)
        return self._goes_on if goes_on else self._closes

    def _answer(self, request: HttpRequest, response: Response, goes_on: bool) -> tuple[bytes, bytes, bytes]:
        """Head, body, and the newline that ends JSON."""
        body, newline = response.body, b""
        if body is None:
            if response.document is not None:
                body, newline = response.document.raw, b"\n"
            elif response.obj is not None:
                body, newline = orjson.dumps(response.obj), b"\n"
            else:
                body = b""
        if body and response.content_type.startswith(JSON) and _is_for_people(request):
            if type(response) is not Verbatim:
                body, newline = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2), b"\n"
        head = self._heads.render(request, response, goes_on, len(body) + len(newline))
        if request.method == "HEAD" or response.status in (204, 304):
            return head, b"", b""
        return head, body, newline

    # -- one answer of somebody else ---------------------------------------------------------------------------

    async def _stream(self, request: HttpRequest, response: Stream) -> web.StreamResponse:
        connection, message = request._connection, request._message
        has_body = request.method != "HEAD" and response.status not in (204, 304)
        is_chunked = has_body and response.length is None and message.version >= HttpVersion11
        # Without a length and without chunks only the end of the connection ends a body.
        goes_on = not request.is_last and (is_chunked or not has_body or response.length is not None)
        try:
            connection.write(self._heads.render_piecewise(request, response, goes_on, is_chunked))
            if has_body:
                async for piece in response.pieces:
                    if piece:
                        connection.write(chunk(piece) if is_chunked else piece)
                    if connection.writing_paused:
                        await connection.drained(self._clock)
            if is_chunked:
                connection.write(LAST_CHUNK)
        finally:
            response.pieces.close()
        return self._goes_on if goes_on else self._closes

    # -- one watch ---------------------------------------------------------------------------------------------

    async def _watch(self, request: HttpRequest, response: WatchResponse) -> None:
        subscription = response.subscription
        connection = request._connection
        if request._message.version < HttpVersion11:
            subscription.close()
            raise ConnectionResetError("HTTP/1.0 has no chunks")
        sink = HttpSink(connection, response, self._flusher)
        self._sinks.add(sink)
        timer = self._clock.call_later(response.timeout_s, sink.end)
        try:
            connection.write(self._heads.render_stream(request, response))
            async with aclosing(subscription.attach(sink)) as batches:
                await self._replay(connection, sink, batches)
            await sink.run(self._clock)
        finally:
            timer.cancel()
            subscription.close()
            self._sinks.discard(sink)

    async def _replay(
        self, connection: Connection, sink: HttpSink, batches: AsyncIterable[Sequence[bytes]]
    ) -> None:
        """What was before, at the client's pace; other tasks get their turn between batches."""
        async for batch in batches:
            if sink.is_over:
                return
            if batch:
                connection.write(b"".join(batch))
            if connection.writing_paused:
                await connection.drained(self._clock)
            else:
                await self._clock.sleep(0)


def _is_for_people(request: HttpRequest) -> bool:
    """Source: apiserver pkg/endpoints/handlers/negotiation/negotiate.go isPrettyPrint."""
    if asked := request.query.get("pretty"):
        return asked in ("1", "t", "T", "true", "TRUE", "True")
    return request.user_agent.startswith(_PEOPLE)


def _quiet_logger() -> logging.Logger:
    """aiohttp reports broken requests of clients through logging; they are answered, and not our errors."""
    logger = logging.Logger("kubepy.http", logging.CRITICAL + 1)
    logger.addHandler(logging.NullHandler())
    return logger
