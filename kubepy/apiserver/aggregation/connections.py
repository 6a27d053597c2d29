"""Requests to aggregated servers: TLS under the front proxy's certificate, kept connections, Go's words for failures.

A server is verified against its APIService's caBundle (the system's CAs without one) for the name
<service>.<namespace>.svc, whatever address it has. Bodies pass through as they are, in both directions; redirects are
not followed.

Source: kube-aggregator pkg/controllers/status/remote/remote_available_controller.go BuildTransportConfig,
client-go transport/{transport,round_trippers}.go.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from weakref import WeakSet

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from kubepy.apiserver import certificate_names
from kubepy.apiserver.aggregation.routes import Route
from kubepy.apiserver.aggregation.services import Address
from kubepy.apiserver.request import User
from kubepy.lib.clock import Clock

# Source: Go's net.Dialer of the default transport.
CONNECT_S = 30.0

# A document that is fetched whole; OpenAPI of hundreds of kinds is some MB.
DOCUMENT_BYTES_MAX = 32 << 20

# Contexts are kept per CA; beyond it all are made again.
_CONTEXTS_MAX = 256

_ANSWER = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")

# Source: client-go transport/round_trippers.go legalHeaderKeyBytes, without "%".
_HEADER_SAFE = "!#$&'*+-.^_`|~"
_IDENTITY = ("x-remote-user", "x-remote-uid", "x-remote-group")
_EXTRA = "x-remote-extra-"

_PIECE_BYTES = 64 << 10

_EXPIRED = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_WRONG_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


class Unreachable(Exception):
    """No answer; the message is what Go would have said."""


class BadAuthority(Exception):
    """The caBundle cannot be used."""


class ClientCertificate(NamedTuple):
    """Files of the certificate that says: I am the front proxy, believe my headers."""

    certificate: Path
    key: Path


class Fetched(NamedTuple):
    status: int
    content_type: str
    body: bytes


class Connections:
    """Opens with the first request; `close()` ends all that is in flight."""

    def __init__(self, clock: Clock, certificate: ClientCertificate | None) -> None:
        self._clock = clock
        self._certificate = certificate
        self._contexts: dict[tuple[bytes, bool], ssl.SSLContext] = {}
        self._session: aiohttp.ClientSession | None = None
        self._answers: WeakSet[aiohttp.ClientResponse] = WeakSet()
        self._peers: WeakSet[SocketPeer] = WeakSet()
        self._is_closed = False

    def forget(self) -> None:
        """Read the certificate anew for connections from now on."""
        self._contexts.clear()

    async def close(self) -> None:
        self._is_closed = True
        for answer in list(self._answers):
            # Closing the session alone would leave whoever reads waiting for ever.
            answer.content.set_exception(ConnectionResetError("the server is shutting down"))
            answer.close()
        for peer in list(self._peers):
            peer.close()
        if self._session is not None:
            await self._session.close()

    def tls(self, route: Route) -> ssl.SSLContext:
        """Raises BadAuthority."""
        key = route.ca, route.is_unverified
        context = self._contexts.get(key)
        if context is None:
            if len(self._contexts) >= _CONTEXTS_MAX:
                self._contexts.clear()
            context = self._contexts[key] = _context(route, self._certificate)
        return context

    async def open(
        self,
        route: Route,
        address: Address,
        method: str,
        target: str,
        *,
        headers: CIMultiDict[str],
        body: Any = None,
        within_s: float | None = None,
    ) -> aiohttp.ClientResponse:
        """The answer's head; its body is the caller's to read and the answer the caller's to close.

        target: path and query as they go over the wire. within_s: how long the head may take.
        Raises Unreachable, BadAuthority.
        """
        context = self.tls(route)
        try:
            async with self._clock.timeout(within_s):
                answer = await self._opened().request(
                    method,
                    _url(address, target),
                    headers=headers,
                    data=body,
                    ssl=context,
                    server_hostname=route.service.host,
                    allow_redirects=False,
                    skip_auto_headers=_ANSWER,
                )
        except TimeoutError as error:
            # aiohttp's own are about the connection, and carry a text.
            text = f"dial tcp {address}: i/o timeout" if str(error) else "context deadline exceeded"
            raise Unreachable(text) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(await explained(error, address, route.service.host, self._clock)) from error
        self._answers.add(answer)
        return answer

    async def fetch(
        self, route: Route, address: Address, path: str, *, accept: str, user: User, within_s: float
    ) -> Fetched:
        """A document, whole. Raises Unreachable, BadAuthority."""
        headers: CIMultiDict[str] = CIMultiDict({"Accept": accept, "Accept-Encoding": "identity"})
        identify(headers, user)
        try:
            async with self._clock.timeout(within_s):
                response = await self.open(route, address, "GET", path, headers=headers)
                try:
                    body = await _whole(response)
                finally:
                    response.close()
        except TimeoutError as error:
            raise Unreachable("context deadline exceeded") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(in_go(error, address, route.service.host)) from error
        return Fetched(response.status, response.headers.get("Content-Type", ""), body)

    async def upgrade(
        self, route: Route, address: Address, method: str, target: str, *, headers: CIMultiDict[str]
    ) -> tuple[Head, SocketPeer]:
        """A connection of its own, and what its server said: 101, or an answer whose body follows.

        Raises Unreachable, BadAuthority.
        """
        context = self.tls(route)
        if self._is_closed:
            raise Unreachable("the server is shutting down")
        try:
            async with self._clock.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    address.host, address.port, ssl=context, server_hostname=route.service.host
                )
        except TimeoutError as error:
            raise Unreachable(f"dial tcp {address}: i/o timeout") from error
        except OSError as error:
            raise Unreachable(await explained(error, address, route.service.host, self._clock)) from error
        peer = SocketPeer(reader, writer)
        self._peers.add(peer)
        try:
            await peer.write(_head_of(method, target, address, headers))
            return await _read_head(reader), peer
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            peer.close()
            raise Unreachable("EOF") from error
        except BaseException:
            peer.close()
            raise

    def _opened(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise Unreachable("the server is shutting down")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Each watch holds a connection; a bound would let them starve the requests.
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


class Head(NamedTuple):
    """Of an answer to a request to upgrade."""

    status: int
    headers: CIMultiDict[str]


class SocketPeer:
    """request.Peer: the server at the other end of an upgraded connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        return await self._reader.read(_PIECE_BYTES)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


def _head_of(method: str, target: str, address: Address, headers: CIMultiDict[str]) -> bytes:
    headers.setdefault("User-Agent", "Go-http-client/1.1")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {address}", *(f"{k}: {v}" for k, v in headers.items())]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


async def _read_head(reader: asyncio.StreamReader) -> Head:
    """Raises ValueError for what is no HTTP."""
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    protocol, status, *_ = status_line.split(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError(status_line)
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.add(name, value.strip())
    return Head(int(status), headers)


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > DOCUMENT_BYTES_MAX:
            raise aiohttp.ClientPayloadError(f"more than {DOCUMENT_BYTES_MAX} bytes")
    return b"".join(parts)


def _url(address: Address, target: str) -> URL:
    path, _, query = target.partition("?")
    return URL.build(
        scheme="https", host=address.host, port=address.port, path=path, query_string=query, encoded=True
    )


def _context(route: Route, certificate: ClientCertificate | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # As in Go, any certificate of the bundle is an anchor, not only self-signed ones.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if route.is_unverified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif route.ca:
        try:
            context.load_verify_locations(cadata=route.ca.decode("ascii"))
        except (ssl.SSLError, ValueError):
            raise BadAuthority(
                "unable to load root certificates: unable to parse bytes as PEM block"
            ) from None
    else:
        context.load_default_certs()
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def identify(headers: CIMultiDict[str], user: User) -> None:
    """Who asks, in place of whatever the headers said. Source: round_trippers.go SetAuthProxyHeaders."""
    for name in {name.lower() for name in headers}:
        if name in _IDENTITY or name.startswith(_EXTRA):
            headers.popall(name)
    headers["X-Remote-User"] = _clean(user.name)
    if user.uid:
        headers["X-Remote-Uid"] = _clean(user.uid)
    _add(headers, "X-Remote-Group", user.groups)
    for key, values in user.extra.items():
        _add(headers, f"X-Remote-Extra-{quote(key, safe=_HEADER_SAFE)}", values)


def _add(headers: CIMultiDict[str], name: str, values: Iterable[str]) -> None:
    for value in values:
        headers.add(name, _clean(value))


def _clean(value: str) -> str:
    # A line break would be a header of the user's own. Source: Go's net/http headerNewlineToSpace.
    return value.replace("\r", " ").replace("\n", " ")


_ERRNO: Mapping[int, str] = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network is unreachable",
    errno.ETIMEDOUT: "connection timed out",
}


async def explained(error: BaseException, address: Address, name: str, clock: Clock) -> str:
    """What went wrong on the way to a server of that name, and which names it has if that is what is wrong."""
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    if getattr(cause, "verify_code", 0) in _WRONG_NAME:
        try:
            async with clock.timeout(CONNECT_S):
                names = await certificate_names.names_of(address.host, address.port, name)
            return f"tls: failed to verify certificate: x509: {certificate_names.mismatch(names, name)}"
        except (TimeoutError, OSError, ValueError):
            # Gone meanwhile: what is known is told.
            pass
    if isinstance(error, OSError) and not isinstance(error, aiohttp.ClientError):
        return _in_go_of_socket(error, address, name)
    return in_go(error, address, name)


def in_go(error: BaseException, address: Address, name: str) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"tls: failed to verify certificate: {_verification(error.certificate_error, name)}"
        case aiohttp.ClientConnectorDNSError():
            return f"dial tcp: lookup {address.host}: no such host"
        case aiohttp.ClientConnectorSSLError():
            return f"tls: {getattr(error.os_error, 'reason', '') or error.os_error}"
        case aiohttp.ClientConnectorError():
            number = error.os_error.errno or 0
            return f"dial tcp {address}: connect: {_ERRNO.get(number) or os.strerror(number).lower()}"
        case aiohttp.ServerDisconnectedError():
            return "EOF"
        case OSError() if error.errno == errno.ECONNRESET:
            return f"read tcp {address}: read: connection reset by peer"
    return str(error) or type(error).__name__


def _in_go_of_socket(error: OSError, address: Address, name: str) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"tls: failed to verify certificate: {_verification(error, name)}"
        case ssl.SSLError():
            return f"tls: {error.reason or error}"
        case socket.gaierror():
            return f"dial tcp: lookup {address.host}: no such host"
    number = error.errno or 0
    return f"dial tcp {address}: connect: {_ERRNO.get(number) or os.strerror(number).lower()}"


def _verification(error: BaseException, name: str) -> str:
    code = getattr(error, "verify_code", 0)
    if code in _EXPIRED:
        return "x509: certificate has expired or is not yet valid"
    if code in _WRONG_NAME:
        return f"x509: certificate is not valid for {name}"
    return "x509: certificate signed by unknown authority"
