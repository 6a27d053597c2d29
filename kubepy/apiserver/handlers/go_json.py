"""What Go's JSON scanner says about bytes that are no JSON.

Only called for bodies that orjson has refused, so it is written for exactness, not for speed.

Source: Go encoding/json scanner.go.
"""

from __future__ import annotations

from collections.abc import Callable

_SPACES = b" \t\r\n"
_LITERALS = {b"t": b"true", b"f": b"false", b"n": b"null"}


class _Invalid(Exception):
    """Raised at the first byte that does not fit; carries (position, context)."""


def syntax_error(body: bytes) -> str:
    """`invalid character 'x' looking for beginning of value`, or `unexpected end of JSON input`."""
    scanner = _Scanner(body)
    try:
        scanner.document()
    except IndexError:
        return "unexpected end of JSON input"
    except _Invalid as invalid:
        at, context = invalid.args
        return f"invalid character {_quoted(body, at)} {context}"
    # orjson is stricter about what strings may hold than Go.
    return "invalid character in string literal"


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
