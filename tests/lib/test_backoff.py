from kubepy.lib.backoff import Exponential, Retry, TokenBucket
from kubepy.lib.clock import VirtualClock
from kubepy.lib.random import Random


def test_delays_double_per_item_up_to_the_cap():
    backoff = Exponential(0.005, 1.0)
    assert [backoff.next_s("a") for _ in range(4)] == [0.005, 0.01, 0.02, 0.04]
    assert backoff.next_s("b") == 0.005
    assert [backoff.next_s("a") for _ in range(99)][-1] == 1.0
    backoff.forget("a")
    assert backoff.failures("a") == 0 and backoff.next_s("a") == 0.005


def test_retry_stays_between_once_and_twice_the_base_and_resets():
    retry = Retry(Random(1), base_s=1.0, max_s=4.0)
    delays = [retry.next_s() for _ in range(6)]
    assert all(low <= delay <= 2 * low for low, delay in zip((1, 2, 4, 4, 4, 4), delays, strict=True))
    retry.reset()
    assert retry.next_s() <= 2


async def test_a_bucket_gives_its_burst_and_then_its_rate():
    clock = VirtualClock()
    bucket = TokenBucket(clock, rate=2, burst=3)
    assert [bucket.try_take() for _ in range(4)] == [True, True, True, False]
    await clock.advance(1)
    assert [bucket.try_take() for _ in range(3)] == [True, True, False]
    assert bucket.take() == 0.5
    assert bucket.take() == 1.0
