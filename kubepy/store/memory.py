"""The store in memory, for tests, simulations and `--ephemeral`.

The log has the events of each revision, and here and there a mark: the map as of that revision, an immutable
`SortedMap`. What has changed since the last mark is kept in a dict beside it, and goes into a new map when there is
enough of it, or when somebody reads in order: so a write makes no nodes of a tree, and a read at an old revision is one
of the mark before it and of the few events after that. `fork()` hands all this to a second store, which then goes its
own way:

    base = MemoryStore()                  # bring a cluster up in it, once
    store = base.fork()                   # one copy per test, in microseconds

Nothing here waits: no threads, no timers, no I/O; each method runs to its end when awaited. So virtual time is exact.
Not promised: that anything outlives the process.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncGenerator, Sequence
from itertools import islice
from typing import NamedTuple

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

# A mark at least every so many revisions: some 2 ms of work at once, and as much for who reads at a revision between.
_MARK_EVERY = 1024
# Freeing what a million revisions held takes a second; so later writes do it, faster than they add new ones.
_FREED_PER_WRITE = 8
# Revisions looked at for one piece of history: below a millisecond.
_PIECE = 512


class _Mark(NamedTuple):
    revision: int
    map: _Map


class _Log:
    """Revisions first, first + 1, ... with their events, and marks, one of them before or at `first`. Once it has a
    child, which a fork gives it, nothing is appended any more, so that any number of stores can share it."""

    __slots__ = ("events", "first", "marks", "parent")

    def __init__(self, parent: _Log | None, first: int, mark: _Mark) -> None:
        self.parent, self.first = parent, first
        self.marks = [mark]
        self.events: list[Sequence[Event]] = []

    def at(self, revision: int) -> _Map:
        """The map as of one of these revisions."""
        index = bisect_right(self.marks, revision, key=_revision_of)
        mark = self.marks[index - 1]
        if mark.revision == revision:
            return mark.map
        since = islice(self.events, mark.revision + 1 - self.first, revision + 1 - self.first)
        found = mark.map.updated(dict(_change(event) for events in since for event in events))
        # Who reads pages comes again.
        self.marks.insert(index, _Mark(revision, found))
        return found


def _revision_of(mark: _Mark) -> int:
    return mark.revision


def _change(event: Event) -> tuple[bytes, KeyValue | None]:
    kv = event.kv
    return kv.key, kv if kv.version else None


class MemoryStore:
    """Implements `base.Store`."""

    def __init__(self) -> None:
        self._map = _Map()
        self._changed: dict[bytes, KeyValue | None] = {}  # since that was made; None: removed
        self._log = _Log(None, 1, _Mark(0, self._map))
        self._log.events.append(())
        self._revision, self._compacted = 1, 0
        self._keys = 0
        self._size_bytes = 0
        self._forgotten: list[object] = []
        self._fanout = Fanout()
        self._closed = False

    def fork(self) -> MemoryStore:
        """A store with this one's content, history and revision, but none of its watches. O(1), once what was written
        lately is in a map."""
        mark = _Mark(self._revision, self._mark())
        if self._log.events:
            self._log = _Log(self._log, self._revision + 1, mark)
        fork = MemoryStore()
        fork._map, fork._log = self._map, _Log(self._log.parent, self._revision + 1, mark)
        fork._revision, fork._compacted = self._revision, self._compacted
        fork._keys, fork._size_bytes = self._keys, self._size_bytes
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
        if revision in (0, self._revision):
            self._check_open()
            return self._newest(key)
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
        result, events = transaction.decide(self._newest, compares, operations, self._revision)
        if events:
            for event in events:
                self._apply(event)
            self._log.events.append(events)
            self._fanout.publish(events)
            self._revision = result.revision
            if result.revision - self._log.marks[-1].revision >= _MARK_EVERY:
                self._mark()
            del self._forgotten[-_FREED_PER_WRITE:]
        return result

    def _newest(self, key: bytes) -> KeyValue | None:
        changed = self._changed
        return changed[key] if key in changed else self._map.get(key)

    def _apply(self, event: Event) -> None:
        kv, previous = event.kv, event.previous
        if kv.version:
            self._changed[kv.key] = kv
            self._size_bytes += len(kv.value)
            if previous is None:
                self._keys += 1
                self._size_bytes += len(kv.key)
        else:
            self._changed[kv.key] = None
            self._keys -= 1
            self._size_bytes -= len(kv.key)
        if previous is not None:
            self._size_bytes -= len(previous.value)

    def _mark(self) -> _Map:
        """The map as of now."""
        if self._changed:
            self._map = self._map.updated(self._changed)
            self._changed = {}
            self._log.marks.append(_Mark(self._revision, self._map))
        return self._map

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
        self._log, forgotten = _split(self._log, _Mark(revision, self._at(revision)))
        self._forgotten += forgotten
        self._compacted = revision

    def statistics(self) -> Statistics:
        return Statistics(self._revision, self._compacted, self._keys, len(self._fanout), self._size_bytes)

    async def close(self) -> None:
        self._closed = True
        self._fanout.close()

    def _at(self, revision: int) -> _Map:
        self._check_open()
        if revision in (0, self._revision):
            return self._mark()
        self._check_readable(revision)
        log = self._log
        while revision < log.first:
            assert log.parent is not None, "an uncompacted revision is in the log"
            log = log.parent
        return log.at(revision)

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


def _split(log: _Log, oldest: _Mark) -> tuple[_Log, list[object]]:
    """The log from a revision on, and what only its earlier part holds. The old one is left alone: forks share it."""
    kept: _Log | None = None
    forgotten: list[object] = []
    parts = _lineage(log, oldest.revision)
    for part in parts:
        skip = max(0, oldest.revision - part.first)
        copy = _Log(kept, part.first + skip, part.marks[0])
        copy.marks, copy.events = part.marks, part.events
        if skip:
            later = bisect_right(part.marks, oldest.revision, key=_revision_of)
            copy.marks, copy.events = [oldest, *part.marks[later:]], part.events[skip:]
            forgotten += part.marks[:later]
            forgotten += part.events[:skip]
        kept = copy
    earlier = parts[0].parent
    while earlier is not None:
        forgotten += earlier.marks
        forgotten += earlier.events
        earlier = earlier.parent
    assert kept is not None, "a readable revision is in the log"
    return kept, forgotten
