"""The standard library: operators, conversions, strings, collections, time.

Source: cel-go common/stdlib/standard.go; texts from common/types. Values: cel-spec doc/langdef.md.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubepy.api.cel import patterns
from kubepy.api.cel.errors import CelError, CostExceeded
from kubepy.api.cel.functions import Library
from kubepy.api.cel.values import (
    INT_MAX,
    INT_MIN,
    ITEMS_MAX,
    UINT_MAX,
    Duration,
    Timestamp,
    TypeValue,
    Uint,
    contains,
    duration_ns,
    equals,
    general_text,
    lookup,
    parse_duration,
    parse_timestamp,
    timestamp_ns,
    timestamp_of,
    type_name,
)


def not_here(*_: Any) -> Any:
    """Operators whose evaluation is the compiler's own business (`&&`, `?:`, `==`, indexing)."""
    raise AssertionError("compiled, never called")


# -- arithmetic


def to_int(value: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise CelError("integer overflow")


def to_uint(value: int) -> Uint:
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise CelError("unsigned integer overflow")


def _add_int(a: int, b: int) -> int:
    c = a + b
    return c if INT_MIN <= c <= INT_MAX else to_int(c)


def _subtract_int(a: int, b: int) -> int:
    c = a - b
    return c if INT_MIN <= c <= INT_MAX else to_int(c)


def _multiply_int(a: int, b: int) -> int:
    c = a * b
    return c if INT_MIN <= c <= INT_MAX else to_int(c)


def _add_lists(a: list[Any], b: list[Any]) -> list[Any]:
    if len(a) + len(b) > ITEMS_MAX:
        raise CostExceeded
    return a + b


def _divide_int(a: int, b: int) -> int:
    if b == 0:
        raise CelError("division by zero")
    quotient = abs(a) // abs(b)
    return to_int(quotient if (a < 0) == (b < 0) else -quotient)


def _modulo_int(a: int, b: int) -> int:
    if b == 0:
        raise CelError("modulus by zero")
    if a == INT_MIN and b == -1:
        raise CelError("integer overflow")
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def _divide_uint(a: int, b: int) -> Uint:
    if b == 0:
        raise CelError("division by zero")
    return Uint(int(a) // int(b))


def _modulo_uint(a: int, b: int) -> Uint:
    if b == 0:
        raise CelError("modulus by zero")
    return Uint(int(a) % int(b))


def divide_double(a: float, b: float) -> float:
    if b == 0:
        if a == 0 or math.isnan(a):
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


# -- conversions


def _bool_of(text: str) -> bool:
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise CelError("type conversion error from 'string' to 'bool'")


_DECIMAL = re.compile(r"[+-]?\d+", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0[xX][0-9a-fA-F.]+[pP][+-]?\d+|inf(?:inity)?|nan)",
    re.ASCII | re.IGNORECASE,
)


def _int_of_text(text: str) -> int:
    if _DECIMAL.fullmatch(text) and len(text) < 30 and INT_MIN <= int(text) <= INT_MAX:
        return int(text)
    raise CelError("type conversion error from 'string' to 'int'")


def _uint_of_text(text: str) -> Uint:
    if _DECIMAL.fullmatch(text) and text[0] not in "+-" and len(text) < 30 and int(text) <= UINT_MAX:
        return Uint(int(text))
    raise CelError("type conversion error from 'string' to 'uint'")


def _double_of_text(text: str) -> float:
    if _FLOAT.fullmatch(text):
        value = float.fromhex(text) if "x" in text.lower() else float(text)
        if not math.isinf(value) or "inf" in text.lower():
            return value
    raise CelError("type conversion error from 'string' to 'double'")


def _int_of_double(value: float) -> int:
    # the bounds themselves cannot be told from what lies beyond them
    if math.isnan(value) or math.isinf(value) or not -(2.0**63) < value < 2.0**63:
        raise CelError("integer overflow")
    return int(value)


def _uint_of_double(value: float) -> Uint:
    if math.isnan(value) or math.isinf(value) or not 0 <= value < 2.0**64:
        raise CelError("unsigned integer overflow")
    return Uint(int(value))


def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise CelError("invalid UTF-8 in bytes, cannot convert to string")


def to_duration(text: str) -> Duration:
    try:
        return parse_duration(text)
    except ValueError:
        raise CelError("type conversion error from 'string' to 'google.protobuf.Duration'")


def to_timestamp(text: str) -> Timestamp:
    try:
        return parse_timestamp(text)
    except ValueError:
        raise CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'")


# -- order across numbers


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Comparison that refuses NaN, as doubles are ordered in CEL."""

    def compare(a: Any, b: Any) -> bool:
        if a != a or b != b:
            raise CelError("NaN values cannot be ordered")
        return test(a, b)

    return compare


def _as_doubles(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """An integer beside a double is compared as one, with the loss that has."""
    return lambda a, b: test(float(a), float(b))


# -- time

_OFFSET = re.compile(r"([+-]?)(\d+):(\d+)", re.ASCII)


def _zone(name: str) -> timezone | ZoneInfo:
    if ":" in name:
        m = _OFFSET.fullmatch(name)
        if m is None:
            raise CelError(f'strconv.Atoi: parsing "{name.partition(":")[0]}": invalid syntax')
        hours, minutes = int(m.group(2)), int(m.group(3))
        if minutes > 59:
            raise CelError(f"timezone offset minutes out of range [0, 59]: {name}")
        offset = timedelta(hours=hours, minutes=minutes)
        try:
            return timezone(-offset if m.group(1) == "-" else offset)
        except ValueError:
            raise CelError(f"timezone offset out of range: {name}")
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CelError(f"unknown time zone {name}")


_GETTERS: dict[str, tuple[str, Callable[[datetime], int]]] = {
    "getFullYear": ("timestamp_to_year", lambda t: t.year),
    "getMonth": ("timestamp_to_month", lambda t: t.month - 1),
    "getDayOfYear": ("timestamp_to_day_of_year", lambda t: t.timetuple().tm_yday - 1),
    "getDayOfMonth": ("timestamp_to_day_of_month", lambda t: t.day - 1),
    "getDate": ("timestamp_to_day_of_month_1_based", lambda t: t.day),
    "getDayOfWeek": ("timestamp_to_day_of_week", lambda t: t.isoweekday() % 7),
    "getHours": ("timestamp_to_hours", lambda t: t.hour),
    "getMinutes": ("timestamp_to_minutes", lambda t: t.minute),
    "getSeconds": ("timestamp_to_seconds", lambda t: t.second),
    "getMilliseconds": ("timestamp_to_milliseconds", lambda t: t.microsecond // 1000),
}


def _getter(read: Callable[[datetime], int]) -> Callable[[Timestamp], int]:
    return lambda t: read(t.datetime())


def _zoned_getter(read: Callable[[datetime], int]) -> Callable[[Timestamp, str], int]:
    def get(t: Timestamp, zone: str) -> int:
        try:
            return read(t.datetime().astimezone(_zone(zone)))
        except OverflowError:
            raise CelError("timestamp overflow")

    return get


def _truncated(ns: int, unit: int) -> int:
    return ns // unit if ns >= 0 else -(-ns // unit)


# -- the table


def _in_map(key: Any, mapping: Mapping[Any, Any]) -> bool:
    return lookup(mapping, key)[0]


def _in_list(item: Any, items: list[Any]) -> bool:
    return contains(items, item)


def library() -> Library:
    lib = Library()
    d = lib.declare
    d("_?_:_", "conditional", "(bool, A, A) A", not_here)
    d("_&&_", "logical_and", "(bool, bool) bool", not_here)
    d("_||_", "logical_or", "(bool, bool) bool", not_here)
    d("!_", "logical_not", "(bool) bool", operator.not_)
    d("@not_strictly_false", "not_strictly_false", "(bool) bool", not_here)
    d("_==_", "equals", "(A, A) bool", equals)
    d("_!=_", "not_equals", "(A, A) bool", lambda a, b: not equals(a, b))
    d("_[_]", "index_list", "(list(A), int) A", not_here)
    d("_[_]", "index_map", "(map(A, B), A) B", not_here)
    d("@in", "in_list", "(A, list(A)) bool", _in_list)
    d("@in", "in_map", "(A, map(A, B)) bool", _in_map)
    _arithmetic(lib)
    _relations(lib)
    _conversions(lib)
    _strings(lib)
    _time(lib)
    return lib


def _arithmetic(lib: Library) -> None:
    d = lib.declare
    d("_+_", "add_bytes", "(bytes, bytes) bytes", operator.add)
    d("_+_", "add_double", "(double, double) double", operator.add)
    d("_+_", "add_duration_duration", "(duration, duration) duration", lambda a, b: duration_ns(a.ns + b.ns))
    d(
        "_+_",
        "add_duration_timestamp",
        "(duration, timestamp) timestamp",
        lambda a, b: timestamp_ns(a.ns + b.ns),
    )
    d(
        "_+_",
        "add_timestamp_duration",
        "(timestamp, duration) timestamp",
        lambda a, b: timestamp_ns(a.ns + b.ns),
    )
    d("_+_", "add_int64", "(int, int) int", _add_int)
    d("_+_", "add_list", "(list(A), list(A)) list(A)", _add_lists)
    d("_+_", "add_string", "(string, string) string", operator.add)
    d("_+_", "add_uint64", "(uint, uint) uint", lambda a, b: to_uint(int(a) + int(b)))
    d("_/_", "divide_double", "(double, double) double", divide_double)
    d("_/_", "divide_int64", "(int, int) int", _divide_int)
    d("_/_", "divide_uint64", "(uint, uint) uint", _divide_uint)
    d("_%_", "modulo_int64", "(int, int) int", _modulo_int)
    d("_%_", "modulo_uint64", "(uint, uint) uint", _modulo_uint)
    d("_*_", "multiply_double", "(double, double) double", operator.mul)
    d("_*_", "multiply_int64", "(int, int) int", _multiply_int)
    d("_*_", "multiply_uint64", "(uint, uint) uint", lambda a, b: to_uint(int(a) * int(b)))
    d("-_", "negate_double", "(double) double", operator.neg)
    d("-_", "negate_int64", "(int) int", lambda a: to_int(-a))
    d("_-_", "subtract_double", "(double, double) double", operator.sub)
    d(
        "_-_",
        "subtract_duration_duration",
        "(duration, duration) duration",
        lambda a, b: duration_ns(a.ns - b.ns),
    )
    d("_-_", "subtract_int64", "(int, int) int", _subtract_int)
    d(
        "_-_",
        "subtract_timestamp_duration",
        "(timestamp, duration) timestamp",
        lambda a, b: timestamp_ns(a.ns - b.ns),
    )
    d(
        "_-_",
        "subtract_timestamp_timestamp",
        "(timestamp, timestamp) duration",
        lambda a, b: duration_ns(a.ns - b.ns),
    )
    d("_-_", "subtract_uint64", "(uint, uint) uint", lambda a, b: to_uint(int(a) - int(b)))


def _relations(lib: Library) -> None:
    numbers = {"int64": "int", "uint64": "uint", "double": "double"}
    for symbol, name, test in (
        ("_<_", "less", operator.lt),
        ("_<=_", "less_equals", operator.le),
        ("_>_", "greater", operator.gt),
        ("_>=_", "greater_equals", operator.ge),
    ):
        for simple in ("bool", "int64", "uint64", "double", "string", "bytes", "timestamp", "duration"):
            kind = numbers.get(simple, simple)
            lib.declare(
                symbol,
                f"{name}_{simple}",
                f"({kind}, {kind}) bool",
                _ordered(test) if kind == "double" else test,
            )
        for a, b in (
            ("int64", "double"),
            ("int64", "uint64"),
            ("uint64", "double"),
            ("uint64", "int64"),
            ("double", "int64"),
            ("double", "uint64"),
        ):
            compare = _ordered(_as_doubles(test)) if "double" in (a, b) else test
            lib.declare(symbol, f"{name}_{a}_{b}", f"({numbers[a]}, {numbers[b]}) bool", compare)


def _same(value: Any) -> Any:
    return value


def _conversions(lib: Library) -> None:
    d = lib.declare
    d("type", "type", "(A) type(A)", lambda value: TypeValue(type_name(value)))
    d("dyn", "to_dyn", "(A) dyn", _same)
    d("bool", "bool_to_bool", "(bool) bool", _same)
    d("bool", "string_to_bool", "(string) bool", _bool_of)
    d("bytes", "bytes_to_bytes", "(bytes) bytes", _same)
    d("bytes", "string_to_bytes", "(string) bytes", str.encode)
    d("double", "double_to_double", "(double) double", _same)
    d("double", "int64_to_double", "(int) double", float)
    d("double", "string_to_double", "(string) double", _double_of_text)
    d("double", "uint64_to_double", "(uint) double", float)
    d("duration", "duration_to_duration", "(duration) duration", _same)
    d("duration", "string_to_duration", "(string) duration", to_duration)
    d("int", "int64_to_int64", "(int) int", _same)
    d("int", "double_to_int64", "(double) int", _int_of_double)
    d("int", "duration_to_int64", "(duration) int", lambda value: value.ns)
    d("int", "string_to_int64", "(string) int", _int_of_text)
    d("int", "timestamp_to_int64", "(timestamp) int", lambda value: value.ns // 10**9)
    d("int", "uint64_to_int64", "(uint) int", lambda value: to_int(int(value)))
    d("string", "string_to_string", "(string) string", _same)
    d("string", "bool_to_string", "(bool) string", lambda value: "true" if value else "false")
    d("string", "bytes_to_string", "(bytes) string", _text_of_bytes)
    d("string", "double_to_string", "(double) string", general_text)
    d("string", "duration_to_string", "(duration) string", str)
    d("string", "int64_to_string", "(int) string", str)
    d("string", "timestamp_to_string", "(timestamp) string", str)
    d("string", "uint64_to_string", "(uint) string", lambda value: str(int(value)))
    d("timestamp", "timestamp_to_timestamp", "(timestamp) timestamp", _same)
    d("timestamp", "int64_to_timestamp", "(int) timestamp", timestamp_of)
    d("timestamp", "string_to_timestamp", "(string) timestamp", to_timestamp)
    d("uint", "uint64_to_uint64", "(uint) uint", _same)
    d("uint", "double_to_uint64", "(double) uint", _uint_of_double)
    d("uint", "int64_to_uint64", "(int) uint", to_uint)
    d("uint", "string_to_uint64", "(string) uint", _uint_of_text)


def _strings(lib: Library) -> None:
    d = lib.declare
    for kind in ("bytes", "list(A)", "map(A, B)", "string"):
        name = kind.partition("(")[0]
        d("size", f"size_{name}", f"({kind}) int", len)
        d("size", f"{name}_size", f"{kind}.() int", len)
    d("contains", "contains_string", "string.(string) bool", lambda text, part: part in text)
    d("endsWith", "ends_with_string", "string.(string) bool", str.endswith)
    d("startsWith", "starts_with_string", "string.(string) bool", str.startswith)
    d("matches", "matches", "(string, string) bool", patterns.matches)
    d("matches", "matches_string", "string.(string) bool", patterns.matches)


def _time(lib: Library) -> None:
    d = lib.declare
    for function, (id, read) in _GETTERS.items():
        d(function, id, "timestamp.() int", _getter(read))
        d(function, f"{id}_with_tz", "timestamp.(string) int", _zoned_getter(read))
    for function, id, unit in (
        ("getHours", "duration_to_hours", 3600 * 10**9),
        ("getMinutes", "duration_to_minutes", 60 * 10**9),
        ("getSeconds", "duration_to_seconds", 10**9),
        ("getMilliseconds", "duration_to_milliseconds", 10**6),
    ):
        d(function, id, "duration.() int", lambda value, unit=unit: _truncated(value.ns, unit))
