"""The watch cache: one resource in memory, as bytes, always current.

The store calls the cache's sink with every event before the write that caused it returns, so what is here is never
behind `store.revision`: reads from memory are linearizable, and a write can compare against the Document found here.

A watch is a Subscription. Subscriptions that want the same (scope, selection, view) share one Feed; an event is looked
up in the feeds of its own scope only (everything, its namespace, its name), and, of those that demand a label or the
value of a field, in the ones whose demand it meets or met: of five thousand that wait for the pods of a node each, one
is asked. It is classified and encoded once per feed, and the batch is handed to all their sinks. Nothing is queued
here: the sinks (the doors) are bounded and cut off clients that do not keep up.

A watch that resumes at revision N replays what came after N from the ring of recent changes, which is bounded by count
and by bytes. One that is older first reads the store's history, piece by piece at its client's pace, until the ring
reaches back to where it is; only what is compacted is answered with 410.

Promised: per key, no event lost, doubled or reordered; over all keys, events in revision order.
Not promised: that two watchers see an event at the same moment.

Source: apiserver pkg/storage/cacher/{cacher,watch_cache,cache_watcher}.go.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Any, NamedTuple, Protocol

from sortedcontainers import SortedDict

from kubepy.api import errors
from kubepy.api.objects import Document, DocumentPool, with_revision
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.keys import key_at, prefix_of
from kubepy.apiserver.request import Sink
from kubepy.lib.clock import Clock, Timer
from kubepy.lib.random import Random
from kubepy.store.base import Compacted, Event, EventType, Store, Watch

# Recent changes kept per resource: enough for a client that reconnects; what is older comes from the store.
HISTORY_MAX = 4096
HISTORY_BYTES_MAX = 4 << 20
# Makes stored values what the kind's present definition says of them.
Revive = Callable[[Sequence[bytes]], Awaitable[list[bytes]]]
# The doors wait for their client between batches.
BATCH = 64
# Source: cacher.go defaultBookmarkFrequency, and cache_watcher.go nextBookmarkTime (2 s before the deadline).
BOOKMARK_S = 60.0
BOOKMARK_BEFORE_END_S = 2.0


class Trigger(NamedTuple):
    """Marks of which whatever a selection matches has at least one: only what has or had one concerns its watchers."""

    attribute: tuple[str, ...]  # ("labels",), ("field", "v1", "spec.nodeName")
    marks: tuple[Hashable, ...]  # (("app", "web"), ("app", "db")), ("node-1",)
    marks_of: Callable[[Document], Iterable[Hashable]]


class Selection(Protocol):
    """What label and field selectors leave over. Equal selections are equal, so that their watchers share a feed."""

    @property
    def trigger(self) -> Trigger | None: ...

    def matches(self, document: Document) -> bool: ...


class View(Protocol):
    """How a watcher sees objects: full JSON, metadata, Table rows, or Documents in process. Equal views are equal."""

    has_header: bool  # its first event differs from the later ones (Table columns)
    takes_changes: bool  # not what a selection makes of a Change, but the Change: who watches selects later

    def event(self, type_: str, document: Any, *, first: bool) -> Any: ...

    def bookmark(self, revision: int, *, initial_events_end: bool) -> Any: ...


class Change:
    """One committed event: what the key was before and what it is now."""

    __slots__ = ("_last", "document", "path", "previous", "revision")

    def __init__(
        self, path: str, document: Document | None, previous: Document | None, revision: int
    ) -> None:
        self.path = path
        self.document = document  # None: deleted
        self.previous = previous  # None: created
        self.revision = revision
        self._last: Document | None = None

    @property
    def last(self) -> Document:
        """The previous state under this change's revision: what a DELETED event carries."""
        last = self._last
        if last is None:
            previous = self.previous
            assert previous is not None, "a key that did not exist cannot vanish"
            last = self._last = restamped(previous, self.revision)
        return last

    @property
    def size_bytes(self) -> int:
        return (len(self.document.raw) if self.document else 0) + (
            len(self.previous.raw) if self.previous else 0
        )


class Scope(NamedTuple):
    """Which keys a watcher can see at all: ("", "") all, ("default", "") a namespace, ("default", "web-0") one."""

    namespace: str
    name: str


# What a watcher is told of a change: "ADDED" and a Document, or "" and the Change itself.
Seen = tuple[str, "Document | Change"]


class FeedKey(NamedTuple):
    scope: Scope
    selection: Selection | None
    view: View
    after: int  # events up to here are not wanted; 0 unless the watch starts in the future


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
        values = [kv.value for kv in page.items]
        if self._revive is not None:
            values = await self._revive(values)
        for kv, value in zip(page.items, values):
            path = kv.key[skip:].decode()
            document = self._documents[path] = self._document(path, value, kv.mod_revision)
            self.size_bytes += len(document.raw)
            if kv.is_stale or value is not kv.value:
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

    def _document(self, path: str, value: bytes, revision: int) -> Document:
        return Document(key_at(path), with_revision(value, revision), revision, self._pool)

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
                document = self._documents[path] = self._document(path, kv.value, kv.mod_revision)
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
                for feed in self._candidates(path, change):
                    if (seen := feed.classify(change)) is not None:
                        touched.setdefault(feed, []).append(seen)
        if touched:
            encoded: dict[tuple[View, str, int], Any] = {}
            for feed, batch in touched.items():
                feed.flush(batch, encoded)
        if failure is not None:
            raise failure

    def _candidates(self, path: str, change: Change) -> Iterator[Feed]:
        key = key_at(path)
        by_scope = self._by_scope
        scopes = [_EVERYTHING]
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
        values: Sequence[bytes] = [kv.value for kv in states]
        if self._revive is not None and values:
            values = await self._revive(values)
        documents = iter(
            [
                self._document(kv.key[skip:].decode(), value, kv.mod_revision)
                for kv, value in zip(states, values)
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
            siblings = self._by_scope[key.scope]
            siblings.remove(feed)
            if siblings.is_empty:
                del self._by_scope[key.scope]

    def header_sent(self, key: FeedKey, sink: Sink) -> None:
        if (feed := self._feeds.get(key)) is not None:
            feed.fresh.discard(sink)

    @property
    def watchers(self) -> int:
        return sum(len(feed.sinks) for feed in self._feeds.values())


_EVERYTHING = Scope("", "")


def _end_of(namespace: str) -> str:
    """The first path after all of a namespace's: "0" is the character after "/"."""
    return f"{namespace}0"


class Feeds:
    """Those of one scope: the ones every change concerns, and by the marks that they demand the others."""

    __slots__ = ("_all", "_triggered")

    def __init__(self) -> None:
        self._all: dict[Feed, None] = {}
        self._triggered: dict[tuple[str, ...], Triggered] = {}

    @property
    def is_empty(self) -> bool:
        return not self._all and not self._triggered

    def add(self, feed: Feed) -> None:
        if (trigger := feed.trigger) is None:
            self._all[feed] = None
            return
        triggered = self._triggered.setdefault(trigger.attribute, Triggered(trigger.marks_of, {}))
        for mark in trigger.marks:
            triggered.by_mark.setdefault(mark, {})[feed] = None

    def remove(self, feed: Feed) -> None:
        if (trigger := feed.trigger) is None:
            del self._all[feed]
            return
        by_mark = self._triggered[trigger.attribute].by_mark
        for mark in trigger.marks:
            del by_mark[mark][feed]
            if not by_mark[mark]:
                del by_mark[mark]
        if not by_mark:
            del self._triggered[trigger.attribute]

    def concerned(self, change: Change) -> Iterable[Feed]:
        if not self._triggered:
            return self._all
        # In order, so that a run with a seed can be repeated.
        found = dict(self._all)
        states = [state for state in (change.document, change.previous) if state is not None]
        for marks_of, by_mark in self._triggered.values():
            for state in states:
                for mark in marks_of(state):
                    if (feeds := by_mark.get(mark)) is not None:
                        found |= feeds
        return found


class Triggered(NamedTuple):
    marks_of: Callable[[Document], Iterable[Hashable]]
    by_mark: dict[Hashable, dict[Feed, None]]


class Feed:
    """The sinks that see the same events the same way."""

    __slots__ = ("_after", "_selection", "fresh", "sinks", "trigger", "view")

    def __init__(self, key: FeedKey) -> None:
        self._selection, self.view, self._after = key.selection, key.view, key.after
        self.trigger = key.selection.trigger if key.selection is not None else None
        self.sinks: dict[Sink, None] = {}
        self.fresh: set[Sink] = set()  # sinks that have not had the header yet

    def classify(self, change: Change) -> Seen | None:
        if change.revision <= self._after:
            return None
        return ("", change) if self.view.takes_changes else classify(change, self._selection)

    def flush(self, batch: list[Seen], encoded: dict[tuple[View, str, int], Any]) -> None:
        """Send one batch to every sink. `encoded` is shared by the feeds of one commit: each event is encoded once
        per view."""
        view = self.view
        items: list[Any] = []
        for type_, document in batch:
            memo = (view, type_, id(document))
            item = encoded.get(memo)
            if item is None:
                item = encoded[memo] = view.event(type_, document, first=False)
            items.append(item)
        if self.fresh:
            type_, document = batch[0]
            with_header = [view.event(type_, document, first=True), *items[1:]]
            fresh, self.fresh = self.fresh, set()
            for sink in fresh:
                sink.send(with_header)
        else:
            fresh = self.fresh
        # A sink may close its subscription while it is being sent to.
        for sink in tuple(self.sinks):
            if sink not in fresh:
                sink.send(items)

    def end(self) -> None:
        for sink in tuple(self.sinks):
            sink.end()


def classify(change: Change, selection: Selection | None) -> tuple[str, Document] | None:
    """The event a watcher with this selection sees, None for nothing.

    Entering the selection is ADDED, leaving it DELETED with the old state under the new revision.
    Source: cache_watcher.go convertToWatchEvent.
    """
    document, previous = change.document, change.previous
    if selection is not None:
        if document is not None and not selection.matches(document):
            document = None
        if previous is not None and not selection.matches(previous):
            previous = None
    if document is not None:
        return ("ADDED" if previous is None else "MODIFIED"), document
    return ("DELETED", change.last) if previous is not None else None


def restamped(document: Document, revision: int) -> Document:
    """The same object under another resourceVersion. with_revision put it first in metadata."""
    raw = document.raw
    head, mark, tail = raw.partition(b'"metadata":{"resourceVersion":"')
    assert mark, "a cached document carries its revision first"
    raw = b"%b%b%d%b" % (head, mark, revision, tail[tail.index(b'"') :])
    return Document(document.key, raw, revision, document._pool)


class ResourceSubscription:
    """One watch on a cache. Implements request.Subscription.

    `state`: begin with the present state as ADDED events, closed by a bookmark if `state_end`. Else go on with what
    came after revision `after`. `deadline`, of clock.monotonic(), is when the door will end it.
    """

    def __init__(
        self,
        cache: ResourceCache,
        key: FeedKey,
        *,
        bookmarks: Bookmarks | None = None,
        state: bool,
        state_end: bool = False,
        after: int = 0,
        deadline: float | None = None,
    ) -> None:
        self._cache, self._key, self._bookmarks = cache, key, bookmarks
        self._state, self._state_end = state, state_end
        self._after = after
        self._deadline = deadline
        self._wants_header = key.view.has_header
        self.sink: Sink | None = None

    async def attach(self, sink: Sink) -> AsyncGenerator[Sequence[Any], None]:
        cache, key = self._cache, self._key
        self.sink = sink
        events: Iterator[Seen]
        if self._state:
            events = _present(cache, key)
        else:
            after = self._after
            # While the client takes what is old, the ring moves on. From the last look at it to `join` nobody waits.
            while (missed := cache.changes_after(after)) is None:
                upto = cache.revision
                try:
                    async with aclosing(cache.history(after, upto, key.scope)) as pieces:
                        async for changes in pieces:
                            # An empty batch too is a chance for others to run.
                            yield self._encoded(_missed(changes, key))
                except errors.StatusError as error:
                    sink.fail(error)
                    return
                after = upto
            events = _missed(missed, key)
        revision = cache.revision
        cache.join(key, sink)
        if not self._wants_header:
            cache.header_sent(key, sink)
        if self._bookmarks is not None:
            self._bookmarks.add(self, self._deadline)
        is_last = False
        while not is_last:
            batch = self._encoded(islice(events, BATCH))
            is_last = len(batch) < BATCH
            if is_last and self._state_end:
                batch.append(key.view.bookmark(revision, initial_events_end=True))
            if batch:
                yield batch

    def _encoded(self, events: Iterable[Seen]) -> list[Any]:
        view = self._key.view
        batch: list[Any] = []
        for type_, document in events:
            batch.append(view.event(type_, document, first=self._wants_header))
            if self._wants_header:
                self._wants_header = False
                if self.sink is not None:
                    self._cache.header_sent(self._key, self.sink)
        return batch

    def close(self) -> None:
        if self.sink is not None:
            self._cache.leave(self._key, self.sink)
            self.sink = None

    def bookmark(self) -> None:
        """Tell the watcher how far it is; called by Bookmarks."""
        if self.sink is not None:
            self.sink.send([self._key.view.bookmark(self._cache.revision, initial_events_end=False)])


def _present(cache: ResourceCache, key: FeedKey) -> Iterator[Seen]:
    scope, selection = key.scope, key.selection
    if scope.name and (scope.namespace or not cache.storage.namespaced):
        path = f"{scope.namespace}/{scope.name}" if scope.namespace else scope.name
        document = cache.get(path)
        documents = [document] if document else []
    else:
        documents = cache.documents(scope.namespace)
        if scope.name:
            documents = [document for document in documents if document.key.name == scope.name]
    # Snapshot now, encode as it is read.
    return (("ADDED", document) for document in documents if selection is None or selection.matches(document))


def _missed(changes: list[Change], key: FeedKey) -> Iterator[Seen]:
    scope = key.scope
    for change in changes:
        at = key_at(change.path)
        if scope.namespace and at.namespace != scope.namespace:
            continue
        if scope.name and at.name != scope.name:
            continue
        if key.view.takes_changes:
            yield "", change
        elif (seen := classify(change, key.selection)) is not None:
            yield seen


class FailedSubscription:
    """A watch that is refused after it was accepted: 200 and one ERROR event, as upstream's errWatcher."""

    def __init__(self, error: errors.StatusError) -> None:
        self._error = error

    async def attach(self, sink: Sink) -> AsyncGenerator[Sequence[Any], None]:
        sink.fail(self._error)
        return
        yield

    def close(self) -> None:
        pass


class Bookmarks:
    """Every watcher that wants bookmarks gets one about once a minute and one right before it ends; one timer."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock, self._random = clock, random
        self._due: list[tuple[float, int, ResourceSubscription, float | None]] = []
        self._count = 0
        self._timer: Timer | None = None
        self._armed_for = 0.0

    def add(self, subscription: ResourceSubscription, deadline: float | None) -> None:
        now = self._clock.monotonic()
        due = now + self._random.jitter(BOOKMARK_S, 0.25)
        if deadline is not None:
            # A second bookmark in the last two seconds would say nothing new.
            due = min(due, deadline - BOOKMARK_BEFORE_END_S)
            if due <= now:
                return
        self._count += 1
        heapq.heappush(self._due, (due, self._count, subscription, deadline))
        self._arm()

    def _arm(self) -> None:
        if not self._due:
            return
        due = self._due[0][0]
        if self._timer is not None:
            if self._armed_for <= due:
                return
            self._timer.cancel()
        self._armed_for = due
        self._timer = self._clock.call_later(max(due - self._clock.monotonic(), 0.001), self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, subscription, deadline = heapq.heappop(self._due)
            if subscription.sink is not None:
                subscription.bookmark()
                self.add(subscription, deadline)
        self._arm()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due.clear()
