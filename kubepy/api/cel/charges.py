"""What each call costs while an expression runs, once its arguments are known.

Source: cel-go interpreter/runtimecost.go; kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/cost.go
(CallCost).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from kubepy.api.cel.cost import (
    CHECK,
    COMPARED,
    CONSTANT,
    LIST_CREATE,
    PARSED,
    REGEX_FACTOR,
    SCANNED,
    SORTABLE,
    STRING_FACTOR,
    fixed,
    selector_cost,
)
from kubepy.api.cel.values import Opaque, Optional


class Charge(NamedTuple):
    """The price of a call once its arguments (of_result: and its value) are known."""

    price: Callable[[list[Any], Any], int]
    of_result: bool = False


def of_call(function: str, overloads: list[Any]) -> int | Charge:
    """What a call costs while running: a number, or how to find out."""
    overload_id = overloads[0].id if len(overloads) == 1 else ""
    if function in CONSTANT:
        return 1
    if function == "check":
        return CHECK
    if overload_id == "cidr_ip":
        return 1
    charge = _CHARGES_BY_FUNCTION.get(function) or _CHARGES_BY_OVERLOAD.get(overload_id)
    return charge if charge is not None else 1


def actual_size(value: Any) -> int:
    """What `size()` would answer; 1 for everything that has no size."""
    if isinstance(value, str | bytes | list | dict):
        return len(value)
    if type(value) is Optional and value.has_value:
        return actual_size(value.value)
    size = getattr(value, "size_bytes", None) if isinstance(value, Opaque) else None
    return size if isinstance(size, int) else 1


def equality(a: Any, b: Any) -> int:
    if isinstance(a, Opaque):
        return 1
    return _up(min(actual_size(a), actual_size(b)) * STRING_FACTOR)


def _up(value: float) -> int:
    return math.ceil(value)


def traversal(value: Any) -> int:
    """The cost of walking a value as a tree."""
    if isinstance(value, str):
        return int(len(value.encode()) * STRING_FACTOR)
    if isinstance(value, bytes):
        return int(len(value) * STRING_FACTOR)
    if isinstance(value, list):
        return sum(map(traversal, value))
    if isinstance(value, dict):
        return sum(traversal(k) + traversal(v) for k, v in value.items())
    return 1


def _traverse_first(factor: float) -> Charge:
    return Charge(lambda args, _: _up(actual_size(args[0]) * factor))


def _compare_sizes(args: list[Any], _: Any) -> int:
    return _up(min(actual_size(args[0]), actual_size(args[1])) * STRING_FACTOR)


def _match(args: list[Any], _: Any) -> int:
    return _up((1.0 + actual_size(args[0])) * STRING_FACTOR) * _up(actual_size(args[1]) * REGEX_FACTOR)


def _contains(args: list[Any], _: Any) -> int:
    return _up(actual_size(args[0]) * STRING_FACTOR) * _up(actual_size(args[1]) * STRING_FACTOR)


def _contains_address(extra: bool) -> Callable[[list[Any], Any], int]:
    def price(args: list[Any], _: Any) -> int:
        size = actual_size(args[0])
        total = _up(2 * size * STRING_FACTOR)
        if extra:
            total += _up(size * STRING_FACTOR) + 1
        if isinstance(args[1], str):
            total += _up(len(args[1]) * STRING_FACTOR)
        return total

    return price


def _validated(args: list[Any], _: Any) -> int:
    pattern = getattr(args[0], "regex_chars_max", 0)
    return _up((1.0 + actual_size(args[1])) * STRING_FACTOR) * _up(pattern * REGEX_FACTOR)


def _selected(args: list[Any], _: Any) -> int:
    return selector_cost(fixed(actual_size(args[1]))).max if len(args) > 1 else 1


def _made(args: list[Any], made: Any) -> int:
    return 1 + LIST_CREATE + actual_size(made)


def _requested_range(args: list[Any], _: Any) -> int:
    return 1 + LIST_CREATE + max(args[0], 0)


def _flattened_now(args: list[Any], _: Any) -> int:
    return 1 + LIST_CREATE + actual_size(args[0]) * (args[1] if len(args) == 2 else 1)


def _compared_with_itself(args: list[Any], _: Any) -> int:
    keys = args[-1]
    factor = 2 + STRING_FACTOR if keys and isinstance(keys[0], str | bytes) else 2
    return 1 + LIST_CREATE + int(len(keys) * len(keys) * factor)


def _sets(factor: int) -> Charge:
    return Charge(lambda args, _: 1 + actual_size(args[0]) * actual_size(args[1]) * factor)


_ONCE = _traverse_first(STRING_FACTOR)
_TWICE = _traverse_first(2 * STRING_FACTOR)
_CHARGES_BY_FUNCTION: dict[str, Charge] = {
    **dict.fromkeys(SCANNED, Charge(lambda args, _: traversal(args[0]))),
    **dict.fromkeys(
        ("url", "lowerAscii", "upperAscii", "substring", "trim", "jsonpatch.escapeKey", "ip"), _ONCE
    ),
    **dict.fromkeys(PARSED, _ONCE),
    "replace": _TWICE,
    "split": _TWICE,
    "ip.isCanonical": _TWICE,
    "join": Charge(lambda args, made: _up(actual_size(made) * 2 * STRING_FACTOR), of_result=True),
    "find": Charge(_match),
    "findAll": Charge(_match),
    "containsIP": Charge(_contains_address(False)),
    "containsCIDR": Charge(_contains_address(True)),
    "validate": Charge(_validated),
    "fieldSelector": Charge(_selected),
    "labelSelector": Charge(_selected),
}
_CHARGES_BY_OVERLOAD: dict[str, Charge] = {
    "list_slice": Charge(_made, of_result=True),
    "list_reverse": Charge(_made, of_result=True),
    "lists_range": Charge(_requested_range),
    "list_flatten": Charge(_flattened_now),
    "list_flatten_int": Charge(_flattened_now),
    "list_distinct": Charge(_compared_with_itself),
    **{f"list_{of}_sort": Charge(_compared_with_itself) for of in SORTABLE},
    **{f"list_{of}_sortByAssociatedKeys": Charge(_compared_with_itself) for of in SORTABLE},
    "list_sets_contains_list": _sets(1),
    "list_sets_intersects_list": _sets(1),
    "list_sets_equivalent_list": _sets(2),
    **dict.fromkeys(
        (
            "starts_with_string",
            "ends_with_string",
            "string_to_bytes",
            "bytes_to_string",
            "strings_quote",
            "string_format",
        ),
        _ONCE,
    ),
    **dict.fromkeys(COMPARED, Charge(_compare_sizes)),
    **dict.fromkeys(
        ("add_string", "add_bytes"),
        Charge(lambda args, _: _up((actual_size(args[0]) + actual_size(args[1])) * STRING_FACTOR)),
    ),
    "in_list": Charge(lambda args, _: actual_size(args[1])),
    "matches": Charge(_match),
    "matches_string": Charge(_match),
    "contains_string": Charge(_contains),
}
