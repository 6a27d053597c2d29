"""Cases: 1.37 structured/internal/experimental/consumable_capacity.go, roundUpRange and violateValidRange."""

from __future__ import annotations

import pytest

from kubepy.api import quantity
from kubepy.api.device_capacity import Steps


@pytest.mark.parametrize(
    ("least", "step", "asked", "given"),
    [
        ("1", "2", "3", "3"),
        ("1", "2", "4", "5"),
        ("1Gi", "1Gi", "1500Mi", "2Gi"),
        ("100m", "50m", "120m", "150m"),
        ("100m", "100m", "950m", "1"),
        ("500m", "1", "1", "1500m"),
        # Finer than thousandths: whole numbers.
        ("500u", "1", "1500m", "2"),
    ],
)
def test_amounts_go_up_to_the_next_step(least: str, step: str, asked: str, given: str) -> None:
    steps = Steps({"min": least, "step": step})
    found = steps.next_from(quantity.parse(asked))
    assert found.text == given
    assert steps.is_on_one(found)
