"""A queue of keys in which each key waits at most once and is worked on by one worker at a time.

- Added while waiting: nothing changes. Added while being worked on: it waits again once the worker is `done`.
- First in, first out; workers are served in the order they came.
- `add_after` and `add_rate_limited` add later; of several due times for one key the earliest counts.
- A worker may let a key rest when it is done: what is added meanwhile waits until then, and is one run.
- The number of keys bounds it; there is no other limit.

    queue = Queue(clock)
    key = await queue.get()     # raises ShutDown once it is shut down and empty
    try: ...
    finally: queue.done(key)

Source: client-go util/workqueue/{queue,delaying_queue,rate_limiting_queue,default_rate_limiters}.go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from msgspec import Struct

from kubepy.lib.backoff import Exponential, TokenBucket
from kubepy.lib.clock import Clock, Timer

T = TypeVar("T", bound=Hashable)


class ShutDown(Exception):
    """The queue is shut down and has nothing left."""


class Statistics(Struct, frozen=True):
    depth: int  # keys that wait for a worker
    processing: int  # keys that a worker has, or that rest after one had them
    delayed: int  # keys whose time has not come
    adds: int  # since the start
    retries: int  # add_rate_limited calls since the start


class Queue(Generic[T]):
    """`backoff` and `bucket` say how long `add_rate_limited` waits: the longer of the two.
    `on_wait(seconds)` is told how long a key waited when a worker gets it."""

    def __init__(
        self,
        clock: Clock,
        backoff: Exponential | None = None,
        *,
        bucket: TokenBucket | None = None,
        on_wait: Callable[[float], object] | None = None,
    ) -> None:
        self._clock = clock
        # Source: default_rate_limiters.go, DefaultTypedControllerRateLimiter: 5 ms to 1000 s.
        self._backoff = backoff or Exponential(0.005, 1000.0)
        self._bucket, self._on_wait = bucket, on_wait
        self._queue: deque[T] = deque()
        self._dirty: dict[T, float] = {}  # wants work -> since when
        self._processing: set[T] = set()
        self._resting: dict[T, Timer] = {}  # these are in _processing too
        self._delayed: dict[T, tuple[float, Timer]] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._shut_down = False
        self._adds = self._retries = 0

    def add(self, item: T) -> None:
        """Have `item` worked on soon. Nothing happens after shutdown."""
        if self._shut_down or item in self._dirty:
            return
        self._adds += 1
        self._dirty[item] = self._clock.monotonic()
        if item not in self._processing:
            self._queue.append(item)
            self._wake_one()

    def add_after(self, item: T, delay_s: float) -> None:
        """`add` in `delay_s` seconds, or when an earlier `add_after` of the same item says so."""
        if self._shut_down:
            return
        if delay_s <= 0:
            self.add(item)
            return
        due = self._clock.monotonic() + delay_s
        waiting = self._delayed.get(item)
        if waiting is not None:
            if waiting[0] <= due:
                return
            waiting[1].cancel()
        self._delayed[item] = due, self._clock.call_later(delay_s, self._due, item)

    def _due(self, item: T) -> None:
        del self._delayed[item]
        self.add(item)

    def add_rate_limited(self, item: T) -> None:
        """`add` after this item's next, longer delay; `forget` starts over."""
        self._retries += 1
        delay_s = self._backoff.next_s(item)
        if self._bucket is not None:
            delay_s = max(delay_s, self._bucket.take())
        self.add_after(item, delay_s)

    def forget(self, item: T) -> None:
        """Its next failure counts as the first."""
        self._backoff.forget(item)

    def failures(self, item: T) -> int:
        """`add_rate_limited` calls since the last `forget`."""
        return self._backoff.failures(item)

    async def get(self) -> T:
        """The next item, which the caller must hand to `done`. Raises ShutDown."""
        while not self._queue:
            if self._shut_down:
                raise ShutDown
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                # Woken and cancelled at once: the item is somebody else's to take.
                if waiter.done() and not waiter.cancelled() and self._queue:
                    self._wake_one()
                raise
        item = self._queue.popleft()
        since = self._dirty.pop(item)
        self._processing.add(item)
        if self._on_wait is not None:
            self._on_wait(self._clock.monotonic() - since)
        return item

    def done(self, item: T, *, rest_s: float = 0.0) -> None:
        """The worker is through with it, well or not; if it was added meanwhile it waits again, after `rest_s`."""
        if rest_s > 0 and not self._shut_down:
            self._resting[item] = self._clock.call_later(rest_s, self._rested, item)
        else:
            self._finish(item)

    def _rested(self, item: T) -> None:
        del self._resting[item]
        self._finish(item)

    def _finish(self, item: T) -> None:
        self._processing.discard(item)
        if item in self._dirty:
            self._queue.append(item)
            self._wake_one()

    def shutdown(self) -> None:
        """Accept nothing more; workers get what waits and then ShutDown. Idempotent."""
        self._shut_down = True
        for _, timer in self._delayed.values():
            timer.cancel()
        self._delayed.clear()
        for item, timer in list(self._resting.items()):
            timer.cancel()
            self._rested(item)
        while self._waiters:
            self._wake_one()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def __len__(self) -> int:
        return len(self._queue)

    def __bool__(self) -> bool:
        return True

    def statistics(self) -> Statistics:
        return Statistics(
            len(self._queue), len(self._processing), len(self._delayed), self._adds, self._retries
        )
