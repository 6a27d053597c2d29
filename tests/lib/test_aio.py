import asyncio
import inspect

import pytest

from kubepy.lib.aio import Lull, Tasks, gather_bounded
from kubepy.lib.clock import VirtualClock


async def test_a_failing_task_is_reported_and_its_siblings_live():
    failures: list[tuple[str, str]] = []
    tasks = Tasks(lambda name, error: failures.append((name, str(error))))
    alive = asyncio.Event()

    async def fail():
        raise ValueError("no")

    async def live():
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        alive.set()

    tasks.start(fail(), name="bad")
    tasks.start(live(), name="good")
    await alive.wait()
    assert failures == [("bad", "no")]
    await tasks.close()


async def test_close_cancels_and_waits_for_cleanup():
    tasks, ended = Tasks(lambda *_: None), []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    tasks.start(work(), name="work")
    await asyncio.sleep(0)
    await tasks.close()
    assert ended == [True] and len(tasks) == 0
    late = work()
    with pytest.raises(RuntimeError, match="shutting down"):
        tasks.start(late, name="late")


async def test_gather_bounded_keeps_order_and_bound():
    running = peak = 0

    async def one(number: int):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0)
        running -= 1
        if number == 3:
            raise KeyError(number)
        return number

    results = await gather_bounded(2, [one(n) for n in range(5)])
    assert peak == 2
    assert results[:3] == [0, 1, 2] and isinstance(results[3], KeyError) and results[4] == 4


async def test_gather_bounded_tells_of_work_that_was_cancelled_and_goes_on():
    never = asyncio.get_running_loop().create_future()
    never.cancel()

    async def wait():
        await never

    async def one():
        return 1

    cancelled, done = await gather_bounded(1, [wait(), one()])
    assert isinstance(cancelled, asyncio.CancelledError) and done == 1


async def test_gather_bounded_cancelled_halfway_leaves_no_coroutine_behind():
    async def never():
        await asyncio.Event().wait()

    works = [never() for _ in range(3)]
    gathering = asyncio.ensure_future(gather_bounded(1, works))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    await asyncio.sleep(0)
    assert {inspect.getcoroutinestate(work) for work in works} == {inspect.CORO_CLOSED}


async def test_gather_bounded_leaves_nothing_behind_when_it_is_cancelled():
    async def one():
        await asyncio.sleep(3600)

    tasks = Tasks(lambda name, error: None)
    works = [one() for _ in range(3)]
    tasks.start(gather_bounded(1, works), name="gather")
    await asyncio.sleep(0)
    await tasks.close()
    assert [work.cr_frame for work in works] == [None] * 3


@pytest.mark.parametrize(("turn_s", "turns"), [(0.0, [1, 2, 3]), (0.01, [4, 8, 12])])
async def test_who_can_wait_waits_for_a_lull_and_no_longer_than_its_time(turn_s, turns):
    class Turns(VirtualClock):
        count = 0

        def monotonic(self) -> float:
            return self.count * turn_s

        async def sleep(self, delay_s: float) -> None:
            self.count += 1
            await asyncio.sleep(0)

    clock, passed = Turns(), []
    lull = Lull(clock, most_s=0.04)

    async def one():
        await lull.wait()
        passed.append(clock.count)

    await asyncio.gather(*(one() for _ in range(3)))
    assert passed == turns
