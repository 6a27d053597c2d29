"""The strings extension: charAt ... upperAscii, format, quote. Indexes count code points.

Source: cel-go ext/strings.go at version 2 (what Kubernetes enables: no reverse), ext/formatting.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from kubepy.api.cel.errors import CelError, CostExceeded
from kubepy.api.cel.functions import Library
from kubepy.api.cel.values import TEXT_MAX, Duration, Timestamp, TypeValue, Uint, general_text, type_name


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise CelError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(text: str, part: str, offset: int = 0) -> int:
    if not part:
        return offset
    if offset < 0:
        raise CelError(f"index out of range: {offset}")
    return text.find(part, offset) if offset < len(text) else -1


def _last_index_of(text: str, part: str) -> int:
    return text.rfind(part) if part else len(text)


def _last_index_of_before(text: str, part: str, offset: int) -> int:
    if not part:
        return offset
    if offset < 0:
        raise CelError(f"index out of range: {offset}")
    if offset >= len(text):
        return -1
    return text.rfind(part, 0, offset + len(part))


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    if len(new) > len(old):
        times = text.count(old) if limit < 0 else min(text.count(old), limit)
        _must_fit(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, limit)


def _join(items: list[str], separator: str = "") -> str:
    _must_fit(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def _must_fit(size: int) -> None:
    if size > TEXT_MAX:
        raise CostExceeded


_LOWER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}
_UPPER = {c: c - 32 for c in range(ord("a"), ord("z") + 1)}


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if limit == 1:
        return [text]
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    if limit < 0 or limit > len(text):
        return list(text)
    return [*text[: limit - 1], text[limit - 1 :]]


def _substring(text: str, start: int) -> str:
    if not 0 <= start <= len(text):
        raise CelError(f"index out of range: {start}")
    return text[start:]


def _substring_to(text: str, start: int, end: int) -> str:
    if start > end:
        raise CelError(f"invalid substring range. start: {start}, end: {end}")
    for index in (start, end):
        if not 0 <= index <= len(text):
            raise CelError(f"index out of range: {index}")
    return text[start:end]


# Unicode's White_Space, which str.strip() exceeds by the separators U+001C ... U+001F.
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


_QUOTED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
_QUOTES = str.maketrans(_QUOTED)


def quote(text: str) -> str:
    return f'"{text.translate(_QUOTES)}"'


# -- format

_PRECISION = 6


def _format(template: str, args: list[Any]) -> str:
    """`%s` text, `%d` decimal, `%f` fixed, `%e` scientific, `%b` binary, `%o` octal, `%x` `%X` hexadecimal."""
    made: list[str] = []
    at = used = size = 0
    while at < len(template):
        start = template.find("%", at)
        if start < 0:
            made.append(template[at:])
            break
        made.append(template[at:start])
        if template.startswith("%%", start):
            made.append("%")
            at = start + 2
            continue
        precision, clause, at = _clause(template, start + 1)
        if used >= len(args):
            raise CelError(f"index {used} out of range")
        text = _render(clause, precision, args[used])
        size += len(text)
        _must_fit(size)
        made.append(text)
        used += 1
    return "".join(made)


def _clause(template: str, at: int) -> tuple[int, str, int]:
    """(precision, letter, where the text goes on)"""
    precision = _PRECISION
    if template.startswith(".", at):
        end = at + 1
        while end < len(template) and template[end].isascii() and template[end].isdigit():
            end += 1
        if end == at + 1 or int(template[at + 1 : end]) > 1000:
            raise CelError("could not parse formatting clause: error while parsing precision")
        precision = int(template[at + 1 : end])
        at = end
    if at >= len(template):
        raise CelError("unexpected end of string")
    letter = template[at]
    if letter not in _CLAUSES:
        raise CelError(f'could not parse formatting clause: unrecognized formatting clause "{letter}"')
    return precision, letter, at + 1


def _render(letter: str, precision: int, value: Any) -> str:
    text = _CLAUSES[letter](value, precision)
    if text is None:
        raise CelError(f"error during formatting: {_COMPLAINTS[letter]} {type_name(value)}")
    return text


def _is_integer(value: Any) -> bool:
    return type(value) in (int, Uint)


def _text(value: Any, _: int = 0) -> str | None:
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if _is_integer(value):
        return str(int(value))
    if kind is float:
        return general_text(value)
    if kind is bytes:
        return bytes(value).decode(errors="replace")
    if kind in (Timestamp, Duration):
        return str(value)
    if kind is TypeValue:
        return str(value.name)
    if kind is list:
        return f"[{', '.join(map(_member, value))}]"
    if isinstance(value, Mapping):
        pairs = sorted((_member(key), _member(item)) for key, item in value.items())
        return f"{{{', '.join(f'{key}:{item}' for key, item in pairs)}}}"
    return None


def _member(value: Any) -> str:
    """An element inside a list or map: texts quoted, doubles with six digits."""
    kind = type(value)
    if kind is str:
        return quote(value)
    if kind is bytes:
        return f"b{quote(bytes(value).decode(errors='replace'))}"
    if kind is Timestamp:
        return f'timestamp("{value}")'
    if kind is Duration:
        return f'duration("{value}")'
    if kind is float:
        special = math.isnan(value) or math.isinf(value)
        return quote(general_text(value)) if special else f"{value:.{_PRECISION}f}"
    text = _text(value)
    if text is None:
        raise CelError(f"error during formatting: no formatting function for {type_name(value)}")
    return text


def _decimal(value: Any, _: int) -> str | None:
    return str(int(value)) if _is_integer(value) else None


_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _float_format(letter: str) -> Callable[[Any, int], str | None]:
    def render(value: Any, precision: int) -> str | None:
        if type(value) is str and value in _SPECIAL:
            value = _SPECIAL[value]
        if type(value) is not float:
            return None
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "∞" if value > 0 else "-∞"
        if letter == "f":
            return f"{value:,.{precision}f}"
        # written as English prints it: 1.5×10⁰²
        mantissa, _, exponent = f"{value:.{precision}e}".partition("e")
        sign = "⁻" if exponent[0] == "-" else ""
        return f"{mantissa}×10{sign}{exponent[1:].translate(_SUPERSCRIPT)}"

    return render


_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _base(letter: str) -> Callable[[Any, int], str | None]:
    def render(value: Any, _: int) -> str | None:
        if _is_integer(value):
            return format(int(value), letter)
        if letter == "b" and type(value) is bool:
            return "1" if value else "0"
        if letter in "xX" and type(value) in (str, bytes):
            text = (value.encode() if type(value) is str else value).hex()
            return str(text.upper() if letter == "X" else text)
        return None

    return render


_CLAUSES: dict[str, Callable[[Any, int], str | None]] = {
    "s": _text,
    "d": _decimal,
    "f": _float_format("f"),
    "e": _float_format("e"),
    "b": _base("b"),
    "o": _base("o"),
    "x": _base("x"),
    "X": _base("X"),
}
_HEX = "only integers, byte buffers, and strings can be formatted as hex, was given"
_COMPLAINTS = {
    "s": "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, "
    "and timestamps, was given",
    "d": "decimal clause can only be used on integers, was given",
    "f": "fixed-point clause can only be used on doubles, was given",
    "e": "scientific clause can only be used on doubles, was given",
    "b": "only integers and bools can be formatted as binary, was given",
    "o": "octal clause can only be used on integers, was given",
    "x": _HEX,
    "X": _HEX,
}


def library() -> Library:
    lib = Library()
    d = lib.declare
    d("charAt", "string_char_at_int", "string.(int) string", _char_at)
    d("indexOf", "string_index_of_string", "string.(string) int", _index_of)
    d("indexOf", "string_index_of_string_int", "string.(string, int) int", _index_of)
    d("lastIndexOf", "string_last_index_of_string", "string.(string) int", _last_index_of)
    d("lastIndexOf", "string_last_index_of_string_int", "string.(string, int) int", _last_index_of_before)
    d("lowerAscii", "string_lower_ascii", "string.() string", lambda text: text.translate(_LOWER))
    d("upperAscii", "string_upper_ascii", "string.() string", lambda text: text.translate(_UPPER))
    d("replace", "string_replace_string_string", "string.(string, string) string", _replace)
    d("replace", "string_replace_string_string_int", "string.(string, string, int) string", _replace)
    d("split", "string_split_string", "string.(string) list(string)", _split)
    d("split", "string_split_string_int", "string.(string, int) list(string)", _split)
    d("substring", "string_substring_int", "string.(int) string", _substring)
    d("substring", "string_substring_int_int", "string.(int, int) string", _substring_to)
    d("trim", "string_trim", "string.() string", lambda text: text.strip(_SPACE))
    d("join", "list_join", "list(string).() string", _join)
    d("join", "list_join_string", "list(string).(string) string", _join)
    d("format", "string_format", "string.(list(dyn)) string", _format)
    d("strings.quote", "strings_quote", "(string) string", quote)
    return lib
