"""Optional values: `optional.of`, `.value()`, `.or()` and what they bring along.

Source: cel-go cel/library.go, optionalLib at its newest version.
"""

from __future__ import annotations

from typing import Any

from kubepy.api.cel.errors import CelError
from kubepy.api.cel.functions import Library
from kubepy.api.cel.functions.standard import not_here
from kubepy.api.cel.values import NONE, Optional, display, is_zero


def _unwrap(items: list[Any]) -> list[Any]:
    for item in items:
        if type(item) is not Optional:
            raise CelError(f"value {display(item)} is not optional")
    return [item.value for item in items if item.has_value]


def library() -> Library:
    lib = Library()
    d = lib.declare
    d("optional.of", "optional_of", "(V) optional(V)", Optional)
    d("optional.ofNonZeroValue", "optional_ofNonZeroValue", "(V) optional(V)", _of_non_zero)
    d("optional.none", "optional_none", "() optional(V)", lambda: NONE)
    d("value", "optional_value", "optional(V).() V", Optional.get)
    d("hasValue", "optional_hasValue", "optional(V).() bool", lambda value: value.has_value)
    d("or", "optional_or_optional", "optional(V).(optional(V)) optional(V)", not_here)
    d("orValue", "optional_orValue_value", "optional(V).(V) V", not_here)
    d("_[?_]", "list_optindex_optional_int", "(list(V), int) optional(V)", not_here)
    d("_[?_]", "optional_list_optindex_optional_int", "(optional(list(V)), int) optional(V)", not_here)
    d("_[?_]", "map_optindex_optional_value", "(map(K, V), K) optional(V)", not_here)
    d("_[?_]", "optional_map_optindex_optional_value", "(optional(map(K, V)), K) optional(V)", not_here)
    d("_[_]", "optional_list_index_int", "(optional(list(V)), int) optional(V)", not_here)
    d("_[_]", "optional_map_index_value", "(optional(map(K, V)), K) optional(V)", not_here)
    d("first", "list_first", "list(V).() optional(V)", lambda items: Optional(items[0]) if items else NONE)
    d("last", "list_last", "list(V).() optional(V)", lambda items: Optional(items[-1]) if items else NONE)
    d("optional.unwrap", "optional_unwrap", "(list(optional(V))) list(V)", _unwrap)
    d("unwrapOpt", "optional_unwrapOpt", "list(optional(V)).() list(V)", _unwrap)
    # what transformMap and transformMapEntry expand to
    d("cel.@mapInsert", "@mapInsert_map_key_value", "(map(K, V), K, V) map(K, V)", not_here)
    d("cel.@mapInsert", "@mapInsert_map_map", "(map(K, V), map(K, V)) map(K, V)", not_here)
    return lib


def _of_non_zero(value: Any) -> Optional:
    return NONE if is_zero(value) else Optional(value)
