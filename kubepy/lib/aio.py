"""Tasks that somebody owns.

`Tasks` is the one way to start background work: a component has one, starts its loops in it and closes it.
A task that ends with an exception is reported to `on_error` once and never takes its siblings down; closing
cancels what is left and waits for it, so no task outlives its owner.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from kubepy.lib.clock import Clock

ErrorSink = Callable[[str, BaseException], None]


class ErrorLog(Protocol):
    """As much of a logger as is needed here."""

    def error(self, event: str, **fields: Any) -> Any: ...


def reported_to(log: ErrorLog) -> ErrorSink:
    """What most owners do about a task that failed: one line with its traceback."""
    return lambda name, error: log.error("task_died", task=name, exc_info=error)


class Tasks:
    """A set of owned tasks. `on_error(name, exception)` is called for each task that fails."""

    def __init__(self, on_error: ErrorSink) -> None:
        self._on_error = on_error
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run `work` until it ends or `close()`; its result is dropped, its exception reported."""
        if self._closing:
            work.close()
            raise RuntimeError(f"{name}: its owner is shutting down")
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_error(task.get_name(), error)

    async def close(self) -> None:
        """Cancel and wait for every task; safe to call twice, and from one of the tasks itself."""
        self._closing = True
        me = asyncio.current_task()
        while tasks := [t for t in self._tasks if t is not me]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def __bool__(self) -> bool:
        return True


# A turn of the loop that is over sooner had nothing to do.
_SHORT_TURN_S = 0.0002


class Lull:
    """For work that can wait: it goes on when the loop has room, and on a busy loop one at a time, each after `most_s`.

    Those who wait do so in the order they came, and cost a busy loop nothing but the first one's looks at it.
    """

    def __init__(self, clock: Clock, most_s: float) -> None:
        self._clock, self._most_s = clock, most_s
        self._first = asyncio.Lock()

    async def wait(self) -> None:
        clock = self._clock
        async with self._first:
            now = clock.monotonic()
            until = now + self._most_s
            while True:
                before = now
                await clock.sleep(0)
                now = clock.monotonic()
                if now - before < _SHORT_TURN_S or now >= until:
                    return


async def gather_bounded(limit: int, works: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run `works` with at most `limit` at once; results or exceptions in their order, none is lost."""
    outcomes: list[Any] = [None] * len(works)
    queue = iter(enumerate(works))

    async def take_turns() -> None:
        for at, work in queue:
            try:
                outcomes[at] = await work
            except asyncio.CancelledError as error:
                me = asyncio.current_task()
                if me is not None and me.cancelling():
                    raise
                outcomes[at] = error
            except Exception as error:  # noqa: BLE001 - whoever asked looks at it
                outcomes[at] = error

    try:
        await asyncio.gather(*(take_turns() for _ in range(min(limit, len(works)))))
        return outcomes
    finally:
        # Those that a cancelled caller never let begin; the others end by their own cancellation.
        for work in works:
            if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
                work.close()
