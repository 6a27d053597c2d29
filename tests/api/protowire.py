"""Protobuf put together by hand, and values for whatever a table knows."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

from kubepy.api.protobuf import PREFIX
from kubepy.api.protofields import Table

TABLE = Table()
SCALARS: dict[str, Any] = {"s": "ünïcode", "i": -7, "b": True, "d": 0.5, "y": "AP9/"}
SPECIAL_VALUES: dict[str, Any] = {
    "Time": "1969-07-20T20:17:40Z", "MicroTime": "2026-01-02T03:04:05.000006Z", "Quantity": "100m",
    "IntOrString": -1, "RawExtension": {"kind": "X", "b": [1]}, "FieldsV1": {"f:a": {}}, "JSON": [1, "x"],
    "ExtraValue": ["a", "b"], "Verbs": ["get"], "JSONSchemaPropsOrArray": {"type": "a"},
    "JSONSchemaPropsOrBool": False, "JSONSchemaPropsOrStringArray": ["a"],
}  # fmt: skip


def varint(value: int) -> bytes:
    out, value = bytearray(), value & (1 << 64) - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | str | bytes | float) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return (
        PREFIX
        + field(1, field(1, api_version) + field(2, kind))
        + field(2, raw)
        + field(3, "")
        + field(4, "")
    )


def example(definition: str, random: Random | None = None, depth: int = 0) -> Any:
    """A value for every field of a message, down to a depth: what a client could send at most. With `random` for some
    of them, and always for those that Go always has."""
    name = definition.rpartition(".")[2]
    if name in SPECIAL_VALUES:
        return SPECIAL_VALUES[name]
    found: dict[str, Any] = {}
    for field_ in TABLE.fields(definition):
        is_always_there = field_.shape in ("", "^") and not field_.is_optional
        if not is_always_there and random is not None and random.random() < 0.5:
            continue
        if field_.type in SCALARS:
            value = SCALARS[field_.type]
        elif is_always_there or depth <= 3:
            value = example(field_.type, random, depth + (field_.shape != "^"))
        else:
            continue
        if field_.shape == "^":
            found |= value
        else:
            found[field_.name] = _shaped(field_.shape, value)
    return found


def _shaped(shape: str, value: Any) -> Any:
    return [value, value] if shape == "[]" else {"b": value, "a": value} if shape == "{}" else value
