"""Exponential backoff and token buckets, as numbers: they say how long, somebody else waits."""

from __future__ import annotations

from collections.abc import Hashable

from kubepy.lib.clock import Clock
from kubepy.lib.random import Random


class Exponential:
    """Per-item delays base, 2*base, ... capped. Source: client-go util/workqueue ItemExponentialFailureRateLimiter."""

    def __init__(self, base_s: float, max_s: float) -> None:
        self.base_s, self.max_s = base_s, max_s
        self._failures: dict[Hashable, int] = {}

    def next_s(self, item: Hashable) -> float:
        """Count one more failure of `item` and say how long to wait."""
        failures = self._failures.get(item, 0)
        self._failures[item] = failures + 1
        return min(self.base_s * 2.0 ** min(failures, 64), self.max_s)

    def forget(self, item: Hashable) -> None:
        self._failures.pop(item, None)

    def failures(self, item: Hashable) -> int:
        return self._failures.get(item, 0)


class Retry:
    """One caller's delays with jitter, reset when it succeeds: for reconnect loops."""

    def __init__(self, random: Random, *, base_s: float = 0.8, max_s: float = 30.0) -> None:
        self._random, self.base_s, self.max_s = random, base_s, max_s
        self._attempt = 0

    def next_s(self) -> float:
        delay = min(self.base_s * 2.0**self._attempt, self.max_s)
        self._attempt = min(self._attempt + 1, 64)
        return self._random.jitter(delay, 1.0)

    def reset(self) -> None:
        self._attempt = 0


class TokenBucket:
    """`rate` tokens a second, at most `burst` saved up; `take()` says how long the token is away."""

    def __init__(self, clock: Clock, *, rate: float, burst: float) -> None:
        self._clock, self.rate, self.burst = clock, rate, burst
        self._tokens, self._at = burst, clock.monotonic()

    def take(self) -> float:
        """Take one token, on credit if need be, and return the seconds to wait before using it."""
        now = self._clock.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate) - 1
        self._at = now
        return max(0.0, -self._tokens / self.rate)

    def try_take(self) -> bool:
        """Take a token only if one is there now."""
        now = self._clock.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
