"""The contract of `store.base.Store` as tests. Subclass `StoreContract` and give it a fixture `store`: an open, empty
store, closed afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from kubepy.store.base import (
    Compacted,
    Compare,
    Delete,
    Event,
    EventType,
    FutureRevision,
    KeyValue,
    Operation,
    Put,
    Store,
    TxnResult,
    Unavailable,
    Watch,
)

# More than any implementation reads, writes or delivers in one go.
MANY = 1000


async def put(store: Store, key: bytes, value: bytes = b"v") -> int:
    """Write unconditionally; the revision."""
    return (await store.txn([], [Put(key, value)])).revision


async def delete(store: Store, key: bytes) -> int:
    return (await store.txn([], [Delete(key)])).revision


async def keys(store: Store, prefix: bytes = b"/", *, revision: int = 0) -> list[bytes]:
    return [kv.key for kv in (await store.list(prefix, revision=revision)).items]


async def history(store: Store, prefix: bytes, first: int, last: int) -> list[Event]:
    return [event async for events in store.history(prefix, first, last) for event in events]


def created(key: bytes, value: bytes, revision: int) -> Event:
    return Event(EventType.PUT, KeyValue(key, value, revision, revision, 1), None)


class Recorder:
    """A sink that remembers. `revisions` are those of its events, in the order they came."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.calls = 0

    def __call__(self, events: Sequence[Event]) -> None:
        assert events, "a sink is called with events or not at all"
        self.calls += 1
        self.events += events

    @property
    def revisions(self) -> list[int]:
        return [event.kv.mod_revision for event in self.events]

    @property
    def keys(self) -> list[bytes]:
        return [event.kv.key for event in self.events]


class StoreContract:
    """Everything that base.py says, and what callers would take for granted."""

    # -- writes -----------------------------------------------------------------------------------------------------

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
        assert {result.current for result in map(_hashable, results[1:])} == {
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
        writers = [asyncio.ensure_future(put(store, b"/a/%d" % i)) for i in range(10)]  # noqa: TID251
        await asyncio.sleep(0)  # noqa: TID251
        writers[3].cancel()
        results = await asyncio.gather(*writers, return_exceptions=True)
        others = [result for i, result in enumerate(results) if i != 3]
        assert others == [revision for revision in range(2, 12) if revision != 5]
        assert seen.revisions == list(range(2, 12))
        assert len(await keys(store)) == 10

    # -- reads --------------------------------------------------------------------------------------------------------

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

    # -- compaction ---------------------------------------------------------------------------------------------------

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

    # -- watches ------------------------------------------------------------------------------------------------------

    async def test_a_watch_sees_what_is_under_its_prefix(self, store: Store) -> None:
        prefixes = (b"/", b"/r/", b"/r/pods/", b"/r/pods/default/", b"/r/pod/", b"/r/pods/d/")
        seen = {prefix: Recorder() for prefix in prefixes}
        for prefix, sink in seen.items():
            await store.watch(prefix, sink)
        every = [b"/r/pods/default/a", b"/r/pods/kube/a", b"/r/nodes/a", b"/r/pods", b"/x"]
        for key in every:
            await put(store, key)
        for prefix, sink in seen.items():
            assert sink.keys == [key for key in every if key.startswith(prefix)], prefix

    async def test_a_txn_returns_after_all_sinks_have_seen_it(self, store: Store) -> None:
        first, second = Recorder(), Recorder()
        await store.watch(b"/", first)
        await store.watch(b"/a/", second)

        async def write(name: int) -> None:
            for i in range(20):
                revision = await put(store, b"/a/%d-%d" % (name, i))
                assert first.revisions[-1] >= revision
                assert second.revisions[-1] >= revision
                assert store.revision >= revision

        await asyncio.gather(*(write(name) for name in range(10)))
        assert first.revisions == second.revisions == list(range(2, 202))

    async def test_no_sink_is_behind_the_revision_that_others_read(self, store: Store) -> None:
        newest = {"a": 1, "b": 1}

        def sink_of(name: str) -> object:
            def sink(events: Sequence[Event]) -> None:
                newest[name] = events[-1].kv.mod_revision
                assert min(newest.values()) >= store.revision

            return sink

        failures = _failures()
        await store.watch(b"/a/", sink_of("a"))  # type: ignore[arg-type]
        await store.watch(b"/", sink_of("b"))  # type: ignore[arg-type]
        await asyncio.gather(*(put(store, b"/a/%d" % i) for i in range(100)))
        assert newest == {"a": 101, "b": 101}
        assert failures == []

    async def test_history_then_live_without_gap_or_repeat(self, store: Store) -> None:
        live = Recorder()
        await store.watch(b"/a/", live)
        seen: list[Recorder] = []

        async def write(name: int) -> None:
            for i in range(MANY // 5):
                await store.txn([], [Put(b"/a/%d" % name, b"%d" % i), Put(b"/b/%d" % name, b"%d" % i)])

        async def watch() -> None:
            for _ in range(20):
                await put(store, b"/c")  # waits for a commit of the writers, wherever there are any
                sink = Recorder()
                seen.append(sink)
                await store.watch(b"/a/", sink, start_revision=2)
                assert sink.events == live.events

        await asyncio.gather(*(write(name) for name in range(5)), watch())
        assert len(live.events) == MANY
        for sink in seen:
            assert sink.events == live.events

    async def test_what_is_replayed_is_what_was_live(self, store: Store) -> None:
        live = Recorder()
        await store.watch(b"/a/", live)
        for i in range(120):
            key, other = b"/a/%d" % (i % 5), b"/a/%d" % (i * 7 % 11 + 5)
            await store.txn(
                [], [Delete(key) if i % 3 == 1 else Put(key, b"%d" % i), Put(other, b""), Put(b"/b", b"")]
            )
        await store.compact(20)
        for start in (21, 22, 60, 121, 122):
            seen = Recorder()
            await store.watch(b"/a/", seen, start_revision=start)
            assert seen.events == [event for event in live.events if event.kv.mod_revision >= start]

    async def test_history_is_what_was_live(self, store: Store) -> None:
        live = Recorder()
        await store.watch(b"/a/", live)
        for i in range(2 * MANY // 3):
            key, other = b"/a/%d" % (i % 5), b"/a/%d" % (i * 7 % 11 + 5)
            await store.txn([], [Delete(key) if i % 3 == 1 else Put(key, b"%d" % i), Put(other, b"")])
            await put(store, b"/b/%d" % i)
        await store.compact(20)
        for first, last in (
            (21, store.revision),
            (22, 22),
            (100, 900),
            (store.revision, store.revision),
            (30, 29),
        ):
            events = [event for event in live.events if first <= event.kv.mod_revision <= last]
            assert await history(store, b"/a/", first, last) == events

    async def test_history_comes_in_pieces_whatever_else_was_written(self, store: Store) -> None:
        for i in range(2 * MANY):
            await put(store, b"/b/%d" % (i % 7))
        at = await put(store, b"/a/1")
        sizes = [len(events) async for events in store.history(b"/b/", 2, store.revision)]
        assert sum(sizes) == 2 * MANY
        assert max(sizes) < MANY
        assert await history(store, b"/a/", 2, at) == [created(b"/a/1", b"v", at)]

    async def test_history_that_is_compacted_or_to_come_is_refused(self, store: Store) -> None:
        for i in range(2 * MANY):
            await put(store, b"/a/%d" % (i % 7))
        with pytest.raises(FutureRevision):
            await history(store, b"/a/", 5, store.revision + 1)
        seen: list[int] = []
        with pytest.raises(Compacted):
            async for events in store.history(b"/a/", 2, store.revision):
                seen += [event.kv.mod_revision for event in events]
                if store.compacted == 0:
                    await store.compact(store.revision - 1)
        assert seen == list(range(2, 2 + len(seen)))
        assert len(seen) < 2 * MANY
        with pytest.raises(Compacted):
            await history(store, b"/a/", store.compacted, store.revision)
        assert len(await history(store, b"/a/", store.compacted + 1, store.revision)) == 1

    async def test_a_watch_may_start_in_the_future(self, store: Store) -> None:
        seen = Recorder()
        await store.watch(b"/", seen, start_revision=4)
        for i in range(5):
            await put(store, b"/%d" % i)
        assert seen.revisions == [4, 5, 6]

    async def test_a_cancelled_watch_is_silent(self, store: Store) -> None:
        cancelled, other = Recorder(), Recorder()
        watch = await store.watch(b"/", cancelled)
        await store.watch(b"/", other)
        await put(store, b"/a")
        watch.cancel()
        watch.cancel()
        await put(store, b"/b")
        assert cancelled.revisions == [2]
        assert other.revisions == [2, 3]
        assert store.statistics().watches == 1

    async def test_a_sink_may_cancel_any_watch_while_it_is_called(self, store: Store) -> None:
        watches: list[Watch] = []
        calls: list[str] = []

        def first(events: Sequence[Event]) -> None:
            calls.append("first")
            for watch in watches:
                watch.cancel()

        def second(events: Sequence[Event]) -> None:
            calls.append("second")

        last = Recorder()
        watches += [await store.watch(b"/", first), await store.watch(b"/", second)]
        await store.watch(b"/", last)
        await put(store, b"/a")
        await put(store, b"/a")
        assert calls == ["first"]
        assert last.revisions == [2, 3]

    async def test_a_sink_may_cancel_itself_while_history_is_replayed(self, store: Store) -> None:
        for i in range(2 * MANY):
            await store.txn([], [Put(b"/a/%d" % i, b"v")])
        seen = Recorder()
        holder: list[Watch] = []

        def sink(events: Sequence[Event]) -> None:
            seen(events)
            if holder:
                holder[0].cancel()

        holder.append(await store.watch(b"/", sink, start_revision=2))
        assert seen.revisions == list(range(2, 2 * MANY + 2))
        await put(store, b"/b")
        await put(store, b"/c")
        assert seen.revisions[-1] == 2 * MANY + 2

    async def test_a_sink_that_fails_fails_alone(self, store: Store) -> None:
        failures = _failures()

        def broken(events: Sequence[Event]) -> None:
            raise RuntimeError("broken sink")

        seen = Recorder()
        await store.watch(b"/", broken)
        await store.watch(b"/", seen)
        assert await put(store, b"/a") == 2
        assert await put(store, b"/a") == 3
        assert seen.revisions == [2, 3]
        assert [str(failure) for failure in failures] == ["broken sink", "broken sink"]

    # -- the end ------------------------------------------------------------------------------------------------------

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
        await asyncio.sleep(0)  # noqa: TID251
        await asyncio.gather(store.close(), store.close())
        assert sorted(await writers) == list(range(2, MANY + 2))
        assert seen.revisions == list(range(2, MANY + 2))


def _hashable(result: TxnResult) -> TxnResult:
    return TxnResult(result.succeeded, result.revision, tuple(result.current))


def _failures() -> list[BaseException]:
    """What reaches the loop's exception handler from now on."""
    failures: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    return failures
