import asyncio

import pytest

from kubepy.client.workqueue import Queue, ShutDown
from kubepy.lib.backoff import Exponential, TokenBucket


async def take(queue, clock):
    """The next item, or None if it would have to wait."""
    task = asyncio.get_running_loop().create_task(queue.get())
    await clock.settle()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait([task])
    return None


async def test_items_come_in_order_and_once(clock):
    queue = Queue(clock)
    for item in "abab":
        queue.add(item)
    assert [await take(queue, clock) for _ in range(3)] == ["a", "b", None]


async def test_an_item_added_while_worked_on_comes_again_when_done(clock):
    queue = Queue(clock)
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    queue.add("a")
    assert await take(queue, clock) is None
    queue.done("a")
    assert await take(queue, clock) == "a"
    queue.done("a")
    assert await take(queue, clock) is None


async def test_waiting_workers_are_served_in_their_order(clock):
    queue = Queue(clock)
    served = []

    async def worker(name):
        served.append((name, await queue.get()))

    workers = [asyncio.get_running_loop().create_task(worker(name)) for name in "xyz"]
    await clock.settle()
    for item in "abc":
        queue.add(item)
    await clock.settle()
    assert served == [("x", "a"), ("y", "b"), ("z", "c")]
    assert all(w.done() for w in workers)


async def test_a_worker_cancelled_after_it_was_woken_loses_nothing(clock):
    queue = Queue(clock)
    first = asyncio.get_running_loop().create_task(queue.get())
    second = asyncio.get_running_loop().create_task(queue.get())
    await clock.settle()
    queue.add("a")
    first.cancel()
    await clock.settle()
    assert first.cancelled()
    assert second.result() == "a"


async def test_the_earliest_of_several_due_times_counts(clock):
    queue = Queue(clock)
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    await clock.advance(4.9)
    assert len(queue) == 0
    await clock.advance(0.2)
    assert await take(queue, clock) == "a"
    queue.done("a")
    await clock.advance(60)
    assert len(queue) == 0


async def test_add_after_nothing_is_add(clock):
    queue = Queue(clock)
    queue.add_after("a", 0)
    assert len(queue) == 1


async def test_failures_wait_longer_until_forgotten(clock):
    queue = Queue(clock, Exponential(1, 8))
    delays = []
    for _ in range(6):
        start = clock.monotonic()
        queue.add_rate_limited("a")
        while len(queue) == 0:
            await clock.advance(0.5)
        delays.append(clock.monotonic() - start)
        queue.done(await queue.get())
    assert delays == [1, 2, 4, 8, 8, 8]
    assert queue.failures("a") == 6
    queue.forget("a")
    assert queue.failures("a") == 0


async def test_the_bucket_holds_all_items_back(clock):
    queue = Queue(clock, Exponential(0.001, 1), bucket=TokenBucket(clock, rate=1, burst=2))
    for item in "abcd":
        queue.add_rate_limited(item)
    await clock.advance(0.5)
    assert len(queue) == 2
    await clock.advance(2)
    assert len(queue) == 4


async def test_what_is_added_while_an_item_rests_is_one_run_after_it(clock):
    queue = Queue(clock)
    queue.add("a")
    queue.done(await queue.get(), rest_s=1)
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert await take(queue, clock) == "b"
    await clock.advance(0.9)
    assert await take(queue, clock) is None
    await clock.advance(0.1)
    assert await take(queue, clock) == "a"
    queue.done("a", rest_s=1)
    await clock.advance(5)
    queue.add("a")
    assert await take(queue, clock) == "a"


async def test_nothing_rests_after_shutdown(clock):
    queue = Queue(clock)
    queue.add("a")
    queue.done(await queue.get(), rest_s=100)
    queue.add("a")
    queue.shutdown()
    assert await queue.get() == "a"
    assert clock.next_due is None


async def test_shutdown_hands_out_what_waits_and_then_ends(clock):
    queue = Queue(clock)
    waiting = asyncio.get_running_loop().create_task(queue.get())
    await clock.settle()
    queue.add("a")
    queue.add("b")
    queue.add_after("c", 1)
    queue.shutdown()
    queue.add("d")
    assert await waiting == "a"
    assert await queue.get() == "b"
    with pytest.raises(ShutDown):
        await queue.get()
    assert clock.next_due is None


async def test_statistics_and_waiting_time(clock):
    waits = []
    queue = Queue(clock, on_wait=waits.append)
    queue.add("a")
    queue.add("b")
    queue.add_after("c", 100)
    await clock.advance(3)
    await queue.get()
    stats = queue.statistics()
    assert (stats.depth, stats.processing, stats.delayed, stats.adds) == (1, 1, 1, 2)
    assert waits == [3.0]
