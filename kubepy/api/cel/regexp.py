"""The engine under `patterns`: parse RE2's syntax, then Python's `re` where that is safe, else an automaton.

A parsed pattern is a tree of character sets, sequences, alternatives, repetitions and assertions. `_Shape` tells how
backtracking would do: `explosive` when a repetition's body can match one text in several ways, else a degree d for
time n^d. `re` runs what stays below a fixed number of steps; the rest runs on a lazily built DFA (search) or on a
simulation with priorities (find), both linear in the text.

Source: Go regexp/syntax/parse.go; Russ Cox, "Regular Expression Matching: the Virtual Machine Approach".
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_LAST = 0x10FFFF
_REPEAT_MAX = 1000
_STATES_MAX = 20_000
_DEPTH_MAX = 200
# Backtracking steps that `re` is trusted with: some 10 ms.
_STEPS_MAX = 500_000
# Cached DFA transitions of one pattern, each some 200 bytes.
_TRANSITIONS_MAX = 5_000

Ranges = tuple[tuple[int, int], ...]
_Span = tuple[int, int]


class PatternError(ValueError):
    """The pattern is not RE2's; the text is Go's."""

    def __init__(self, what: str, part: str) -> None:
        super().__init__(f"error parsing regexp: {what}: `{part}`")


# --------------------------------------------------------------------------------------------------------------
# Tree


@dataclass(frozen=True, slots=True)
class Chars:
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """max None = without end."""

    body: Any
    min: int
    max: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Assert:
    """kind: `\\A` text start, `\\z` text end, `^` `$` of a line, `\\b`, `\\B`."""

    kind: str


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


def _overlap(a: Ranges, b: Ranges) -> bool:
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

# --------------------------------------------------------------------------------------------------------------
# Parser


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0
        # i: case-insensitive, m: multi-line, s: dot matches newline, U: ungreedy
        self.flags: frozenset[str] = frozenset()

    def whole(self) -> Any:
        tree = self.choice()
        if self.at < len(self.pattern):
            raise PatternError("unexpected )", self.pattern)
        return tree

    def choice(self) -> Any:
        options = [self.sequence()]
        while self.pattern.startswith("|", self.at):
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Any:
        parts: list[Any] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            part = self.atom()
            if part is not None:
                parts.append(self.repeated(part))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self, part: Any) -> Any:
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

    def atom(self) -> Any:
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

    def group(self, start: int) -> Any:
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

    def escape(self, start: int) -> Any:
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
            parts = [self.literal(ord(one)) for one in text]
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


def _repeats(node: Any) -> int:
    """How often the innermost body is copied when counted repetitions are written out."""
    if isinstance(node, Repeat):
        times = node.max if node.max is not None else node.min
        return max(times, 1) * _repeats(node.body)
    return max(map(_repeats, _children(node)), default=1)


def _states(node: Any) -> int:
    """How many states the automaton has."""
    below = sum(map(_states, _children(node)))
    if isinstance(node, Repeat):
        rounds = node.min + 1 if node.max is None else node.max
        return below * max(rounds, 1) + rounds
    return below + (not isinstance(node, Sequence))


def _children(node: Any) -> tuple[Any, ...]:
    if isinstance(node, Sequence):
        return node.parts
    if isinstance(node, Choice):
        return node.options
    return (node.body,) if isinstance(node, Repeat) else ()


# --------------------------------------------------------------------------------------------------------------
# What backtracking would do


# A bounded repetition of this many rounds counts as one without end.
_MANY = 10


@dataclass(slots=True)
class _Shape:
    """nullable: matches the empty text. first, all: sets of characters it can begin with, that occur in it."""

    nullable: bool
    first: list[tuple[int, int]]
    all: list[tuple[int, int]]
    degree: int = 0
    explosive: bool = False


def _shape(node: Any) -> _Shape:
    if isinstance(node, Chars):
        return _Shape(False, list(node.ranges), list(node.ranges))
    if isinstance(node, Assert):
        return _Shape(True, [], [])
    if isinstance(node, Choice):
        return _choice_shape([_shape(option) for option in node.options])
    if isinstance(node, Repeat):
        return _repeat_shape(node)
    made = _Shape(True, [], [])
    for part in map(_shape, node.parts):
        if made.nullable:
            made.first += part.first
        made.nullable = made.nullable and part.nullable
        made.all += part.all
        made.degree += part.degree
        made.explosive = made.explosive or part.explosive
    return made


def _choice_shape(options: list[_Shape]) -> _Shape:
    return _Shape(
        any(o.nullable for o in options),
        [r for o in options for r in o.first],
        [r for o in options for r in o.all],
        max((o.degree for o in options), default=0),
        any(o.explosive for o in options),
    )


def _repeat_shape(node: Repeat) -> _Shape:
    body = _shape(node.body)
    many = node.max is None or node.max >= _MANY
    made = _Shape(node.min == 0 or body.nullable, body.first, body.all, body.degree, body.explosive)
    if not many:
        if node.max is not None and node.max > 1:
            made.degree *= node.max
        return made
    made.degree += 1
    if not isinstance(node.body, Chars) and (body.nullable or not _unambiguous(node.body, body)):
        made.explosive = True
    return made


def _unambiguous(node: Any, shape: _Shape) -> bool:
    """Whether rounds of a repetition can be told apart: the body begins or ends with a character it has nowhere else,
    or has neither choices that begin alike nor repetitions inside."""
    if isinstance(node, Sequence) and node.parts:
        for parts in (node.parts, node.parts[::-1]):
            rest = _shape(Sequence(parts[1:]))
            if isinstance(parts[0], Chars) and not _overlap(parts[0].ranges, tuple(rest.all)):
                return True
    return shape.degree == 0 and not _has_open_choice(node)


def _has_open_choice(node: Any) -> bool:
    if isinstance(node, Repeat) and node.min != node.max:
        return True
    if isinstance(node, Choice):
        shapes = [_shape(option) for option in node.options]
        for index, shape in enumerate(shapes):
            if shape.nullable or any(_overlap(tuple(shape.first), tuple(o.first)) for o in shapes[:index]):
                return True
    return any(map(_has_open_choice, _children(node)))


def _is_anchored(node: Any) -> bool:
    if isinstance(node, Sequence):
        return bool(node.parts) and _is_anchored(node.parts[0])
    if isinstance(node, Choice):
        return all(map(_is_anchored, node.options))
    return isinstance(node, Assert) and node.kind == "\\A"


# --------------------------------------------------------------------------------------------------------------
# As Python's re


def _python(node: Any) -> str:
    if isinstance(node, Chars):
        return _python_class(node.ranges)
    if isinstance(node, Assert):
        return {"\\A": r"\A", "\\z": r"\Z", "^": "(?m:^)", "$": "(?m:$)", "\\b": r"\b", "\\B": r"(?!\b)"}[
            node.kind
        ]
    if isinstance(node, Choice):
        return f"(?:{'|'.join(map(_python, node.options))})"
    if isinstance(node, Sequence):
        return "".join(map(_python, node.parts))
    high = "" if node.max is None else node.max
    return f"(?:{_python(node.body)}){{{node.min},{high}}}{'' if node.greedy else '?'}"


def _python_class(ranges: Ranges) -> str:
    if not ranges:
        return "(?!)"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return re.escape(chr(ranges[0][0]))
    return f"[{''.join(f'{_code(low)}-{_code(high)}' for low, high in ranges)}]"


def _code(code: int) -> str:
    return f"\\U{code:08x}"


# --------------------------------------------------------------------------------------------------------------
# As an automaton


@dataclass(slots=True)
class _Node:
    """One state: reads a character of `ranges`, or (ranges None) goes on to `out` freely if `assertion` holds."""

    ranges: Ranges | None = None
    assertion: str = ""
    out: list[int] = field(default_factory=list)


class _Automaton:
    """Thompson's construction; state 0 is the match. Earlier ways out are preferred."""

    def __init__(self, tree: Any) -> None:
        self.nodes: list[_Node] = [_Node()]
        self.start = self._build(tree, 0)

    def _new(self, node: _Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _build(self, node: Any, then: int) -> int:
        if isinstance(node, Chars):
            return self._new(_Node(ranges=node.ranges, out=[then]))
        if isinstance(node, Assert):
            return self._new(_Node(assertion=node.kind, out=[then]))
        if isinstance(node, Sequence):
            for part in reversed(node.parts):
                then = self._build(part, then)
            return then
        if isinstance(node, Choice):
            return self._new(_Node(out=[self._build(option, then) for option in node.options]))
        return self._repeat(node, then)

    def _repeat(self, node: Repeat, then: int) -> int:
        if node.max is None:
            loop = self._new(_Node())
            body = self._build(node.body, loop)
            self.nodes[loop].out = [body, then] if node.greedy else [then, body]
            then = loop
        else:
            end = then
            for _ in range(node.max - node.min):
                body = self._build(node.body, then)
                then = self._new(_Node(out=[body, end] if node.greedy else [end, body]))
        for _ in range(node.min):
            then = self._build(node.body, then)
        return then

    def closure(self, states: list[int], before: str, after: str) -> list[int]:
        """The reading states (and 0) reachable freely between two characters ("" = the text's end), best first."""
        seen: set[int] = set()
        found: list[int] = []
        stack = states[::-1]
        while stack:
            state = stack.pop()
            if state in seen:
                continue
            seen.add(state)
            node = self.nodes[state]
            if state == 0 or node.ranges is not None:
                found.append(state)
            elif not node.assertion or _holds(node.assertion, before, after):
                stack.extend(reversed(node.out))
        return found

    def reads(self, state: int, code: int) -> bool:
        ranges = self.nodes[state].ranges
        return ranges is not None and any(low <= code <= high for low, high in ranges)


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _holds(kind: str, before: str, after: str) -> bool:
    if kind == "\\A":
        return not before
    if kind == "\\z":
        return not after
    if kind == "^":
        return before in ("", "\n")
    if kind == "$":
        return after in ("", "\n")
    return (_is_word(before) != _is_word(after)) == (kind == "\\b")


def _context(char: str) -> str:
    """One character that stands for all that assertions treat alike."""
    if char in ("", "\n"):
        return char
    return "a" if _is_word(char) else "-"


class Pattern:
    """A parsed pattern, ready to run."""

    def __init__(self, tree: Any) -> None:
        shape = _shape(tree)
        self._explosive = shape.explosive
        self._degree = max(1, shape.degree + (not _is_anchored(tree)))
        self._tree = tree
        self._re = None if shape.explosive else re.compile(_python(tree), re.ASCII)
        self._chars_max = int(_STEPS_MAX ** (1 / self._degree))
        self._states: dict[tuple[tuple[int, ...], str], dict[str, Any]] = {}
        self._transitions = 0

    @functools.cached_property
    def _automaton(self) -> _Automaton:
        # most patterns never need one
        return _Automaton(self._tree)

    def search(self, text: str) -> bool:
        if self._re is not None and len(text) <= self._chars_max:
            return self._re.search(text) is not None
        return self._run(text)

    def find_all(self, text: str) -> Iterator[str]:
        if self._re is not None and len(text) <= self._chars_max:
            spans = self._spans(text, self._leftmost_by_re)
        else:
            spans = self._spans(text, self._leftmost)
        end_before = -1
        for start, end in spans:
            # Go drops an empty match that touches the match before it.
            if start == end == end_before:
                continue
            end_before = end
            yield text[start:end]

    def _run(self, text: str) -> bool:
        """A DFA made while it runs: (states, character before) -> by next character (matched?, states)."""
        key: tuple[tuple[int, ...], str] = ((self._automaton.start,), "")
        for char in text:
            table = self._states.get(key)
            if table is None:
                table = self._states[key] = {}
            step = table.get(char)
            if step is None:
                step = table[char] = self._step(key, char)
            if step[0]:
                return True
            key = step[1]
        return 0 in self._automaton.closure(list(key[0]), key[1], "")

    def _step(self, key: tuple[tuple[int, ...], str], char: str) -> tuple[bool, Any]:
        self._transitions += 1
        if self._transitions > _TRANSITIONS_MAX:
            self._states = {}
            self._transitions = 0
        states = self._automaton.closure(list(key[0]), key[1], char)
        if 0 in states:
            return True, None
        code = ord(char)
        following = {self._automaton.nodes[s].out[0] for s in states if self._automaton.reads(s, code)}
        following.add(self._automaton.start)
        return False, (tuple(sorted(following)), _context(char))

    def _spans(self, text: str, leftmost: Callable[[str, int], _Span | None]) -> Iterator[_Span]:
        at = 0
        while at <= len(text):
            span = leftmost(text, at)
            if span is None:
                return
            yield span
            at = span[1] if span[1] > span[0] else span[1] + 1

    def _leftmost_by_re(self, text: str, at: int) -> _Span | None:
        assert self._re is not None
        found = self._re.search(text, at)
        return None if found is None else found.span()

    def _leftmost(self, text: str, at: int) -> _Span | None:
        """The match that backtracking would find first: threads in order of preference, cut at a match."""
        automaton = self._automaton
        threads: list[tuple[int, int]] = []
        best: _Span | None = None
        while True:
            if best is None:
                threads.append((automaton.start, at))
            elif not threads:
                return best
            before = text[at - 1] if at else ""
            after = text[at] if at < len(text) else ""
            threads, best = self._advance(threads, before, after, at, best)
            if not after:
                return best
            at += 1

    def _advance(
        self, threads: list[tuple[int, int]], before: str, after: str, at: int, best: _Span | None
    ) -> tuple[list[tuple[int, int]], _Span | None]:
        automaton = self._automaton
        code = ord(after) if after else -1
        following: list[tuple[int, int]] = []
        seen: set[int] = set()
        for state, start in threads:
            for reached in automaton.closure([state], before, after):
                if reached in seen:
                    continue
                seen.add(reached)
                if reached == 0:
                    return following, (start, at)
                if after and automaton.reads(reached, code):
                    following.append((automaton.nodes[reached].out[0], start))
        return following, best


def parse(pattern: str) -> Pattern:
    """Raises PatternError."""
    try:
        tree = _Parser(pattern).whole()
        if _states(tree) > _STATES_MAX:
            raise PatternError("expression too large", pattern)
        return Pattern(tree)
    except RecursionError:
        raise PatternError("expression nests too deeply", pattern)
