"""What is still there below and above a compaction."""

from __future__ import annotations

import asyncio

import pytest

from kubepy.store.base import (
    Compacted,
    Event,
    EventType,
    KeyValue,
    Put,
    Store,
)
from kubepy.testing.contracts.store.parts import MANY, Recorder, delete, keys, put


class Compaction:
    async def test_compaction_keeps_what_later_reads_need(self, store: Store) -> None:
        for i in range(3 * MANY):
            await store.txn([], [Put(b"/a/%d" % (i % 100), b"%d" % i)])
        await delete(store, b"/a/5")
        await put(store, b"/a/6", b"last")
        at = store.revision - 1
        before = await store.list(b"/", revision=at)
        newest = await store.list(b"/")
        await store.compact(at)
        assert await store.list(b"/", revision=at) == before
        assert await store.list(b"/") == newest
        assert await store.get(b"/a/5") is None
        seen = Recorder()
        await store.watch(b"/", seen, start_revision=at + 1)
        old = next(kv for kv in before.items if kv.key == b"/a/6")
        assert seen.events == [
            Event(
                EventType.PUT, KeyValue(b"/a/6", b"last", old.create_revision, at + 1, old.version + 1), old
            )
        ]

    async def test_below_the_compaction_nothing_can_be_read(self, store: Store) -> None:
        for i in range(5):
            await put(store, b"/a", b"%d" % i)
        await store.compact(4)
        for read in (
            store.get(b"/a", revision=3),
            store.list(b"/", revision=1),
            store.watch(b"/", Recorder(), start_revision=4),
            store.watch(b"/", Recorder(), start_revision=1),
            store.compact(4),
            store.compact(2),
        ):
            with pytest.raises(Compacted) as error:
                await read
            assert error.value.at == 4
        assert await store.get(b"/a", revision=4) == KeyValue(b"/a", b"2", 2, 4, 3)

    async def test_compaction_at_a_deletion_takes_no_revision_back(self, store: Store) -> None:
        await put(store, b"/a")
        await delete(store, b"/a")
        await store.compact(3)
        assert store.revision == 3
        assert await put(store, b"/a") == 4
        assert await store.get(b"/a") == KeyValue(b"/a", b"v", 4, 4, 1)
        assert await keys(store, revision=3) == []

    async def test_reads_and_writes_go_on_beside_compaction(self, store: Store) -> None:
        for i in range(MANY):
            await store.txn([], [Put(b"/a/%d" % (i % 50), b"%d" % i)])

        async def compact() -> None:
            for revision in range(100, store.revision, 100):
                await store.compact(revision)

        async def write() -> None:
            for i in range(100):
                await put(store, b"/b/%d" % i)

        async def read() -> None:
            for _ in range(20):
                assert len(await keys(store, b"/a/")) == 50

        await asyncio.gather(compact(), write(), read())
        assert len(await keys(store)) == 150

    async def test_a_read_that_compaction_overtakes_is_right_or_refused(self, store: Store) -> None:
        live = Recorder()
        await store.watch(b"/", live)
        for i in range(3 * MANY):
            await store.txn([], [Put(b"/a/%d" % (i % 700), b"%d" % i)])
        at = MANY
        expected = await store.list(b"/a/", revision=at)
        seen = Recorder()
        listed, watched, got, _ = await asyncio.gather(
            store.list(b"/a/", revision=at),
            store.watch(b"/", seen, start_revision=2),
            store.get(b"/a/5", revision=at),
            store.compact(store.revision),
            return_exceptions=True,
        )
        assert isinstance(listed, Compacted) or listed == expected
        assert isinstance(got, Compacted) or got == next(kv for kv in expected.items if kv.key == b"/a/5")
        assert isinstance(watched, Compacted) or seen.events == live.events
        assert seen.events == live.events[: len(seen.events)]
