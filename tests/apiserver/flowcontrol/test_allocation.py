"""Cases from apiserver pkg/util/flowcontrol/conc_alloc_test.go, and what any allocation must keep to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubepy.apiserver.flowcontrol.allocation import (
    Demand,
    Item,
    Limits,
    Standing,
    allocate,
    limits,
    share_out,
)


@pytest.mark.parametrize(
    ("total", "items", "wanted"),
    [
        (10, [Item(10, 5, 20), Item(10, 5, 20)], [5, 5]),
        (30, [Item(10, 5, 20), Item(20, 5, 40)], [10, 20]),
        (0, [Item(0, 0, 5)], [0]),
        (25, [Item(10, 0, 5), Item(10, 0, 20)], [5, 20]),
        (12, [Item(10, 8, 20), Item(10, 0, 20)], [8, 4]),
        (60, [Item(1, 0, 10), Item(1, 0, 100), Item(2, 0, 20)], [10, 30, 20]),
        (7, [Item(0, 0, 7), Item(7, 7, 7)], [0, 7]),
    ],
)
def test_seats_follow_targets_within_bounds(total: int, items: list[Item], wanted: list[float]) -> None:
    assert allocate(total, items) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("items", [[Item(5, 5, 6)], [Item(20, 11, 20)]])
def test_bounds_that_do_not_fit(items: list[Item]) -> None:
    with pytest.raises(ValueError):
        allocate(10, items)


_item = st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100)).map(
    lambda t: Item(t[0] + t[1], t[0], t[0] + t[2])
)


@given(st.lists(_item, min_size=1, max_size=8), st.floats(0, 1))
def test_every_allocation_is_whole_and_within_bounds(items: list[Item], at: float) -> None:
    low, high = sum(item.lower for item in items), sum(item.upper for item in items)
    total = round(low + (high - low) * at)
    parts = allocate(total, items)
    assert sum(parts) == pytest.approx(total, abs=1e-4)
    assert all(item.lower - 1e-6 <= part <= item.upper + 1e-6 for item, part in zip(items, parts))


def test_limits_of_a_level() -> None:
    assert limits(600, 40, 245, 50, None) == Limits(98, 49, 698)
    assert limits(600, 100, 245, 90, 20) == Limits(245, 24, 294)
    assert limits(600, 0, 245, None, 0) == Limits(0, 0, 0)


def test_who_needs_seats_gets_those_that_others_do_not() -> None:
    idle, busy = Limits(100, 10, 300), Limits(100, 90, 300)
    parts = share_out([Standing(idle, False, 0, 0.0, 100), Standing(busy, False, 200, 180.0, 100)])
    assert parts == [11, 189]


def test_exempt_requests_are_counted_against_the_others() -> None:
    limited = Limits(100, 50, 300)
    parts = share_out(
        [Standing(Limits(0, 0, 0), True, 60, 0.0, 0), Standing(limited, False, 100, 100.0, 100)]
    )
    assert parts == [60, 50]


def test_demand_is_weighed_by_time() -> None:
    demand = Demand()
    demand.set(4, 0.0)
    demand.set(0, 5.0)
    demand.end_period(10.0)
    assert (demand.watermark, demand.average, demand.deviation) == (4, 2.0, 2.0)
    assert demand.smoothed == 4.0
    demand.end_period(20.0)
    assert (demand.watermark, demand.average) == (0, 0.0)
    assert demand.smoothed == pytest.approx(0.977 * 4)
