"""JSON as Go reads it: what orjson refuses and Go takes, and Go's words for what neither takes.

Go writes U+FFFD for bytes that are no UTF-8 and for halves of surrogate pairs, and leaves numbers beyond float64 to
the field that they are for. Only bodies that orjson has refused come here, so this is written for exactness, not for
speed.

Differs: Go reads 10 000 levels; here DEPTH_MAX of them, which no object needs and every recursive walk bears.

Source: Go encoding/json scanner.go, decode.go.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

# Two frames per level fit into Python's default stack several times over.
DEPTH_MAX = 128
_TOO_DEEP = "exceeded max depth"

_SPACES = b" \t\r\n"
_LITERALS = {b"t": b"true", b"f": b"false", b"n": b"null"}


class _Invalid(Exception):
    """Raised at the first byte that does not fit; carries (position, context)."""


class SyntaxError(ValueError):
    """Not JSON; says it in Go's words."""


def loads(body: bytes) -> Any:
    """Raises SyntaxError: `invalid character 'x' looking for beginning of value`, `unexpected end of JSON input`."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = _lenient(body)
    if body.count(b"[") + body.count(b"{") > DEPTH_MAX and _is_deep(parsed):
        raise SyntaxError(_TOO_DEEP)
    return parsed


def _lenient(body: bytes) -> Any:
    scanner = _Scanner(body)
    try:
        scanner.document()
        # The scanner has seen that it is JSON: what Python's parser takes beyond that does not occur.
        return _mended(json.loads(body.decode("utf-8", "replace"), parse_int=_integer))
    except IndexError:
        raise SyntaxError("unexpected end of JSON input")
    except _Invalid as invalid:
        at, context = invalid.args
        raise SyntaxError(f"invalid character {_quoted(body, at)} {context}")
    except RecursionError:
        raise SyntaxError(_TOO_DEEP)


def _integer(text: str) -> int | float:
    """As orjson has it: what no 64 bits hold is a float."""
    number = int(text) if len(text) < 21 else 1 << 64
    return number if -(1 << 63) <= number < 1 << 64 else float(text)


def _mended(value: Any) -> Any:
    """Without halves of surrogate pairs, which no encoding can write."""
    if isinstance(value, dict):
        return {_mended(key): _mended(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    return mended_text(value) if isinstance(value, str) else value


def mended_text(text: str) -> str:
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _quoted(body: bytes, at: int) -> str:
    character = chr(body[at])
    if character == "'":
        return r"'\''"
    if character.isprintable():
        return f"'{character}'" if character != "\\" else r"'\\'"
    return {"\n": r"'\n'", "\t": r"'\t'", "\r": r"'\r'"}.get(character, rf"'\x{body[at]:02x}'")


class _Scanner:
    """Each method reads what its name says and stops behind it; reading behind the end is an IndexError."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def _peek(self) -> bytes:
        return bytes((self._body[self._at],))

    def _skip(self) -> bytes:
        while self._peek() in _SPACES:
            self._at += 1
        return self._peek()

    def _fail(self, context: str) -> _Invalid:
        return _Invalid(self._at, context)

    def document(self) -> None:
        self.value()
        while self._at < len(self._body):
            if self._peek() not in _SPACES:
                raise self._fail("after top-level value")
            self._at += 1

    def value(self) -> None:
        first = self._skip()
        if first == b"{":
            self._at += 1
            self._members()
        elif first == b"[":
            self._at += 1
            self._items()
        elif first == b'"':
            self._string()
        elif first == b"-" or first.isdigit():
            self._number()
        elif first in _LITERALS:
            self._literal(_LITERALS[first])
        else:
            raise self._fail("looking for beginning of value")

    def _members(self) -> None:
        if self._skip() == b"}":
            self._at += 1
            return
        while True:
            if self._skip() != b'"':
                raise self._fail("looking for beginning of object key string")
            self._string()
            if self._skip() != b":":
                raise self._fail("after object key")
            self._at += 1
            self.value()
            if self._ends(b"}", "after object key:value pair"):
                return

    def _items(self) -> None:
        if self._skip() == b"]":
            self._at += 1
            return
        while True:
            self.value()
            if self._ends(b"]", "after array element"):
                return

    def _ends(self, closing: bytes, context: str) -> bool:
        found = self._skip()
        if found not in (b",", closing):
            raise self._fail(context)
        self._at += 1
        return found == closing

    def _string(self) -> None:
        self._at += 1
        while (character := self._peek()) != b'"':
            if character == b"\\":
                self._escape()
            elif character < b" ":
                raise self._fail("in string literal")
            self._at += 1
        self._at += 1

    def _escape(self) -> None:
        self._at += 1
        if self._peek() == b"u":
            for _ in range(4):
                self._at += 1
                if self._peek().lower() not in b"0123456789abcdef":
                    raise self._fail(r"in \u hexadecimal character escape")
        elif self._peek() not in b'bfnrt\\/"':
            raise self._fail("in string escape code")

    def _number(self) -> None:
        if self._peek() == b"-":
            self._at += 1
            if not self._peek().isdigit():
                raise self._fail("in numeric literal")
        if self._peek() == b"0":
            self._at += 1
        else:
            self._digits()
        if self._has(b"."):
            self._at += 1
            if not self._peek().isdigit():
                raise self._fail("after decimal point in numeric literal")
            self._digits()
        if self._has(b"e", b"E"):
            self._at += 1
            if self._peek() in b"+-":
                self._at += 1
            if not self._peek().isdigit():
                raise self._fail("in exponent of numeric literal")
            self._digits()

    def _digits(self) -> None:
        self._while(bytes.isdigit)

    def _while(self, fits: Callable[[bytes], bool]) -> None:
        while self._at < len(self._body) and fits(self._peek()):
            self._at += 1

    def _has(self, *wanted: bytes) -> bool:
        return self._at < len(self._body) and self._peek() in wanted

    def _literal(self, word: bytes) -> None:
        for index in range(1, len(word)):
            self._at += 1
            expected = word[index : index + 1]
            if self._peek() != expected:
                raise self._fail(f"in literal {word.decode()} (expecting '{expected.decode()}')")
        self._at += 1
