"""gnostic's protobuf form of an OpenAPI v2 document, which older clients ask for instead of JSON.

An encoder driven by one table: for each message, where the keys of the JSON go. Only what the documents of openapi.py
contain is in the table; a key that is not raises KeyError, so that nothing gets lost unnoticed.

gnostic wraps: a JSON map becomes a list of (name, value) messages, a choice becomes a message with one field set, an
arbitrary value becomes its YAML text (here JSON, which is YAML).

Source: gnostic openapiv2/OpenAPIv2.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from kubepy.api.objects import Obj


class _Field(NamedTuple):
    number: int
    write: Callable[[int, Any], bytes]  # (field number, JSON value) -> the encoded field, with its tag


def encode(message: str, value: Obj) -> bytes:
    """A JSON object as the named message, without length or tag."""
    fields, extensions = _MESSAGES[message]
    parts = []
    for key, item in value.items():
        if key.startswith("x-") and extensions:
            parts.append(_named(_any)(extensions, {key: item}))
        else:
            number, write = fields[key]
            parts.append(write(number, item))
    return b"".join(parts)


# -- wire format ------------------------------------------------------------------------------------------------


_UINT64 = (1 << 64) - 1


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _delimited(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _string(number: int, value: str) -> bytes:
    return _delimited(number, value.encode())


def _bool(number: int, value: bool) -> bytes:
    return _varint(number << 3) + (b"\1" if value else b"\0")


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & _UINT64)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


# -- shapes -----------------------------------------------------------------------------------------------------


def _message(name: str) -> Callable[[int, Any], bytes]:
    return lambda number, value: _delimited(number, encode(name, value))


def _repeated(write: Callable[[int, Any], bytes]) -> Callable[[int, Any], bytes]:
    return lambda number, value: b"".join(write(number, item) for item in value)


def _wrapped(inner: int, write: Callable[[int, Any], bytes]) -> Callable[[int, Any], bytes]:
    """A message whose field `inner` is all there is."""
    return lambda number, value: _delimited(number, write(inner, value))


def _named(write: Callable[[int, Any], bytes]) -> Callable[[int, Any], bytes]:
    """A JSON map as repeated messages of name (1) and value (2)."""

    def encode_map(number: int, value: Obj) -> bytes:
        return b"".join(_delimited(number, _string(1, key) + write(2, item)) for key, item in value.items())

    return encode_map


def _any(number: int, value: Any) -> bytes:
    return _delimited(number, _string(2, orjson.dumps(value).decode() + "\n"))


def _parameters_item(number: int, value: Obj) -> bytes:
    """ParametersItem: a parameter, or a reference to one."""
    if (reference := value.get("$ref")) is not None:
        return _delimited(number, _delimited(2, _string(1, reference)))
    return _delimited(number, _parameter(1, value))


def _parameter(number: int, value: Obj) -> bytes:
    """Parameter -> body (1), or non-body (2) -> query (3) or path (4)."""
    if value["in"] == "body":
        inner = _delimited(1, encode("BodyParameter", value))
    else:
        field, name = (
            (4, "PathParameterSubSchema") if value["in"] == "path" else (3, "QueryParameterSubSchema")
        )
        inner = _delimited(2, _delimited(field, encode(name, value)))
    return _delimited(number, inner)


def _one_or_more(number: int, value: Any) -> bytes:
    """TypeItem: `type` is one word or several."""
    return _delimited(number, _repeated(_string)(1, [value] if isinstance(value, str) else value))


def _schema_or_bool(number: int, value: Any) -> bytes:
    return _delimited(
        number, _bool(2, value) if isinstance(value, bool) else _delimited(1, encode("Schema", value))
    )


_SCHEMA = _message("Schema")
_SCHEMAS = _wrapped(1, _SCHEMA)  # ItemsItem, SchemaItem
_STRINGS = _repeated(_string)
_OPERATION = _message("Operation")

# message -> ({JSON key: field}, number of its vendor extensions, 0 for none)
_MESSAGES: dict[str, tuple[dict[str, _Field], int]] = {
    "Document": (
        {
            "swagger": _Field(1, _string),
            "info": _Field(2, _message("Info")),
            "paths": _Field(
                8, _wrapped(2, lambda number, value: _named(_message("PathItem"))(number, value))
            ),
            "definitions": _Field(9, _wrapped(1, lambda number, value: _named(_SCHEMA)(number, value))),
            "parameters": _Field(10, _wrapped(1, _named(_parameter))),
            "security": _Field(12, _repeated(_wrapped(1, _named(_wrapped(1, _STRINGS))))),
            "securityDefinitions": _Field(13, _wrapped(1, _named(_wrapped(2, _message("ApiKeySecurity"))))),
        },
        16,
    ),
    "Info": ({"title": _Field(1, _string), "version": _Field(2, _string)}, 7),
    "ApiKeySecurity": (
        {
            "type": _Field(1, _string),
            "name": _Field(2, _string),
            "in": _Field(3, _string),
            "description": _Field(4, _string),
        },
        5,
    ),
    "PathItem": (
        {
            "get": _Field(2, _OPERATION),
            "put": _Field(3, _OPERATION),
            "post": _Field(4, _OPERATION),
            "delete": _Field(5, _OPERATION),
            "options": _Field(6, _OPERATION),
            "head": _Field(7, _OPERATION),
            "patch": _Field(8, _OPERATION),
            "parameters": _Field(9, _repeated(_parameters_item)),
        },
        10,
    ),
    "Operation": (
        {
            "tags": _Field(1, _STRINGS),
            "description": _Field(3, _string),
            "operationId": _Field(5, _string),
            "produces": _Field(6, _STRINGS),
            "consumes": _Field(7, _STRINGS),
            "parameters": _Field(8, _repeated(_parameters_item)),
            "responses": _Field(9, _wrapped(1, _named(_wrapped(1, _message("Response"))))),
            "schemes": _Field(10, _STRINGS),
        },
        13,
    ),
    "BodyParameter": (
        {
            "description": _Field(1, _string),
            "name": _Field(2, _string),
            "in": _Field(3, _string),
            "required": _Field(4, _bool),
            "schema": _Field(5, _SCHEMA),
        },
        6,
    ),
    "QueryParameterSubSchema": (
        {
            "required": _Field(1, _bool),
            "in": _Field(2, _string),
            "description": _Field(3, _string),
            "name": _Field(4, _string),
            "type": _Field(6, _string),
            "uniqueItems": _Field(20, _bool),
        },
        23,
    ),
    "PathParameterSubSchema": (
        {
            "required": _Field(1, _bool),
            "in": _Field(2, _string),
            "description": _Field(3, _string),
            "name": _Field(4, _string),
            "type": _Field(5, _string),
            "uniqueItems": _Field(19, _bool),
        },
        22,
    ),
    "Response": ({"description": _Field(1, _string), "schema": _Field(2, _SCHEMAS)}, 5),
    "Schema": (
        {
            "$ref": _Field(1, _string),
            "format": _Field(2, _string),
            "title": _Field(3, _string),
            "description": _Field(4, _string),
            "default": _Field(5, _any),
            "multipleOf": _Field(6, _double),
            "maximum": _Field(7, _double),
            "exclusiveMaximum": _Field(8, _bool),
            "minimum": _Field(9, _double),
            "exclusiveMinimum": _Field(10, _bool),
            "maxLength": _Field(11, _integer),
            "minLength": _Field(12, _integer),
            "pattern": _Field(13, _string),
            "maxItems": _Field(14, _integer),
            "minItems": _Field(15, _integer),
            "maxProperties": _Field(17, _integer),
            "minProperties": _Field(18, _integer),
            "required": _Field(19, _STRINGS),
            "enum": _Field(20, _repeated(_any)),
            "additionalProperties": _Field(21, _schema_or_bool),
            "type": _Field(22, _one_or_more),
            "items": _Field(23, _SCHEMAS),
            "properties": _Field(25, _wrapped(1, _named(_SCHEMA))),
            "externalDocs": _Field(29, _message("ExternalDocs")),
            "example": _Field(30, _any),
        },
        31,
    ),
    "ExternalDocs": ({"description": _Field(1, _string), "url": _Field(2, _string)}, 3),
}
