"""Who is told of a change: watchers that want the same (scope, selection, view) share one Feed.

Of the feeds of a scope, those that demand a label or the value of a field are found by the demand: of five thousand
watchers that wait for the pods of a node each, one is asked. A change is classified and encoded once per feed.

Source: apiserver pkg/storage/cacher/{cacher,cache_watcher}.go (watchers by trigger, convertToWatchEvent).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from kubepy.api.objects import Document, Key, Obj
from kubepy.apiserver.request import Sink


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
    is_decoded: bool  # whoever watches looks into the objects, in this process

    def event(self, type_: str, document: Any, *, first: bool) -> Any: ...

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> Any: ...

    def failure(self, status: Obj) -> bytes: ...


class Change(Struct, eq=False, gc=False):
    """One committed event: what the key was before and what it is now."""

    path: str
    document: Document | None  # None: deleted
    previous: Document | None  # None: created
    revision: int
    _last: Document | None = None

    @property
    def key(self) -> Key:
        known = self.document or self.previous
        assert known is not None, "a change is about something"
        return known.key

    @property
    def last(self) -> Document:
        """The previous state under this change's revision: what a DELETED event carries."""
        last = self._last
        if last is None:
            previous = self.previous
            assert previous is not None, "a key that did not exist cannot vanish"
            last = self._last = previous.restamped(self.revision)
            last.retire()
        return last

    @property
    def size_bytes(self) -> int:
        return (len(self.document.raw) if self.document else 0) + (
            len(self.previous.raw) if self.previous else 0
        )


# What a watcher is told of a change: "ADDED" and a Document, or "" and the Change itself.
Seen = tuple[str, "Document | Change"]


class Scope(NamedTuple):
    """Which keys a watcher can see at all: ("", "") all, ("default", "") a namespace, ("default", "web-0") one."""

    namespace: str
    name: str


class FeedKey(NamedTuple):
    scope: Scope
    selection: Selection | None
    view: View
    after: int  # events up to here are not wanted; 0 unless the watch starts in the future


EVERYTHING = Scope("", "")


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
