"""Connections that are to become something else, and what is to travel behind them."""

from __future__ import annotations

import pytest

from tests.security.conftest import ADMIN, NOBODY, Gate

_ADMIN = f"Authorization: Bearer {ADMIN}\r\n".encode()
_NOBODY = f"Authorization: Bearer {NOBODY}\r\n".encode()
_WEBSOCKET = (
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
_BEHIND = b"GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n" + _ADMIN + b"Connection: close\r\n\r\n"


_PATHS = (b"/version", b"/api/v1/pods", b"/api/v1/namespaces/default/pods/none/exec?command=x")


@pytest.mark.parametrize(
    "protocol",
    [
        _WEBSOCKET,
        b"Upgrade: SPDY/3.1\r\n",
        b"Upgrade: h2c\r\nHTTP2-Settings: AAAA\r\n",
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 777\r\n",
        b"Upgrade: websocket, SPDY/3.1\r\n",
    ],
)
@pytest.mark.parametrize(("path", "status"), list(zip(_PATHS, (200, 403, 403), strict=True)))
def test_who_may_not_upgrades_nothing(gate: Gate, protocol: bytes, path: bytes, status: int) -> None:
    """A proxy in front that believes in an upgrade passes on whatever comes: it must not be taken for a request. (Go
    takes it for one.)"""
    head = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n" + protocol
    answer = gate.send(head + _NOBODY + b"\r\n" + _BEHIND)
    assert answer.status == status
    assert "Connection: close" in answer.head
    assert b"HTTP/1.1 " not in answer.body, "what comes behind is not answered"


@pytest.mark.parametrize("path", _PATHS)
def test_nor_does_an_administrator_where_there_is_nobody(gate: Gate, path: bytes) -> None:
    head = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n" + _WEBSOCKET + _ADMIN + b"\r\n"
    answer = gate.send(head + _BEHIND)
    assert answer.status in (200, 404) and b"HTTP/1.1 " not in answer.body


def test_http2_is_not_spoken_by_surprise(gate: Gate) -> None:
    """Its preface looks like a request."""
    with gate.connect() as stream:
        stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        received = stream.recv(1 << 16)
    assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.1 505")), received[:80]


def test_only_http1_is_offered(gate: Gate) -> None:
    context = gate.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with gate.connect(context) as stream:
        assert stream.selected_alpn_protocol() == "http/1.1"
