"""Simple JSON paths into a schema: `.spec.color`, `['a.b'].c`; names of fields and keys of maps only.

Source: apiextensions-apiserver pkg/apiserver/schema/cel/validation.go ValidFieldPath.
"""

from __future__ import annotations

import re

from kubepy.api.objects import Obj

_TOKEN = re.compile(r"'(?:\\.|[^'\\])*'|[.\[\]]|[^.\[\]']+|.", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "'": "'", "\\": "\\"}


def field_path(path: str, schema: Obj, *, brackets: bool = True) -> tuple[str, Obj]:
    """(a path as findings show it, the schema it leads to) of a simple JSON path. Raises ValueError.

    Source: cel.ValidFieldPath.
    """
    tokens = iter(_TOKEN.findall(path))
    shown = ""
    for token in tokens:
        if token == "[":
            if not brackets:
                raise ValueError("array notation is not allowed")
            name = _quoted(next(tokens, None))
            schema, step = _step(schema, name)
            if (end := next(tokens, None)) != "]":
                raise ValueError(
                    "unexpected end of JSON path" if end is None else f"expected ] but got {end}"
                )
        elif token == ".":
            following = next(tokens, None)
            if following is None:
                raise ValueError("unexpected end of JSON path")
            schema, step = _step(schema, following)
        else:
            raise ValueError(f"expected [ or . but got: {token}")
        shown += step
    return shown.removeprefix("."), schema


def _quoted(token: str | None) -> str:
    if token is None:
        raise ValueError("unexpected end of JSON path")
    if len(token) < 2 or token[0] != "'" or token[-1] != "'":
        raise ValueError(f"expected single quoted string but got {token}")

    def unescape(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise ValueError(f"invalid string literal: invalid escape char {match[0]}")
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", unescape, token[1:-1])


def _step(schema: Obj, name: str) -> tuple[Obj, str]:
    properties, more = schema.get("properties"), schema.get("additionalProperties")
    if properties:
        if name not in properties:
            raise ValueError("does not refer to a valid field")
        return properties[name], f".{name}"
    if isinstance(more, dict):
        return more, f"[{name}]"
    raise ValueError("does not refer to a valid field")
