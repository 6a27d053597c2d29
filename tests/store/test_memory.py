from collections.abc import AsyncIterator

import pytest

from kubepy.store.base import Compacted, Put
from kubepy.store.memory import MemoryStore
from kubepy.testing.contracts.store import Recorder, StoreContract, delete, keys, put


class TestContract(StoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        store = MemoryStore()
        yield store
        await store.close()


def finish(work: object) -> object:
    """The result of a coroutine that never waits."""
    with pytest.raises(StopIteration) as stop:
        work.send(None)  # type: ignore[attr-defined]
    return stop.value.value


def test_nothing_ever_waits() -> None:
    store, seen = MemoryStore(), Recorder()
    finish(store.watch(b"/", seen))
    finish(store.txn([], [Put(b"/a", b"v")]))
    finish(store.get(b"/a"))
    finish(store.list(b"/"))
    finish(store.compact(2))
    finish(store.close())
    assert seen.revisions == [2]


async def test_a_fork_has_content_history_and_revision_but_no_watches() -> None:
    base, seen = MemoryStore(), Recorder()
    await base.watch(b"/", seen)
    await put(base, b"/a", b"1")
    await put(base, b"/a", b"2")
    fork = base.fork()
    assert (fork.revision, fork.statistics().watches) == (3, 0)
    assert await fork.list(b"/", revision=2) == await base.list(b"/", revision=2)
    assert fork.statistics().size_bytes == base.statistics().size_bytes
    await put(fork, b"/b")
    assert seen.revisions == [2, 3]


async def test_forks_go_their_own_ways() -> None:
    base = MemoryStore()
    await put(base, b"/a", b"base")
    left, right = base.fork(), base.fork()
    await put(left, b"/left")
    await put(right, b"/right")
    await delete(right, b"/a")
    await put(base, b"/base")
    assert await keys(base) == [b"/a", b"/base"]
    assert await keys(left) == [b"/a", b"/left"]
    assert await keys(right) == [b"/right"]
    assert [store.revision for store in (base, left, right)] == [3, 3, 4]
    for store, name in ((base, b"/base"), (left, b"/left"), (right, b"/right")):
        seen = Recorder()
        await store.watch(b"/", seen, start_revision=2)
        assert seen.keys[:2] == [b"/a", name]
        assert await keys(store, revision=2) == [b"/a"]


async def test_a_fork_of_a_fork_reads_the_whole_past() -> None:
    store = MemoryStore()
    for i in range(20):
        store = store.fork().fork()
        await put(store, b"/%02d" % i)
    seen = Recorder()
    await store.watch(b"/", seen, start_revision=1)
    assert seen.revisions == list(range(2, 22))
    for revision in range(1, 22):
        assert len(await keys(store, revision=revision)) == revision - 1


async def test_compaction_of_one_fork_leaves_the_others_their_history() -> None:
    base = MemoryStore()
    for i in range(10):
        await put(base, b"/a", b"%d" % i)
    fork = base.fork()
    for i in range(10):
        await put(fork, b"/a", b"fork %d" % i)
    for at in (5, 11, 15):
        await fork.compact(at)
        got = await fork.get(b"/a", revision=at)
        assert got is not None and got.mod_revision == at
        with pytest.raises(Compacted):
            await fork.get(b"/a", revision=at - 1)
        seen = Recorder()
        await fork.watch(b"/", seen, start_revision=at + 1)
        assert seen.revisions == list(range(at + 1, 22))
    later = fork.fork()
    assert later.compacted == 15
    await put(later, b"/a")
    assert len(await keys(base, revision=2)) == 1
    assert base.compacted == 0


async def test_compaction_gives_the_memory_back_as_writes_come() -> None:
    store = MemoryStore()
    for i in range(100):
        await put(store, b"/a", b"%d" % i)
    await store.compact(store.revision)
    held = len(store._forgotten)
    for i in range(100):
        await put(store, b"/a", b"%d" % i)
    assert held >= 100
    assert store._forgotten == []
