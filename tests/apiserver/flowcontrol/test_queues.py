from __future__ import annotations

import asyncio
from typing import cast

import pytest

from kubepy.apiserver.flowcontrol import bootstrap
from kubepy.apiserver.flowcontrol.classification import Schema
from kubepy.apiserver.flowcontrol.queues import CONCURRENCY_LIMIT, QUEUE_FULL, QueueSet, Queuing, Ticket
from kubepy.apiserver.request import Query, Request
from kubepy.lib.clock import VirtualClock

_REQUEST = Request("GET", "/", Query(), "1")


@pytest.fixture
def schema() -> Schema:
    return Schema(bootstrap.MANDATORY_SCHEMAS[1])


def _start(queues: QueueSet, schema: Schema, who: str = "jane", seats: int = 1) -> Ticket:
    ticket = queues.start(schema, who, seats, _REQUEST)
    assert isinstance(ticket, Ticket), ticket
    return ticket


async def test_a_level_that_rejects(clock: VirtualClock, schema: Schema) -> None:
    queues = QueueSet(Queuing(0), 2, clock)
    first, _ = _start(queues, schema), _start(queues, schema)
    assert queues.start(schema, "jane", 1, _REQUEST) == CONCURRENCY_LIMIT
    queues.finish(first)
    assert _start(queues, schema).is_executing
    assert schema.rejected == {CONCURRENCY_LIMIT: 1}


async def test_an_exempt_level_takes_all(clock: VirtualClock, schema: Schema) -> None:
    queues = QueueSet(Queuing(-1), 0, clock)
    tickets = [_start(queues, schema) for _ in range(100)]
    assert all(ticket.is_executing for ticket in tickets)
    for ticket in tickets:
        queues.finish(ticket)
    assert queues.is_idle and queues.seats_in_use == 0


async def test_a_full_queue_and_one_that_waited_too_long(clock: VirtualClock, schema: Schema) -> None:
    queues = QueueSet(Queuing(1, 1, 2), 1, clock)
    executing = _start(queues, schema)
    waiting = [_start(queues, schema) for _ in range(2)]
    assert queues.start(schema, "jane", 1, _REQUEST) == QUEUE_FULL
    waits = [asyncio.ensure_future(queues.wait(ticket, 5.0)) for ticket in waiting]
    await clock.advance(4)
    queues.finish(executing)
    await clock.advance(2)
    assert [task.result() for task in waits] == [True, False]
    assert queues.waiting == 0 and queues.executing == 1 and queues.cancelled == 1
    queues.finish(waiting[0])
    assert queues.is_idle and schema.executing == schema.waiting == 0


async def test_a_client_that_goes_away_gives_back_what_it_has(clock: VirtualClock, schema: Schema) -> None:
    queues = QueueSet(Queuing(1, 1, 5), 1, clock)
    executing = _start(queues, schema)
    waiting, next_ = _start(queues, schema), _start(queues, schema)
    task = asyncio.ensure_future(queues.wait(waiting, 5.0))
    await clock.settle()
    # The seat comes in the same moment.
    queues.finish(executing)
    task.cancel()
    await clock.settle()
    assert task.cancelled()
    assert next_.is_executing and queues.executing == 1


async def test_flows_take_turns(clock: VirtualClock, schema: Schema) -> None:
    """One flow sends a hundred, another one request: that one does not wait for the hundred."""
    queues = QueueSet(Queuing(64, 6, 50), 4, clock)
    loud = [_start(queues, schema, "loud") for _ in range(100)]
    quiet = _start(queues, schema, "quiet")
    served: list[Ticket] = []
    executing = [ticket for ticket in loud if ticket.is_executing]
    while not quiet.is_executing:
        await clock.advance(0.003)
        done = executing.pop(0)
        queues.finish(done)
        served.append(done)
        executing.extend(t for t in loud if t.is_executing and t not in served and t not in executing)
    assert len(served) <= 12


async def test_a_wide_request_takes_its_seats(clock: VirtualClock, schema: Schema) -> None:
    queues = QueueSet(Queuing(4, 2, 50), 10, clock)
    wide = _start(queues, schema, seats=8)
    second = _start(queues, schema, seats=8)
    assert wide.is_executing and not second.is_executing
    queues.finish(wide)
    assert second.is_executing and queues.seats_in_use == 8
    # Wider than all there is: alone.
    third = _start(queues, schema, seats=20)
    assert not third.is_executing
    queues.finish(second)
    assert cast(bool, third.is_executing)


async def test_fewer_queues_and_more_seats(clock: VirtualClock, schema: Schema) -> None:
    queues = QueueSet(Queuing(8, 2, 50), 1, clock)
    tickets = [_start(queues, schema, f"user-{i}") for i in range(10)]
    queues.configure(Queuing(2, 1, 50), 1)
    assert len(queues.queues) > 2, "somebody waits in them"
    queues.set_limit(10)
    assert all(ticket.is_executing for ticket in tickets)
    for ticket in tickets:
        queues.finish(ticket)
    assert len(queues.queues) == 2 and queues.is_idle


async def test_how_requests_fared(clock: VirtualClock, schema: Schema) -> None:
    queues = QueueSet(Queuing(1, 1, 1), 1, clock)
    executing, waiting = _start(queues, schema), _start(queues, schema, seats=3)
    assert queues.start(schema, "jane", 1, _REQUEST) == QUEUE_FULL
    task = asyncio.ensure_future(queues.wait(waiting, 5.0))
    await clock.advance(3)
    queues.finish(executing)
    await clock.advance(4)
    queues.finish(waiting)
    assert await task
    figures = schema.figures
    assert (figures.waits.total, sum(figures.waits.counts)) == (3.0, 2)
    assert (figures.refusals.total, sum(figures.refusals.counts)) == (0.0, 1)
    assert (figures.executions.total, sum(figures.executions.counts)) == (7.0, 2)
    assert figures.seats.total == 5 and figures.queue_lengths.total == 1
