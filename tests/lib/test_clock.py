import asyncio

import pytest

from kubepy.lib.clock import RealClock, VirtualClock, parse_rfc3339, rfc3339, rfc3339_micro


async def test_timers_fire_in_order_at_their_own_instant():
    clock, fired = VirtualClock(start=0.0), []
    for delay in (3.0, 1.0, 2.0):
        clock.call_later(delay, lambda d=delay: fired.append((d, clock.now())))
    await clock.advance(2.5)
    assert fired == [(1.0, 1.0), (2.0, 2.0)]
    assert clock.now() == 2.5
    await clock.advance(1)
    assert fired[-1] == (3.0, 3.0)


async def test_what_a_timer_wakes_finishes_before_the_next_timer():
    clock, seen = VirtualClock(start=0.0), []

    async def ticker():
        for _ in range(3):
            await clock.sleep(10)
            for _ in range(5):
                await clock.sleep(0)
            seen.append(clock.now())

    task = asyncio.get_running_loop().create_task(ticker())
    await clock.advance(35)
    assert seen == [10.0, 20.0, 30.0]
    await task


async def test_a_year_of_sleeping_takes_no_time():
    clock = VirtualClock()
    task = asyncio.get_running_loop().create_task(clock.sleep(365 * 86400))
    await clock.advance(366 * 86400)
    assert task.done()


async def test_a_cancelled_timer_does_not_fire():
    clock, fired = VirtualClock(), []
    clock.call_later(1, fired.append, "a").cancel()
    await clock.advance(2)
    assert fired == [] and clock.next_due is None


@pytest.mark.parametrize("clock", [VirtualClock(), RealClock()], ids=["virtual", "real"])
async def test_timeout_raises_inside_and_leaves_the_task_alive(clock):
    async def wait():
        with pytest.raises(TimeoutError):
            async with clock.timeout(0.01):
                await asyncio.Event().wait()
        return "went on"

    task = asyncio.get_running_loop().create_task(wait())
    if isinstance(clock, VirtualClock):
        await clock.advance(1)
    assert await task == "went on"


async def test_timeout_that_is_not_reached_changes_nothing():
    clock = VirtualClock()
    async with clock.timeout(5):
        pass
    async with clock.timeout(None):
        pass
    assert clock.next_due is None


async def test_a_cancel_from_outside_stays_a_cancel():
    clock = VirtualClock()

    async def wait():
        async with clock.timeout(5):
            await asyncio.Event().wait()

    task = asyncio.get_running_loop().create_task(wait())
    await clock.settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_settle_says_when_two_tasks_chase_each_other():
    clock = VirtualClock()

    async def spin():
        while True:
            await clock.sleep(0)

    task = asyncio.get_running_loop().create_task(spin())
    with pytest.raises(RuntimeError, match="still busy"):
        await clock.settle(turns_max=50)
    task.cancel()


def test_times_are_written_as_kubernetes_writes_them():
    assert rfc3339(1_700_000_000.9) == "2023-11-14T22:13:20Z"
    assert rfc3339_micro(1_700_000_000.25) == "2023-11-14T22:13:20.250000Z"
    assert rfc3339_micro(1_700_000_000.9999999) == "2023-11-14T22:13:21.000000Z"
    assert parse_rfc3339("2023-11-14T22:13:20Z") == 1_700_000_000
    assert parse_rfc3339("2023-11-14T23:13:20.5+01:00") == 1_700_000_000.5
