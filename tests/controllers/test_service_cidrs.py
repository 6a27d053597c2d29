"""Cases of servicecidrs_controller_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.controllers import service_cidrs
from kubepy.controllers.service_cidrs import BLOCKED, FINALIZER, READY

START = 1767225600.0  # 2026-01-01


def ranges(*cidrs: str, name: str = "a", leaving: bool = False, **status: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "finalizers": [FINALIZER]}
    if leaving:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata, "spec": {"cidrs": list(cidrs)}, "status": status}


def test_a_new_one_gets_its_finalizer_and_becomes_ready() -> None:
    new = ranges("192.168.0.0/24")
    new["metadata"]["finalizers"] = ["mine"]
    decided = service_cidrs.plan(new, [], [], START)
    assert (decided.finalizers, decided.condition) == (["mine", FINALIZER], READY)


def test_a_ready_one_is_left_alone() -> None:
    assert (
        service_cidrs.plan(ranges("192.168.0.0/24", conditions=[READY]), [], [], START)
        == service_cidrs.Plan()
    )


@pytest.mark.parametrize(
    ("others", "addresses", "may_go"),
    [
        ([], [], True),
        ([], ["192.168.0.1"], False),
        ([], ["10.0.0.1"], True),
        ([ranges("192.168.0.0/16", name="b")], ["192.168.0.1"], True),
        ([ranges("192.168.0.0/24", name="b")], ["192.168.0.1"], True),
        ([ranges("192.168.0.0/28", name="b")], ["192.168.0.1"], True),
        ([ranges("192.168.0.0/28", name="b")], ["192.168.0.1", "192.168.0.64"], False),
        ([ranges("2001:db8::/64", name="b")], ["192.168.0.1"], False),
        # No Service gets the first address of a range, nor the last.
        ([], ["192.168.0.0"], True),
        ([], ["192.168.0.255"], True),
        ([ranges("192.168.0.0/28", name="b")], ["192.168.0.15"], False),
    ],
)
def test_one_goes_when_no_address_is_left_without_a_range(
    others: list[Any], addresses: list[str], may_go: bool
) -> None:
    leaving = ranges("192.168.0.0/24", leaving=True, conditions=[READY])
    decided = service_cidrs.plan(leaving, others, addresses, START + 11)
    assert decided == (service_cidrs.Plan([]) if may_go else service_cidrs.Plan(condition=BLOCKED))


def test_one_that_may_go_waits_until_allocators_know() -> None:
    decided = service_cidrs.plan(ranges("192.168.0.0/24", leaving=True), [], [], START + 4)
    assert decided == service_cidrs.Plan(wait_s=6.0)
