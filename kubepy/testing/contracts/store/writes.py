"""What a txn does, and what it tells."""

from __future__ import annotations

import asyncio

import pytest

from kubepy.store.base import (
    Compare,
    Delete,
    KeyValue,
    Operation,
    Put,
    Store,
    TxnResult,
)
from kubepy.testing.contracts.store.parts import MANY, Recorder, delete, hashable, keys, put


class Writes:
    async def test_a_new_store_is_empty_at_revision_1(self, store: Store) -> None:
        assert (store.revision, store.compacted) == (1, 0)
        assert await store.list(b"/") == ([], 1, 0)
        assert await store.get(b"/a") is None
        assert await store.get(b"/a", revision=1) is None

    async def test_each_write_takes_the_next_revision(self, store: Store) -> None:
        assert await store.txn([], [Put(b"/a", b"x")]) == TxnResult(True, 2)
        assert await store.txn([], [Put(b"/a", b"y")]) == TxnResult(True, 3)
        assert store.revision == 3
        assert await store.get(b"/a") == KeyValue(b"/a", b"y", 2, 3, 2)

    async def test_a_txn_that_changes_nothing_takes_no_revision(self, store: Store) -> None:
        await put(store, b"/a")
        assert await store.txn([], [Delete(b"/missing")]) == TxnResult(True, 2)
        assert await store.txn([Compare(b"/a", 2)], []) == TxnResult(True, 2)
        assert await store.txn([], []) == TxnResult(True, 2)
        assert store.revision == 2

    async def test_all_operations_of_a_txn_carry_one_revision(self, store: Store) -> None:
        await put(store, b"/b")
        seen = Recorder()
        await store.watch(b"/", seen)
        result = await store.txn([], [Put(b"/c", b"1"), Delete(b"/b"), Delete(b"/missing"), Put(b"/a", b"2")])
        assert result == TxnResult(True, 3)
        assert [(event.kv.key, event.kv.mod_revision) for event in seen.events] == [
            (b"/c", 3),
            (b"/b", 3),
            (b"/a", 3),
        ]
        assert await keys(store) == [b"/a", b"/c"]
        assert await keys(store, revision=2) == [b"/b"]

    async def test_a_deleted_key_starts_again_at_version_1(self, store: Store) -> None:
        await put(store, b"/a")
        await put(store, b"/a")
        await delete(store, b"/a")
        assert await store.get(b"/a") is None
        await put(store, b"/a", b"again")
        assert await store.get(b"/a") == KeyValue(b"/a", b"again", 5, 5, 1)
        assert await store.get(b"/a", revision=3) == KeyValue(b"/a", b"v", 2, 3, 2)
        assert await store.get(b"/a", revision=4) is None

    @pytest.mark.parametrize(
        "compares, succeeded",
        [
            ([Compare(b"/a", 2)], True),
            ([Compare(b"/a", 3)], False),
            ([Compare(b"/a", 0)], False),
            ([Compare(b"/missing", 0)], True),
            ([Compare(b"/missing", 2)], False),
            ([Compare(b"/gone", 0)], True),
            ([Compare(b"/gone", 4)], False),
            ([Compare(b"/a", 2), Compare(b"/missing", 0)], True),
            ([Compare(b"/a", 2), Compare(b"/missing", 1)], False),
        ],
    )
    async def test_compares(self, store: Store, compares: list[Compare], succeeded: bool) -> None:
        await put(store, b"/a")
        await put(store, b"/gone")
        await delete(store, b"/gone")
        result = await store.txn(compares, [Put(b"/b", b"v")])
        assert result.succeeded is succeeded
        assert result.revision == store.revision == (5 if succeeded else 4)
        assert await keys(store) == ([b"/a", b"/b"] if succeeded else [b"/a"])

    async def test_a_failed_txn_tells_the_current_state_of_what_it_compared(self, store: Store) -> None:
        await put(store, b"/a", b"x")
        result = await store.txn([Compare(b"/missing", 0), Compare(b"/a", 1)], [Put(b"/b", b"v")])
        assert result == TxnResult(False, 2, [None, KeyValue(b"/a", b"x", 2, 2, 1)])

    async def test_compares_see_the_writes_that_wait_before_them(self, store: Store) -> None:
        results = await asyncio.gather(
            *(store.txn([Compare(b"/a", 0)], [Put(b"/a", b"%d" % i)]) for i in range(5))
        )
        assert [result.succeeded for result in results] == [True, False, False, False, False]
        assert {result.current for result in map(hashable, results[1:])} == {
            (KeyValue(b"/a", b"0", 2, 2, 1),)
        }
        assert store.revision == 2

    async def test_compare_and_set_loses_no_update(self, store: Store) -> None:
        await put(store, b"/counter", b"0")

        async def increment() -> None:
            for _ in range(20):
                result = TxnResult(False, 0)
                while not result.succeeded:
                    old = await store.get(b"/counter")
                    assert old is not None
                    result = await store.txn(
                        [Compare(b"/counter", old.mod_revision)],
                        [Put(b"/counter", b"%d" % (int(old.value) + 1))],
                    )

        await asyncio.gather(*(increment() for _ in range(8)))
        assert await store.get(b"/counter") == KeyValue(b"/counter", b"160", 2, 162, 161)

    async def test_many_writers_at_once_each_get_their_own_revision(self, store: Store) -> None:
        revisions = await asyncio.gather(*(put(store, b"/a/%d" % i, b"%d" % i) for i in range(MANY)))
        assert sorted(revisions) == list(range(2, MANY + 2))
        for i, revision in enumerate(revisions[:10]):
            assert await store.get(b"/a/%d" % i) == KeyValue(b"/a/%d" % i, b"%d" % i, revision, revision, 1)
        assert len((await store.list(b"/a/")).items) == MANY

    async def test_a_txn_of_many_operations_is_one_revision(self, store: Store) -> None:
        result = await store.txn([], [Put(b"/a/%04d" % i, b"v") for i in range(MANY)])
        assert result == TxnResult(True, 2)
        assert len(await keys(store, b"/a/")) == MANY
        assert await keys(store, revision=1) == []

    async def test_values_are_any_bytes(self, store: Store) -> None:
        values = [b"", b"\0", b"\0\xff\0", b"\xc3\x28", "ü→🙂".encode(), b"1,2", bytes(range(256)) * 8192]
        for i, value in enumerate(values):
            await put(store, b"/v/%d" % i, b"before")
            await put(store, b"/v/%d" % i, value)
        assert [kv.value for kv in (await store.list(b"/v/")).items] == values
        seen = Recorder()
        await store.watch(b"/v/", seen, start_revision=2)
        assert [event.kv.value for event in seen.events[1::2]] == values
        for i, value in enumerate(values):
            kv = await store.get(b"/v/%d" % i)
            assert kv is not None and kv.value == value and type(kv.value) is bytes
            await store.txn([], [Delete(b"/v/%d" % i)])
        assert [event.previous and event.previous.value for event in seen.events[-len(values) :]] == values

    async def test_a_key_comes_once_in_a_txn(self, store: Store) -> None:
        twice: list[Operation] = [Put(b"/a", b"x"), Delete(b"/a")]
        with pytest.raises(AssertionError):
            await store.txn([], twice)
        assert await put(store, b"/a") == 2

    async def test_cancelling_a_writer_undoes_nothing_and_breaks_nobody(self, store: Store) -> None:
        seen = Recorder()
        await store.watch(b"/", seen)
        writers = [asyncio.ensure_future(put(store, b"/a/%d" % i)) for i in range(10)]  # noqa: TID251 - awaited below
        await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop
        writers[3].cancel()
        results = await asyncio.gather(*writers, return_exceptions=True)
        others = [result for i, result in enumerate(results) if i != 3]
        assert others == [revision for revision in range(2, 12) if revision != 5]
        assert seen.revisions == list(range(2, 12))
        assert len(await keys(store)) == 10
