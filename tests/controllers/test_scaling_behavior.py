"""Source of the cases: kubernetes 1.36 pkg/controller/podautoscaler/horizontal_test.go (TestNormalizeDesiredReplicas,
TestScaleUpWithBehaviors ..., TestScalingPolicies ...)."""

from __future__ import annotations

import pytest

from kubepy.api.objects import Obj
from kubepy.controllers import scaling_behavior as behavior
from kubepy.controllers.scaling_behavior import History, Recommendation, ScaleEvent

NOW = 10_000.0


def remembered(*ago: tuple[int, float]) -> History:
    return History(tuple(Recommendation(replicas, NOW - seconds) for replicas, seconds in ago))


@pytest.mark.parametrize(
    ("history", "desired", "expected", "able"),
    [
        (remembered(), 5, 5, "ReadyForNewScale"),
        (remembered((4, 60), (3, 30)), 2, 4, "ScaleDownStabilized"),
        (remembered((4, 60), (3, 30)), 6, 6, "ReadyForNewScale"),
        (remembered((9, 301)), 2, 2, "ReadyForNewScale"),
        (remembered((9, 300)), 2, 9, "ScaleDownStabilized"),
    ],
)
def test_the_highest_recommendation_of_five_minutes_counts(
    history: History, desired: int, expected: int, able: str
) -> None:
    limited = behavior.limit({"maxReplicas": 10}, history, current=5, desired=desired, minimum=1, now=NOW)
    assert (limited.replicas, limited.able[0]) == (expected, able)


@pytest.mark.parametrize(
    ("current", "desired", "minimum", "maximum", "expected", "reason"),
    [
        (2, 0, 1, 10, 1, "TooFewReplicas"),
        (2, 5, 1, 4, 4, "TooManyReplicas"),
        (2, 6, 1, 10, 4, "ScaleUpLimit"),
        (1, 9, 1, 10, 4, "ScaleUpLimit"),
        (6, 13, 1, 20, 12, "ScaleUpLimit"),
        (2, 3, 1, 10, 3, "DesiredWithinRange"),
    ],
)
def test_range_and_speed_without_a_behavior(
    current: int, desired: int, minimum: int, maximum: int, expected: int, reason: str
) -> None:
    replicas, (why, _) = behavior.within_rules(current, desired, minimum, maximum)
    assert (replicas, why) == (expected, reason)


PODS, PERCENT = "Pods", "Percent"


def rules(*policies: tuple[str, int, int], select: str = "Max", window: int = 0) -> Obj:
    return {
        "selectPolicy": select,
        "stabilizationWindowSeconds": window,
        "policies": [
            {"type": type_, "value": value, "periodSeconds": period} for type_, value, period in policies
        ],
    }


@pytest.mark.parametrize(
    ("policies", "current", "ups", "downs", "expected"),
    [
        (rules((PERCENT, 100, 15), (PODS, 4, 15)), 2, [], [], 6),
        (rules((PERCENT, 100, 15), (PODS, 4, 15)), 10, [], [], 20),
        (rules((PERCENT, 100, 15), (PODS, 4, 15), select="Min"), 10, [], [], 14),
        (rules((PERCENT, 100, 15), select="Disabled"), 10, [], [], 10),
        # What was added within the period counts against it, what was removed gives it back.
        (rules((PODS, 4, 60)), 10, [(3, 30)], [], 11),
        (rules((PODS, 4, 60)), 10, [(3, 61)], [], 14),
        (rules((PODS, 4, 60)), 10, [], [(2, 30)], 16),
        (rules((PERCENT, 10, 60)), 11, [], [], 13),
    ],
)
def test_how_fast_up(
    policies: Obj, current: int, ups: list[tuple[int, float]], downs: list[tuple[int, float]], expected: int
) -> None:
    history = History((), _events(ups), _events(downs))
    assert behavior.up_limit(history, policies, current, NOW) == expected


@pytest.mark.parametrize(
    ("policies", "current", "downs", "expected"),
    [
        (rules((PERCENT, 100, 15)), 10, [], 0),
        (rules((PERCENT, 20, 60)), 10, [], 8),
        (rules((PERCENT, 10, 60), (PODS, 3, 60)), 10, [], 7),
        (rules((PERCENT, 10, 60), (PODS, 3, 60), select="Min"), 10, [], 9),
        (rules((PODS, 3, 60), select="Disabled"), 10, [], 10),
        (rules((PODS, 3, 60)), 8, [(2, 10)], 7),
    ],
)
def test_how_fast_down(policies: Obj, current: int, downs: list[tuple[int, float]], expected: int) -> None:
    assert behavior.down_limit(History((), (), _events(downs)), policies, current, NOW) == expected


def _events(ago: list[tuple[int, float]]) -> tuple[ScaleEvent, ...]:
    return tuple(ScaleEvent(change, NOW - seconds) for change, seconds in ago)


def spec(up: Obj, down: Obj, maximum: int = 100) -> Obj:
    return {"maxReplicas": maximum, "behavior": {"scaleUp": up, "scaleDown": down}}


ANY_UP, ANY_DOWN = rules((PERCENT, 1000, 15)), rules((PERCENT, 100, 15))


@pytest.mark.parametrize(
    ("wanted", "history", "current", "desired", "expected", "able", "limit"),
    [
        # Up waits for the lowest of its window.
        (spec(rules((PERCENT, 1000, 15), window=60), ANY_DOWN), remembered((4, 30)), 3, 9, 4, "ScaleUpStabilized",
         "DesiredWithinRange"),
        (spec(rules((PERCENT, 1000, 15), window=60), ANY_DOWN), remembered((2, 30)), 3, 9, 3, "ScaleUpStabilized",
         "DesiredWithinRange"),
        # Down for the highest; without a window of its own it is five minutes.
        (spec(ANY_UP, {k: v for k, v in ANY_DOWN.items() if k != "stabilizationWindowSeconds"}),
         remembered((8, 299)), 9, 2, 8, "ScaleDownStabilized", "DesiredWithinRange"),
        (spec(ANY_UP, ANY_DOWN), remembered((8, 10)), 9, 2, 2, "ReadyForNewScale", "DesiredWithinRange"),
        (spec(ANY_UP, rules((PODS, 1, 60))), remembered(), 9, 2, 8, "ReadyForNewScale", "ScaleDownLimit"),
        (spec(rules((PODS, 1, 60)), ANY_DOWN), remembered(), 3, 9, 4, "ReadyForNewScale", "ScaleUpLimit"),
        (spec(ANY_UP, ANY_DOWN, maximum=5), remembered(), 3, 9, 5, "ReadyForNewScale", "TooManyReplicas"),
        (spec(ANY_UP, ANY_DOWN), remembered(), 3, 0, 1, "ReadyForNewScale", "TooFewReplicas"),
    ],
)  # fmt: skip
def test_a_behavior_decides(
    wanted: Obj, history: History, current: int, desired: int, expected: int, able: str, limit: str
) -> None:
    limited = behavior.limit(wanted, history, current=current, desired=desired, minimum=1, now=NOW)
    assert (limited.replicas, limited.able[0], limited.limit[0]) == (expected, able, limit)
    assert limited.is_limited == (limit != "DesiredWithinRange")


def test_changes_are_remembered_as_long_as_a_policy_looks_back() -> None:
    wanted = {"scaleUp": rules((PODS, 4, 60)), "scaleDown": ANY_DOWN}
    history = behavior.scaled(History(), wanted, 1, 3, NOW - 100)
    history = behavior.scaled(history, wanted, 3, 4, NOW)
    assert history.ups == (ScaleEvent(1, NOW),)
    assert behavior.scaled(history, None, 4, 5, NOW) is history
