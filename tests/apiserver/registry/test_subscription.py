from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubepy.api.builtins import CONFIG_MAPS
from kubepy.api.objects import Document, DocumentPool
from kubepy.apiserver.registry.cache import ResourceCache, Revived
from kubepy.apiserver.registry.feeds import FeedKey, Scope
from kubepy.apiserver.registry.subscription import Bookmarks, ResourceSubscription
from kubepy.lib.clock import VirtualClock
from kubepy.lib.random import Random
from kubepy.store.base import Store
from kubepy.store.memory import MemoryStore
from tests.apiserver.registry.watching import ALL, Headed, Labelled, Names, Sink, delete, put, watch


async def test_a_watch_begins_with_the_state_and_goes_on_with_what_comes(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await put(store, "default/a")
    await cache.load()
    sink = await watch(cache, Names(), state=True, state_end=True)
    await put(store, "default/a")
    await delete(store, "default/a")
    assert sink.items == ["ADDED default/a 2", "END 2", "MODIFIED default/a 3", "DELETED default/a 4"]


async def test_a_bookmark_that_comes_first_has_the_header(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    sink = await watch(cache, Headed(), state=True, state_end=True)
    await put(store, "default/a")
    assert sink.items == ["header END 1", "ADDED default/a 2"]


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
    async def revive(values: Sequence[bytes]) -> list[Revived]:
        return [Revived(value.replace(b"old", b"new")) for value in values]

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
