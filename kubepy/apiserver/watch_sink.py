"""Where the registry pushes what an HTTP watcher is to get, and the flusher that writes for all of them.

    LIVE     events go out with the next flush
    WAITING  the socket is full (or the past is being replayed): events pile up, at most BACKLOG_BYTES_MAX
    OVER     ended in good order (timeout, shutdown, ERROR event), cut off (backlog full), or the client is gone

Source: apiserver pkg/endpoints/handlers/watch.go, pkg/storage/cacher/cache_watcher.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from kubepy.api.errors import StatusError
from kubepy.apiserver.request import WatchResponse
from kubepy.lib.clock import Clock

# A TLS write costs 16 us, ten times the event in it. Watchers therefore get at most 500 writes a second each; the first
# event after a pause goes out at once.
FLUSH_INTERVAL_S = 0.002

# A burst beyond it is not saved up for the next flush: joined once per watcher, it would be in memory many times.
FLUSH_BYTES_MAX = 256 << 10

# What a watcher may have unsent before it is cut off. kube-apiserver cuts off at some 100 to 1000 events.
BACKLOG_BYTES_MAX = 16 << 20

LAST_CHUNK = b"0\r\n\r\n"


class Pipe(Protocol):
    """The client's connection."""

    @property
    def transport(self) -> Any:
        """None once it is lost."""

    @property
    def writing_paused(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    async def drained(self, clock: Clock) -> None: ...

    def abort(self) -> None: ...


class HttpSink:
    """The sink of one HTTP watcher."""

    __slots__ = (
        "_backlog", "_connection", "_failure", "_flusher", "_is_cut", "_is_flushing", "_is_live", "_pending",
        "_subscription", "_waiter", "is_over",
    )  # fmt: skip

    def __init__(self, connection: Pipe, response: WatchResponse, flusher: Flusher) -> None:
        self._connection = connection
        self._subscription = response.subscription
        self._failure = response.failure
        self._flusher = flusher
        self._pending: list[bytes] = []
        self._backlog = 0  # bytes pending
        self._is_live = False
        self._is_flushing = False  # is in the flusher's list
        self._is_cut = False
        self.is_over = False
        self._waiter: asyncio.Future[None] | None = None

    def send(self, batch: Sequence[bytes]) -> None:
        if self.is_over:
            return
        self._pending.extend(batch)
        self._backlog += sum(map(len, batch))
        if self._is_live:
            if self._backlog > FLUSH_BYTES_MAX:
                self._write_live()
            elif not self._is_flushing:
                self._is_flushing = True
                self._flusher.add(self)
        elif self._backlog > BACKLOG_BYTES_MAX:
            self._cut()

    def fail(self, error: StatusError) -> None:
        if not self.is_over:
            self._pending.append(self._failure(error.status()))
            self.end()

    def end(self) -> None:
        self.is_over = True
        self._wake()

    def _cut(self) -> None:
        self.is_over = self._is_cut = True
        self._pending.clear()
        self._subscription.close()
        self._connection.abort()
        self._wake()

    def flush(self) -> None:
        """Called by the flusher, once for each `add`."""
        self._is_flushing = False
        if self._is_live and self._pending:
            self._write_live()

    def _write_live(self) -> None:
        self._write()
        if self._connection.writing_paused:
            self._is_live = False
            self._wake()

    def _write(self) -> None:
        pending = self._pending
        self._pending = []
        self._backlog = 0
        transport = self._connection.transport
        if transport is not None:
            transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def run(self, clock: Clock) -> None:
        """Until the end: wait for the socket when it is full, else sleep. Writes the last chunk."""
        connection = self._connection
        loop = asyncio.get_running_loop()
        while not self._is_cut:
            if connection.writing_paused:
                await connection.drained(clock)
                continue
            if self._pending:
                self._write()
                continue
            if self.is_over:
                connection.write(LAST_CHUNK)
                return
            self._is_live = True
            self._waiter = loop.create_future()
            await self._waiter
            self._is_live = False
        raise ConnectionResetError("watch cut off")


class Flusher:
    """Writes for all watchers that have something to send: in the next turn of the loop, or a little later if the last
    time was just now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sinks: list[HttpSink] = []
        self._last = -1.0

    def add(self, sink: HttpSink) -> None:
        self._sinks.append(sink)
        if len(self._sinks) == 1:
            self._clock.call_later(self._last + FLUSH_INTERVAL_S - self._clock.monotonic(), self._flush)

    def _flush(self) -> None:
        self._last = self._clock.monotonic()
        sinks, self._sinks = self._sinks, []
        for sink in sinks:
            sink.flush()
