"""A load generator's HTTP client: one request at a time per connection, nothing parsed that need not be.

It has to cost less per request than the server it measures; aiohttp's client costs more.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kubepy.lib import yaml


@dataclass(frozen=True)
class Target:
    """An API server and how to be let in."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    token: str = ""

    def head(self, method: str, path: str, length: int = 0, content_type: str = "application/json") -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", "Accept: application/json"]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        if length:
            lines += [f"Content-Type: {content_type}", f"Content-Length: {length}"]
        return "\r\n".join([*lines, "User-Agent: kubepy-bench", "", ""]).encode()

    def with_token(self, token: str) -> Target:
        """As somebody else: whom the token says, "" for nobody."""
        return Target(self.host, self.port, _unchecked() if self.tls else None, token)


def of_kubeconfig(text: str) -> Target:
    config = yaml.load(text)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    parts = urlsplit(cluster["server"])
    context = ssl.create_default_context(
        cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
    )
    with tempfile.TemporaryDirectory() as directory:
        pair = Path(directory) / "pair.pem"
        pair.write_bytes(
            base64.b64decode(user["client-certificate-data"])
            + b"\n"
            + base64.b64decode(user["client-key-data"])
        )
        context.load_cert_chain(pair)
    return Target(parts.hostname or "", parts.port or 443, context)


def of_url(url: str, token: str) -> Target:
    """A peer; its certificate is not checked, it is on this machine."""
    parts = urlsplit(url)
    context = _unchecked() if parts.scheme == "https" else None
    return Target(parts.hostname or "", parts.port or (443 if context else 80), context, token)


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._missing = -1  # bytes of the body still to come; -1 until the head is there
        self._chunked = False
        self._status = self._body_at = 0
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self.on_line = None  # a watch: called with the count of events in each piece

    @classmethod
    async def open(cls, target: Target) -> Connection:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            cls, target.host, target.port, ssl=target.tls, server_hostname=target.host if target.tls else None
        )
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            if self.on_line is not None:
                self._waiter.cancel()  # a watch ends like this
            else:
                self._waiter.set_exception(error or ConnectionResetError("the server closed the connection"))

    def request(self, data: bytes) -> asyncio.Future[tuple[int, bytes]]:
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        if self.on_line is not None:
            count = data.count(b'{"type":')
            if count:
                self.on_line(count)
            return
        self._parts.append(data)
        if self._missing < 0:
            self._begin()
        else:
            self._missing -= len(data)
        if self._missing == 0 or (self._chunked and data.endswith(b"0\r\n\r\n")):
            self._finish()

    def _begin(self) -> None:
        """Look for the head; from there on only bytes are counted."""
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = data[:end].lower()
        self._status, self._body_at = int(head[9:12]), end + 4
        at = head.find(b"content-length:")
        self._chunked = at < 0
        if at >= 0:
            line_end = head.find(b"\r\n", at)
            length = int(head[at + 15 : line_end if line_end >= 0 else None])
            self._missing = length - (len(data) - end - 4)
        else:
            self._missing = 1 << 60

    def _finish(self) -> None:
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        body = data[self._body_at :]
        if self._chunked:
            body = _unchunk(body)
        self._parts, self._missing, self._chunked = [], -1, False
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result((self._status, body))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _unchunk(data: bytes) -> bytes:
    parts = []
    while data:
        size, _, rest = data.partition(b"\r\n")
        count = int(size, 16)
        if not count:
            break
        parts.append(rest[:count])
        data = rest[count + 2 :]
    return b"".join(parts)


async def call(
    target: Target, method: str, path: str, body: object = None, content_type: str = "application/json"
) -> dict:
    """One request on a connection of its own; raises on anything but 2xx."""
    data = json.dumps(body).encode() if body is not None else b""
    connection = await Connection.open(target)
    try:
        status, answer = await connection.request(target.head(method, path, len(data), content_type) + data)
    finally:
        connection.close()
    if status >= 300:
        raise RuntimeError(f"{method} {path}: {status} {answer[:300]!r}")
    return json.loads(answer) if answer else {}
