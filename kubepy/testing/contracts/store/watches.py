"""Who hears what, in which order, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from kubepy.store.base import (
    Compacted,
    Delete,
    Event,
    FutureRevision,
    Put,
    Sink,
    Store,
    Watch,
)
from kubepy.testing.contracts.store.parts import MANY, Recorder, created, history, put, unhandled


class Watches:
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

        def sink_of(name: str) -> Sink:
            def sink(events: Sequence[Event]) -> None:
                newest[name] = events[-1].kv.mod_revision
                assert min(newest.values()) >= store.revision

            return sink

        failures = unhandled()
        await store.watch(b"/a/", sink_of("a"))
        await store.watch(b"/", sink_of("b"))
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
        failures = unhandled()

        def broken(events: Sequence[Event]) -> None:
            raise RuntimeError("broken sink")

        seen = Recorder()
        await store.watch(b"/", broken)
        await store.watch(b"/", seen)
        assert await put(store, b"/a") == 2
        assert await put(store, b"/a") == 3
        assert seen.revisions == [2, 3]
        assert [str(failure) for failure in failures] == ["broken sink", "broken sink"]
