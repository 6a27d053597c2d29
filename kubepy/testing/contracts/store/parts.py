"""What tests of stores say again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kubepy.store.base import (
    Delete,
    Event,
    EventType,
    KeyValue,
    Put,
    Store,
    TxnResult,
)

# More than any implementation reads, writes or delivers in one go.
MANY = 1000


async def put(store: Store, key: bytes, value: bytes = b"v") -> int:
    """Write unconditionally; the revision."""
    return (await store.txn([], [Put(key, value)])).revision


async def delete(store: Store, key: bytes) -> int:
    return (await store.txn([], [Delete(key)])).revision


async def keys(store: Store, prefix: bytes = b"/", *, revision: int = 0) -> list[bytes]:
    return [kv.key for kv in (await store.list(prefix, revision=revision)).items]


async def history(store: Store, prefix: bytes, first: int, last: int) -> list[Event]:
    return [event async for events in store.history(prefix, first, last) for event in events]


def created(key: bytes, value: bytes, revision: int) -> Event:
    return Event(EventType.PUT, KeyValue(key, value, revision, revision, 1), None)


class Recorder:
    """A sink that remembers. `revisions` are those of its events, in the order they came."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.calls = 0

    def __call__(self, events: Sequence[Event]) -> None:
        assert events, "a sink is called with events or not at all"
        self.calls += 1
        self.events += events

    @property
    def revisions(self) -> list[int]:
        return [event.kv.mod_revision for event in self.events]

    @property
    def keys(self) -> list[bytes]:
        return [event.kv.key for event in self.events]


def hashable(result: TxnResult) -> TxnResult:
    return TxnResult(result.succeeded, result.revision, tuple(result.current))


def unhandled() -> list[BaseException]:
    """What reaches the loop's exception handler from now on."""
    failures: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    return failures
