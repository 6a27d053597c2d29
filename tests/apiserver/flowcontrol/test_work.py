"""Source of the cases: apiserver pkg/util/flowcontrol/request/width_test.go, with SizeBasedListCostEstimate."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubepy.apiserver.flowcontrol import work
from kubepy.apiserver.request import Request, resolve_path, split_target

KILO = 1_000
EVENTS = "/api/v1/namespaces/foo/events"


@pytest.mark.parametrize(
    ("target", "count", "average", "width_max", "seats"),
    [
        pytest.param("/api/v1/namespaces/foo/events", 0, 0, 0, 1, id="nothing there"),
        pytest.param(EVENTS, 799, 100, 0, 1, id="small"),
        pytest.param(EVENTS, 799, KILO, 0, 8, id="a seat for a hundred kilobytes"),
        pytest.param(EVENTS, 5000, KILO, 0, 10, id="a cache streams: a megabyte at once"),
        pytest.param(EVENTS, 5000, KILO, 7, 7, id="no wider than its level lets it be"),
        pytest.param(f"{EVENTS}?limit=399", 699, KILO, 0, 4, id="no more than it asks for"),
        pytest.param(f"{EVENTS}?limit=0", 699, KILO, 0, 7, id="a limit of 0 is none"),
        pytest.param(f"{EVENTS}?limit=x", 699, KILO, 0, 7, id="a limit that is none"),
        pytest.param(f"{EVENTS}?limit=1&continue=x", 5000, 100 * KILO, 0, 1, id="a page of the past"),
        pytest.param(f"{EVENTS}?continue=x", 5000, KILO, 0, 50, id="the past is read at once"),
        pytest.param(f"{EVENTS}?continue=x", 50_000, KILO, 0, 100, id="at most a hundred"),
        pytest.param(
            f"{EVENTS}?resourceVersionMatch=Exact&resourceVersion=5&limit=10&labelSelector=a", 4000, KILO, 0, 20,
            id="to select from the past, half of it is looked at",
        ),
        pytest.param(f"{EVENTS}?resourceVersionMatch=NotOlderThan&resourceVersion=5", 5000, KILO, 0, 10, id="new"),
        pytest.param(f"{EVENTS}?limit=10&resourceVersion=5", 5000, 100 * KILO, 0, 10, id="an exact revision of old"),
        pytest.param("/api/v1/watch/events", 799, KILO, 0, 8, id="a watch that lists first"),
        pytest.param("/api/v1/watch/events?resourceVersion=0", 799, KILO, 0, 8, id="a watch from anywhere"),
        pytest.param("/api/v1/watch/events?resourceVersion=5", 799, KILO, 0, 1, id="a watch from somewhere"),
        pytest.param(
            "/api/v1/watch/events?resourceVersion=5&sendInitialEvents=true", 799, KILO, 0, 8, id="a streamed list"
        ),
        pytest.param(f"{EVENTS}/one", 799, KILO, 0, 1, id="a get"),
        pytest.param("/healthz", 799, KILO, 0, 1, id="no resource"),
    ],
)  # fmt: skip
def test_seats(
    target: str, count: int, average: int, width_max: int, seats: int, make_request: Callable[..., Request]
) -> None:
    path, query = split_target(target)
    info = resolve_path("GET", path)
    assert work.seats(info, query, width_max, lambda name: (count, count * average)) == seats


def test_one_of_which_nobody_knows_anything() -> None:
    path, query = split_target("/apis/metrics.k8s.io/v1beta1/pods")
    assert work.seats(resolve_path("GET", path), query, 0, lambda name: None) == 1
