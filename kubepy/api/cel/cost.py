"""The currency: what a call may cost, as bounds, and the prices that all price lists share.

The unit is one selection. Kubernetes refuses rules whose most is above its limits, so the numbers here are an API.
Bounds before an expression runs are in estimate.py (over the price list in prices.py), the price of each call while it
runs is in charges.py.

Source: cel-go checker/cost.go, interpreter/runtimecost.go; kubernetes 1.36
staging/src/k8s.io/apiserver/pkg/cel/library/cost.go.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from kubepy.api.cel.ast import Expr
from kubepy.api.cel.limits import UNBOUNDED
from kubepy.api.cel.types import Type

LIST_CREATE = 10
MAP_CREATE = 30
STRUCT_CREATE = 40
STRING_FACTOR = 0.1  # of traversing one character
REGEX_FACTOR = 0.25  # of one character of a pattern
CHECK = 350_000  # an authorization check: two per expression


class Range(NamedTuple):
    """Bounds of a cost or a size; nothing exceeds UNBOUNDED."""

    min: int
    max: int

    def plus(self, other: Range) -> Range:
        return Range(min(self.min + other.min, UNBOUNDED), min(self.max + other.max, UNBOUNDED))

    def times(self, other: Range) -> Range:
        return Range(min(self.min * other.min, UNBOUNDED), min(self.max * other.max, UNBOUNDED))

    def scaled(self, factor: float) -> Range:
        """Rounded up."""
        return Range(scaled_up(self.min, factor), scaled_up(self.max, factor))

    def union(self, other: Range) -> Range:
        return Range(min(self.min, other.min), max(self.max, other.max))


def scaled_up(value: int, factor: float) -> int:
    product = math.ceil(float(value) * factor)
    return UNBOUNDED if product >= UNBOUNDED else product


def fixed(value: int) -> Range:
    return Range(value, value)


UNKNOWN = Range(0, UNBOUNDED)
ONE = fixed(1)
ZERO = fixed(0)


class Node(NamedTuple):
    """An argument as the price list sees it."""

    expr: Expr | None
    type: Type
    path: tuple[str, ...]
    size: Range | None


class Price(NamedTuple):
    """The price of a call and the size of what it makes."""

    cost: Range
    size: Range | None = None


COMPARED = frozenset(
    [
        f"{order}_{kind}"
        for order in ("less", "less_equals", "greater", "greater_equals")
        for kind in ("string", "bytes")
    ]
) | {"equals", "not_equals"}


def size_of(node: Node) -> Range:
    return UNKNOWN if node.size is None else node.size


def regex_cost(text: Range, pattern: Range) -> Range:
    # one more character, so that an empty text does not make the pattern free
    return text.plus(ONE).scaled(STRING_FACTOR).times(pattern.scaled(REGEX_FACTOR))


# Functions that all price lists treat alike.

CONSTANT = frozenset(
    (
        *("serviceAccount", "path", "group", "resource", "subresource", "namespace", "name", "allowed"),
        *("reason", "error", "errored", "masked", "prefixLength", "family", "isUnspecified", "isLoopback"),
        *("isLinkLocalMulticast", "isLinkLocalUnicast", "isGlobalUnicast", "format.named", "sign"),
        *("asInteger", "isInteger", "asApproximateFloat", "isGreaterThan", "isLessThan", "compareTo"),
        *("add", "sub", "major", "minor", "patch", "getScheme", "getHostname", "getHost", "getPort"),
        *("getEscapedPath", "getQuery"),
    )
)
PARSED = frozenset(["cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"])
SCANNED = frozenset(["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"])


def selector_cost(length: Range) -> Range:
    # the shortest requirement that allocates is two characters
    requirements = length.scaled(0.5).scaled(LIST_CREATE + STRUCT_CREATE)
    return fixed(LIST_CREATE).plus(length.scaled(STRING_FACTOR)).plus(requirements)


SORTABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
