"""RE2's syntax, read into a tree of character sets, sequences, alternatives, repetitions and assertions.

Source: Go regexp/syntax/parse.go, perl_groups.go; texts of errors from regexp/syntax/parse.go ErrorCode.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from msgspec import Struct

_LAST = 0x10FFFF
_REPEAT_MAX = 1000
STATES_MAX = 20_000
_DEPTH_MAX = 200


Ranges = tuple[tuple[int, int], ...]


class PatternError(ValueError):
    """The pattern is not RE2's; the text is Go's."""

    def __init__(self, what: str, part: str) -> None:
        super().__init__(f"error parsing regexp: {what}: `{part}`")


class Chars(Struct, frozen=True):
    ranges: Ranges


class Sequence(Struct, frozen=True):
    parts: tuple[Tree, ...]


class Choice(Struct, frozen=True):
    options: tuple[Tree, ...]


class Repeat(Struct, frozen=True):
    """max None = without end."""

    body: Tree
    min: int
    max: int | None
    greedy: bool


class Assert(Struct, frozen=True):
    """kind: `\\A` text start, `\\z` text end, `^` `$` of a line, `\\b`, `\\B`."""

    kind: str


Tree = Chars | Sequence | Choice | Repeat | Assert

_DIGIT: Ranges = ((48, 57),)
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_ANY: Ranges = ((0, _LAST),)
_NOT_NEWLINE: Ranges = ((0, 9), (11, _LAST))
_POSIX: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": _DIGIT,
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_CLASSES: dict[str, Ranges] = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
_CONTROL = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_SCRIPTS: dict[str, Ranges] = {
    "Latin": (
        *((65, 90), (97, 122), (0xAA, 0xAA), (0xBA, 0xBA), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2B8)),
        (0x1E00, 0x1EFF),
    ),
    "Greek": (
        *((0x370, 0x373), (0x375, 0x377), (0x37A, 0x37D), (0x37F, 0x37F), (0x384, 0x384), (0x386, 0x386)),
        *((0x388, 0x3E1), (0x3F0, 0x3FF), (0x1F00, 0x1FFE)),
    ),
    "Cyrillic": ((0x400, 0x484), (0x487, 0x52F), (0x1C80, 0x1C88), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)),
    "Han": (
        *((0x2E80, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B)),
        *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAD9), (0x20000, 0x323AF)),
    ),
}


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    made: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if made and low <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], high))
        else:
            made.append((low, high))
    return tuple(made)


def _negated(ranges: Ranges) -> Ranges:
    made = []
    at = 0
    for low, high in ranges:
        if low > at:
            made.append((at, low - 1))
        at = high + 1
    if at <= _LAST:
        made.append((at, _LAST))
    return tuple(made)


def _folded(ranges: Ranges) -> Ranges:
    """With the other case of every letter; beyond Latin, Greek and Cyrillic only for single characters."""
    made = list(ranges)
    for low, high in ranges:
        for code in range(low, min(high, 0x52F) + 1 if high - low > 64 else high + 1):
            char = chr(code)
            made += [(ord(other), ord(other)) for other in (char.lower(), char.upper()) if len(other) == 1]
    return _merged(made)


def overlap(a: Ranges, b: Ranges) -> bool:
    return any(low <= other_high and other_low <= high for low, high in a for other_low, other_high in b)


@functools.lru_cache(64)
def _category(name: str) -> Ranges:
    """Walks all of Unicode: a quarter of a second, once per category that anybody uses."""
    if name == "Any":
        return _ANY
    if name in _SCRIPTS:
        return _SCRIPTS[name]
    made: list[tuple[int, int]] = []
    for code in range(_LAST + 1):
        if unicodedata.category(chr(code)).startswith(name):
            if made and made[-1][1] == code - 1:
                made[-1] = (made[-1][0], code)
            else:
                made.append((code, code))
    return tuple(made)


_CATEGORIES = frozenset(
    (
        *(
            "L",
            "Lu",
            "Ll",
            "Lt",
            "Lm",
            "Lo",
            "M",
            "Mn",
            "Mc",
            "Me",
            "N",
            "Nd",
            "Nl",
            "No",
            "P",
            "Pc",
            "Pd",
            "Ps",
        ),
        *(
            "Pe",
            "Pi",
            "Pf",
            "Po",
            "S",
            "Sm",
            "Sc",
            "Sk",
            "So",
            "Z",
            "Zs",
            "Zl",
            "Zp",
            "C",
            "Cc",
            "Cf",
            "Co",
            "Cs",
        ),
    )
)


class Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0
        # i: case-insensitive, m: multi-line, s: dot matches newline, U: ungreedy
        self.flags: frozenset[str] = frozenset()

    def whole(self) -> Tree:
        tree = self.choice()
        if self.at < len(self.pattern):
            raise PatternError("unexpected )", self.pattern)
        return tree

    def choice(self) -> Tree:
        options = [self.sequence()]
        while self.pattern.startswith("|", self.at):
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Tree:
        parts: list[Tree] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            part = self.atom()
            if part is not None:
                parts.append(self.repeated(part))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self, part: Tree) -> Tree:
        before = -1
        while True:
            start = self.at
            bounds = self.bounds()
            if bounds is None:
                return part
            if before >= 0:
                raise PatternError("invalid nested repetition operator", self.pattern[before : self.at])
            greedy = "U" not in self.flags
            if self.pattern.startswith("?", self.at):
                self.at += 1
                greedy = not greedy
            before = start
            part = Repeat(part, *bounds, greedy)
            if _repeats(part) > _REPEAT_MAX:
                raise PatternError("invalid repeat count", self.pattern[start : self.at])

    def bounds(self) -> tuple[int, int | None] | None:
        c = self.pattern[self.at : self.at + 1]
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if c in simple:
            self.at += 1
            return simple[c]
        m = _COUNTED.match(self.pattern, self.at) if c == "{" else None
        if m is None:
            return None
        low = int(m.group(1))
        high = low if m.group(2) is None else (int(m.group(3)) if m.group(3) else None)
        if low > _REPEAT_MAX or (high is not None and (high > _REPEAT_MAX or high < low)):
            raise PatternError("invalid repeat count", m.group())
        self.at = m.end()
        return low, high

    def atom(self) -> Tree | None:
        """None for what only changes the flags."""
        start = self.at
        c = self.pattern[start]
        self.at += 1
        if c == "(":
            return self.group(start)
        if c == "[":
            return self.bracket(start)
        if c == "\\":
            return self.escape(start)
        if c == ".":
            return Chars(_ANY if "s" in self.flags else _NOT_NEWLINE)
        if c == "^":
            return Assert("^" if "m" in self.flags else "\\A")
        if c == "$":
            return Assert("$" if "m" in self.flags else "\\z")
        if c in "*+?" or (c == "{" and _COUNTED.match(self.pattern, start)):
            self.at = start
            self.bounds()
            raise PatternError("missing argument to repetition operator", self.pattern[start : self.at])
        return self.literal(ord(c))

    def literal(self, code: int) -> Chars:
        ranges: Ranges = ((code, code),)
        return Chars(_folded(ranges) if "i" in self.flags else ranges)

    def group(self, start: int) -> Tree | None:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise PatternError("expression nests too deeply", self.pattern)
        outer = self.flags
        if self.pattern.startswith("?", self.at):
            m = _NAMED.match(self.pattern, self.at)
            if m is not None:
                self.at = m.end()
            elif self.flag_group(start):
                self.depth -= 1
                return None
        body = self.choice()
        if not self.pattern.startswith(")", self.at):
            raise PatternError("missing closing )", self.pattern)
        self.at += 1
        self.flags = outer
        self.depth -= 1
        return body

    def flag_group(self, start: int) -> bool:
        """`(?i)` changes the flags up to the end of the enclosing group (True), `(?i:` opens one with them."""
        m = _FLAGS.match(self.pattern, self.at)
        if m is None or (m.group(2) is not None and not m.group(2)[1:]):
            end = min(self.at + 2, len(self.pattern))
            raise PatternError("invalid or unsupported Perl syntax", self.pattern[start:end])
        self.at = m.end()
        self.flags = (self.flags | set(m.group(1))) - set((m.group(2) or "")[1:])
        return m.group(3) == ")"

    def escape(self, start: int) -> Tree:
        if self.at >= len(self.pattern):
            raise PatternError("trailing backslash at end of expression", "")
        c = self.pattern[self.at]
        if c in "AzbB":
            self.at += 1
            return Assert("\\" + c)
        if c == "Q":
            end = self.pattern.find("\\E", self.at)
            text = self.pattern[self.at + 1 : end if end >= 0 else None]
            self.at = end + 2 if end >= 0 else len(self.pattern)
            parts: list[Tree] = [self.literal(ord(one)) for one in text]
            if parts and self.pattern[self.at : self.at + 1] in ("*", "+", "?"):
                # a repetition after \\Q...\\E takes the last character only
                parts[-1:] = [self.repeated(parts[-1])]
            return Sequence(tuple(parts))
        found = self.class_escape()
        if found is not None:
            return Chars(found)
        return self.literal(self.character(start))

    def class_escape(self) -> Ranges | None:
        """The set of `\\d`, `\\PL`, `\\p{Greek}` at the letter; None if it is none."""
        c = self.pattern[self.at]
        if c.lower() in _CLASSES:
            self.at += 1
            ranges = _CLASSES[c.lower()]
            return _negated(ranges) if c.isupper() else ranges
        if c not in "pP":
            return None
        m = _PROPERTY.match(self.pattern, self.at)
        name = (m.group(2) or m.group(3)) if m else ""
        if m is None or name.lstrip("^") not in (_CATEGORIES | _SCRIPTS.keys() | {"Any"}):
            raise PatternError(
                "invalid character class range", self.pattern[self.at - 1 : m.end() if m else None]
            )
        self.at = m.end()
        ranges = _category(name.lstrip("^"))
        return _negated(ranges) if (c == "P") != name.startswith("^") else ranges

    def character(self, start: int) -> int:
        """The code point of an escape whose backslash is behind us."""
        m = _ESCAPED.match(self.pattern, self.at)
        if m is None:
            raise PatternError("invalid escape sequence", self.pattern[start : self.at + 1])
        self.at = m.end()
        text = m.group()
        if text[0] == "x":
            code = int(text[1:].strip("{}"), 16)
        elif text[0].isdigit():
            code = int(text, 8)
        else:
            code = _CONTROL.get(text, ord(text))
        if code > _LAST:
            raise PatternError("invalid escape sequence", self.pattern[start : self.at])
        return code

    def bracket(self, start: int) -> Chars:
        negate = self.pattern.startswith("^", self.at)
        self.at += negate
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self.pattern.startswith("]", self.at):
            if self.at >= len(self.pattern):
                raise PatternError("missing closing ]", self.pattern[start:])
            first = False
            found = self.bracket_class()
            if found is not None:
                ranges += found
                continue
            begin = self.at
            low = high = self.bracket_character(start)
            if self.pattern.startswith("-", self.at) and self.pattern[self.at + 1 : self.at + 2] not in (
                "]",
                "",
            ):
                self.at += 1
                high = self.bracket_character(start)
                if high < low:
                    raise PatternError("invalid character class range", self.pattern[begin : self.at])
            ranges.append((low, high))
        self.at += 1
        merged = _merged(ranges)
        if "i" in self.flags:
            merged = _folded(merged)
        return Chars(_negated(merged) if negate else merged)

    def bracket_class(self) -> Ranges | None:
        if self.pattern.startswith("[:", self.at):
            m = _POSIX_CLASS.match(self.pattern, self.at)
            if m is not None:
                if m.group(2) not in _POSIX:
                    raise PatternError("invalid character class range", m.group())
                self.at = m.end()
                ranges = _POSIX[m.group(2)]
                return _negated(ranges) if m.group(1) else ranges
        if self.pattern.startswith("\\", self.at) and self.at + 1 < len(self.pattern):
            self.at += 1
            found = self.class_escape()
            if found is not None:
                return found
            self.at -= 1
        return None

    def bracket_character(self, start: int) -> int:
        c = self.pattern[self.at : self.at + 1]
        if not c:
            raise PatternError("missing closing ]", self.pattern[start:])
        self.at += 1
        if c != "\\":
            return ord(c)
        if self.at >= len(self.pattern):
            raise PatternError("trailing backslash at end of expression", "")
        return self.character(self.at - 1)


_COUNTED = re.compile(r"\{(\d{1,5})(,(\d{1,5})?)?\}", re.ASCII)
_NAMED = re.compile(r"\?P?<[A-Za-z0-9_]+>")
_FLAGS = re.compile(r"\?([imsU]*)(-[imsU]*)?([:)])")
_PROPERTY = re.compile(r"([pP])(?:\{(\^?\w+)\}|(\w))")
_ESCAPED = re.compile(
    r"x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]+\}|0[0-7]{0,2}|[1-7][0-7]{1,2}|[afnrtv]|[!-/:-@\[-`{-~]", re.ASCII
)
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]")


def _repeats(node: Tree) -> int:
    """How often the innermost body is copied when counted repetitions are written out."""
    if isinstance(node, Repeat):
        times = node.max if node.max is not None else node.min
        return max(times, 1) * _repeats(node.body)
    return max(map(_repeats, children(node)), default=1)


def states_of(node: Tree) -> int:
    """How many states the automaton has."""
    below = sum(map(states_of, children(node)))
    if isinstance(node, Repeat):
        rounds = node.min + 1 if node.max is None else node.max
        return below * max(rounds, 1) + rounds
    return below + (not isinstance(node, Sequence))


def children(node: Tree) -> tuple[Tree, ...]:
    if isinstance(node, Sequence):
        return node.parts
    if isinstance(node, Choice):
        return node.options
    return (node.body,) if isinstance(node, Repeat) else ()
