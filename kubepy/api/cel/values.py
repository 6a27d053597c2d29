"""Values: what an expression computes with.

Plain Python wherever JSON and CEL agree: bool, int, float, str, bytes, list, dict, None. Wrapped only what Python
would confuse: Uint (an int that says so), Timestamp and Duration (nanoseconds), Optional, TypeValue. Libraries add
opaque values: classes with a `cel_type`.

Equality is CEL's, not Python's: numbers compare across types, `true` is not `1`, values of other types are unequal,
never an error. NaN equals nothing (but a list that holds one equals itself).

Source: cel-go common/types (bool.go ... timestamp.go, optional.go), overflow.go; limits of time as in timestamp.go.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from kubepy.api.cel import types
from kubepy.api.cel.errors import CelError

INT_MAX = (1 << 63) - 1
# What one call may build, in characters or items. Differs: upstream has no such bound, because its lists are joined
# lazily and its process may be killed; both are far beyond what a request can hold.
TEXT_MAX = 100_000_000
ITEMS_MAX = 10_000_000
INT_MIN = -(1 << 63)
UINT_MAX = (1 << 64) - 1
_UNIX_MIN = -62135596800  # 0001-01-01T00:00:00Z
_UNIX_MAX = 253402300799  # 9999-12-31T23:59:59Z
_SECOND = 1_000_000_000


class Uint(int):
    """An unsigned 64-bit integer."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{int(self)}u"


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    ns: int

    def __str__(self) -> str:
        """`1.5s`, as string(duration) has it."""
        seconds = decimal_text(self.ns / _SECOND)
        return f"{seconds}s"


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """Nanoseconds since 1970 in UTC."""

    ns: int

    def __str__(self) -> str:
        return render_timestamp(self)

    def datetime(self) -> datetime:
        """In UTC, to the microsecond below."""
        return _EPOCH + timedelta(microseconds=self.ns // 1000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Optional:
    """optional.of(value), or NONE."""

    __slots__ = ("has_value", "value")

    def __init__(self, value: Any = None, has_value: bool = True) -> None:
        self.value = value
        self.has_value = has_value

    def get(self) -> Any:
        if not self.has_value:
            raise CelError("optional.none() dereference")
        return self.value

    def __repr__(self) -> str:
        return f"optional({self.value!r})" if self.has_value else "optional.none()"


NONE = Optional(None, has_value=False)


class Struct(dict[str, Any]):
    """An object that an expression made: `Object.spec{replicas: 3}`. It knows the name of its type."""

    __slots__ = ("of",)

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of


class TypeValue(msgspec.Struct, frozen=True):
    """What `type(x)` answers, and what the identifiers int, string, list ... stand for."""

    name: str


class Opaque:
    """Base of values that only their functions look into; subclasses set `cel_type` and define equality."""

    __slots__ = ()
    cel_type: ClassVar[types.Type]


# --------------------------------------------------------------------------------------------------------------
# Types at run time


def type_name(value: Any) -> str:
    """The name of a value's type: `int`, `list`, `google.protobuf.Timestamp`, `net.IP` ..."""
    name = _NAMES.get(type(value))
    if name is not None:
        return name
    if isinstance(value, Mapping):
        return value.of if isinstance(value, Struct) else "map"
    cel_type = getattr(value, "cel_type", None)
    return cel_type.name if isinstance(cel_type, types.Type) else type(value).__name__


_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    dict: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    Optional: "optional_type",
    TypeValue: "type",
}


def guard(of: types.Type) -> Callable[[Any], bool]:
    """A test whether a value may be passed where the type is wanted; type parameters and dyn take all."""
    if of.kind in ("dyn", "param", "error"):
        return lambda value: True
    if of.kind == "map":
        return lambda value: isinstance(value, Mapping)
    if of.kind == "struct" and of.fields is not None:
        return lambda value: isinstance(value, Mapping) or getattr(value, "cel_type", None) == of
    if of.kind == "type":
        return lambda value: type(value) is TypeValue
    name = of.name
    return lambda value: type_name(value) == name


# --------------------------------------------------------------------------------------------------------------
# Equality


_NUMBERS = (int, float)


def equals(a: Any, b: Any) -> bool:
    """CEL equality of any two values."""
    ta, tb = type(a), type(b)
    if ta is bool or tb is bool:
        return ta is tb and a == b
    if ta is str or tb is str:
        return ta is tb and a == b
    if isinstance(a, _NUMBERS):
        return isinstance(b, _NUMBERS) and a == b
    if ta is list:
        return a is b or (tb is list and len(a) == len(b) and all(map(equals, a, b)))
    if isinstance(a, Mapping):
        if a is b:
            return True
        if (isinstance(a, Struct) or isinstance(b, Struct)) and type_name(a) != type_name(b):
            return False
        return isinstance(b, Mapping) and len(a) == len(b) and _maps_equal(a, b)
    if ta is Optional:
        if tb is not Optional or a.has_value != b.has_value:
            return False
        return not a.has_value or equals(a.value, b.value)
    return ta is tb and bool(a == b)


def _maps_equal(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> bool:
    for key, value in a.items():
        if key not in b or (type(key) is bool) != _has_bool_key(b, key):
            return False
        if not equals(value, b[key]):
            return False
    return True


def _has_bool_key(mapping: Mapping[Any, Any], key: Any) -> bool:
    """Whether the entry Python finds under `key` was made with a bool; only 0 and 1 can be confused."""
    if key != 0 and key != 1:
        return False
    return any(type(k) is bool and k == key for k in mapping)


def lookup(mapping: Mapping[Any, Any], key: Any) -> tuple[bool, Any]:
    """(found, value) under CEL's key equality: 1, 1u and 1.0 are one key, true is another."""
    if type(key) is str:
        return (True, mapping[key]) if key in mapping else (False, None)
    if isinstance(key, float) and not key.is_integer():
        return False, None
    try:
        present = key in mapping
    except TypeError:
        return False, None
    if not present or (type(key) is bool) != _has_bool_key(mapping, key):
        return False, None
    return True, mapping[key]


def contains(items: list[Any], wanted: Any) -> bool:
    """`wanted in items`."""
    if type(wanted) is str:
        return wanted in items
    return any(equals(wanted, item) for item in items)


def is_zero(value: Any) -> bool:
    """Whether optional.ofNonZeroValue drops it."""
    if value is None or value is False:
        return True
    if isinstance(value, Timestamp):
        # Go's zero time, not 1970
        return value.ns == _UNIX_MIN * _SECOND
    if isinstance(value, Duration):
        return value.ns == 0
    if isinstance(value, int | float | str | bytes | list | Mapping):
        return not value
    return isinstance(value, Optional) and not value.has_value


# --------------------------------------------------------------------------------------------------------------
# Time

_UNITS = {
    "ns": 1,
    "us": 1000,
    "µs": 1000,
    "μs": 1000,
    "ms": 10**6,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
# time.RFC3339: an upper-case T and Z, a fraction of any length after a dot or a comma
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_duration(text: str) -> Duration:
    """Go's time.ParseDuration. Raises ValueError."""
    rest = text
    sign = 1
    if rest[:1] in ("+", "-"):
        sign = -1 if rest[0] == "-" else 1
        rest = rest[1:]
    if rest == "0":
        return Duration(0)
    total = 0
    at = 0
    while at < len(rest):
        m = _DURATION_PART.match(rest, at)
        if m is None:
            raise ValueError(text)
        number, unit = m.group(1), _UNITS[m.group(2)]
        whole, _, fraction = number.partition(".")
        total += int(whole or "0") * unit
        if fraction:
            total += int(fraction) * unit // 10 ** len(fraction)
        at = m.end()
    if not rest or total > INT_MAX + (sign < 0):
        raise ValueError(text)
    return Duration(sign * total)


def parse_timestamp(text: str) -> Timestamp:
    """Go's time.Parse(time.RFC3339). Raises ValueError; CelError beyond the years 1 ... 9999."""
    m = _RFC3339.fullmatch(text)
    if m is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(m.group(i)) for i in range(1, 7))
    offset = 0
    if m.group(8):
        hours, minutes = int(m.group(9)), int(m.group(10))
        if hours > 24 or minutes > 60:
            raise ValueError(text)
        offset = (hours * 60 + minutes) * 60 * (-1 if m.group(8) == "-" else 1)
    if year == 0:
        raise CelError("timestamp overflow")
    seconds = int((datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH).total_seconds())
    return timestamp_of(seconds - offset, int((m.group(7) or "")[:9].ljust(9, "0")))


def timestamp_of(seconds: int, ns: int = 0) -> Timestamp:
    """Raises CelError beyond the years 1 ... 9999."""
    if not _UNIX_MIN <= seconds <= _UNIX_MAX:
        raise CelError("timestamp overflow")
    return Timestamp(seconds * _SECOND + ns)


def timestamp_ns(ns: int) -> Timestamp:
    return timestamp_of(*divmod(ns, _SECOND))


def duration_ns(ns: int) -> Duration:
    if not INT_MIN <= ns <= INT_MAX:
        raise CelError("duration overflow")
    return Duration(ns)


def render_timestamp(value: Timestamp) -> str:
    """RFC 3339 with as many digits of the second as there are."""
    text = value.datetime().strftime("%Y-%m-%dT%H:%M:%S")
    # strftime leaves years before 1000 unpadded on some systems
    text = text.zfill(19)
    fraction = f"{value.ns % _SECOND:09d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


# --------------------------------------------------------------------------------------------------------------
# Numbers as text


def decimal_text(value: float) -> str:
    """strconv.FormatFloat(value, 'f', -1, 64): shortest, never an exponent."""
    text = _special(value)
    if text:
        return text
    shortest = repr(value)
    if "e" in shortest:
        from decimal import Decimal

        shortest = format(Decimal(shortest), "f")
    return shortest.removesuffix(".0")


def general_text(value: float) -> str:
    """fmt's %g: shortest digits, an exponent below 1e-4 and from 1e6."""
    text = _special(value)
    if text:
        return text
    exponent = f"{value:e}".partition("e")[2]
    shortest = repr(value)
    mantissa, _, _ = (shortest if "e" in shortest else _scientific(shortest)).partition("e")
    at = int(exponent)
    if -4 <= at < 6:
        return decimal_text(value)
    return f"{mantissa.removesuffix('.0')}e{'-' if at < 0 else '+'}{abs(at):02d}"


def _scientific(text: str) -> str:
    from decimal import Decimal

    return format(Decimal(text).normalize(), "e").replace("E", "e")


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return ""


def display(value: Any) -> str:
    """A value inside an error text, as Go's %v shows it: `no such key: x`."""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        return general_text(value)
    if isinstance(value, Uint):
        return str(int(value))
    if isinstance(value, TypeValue):
        return value.name
    return str(value)
