"""What a store says of itself, and how it closes."""

from __future__ import annotations

import asyncio

import pytest

from kubepy.store.base import (
    Put,
    Store,
    Unavailable,
)
from kubepy.testing.contracts.store.parts import MANY, Recorder, delete, put


class Ends:
    async def test_statistics(self, store: Store) -> None:
        for i in range(10):
            await put(store, b"/a/%d" % i, b"v" * 1000)
        await delete(store, b"/a/3")
        await store.compact(5)
        await store.watch(b"/", Recorder())
        statistics = store.statistics()
        assert (statistics.revision, statistics.compacted) == (12, 5)
        assert (statistics.keys, statistics.watches) == (9, 1)
        assert statistics.size_bytes >= 9000

    async def test_a_closed_store_refuses(self, store: Store) -> None:
        seen = Recorder()
        await store.watch(b"/", seen)
        await put(store, b"/a")
        assert store.is_writable
        await store.close()
        await store.close()
        assert not store.is_writable
        for use in (
            store.txn([], [Put(b"/a", b"v")]),
            store.get(b"/a"),
            store.list(b"/"),
            store.watch(b"/", seen),
            store.compact(2),
        ):
            with pytest.raises(Unavailable):
                await use
        assert seen.revisions == [2]
        assert store.revision == 2

    async def test_close_finishes_what_was_submitted(self, store: Store) -> None:
        seen = Recorder()
        await store.watch(b"/", seen)
        writers = asyncio.gather(*(put(store, b"/a/%d" % i) for i in range(MANY)))
        await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop
        await asyncio.gather(store.close(), store.close())
        assert sorted(await writers) == list(range(2, MANY + 2))
        assert seen.revisions == list(range(2, MANY + 2))
