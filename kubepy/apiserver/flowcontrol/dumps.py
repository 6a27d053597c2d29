"""/debug/api_priority_and_fairness/: what is going on, as tables of text.

Source: apiserver pkg/util/flowcontrol/apf_controller_debug.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.apiserver.flowcontrol.controller import FlowControl
from kubepy.apiserver.flowcontrol.queues import Ticket
from kubepy.apiserver.request import Handler, Request, Response
from kubepy.lib.clock import rfc3339_micro

TEXT = "text/plain; charset=utf-8"

_LEVELS = (
    "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests",
    "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests",
)  # fmt: skip
_QUEUES = (
    "PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR",
    "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum",
)  # fmt: skip
_REQUESTS = (
    "PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime",
    "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime",
)  # fmt: skip
_DETAILS = ("UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource")


def paths(control: FlowControl) -> dict[str, Handler]:
    """The handlers by path."""

    async def levels(request: Request) -> Response:
        return _table([_LEVELS, *(_level_rows(control))])

    async def queues(request: Request) -> Response:
        return _table([_QUEUES, *(_queue_rows(control))])

    async def requests(request: Request) -> Response:
        is_detailed = bool(request.query.get("includeRequestDetails"))
        head = _REQUESTS + _DETAILS if is_detailed else _REQUESTS
        return _table([head, *(_request_rows(control, is_detailed))])

    at = "/debug/api_priority_and_fairness"
    return {
        f"{at}/dump_priority_levels": levels,
        f"{at}/dump_queues": queues,
        f"{at}/dump_requests": requests,
    }


def _level_rows(control: FlowControl) -> Iterable[tuple[str, ...]]:
    for level in control.levels.values():
        queues = level.queues
        yield (
            level.name, str(sum(1 for queue in queues.queues if queue.waiting)), _flag(queues.is_idle),
            _flag(not level.is_wanted), str(queues.waiting), str(queues.executing), str(queues.dispatched),
            str(queues.rejected), "0", str(queues.cancelled),
        )  # fmt: skip


def _queue_rows(control: FlowControl) -> Iterable[tuple[str, ...]]:
    for level in control.levels.values():
        for index, queue in enumerate(level.queues.queues):
            seats = str(sum(ticket.seats for ticket in queue.waiting))
            yield (
                level.name, str(index), str(len(queue.waiting)), str(len(queue.executing)), str(queue.seats_in_use),
                f"{queue.next_r:.8f}ss", seats, seats, f"{queue.work:.8f}ss",
            )  # fmt: skip


def _request_rows(control: FlowControl, is_detailed: bool) -> Iterable[tuple[str, ...]]:
    # Tickets count seconds that never go back.
    past = control.clock.now() - control.clock.monotonic()
    for level in control.levels.values():
        for index, place, ticket in level.queues.tickets():
            row = (
                level.name, ticket.schema.name, str(index), str(place), ticket.distinguisher,
                rfc3339_micro(past + ticket.arrived), str(ticket.seats), "0", "0s",
                rfc3339_micro(past + ticket.started) if ticket.is_executing else "0001-01-01T00:00:00Z",
            )  # fmt: skip
            yield row + _details(ticket) if is_detailed else row


def _details(ticket: Ticket) -> tuple[str, ...]:
    info, user = ticket.request.info, ticket.request.user
    version = f"{info.group}/{info.version}" if info.group else info.version
    return (
        user.name if user else "", info.verb, info.path, info.namespace, info.name, version, info.resource,
        info.subresource,
    )  # fmt: skip


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _table(rows: list[tuple[str, ...]]) -> Response:
    """As Go's tabwriter with a least width of 8 and one space between columns."""
    widths = [max(8, *(len(row[i]) + 2 for row in rows)) for i in range(len(rows[0]) - 1)]
    lines = (
        "".join(f"{cell},".ljust(width) for cell, width in zip(row, widths)) + row[-1] + "\n" for row in rows
    )
    return Response(200, "".join(lines).encode(), TEXT)
