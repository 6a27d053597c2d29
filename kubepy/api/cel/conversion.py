"""JSON as it is read by an expression: what a schema's format makes of a string or a number.

date-time and date become timestamps, duration a duration, byte bytes; a whole number where the schema says number is
a double. Values that are converted already pass through, so reading an element of a converted list is harmless.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/common/valuesunstructured.go (UnstructuredToVal);
k8s.io/kube-openapi/pkg/validation/strfmt (ParseDateTime, ParseDuration).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from kubepy.api.cel.errors import CelError
from kubepy.api.cel.types import Type
from kubepy.api.cel.values import Duration, parse_duration, parse_timestamp, timestamp_of

_DAYS = date(1970, 1, 1).toordinal()


def on_read(of: Type) -> Callable[[Any], Any] | None:
    """What to do with a value of this type when it is read; None = nothing."""
    scalar = _SCALARS.get(of.kind)
    if scalar is not None:
        return scalar
    # A list of doubles stays as it is: ints and floats compare and add up alike, and elements are read one by one.
    if of.kind in ("list", "map") and _has_text_format(of.params[-1]):
        inner = on_read(of.params[-1])
        assert inner is not None
        return _list_of(inner) if of.kind == "list" else _map_of(inner)
    return None


def _has_text_format(of: Type) -> bool:
    if of.kind in ("list", "map"):
        return _has_text_format(of.params[-1])
    return of.kind in ("timestamp", "duration", "bytes")


def _list_of(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda items: [None if item is None else convert(item) for item in items]


def _map_of(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda items: {key: None if item is None else convert(item) for key, item in items.items()}


def _timestamp(value: Any) -> Any:
    if type(value) is not str:
        return value
    try:
        if len(value) == len("2006-01-02"):
            return timestamp_of((date.fromisoformat(value).toordinal() - _DAYS) * 86400)
        return parse_timestamp(value)
    except ValueError:
        raise CelError(f"Invalid date-time: {value}")


# strfmt knows days and weeks, and unit words
_WORDS = {
    "nano": 1,
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "micro": 10**3,
    "ms": 10**6,
    "milli": 10**6,
    "s": 10**9,
    "sec": 10**9,
    "second": 10**9,
    "m": 60 * 10**9,
    "min": 60 * 10**9,
    "minute": 60 * 10**9,
    "h": 3600 * 10**9,
    "hr": 3600 * 10**9,
    "hour": 3600 * 10**9,
    "d": 86400 * 10**9,
    "day": 86400 * 10**9,
    "w": 7 * 86400 * 10**9,
    "wk": 7 * 86400 * 10**9,
    "week": 7 * 86400 * 10**9,
}
_PART = re.compile(r"(\d+)\s*([A-Za-zµ]+)")


def _duration(value: Any) -> Any:
    if type(value) is not str:
        return value
    try:
        return parse_duration(value)
    except ValueError:
        pass
    total = 0
    parts = _PART.findall(value)
    for number, word in parts:
        unit = _WORDS.get(word) or _WORDS.get(word.removesuffix("s"))
        if unit is None:
            raise CelError(f"Invalid duration: {value}")
        total += int(number) * unit
    if not parts:
        raise CelError(f"Invalid duration: {value}")
    return Duration(total)


def _bytes(value: Any) -> Any:
    if type(value) is not str:
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise CelError(f"Invalid base64: {value}")


def _double(value: Any) -> Any:
    return float(value) if type(value) is int else value


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "timestamp": _timestamp,
    "duration": _duration,
    "bytes": _bytes,
    "double": _double,
}
