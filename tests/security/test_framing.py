"""Where a request begins and ends: smuggling, slow and endless ones, TLS."""

from __future__ import annotations

import ssl
import subprocess

import pytest

from tests.security.conftest import ADMIN, NOBODY, Answer, Gate

_POST = b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\n"
_JSON = b"Content-Type: application/json\r\n"
_ADMIN = f"Authorization: Bearer {ADMIN}\r\n".encode()
_NOBODY = f"Authorization: Bearer {NOBODY}\r\n".encode()
_END = b"Connection: close\r\n\r\n"
_SMUGGLED = b"GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n" + _ADMIN + _END


def _answers(answer: Answer) -> int:
    return answer.head.count("HTTP/1.1 ") + answer.body.count(b"HTTP/1.1 ")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n",
        b"Content-Length: 2, 2\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: -2\r\n",
        b"Content-Length: 0x2\r\n",
        b"Content-Length: 2 \x0b\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ],
)
def test_two_lengths_are_none(gate: Gate, head: bytes) -> None:
    """kube-apiserver takes some of these in Go's way; refusing them all leaves nothing to interpret."""
    answer = gate.send(_POST + _NOBODY + _JSON + head + b"\r\n{}" + _SMUGGLED)
    assert answer.status in (400, 501), answer.head
    assert _answers(answer) == 1, "nobody's bytes are the next request"


@pytest.mark.parametrize(
    "data",
    [
        b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\r\n Authorization: Bearer x\r\n" + _ADMIN + _END,
        b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n" + _ADMIN + _END,
        b"GET /version HTTP/1.1\r\nHost: x\r\nX A: b\r\n" + _ADMIN + _END,
        b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: a\rX-Remote-User: admin\r\n" + _ADMIN + _END,
        b"GET /version HTTP/1.1\nHost: x\n\n",
        b"GET /version HTTP/1.1\r\n" + _ADMIN + _END,
        b"GET /version HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + _ADMIN + _END,
        b"GET /version HTTP/9.9\r\nHost: x\r\n" + _ADMIN + _END,
        _POST + _ADMIN + _JSON + b"Transfer-Encoding: chunked\r\n" + _END + b"zz\r\n{}\r\n0\r\n\r\n",
        _POST + _ADMIN + _JSON + b"Transfer-Encoding: chunked\r\n" + _END + b"-2\r\n{}\r\n0\r\n\r\n",
        _POST + _ADMIN + _JSON + b"Transfer-Encoding: chunked\r\n" + _END + b"2\r\n{}xx0\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(gate: Gate, data: bytes) -> None:
    assert gate.send(data).status == 400


def test_a_trailer_is_no_header(gate: Gate) -> None:
    body = b"2\r\n{}\r\n0\r\nAuthorization: Bearer " + ADMIN.encode() + b"\r\n\r\n"
    head = _NOBODY + _JSON + b"Trailer: Authorization\r\nTransfer-Encoding: chunked\r\n"
    assert gate.send(_POST + head + _END + body).status == 403


def test_of_two_identities_the_first_counts(gate: Gate) -> None:
    assert gate.send(b"GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n" + _NOBODY + _ADMIN + _END).status == 403


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"X-A: " + b"a" * (2 << 20) + b"\r\n", 431),
        (b"".join(b"X-%d: a\r\n" % i for i in range(5000)), 431),
        (b"".join(b"X-%d: %b\r\n" % (i, b"a" * 100_000) for i in range(20)), 431),
    ],
)
def test_heads_have_an_end(gate: Gate, head: bytes, status: int) -> None:
    assert gate.send(b"GET /version HTTP/1.1\r\nHost: x\r\n" + head + _END).status in (status, 0)


@pytest.mark.parametrize("length", [b"3145729", b"99999999", b"9" * 30])
def test_a_body_that_is_announced_too_large_is_not_waited_for(gate: Gate, length: bytes) -> None:
    answer = gate.send(_POST + _ADMIN + _JSON + b"Content-Length: " + length + b"\r\n" + _END + b"{")
    assert answer.status in (400, 413)


def test_a_body_that_turns_out_too_large(gate: Gate) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = gate.send(_POST + _ADMIN + _JSON + b"Transfer-Encoding: chunked\r\n" + _END + chunk * 60)
    assert answer.status == 413
    assert answer.message == "Request entity too large: limit is 3145728"


def test_those_who_dawdle_do_not_keep_others_waiting(gate: Gate) -> None:
    """Slowloris: many heads and bodies that never end. (Their own end, after HEAD_S, is tested in virtual time.)"""
    slow = [gate.connect() for _ in range(100)]
    for stream in slow[:50]:
        stream.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: ")
    for stream in slow[50:]:
        stream.sendall(_POST + _ADMIN + _JSON + b"Content-Length: 100\r\n\r\n{")
    assert gate.admin("GET", "/api/v1/namespaces").status == 200
    for stream in slow:
        stream.close()
    assert gate.admin("GET", "/readyz").status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_not_spoken(gate: Gate, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=gate.directory / "pki" / "ca.crt")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gate.connect(context)


@pytest.mark.parametrize("ciphers", ["NULL", "aNULL", "RC4", "DES", "3DES", "EXPORT", "MD5", "PSK"])
def test_weak_ciphers_are_not_spoken(gate: Gate, ciphers: str) -> None:
    context = ssl.create_default_context(cafile=gate.directory / "pki" / "ca.crt")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    except ssl.SSLError:
        return  # not even this end knows them
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gate.connect(context)


def test_nobody_negotiates_anew(gate: Gate) -> None:
    """A client that renegotiates TLS 1.2 makes the server work for nothing."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-tls1_2", "-noservername"]
    done = subprocess.run(command, input=b"R\nR\n", capture_output=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert b"RENEGOTIATING" in said and b"no renegotiation" in said.lower(), said[-500:]


def test_plain_http_is_not_answered(gate: Gate) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as stream:
        stream.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not stream.recv(1000).startswith(b"HTTP/1.1 200")
