"""Lists and sets: Kubernetes' own list functions, the lists extension, the sets extension.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/lists.go; cel-go ext/lists.go (version 3),
ext/sets.go.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

from kubepy.api.cel.errors import CelError
from kubepy.api.cel.functions import Library
from kubepy.api.cel.functions.standard import to_int, to_uint
from kubepy.api.cel.values import Duration, Uint, contains, duration_ns, equals, type_name

_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")


def _less(a: Any, b: Any) -> bool:
    if a != a or b != b:
        raise CelError("NaN values cannot be ordered")
    return bool(a < b)


def _is_sorted(items: list[Any]) -> bool:
    return not any(b < a for a, b in itertools.pairwise(items))


def _most(name: str, better: Callable[[Any, Any], bool]) -> Callable[[list[Any]], Any]:
    def pick(items: list[Any]) -> Any:
        if not items:
            raise CelError(f"{name} called on empty list")
        best = items[0]
        for item in items[1:]:
            if better(item, best):
                best = item
        return best

    return pick


def _sum_int(items: list[int]) -> int:
    total = 0
    for item in items:
        total = to_int(total + item)
    return total


def _sum_uint(items: list[int]) -> Uint:
    total = Uint(0)
    for item in items:
        total = to_uint(int(total) + int(item))
    return total


def _sum_double(items: list[float]) -> float:
    return float(functools.reduce(lambda a, b: a + b, items, 0.0))


def _sum_duration(items: list[Duration]) -> Duration:
    total = Duration(0)
    for item in items:
        total = duration_ns(total.ns + item.ns)
    return total


def _index_of(items: list[Any], wanted: Any) -> int:
    for index, item in enumerate(items):
        if equals(item, wanted):
            return index
    return -1


def _last_index_of(items: list[Any], wanted: Any) -> int:
    for index in range(len(items) - 1, -1, -1):
        if equals(items[index], wanted):
            return index
    return -1


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    what = f"cannot slice({start}, {end})"
    if start < 0 or end < 0:
        raise CelError(f"{what}, negative indexes not supported")
    if start > end:
        raise CelError(f"{what}, start index must be less than or equal to end index")
    if len(items) < end:
        raise CelError(f"{what}, list is length {len(items)}")
    return items[start:end]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise CelError("level must be non-negative")
    flat: list[Any] = []
    for item in items:
        if depth and isinstance(item, list):
            flat.extend(_flatten(item, depth - 1))
        else:
            flat.append(item)
    return flat


def _sort(items: list[Any]) -> list[Any]:
    return _sort_by(items, items)


def _sort_by(items: list[Any], keys: list[Any]) -> list[Any]:
    if len(items) != len(keys):
        raise CelError(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got "
            f"{len(items)} and {len(keys)} elements respectively"
        )
    kinds = {type_name(key) for key in keys}
    if len(kinds) > 1:
        raise CelError("list elements must have the same type")

    def compare(a: int, b: int) -> int:
        return -1 if _less(keys[a], keys[b]) else int(_less(keys[b], keys[a]))

    return [items[index] for index in sorted(range(len(items)), key=functools.cmp_to_key(compare))]


def _distinct(items: list[Any]) -> list[Any]:
    if all(type(item) is str for item in items):
        return list(dict.fromkeys(items))
    kept: list[Any] = []
    for item in items:
        if not contains(kept, item):
            kept.append(item)
    return kept


def _range(count: int) -> list[int]:
    return list(range(count))


def _set_contains(items: list[Any], wanted: list[Any]) -> bool:
    return all(contains(items, item) for item in wanted)


def _set_intersects(a: list[Any], b: list[Any]) -> bool:
    return any(contains(b, item) for item in a)


def library() -> Library:
    lib = Library()
    d = lib.declare
    for kind in _COMPARABLE:
        d("isSorted", f"list_{kind}_is_sorted_bool", f"list({kind}).() bool", _is_sorted)
        d("max", f"list_{kind}_max_{kind}", f"list({kind}).() {kind}", _most("max", lambda a, b: a > b))
        d("min", f"list_{kind}_min_{kind}", f"list({kind}).() {kind}", _most("min", lambda a, b: a < b))
    sums: dict[str, Callable[[list[Any]], Any]] = {
        "int": _sum_int,
        "uint": _sum_uint,
        "double": _sum_double,
        "duration": _sum_duration,
    }
    for kind, impl in sums.items():
        d("sum", f"list_{kind}_sum_{kind}", f"list({kind}).() {kind}", impl)
    d("indexOf", "list_a_index_of_int", "list(A).(A) int", _index_of)
    d("lastIndexOf", "list_a_last_index_of_int", "list(A).(A) int", _last_index_of)
    d("slice", "list_slice", "list(T).(int, int) list(T)", _slice)
    d("flatten", "list_flatten", "list(list(T)).() list(T)", _flatten)
    d("flatten", "list_flatten_int", "list(dyn).(int) list(dyn)", _flatten)
    for kind in _COMPARABLE:
        d("sort", f"list_{kind}_sort", f"list({kind}).() list({kind})", _sort)
        # what sortBy() expands to
        signature = f"list(T).(list({kind})) list(T)"
        d("@sortByAssociatedKeys", f"list_{kind}_sortByAssociatedKeys", signature, _sort_by)
    d("lists.range", "lists_range", "(int) list(int)", _range)
    d("reverse", "list_reverse", "list(T).() list(T)", lambda items: items[::-1])
    d("distinct", "list_distinct", "list(T).() list(T)", _distinct)
    d("sets.contains", "list_sets_contains_list", "(list(T), list(T)) bool", _set_contains)
    d("sets.intersects", "list_sets_intersects_list", "(list(T), list(T)) bool", _set_intersects)
    d(
        "sets.equivalent",
        "list_sets_equivalent_list",
        "(list(T), list(T)) bool",
        lambda a, b: _set_contains(a, b) and _set_contains(b, a),
    )
    return lib
