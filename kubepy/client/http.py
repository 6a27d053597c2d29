"""The transport to any Kubernetes API server over HTTP(S).

    transport = HttpTransport("https://127.0.0.1:6443", clock=clock, random=random, tls=access.ssl_context())

Promised: an answer of 4xx or 5xx is a StatusError, a socket that fails is ConnectionLost; nothing of aiohttp's escapes.
A 429 or 503 that says Retry-After is obeyed, a few times. A watch without a timeoutSeconds of its own gets one of five
to ten minutes, and one that stays silent beyond it counts as lost: a connection that died without a word is noticed.

The session opens with the first request. All identities of one transport share it; `close()` closes it for all.

Source: client-go rest/{request,with_retry}.go, transport/round_trippers.go.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDict

from kubepy.api import errors
from kubepy.api.objects import Document, DocumentPool, Key, Obj
from kubepy.client.exec_plugin import ExecPlugin, PluginFailed
from kubepy.client.transport import ConnectionLost, Page, Query, Reply, WatchEvent
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

# Source: rest/request.go, maxRetries.
RETRIES_MAX = 10

# Source: tools/cache/reflector.go, minWatchTimeout: at random between it and its double.
WATCH_TIMEOUT_S = 300

# How long a watch may be silent after the server should have ended it.
WATCH_GRACE_S = 30.0

_CONNECT_TIMEOUT_S = 30.0
_PARTIAL = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
_EVENT = re.compile(rb'\{"type":"([A-Z]+)","object":')


class _Connection:
    """What the identities of one transport share."""

    def __init__(
        self, server: str, tls: ssl.SSLContext | None, server_name: str, clock: Clock, random: Random
    ) -> None:
        self.server, self.tls, self.server_name = server.rstrip("/"), tls, server_name
        self.clock, self.random = clock, random
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConnectionLost(f"{self.server}: the transport is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Each watch holds a connection; a bound would let them starve the requests.
                connector=aiohttp.TCPConnector(limit=0, ssl=True if self.tls is None else self.tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
                auto_decompress=True,
            )
        return self._session

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()


class HttpTransport:
    """See the module. `token`: bearer token, or `plugin`, which prints one; `tls`: None means the system's CAs; `pool`
    decodes what lists return."""

    def __init__(
        self,
        server: str,
        *,
        clock: Clock,
        random: Random,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
        token: str = "",
        plugin: ExecPlugin | None = None,
        user_agent: str = "kubepy",
        pool: DocumentPool | None = None,
        impersonates: bool = True,
    ) -> None:
        self._impersonates = impersonates
        self._connection = _Connection(server, tls, server_name, clock, random)
        self._pool = pool or DocumentPool()
        # Compressing for a server that is on this machine or near costs more than it saves.
        self._headers: CIMultiDict[str] = CIMultiDict(
            {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        )
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._plugin = None if token else plugin
        self._accept_list = self._accept_watch = "application/json"

    def with_identity(self, user: str, groups: Sequence[str]) -> HttpTransport:
        """Impersonation: our own identity needs the right to. Without `impersonates`: ourselves, whoever is named."""
        if not self._impersonates:
            return self
        other = self._copy()
        other._headers.popall("Impersonate-Group", None)
        other._headers["Impersonate-User"] = user
        for group in groups:
            other._headers.add("Impersonate-Group", group)
        return other

    def metadata_only(self) -> HttpTransport:
        other = self._copy()
        other._accept_list, other._accept_watch = _PARTIAL.format("List"), _PARTIAL.format("")
        return other

    def _copy(self) -> HttpTransport:
        other = object.__new__(HttpTransport)
        other.__dict__.update(self.__dict__)
        other._headers = self._headers.copy()
        return other

    async def close(self) -> None:
        await self._connection.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout_s: float | None = None,
    ) -> Reply:
        headers = await self._head("application/json")
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        if data is not None:
            headers["Content-Type"] = content_type
        return await self._request(method, path, query, headers, data, timeout_s)

    async def text(self, path: str, *, token: str = "", timeout_s: float | None = None) -> str:
        """What is there and is no JSON, under another token. Raises StatusError, ConnectionLost."""
        connection = self._connection
        headers = await self._head("*/*")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S)
        try:
            async with connection.session.get(
                connection.server + path, headers=headers, timeout=timeout,
                server_hostname=connection.server_name or None,
            ) as response:  # fmt: skip
                body = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._lost("GET", path, error) from error
        if response.status >= 300:
            raise _error(response.status, body)
        return body.decode(errors="replace")

    async def list(self, path: str, *, query: Query | None = None) -> Page:
        """The answer is decoded once and each item encoded again: some 6 us per KB, and no dict stays."""
        headers = await self._head(self._accept_list)
        obj = (await self._request("GET", path, query, headers, None, None)).obj
        kind, api_version = obj.get("kind", "").removesuffix("List"), obj.get("apiVersion", "")
        metadata = obj.get("metadata") or {}
        documents = [
            _document({"apiVersion": api_version, "kind": kind} | item, None, self._pool)
            for item in obj.get("items") or ()
        ]
        return Page(documents, _revision(metadata), metadata.get("continue") or "")

    async def _head(self, accept: str) -> CIMultiDict[str]:
        headers = self._headers.copy()
        headers["Accept"] = accept
        if self._plugin is not None:
            try:
                headers["Authorization"] = await self._plugin.authorization(self._connection.clock.now())
            except PluginFailed as error:
                raise ConnectionLost(f"getting credentials: {error}") from error
        return headers

    def _failed(self, code: int, body: bytes, headers: CIMultiDict[str]) -> errors.StatusError:
        if code == 401 and self._plugin is not None:
            self._plugin.refused(headers["Authorization"])
        return _error(code, body)

    async def _request(
        self,
        method: str,
        path: str,
        query: Query | None,
        headers: CIMultiDict[str],
        data: bytes | None,
        timeout_s: float | None,
    ) -> Reply:
        connection = self._connection
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S)
        for attempt in range(RETRIES_MAX + 1):
            try:
                async with connection.session.request(
                    method, connection.server + path, params=query, headers=headers, data=data, timeout=timeout,
                    server_hostname=connection.server_name or None,
                ) as response:  # fmt: skip
                    body = await response.read()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise self._lost(method, path, error) from error
            if response.status < 300:
                return Reply(response.status, _json(body), response.headers)
            wait_s = _retry_after_s(response)
            if wait_s is None or attempt == RETRIES_MAX:
                raise self._failed(response.status, body, headers)
            await connection.clock.sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")

    async def watch(
        self, path: str, *, query: Query | None = None
    ) -> AsyncGenerator[Sequence[WatchEvent], None]:
        connection = self._connection
        query = dict(query or ()) | {"watch": "1"}
        if "timeoutSeconds" not in query:
            query["timeoutSeconds"] = str(
                int(connection.random.uniform(WATCH_TIMEOUT_S, 2 * WATCH_TIMEOUT_S))
            )
        headers = await self._head(self._accept_watch)
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=_CONNECT_TIMEOUT_S,
            sock_read=float(query["timeoutSeconds"]) + WATCH_GRACE_S,
        )
        try:
            async with connection.session.get(
                connection.server + path, params=query, headers=headers, timeout=timeout,
                server_hostname=connection.server_name or None,
            ) as response:  # fmt: skip
                if response.status >= 300:
                    raise self._failed(response.status, await response.read(), headers)
                async for lines in _lines(response.content):
                    events, error = decode_events(lines, self._pool)
                    if events:
                        yield events
                    if error is not None:
                        raise error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._lost("WATCH", path, error) from error

    def _lost(self, method: str, path: str, error: BaseException) -> ConnectionLost:
        return ConnectionLost(f"{method} {self._connection.server}{path}: {error or type(error).__name__}")


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[list[bytes]]:
    """Whole lines, as many at a time as have arrived."""
    begun: list[bytes] = []
    while chunk := await content.readany():
        lines = chunk.split(b"\n")
        if len(lines) == 1:
            # A long line comes in pieces; they are joined once, at its end.
            begun.append(chunk)
            continue
        if begun:
            lines[0] = b"".join((*begun, lines[0]))
            begun.clear()
        if rest := lines.pop():
            begun.append(rest)
        yield lines


def decode_events(
    lines: Sequence[bytes], pool: DocumentPool
) -> tuple[list[WatchEvent], errors.StatusError | None]:
    """Lines of a watch -> events, and the error that ended them if there was one.

    An event as every API server writes it, `{"type":"ADDED","object":{...}}`, keeps the object's own bytes.
    """
    events: list[WatchEvent] = []
    for line in lines:
        line = line.strip()
        if not line:
            continue
        head = _EVENT.match(line)
        if head is not None:
            type_, raw = head.group(1).decode(), line[head.end() : -1]
            obj = _json(raw)
        else:
            event = _json(line)
            type_, obj, raw = event.get("type", ""), event.get("object") or {}, None
        if type_ == "ERROR":
            return events, errors.from_status(obj, obj.get("code") or 500)
        events.append(WatchEvent(type_, _document(obj, raw, pool)))
    return events, None


def _document(obj: Obj, raw: bytes | None, pool: DocumentPool) -> Document:
    """`raw` None: to be encoded; then the dict is not kept, for it is one of many."""
    metadata = obj.get("metadata") or {}
    key = Key(metadata.get("namespace") or "", metadata.get("name") or "")
    if raw is None:
        return Document(key, orjson.dumps(obj), _revision(metadata), pool)
    return Document(key, raw, _revision(metadata), pool, obj)


def _revision(metadata: Obj) -> int:
    """resourceVersions are decimal numbers. Source: KEP-5504, comparable resource versions."""
    text = metadata.get("resourceVersion") or "0"
    try:
        return int(text)
    except ValueError:
        raise ConnectionLost(f"the server's resourceVersion {text!r} is not a number") from None


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else {}
    except ValueError:
        raise ConnectionLost(f"the server's answer is not JSON: {body[:80]!r}") from None


def _error(code: int, body: bytes) -> errors.StatusError:
    """The server's Status; whatever else it sent becomes the message."""
    try:
        status = orjson.loads(body)
    except ValueError:
        status = {"message": body.decode(errors="replace").strip()}
    return errors.from_status(status, code)


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    """Seconds to wait before the same request again; None: do not. Source: rest/with_retry.go, checkWait.

    Differs: of 5xx only 503 counts, for after any other a write may have happened, and a list of a revision that is not
    there yet is better answered by asking for another.
    """
    if response.status not in (429, 503):
        return None
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
