"""How long somebody who was sent away should stay away: longer while many are sent away.

Source: apiserver pkg/util/flowcontrol/dropped_requests_tracker.go.
"""

from __future__ import annotations

from collections import deque

RETRY_AFTER_MAX_S = 32


class Rejections:
    """Those of one priority level."""

    def __init__(self) -> None:
        self.retry_after_s = 1
        self._history: deque[tuple[int, int]] = deque()  # (second, how many)
        self._second, self._count = 0, 0
        self._updated = 0

    def add(self, now: float) -> None:
        second = int(now)
        if second == self._second:
            self._count += 1
            return
        self._history.append((self._second, self._count))
        span_max = min(2 * self.retry_after_s, RETRY_AFTER_MAX_S)
        while self._history and second - self._history[0][0] > span_max:
            self._history.popleft()
        self._second, self._count = second, 1
        self._adapt(second)

    def _adapt(self, now: int) -> None:
        wait = self.retry_after_s
        lately = sum(count for second, count in self._history if now - second <= wait and second < now)
        if now - self._updated >= wait and lately >= 3 * wait:
            self.retry_after_s, self._updated = min(2 * wait, RETRY_AFTER_MAX_S), now
        elif lately < wait and wait > 1:
            self.retry_after_s = wait - 1
