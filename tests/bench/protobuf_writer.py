"""JSON-shaped objects -> protobuf bodies, as Go clients send them: kubepy.api.protobuf reversed, of the same tables.

For tests and load only; kubepy itself answers in JSON, which every Go client accepts.
"""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime
from typing import Any

import orjson

from kubepy.api.protobuf import PREFIX
from kubepy.api.protofields import TABLE

_ROOTS = {
    "meta": "io.k8s.apimachinery.pkg.apis.meta.v1.",
    "core": "io.k8s.api.core.v1.",
    "machinery": "io.k8s.apimachinery.pkg.",
}
# Unions whose JSON is that of one member, told apart by its type: (number, whether repeated) per type.
_UNIONS: dict[str, dict[type, tuple[int, bool]]] = {
    "JSONSchemaPropsOrArray": {dict: (1, False), list: (2, True)},
    "JSONSchemaPropsOrBool": {bool: (1, False), dict: (2, False)},
    "JSONSchemaPropsOrStringArray": {dict: (1, False), list: (2, True)},
}


def _messages() -> dict[str, dict[str, tuple[int, str, str]]]:
    """Definition -> field -> (number, shape, type with full names)."""
    found: dict[str, dict[str, tuple[int, str, str]]] = {}
    package = ""
    for line in TABLE.splitlines():
        if line.startswith("["):
            package = line[1:-1]
            continue
        if not line:
            continue
        name, *words = line.split()
        fields = found[f"{package}.{name}"] = {}
        for word in words:
            field, _, rest = word.partition("=")
            code = rest.lstrip("0123456789")
            number = int(rest[: len(rest) - len(code)])
            shape = next((s for s in ("^", "[]", "{}") if code.startswith(s)), "")
            code = code[len(shape) :]
            fields[field] = (number, shape, ":" + _full(code[1:], package) if code[0] == ":" else code)
    return found


def _full(reference: str, package: str) -> str:
    if "." not in reference:
        return f"{package}.{reference}"
    head, _, rest = reference.partition(".")
    return _ROOTS[head] + rest if head in _ROOTS else reference


MESSAGES = _messages()


def body(definition: str, obj: dict[str, Any]) -> bytes:
    """A request body: the envelope with `obj` in it."""
    kind = _bytes(1, obj["apiVersion"].encode()) + _bytes(2, obj["kind"].encode())
    return PREFIX + _bytes(1, kind) + _bytes(2, message(definition, obj)) + _bytes(3, b"") + _bytes(4, b"")


def message(definition: str, value: Any) -> bytes:
    name = definition.rpartition(".")[2]
    if name in ("Time", "MicroTime"):
        moment = datetime.fromisoformat(value)
        return _number(1, int(moment.astimezone(UTC).timestamp())) + _number(2, moment.microsecond * 1000)
    if name == "Quantity":
        return _bytes(1, str(value).encode())
    if name == "IntOrString":
        if isinstance(value, str):
            return _number(1, 1) + _number(2, 0) + _bytes(3, value.encode())
        return _number(1, 0) + _number(2, value) + _bytes(3, b"")
    if name == "Duration":
        return _number(1, int(float(value.removesuffix("s")) * 1e9))
    if name in ("RawExtension", "FieldsV1", "JSON"):
        return _bytes(1, orjson.dumps(value))
    if name == "ExtraValue":
        return b"".join(_bytes(1, item.encode()) for item in value)
    if name in _UNIONS:
        number, repeated = _UNIONS[name][type(value)]
        code = next(code for n, _, code in MESSAGES[definition].values() if n == number)
        return b"".join(_value(number, code, item) for item in (value if repeated else [value]))
    found = []
    for name, field in MESSAGES[definition].items():
        if field[1] == "^":
            found.append(_field(field, value))
        elif name in value:
            found.append(_field(field, value[name]))
    return b"".join(found)


def _field(field: tuple[int, str, str], value: Any) -> bytes:
    number, shape, code = field
    if shape == "^":
        return _bytes(number, message(code[1:], value))
    if shape == "[]":
        return b"".join(_value(number, code, item) for item in value)
    if shape == "{}":
        return b"".join(
            _bytes(number, _bytes(1, key.encode()) + _value(2, code, item)) for key, item in value.items()
        )
    return _value(number, code, value)


def _value(number: int, code: str, value: Any) -> bytes:
    if code == "i" or code == "b":
        return _number(number, int(value))
    if code == "d":
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    if code == "s":
        return _bytes(number, value.encode())
    if code == "y":
        return _bytes(number, base64.b64decode(value))
    return _bytes(number, message(code[1:], value))


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
