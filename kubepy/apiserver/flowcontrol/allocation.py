"""How many seats each priority level gets: its nominal share, and what it lends and borrows as demand goes.

`allocate` is the heart: every level has a target (what it lately could use) and bounds; the seats are given out in
proportion to the targets as far as the bounds let them.

Source: apiserver pkg/util/flowcontrol/conc_alloc.go, apf_controller.go (updateBorrowingLocked, seatDemandStats),
fairqueuing/integrator.go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

# Source: apf_controller.go. The coefficient is meant for one adjustment in this period.
PERIOD_S = 10.0
SMOOTHING = 0.977
_TARGET_MIN = 0.001
_EPSILON = 1e-7


class Limits(NamedTuple):
    nominal: int
    min: int  # what is left when all is lent that may be
    max: int  # with everything borrowed that may be


def limits(server: int, shares: int, shares_sum: int, lendable: int | None, borrowing: int | None) -> Limits:
    """`lendable`, `borrowing`: percent; borrowing None: without limit. Source: finishQueueSetReconfigsLocked."""
    nominal = math.ceil(server * shares / shares_sum) if shares_sum else 0
    lends = _round(nominal * (lendable or 0) / 100)
    borrows = server if borrowing is None else _round(nominal * borrowing / 100)
    return Limits(nominal, nominal - lends, nominal + borrows)


class Item(NamedTuple):
    target: float
    lower: float
    upper: float


def allocate(total: int, items: Sequence[Item]) -> list[float]:
    """Parts that sum up to `total`: fair * target, kept within bounds. Raises ValueError when there are none."""
    low, high = sum(item.lower for item in items), sum(item.upper for item in items)
    if low - total > _EPSILON or total - high > _EPSILON:
        raise ValueError(f"{total} is not between {low} and {high}")
    if total == 0:
        return [0.0] * len(items)
    if low - total > -_EPSILON:
        return [float(item.lower) for item in items]
    if total - high > -_EPSILON:
        return [float(item.upper) for item in items]
    targets = [max(item.target, _TARGET_MIN) for item in items]
    fair = _fair(total, low, items, targets)
    return [max(item.lower, min(item.upper, fair * target)) for item, target in zip(items, targets)]


def _fair(total: float, low: float, items: Sequence[Item], targets: Sequence[float]) -> float:
    """The factor at which the parts sum up to `total`. Between two bounds the sum grows with the targets of the items
    that are not at a bound of theirs."""
    turns = sorted(
        [(item.lower / target, target) for item, target in zip(items, targets)]
        + [(item.upper / target, -target) for item, target in zip(items, targets)]
    )
    have, slope, fair = low, 0.0, turns[0][0]
    for at, change in turns:
        if slope > _EPSILON and have + (at - fair) * slope >= total:
            return fair + (total - have) / slope
        have += (at - fair) * slope
        fair, slope = at, slope + change
    return fair


class Demand(Struct):
    """The seats that one level could use, over time."""

    level: float = 0.0
    since: float = 0.0  # of the present level
    start: float = 0.0  # of the period
    area: float = 0.0
    squares: float = 0.0
    high: float = 0.0
    # of the last period
    watermark: int = 0
    average: float = 0.0
    deviation: float = 0.0
    smoothed: float = 0.0

    def set(self, level: float, now: float) -> None:
        span = now - self.since
        if span > 0:
            self.area += self.level * span
            self.squares += self.level * self.level * span
            self.since = now
        self.level = level
        if level > self.high:
            self.high = level

    def end_period(self, now: float) -> None:
        """Source: seatDemandStats.update; periods in which nobody looked are one."""
        self.set(self.level, now)
        span = now - self.start
        self.watermark = _round(self.high)
        if span > 0:
            self.average = self.area / span
            self.deviation = math.sqrt(max(0.0, self.squares / span - self.average**2))
            envelope = self.average + self.deviation
            past = SMOOTHING ** max(1.0, span / PERIOD_S)
            self.smoothed = max(envelope, past * self.smoothed + (1 - past) * envelope)
        self.start, self.area, self.squares, self.high = now, 0.0, 0.0, self.level


class Standing(NamedTuple):
    """One level at the end of a period."""

    limits: Limits
    is_exempt: bool
    watermark: int
    smoothed: float
    current: int  # seats of the last period


def share_out(standings: Sequence[Standing]) -> list[int]:
    """The seats of each level for the next period. Source: updateBorrowingLocked."""
    total = sum(standing.limits.nominal for standing in standings)
    least = [_least(standing) for standing in standings]
    limited = [i for i, standing in enumerate(standings) if not standing.is_exempt]
    left = total - sum(part for part, standing in zip(least, standings) if standing.is_exempt)
    floor = sum(standings[i].limits.min for i in limited)
    wanted = sum(least[i] for i in limited)
    parts = list(least)
    if left <= floor:
        for i in limited:
            parts[i] = standings[i].limits.min
    elif left <= wanted:
        fraction = (left - floor) / (wanted - floor)
        for i in limited:
            low = standings[i].limits.min
            parts[i] = low + _round((least[i] - low) * fraction)
    else:
        items = [Item(target(standings[i]), least[i], standings[i].limits.max) for i in limited]
        try:
            allocated = allocate(total, items)
        except ValueError:
            # Bounds that nothing fits into: people may write such. It stays as it was.
            allocated = [float(standings[i].current) for i in limited]
        for i, part in zip(limited, allocated):
            parts[i] = _round(part)
    return parts


def target(standing: Standing) -> float:
    """The seats that it should have if there were enough."""
    return max(_least(standing), standing.smoothed)


def _least(standing: Standing) -> int:
    """What it keeps whatever the others want."""
    if standing.is_exempt:
        return max(standing.limits.min, standing.watermark)
    return max(standing.limits.min, min(standing.limits.nominal, standing.watermark))


def _round(value: float) -> int:
    """Go's math.Round: halves away from zero."""
    return math.floor(value + 0.5)
