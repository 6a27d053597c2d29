"""What becomes of a wanted number of replicas: stabilised over time, limited in speed and range. Pure.

A History is what one autoscaler remembers: recommendations, and how much it scaled when. Functions take it and `now`,
and give a new one; what no window reaches back to is dropped.

Source: kubernetes 1.36 pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicas and below).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kubepy.api.objects import Obj

# Source: horizontal.go scaleUpLimitFactor, scaleUpLimitMinimum; config/v1alpha1/defaults.go.
_UP_FACTOR, _UP_MINIMUM = 2.0, 4.0
DOWNSCALE_STABILIZATION_S = 300


Select = Callable[[list[int]], int]


class Recommendation(NamedTuple):
    replicas: int
    at: float


class ScaleEvent(NamedTuple):
    change: int  # never negative
    at: float


class History(Struct, frozen=True):
    recommendations: tuple[Recommendation, ...] = ()
    ups: tuple[ScaleEvent, ...] = ()
    downs: tuple[ScaleEvent, ...] = ()


class Limited(NamedTuple):
    """able: reason and message of AbleToScale; limited: whether ScalingLimited is True, with reason and message."""

    replicas: int
    able: tuple[str, str]
    is_limited: bool
    limit: tuple[str, str]
    history: History


READY = ("ReadyForNewScale", "recommended size matches current size")
_UP_STABILIZED = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
_DOWN_STABILIZED = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
_WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
_TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_UP_LIMIT = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_DOWN_LIMIT = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")


def limit(spec: Obj, history: History, *, current: int, desired: int, minimum: int, now: float) -> Limited:
    """`spec` is the autoscaler's."""
    maximum = spec["maxReplicas"]
    behavior = spec.get("behavior")
    if behavior is None:
        steady, history = _stabilized(history, desired, now)
        able = READY if steady == desired else _DOWN_STABILIZED
        replicas, why = within_rules(current, steady, minimum, maximum)
    else:
        up, down = behavior["scaleUp"], behavior["scaleDown"]
        steady, history = _stabilized_with_behavior(history, up, down, current, desired, now)
        stabilized = _UP_STABILIZED if desired >= current else _DOWN_STABILIZED
        able = READY if steady == desired else stabilized
        replicas, why = _within_behavior(history, behavior, current, steady, minimum, maximum, now)
    return Limited(replicas, able, replicas != steady, why, history)


# -- stabilisation ---------------------------------------------------------------------------------------------


def _stabilized(history: History, desired: int, now: float) -> tuple[int, History]:
    """The highest of the last five minutes. Source: stabilizeRecommendation."""
    recent = [each for each in history.recommendations if each.at >= now - DOWNSCALE_STABILIZATION_S]
    highest = max((each.replicas for each in recent), default=desired)
    return max(highest, desired), _remember(history, recent, desired, now)


def _stabilized_with_behavior(
    history: History, up: Obj, down: Obj, current: int, desired: int, now: float
) -> tuple[int, History]:
    """Source: stabilizeRecommendationWithBehaviors."""
    up_from, down_from = now - _window_s(up, 0), now - _window_s(down, DOWNSCALE_STABILIZATION_S)
    lowest = min((each.replicas for each in history.recommendations if each.at > up_from), default=desired)
    highest = max((each.replicas for each in history.recommendations if each.at > down_from), default=desired)
    steady = max(current, min(lowest, desired))
    steady = min(steady, max(highest, desired))
    recent = [each for each in history.recommendations if each.at >= min(up_from, down_from)]
    return steady, _remember(history, recent, desired, now)


def _remember(history: History, recent: Iterable[Recommendation], desired: int, now: float) -> History:
    return replace(history, recommendations=(*recent, Recommendation(desired, now)))


def _window_s(rules: Obj, otherwise: int) -> int:
    found = rules.get("stabilizationWindowSeconds")
    return otherwise if found is None else found


# -- range and speed -------------------------------------------------------------------------------------------


def within_rules(current: int, desired: int, minimum: int, maximum: int) -> tuple[int, tuple[str, str]]:
    """Without a behavior: at most double, or four. Source: convertDesiredReplicasWithRules."""
    fastest = int(max(_UP_FACTOR * current, _UP_MINIMUM))
    ceiling, why = (fastest, _UP_LIMIT) if maximum > fastest else (maximum, _TOO_MANY)
    if desired < minimum:
        return minimum, _TOO_FEW
    if desired > ceiling:
        return ceiling, why
    return desired, _WITHIN


def _within_behavior(
    history: History, behavior: Obj, current: int, desired: int, minimum: int, maximum: int, now: float
) -> tuple[int, tuple[str, str]]:
    """Source: convertDesiredReplicasWithBehaviorRate."""
    if desired > current:
        fastest = max(up_limit(history, behavior["scaleUp"], current, now), current)
        ceiling, why = (fastest, _UP_LIMIT) if maximum > fastest else (maximum, _TOO_MANY)
        if desired > ceiling:
            return ceiling, why
    elif desired < current:
        fastest = min(down_limit(history, behavior["scaleDown"], current, now), current)
        floor, why = (fastest, _DOWN_LIMIT) if minimum < fastest else (minimum, _TOO_FEW)
        if desired < floor:
            return floor, why
    return desired, _WITHIN


def up_limit(history: History, rules: Obj, current: int, now: float) -> int:
    """The most replicas that the policies allow now. Source: calculateScaleUpLimitWithScalingRules."""
    proposals = []
    for policy in rules.get("policies") or ():
        start, value = _at_start(history, policy, current, now), policy["value"]
        proposals.append(start + value if policy["type"] == "Pods" else math.ceil(start * (1 + value / 100)))
    return _selected(rules, proposals, current, most=max, least=min)


def down_limit(history: History, rules: Obj, current: int, now: float) -> int:
    """The fewest. Source: calculateScaleDownLimitWithBehaviors."""
    proposals = []
    for policy in rules.get("policies") or ():
        start, value = _at_start(history, policy, current, now), policy["value"]
        proposals.append(start - value if policy["type"] == "Pods" else int(start * (1 - value / 100)))
    return _selected(rules, proposals, current, most=min, least=max)


def _at_start(history: History, policy: Obj, current: int, now: float) -> int:
    """How many there were when the policy's period began."""
    since = now - policy["periodSeconds"]
    added, removed = (
        sum(each.change for each in events if each.at > since) for events in (history.ups, history.downs)
    )
    return current - added + removed


def _selected(rules: Obj, proposals: list[int], current: int, *, most: Select, least: Select) -> int:
    """`most` and `least`: which proposal changes most, and least."""
    select = rules.get("selectPolicy") or "Max"
    if select == "Disabled" or not proposals:
        return current
    return least(proposals) if select == "Min" else most(proposals)


# -- what was done ---------------------------------------------------------------------------------------------


def scaled(history: History, behavior: Obj | None, before: int, after: int, now: float) -> History:
    """Remember a change, if a behavior may ask for it. Source: storeScaleEvent."""
    if behavior is None:
        return history
    event = ScaleEvent(abs(after - before), now)
    if after > before:
        return replace(history, ups=(*_recent(history.ups, behavior["scaleUp"], now), event))
    return replace(history, downs=(*_recent(history.downs, behavior["scaleDown"], now), event))


def _recent(events: Iterable[ScaleEvent], rules: Obj, now: float) -> list[ScaleEvent]:
    longest = max((policy["periodSeconds"] for policy in rules.get("policies") or ()), default=0)
    return [each for each in events if each.at >= now - longest]
