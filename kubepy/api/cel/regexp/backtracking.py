"""How Python's backtracking `re` would do on a pattern, and the pattern in its syntax.

A Shape is `explosive` when a repetition's body can match one text in several ways; else backtracking takes time n^d for
its degree d.
"""

from __future__ import annotations

import re

from msgspec import Struct

from kubepy.api.cel.regexp.syntax import (
    Assert,
    Chars,
    Choice,
    Ranges,
    Repeat,
    Sequence,
    Tree,
    children,
    overlap,
)

# A bounded repetition of this many rounds counts as one without end.
_MANY = 10


class Shape(Struct):
    """nullable: matches the empty text. first, all: sets of characters it can begin with, that occur in it."""

    nullable: bool
    first: list[tuple[int, int]]
    all: list[tuple[int, int]]
    degree: int = 0
    explosive: bool = False


def shape_of(node: Tree) -> Shape:
    if isinstance(node, Chars):
        return Shape(False, list(node.ranges), list(node.ranges))
    if isinstance(node, Assert):
        return Shape(True, [], [])
    if isinstance(node, Choice):
        return _choice_shape([shape_of(option) for option in node.options])
    if isinstance(node, Repeat):
        return _repeat_shape(node)
    made = Shape(True, [], [])
    for part in map(shape_of, node.parts):
        if made.nullable:
            made.first += part.first
        made.nullable = made.nullable and part.nullable
        made.all += part.all
        made.degree += part.degree
        made.explosive = made.explosive or part.explosive
    return made


def _choice_shape(options: list[Shape]) -> Shape:
    return Shape(
        any(o.nullable for o in options),
        [r for o in options for r in o.first],
        [r for o in options for r in o.all],
        max((o.degree for o in options), default=0),
        any(o.explosive for o in options),
    )


def _repeat_shape(node: Repeat) -> Shape:
    body = shape_of(node.body)
    many = node.max is None or node.max >= _MANY
    made = Shape(node.min == 0 or body.nullable, body.first, body.all, body.degree, body.explosive)
    if not many:
        if node.max is not None and node.max > 1:
            made.degree *= node.max
        return made
    made.degree += 1
    if not isinstance(node.body, Chars) and (body.nullable or not _unambiguous(node.body, body)):
        made.explosive = True
    return made


def _unambiguous(node: Tree, shape: Shape) -> bool:
    """Whether rounds of a repetition can be told apart: the body begins or ends with a character it has nowhere else,
    or has neither choices that begin alike nor repetitions inside."""
    if isinstance(node, Sequence) and node.parts:
        for parts in (node.parts, node.parts[::-1]):
            rest = shape_of(Sequence(parts[1:]))
            if isinstance(parts[0], Chars) and not overlap(parts[0].ranges, tuple(rest.all)):
                return True
    return shape.degree == 0 and not _has_open_choice(node)


def _has_open_choice(node: Tree) -> bool:
    if isinstance(node, Repeat) and node.min != node.max:
        return True
    if isinstance(node, Choice):
        shapes = [shape_of(option) for option in node.options]
        for index, shape in enumerate(shapes):
            if shape.nullable or any(overlap(tuple(shape.first), tuple(o.first)) for o in shapes[:index]):
                return True
    return any(map(_has_open_choice, children(node)))


def is_anchored(node: Tree) -> bool:
    if isinstance(node, Sequence):
        return bool(node.parts) and is_anchored(node.parts[0])
    if isinstance(node, Choice):
        return all(map(is_anchored, node.options))
    return isinstance(node, Assert) and node.kind == "\\A"


def python_source(node: Tree) -> str:
    if isinstance(node, Chars):
        return _python_class(node.ranges)
    if isinstance(node, Assert):
        return {"\\A": r"\A", "\\z": r"\Z", "^": "(?m:^)", "$": "(?m:$)", "\\b": r"\b", "\\B": r"(?!\b)"}[
            node.kind
        ]
    if isinstance(node, Choice):
        return f"(?:{'|'.join(map(python_source, node.options))})"
    if isinstance(node, Sequence):
        return "".join(map(python_source, node.parts))
    high = "" if node.max is None else node.max
    return f"(?:{python_source(node.body)}){{{node.min},{high}}}{'' if node.greedy else '?'}"


def _python_class(ranges: Ranges) -> str:
    if not ranges:
        return "(?!)"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return re.escape(chr(ranges[0][0]))
    return f"[{''.join(f'{_code(low)}-{_code(high)}' for low, high in ranges)}]"


def _code(code: int) -> str:
    return f"\\U{code:08x}"
