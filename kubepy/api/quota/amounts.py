"""Resource lists as `{name: Quantity}`. None of these changes its arguments.

Source: apiserver pkg/quota/v1/resources.go.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from kubepy.api import quantity
from kubepy.api.objects import Obj
from kubepy.api.quantity import ZERO, Quantity

Amounts = dict[str, Quantity]

ONE = quantity.of_value(1)


def parse(texts: Obj | None) -> Amounts:
    """{"cpu": "500m"} -> amounts; None is an empty list."""
    return {name: quantity.parse(text) for name, text in (texts or {}).items()}


def render(amounts: Mapping[str, Quantity]) -> dict[str, str]:
    """As a status keeps them."""
    return {name: amount.text for name, amount in sorted(amounts.items())}


def add(a: Mapping[str, Quantity], b: Mapping[str, Quantity]) -> Amounts:
    total = dict(a)
    for name, amount in b.items():
        total[name] = total[name] + amount if name in total else amount
    return total


def subtract(a: Mapping[str, Quantity], b: Mapping[str, Quantity]) -> Amounts:
    """What `a` has more than `b`; never less than nothing. Source: SubtractWithNonNegativeResult."""
    rest = dict.fromkeys(b, ZERO)
    for name, amount in a.items():
        left = amount - b[name] if name in b else amount
        rest[name] = left if left > ZERO else ZERO
    return rest


def mask(amounts: Mapping[str, Quantity], names: Container[str]) -> Amounts:
    return {name: amount for name, amount in amounts.items() if name in names}


def without_zeros(amounts: Mapping[str, Quantity]) -> Amounts:
    return {name: amount for name, amount in amounts.items() if amount}


def exceeded(amounts: Mapping[str, Quantity], limits: Mapping[str, Quantity]) -> set[str]:
    """The names in both of which `amounts` has more."""
    return {name for name, limit in limits.items() if name in amounts and amounts[name] > limit}


def negative(amounts: Mapping[str, Quantity]) -> list[str]:
    return [name for name, amount in amounts.items() if amount < ZERO]


def pretty(amounts: Mapping[str, Quantity]) -> str:
    """ "pods=1,requests.cpu=500m". Source: plugin/resourcequota/controller.go prettyPrint."""
    return ",".join(f"{name}={amounts[name].text}" for name in sorted(amounts))


def pretty_names(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
