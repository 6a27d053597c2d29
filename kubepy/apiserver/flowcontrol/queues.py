"""The fair queues of one priority level.

Time in here is virtual: R, the work (in seat-seconds) that each queue with something to do should have got by now. A
queue's next request starts in virtual time where the work of those before it ends, and the one that would end first
goes next. So a queue whose requests are big or many falls behind the others, and no queue starves.

A request that may start at once costs no look at other queues; only a seat that is freed while somebody waits does.

Source: apiserver pkg/util/flowcontrol/fairqueuing/queueset/queueset.go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from kubepy.apiserver.flowcontrol.allocation import Demand
from kubepy.apiserver.flowcontrol.classification import Schema
from kubepy.apiserver.flowcontrol.dealer import deal, hash_flow
from kubepy.apiserver.request import Request
from kubepy.lib.clock import Clock, Timer

# What a request is taken to last until it is known. Source: queueset.go estimatedServiceDuration.
ESTIMATE_S = 0.003

# Hands that are remembered.
HANDS_MAX = 8192

QUEUE_FULL, CONCURRENCY_LIMIT, TIME_OUT = "queue-full", "concurrency-limit", "time-out"


class Queuing(NamedTuple):
    """`queues`: 0 for a level that rejects what it has no seat for, -1 for one that is exempt."""

    queues: int
    hand_size: int = 0
    length_max: int = 0


class Ticket(Struct, eq=False):
    """A request that was let in: it executes, or waits."""

    schema: Schema
    distinguisher: str
    seats: int
    request: Request
    arrived: float
    started: float = 0.0
    arrival_r: float = 0.0
    queue: Queue | None = None
    is_executing: bool = False
    waiter: asyncio.Future[bool] | None = None
    timer: Timer | None = None


class Queue:
    __slots__ = ("executing", "next_r", "seats_in_use", "waiting", "work")

    def __init__(self) -> None:
        self.waiting: deque[Ticket] = deque()
        self.work = 0.0  # of those that wait, seat-seconds
        self.executing: set[Ticket] = set()
        self.seats_in_use = 0
        self.next_r = 0.0

    @property
    def is_active(self) -> bool:
        return bool(self.waiting or self.executing)


class QueueSet:
    """`limit` seats are given out; `demand` is told of those that are used or waited for."""

    def __init__(self, queuing: Queuing, limit: int, clock: Clock) -> None:
        self._clock = clock
        self._queuing = Queuing(0)
        self.limit = limit
        self.demand = Demand(since=clock.monotonic(), start=clock.monotonic())
        self.queues: list[Queue] = []
        self.unqueued: set[Ticket] = set()  # execute without having been in a queue
        self.waiting = self.executing = 0
        self.seats_in_use = self.seats_waiting = 0
        self.dispatched = self.rejected = self.cancelled = 0
        self._active = 0  # queues
        self._r, self._r_at = 0.0, clock.monotonic()
        self._turn = 0  # of the queues among which none is ahead
        self._enqueued = 0
        self._hands: dict[tuple[str, str], tuple[int, ...]] = {}
        self.configure(queuing, limit)

    @property
    def virtual_time(self) -> float:
        """As of the last change."""
        return self._r

    @property
    def is_idle(self) -> bool:
        return not (self.waiting or self.executing)

    def configure(self, queuing: Queuing, limit: int) -> None:
        """Queues that are no longer wanted go when they are empty."""
        if queuing.queues != self._queuing.queues or queuing.hand_size != self._queuing.hand_size:
            self._hands.clear()
        self._queuing = queuing
        while len(self.queues) < queuing.queues:
            self.queues.append(Queue())
        self._drop_empty()
        self.set_limit(limit)

    def set_limit(self, limit: int) -> None:
        self._advance(self._clock.monotonic())
        self.limit = limit
        self._dispatch()

    # -- a request's way -----------------------------------------------------------------------------------------

    def start(self, schema: Schema, distinguisher: str, seats: int, request: Request) -> Ticket | str:
        """Let it execute or wait, or say why not. Whatever executes must be given to `finish`."""
        now = self._clock.monotonic()
        ticket = Ticket(schema, distinguisher, seats, request, now)
        schema.figures.seats.add(seats)
        queues = self._queuing.queues
        if queues < 1:
            if queues == 0 and not self._has_room(seats):
                return self._reject(ticket, CONCURRENCY_LIMIT, now)
            self.unqueued.add(ticket)
            self._execute(ticket, now)
            return ticket
        self._advance(now)
        queue = self._pick(schema.name, distinguisher)
        if self.seats_in_use >= self.limit and len(queue.waiting) >= self._queuing.length_max:
            return self._reject(ticket, QUEUE_FULL, now)
        ticket.queue, ticket.arrival_r = queue, self._r
        if not (queue.executing or queue.waiting):
            queue.next_r = self._r
            self._active += 1
        if not self.waiting and self._has_room(seats):
            self._execute_queued(ticket, queue, now)
            return ticket
        self._enqueue(ticket, queue, now)
        self._dispatch()
        return ticket

    async def wait(self, ticket: Ticket, limit_s: float) -> bool:
        """Until it executes; False: it waited too long, and is gone."""
        waiter = ticket.waiter
        if ticket.is_executing or waiter is None:
            return True
        ticket.timer = self._clock.call_later(limit_s, self._expire, ticket)
        try:
            return await waiter
        except asyncio.CancelledError:
            if ticket.is_executing:
                self.finish(ticket)
            else:
                self._leave(ticket)
            raise
        finally:
            ticket.timer.cancel()

    def finish(self, ticket: Ticket) -> None:
        """It is answered: its seats are for others."""
        now = self._clock.monotonic()
        if self._active:
            self._advance(now)
        schema, seats, queue = ticket.schema, ticket.seats, ticket.queue
        self.executing -= 1
        self.seats_in_use -= seats
        schema.executing -= 1
        schema.executing_seats -= seats
        figures = schema.figures
        took = figures.watches if ticket.request.info.verb == "watch" else figures.executions
        took.add(now - ticket.started)
        if queue is None:
            self.unqueued.discard(ticket)
        else:
            queue.executing.discard(ticket)
            queue.seats_in_use -= seats
            # It was charged by estimate.
            queue.next_r -= seats * (ESTIMATE_S - (now - ticket.started))
            if queue.waiting:
                self._catch_up(queue)
            if not (queue.executing or queue.waiting):
                self._active -= 1
                if len(self.queues) > max(self._queuing.queues, 0):
                    self._drop_empty()
        self.demand.set(self.seats_in_use + self.seats_waiting, now)
        if self.waiting:
            self._dispatch()

    # -- in here ---------------------------------------------------------------------------------------------------

    def _reject(self, ticket: Ticket, reason: str, now: float) -> str:
        schema = ticket.schema
        self.rejected += 1
        schema.figures.refusals.add(now - ticket.arrived)
        schema.rejected[reason] = schema.rejected.get(reason, 0) + 1
        return reason

    def _has_room(self, seats: int) -> bool:
        """What is wider than the whole level goes when it is alone. Source: canAccommodateSeatsLocked."""
        if self._queuing.queues < 0:
            return True
        if seats > self.limit:
            return not self.executing
        return self.seats_in_use + seats <= self.limit

    def _advance(self, now: float) -> None:
        if self._active:
            seats = min(self.seats_in_use + self.seats_waiting, self.limit)
            self._r += seats / self._active * (now - self._r_at)
        self._r_at = now

    def _pick(self, schema: str, distinguisher: str) -> Queue:
        """The queue of the flow's hand with the least to do; ties go round."""
        hand = self._hands.get((schema, distinguisher))
        if hand is None:
            if len(self._hands) >= HANDS_MAX:
                self._hands.clear()
            value = hash_flow(schema, distinguisher)
            hand = deal(value, self._queuing.queues, self._queuing.hand_size)
            self._hands[schema, distinguisher] = hand
        queues, count = self.queues, len(hand)
        offset = self._enqueued % count
        self._enqueued += 1
        best = queues[hand[offset]]
        if best.work:
            for i in range(1, count):
                queue = queues[hand[(offset + i) % count]]
                if queue.work < best.work:
                    best = queue
        return best

    def _enqueue(self, ticket: Ticket, queue: Queue, now: float) -> None:
        seats, schema = ticket.seats, ticket.schema
        ticket.waiter = asyncio.get_running_loop().create_future()
        queue.waiting.append(ticket)
        queue.work += seats * ESTIMATE_S
        schema.figures.queue_lengths.add(len(queue.waiting))
        self._catch_up(queue)
        self.waiting += 1
        self.seats_waiting += seats
        schema.waiting += 1
        schema.waiting_seats += seats
        self.demand.set(self.seats_in_use + self.seats_waiting, now)

    def _dequeued(self, ticket: Ticket, queue: Queue) -> None:
        seats, schema = ticket.seats, ticket.schema
        queue.work = queue.work - seats * ESTIMATE_S if queue.waiting else 0.0
        self.waiting -= 1
        self.seats_waiting -= seats
        schema.waiting -= 1
        schema.waiting_seats -= seats

    def _dispatch(self) -> None:
        now = self._clock.monotonic()
        while self.waiting and self.seats_in_use < self.limit:
            queue = self._next_queue()
            ticket = queue.waiting[0]
            if not self._has_room(ticket.seats):
                ticket.schema.figures.unaccommodated += 1
                return
            queue.waiting.popleft()
            self._dequeued(ticket, queue)
            self._execute_queued(ticket, queue, now)
            self._catch_up(queue)
            waiter = ticket.waiter
            if waiter is not None and not waiter.done():
                waiter.set_result(True)

    def _next_queue(self) -> Queue:
        """Whose first request would be done first. Source: findDispatchQueueToBoundLocked."""
        best, best_end, count = -1, float("inf"), len(self.queues)
        for i in range(1, count + 1):
            index = (self._turn + i) % count
            queue = self.queues[index]
            if queue.waiting:
                end = queue.next_r + queue.waiting[0].seats * ESTIMATE_S
                if end < best_end:
                    best, best_end = index, end
        self._turn = best
        return self.queues[best]

    def _execute_queued(self, ticket: Ticket, queue: Queue, now: float) -> None:
        queue.executing.add(ticket)
        queue.seats_in_use += ticket.seats
        queue.next_r += ticket.seats * ESTIMATE_S
        self._execute(ticket, now)

    def _execute(self, ticket: Ticket, now: float) -> None:
        seats, schema = ticket.seats, ticket.schema
        ticket.is_executing, ticket.started = True, now
        self.executing += 1
        self.seats_in_use += seats
        self.dispatched += 1
        schema.executing += 1
        schema.executing_seats += seats
        schema.dispatched += 1
        if self._queuing.queues >= 0:
            schema.figures.waits.add(now - ticket.arrived)
        self.demand.set(self.seats_in_use + self.seats_waiting, now)

    def _expire(self, ticket: Ticket) -> None:
        if not ticket.is_executing and ticket.waiter is not None and not ticket.waiter.done():
            self._leave(ticket)
            ticket.waiter.set_result(False)

    def _leave(self, ticket: Ticket) -> None:
        queue, now = ticket.queue, self._clock.monotonic()
        assert queue is not None, "it waits in a queue"
        self._advance(now)
        queue.waiting.remove(ticket)
        self._dequeued(ticket, queue)
        self._reject(ticket, TIME_OUT, now)
        self.cancelled += 1
        if not queue.is_active:
            self._active -= 1
        self._catch_up(queue)
        self.demand.set(self.seats_in_use + self.seats_waiting, now)
        self._dispatch()

    def _catch_up(self, queue: Queue) -> None:
        """Nobody saves up turns: a request does not start, in virtual time, before it came."""
        if queue.waiting and queue.next_r < queue.waiting[0].arrival_r:
            queue.next_r = queue.waiting[0].arrival_r

    def _drop_empty(self) -> None:
        wanted = max(self._queuing.queues, 0)
        for index in range(len(self.queues) - 1, wanted - 1, -1):
            if not self.queues[index].is_active:
                del self.queues[index]
                if self._turn >= index:
                    self._turn -= 1

    def tickets(self) -> Iterator[tuple[int, int, Ticket]]:
        """(index of the queue or -1, place in it or -1 for one that executes, ticket)."""
        for index, queue in enumerate(self.queues):
            for place, ticket in enumerate(queue.waiting):
                yield index, place, ticket
            for ticket in queue.executing:
                yield index, -1, ticket
        for ticket in self.unqueued:
            yield -1, -1, ticket
