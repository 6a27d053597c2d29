"""One watch on a cache, from its first event to its last bookmark.

A watch that resumes at revision N replays what came after N from the cache's ring of recent changes. One that is older
first reads the store's history, piece by piece at its client's pace, until the ring reaches back to where it is; only
what is compacted is answered with 410.

Source: apiserver pkg/storage/cacher/{cacher,watch_cache_interval,cache_watcher}.go.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Any

from kubepy.api import errors
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Change, FeedKey, Scope, Seen, View, classify
from kubepy.apiserver.registry.options import ListOptions
from kubepy.apiserver.registry.selection import Selection
from kubepy.apiserver.request import Sink
from kubepy.lib.clock import Clock, Timer
from kubepy.lib.random import Random

# The doors wait for their client between batches.
BATCH = 64
# Source: cacher.go defaultBookmarkFrequency, and cache_watcher.go nextBookmarkTime (2 s before the deadline).
BOOKMARK_S = 60.0
BOOKMARK_BEFORE_END_S = 2.0


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
                batch.append(key.view.bookmark(revision, initial_events_end=True, first=self._is_first()))
            if batch:
                yield batch

    def _encoded(self, events: Iterable[Seen]) -> list[Any]:
        view = self._key.view
        batch: list[Any] = []
        for type_, document in events:
            batch.append(view.event(type_, document, first=self._is_first()))
        return batch

    def _is_first(self) -> bool:
        """Whether nothing has been sent yet; something is now."""
        if not self._wants_header:
            return False
        self._wants_header = False
        if self.sink is not None:
            self._cache.header_sent(self._key, self.sink)
        return True

    def close(self) -> None:
        if self.sink is not None:
            self._cache.leave(self._key, self.sink)
            self.sink = None

    def bookmark(self) -> None:
        """Tell the watcher how far it is; called by Bookmarks."""
        if self.sink is not None:
            first = self._cache.header_sent(self._key, self.sink)
            view = self._key.view
            self.sink.send([view.bookmark(self._cache.revision, initial_events_end=False, first=first)])


def subscribe(
    cache: ResourceCache,
    view: View,
    scope: Scope,
    selection: Selection | None,
    options: ListOptions,
    *,
    bookmarks: Bookmarks | None = None,
    deadline: float | None = None,
) -> ResourceSubscription | FailedSubscription:
    """The watch that these options ask for."""
    if view.takes_changes:
        selection = None
    wanted, newest = options.revision, cache.revision
    if options.send_initial_events:
        if wanted > newest:
            return FailedSubscription(errors.too_large_resource_version(wanted, newest))
        return ResourceSubscription(
            cache, FeedKey(scope, selection, view, 0), bookmarks=bookmarks, state=True, state_end=options.bookmarks,
            deadline=deadline,
        )  # fmt: skip
    # sendInitialEvents=false without a revision: from now on.
    after = wanted or newest
    key = FeedKey(scope, selection, view, after if after > newest else 0)
    return ResourceSubscription(cache, key, bookmarks=bookmarks, state=False, after=after, deadline=deadline)


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
        at = change.key
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
