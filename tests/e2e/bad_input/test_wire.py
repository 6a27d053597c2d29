"""What is hardly HTTP.

Sources: door.py."""

from __future__ import annotations

import json

import pytest

from tests.e2e.bad_input.door import BODY_BYTES_MAX, JSON, MAP, MAPS, MERGE, YAML, Door, request


def refusal(text: str) -> bytes:
    head = f"HTTP/1.1 {text.partition(':')[0]}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    return (head + text).encode()


BAD = "400 Bad Request"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x00\x01\x02\r\n\r\n", BAD),
        (b"hello\r\n\r\n", BAD),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD),
        (b"GET /livez HTTP/7.7\r\nHost: x\r\n\r\n", BAD),
        (b"GET /livez\r\n\r\n", BAD),
        (b"GET /livez HTTP/0.9\r\nHost: x\r\n\r\n", BAD),
        (b"GET /livez HTTP/1.1\r\n\r\n", f"{BAD}: missing required Host header"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nfoo bar\r\n\r\n", BAD),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\na: b\x00c\r\n\r\n", BAD),
        (b"GET livez HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
        (request("POST", MAPS, "Content-Length: abc", body=b"{}"), BAD),
        (request("POST", MAPS, "Content-Length: -1", body=b"{}"), BAD),
        (request("POST", MAPS, "Content-Length: 2", "Content-Length: 3", body=b"{}"), BAD),
        (request("POST", MAPS, "Content-Length: 2", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), BAD),
        (request("POST", MAPS, "Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n"), BAD),
        (b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n", "431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 5000, "431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\na: " + b"b" * (2 << 20), "431 Request Header Fields Too Large"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
)  # fmt: skip
def test_what_is_no_request(door: Door, data: bytes, text: str) -> None:
    # Who is refused while still talking may find the connection reset before the answer.
    assert door.raw(data) in ((refusal(text), b"") if len(data) > 1 << 19 else (refusal(text),))


def test_long_urls_and_headers_that_are_fine(door: Door) -> None:
    assert door.ask("GET", f"{MAPS}?x={'y' * 200_000}", X_Long="z" * 200_000).status == 200


TOO_LARGE = f"Request entity too large: limit is {BODY_BYTES_MAX}"


def test_bodies_beyond_the_limit(door: Door) -> None:
    body = b'{"metadata":{"name":"' + b"x" * BODY_BYTES_MAX + b'"}}'
    for method, target, content_type in [
        ("POST", MAPS, JSON),
        ("PUT", MAP, YAML),
        ("PATCH", MAP, MERGE),
        ("DELETE", MAP, JSON),
    ]:
        answer = door.ask(method, target, body, content_type)
        answer.is_status(413, "RequestEntityTooLarge", TOO_LARGE, None)
        assert answer.headers["Connection"] == "close"
    chunked = request(
        "POST", MAPS, "Content-Type: application/json", "Transfer-Encoding: chunked",
        body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    )  # fmt: skip
    said = door.raw(chunked)
    assert said.startswith(b"HTTP/1.1 413 ") and TOO_LARGE.encode() in said
    # Who asks first is told before it sends anything.
    waiting = request(
        "POST", MAPS, "Content-Length: 99999999999", "Expect: 100-continue", "Connection: close"
    )
    with door.socket() as connection:
        connection.sendall(waiting)
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_body_at_the_limit(door: Door) -> None:
    head, tail = b'{"metadata":{"name":"A"},"data":{"a":"', b'"}}'
    body = head + b"x" * (BODY_BYTES_MAX - len(head) - len(tail)) + tail
    assert door.ask("POST", MAPS, body).obj["reason"] == "Invalid"
    assert door.ask("POST", MAPS, body + b" ").obj["reason"] == "RequestEntityTooLarge"


def test_a_body_that_does_not_come(door: Door) -> None:
    """As slow as a client is, its request ends with its time."""
    said = door.raw(request("POST", f"{MAPS}?timeout=500ms", "Content-Length: 100", body=b'{"meta'))
    assert said.startswith(b"HTTP/1.1 504 ")
    status = json.loads(said.partition(b"\r\n\r\n")[2])
    assert (status["reason"], status["details"]) == ("Timeout", {})
    assert status["message"] == "Timeout: request did not complete within the allotted timeout"
