from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS
from kubepy.api.errors import StatusError
from kubepy.api.objects import Document, DocumentPool, Key, labels_of, stored
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import FeedKey, Scope, Trigger, restamped
from kubepy.apiserver.registry.subscription import Bookmarks, ResourceSubscription
from kubepy.lib.clock import RealClock, VirtualClock
from kubepy.lib.random import Random
from kubepy.observability.logs import silent
from kubepy.store.base import Compare, Delete, Put, Store
from kubepy.store.memory import MemoryStore
from kubepy.store.sqlite import SqliteStore

PREFIX = b"/registry/configmaps/"
ALL = Scope("", "")


class Names:
    """A view that says what happened, and counts how often it was asked."""

    has_header = takes_changes = is_decoded = False

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


@pytest.fixture(params=["memory", "sqlite"])
async def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store: Store = MemoryStore()
    if request.param == "sqlite":
        store = await SqliteStore.open(tmp_path / "store.db", clock=RealClock(), log=silent())
    yield store
    await store.close()


@pytest.fixture
def cache(store: MemoryStore) -> ResourceCache:
    return ResourceCache(store, CONFIG_MAPS, DocumentPool(), history_max=4)


async def watch(
    cache: ResourceCache, view: Any, scope: Scope = ALL, selection: Any = None, **how: Any
) -> Sink:
    sink = Sink()
    how.setdefault("state", False)
    subscription = ResourceSubscription(cache, FeedKey(scope, selection, view, 0), **how)
    sink.batches += [list(batch) async for batch in subscription.attach(sink)]
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
    sink = await watch(cache, Names(), state=True, state_end=True)
    await put(store, "default/a")
    await delete(store, "default/a")
    assert sink.items == ["ADDED default/a 2", "END 2", "MODIFIED default/a 3", "DELETED default/a 4"]


async def test_a_watch_from_a_revision_replays_the_ring(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    first = await put(store, "default/a")
    await put(store, "default/b")
    await put(store, "other/c")
    assert (await watch(cache, Names(), after=first)).items == ["ADDED default/b 3", "ADDED other/c 4"]
    assert (await watch(cache, Names(), Scope("other", ""), after=first)).items == ["ADDED other/c 4"]
    assert (await watch(cache, Names(), Scope("", "b"), after=first)).items == ["ADDED default/b 3"]


async def test_what_the_ring_has_forgotten_comes_from_the_store(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    first = await put(store, "default/a")
    for path in ("default/b", "other/c", "default/a", "default/a", "default/d", "default/a"):
        await put(store, path)
    await delete(store, "default/b")
    assert cache.changes_after(first) is None
    seen = (await watch(cache, Names(), Scope("default", ""), after=first)).items
    assert seen == [
        "ADDED default/b 3",
        "MODIFIED default/a 5",
        "MODIFIED default/a 6",
        "ADDED default/d 7",
        "MODIFIED default/a 8",
        "DELETED default/b 9",
    ]
    assert (await watch(cache, Names(), Scope("default", "d"), after=first)).items == ["ADDED default/d 7"]


async def test_a_resume_sees_what_a_watcher_saw_live(any_store: Store) -> None:
    """From every revision, whichever part comes from the store, the ring and the commits while it catches up."""
    store: Any = any_store
    cache = ResourceCache(store, CONFIG_MAPS, DocumentPool(), history_max=8)
    await cache.load()
    live = await watch(cache, Names(), selection=Labelled("l"), after=store.revision)
    for i in range(40):
        path = f"default/{'abc'[i % 3]}"
        if i % 7 == 6 and cache.get(path):
            await delete(store, path)
        else:
            await put(store, path, **({"l": str(i)} if i % 4 < 2 else {}))
    for start in range(1, store.revision + 1, 3):
        sink = Sink()
        key = FeedKey(ALL, Labelled("l"), Names(), 0)
        subscription = ResourceSubscription(cache, key, state=False, after=start)
        async for batch in subscription.attach(sink):
            sink.batches.append(list(batch))
            if store.revision < 120:
                # The ring moves on while the client takes what it gets.
                for i in range(10):
                    await put(store, "default/a", **({"l": ""} if i % 2 else {}))
        await put(store, "default/e", l="")
        assert sink.items == [event for event in live.items if int(event.rpartition(" ")[2]) > start]
        subscription.close()
        await delete(store, "default/e")


async def test_the_first_event_of_history_carries_the_header(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    first = await put(store, "default/a")
    for _ in range(600):
        await put(store, "default/a")
    sink = await watch(cache, Headed(), after=first)
    await put(store, "default/b")
    assert [item for item in sink.items if "header" in item] == ["header MODIFIED default/a 3"]
    assert sink.items[-1] == "ADDED default/b 603"


async def test_history_is_made_what_the_definition_says_now(store: MemoryStore) -> None:
    async def revive(values: Sequence[bytes]) -> list[bytes]:
        return [value.replace(b"old", b"new") for value in values]

    cache = ResourceCache(store, CONFIG_MAPS, DocumentPool(), history_max=1, revive=revive)
    await cache.load()
    first = await put(store, "default/a", version="old")
    await put(store, "default/a", version="older")
    await delete(store, "default/a")

    class Versions(Names):
        def event(self, type_: str, document: Document, *, first: bool) -> Any:
            return f"{type_} {document.obj['metadata']['labels']['version']}"

    assert (await watch(cache, Versions(), after=first)).items == ["MODIFIED newer", "DELETED newer"]


async def test_compacted_history_is_gone(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    first = await put(store, "default/a")
    for _ in range(6):
        await put(store, "default/a", x="y")
    await store.compact(5)
    sink = await watch(cache, Names(), after=first)
    assert sink.items == []
    assert sink.error is not None
    assert (sink.error.code, sink.error.message) == (410, "too old resource version: 2 (5)")


async def test_a_compaction_that_overtakes_a_resume_ends_it(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    first = await put(store, "default/a")
    for _ in range(2000):
        await put(store, "default/a")
    sink = Sink()
    subscription = ResourceSubscription(cache, FeedKey(ALL, None, Names(), 0), state=False, after=first)
    revisions = []
    async for batch in subscription.attach(sink):
        revisions += [int(item.split()[2]) for item in batch]
        if store.compacted == 0:
            await store.compact(store.revision)
    assert revisions == list(range(first + 1, first + 1 + len(revisions)))
    assert 0 < len(revisions) < 2000
    assert sink.error is not None
    assert sink.error.code == 410
    assert cache.watchers == 0


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
    sink = await watch(cache, Names(), selection=Labelled("l"), after=store.revision)
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
    sink = await watch(cache, Whole(), selection=Labelled("l"), after=store.revision)
    revision = await put(store, "default/a")
    ((type_, obj),) = sink.items
    assert type_ == "DELETED"
    assert obj["metadata"]["labels"] == {"l": "1"}
    assert obj["metadata"]["resourceVersion"] == str(revision)


class Demanding(Labelled):
    """a in (<values>), and how often it was asked."""

    def __init__(self, *values: str) -> None:
        super().__init__("a")
        self.trigger = Trigger(("label", "a"), values, self.marks_of)
        self.values, self.asked = values, 0

    @staticmethod
    def marks_of(document: Document) -> list[str]:
        return [value for key, value in labels_of(document.obj).items() if key == "a"]

    def matches(self, document: Document) -> bool:
        self.asked += 1
        return labels_of(document.obj).get("a") in self.values


async def test_only_watchers_of_the_value_that_is_or_was_are_asked(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    selections = [Demanding(str(number)) for number in range(100)]
    both, neither = Demanding("1", "2"), Demanding("7", "8")
    sinks = [
        await watch(cache, Names(), selection=selection, after=store.revision)
        for selection in (*selections, both, neither)
    ]
    await put(store, "n/x", a="1")
    await put(store, "n/x", a="2")
    await delete(store, "n/x")
    await put(store, "n/y")
    assert sinks[1].items == ["ADDED n/x 2", "DELETED n/x 3"]
    assert sinks[2].items == ["ADDED n/x 3", "DELETED n/x 4"]
    assert sinks[100].items == ["ADDED n/x 2", "MODIFIED n/x 3", "DELETED n/x 4"]
    assert [selection.values for selection in selections if selection.asked] == [("1",), ("2",)]
    assert not neither.asked


async def test_an_observer_that_fails_loses_nobody_an_event(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: failures.append(context["exception"])
    )
    sink = await watch(cache, Names(), after=store.revision)

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
    sinks = [await watch(cache, view, after=store.revision) for _ in range(5)]
    sinks += [await watch(cache, view, Scope("default", ""), after=store.revision) for _ in range(5)]
    sinks += [await watch(cache, view, Scope("default", "a"), after=store.revision)]
    await put(store, "default/a")
    assert view.encoded == 1
    assert {tuple(sink.items) for sink in sinks} == {("ADDED default/a 2",)}


async def test_other_scopes_are_not_touched(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    view = Names()
    sinks = [
        await watch(cache, view, scope, after=store.revision)
        for scope in (Scope("other", ""), Scope("other", "a"))
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
    with_state = await watch(cache, view, state=True)
    without = await watch(cache, view, after=store.revision)
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
    assert [batch async for batch in subscription.attach(sink)] == []
    assert cache.watchers == 1
    subscription.close()
    subscription.close()
    await put(store, "default/a")
    assert sink.items == []
    assert cache.watchers == 0


async def test_closing_the_cache_ends_its_watches(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    sink = await watch(cache, Names(), state=True)
    cache.close()
    assert sink.ended


async def test_bookmarks_come_every_minute_and_right_before_the_end(
    store: MemoryStore, cache: ResourceCache, clock: VirtualClock
) -> None:
    await cache.load()
    bookmarks = Bookmarks(clock, Random(1))
    endless = await watch(cache, Names(), state=True, bookmarks=bookmarks)
    ending = await watch(cache, Names(), state=True, bookmarks=bookmarks, deadline=clock.monotonic() + 10)
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
    sink = await watch(cache, Names(), after=store.revision)
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


class Objects(Names):
    is_decoded = True


async def foreseen(store: Store, cache: ResourceCache, obj: Any, value: bytes) -> Document:
    cache.foresee("default/a", value, obj)
    await store.txn(
        [], [Put(PREFIX + b"default/a", stored(obj))] if value == b"" else [Put(PREFIX + b"default/a", value)]
    )
    cache.foreseen("default/a")
    document = cache.get("default/a")
    assert document is not None
    return document


async def test_what_a_write_was_made_of_is_what_its_readers_see(any_store: Store) -> None:
    cache = ResourceCache(any_store, CONFIG_MAPS, DocumentPool())
    await cache.load()
    await watch(cache, Objects())
    obj: Any = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
    document = await foreseen(any_store, cache, obj, stored(obj))
    assert document.obj is obj
    assert document.obj == document.copy()
    # Other bytes than those that were foreseen are another's.
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
    assert (await foreseen(any_store, cache, other, b"")).obj is not other
