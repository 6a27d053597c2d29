"""Time, injected.

Nothing outside `lib` reads a clock, sleeps or sets a timer except through a `Clock`. `RealClock` is the
machine's; `VirtualClock` stands still until somebody moves it, and then fires its timers in order, each at
its own instant, letting everything it woke finish before the next: a year of CronJobs takes as long as the
work in it.

Promised by VirtualClock: timers fire in (due time, creation order); `now()` inside a callback is exactly the
due time. Not promised: anything about threads or sockets. Virtual time is exact only when nothing leaves
the loop (memory store, loopback transport, fake runtime).
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol


class Timer(Protocol):
    """What `call_later` returns; `cancel()` twice or after it fired is harmless."""

    def cancel(self) -> None: ...


class Clock:
    """The contract, and what both clocks share."""

    def now(self) -> float:
        """Wall time in seconds since the epoch; may be virtual."""
        raise NotImplementedError

    def monotonic(self) -> float:
        """Seconds that never go back; for durations and deadlines."""
        raise NotImplementedError

    def call_later(self, delay_s: float, callback: Callable[..., Any], *args: Any) -> Timer:
        """Run `callback(*args)` in the loop once, `delay_s` from now; 0 or less means as soon as possible."""
        raise NotImplementedError

    async def sleep(self, delay_s: float) -> None:
        """Wait `delay_s`; 0 or less gives other tasks one turn."""
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        waiter = asyncio.get_running_loop().create_future()
        timer = self.call_later(delay_s, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()

    @asynccontextmanager
    async def timeout(self, delay_s: float | None) -> AsyncIterator[None]:
        """Raise TimeoutError inside the block when it takes longer; None means never."""
        if delay_s is None:
            yield
            return
        task = asyncio.current_task()
        assert task is not None, "clock.timeout needs a task"
        fired = False

        def fire() -> None:
            nonlocal fired
            fired = True
            task.cancel()

        timer = self.call_later(delay_s, fire)
        try:
            yield
        except asyncio.CancelledError:
            # A cancel of somebody else's that arrives together with ours stays a cancel.
            if fired and task.uncancel() <= 0:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def rfc3339(self) -> str:
        """Now as metav1.Time writes it: 2026-11-23T10:00:00Z."""
        return rfc3339(self.now())

    def rfc3339_micro(self) -> str:
        """Now as metav1.MicroTime writes it: 2026-11-23T10:00:00.123456Z."""
        return rfc3339_micro(self.now())


class RealClock(Clock):
    """The machine's time."""

    # Asked a dozen times for each request: a call of C, and none of ours around it.
    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)

    def call_later(self, delay_s: float, callback: Callable[..., Any], *args: Any) -> Timer:
        loop = asyncio.get_running_loop()
        return loop.call_later(delay_s, callback, *args) if delay_s > 0 else loop.call_soon(callback, *args)


class VirtualClock(Clock):
    """Time that moves only by `advance`. Starts at 2026-01-01T00:00:00Z unless told otherwise."""

    START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()

    def __init__(self, start: float = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._timers: list[_VirtualTimer] = []
        self._count = 0

    def now(self) -> float:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    def call_later(self, delay_s: float, callback: Callable[..., Any], *args: Any) -> Timer:
        if delay_s <= 0:
            return asyncio.get_running_loop().call_soon(callback, *args)
        self._count += 1
        timer = _VirtualTimer(self._elapsed + delay_s, self._count, callback, args)
        heapq.heappush(self._timers, timer)
        return timer

    @property
    def next_due(self) -> float | None:
        """Seconds until the next timer, None when there is none."""
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0].due - self._elapsed if self._timers else None

    async def settle(self, *, turns_max: int = 10_000_000) -> None:
        """Return when nothing in the loop can go on without time passing or input from outside."""
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        for _ in range(turns_max):
            await asyncio.sleep(0)
            # Whoever else is runnable sits in this queue, behind us in this turn or already in the next.
            if not ready:
                return
        raise RuntimeError(f"still busy after {turns_max} turns of the loop: two components chase each other")

    async def advance(self, seconds: float) -> None:
        """Move time forward, firing what is due on the way, each at its instant; settles before and after."""
        target = self._elapsed + seconds
        await self.settle()
        while (wait := self.next_due) is not None and self._elapsed + wait <= target:
            timer = heapq.heappop(self._timers)
            self._elapsed = max(self._elapsed, timer.due)
            timer.callback(*timer.args)
            # Timers of one instant fire together, as they would on a real clock's tick.
            if (wait := self.next_due) is None or wait > 0:
                await self.settle()
        self._elapsed = target
        await self.settle()


class _VirtualTimer:
    __slots__ = ("args", "callback", "cancelled", "due", "order")

    def __init__(self, due: float, order: int, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.due, self.order, self.callback, self.args = due, order, callback, args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def __lt__(self, other: _VirtualTimer) -> bool:
        return (self.due, self.order) < (other.due, other.order)


def pause(seconds: float) -> None:
    """Block the thread: for commands that have no loop, never inside one."""
    time.sleep(seconds)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def rfc3339(seconds: float) -> str:
    """metav1.Time: whole seconds, UTC, Z. Source: apimachinery pkg/apis/meta/v1/time.go."""
    return _whole_second(int(seconds))


# Everything written within a second carries the same text.
@lru_cache(maxsize=64)
def _whole_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(seconds: float) -> str:
    """metav1.MicroTime: always six digits. Source: apimachinery pkg/apis/meta/v1/micro_time.go."""
    whole, micro = divmod(round(seconds * 1e6), 1_000_000)
    return f"{_whole_second(whole)[:-1]}.{micro:06}Z"


def parse_rfc3339(text: str) -> float:
    """Seconds since the epoch of any RFC 3339 time; ValueError if it is none."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
