"""Randomness, injected: the system's for a real cluster, a seed's for a replay.

One `Random` per cluster. With a seed every uid, generated name, jitter and choice is the same in each run,
provided the callers come in the same order, which virtual time gives.
"""

from __future__ import annotations

import os
import random as _random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# Source: apimachinery pkg/util/rand/rand.go: no vowels and none that look alike, so no bad words by chance.
ALPHANUMS = "bcdfghjklmnpqrstvwxz2456789"


# Bytes taken from the system at once: the call lets go of the interpreter, and another thread may hold it for long.
_TAKEN = 1024


class _System(_random.SystemRandom):
    """The operating system's randomness, fetched in advance."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes, self._at = b"", 0

    def getrandbits(self, k: int) -> int:
        size = (k + 7) // 8
        if size > _TAKEN:
            return super().getrandbits(k)
        if self._at + size > len(self._bytes):
            self._bytes, self._at = os.urandom(_TAKEN), 0
        taken = self._bytes[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "big") >> (size * 8 - k)


class Random:
    """Of `Random()` uids, suffixes and tokens are the operating system's and fit for secrets;
    choices and waits come from a generator that it seeds. `Random(seed)` replays, and nothing of it is secret."""

    def __init__(self, seed: int | str | None = None) -> None:
        self.seed = seed
        self._draws = _random.Random(seed)
        self._source = _System() if seed is None else self._draws

    def stream(self, name: str) -> Random:
        """One component's own: what another draws, or how often, does not change what this one gets."""
        return Random(None if self.seed is None else f"{self.seed}/{name}")

    def uid(self) -> str:
        """A version 4 UUID, e.g. 7c9e6679-7425-40de-944b-e07fc1f90ae7."""
        bits = self._source.getrandbits(128)
        bits = bits & ~(0xF << 76) | (4 << 76)
        bits = bits & ~(0x3 << 62) | (0x2 << 62)
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def suffix(self, length: int = 5) -> str:
        """What generateName appends, e.g. x7k2p."""
        # One draw for all characters: the system's randomness is a system call each time.
        number = self._source.getrandbits(8 * length)
        text = ""
        for _ in range(length):
            number, index = divmod(number, len(ALPHANUMS))
            text += ALPHANUMS[index]
        return text

    def token(self, size_bytes: int = 32) -> bytes:
        return self._source.getrandbits(size_bytes * 8).to_bytes(size_bytes, "big")

    def uniform(self, low: float, high: float) -> float:
        return self._draws.uniform(low, high)

    def jitter(self, value: float, factor: float = 0.1) -> float:
        """value ... value * (1 + factor), evenly. Source: apimachinery pkg/util/wait.Jitter."""
        return value * (1 + self._draws.random() * factor)

    def choice(self, items: Sequence[T]) -> T:
        return self._draws.choice(items)

    def index(self, count: int) -> int:
        """0 ... count-1, evenly."""
        return self._draws.randrange(count)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        copy = list(items)
        self._draws.shuffle(copy)
        return copy
