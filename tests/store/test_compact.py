from collections.abc import AsyncIterator

import pytest

from kubepy.lib.aio import Tasks
from kubepy.lib.clock import VirtualClock
from kubepy.observability import logs
from kubepy.store.base import Unavailable
from kubepy.store.compact import Compactor
from kubepy.store.memory import MemoryStore
from kubepy.testing.contracts.store import put


def failed(name: str, error: BaseException) -> None:
    raise AssertionError(name) from error


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks(failed)
    yield tasks
    await tasks.close()


def compactor(store: MemoryStore, clock: VirtualClock, tasks: Tasks, retention_s: float = 300) -> None:
    Compactor(store, clock=clock, tasks=tasks, log=logs.silent(), retention_s=retention_s).start()


async def test_it_compacts_to_the_revision_of_five_minutes_ago(tasks: Tasks) -> None:
    store, clock = MemoryStore(), VirtualClock()
    await put(store, b"/a")
    compactor(store, clock, tasks)
    await clock.advance(100)
    await put(store, b"/a")
    await clock.advance(199)
    assert store.compacted == 0
    await clock.advance(1)
    assert store.compacted == 2
    await put(store, b"/a")
    await clock.advance(300)
    assert store.compacted == 3
    await clock.advance(300)
    assert store.compacted == 4


async def test_an_idle_store_is_left_alone(tasks: Tasks) -> None:
    store, clock = MemoryStore(), VirtualClock()
    await put(store, b"/a")
    compactor(store, clock, tasks)
    await clock.advance(10_000)
    assert store.compacted == 2


async def test_somebody_elses_compaction_is_no_error(tasks: Tasks) -> None:
    store, clock = MemoryStore(), VirtualClock()
    await put(store, b"/a")
    compactor(store, clock, tasks)
    await clock.advance(200)
    await put(store, b"/a")
    await store.compact(3)
    await clock.advance(200)
    assert store.compacted == 3
    await put(store, b"/a")
    await clock.advance(600)
    assert store.compacted == 4


async def test_a_disk_that_fails_is_tried_again(tasks: Tasks) -> None:
    class Failing(MemoryStore):
        fails = True

        async def compact(self, revision: int) -> None:
            if self.fails:
                raise Unavailable("disk full")
            await super().compact(revision)

    store, clock = Failing(), VirtualClock()
    await put(store, b"/a")
    compactor(store, clock, tasks)
    await clock.advance(300)
    assert store.compacted == 0
    store.fails = False
    await clock.advance(300)
    assert store.compacted == 2


async def test_a_retention_of_zero_keeps_everything(tasks: Tasks) -> None:
    store, clock = MemoryStore(), VirtualClock()
    await put(store, b"/a")
    compactor(store, clock, tasks, retention_s=0)
    await clock.advance(10_000)
    assert store.compacted == 0
