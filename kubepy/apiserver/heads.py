"""Heads of HTTP answers, the parts that never change made once.

Source: apiserver pkg/endpoints/filters/{cachecontrol,audit_init}.go,
pkg/endpoints/handlers/responsewriters/writers.go.
"""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp.http import HttpVersion10

from kubepy.apiserver.request import Response, Stream, Upgraded
from kubepy.lib.clock import Clock

_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Asked(Protocol):
    """What of a request its answer's head depends on."""

    request_id: str
    flow: tuple[bytes, bytes] | None
    _message: Any  # aiohttp's

    @property
    def is_last(self) -> bool: ...


class Heads:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._starts: dict[tuple[int, str], bytes] = {}
        self._date = b""
        self._date_at = 0

    def render(self, request: Asked, response: Response, goes_on: bool, length: int) -> bytes:
        head = self._start(request, response, goes_on)
        if response.status in (204, 304):
            return head + b"\r\n"
        return b"%bContent-Length: %d\r\n\r\n" % (head, length)

    def render_stream(self, request: Asked, response: Response) -> bytes:
        goes_on = not request.is_last
        return self._start(request, response, goes_on) + b"Transfer-Encoding: chunked\r\n\r\n"

    def render_piecewise(self, request: Asked, response: Stream, goes_on: bool, is_chunked: bool) -> bytes:
        head = self._start(request, response, goes_on)
        if is_chunked:
            head += b"Transfer-Encoding: chunked\r\n"
        elif response.length is not None and response.status not in (204, 304):
            head += b"Content-Length: %d\r\n" % response.length
        return head + b"\r\n"

    def render_upgrade(self, request: Asked, response: Upgraded) -> bytes:
        head = f"HTTP/1.1 101 Switching Protocols\r\nAudit-Id: {request.request_id}\r\n".encode()
        return head + b"".join(_line(*header) for header in (response.headers or {}).items()) + b"\r\n"

    def _start(self, request: Asked, response: Response, goes_on: bool) -> bytes:
        key = (response.status, response.content_type)
        start = self._starts.get(key)
        if start is None:
            start = self._starts[key] = _start_of(*key)
        head = b"%bAudit-Id: %b\r\nDate: %b\r\n" % (start, request.request_id.encode(), self._now())
        if (flow := request.flow) is not None:
            # Source: apiserver pkg/server/filters/priority-and-fairness.go setResponseHeaders.
            head += b"X-Kubernetes-Pf-Flowschema-Uid: %b\r\nX-Kubernetes-Pf-Prioritylevel-Uid: %b\r\n" % flow
        headers = response.headers
        if headers is None or "Cache-Control" not in headers:
            # Source: apiserver pkg/endpoints/filters/cachecontrol.go.
            head += b"Cache-Control: no-cache, private\r\n"
        if headers:
            head += b"".join(_line(name, value) for name, value in headers.items())
        if not goes_on:
            head += b"Connection: close\r\n"
        elif request._message.version == HttpVersion10:
            head += b"Connection: keep-alive\r\n"
        return head

    def _now(self) -> bytes:
        now = int(self._clock.now())
        if now != self._date_at:
            self._date_at = now
            self._date = formatdate(now, usegmt=True).encode()
        return self._date


def _start_of(status: int, content_type: str) -> bytes:
    start = f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}\r\n".encode()
    return start if status in (204, 304) or not content_type else start + _line("Content-Type", content_type)


def _line(name: str, value: str) -> bytes:
    if name == "Warning":
        # Each has a line to itself, as Go sends them; what they say has no line breaks (filters/warnings.py).
        return b"".join(f"{name}: {each}\r\n".encode() for each in value.split("\n") if "\r" not in each)
    # A line break in a value would be a header of the sender's own.
    return f"{name}: {value}\r\n".encode() if "\r" not in value and "\n" not in value else b""
