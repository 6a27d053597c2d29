"""No request runs longer than the limit, except those that are meant to (watch, exec, log ...).

One timer serves all requests: it is set for the earliest deadline and, when it fires, cancels what is overdue and
looks for the next. A request that ends in time costs two dict operations and no timer of its own.

Source: apiserver pkg/server/filters/{timeout,longrunning}.go, pkg/endpoints/filters/request_deadline.go.
"""

from __future__ import annotations

import asyncio
import re

from kubepy.api.errors import BadRequest, quote
from kubepy.api.errors import timeout as timeout_error
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.request import Handler, Request, RequestInfo, Response
from kubepy.lib.clock import Clock, Timer

# Source: apiserver pkg/server/config.go RequestTimeout.
LIMIT_S = 60.0

# Source: kubernetes pkg/controlplane/apiserver/config.go LongRunningFunc.
LONG_RUNNING_VERBS = frozenset({"watch", "proxy"})
LONG_RUNNING_SUBRESOURCES = frozenset({"attach", "exec", "proxy", "log", "portforward"})


def is_long_running(info: RequestInfo) -> bool:
    return info.is_resource and (
        info.verb in LONG_RUNNING_VERBS or info.subresource in LONG_RUNNING_SUBRESOURCES
    )


def timeout(clock: Clock, limit_s: float = LIMIT_S) -> Filter:
    deadlines = _Deadlines(clock)

    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if is_long_running(request.info):
                return await next_(request)
            asked = request.query.get("timeout")
            wanted_s = parse_duration(asked) if asked else 0.0
            deadline = clock.monotonic() + (wanted_s if 0 < wanted_s < limit_s else limit_s)
            request.deadline = deadline
            deadlines.enter(request, deadline)
            try:
                return await next_(request)
            except asyncio.CancelledError:
                if deadlines.was_overdue(request):
                    raise timeout_error("request did not complete within the allotted timeout", 0) from None
                raise
            finally:
                deadlines.leave(request)

        return handle

    return wrap


class _Deadlines:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[Request, asyncio.Task[object]] = {}
        self._overdue: set[Request] = set()
        self._timer: Timer | None = None
        self._due = 0.0

    def enter(self, request: Request, deadline: float) -> None:
        task = asyncio.current_task()
        assert task is not None, "requests are served in tasks"
        self._running[request] = task
        if self._timer is None:
            self._set(deadline)
        elif deadline < self._due:
            self._timer.cancel()
            self._set(deadline)

    def leave(self, request: Request) -> None:
        del self._running[request]
        if self._overdue:
            self._overdue.discard(request)

    def was_overdue(self, request: Request) -> bool:
        """The cancellation that just arrived is ours, and nobody else's came with it."""
        return request in self._overdue and self._running[request].uncancel() <= 0

    def _set(self, due: float) -> None:
        self._due = due
        self._timer = self._clock.call_later(max(due - self._clock.monotonic(), 0.001), self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        next_due = None
        for request, task in self._running.items():
            if request in self._overdue:
                continue
            assert request.deadline is not None
            if request.deadline <= now:
                self._overdue.add(request)
                task.cancel()
            elif next_due is None or request.deadline < next_due:
                next_due = request.deadline
        if next_due is not None:
            self._set(next_due)


_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds of a Go duration, e.g. "32s", "1m30s", "-1h". Source: Go's time.ParseDuration."""
    if text in ("", "+", "-"):
        raise _not_a_duration(text, "")
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    seconds, at = 0.0, 0
    while at < len(rest):
        match = _DURATION.match(rest, at)
        if match is None:
            raise _not_a_duration(text, rest[at:])
        seconds += float(match[1]) * _UNITS_S[match[2]]
        at = match.end()
    return sign * seconds


_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)([^\d.]*)", re.ASCII)


def _not_a_duration(text: str, rest: str) -> BadRequest:
    number = _NUMBER.match(rest)
    why = "invalid duration"
    if number is not None:
        why = f"unknown unit {quote(number[1])} in duration" if number[1] else "missing unit in duration"
    return BadRequest(f"invalid timeout specified in the request URL - time: {why} {quote(text)}")
