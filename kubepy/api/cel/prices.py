"""The price list of Kubernetes' functions and of the extensions, for estimates.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/cost.go (EstimateCallCost).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from kubepy.api.cel.ast import Literal
from kubepy.api.cel.cost import (
    CHECK,
    CONSTANT,
    LIST_CREATE,
    ONE,
    PARSED,
    REGEX_FACTOR,
    SCANNED,
    SORTABLE,
    STRING_FACTOR,
    UNKNOWN,
    ZERO,
    Node,
    Price,
    Range,
    fixed,
    regex_cost,
    scaled_up,
    selector_cost,
    size_of,
)
from kubepy.api.cel.limits import UNBOUNDED
from kubepy.api.cel.types import Type

_FORMAT_CHARS_MAX = 64
_FORMAT_REGEX_CHARS_MAX = 128


class Sizes(Protocol):
    """What is known of the data that an expression is about."""

    def declared_size(self, path: tuple[str, ...]) -> Range | None: ...


def listed(
    sizes: Sizes, function: str, overload_id: str, target: Node | None, args: list[Node]
) -> Price | None:
    """The price Kubernetes sets for a function; None = cel-go's own."""
    if function in CONSTANT:
        return Price(ONE)
    if function in PARSED and args:
        return Price(size_of(args[0]).scaled(STRING_FACTOR))
    if function in SCANNED and target is not None:
        return _scan_price(sizes, target)
    priced = _PRICES.get(function)
    return priced(sizes, overload_id, target, args) if priced is not None else None


def _element(sizes: Sizes, node: Node) -> tuple[Type, Range] | None:
    """(type, size) of the elements of a list or the keys of a map; None if it is neither."""
    if not node.type.params:
        return None
    size = sizes.declared_size((*node.path, "@items")) if node.path else None
    return node.type.params[0], UNKNOWN if size is None else size


def _scan_price(sizes: Sizes, target: Node) -> Price:
    element = _element(sizes, target)
    if element is None:
        return Price(size_of(target).scaled(STRING_FACTOR))
    of, size = element
    each = ONE.plus(size.scaled(STRING_FACTOR)) if of.kind in ("string", "bytes") else ONE
    return Price(size_of(target).times(each))


def _check(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    return Price(fixed(CHECK))


def _selector(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    return Price(selector_cost(size_of(args[0]))) if len(args) == 1 else None


def _traversed_argument(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    if len(args) != 1:
        return None
    size = size_of(args[0])
    return Price(size.scaled(STRING_FACTOR), size)


def _traversed_target(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    if target is None:
        return None
    size = size_of(target)
    return Price(size.scaled(STRING_FACTOR), size)


def _replace(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    if target is None or len(args) < 2:
        return None
    size, old, new = size_of(target), size_of(args[0]), size_of(args[1])
    most, most_kept = _replacements_max(size, old, new)
    least, least_kept = _replacements_min(size, old, new)
    made = Range(least, most).times(new).plus(Range(least_kept, most_kept))
    return Price(size.scaled(2 * STRING_FACTOR), made)


def _replacements_max(size: Range, old: Range, new: Range) -> tuple[int, int]:
    """(how often at most, how much of the original is kept)"""
    if old.min == 0:
        # replacing nothing surrounds every character
        return min(size.max + 1, UNBOUNDED), size.max
    if new.max <= old.min:
        return 0, size.max
    return scaled_up(size.max, 1 / old.min), 0


def _replacements_min(size: Range, old: Range, new: Range) -> tuple[int, int]:
    if old.max == 0:
        return min(size.min + 1, UNBOUNDED), size.min
    if old.max <= new.min:
        return 0, size.min
    return math.ceil(float(size.min) / float(old.max)), 0


def _split(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    if target is None:
        return None
    size = size_of(target)
    pieces = size.max
    if len(args) > 1:
        limit = args[1].expr
        if isinstance(limit, Literal) and isinstance(limit.value, int):
            pieces = limit.value if limit.value >= 0 else UNBOUNDED + 1 + limit.value
    return Price(size.scaled(2 * STRING_FACTOR), Range(0, pieces))


def _join(sizes: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    if target is None:
        return None
    items = size_of(target)
    element = _element(sizes, target)
    size = items.times(element[1]) if element is not None else ZERO
    if args:
        separators = Range(max(items.min - 1, 0), max(items.max - 1, 0))
        size = size.plus(size_of(args[0]).times(separators))
    return Price(size.scaled(STRING_FACTOR), size)


def _find(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    if target is None or not args:
        return None
    size = size_of(target)
    return Price(regex_cost(size, size_of(args[0])), Range(0, size.max))


def _ip(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    if overload_id == "cidr_ip":
        return Price(ONE)
    return Price(size_of(args[0]).scaled(STRING_FACTOR)) if args else None


def _canonical(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    return Price(size_of(args[0]).scaled(2 * STRING_FACTOR)) if args else None


_ADDRESS = Range(4, 16)  # bytes of an IP
_ADDRESSES_COMPARED = _ADDRESS.plus(_ADDRESS).scaled(STRING_FACTOR)


def _contains_ip(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    total = _ADDRESSES_COMPARED
    if overload_id == "cidr_contains_ip_string":
        total = total.plus(size_of(args[0]).scaled(STRING_FACTOR))
    return Price(total)


def _contains_cidr(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    total = _ADDRESSES_COMPARED.plus(_ADDRESS.scaled(STRING_FACTOR)).plus(ONE)
    if overload_id == "cidr_contains_cidr_string":
        total = total.plus(size_of(args[0]).scaled(STRING_FACTOR))
    return Price(total)


def _validate(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    if not args:
        return None
    return Price(size_of(args[0]).scaled(STRING_FACTOR).scaled(_FORMAT_REGEX_CHARS_MAX * REGEX_FACTOR))


def _equal(_: Sizes, overload_id: str, target: Node | None, args: list[Node]) -> Price | None:
    left, right = args[0].type, args[1].type
    if left != right:
        return None
    if left.name in _CHEAP_EQUALITY:
        return Price(ONE)
    if left.name == "kubernetes.NamedFormat":
        return Price(Range(1, _FORMAT_CHARS_MAX).scaled(STRING_FACTOR))
    if left.name == "kubernetes.URL":
        most = max(args[1].size.max, 1) if args[1].size is not None else 1
        return Price(Range(1, most).scaled(STRING_FACTOR))
    return None


_CHEAP_EQUALITY = frozenset(
    (
        *("net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver"),
        *("kubernetes.authorization.Authorizer", "kubernetes.authorization.PathCheck"),
        *("kubernetes.authorization.GroupCheck", "kubernetes.authorization.ResourceCheck"),
        *("kubernetes.authorization.Decision",),
    )
)
_PriceOf = Callable[[Sizes, str, "Node | None", list[Node]], "Price | None"]
_PRICES: dict[str, _PriceOf] = {
    "check": _check,
    "fieldSelector": _selector,
    "labelSelector": _selector,
    "url": _traversed_argument,
    "jsonpatch.escapeKey": _traversed_argument,
    "lowerAscii": _traversed_target,
    "upperAscii": _traversed_target,
    "substring": _traversed_target,
    "trim": _traversed_target,
    "replace": _replace,
    "split": _split,
    "join": _join,
    "find": _find,
    "findAll": _find,
    "ip": _ip,
    "ip.isCanonical": _canonical,
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "validate": _validate,
    "_==_": _equal,
}


def _made_list(size: Range, factor: float) -> Price:
    return Price(size.scaled(factor).plus(fixed(1 + LIST_CREATE)), size)


def _literal_int(node: Node, default: int) -> int:
    if isinstance(node.expr, Literal) and type(node.expr.value) is int:
        return max(node.expr.value, 0)
    return default


def _target_size(target: Node | None) -> Range:
    return UNKNOWN if target is None else size_of(target)


# The extensions' own prices, by overload: 1 for the call and, if it makes a list, the price of a list.


def _sliced(target: Node | None, args: list[Node]) -> Price:
    size = _target_size(target)
    count = _literal_int(args[1], size.max) - _literal_int(args[0], 0)
    return _made_list(fixed(count % (UNBOUNDED + 1)), 1)


def _flattened(target: Node | None, args: list[Node]) -> Price:
    return _made_list(_target_size(target), _literal_int(args[0], UNBOUNDED) if args else 1)


def _sorted(of: str, by: bool) -> Callable[[Node | None, list[Node]], Price]:
    factor = 2 + STRING_FACTOR if of in ("string", "bytes") else 2

    def price(target: Node | None, args: list[Node]) -> Price:
        size = size_of(args[0]) if by else _target_size(target)
        return _made_list(size.times(size), factor)

    return price


def _set_price(factor: float) -> Callable[[Node | None, list[Node]], Price]:
    return lambda target, args: Price(size_of(args[0]).times(size_of(args[1])).scaled(factor).plus(ONE))


def _distinct(target: Node | None, args: list[Node]) -> Price:
    size = _target_size(target)
    return _made_list(size.times(size), 2)


ALLOCATING: dict[str, Callable[[Node | None, list[Node]], Price]] = {
    "list_slice": _sliced,
    "list_flatten": _flattened,
    "list_flatten_int": _flattened,
    "lists_range": lambda target, args: _made_list(fixed(_literal_int(args[0], UNBOUNDED)), 1),
    "list_reverse": lambda target, args: _made_list(_target_size(target), 1),
    "list_distinct": _distinct,
    "list_sets_contains_list": _set_price(1),
    "list_sets_intersects_list": _set_price(1),
    "list_sets_equivalent_list": _set_price(2),
    **{f"list_{of}_sort": _sorted(of, False) for of in SORTABLE},
    **{f"list_{of}_sortByAssociatedKeys": _sorted(of, True) for of in SORTABLE},
}
