"""Where events go: a file (or standard output) at once, a webhook in batches or one by one.

The file is rotated by size as lumberjack does it: audit.log is the present one, audit-2026-11-23T10-00-00.000.log an
old one; old ones go by number and by age. Writing blocks the loop for the length of one write to the page cache.

The webhook gets EventLists. In batches its queue is bounded: when it is full events are dropped and counted
(apiserver_audit_error_total), for the cluster must not stop because somebody does not listen. One by one (mode
blocking) the request waits for its events; strict, one whose first event is lost is not served.

Not there: compressed old files, batches for the file, bounds on the bytes of batches.

Source: apiserver plugin/pkg/audit/{log,webhook,buffered,truncate}, pkg/server/options/audit.go; lumberjack.
"""

from __future__ import annotations

import io
import os
import sys
from collections import deque
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import IO, Protocol

import orjson
from msgspec import Struct

from kubepy.api.errors import StatusError
from kubepy.api.objects import Obj
from kubepy.apiserver.audit.event import legacy
from kubepy.apiserver.audit.policy import REQUEST, REQUEST_RESPONSE
from kubepy.client.transport import ConnectionLost, Transport
from kubepy.lib.aio import Tasks, reported_to
from kubepy.lib.backoff import TokenBucket
from kubepy.lib.clock import Clock, Timer, rfc3339_micro
from kubepy.observability.logs import Logger, lines_to
from kubepy.observability.metrics import Counter, Metrics

# Source: pkg/util/webhook/webhook.go DefaultRetryBackoffWithInitialDelay.
ATTEMPTS, RETRY_S, RETRY_FACTOR, TIMEOUT_S = 5, 10.0, 1.5, 30.0


BATCH, BLOCKING, BLOCKING_STRICT = MODES = ("batch", "blocking", "blocking-strict")
TRUNCATED = "audit.k8s.io/truncated"


class Batching(Struct, frozen=True):
    """How events wait for each other. Source: pkg/server/options/audit.go defaultBatch*."""

    buffer_max: int = 10_000  # events that wait; what comes after them is lost
    size_max: int = 400  # events that are sent together
    wait_s: float = 30.0  # how long the first of them waits at most
    rate: float = 10.0  # batches a second, on average; 0: as fast as they are taken
    burst: int = 15


_USUAL = Batching()


class Backend(Protocol):
    def write(self, event: Obj) -> bool | Awaitable[bool]:
        """Never raises. False: it is lost, and that is the request's concern; what can be awaited is to be."""

    async def close(self) -> None: ...


def losses(metrics: Metrics, plugin: str) -> Counter:
    return metrics.counter(
        "apiserver_audit_error_total",
        "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the "
        "error.",
        ("plugin",),
    ).labels(plugin)


class Truncated:
    """Leaves out the bodies of events that would be larger than `size_max`, and the events that still are."""

    def __init__(self, backend: Backend, *, size_max: int, metrics: Metrics) -> None:
        self._backend, self._size_max = backend, size_max
        self._lost = losses(metrics, "truncate")

    def write(self, event: Obj) -> bool | Awaitable[bool]:
        if self._is_too_large(event) and event["level"] in (REQUEST, REQUEST_RESPONSE):
            event = {name: value for name, value in event.items() if name not in _BODIES}
            event["annotations"] = event.get("annotations", {}) | {TRUNCATED: "true"}
        if self._is_too_large(event):
            self._lost.inc()
            return True
        return self._backend.write(event)

    def _is_too_large(self, event: Obj) -> bool:
        return len(orjson.dumps(event)) + 1 > self._size_max

    async def close(self) -> None:
        await self._backend.close()


_BODIES = ("requestObject", "responseObject")


class Log:
    def __init__(self, stream: RotatedFile | IO[bytes], form: str, *, is_strict: bool = False) -> None:
        self._stream, self._is_strict = stream, is_strict
        self._log = lines_to(stream)
        self._is_legacy = form == "legacy"

    def write(self, event: Obj) -> bool:
        line = legacy(event)[:-1] if self._is_legacy else orjson.dumps(event)
        try:
            self._log.msg(line)
        except OSError:
            # A full disk must not take the cluster down, unless that is wanted; the store speaks up by itself.
            return not self._is_strict
        return True

    async def close(self) -> None:
        if isinstance(self._stream, RotatedFile):
            self._stream.close()


def standard_output() -> IO[bytes]:
    return sys.stdout.buffer


class RotatedFile:
    """`size_max` in bytes, 0 for none; `count_max` old files and `age_max_s` seconds of their age, 0 for any."""

    def __init__(
        self, path: Path, *, clock: Clock, size_max: int = 0, count_max: int = 0, age_max_s: float = 0.0
    ) -> None:
        self.path, self._clock = path, clock
        self._size_max, self._count_max, self._age_max_s = size_max, count_max, age_max_s
        self._open()
        self._clean()

    def _open(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file = io.FileIO(descriptor, "w")
        self._size = os.fstat(descriptor).st_size

    def write(self, data: bytes) -> int:
        if self._size_max and self._size and self._size + len(data) > self._size_max:
            self._rotate()
        self._size += len(data)
        return self._file.write(data) or 0

    def flush(self) -> None:
        """Nothing is held back."""

    def _rotate(self) -> None:
        self._file.close()
        self.path.rename(
            self.path.with_name(f"{self.path.stem}-{self._stamp(self._clock.now())}{self.path.suffix}")
        )
        self._open()
        self._clean()

    @staticmethod
    def _stamp(now: float) -> str:
        """2026-11-23T10-00-00.000, in UTC: as text in the order of time."""
        return rfc3339_micro(now)[:23].replace(":", "-")

    def _clean(self) -> None:
        old = sorted(self.path.parent.glob(f"{self.path.stem}-*{self.path.suffix}"), reverse=True)
        youngest = self._stamp(self._clock.now() - self._age_max_s) if self._age_max_s else ""
        for index, path in enumerate(old):
            is_old = path.stem.removeprefix(f"{self.path.stem}-") < youngest
            if (self._count_max and index >= self._count_max) or is_old:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()


class Sender:
    """`transport` leads to the service, and is this one's to close."""

    def __init__(
        self, transport: Transport, *, clock: Clock, log: Logger, metrics: Metrics, backoff_s: float = RETRY_S
    ) -> None:
        self._transport, self._clock, self._log, self._backoff_s = transport, clock, log, backoff_s
        self.lost = losses(metrics, "webhook")

    async def send(self, batch: Sequence[bytes]) -> bool:
        """Patiently."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._clock.sleep(self._backoff_s * RETRY_FACTOR ** (attempt - 1))
            try:
                await self.post(batch, TIMEOUT_S)
                return True
            except (ConnectionLost, StatusError) as error:
                failure: Exception = error
                if isinstance(error, StatusError) and error.code < 500 and error.code != 429:
                    break
        self.lost.inc(len(batch))
        self._log.warning("audit_events_dropped", count=len(batch), error=str(failure))
        return False

    async def post(self, batch: Sequence[bytes], timeout_s: float) -> None:
        """Once. Raises ConnectionLost, StatusError."""
        body = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[%b]}'
        await self._transport.request("POST", "", body=body % b",".join(batch), timeout_s=timeout_s)

    async def close(self) -> None:
        await self._transport.close()


class BlockingWebhook:
    """Each request waits until its events are there, or lost."""

    def __init__(self, sender: Sender, *, is_strict: bool) -> None:
        self._sender, self._is_strict = sender, is_strict

    def write(self, event: Obj) -> Awaitable[bool]:
        return self._send(orjson.dumps(event))

    async def _send(self, event: bytes) -> bool:
        return await self._sender.send([event]) or not self._is_strict

    async def close(self) -> None:
        await self._sender.close()


class Webhook:
    """In batches."""

    def __init__(self, sender: Sender, *, clock: Clock, log: Logger, batching: Batching = _USUAL) -> None:
        self._sender, self._clock, self._log, self._batching = sender, clock, log, batching
        self._tasks = Tasks(reported_to(log))
        self._waiting: deque[bytes] = deque()
        self._timer: Timer | None = None
        self._bucket: TokenBucket | None = None
        if batching.rate:
            self._bucket = TokenBucket(clock, rate=batching.rate, burst=batching.burst)

    def write(self, event: Obj) -> bool:
        if len(self._waiting) >= self._batching.buffer_max:
            self._sender.lost.inc()
            return True
        self._waiting.append(orjson.dumps(event))
        if len(self._waiting) == self._batching.size_max:
            self._flush()
        elif self._timer is None:
            self._timer = self._clock.call_later(self._batching.wait_s, self._flush)
        return True

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and not len(self._tasks):
            self._tasks.start(self._send_all(), name="audit-webhook")

    async def _send_all(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            if self._bucket is not None:
                await self._clock.sleep(self._bucket.take())
            await self._sender.send(batch)

    def _next_batch(self) -> list[bytes]:
        return [self._waiting.popleft() for _ in range(min(self._batching.size_max, len(self._waiting)))]

    async def close(self) -> None:
        """What waits is sent once more, without patience."""
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.close()
        try:
            while self._waiting:
                await self._sender.post(self._next_batch(), 1.0)
        except (ConnectionLost, StatusError) as error:
            self._log.warning("audit_events_dropped", count=len(self._waiting), error=str(error))
        await self._sender.close()
