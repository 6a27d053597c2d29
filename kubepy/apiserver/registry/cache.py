"""The watch cache: one resource in memory, as bytes, always current.

The store calls the cache's sink with every event before the write that caused it returns, so what is here is never
behind `store.revision`: reads from memory are linearizable, and a write can compare against the Document found here.

A watch is a Subscription (subscription.py) that has joined a Feed (feeds.py). An event is looked up in the feeds of its
own scope only (everything, its namespace, its name), classified and encoded once per feed, and the batch is handed to
all its sinks. Nothing is queued here: the sinks (the doors) are bounded and cut off clients that do not keep up.

Recent changes stay in a ring, bounded by count and by bytes, for watches that resume; what is older is the store's.

Promised: per key, no event lost, doubled or reordered; over all keys, events in revision order.
Not promised: that two watchers see an event at the same moment.

Source: apiserver pkg/storage/cacher/{cacher,watch_cache,cache_watcher}.go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Any, NamedTuple

import orjson
from sortedcontainers import SortedDict

from kubepy.api import errors
from kubepy.api.objects import Document, DocumentPool, Obj, with_revision
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.feeds import EVERYTHING, Change, Feed, FeedKey, Feeds, Scope, Seen, View
from kubepy.apiserver.registry.keys import key_at, prefix_of
from kubepy.apiserver.request import Sink
from kubepy.store.base import Compacted, Event, EventType, Store, Watch

# Recent changes kept per resource: enough for a client that reconnects; what is older comes from the store.
HISTORY_MAX = 4096
HISTORY_BYTES_MAX = 4 << 20


class Origin(NamedTuple):
    """What an object says in the version that it was stored in, where that is another than objects are stored in now:
    other versions are made of it."""

    value: bytes  # without a revision
    row: Resource


class Translated(Document, eq=False, gc=False):
    """Shown as stored in the present version; the next write makes it so."""

    origin: Origin | None = None

    def source(self) -> tuple[Obj, Resource]:
        assert self.origin is not None, "others are Documents"
        return orjson.loads(with_revision(self.origin.value, self.revision)), self.origin.row

    def restamped(self, revision: int) -> Document:
        other = Document.restamped(self, revision)
        return Translated(other.key, other.raw, revision, self._pool, None, self.origin)


class Revived(NamedTuple):
    """A stored value as the kind's present definition has it."""

    value: bytes
    origin: Origin | None = None


Revive = Callable[[Sequence[bytes]], Awaitable[list[Revived]]]


class Page(NamedTuple):
    """Some documents in key order; `last` is the path of the last one, `remaining` what the limit cut off."""

    documents: list[Document]
    last: str
    remaining: int


class ResourceCache:
    """All objects of one stored resource. Created empty; `await load()` before anything else."""

    def __init__(
        self, store: Store, storage: Resource, pool: DocumentPool, *, history_max: int = HISTORY_MAX,
        history_bytes_max: int = HISTORY_BYTES_MAX, revive: Revive | None = None,
    ) -> None:  # fmt: skip
        """`revive`: for kinds whose definition changes while their objects are stored."""
        self.storage = storage
        self._revive = revive
        # Paths of objects whose stored value is another than what is served.
        self.stale: set[str] = set()
        self.size_bytes = 0  # of all documents
        self.prefix = prefix_of(storage)
        self._store = store
        self._pool = pool
        self._documents: SortedDict = SortedDict()
        self._history: deque[Change] = deque()
        self._history_max, self._history_bytes_max = history_max, history_bytes_max
        self._history_bytes = 0
        # Every change after this revision is in the ring.
        self._history_from = 0
        self.changed_at = 0  # revision of the newest change of this resource that we have seen
        self._feeds: dict[FeedKey, Feed] = {}
        self._readers = 0  # feeds whose watchers will decode what they are sent
        self._foreseen: dict[str, tuple[bytes, Obj]] = {}
        self._by_scope: dict[Scope, Feeds] = {}
        self._observers: list[Callable[[Change], None]] = []
        self._on_loaded: list[Callable[[list[Document]], None]] = []
        self._watch: Watch | None = None
        self._loading = asyncio.Lock()
        self.is_loaded = False

    async def load(self) -> None:
        """Read the resource once; later calls cost nothing, concurrent ones wait for the first."""
        if self.is_loaded:
            return
        async with self._loading:
            if not self.is_loaded:
                await self._load()

    async def _load(self) -> None:
        page = await self._store.list(self.prefix)
        skip = len(self.prefix)
        for kv, revived in zip(page.items, await self._revived([kv.value for kv in page.items])):
            path = kv.key[skip:].decode()
            document = self._documents[path] = self._revived_document(path, revived, kv.mod_revision)
            self.size_bytes += len(document.raw)
            if kv.is_stale or revived.value is not kv.value:
                self.stale.add(path)
        self._history_from = self.changed_at = page.revision
        self._watch = await self._store.watch(self.prefix, self._on_events, start_revision=page.revision + 1)
        self.is_loaded = True
        for on_loaded in self._on_loaded:
            on_loaded(self.documents())

    def mark_stale(self) -> None:
        self.stale.update(self._documents)

    def close(self) -> None:
        """End every watch in good order and stop following the store."""
        if self._watch is not None:
            self._watch.cancel()
        for feed in list(self._feeds.values()):
            feed.end()
        self._feeds.clear()
        self._readers = 0
        self._by_scope.clear()

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """What is in here is the state as of this revision."""
        return self._store.revision

    def get(self, path: str) -> Document | None:
        return self._documents.get(path)

    def __len__(self) -> int:
        return len(self._documents)

    def __bool__(self) -> bool:
        return True

    def documents(self, namespace: str = "") -> list[Document]:
        """All of them, or a namespace's, in key order."""
        if not namespace:
            return list(self._documents.values())
        documents = self._documents
        return [documents[path] for path in self._range(namespace, "")]

    def page(self, namespace: str, start: str, limit: int) -> Page:
        """Up to `limit` documents (0: all) from path `start` on."""
        documents = self._documents
        if not limit and not start:
            found = self.documents(namespace)
            return Page(found, "", 0)
        paths = list(islice(self._range(namespace, start), limit or None))
        if not limit or len(paths) < limit:
            return Page([documents[path] for path in paths], paths[-1] if paths else "", 0)
        end = documents.bisect_left(_end_of(namespace)) if namespace else len(documents)
        remaining = end - documents.bisect_right(paths[-1])
        return Page([documents[path] for path in paths], paths[-1], remaining)

    def _range(self, namespace: str, start: str) -> Iterator[str]:
        if not namespace:
            return self._documents.irange(start or None)
        return self._documents.irange(max(start, f"{namespace}/"), _end_of(namespace), (True, False))

    # -- following the store -----------------------------------------------------------------------------------------

    def observe(
        self, observer: Callable[[Change], None], on_loaded: Callable[[list[Document]], None] | None = None
    ) -> None:
        """Call `observer` with every change from now on, synchronously: for indexes kept beside the cache.
        `on_loaded` gets what was there, once it is known."""
        self._observers.append(observer)
        if on_loaded is not None:
            if self.is_loaded:
                on_loaded(self.documents())
            else:
                self._on_loaded.append(on_loaded)

    def foresee(self, path: str, value: bytes, obj: Obj) -> None:
        """`value`, which is about to be written, says `obj` (the cache's from here on, no resourceVersion yet): nobody
        has to decode it who is going to be told of it anyway."""
        if self._readers:
            self._foreseen[path] = value, obj

    def foreseen(self, path: str) -> None:
        """The write is done, well or not."""
        self._foreseen.pop(path, None)

    def _document(self, path: str, value: bytes, revision: int, previous: Document | None = None) -> Document:
        # All versions share one key: indexes and informers hold it as long as the object lives.
        key = key_at(path) if previous is None else previous.key
        obj = None
        if self._foreseen and (known := self._foreseen.get(path)) is not None and known[0] is value:
            obj = known[1]
            obj["metadata"]["resourceVersion"] = str(revision)
        return Document(key, with_revision(value, revision), revision, self._pool, obj)

    async def _revived(self, values: Sequence[bytes]) -> list[Revived]:
        return [Revived(value) for value in values] if self._revive is None else await self._revive(values)

    def _revived_document(self, path: str, revived: Revived, revision: int) -> Document:
        if revived.origin is None:
            return self._document(path, revived.value, revision)
        raw = with_revision(revived.value, revision)
        return Translated(key_at(path), raw, revision, self._pool, None, revived.origin)

    def _on_events(self, events: Sequence[Event]) -> None:
        touched: dict[Feed, list[Seen]] = {}
        failure: Exception | None = None
        skip = len(self.prefix)
        for event in events:
            kv = event.kv
            path = kv.key[skip:].decode()
            previous = self._documents.get(path)
            if previous is not None:
                self.size_bytes -= len(previous.raw)
            if self.stale:
                self.stale.discard(path)
            if event.type is EventType.PUT:
                document = self._document(path, kv.value, kv.mod_revision, previous)
                self._documents[path] = document
                self.size_bytes += len(document.raw)
                change = Change(path, document, previous, kv.mod_revision)
            else:
                assert previous is not None, "the cache holds every live key"
                del self._documents[path]
                change = Change(path, None, previous, kv.mod_revision)
            self.changed_at = kv.mod_revision
            self._remember(change)
            for observer in self._observers:
                try:
                    observer(change)
                except Exception as error:  # noqa: BLE001 - the events after this one must not be lost: raised below
                    failure = error
            if self._feeds:
                for feed in self._candidates(change):
                    if (seen := feed.classify(change)) is not None:
                        touched.setdefault(feed, []).append(seen)
            if previous is not None:
                previous.retire()
        if touched:
            encoded: dict[tuple[View, str, int], Any] = {}
            for feed, batch in touched.items():
                feed.flush(batch, encoded)
        if failure is not None:
            raise failure

    def _candidates(self, change: Change) -> Iterator[Feed]:
        key = change.key
        by_scope = self._by_scope
        scopes = [EVERYTHING]
        if key.namespace:
            scopes += [Scope(key.namespace, ""), Scope(key.namespace, key.name)]
        # Cluster-scoped objects, and fieldSelector=metadata.name=x over all namespaces.
        scopes.append(Scope("", key.name))
        for scope in scopes:
            if (feeds := by_scope.get(scope)) is not None:
                yield from feeds.concerned(change)

    def _remember(self, change: Change) -> None:
        history = self._history
        history.append(change)
        self._history_bytes += change.size_bytes
        while len(history) > self._history_max or self._history_bytes > self._history_bytes_max:
            oldest = history.popleft()
            self._history_bytes -= oldest.size_bytes
            self._history_from = oldest.revision

    def changes_after(self, revision: int) -> list[Change] | None:
        """What the ring has after `revision`, oldest first; None if the ring does not reach back that far."""
        if revision < self._history_from:
            return None
        found: list[Change] = []
        for change in reversed(self._history):
            if change.revision <= revision:
                break
            found.append(change)
        found.reverse()
        return found

    async def history(self, after: int, upto: int, scope: Scope) -> AsyncGenerator[list[Change], None]:
        """What the store has after revision `after` up to `upto`, in pieces, some of them empty.

        Only the namespace of `scope` is heeded. Raises Expired when what comes next is compacted.
        """
        prefix = self.prefix + (f"{scope.namespace}/".encode() if scope.namespace else b"")
        try:
            async with aclosing(self._store.history(prefix, after + 1, upto)) as pieces:
                async for events in pieces:
                    yield await self._changes(events)
        except Compacted as compacted:
            raise errors.too_old_resource_version(after, compacted.at)

    async def _changes(self, events: Sequence[Event]) -> list[Change]:
        skip = len(self.prefix)
        states = [
            kv for event in events for kv in (event.kv, event.previous) if kv is not None and kv.version
        ]
        revived = await self._revived([kv.value for kv in states])
        documents = iter(
            [
                self._revived_document(kv.key[skip:].decode(), each, kv.mod_revision)
                for kv, each in zip(states, revived)
            ]
        )
        return [
            Change(
                event.kv.key[skip:].decode(),
                next(documents) if event.type is EventType.PUT else None,
                next(documents) if event.previous is not None else None,
                event.kv.mod_revision,
            )
            for event in events
        ]

    # -- watching ----------------------------------------------------------------------------------------------------

    def join(self, key: FeedKey, sink: Sink) -> None:
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed(key)
            self._readers += key.view.is_decoded
            self._by_scope.setdefault(key.scope, Feeds()).add(feed)
        feed.sinks[sink] = None
        if key.view.has_header:
            feed.fresh.add(sink)

    def leave(self, key: FeedKey, sink: Sink) -> None:
        feed = self._feeds.get(key)
        if feed is None:
            return
        feed.sinks.pop(sink, None)
        feed.fresh.discard(sink)
        if not feed.sinks:
            del self._feeds[key]
            self._readers -= key.view.is_decoded
            siblings = self._by_scope[key.scope]
            siblings.remove(feed)
            if siblings.is_empty:
                del self._by_scope[key.scope]

    def header_sent(self, key: FeedKey, sink: Sink) -> bool:
        """Whether that is news."""
        feed = self._feeds.get(key)
        if feed is None or sink not in feed.fresh:
            return False
        feed.fresh.discard(sink)
        return True

    @property
    def watchers(self) -> int:
        return sum(len(feed.sinks) for feed in self._feeds.values())


def _end_of(namespace: str) -> str:
    """The first path after all of a namespace's: "0" is the character after "/"."""
    return f"{namespace}0"
