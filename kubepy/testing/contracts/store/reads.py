"""What can be read, as of which revision."""

from __future__ import annotations

import asyncio

import pytest

from kubepy.store.base import (
    Compacted,
    Delete,
    Event,
    EventType,
    FutureRevision,
    KeyValue,
    Put,
    Store,
)
from kubepy.testing.contracts.store.parts import MANY, Recorder, delete, keys, put


class Reads:
    async def test_the_worked_example(self, store: Store) -> None:
        for operation in (Put(b"/a", b"x"), Put(b"/b", b"y"), Put(b"/a", b"z"), Delete(b"/b")):
            await store.txn([], [operation])
        a3, b3 = KeyValue(b"/a", b"x", 2, 2, 1), KeyValue(b"/b", b"y", 3, 3, 1)
        a4 = KeyValue(b"/a", b"z", 2, 4, 2)
        put_a = Event(EventType.PUT, a4, a3)
        delete_b = Event(EventType.DELETE, KeyValue(b"/b", b"", 0, 5, 0), b3)

        assert await store.list(b"/", revision=3) == ([a3, b3], 3, 0)
        assert await store.list(b"/", revision=5) == ([a4], 5, 0)
        assert await store.get(b"/a", revision=4) == a4
        seen = Recorder()
        await store.watch(b"/", seen, start_revision=4)
        assert seen.events == [put_a, delete_b]

        await store.compact(4)
        assert store.compacted == 4
        assert await store.list(b"/", revision=4) == ([a4, b3], 4, 0)
        with pytest.raises(Compacted) as compacted:
            await store.list(b"/", revision=3)
        assert compacted.value.at == 4
        with pytest.raises(Compacted):
            await store.watch(b"/", seen, start_revision=4)
        seen = Recorder()
        await store.watch(b"/", seen, start_revision=5)
        assert seen.events == [delete_b]
        with pytest.raises(FutureRevision) as future:
            await store.list(b"/", revision=9)
        assert future.value.current == 5

    async def test_a_prefix_is_a_directory(self, store: Store) -> None:
        for key in (
            b"/r/pods",
            b"/r/pods/",
            b"/r/pods/a",
            b"/r/pods/b/c",
            b"/r/pods0",
            b"/r/podsx/a",
            b"/r/po",
        ):
            await put(store, key)
        assert await keys(store, b"/r/pods/") == [b"/r/pods/", b"/r/pods/a", b"/r/pods/b/c"]
        assert await keys(store, b"/r/pods/b/") == [b"/r/pods/b/c"]
        assert await keys(store, b"/r/none/") == []

    async def test_pages_together_are_the_whole_in_key_order(self, store: Store) -> None:
        names = [b"/a/%d" % (i * 7919 % MANY) for i in range(MANY)]
        await asyncio.gather(*(put(store, name) for name in names))
        await put(store, b"/b/1")
        revision = store.revision
        whole = await store.list(b"/a/")
        assert [kv.key for kv in whole.items] == sorted(names)
        assert whole.remaining == 0

        await asyncio.gather(*(delete(store, name) for name in names[::2]))
        await put(store, b"/a/new")
        items: list[KeyValue] = []
        start = b""
        while True:
            page = await store.list(b"/a/", revision=revision, start=start, limit=300)
            items += page.items
            assert page.revision == revision
            assert page.remaining == MANY - len(items)
            if not page.remaining:
                break
            start = page.items[-1].key + b"\0"
        assert items == list(whole.items)

    @pytest.mark.parametrize(
        "start, limit, expected, remaining",
        [
            (b"", 0, [b"/a/1", b"/a/2", b"/a/4"], 0),
            (b"", 1, [b"/a/1"], 2),
            (b"", 3, [b"/a/1", b"/a/2", b"/a/4"], 0),
            (b"", 9, [b"/a/1", b"/a/2", b"/a/4"], 0),
            (b"/a/2", 1, [b"/a/2"], 1),
            (b"/a/2\0", 1, [b"/a/4"], 0),
            (b"/a/3", 0, [b"/a/4"], 0),
            (b"/a/5", 0, [], 0),
            (b"/a/5", 1, [], 0),
            (b"/0", 0, [b"/a/1", b"/a/2", b"/a/4"], 0),
            (b"/c", 0, [], 0),
        ],
    )
    async def test_start_and_limit(
        self, store: Store, start: bytes, limit: int, expected: list[bytes], remaining: int
    ) -> None:
        for key in (b"/a/4", b"/a/3", b"/a/2", b"/a/1", b"/b/1"):
            await put(store, key)
        await delete(store, b"/a/3")
        page = await store.list(b"/a/", start=start, limit=limit)
        assert [kv.key for kv in page.items] == expected
        assert (page.revision, page.remaining) == (7, remaining)

    async def test_every_revision_can_be_read(self, store: Store) -> None:
        expected: dict[int, dict[bytes, bytes]] = {1: {}}
        for i in range(100):
            state = dict(expected[store.revision])
            key = b"/a/%d" % (i % 7)
            if i % 3 == 2 and key in state:
                del state[key]
                await delete(store, key)
            else:
                state[key] = b"%d" % i
                await put(store, key, b"%d" % i)
            expected[store.revision] = state
        for revision, state in expected.items():
            page = await store.list(b"/a/", revision=revision)
            assert {kv.key: kv.value for kv in page.items} == state
            got = await store.get(b"/a/3", revision=revision)
            assert (got and got.value) == state.get(b"/a/3")

    async def test_the_future_cannot_be_read(self, store: Store) -> None:
        await put(store, b"/a")
        for read in (store.get(b"/a", revision=3), store.list(b"/", revision=3), store.compact(3)):
            with pytest.raises(FutureRevision) as error:
                await read
            assert error.value.current == 2

    async def test_a_list_is_of_one_revision_beside_writers(self, store: Store) -> None:
        await asyncio.gather(*(put(store, b"/a/%d" % i, b"0") for i in range(MANY)))

        async def write() -> None:
            for round_ in range(1, 4):
                await store.txn([], [Put(b"/a/%d" % i, b"%d" % round_) for i in range(MANY)])

        async def read() -> None:
            for _ in range(5):
                page = await store.list(b"/a/")
                assert len({kv.value for kv in page.items}) == 1
                assert max(kv.mod_revision for kv in page.items) <= page.revision <= store.revision

        await asyncio.gather(write(), read(), read())

    async def test_keys_that_continue_others_are_not_skipped(self, store: Store) -> None:
        names = [b"/a/!", *(b"/a/%03d%s" % (i, end) for i in range(MANY // 2) for end in (b"", b"\0"))]
        await store.txn([], [Put(name, b"v") for name in names])
        assert await keys(store, b"/a/") == names
        assert await keys(store) == names
        page = await store.list(b"/a/", limit=2)
        rest = await store.list(b"/a/", start=page.items[-1].key + b"\0")
        assert [kv.key for kv in (*page.items, *rest.items)] == names
