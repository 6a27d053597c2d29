"""The socket of a real daemon, by hand, and what its answers have to be: kube-apiserver's status, reason, message and
details.

The tables of these tests compare whole texts. Sources: kubernetes 1.36 apiserver pkg/endpoints/handlers,
pkg/endpoints/installer.go, pkg/server/handler.go, pkg/storage; apimachinery pkg/api/errors; go-restful 3.12 jsr311.go;
Go's net/http server.go.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
from typing import Any, NamedTuple

from tests.e2e.conftest import PATIENCE_S, Daemon

API = "/api/v1/namespaces/bad"
MAPS, MAP, PODS = f"{API}/configmaps", f"{API}/configmaps/a", f"{API}/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/bad/deployments"
DEPLOYMENT = f"{DEPLOYMENTS}/d"

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

BODY_BYTES_MAX = 3 << 20
IN_FLIGHT, WATCHING = "apiserver_current_inflight_requests", "apiserver_longrunning_requests"
CONNECTIONS = "kubepy_http_connections"
ABSENT: Any = object()
LABEL_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def obj(self) -> Any:
        return json.loads(self.body)

    def is_status(self, code: int, reason: str, message: str, details: Any = ABSENT) -> None:
        status = self.obj
        assert (self.status, status["code"], status.get("reason", ""), status["message"]) == (
            code, code, reason, message,
        )  # fmt: skip
        if details is not ABSENT:
            assert status.get("details") == details
        assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")

    def is_text(self, code: int, text: str) -> None:
        assert (self.status, self.body.decode()) == (code, text)
        assert self.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert self.headers["X-Content-Type-Options"] == "nosniff"


class Door:
    """The daemon's socket, by hand."""

    def __init__(self, daemon: Daemon) -> None:
        server = json.loads((daemon.directory / "instance.json").read_text())["server"]
        self.host, _, port = server.removeprefix("https://").rpartition(":")
        self.port = int(port)
        self.tls = ssl.create_default_context(cafile=daemon.directory / "pki" / "ca.crt")
        self._connection: http.client.HTTPSConnection | None = None

    def socket(self) -> ssl.SSLSocket:
        plain = socket.create_connection((self.host, self.port), timeout=PATIENCE_S)
        return self.tls.wrap_socket(plain, server_hostname=self.host)

    def raw(self, data: bytes) -> bytes:
        """Everything the server says until it closes the connection."""
        with self.socket() as connection:
            connection.sendall(data)
            return read_all(connection)

    def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        content_type: str | None = JSON,
        token: str = "admin-token",
        **headers: str,
    ) -> Answer:
        if not isinstance(body, bytes | None):
            body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and content_type is not None:
            sent["Content-Type"] = content_type
        for attempt in range(2):
            connection = self._connection or self._connect()
            try:
                connection.request(method, target, body, sent)
                response = connection.getresponse()
                answer = Answer(response.status, response.headers, response.read())
            except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError):
                # The answer before this one may have ended the connection.
                self.close()
                if attempt:
                    raise
                continue
            if response.will_close:
                self.close()
            return answer
        raise AssertionError

    def _connect(self) -> http.client.HTTPSConnection:
        made = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=PATIENCE_S)
        made._validate_path = lambda target: None  # type: ignore[attr-defined]
        self._connection = made
        return made

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def gauge(self, name: str) -> float:
        text = self.ask("GET", "/metrics").body.decode()
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        assert found, f"no metric {name}"
        return float(found[1])


def read_all(connection: ssl.SSLSocket) -> bytes:
    parts = []
    try:
        while part := connection.recv(1 << 16):
            parts.append(part)
    except (ConnectionError, ssl.SSLError):
        pass
    return b"".join(parts)


def settled(cluster: Daemon, door: Door) -> None:
    """Nothing is open but the connection that asks."""
    for name, own in ((IN_FLIGHT, 1), (WATCHING, 0), (CONNECTIONS, 1)):
        cluster.wait(f"{name} to be {own}", lambda name=name, own=own: door.gauge(name) == own)


def vanish(connection: ssl.SSLSocket) -> None:
    """As a process that is killed: a reset, no goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    os.close(connection.detach())


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Authorization: Bearer admin-token", *headers]
    return "\r\n".join((*lines, "", "")).encode() + body


def write(door: Door, name: str, **data: str) -> None:
    body = {"metadata": {"name": name}, "data": data}
    status = door.ask("PUT", f"{MAPS}/{name}", body).status
    if status == 404:
        status = door.ask("POST", MAPS, body).status
    assert status in (200, 201)
