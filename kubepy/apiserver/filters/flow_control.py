"""A request gets a seat, waits for one, or is sent away with 429; long-running ones but watches need none.

The answer says by which FlowSchema and priority level, as uids, so that names stay those of the administrators. A watch
holds its seat until its handler has set it up.

Source: apiserver pkg/server/filters/priority-and-fairness.go, maxinflight.go.
"""

from __future__ import annotations

from kubepy.api.errors import TooManyRequests
from kubepy.apiserver.authn import MASTERS
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.timeout import is_long_running
from kubepy.apiserver.flowcontrol import work
from kubepy.apiserver.flowcontrol.controller import FlowControl, Level
from kubepy.apiserver.flowcontrol.queues import Ticket
from kubepy.apiserver.request import Handler, Request, Response, User

TEXT = "Too many requests, please try again later."
# Those that need not be counted as changing anything. Source: maxinflight.go nonMutatingRequestVerbs.
_READING = frozenset({"get", "list", "watch"})
# How long may a request wait for its seat: a part of the time it has, and so long if it has all of it.
# Source: priority-and-fairness.go getRequestWaitContext, server/config.go.
_WAIT_PART = 4
_WAIT_MAX_S = 60.0


class Rejected(TooManyRequests):
    """Come again after so many seconds. In process only: over HTTP the answer is plain text."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(TEXT, details={"retryAfterSeconds": retry_after_s})


def flow_control(control: FlowControl, *, request_timeout_s: float) -> Filter:
    clock, wait_s = control.clock, request_timeout_s / _WAIT_PART

    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            info, user = request.info, request.user
            assert user is not None, "who asks is known by now"
            verb = info.verb
            if verb != "watch" and is_long_running(info):
                return await next_(request)
            schema = control.classifier.classify(user, info)
            level = control.levels[schema.level]
            request.flow = (schema.uid, level.uid)
            seats = 1
            if verb in work.SIZED:
                seats = work.seats(info, request.query, level.width_max, control.volume)
            queues = level.queues
            ticket = queues.start(schema, schema.distinguish(user, info), seats, request)
            if not level.is_exempt:
                control.note_work(level)
            if type(ticket) is not Ticket:
                return _refuse(request, level)
            if not ticket.is_executing:
                limit = wait_s
                if request.deadline is not None:
                    limit = (request.deadline - clock.monotonic()) / _WAIT_PART
                if not await queues.wait(ticket, min(limit, _WAIT_MAX_S)):
                    return _refuse(request, level)
            try:
                return await next_(request)
            finally:
                queues.finish(ticket)

        def _refuse(request: Request, level: Level) -> Response:
            level.rejections.add(clock.now())
            return refusal(request, level.rejections.retry_after_s)

        return handle

    return wrap


def max_in_flight(reading_max: int, writing_max: int) -> Filter:
    """In the place of priority and fairness where that is off; 0: without limit. system:masters is not counted."""

    def wrap(next_: Handler) -> Handler:
        counts = {True: 0, False: 0}
        limits = {True: reading_max, False: writing_max}

        async def handle(request: Request) -> Response:
            is_reading = request.info.verb in _READING
            limit = limits[is_reading]
            # Watches are among the long-running ones here.
            if not limit or is_long_running(request.info) or _is_master(request.user):
                return await next_(request)
            if counts[is_reading] >= limit:
                return refusal(request, 1)
            counts[is_reading] += 1
            try:
                return await next_(request)
            finally:
                counts[is_reading] -= 1

        return handle

    return wrap


def _is_master(user: User | None) -> bool:
    return user is not None and MASTERS in user.groups


def refusal(request: Request, retry_after_s: int) -> Response:
    """Go's http.Error; raises Rejected to callers in this process."""
    if request.in_process:
        raise Rejected(retry_after_s)
    headers = {"Retry-After": str(retry_after_s), "X-Content-Type-Options": "nosniff"}
    return Response(429, f"{TEXT}\n".encode(), "text/plain; charset=utf-8", headers)
