"""When nodes of a zone may be tainted, and when none may."""

from __future__ import annotations

import pytest

from kubepy.controllers.node_zones import EXCLUDED, REGION, ZONE, Rates, Review, State, Zone, Zones, zone_of
from kubepy.testing.builders import make_node

RATES = Rates()


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        ({}, ""),
        ({ZONE: "a"}, ":\x00:a"),
        ({REGION: "r"}, "r:\x00:"),
        ({REGION: "r", ZONE: "a"}, "r:\x00:a"),
        ({"failure-domain.beta.kubernetes.io/zone": "old"}, ":\x00:old"),
        ({"failure-domain.beta.kubernetes.io/zone": "old", ZONE: "new"}, ":\x00:new"),
    ],
)
def test_a_zone_is_a_region_and_a_zone(labels: dict[str, str], key: str) -> None:
    node = make_node("n")
    for name, value in labels.items():
        node.label(name, value)
    assert zone_of(node.obj()) == key


# Source: node_lifecycle_controller_test.go, TestMonitorNodeHealthEvictPodsWithDisruption and ComputeZoneState.
@pytest.mark.parametrize(
    ("ready", "unready", "state"),
    [
        (0, 0, State.NORMAL),
        (1, 0, State.NORMAL),
        (0, 1, State.FULL),
        (1, 2, State.NORMAL),  # two are no disruption, however few there are
        (2, 3, State.PARTIAL),
        (3, 3, State.NORMAL),
        (9, 11, State.PARTIAL),  # 55 %
        (10, 12, State.NORMAL),  # 54.5 %
        (0, 5, State.FULL),
    ],
)
def test_a_zone_is_judged_by_its_share_of_unready_nodes(ready: int, unready: int, state: State) -> None:
    zone = Zone(0.1, ready={f"r{i}" for i in range(ready)}, unready={f"u{i}" for i in range(unready)})
    assert zone.judge(RATES) is state


@pytest.mark.parametrize(
    ("state", "size", "rate"),
    [
        (State.NORMAL, 10, 0.1),
        (State.FULL, 10, 0.1),
        (State.PARTIAL, 50, 0.0),
        (State.PARTIAL, 51, 0.01),
    ],
)
def test_the_rate_follows_the_state(state: State, size: int, rate: float) -> None:
    assert RATES.of(state, size) == rate


def zones_of(ready: int, unready: int, zone: str = "") -> Zones:
    zones = Zones(RATES)
    add(zones, ready, unready, zone)
    return zones


def add(zones: Zones, ready: int, unready: int, zone: str) -> None:
    for number in range(ready + unready):
        note(zones, f"{zone}{number}", number < ready, zone)


def note(zones: Zones, name: str, is_ready: bool, zone: str = "") -> bool:
    return zones.note(make_node(name).label(ZONE, zone).obj(), is_ready=is_ready)


def test_one_node_per_period_in_the_order_they_came() -> None:
    zones = zones_of(9, 2)
    zones.review(0.0)
    zones.queue("10")
    zones.queue("9")
    zones.queue("10")
    assert zones.next_due() == 0.0 and zones.take(0.0) == ["10"]
    assert zones.take(9.9) == [] and zones.next_due() == 10.0
    assert zones.take(10.0) == ["9"] and zones.next_due() is None


def test_who_is_well_again_no_longer_waits() -> None:
    zones = zones_of(9, 1)
    zones.queue("9")
    zones.unqueue("9")
    assert zones.take(0.0) == []


def test_each_zone_has_its_own_pace() -> None:
    zones = zones_of(5, 1, "a")
    add(zones, 5, 1, "b")
    zones.review(0.0)
    zones.queue("a5")
    zones.queue("b5")
    assert zones.take(0.0) == ["a5", "b5"]


def test_a_small_zone_most_of_which_failed_stops() -> None:
    zones = zones_of(2, 3)
    zones.review(0.0)
    zones.queue("4")
    assert zones.next_due() is None and zones.take(1e9) == []
    note(zones, "3", True)
    zones.review(100.0)
    # What was held back waits for a whole period of the new rate.
    assert zones.next_due() == 110.0


def test_a_large_zone_most_of_which_failed_goes_slower() -> None:
    zones = zones_of(20, 40)
    zones.review(0.0)
    zones.queue("50")
    assert zones.take(0.0) == ["50"]
    zones.queue("51")
    assert zones.next_due() == 100.0


def test_when_no_node_is_well_nothing_is_evicted_until_one_is() -> None:
    zones = zones_of(1, 1, "a")
    add(zones, 1, 0, "b")
    assert zones.review(0.0) is Review.SAME
    note(zones, "a0", False, "a")
    assert zones.review(1.0) is Review.SAME
    assert {key: zone.state for key, zone in zones} == {":\x00:a": State.FULL, ":\x00:b": State.NORMAL}
    note(zones, "b0", False, "b")
    assert zones.review(2.0) is Review.DARK
    zones.queue("a0")
    assert zones.next_due() is None
    assert zones.review(3.0) is Review.SAME
    note(zones, "b0", True, "b")
    assert zones.review(4.0) is Review.LIGHT
    assert zones.next_due() == 14.0


def test_excluded_nodes_do_not_count_and_empty_zones_are_forgotten() -> None:
    zones = zones_of(1, 0)
    excluded = make_node("x").label(EXCLUDED, "true").obj()
    assert zones.note(excluded, is_ready=False)
    assert not zones.note(excluded, is_ready=False)
    zones.review(0.0)
    assert [zone.state for _, zone in zones] == [State.NORMAL]
    zones.forget("0")
    zones.forget("x")
    zones.review(1.0)
    assert list(zones) == []


def test_a_node_that_moves_leaves_its_zone() -> None:
    zones = zones_of(2, 0, "a")
    assert note(zones, "a0", True, "b")
    assert {key: set(zone.ready) for key, zone in zones} == {":\x00:a": {"a1"}, ":\x00:b": {"a0"}}
