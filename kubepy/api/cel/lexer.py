"""Text to tokens.

What is no token is reported (`token recognition error at: '$'`) and skipped, as the generated lexer of cel-go does.
String tokens are checked for shape here and decoded by `unescape`.

Source: cel-go parser/gen/CEL.g4, parser/unescape.go.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kubepy.api.cel.errors import Issue

_ESCAPE = r"\\(?:[abfnrtv\"'\\?`]|[0-3][0-7][0-7]|[xX][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})"
_STRING = (
    rf'(?:"""(?:{_ESCAPE}|[^\\])*?"""'
    rf"|'''(?:{_ESCAPE}|[^\\])*?'''"
    rf'|"(?:{_ESCAPE}|[^\\"\n\r])*"'
    rf"|'(?:{_ESCAPE}|[^\\'\n\r])*'"
    r'|[rR]"""[\s\S]*?"""'
    r"|[rR]'''[\s\S]*?'''"
    r'|[rR]"[^"\n\r]*"'
    r"|[rR]'[^'\n\r]*')"
)
_TOKEN = re.compile(
    r"(?P<SPACE>[\t \r\n\f]+|//[^\n]*)"
    rf"|(?P<BYTES>[bB]{_STRING})"
    rf"|(?P<STRING>{_STRING})"
    r"|(?P<NUM_FLOAT>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<NUM_UINT>0x[0-9A-Fa-f]+[uU]|\d+[uU])"
    r"|(?P<NUM_INT>0x[0-9A-Fa-f]+|\d+)"
    r"|(?P<IDENTIFIER>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<ESC_IDENTIFIER>`[A-Za-z0-9_./ -]+`)"
    r"|(?P<OP>==|!=|<=|>=|&&|\|\||[-<>\[\]{}().,!?:+*/%])",
    re.ASCII,
)
_WORDS = frozenset(("in", "true", "false", "null"))


class Token(NamedTuple):
    """kind: NUM_INT, STRING, IDENTIFIER ...; for operators and the words in, true, false, null: the text itself."""

    kind: str
    text: str
    offset: int


def tokens(source: str, issues: list[Issue]) -> list[Token]:
    """All tokens, the last one `<EOF>`; appends to `issues` what is none."""
    found: list[Token] = []
    at = 0
    match = _TOKEN.match
    while at < len(source):
        m = match(source, at)
        if m is None:
            end = _bad_end(source, at)
            issues.append(Issue(at, f"Syntax error: token recognition error at: '{source[at:end]}'"))
            at = end
            continue
        kind = m.lastgroup or ""
        text = m.group()
        if kind != "SPACE":
            found.append(Token(text if kind == "OP" or text in _WORDS else kind, text, at))
        at = m.end()
    found.append(Token("<EOF>", "<EOF>", len(source)))
    return found


# A string that ends wrongly: what could still have become one, and the character that made it impossible.
_PART_OF_ESCAPE = r"\\(?:[xX][0-9A-Fa-f]?|u[0-9A-Fa-f]{0,3}|U[0-9A-Fa-f]{0,7}|[0-3][0-7]?)?"
_BROKEN = {
    quote: re.compile(rf"{quote}(?:{_ESCAPE}|[^\\{quote}\n\r])*(?:{_PART_OF_ESCAPE})?[\s\S]?")
    for quote in "\"'"
}


def _bad_end(source: str, at: int) -> int:
    """How far the lexer reads before it gives up on a token that starts at `at`."""
    first = source[at]
    if first in "|&=":
        # one more character is read in the hope of a second | & or =
        return min(at + 2, len(source))
    if first in "\"'":
        m = _BROKEN[first].match(source, at)
        return m.end() if m else at + 1
    return at + 1


_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
    "?": "?",
}
_ONE_ESCAPE = re.compile(_ESCAPE)


def unescape(text: str) -> str:
    """The value of a STRING token. Raises ValueError with the text to report."""
    raw, body = _body(text)
    if raw or "\\" not in body:
        return body

    def decode(m: re.Match[str]) -> str:
        seq = m.group()[1:]
        if seq[0] in _SIMPLE:
            return _SIMPLE[seq[0]]
        point = int(seq[1:], 16) if seq[0] in "xXuU" else int(seq, 8)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise ValueError("invalid unicode code point")
        return chr(point)

    return _ONE_ESCAPE.sub(decode, body)


def unescape_bytes(text: str) -> bytes:
    """The value of a BYTES token: octal and hex escapes are bytes. Raises ValueError with the text to report."""
    raw, body = _body(text[1:])
    if raw or "\\" not in body:
        return body.encode()
    parts: list[bytes] = []
    at = 0
    for m in _ONE_ESCAPE.finditer(body):
        parts.append(body[at : m.start()].encode())
        seq = m.group()[1:]
        if seq[0] in _SIMPLE:
            parts.append(_SIMPLE[seq[0]].encode())
        elif seq[0] in "uU":
            raise ValueError("unable to unescape string")
        else:
            parts.append(bytes([int(seq[1:], 16) if seq[0] in "xX" else int(seq, 8)]))
        at = m.end()
    parts.append(body[at:].encode())
    return b"".join(parts)


def _body(text: str) -> tuple[bool, str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    raw = text[0] in "rR"
    if raw:
        text = text[1:]
    quotes = 3 if len(text) >= 6 and text[:3] in ('"""', "'''") else 1
    return raw, text[quotes:-quotes]
