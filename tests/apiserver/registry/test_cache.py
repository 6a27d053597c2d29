from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS
from kubepy.api.errors import Expired, StatusError
from kubepy.api.objects import Document, DocumentPool, Key, stored
from kubepy.apiserver.registry.cache import (
    Bookmarks,
    FeedKey,
    ResourceCache,
    ResourceSubscription,
    Scope,
    Trigger,
    restamped,
)
from kubepy.lib.clock import VirtualClock
from kubepy.lib.random import Random
from kubepy.store.base import Compare, Delete, Put
from kubepy.store.memory import MemoryStore

PREFIX = b"/registry/configmaps/"
ALL = Scope("", "")


class Names:
    """A view that says what happened, and counts how often it was asked."""

    has_header = False

    def __init__(self) -> None:
        self.encoded = 0

    def event(self, type_: str, document: Document, *, first: bool) -> Any:
        self.encoded += 1
        return f"{type_} {document.key} {document.revision}"

    def bookmark(self, revision: int, *, initial_events_end: bool) -> Any:
        return f"{'END' if initial_events_end else 'BOOKMARK'} {revision}"


class Headed(Names):
    has_header = True

    def event(self, type_: str, document: Document, *, first: bool) -> Any:
        return ("header " if first else "") + super().event(type_, document, first=first)


class Labelled:
    trigger: Trigger | None = None

    def __init__(self, key: str) -> None:
        self.key = key

    def matches(self, document: Document) -> bool:
        return self.key in (document.obj["metadata"].get("labels") or {})


class Sink:
    def __init__(self) -> None:
        self.batches: list[Sequence[Any]] = []
        self.error: StatusError | None = None
        self.ended = False

    def send(self, batch: Sequence[Any]) -> None:
        self.batches.append(list(batch))

    def fail(self, error: StatusError) -> None:
        self.error = error

    def end(self) -> None:
        self.ended = True

    @property
    def items(self) -> list[Any]:
        return [item for batch in self.batches for item in batch]


async def put(store: MemoryStore, path: str, **labels: str) -> int:
    namespace, name = path.split("/")
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = labels
    value = stored({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    return (await store.txn([], [Put(PREFIX + path.encode(), value)])).revision


async def delete(store: MemoryStore, path: str) -> int:
    return (await store.txn([], [Delete(PREFIX + path.encode())])).revision


@pytest.fixture
def cache(store: MemoryStore) -> ResourceCache:
    return ResourceCache(store, CONFIG_MAPS, DocumentPool(), history_max=4)


def watch(cache: ResourceCache, view: Any, scope: Scope = ALL, selection: Any = None, **how: Any) -> Sink:
    sink = Sink()
    how.setdefault("state", False)
    subscription = ResourceSubscription(cache, FeedKey(scope, selection, view, 0), **how)
    sink.batches += [list(batch) for batch in subscription.attach(sink)]
    return sink


async def test_what_was_there_and_what_comes_is_in_the_cache(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await put(store, "default/a")
    await cache.load()
    await put(store, "default/b")
    await delete(store, "default/a")
    assert cache.get("default/a") is None
    found = cache.get("default/b")
    assert found is not None
    assert found.key == Key("default", "b")
    assert found.obj["metadata"]["resourceVersion"] == str(found.revision) == "3"


async def test_key_order_is_the_stores(store: MemoryStore, cache: ResourceCache) -> None:
    for path in ("a/x", "a-b/x", "a.b/x", "b/x"):
        await put(store, path)
    await cache.load()
    in_store = [kv.key.removeprefix(PREFIX).decode() for kv in (await store.list(PREFIX)).items]
    assert [str(document.key) for document in cache.documents()] == in_store
    assert [str(document.key) for document in cache.documents("a")] == ["a/x"]


@pytest.mark.parametrize(
    ("namespace", "start", "limit", "names", "remaining"),
    [
        ("", "", 0, "a/1 a/2 a/3 b/1", 0),
        ("", "", 3, "a/1 a/2 a/3", 1),
        ("", "a/2", 2, "a/2 a/3", 1),
        ("", "a/2\0", 2, "a/3 b/1", 0),
        ("a", "", 2, "a/1 a/2", 1),
        ("a", "a/2\0", 2, "a/3", 0),
        ("c", "", 2, "", 0),
    ],
)
async def test_pages(
    store: MemoryStore,
    cache: ResourceCache,
    namespace: str,
    start: str,
    limit: int,
    names: str,
    remaining: int,
) -> None:
    for path in ("b/1", "a/3", "a/1", "a/2"):
        await put(store, path)
    await cache.load()
    page = cache.page(namespace, start, limit)
    assert " ".join(str(document.key) for document in page.documents) == names
    assert page.remaining == remaining


async def test_a_watch_begins_with_the_state_and_goes_on_with_what_comes(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await put(store, "default/a")
    await cache.load()
    sink = watch(cache, Names(), state=True, state_end=True)
    await put(store, "default/a")
    await delete(store, "default/a")
    assert sink.items == ["ADDED default/a 2", "END 2", "MODIFIED default/a 3", "DELETED default/a 4"]


async def test_a_watch_from_a_revision_replays_the_ring(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    first = await put(store, "default/a")
    await put(store, "default/b")
    await put(store, "other/c")
    assert watch(cache, Names(), after=first).items == ["ADDED default/b 3", "ADDED other/c 4"]
    assert watch(cache, Names(), Scope("other", ""), after=first).items == ["ADDED other/c 4"]
    assert watch(cache, Names(), Scope("", "b"), after=first).items == ["ADDED default/b 3"]


async def test_the_ring_is_bounded_and_older_history_comes_from_the_store(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    first = await put(store, "default/a")
    for _ in range(6):
        await put(store, "default/a", x="y")
    assert cache.changes_after(first) is None
    changes = await cache.history_after(first, ALL)
    assert [change.revision for change in changes] == [3, 4, 5, 6, 7, 8]
    assert all(change.previous is not None for change in changes)


async def test_compacted_history_is_gone(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    first = await put(store, "default/a")
    for _ in range(6):
        await put(store, "default/a", x="y")
    await store.compact(5)
    with pytest.raises(Expired) as caught:
        await cache.history_after(first, ALL)
    assert caught.value.message == "too old resource version: 2 (5)"


async def test_a_ring_that_moved_on_between_request_and_attach_is_410(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    first = await put(store, "default/a")
    for _ in range(6):
        await put(store, "default/a")
    sink = watch(cache, Names(), after=first)
    assert sink.error is not None
    assert sink.error.code == 410


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        (None, {"l": "1"}, "ADDED"),
        (None, {}, None),
        ({"l": "1"}, {"l": "2"}, "MODIFIED"),
        ({}, {"l": "1"}, "ADDED"),
        ({"l": "1"}, {}, "DELETED"),
        ({}, {}, None),
    ],
)
async def test_entering_and_leaving_a_selection(
    store: MemoryStore, cache: ResourceCache, before: Any, after: Any, event: str | None
) -> None:
    if before is not None:
        await put(store, "default/a", **before)
    await cache.load()
    sink = watch(cache, Names(), selection=Labelled("l"), after=store.revision)
    revision = await put(store, "default/a", **after)
    assert sink.items == ([f"{event} default/a {revision}"] if event else [])


async def test_leaving_carries_the_old_state_under_the_new_revision(
    store: MemoryStore, cache: ResourceCache
) -> None:
    class Whole(Names):
        def event(self, type_: str, document: Document, *, first: bool) -> Any:
            return type_, document.obj

    await put(store, "default/a", l="1")
    await cache.load()
    sink = watch(cache, Whole(), selection=Labelled("l"), after=store.revision)
    revision = await put(store, "default/a")
    ((type_, obj),) = sink.items
    assert type_ == "DELETED"
    assert obj["metadata"]["labels"] == {"l": "1"}
    assert obj["metadata"]["resourceVersion"] == str(revision)


class Exact(Labelled):
    """a=<value>, and how often it was asked."""

    def __init__(self, value: str) -> None:
        super().__init__("a")
        self.trigger = Trigger(
            ("label", "a"), value, lambda d: (d.obj["metadata"].get("labels") or {}).get("a")
        )
        self.value, self.asked = value, 0

    def matches(self, document: Document) -> bool:
        self.asked += 1
        return (document.obj["metadata"].get("labels") or {}).get("a") == self.value


async def test_only_watchers_of_the_value_that_is_or_was_are_asked(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    selections = [Exact(str(number)) for number in range(100)]
    sinks = [watch(cache, Names(), selection=selection, after=store.revision) for selection in selections]
    await put(store, "n/x", a="1")
    await put(store, "n/x", a="2")
    await delete(store, "n/x")
    await put(store, "n/y")
    assert sinks[1].items == ["ADDED n/x 2", "DELETED n/x 3"]
    assert sinks[2].items == ["ADDED n/x 3", "DELETED n/x 4"]
    assert [selection.value for selection in selections if selection.asked] == ["1", "2"]


async def test_an_observer_that_fails_loses_nobody_an_event(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: failures.append(context["exception"])
    )
    sink = watch(cache, Names(), after=store.revision)

    def fail(change: object) -> None:
        raise KeyError("ours")

    cache.observe(fail)
    first, second = ({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": n}} for n in "xy")
    await store.txn([], [Put(PREFIX + b"n/x", stored(first)), Put(PREFIX + b"n/y", stored(second))])
    assert sink.items == ["ADDED n/x 2", "ADDED n/y 2"]
    assert len(cache) == 2
    assert [type(failure) for failure in failures] == [KeyError]


async def test_an_event_is_encoded_once_for_all_its_watchers(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    view = Names()
    sinks = [watch(cache, view, after=store.revision) for _ in range(5)]
    sinks += [watch(cache, view, Scope("default", ""), after=store.revision) for _ in range(5)]
    sinks += [watch(cache, view, Scope("default", "a"), after=store.revision)]
    await put(store, "default/a")
    assert view.encoded == 1
    assert {tuple(sink.items) for sink in sinks} == {("ADDED default/a 2",)}


async def test_other_scopes_are_not_touched(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    view = Names()
    sinks = [
        watch(cache, view, scope, after=store.revision) for scope in (Scope("other", ""), Scope("other", "a"))
    ]
    await put(store, "default/a")
    assert view.encoded == 0
    assert [sink.items for sink in sinks] == [[], []]


async def test_only_the_first_event_of_a_watch_has_the_header(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await put(store, "default/a")
    await cache.load()
    view = Headed()
    with_state = watch(cache, view, state=True)
    without = watch(cache, view, after=store.revision)
    await put(store, "default/b")
    await put(store, "default/c")
    assert with_state.items == ["header ADDED default/a 2", "ADDED default/b 3", "ADDED default/c 4"]
    assert without.items == ["header ADDED default/b 3", "ADDED default/c 4"]


async def test_a_closed_watch_hears_nothing_and_leaves_nothing(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    sink = Sink()
    subscription = ResourceSubscription(cache, FeedKey(ALL, None, Names(), 0), state=True)
    list(subscription.attach(sink))
    assert cache.watchers == 1
    subscription.close()
    subscription.close()
    await put(store, "default/a")
    assert sink.items == []
    assert cache.watchers == 0


async def test_closing_the_cache_ends_its_watches(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    sink = watch(cache, Names(), state=True)
    cache.close()
    assert sink.ended


async def test_bookmarks_come_every_minute_and_right_before_the_end(
    store: MemoryStore, cache: ResourceCache, clock: VirtualClock
) -> None:
    await cache.load()
    bookmarks = Bookmarks(clock, Random(1))
    endless = watch(cache, Names(), state=True, bookmarks=bookmarks)
    ending = watch(cache, Names(), state=True, bookmarks=bookmarks, deadline=clock.monotonic() + 10)
    await clock.advance(7.5)
    assert ending.items == []
    await clock.advance(1)
    assert ending.items == ["BOOKMARK 1"]
    assert endless.items == []
    await put(store, "default/a")
    await clock.advance(600)
    assert ending.items == ["BOOKMARK 1", "ADDED default/a 2"]
    assert 8 <= endless.items.count("BOOKMARK 2") <= 10
    bookmarks.close()
    assert clock.next_due is None


async def test_concurrent_loads_read_once(store: MemoryStore, cache: ResourceCache) -> None:
    import asyncio

    await put(store, "default/a")
    await asyncio.gather(*(cache.load() for _ in range(5)))
    sink = watch(cache, Names(), after=store.revision)
    await put(store, "default/a")
    assert sink.items == ["MODIFIED default/a 3"]


def test_restamping_changes_the_revision_only() -> None:
    raw = b'{"apiVersion":"v1","kind":"X","metadata":{"resourceVersion":"9","name":"a"},"data":{"resourceVersion":"1"}}'
    changed = restamped(Document(Key("", "a"), raw, 9, DocumentPool()), 123)
    assert changed.raw == raw.replace(b'"9"', b'"123"')
    assert changed.revision == 123


async def test_a_write_that_compares_with_the_cache_succeeds(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await put(store, "default/a")
    await cache.load()
    await put(store, "default/a")
    found = cache.get("default/a")
    assert found is not None
    key = PREFIX + b"default/a"
    assert (await store.txn([Compare(key, found.revision)], [Delete(key)])).succeeded
