"""The store in memory, for tests, simulations and `--ephemeral`.

The map of each revision is an immutable `SortedMap`; the log is the list of them with the events that made them.
So a read at an old revision is a read, and `fork()` hands both to a second store, which then goes its own way:

    base = MemoryStore()                  # bring a cluster up in it, once
    store = base.fork()                   # one copy per test, in microseconds

Nothing here waits: no threads, no timers, no I/O; each method runs to its end when awaited. So virtual time is exact.
Not promised: that anything outlives the process.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from itertools import islice

from kubepy.store import transaction
from kubepy.store.base import (
    Compacted,
    Compare,
    Event,
    FutureRevision,
    KeyValue,
    Operation,
    Page,
    Sink,
    Statistics,
    TxnResult,
    Unavailable,
    Watch,
)
from kubepy.store.sortedmap import SortedMap
from kubepy.store.watch import Fanout

_Map = SortedMap[KeyValue]

# Freeing the maps of a million revisions takes a second; so later writes do it, faster than they add new ones.
_FREED_PER_WRITE = 8
# Revisions looked at for one piece of history: below a millisecond.
_PIECE = 512


class _Log:
    """Revisions first, first + 1, ... with their maps and events. Once it has a child, which a fork gives it,
    nothing is appended any more, so that any number of stores can share it."""

    __slots__ = ("events", "first", "maps", "parent")

    def __init__(self, parent: _Log | None, first: int) -> None:
        self.parent, self.first = parent, first
        self.maps: list[_Map] = []
        self.events: list[Sequence[Event]] = []


class MemoryStore:
    """Implements `base.Store`."""

    def __init__(self) -> None:
        self._map = _Map()
        self._log = _Log(None, 1)
        self._log.maps.append(self._map)
        self._log.events.append(())
        self._revision, self._compacted = 1, 0
        self._size_bytes = 0
        self._forgotten: list[object] = []
        self._fanout = Fanout()
        self._closed = False

    def fork(self) -> MemoryStore:
        """A store with this one's content, history and revision, but none of its watches. O(1)."""
        if self._log.maps:
            self._log = _Log(self._log, self._revision + 1)
        fork = MemoryStore()
        fork._map, fork._log = self._map, _Log(self._log.parent, self._revision + 1)
        fork._revision, fork._compacted = self._revision, self._compacted
        fork._size_bytes = self._size_bytes
        return fork

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def compacted(self) -> int:
        return self._compacted

    @property
    def is_writable(self) -> bool:
        return not self._closed

    async def get(self, key: bytes, *, revision: int = 0) -> KeyValue | None:
        return self._at(revision).get(key)

    async def list(self, prefix: bytes, *, revision: int = 0, start: bytes = b"", limit: int = 0) -> Page:
        tree = self._at(revision)
        start, end = max(prefix, start), transaction.prefix_end(prefix)
        items = tree.range(start, end, limit)
        remaining = tree.rank(end) - tree.rank(start) - len(items) if limit and len(items) == limit else 0
        return Page(items, revision or self._revision, remaining)

    async def txn(self, compares: Sequence[Compare], operations: Sequence[Operation]) -> TxnResult:
        self._check_open()
        transaction.check(operations)
        result, events = transaction.decide(self._map.get, compares, operations, self._revision)
        if events:
            for event in events:
                self._apply(event)
            self._log.maps.append(self._map)
            self._log.events.append(events)
            self._fanout.publish(events)
            self._revision = result.revision
            del self._forgotten[-_FREED_PER_WRITE:]
        return result

    def _apply(self, event: Event) -> None:
        _, kv, previous = event
        if kv.version:
            self._map = self._map.set(kv.key, kv)
            self._size_bytes += len(kv.value)
            if previous is None:
                self._size_bytes += len(kv.key)
        else:
            self._map = self._map.remove(kv.key)
            self._size_bytes -= len(kv.key)
        if previous is not None:
            self._size_bytes -= len(previous.value)

    async def watch(self, prefix: bytes, sink: Sink, *, start_revision: int = 0) -> Watch:
        self._check_open()
        if 0 < start_revision <= self._compacted:
            raise Compacted(self._compacted)
        subscription = self._fanout.subscribe(prefix, sink, start_revision, held=False)
        if 0 < start_revision <= self._revision:
            subscription.replay(self._events(prefix, start_revision, self._revision))
        return subscription

    async def history(self, prefix: bytes, first: int, last: int) -> AsyncGenerator[Sequence[Event], None]:
        self._check_open()
        if last > self._revision:
            raise FutureRevision(self._revision)
        while first <= last:
            self._check_open()
            if first <= self._compacted:
                raise Compacted(self._compacted)
            yield self._events(prefix, first, min(first + _PIECE - 1, last))
            first += _PIECE

    async def compact(self, revision: int) -> None:
        self._check_open()
        self._check_readable(revision)
        if revision == self._compacted:
            raise Compacted(self._compacted)
        self._log, forgotten = _split(self._log, revision)
        self._forgotten += forgotten
        self._compacted = revision

    def statistics(self) -> Statistics:
        return Statistics(
            self._revision, self._compacted, len(self._map), len(self._fanout), self._size_bytes
        )

    async def close(self) -> None:
        self._closed = True
        self._fanout.close()

    def _at(self, revision: int) -> _Map:
        self._check_open()
        if revision in (0, self._revision):
            return self._map
        self._check_readable(revision)
        log = self._log
        while revision < log.first:
            assert log.parent is not None, "an uncompacted revision is in the log"
            log = log.parent
        return log.maps[revision - log.first]

    def _events(self, prefix: bytes, first: int, last: int) -> Sequence[Event]:
        """What changed under `prefix` in the revisions first ... last."""
        return [
            event
            for log in _lineage(self._log, first)
            for events in islice(log.events, max(0, first - log.first), max(0, last + 1 - log.first))
            for event in events
            if event.kv.key.startswith(prefix)
        ]

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    def _check_readable(self, revision: int) -> None:
        if revision > self._revision:
            raise FutureRevision(self._revision)
        if revision < self._compacted:
            raise Compacted(self._compacted)


def _lineage(log: _Log | None, revision: int) -> list[_Log]:
    """The parts of the log that hold `revision` and later, oldest first."""
    parts = []
    while log is not None:
        parts.append(log)
        if log.first <= revision:
            break
        log = log.parent
    return parts[::-1]


def _split(log: _Log, revision: int) -> tuple[_Log, list[object]]:
    """The log from `revision` on, and what only its earlier part holds. The old one is left alone: forks share it."""
    kept: _Log | None = None
    forgotten: list[object] = []
    parts = _lineage(log, revision)
    for part in parts:
        skip = max(0, revision - part.first)
        copy = _Log(kept, part.first + skip)
        copy.maps, copy.events = part.maps, part.events
        if skip:
            copy.maps, copy.events = part.maps[skip:], part.events[skip:]
            forgotten += part.maps[:skip]
            forgotten += part.events[:skip]
        kept = copy
    earlier = parts[0].parent
    while earlier is not None:
        forgotten += earlier.maps
        forgotten += earlier.events
        earlier = earlier.parent
    assert kept is not None, "a readable revision is in the log"
    return kept, forgotten
