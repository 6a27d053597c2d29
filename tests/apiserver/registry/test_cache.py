from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS
from kubepy.api.objects import Document, DocumentPool, Key, stored
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.store.base import Compare, Delete, Put, Store
from kubepy.store.memory import MemoryStore
from tests.apiserver.registry.watching import PREFIX, Names, delete, put, watch


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


async def test_closing_the_cache_ends_its_watches(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    sink = await watch(cache, Names(), state=True)
    cache.close()
    assert sink.ended


async def test_concurrent_loads_read_once(store: MemoryStore, cache: ResourceCache) -> None:
    import asyncio

    await put(store, "default/a")
    await asyncio.gather(*(cache.load() for _ in range(5)))
    sink = await watch(cache, Names(), after=store.revision)
    await put(store, "default/a")
    assert sink.items == ["MODIFIED default/a 3"]


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
