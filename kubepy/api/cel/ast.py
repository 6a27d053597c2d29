"""The syntax tree: what the parser makes, the checker annotates, the estimator and the compiler read.

`offset` is where cel-go would place an error (the operator of a call, the dot of a selection), counted in code
points. `type` and `overloads` are filled in by the checker. Macros are already expanded; a Comprehension
remembers in `macro` which one it came from, so that the compiler can use a plain loop.
"""

from __future__ import annotations

from typing import Any

from kubepy.api.cel.types import ERROR, Type


class Expr:
    """Base of all nodes."""

    __slots__ = ("offset", "type")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.type: Type = ERROR


class Literal(Expr):
    __slots__ = ("value",)

    def __init__(self, offset: int, value: Any) -> None:
        super().__init__(offset)
        self.value = value


class Ident(Expr):
    """A variable, or a type when the checker set `constant`."""

    __slots__ = ("constant", "name", "slot")

    def __init__(self, offset: int, name: str) -> None:
        super().__init__(offset)
        self.name = name
        self.constant: Any = None
        self.slot = -1


class Select(Expr):
    """`operand.field`; with test_only, `has(operand.field)`. The checker may turn `a.b` into one Ident: `ident`."""

    __slots__ = ("field", "ident", "operand", "test_only")

    def __init__(self, offset: int, operand: Expr, field: str, test_only: bool = False) -> None:
        super().__init__(offset)
        self.operand = operand
        self.field = field
        self.test_only = test_only
        self.ident: Ident | None = None


class Call(Expr):
    """`function(args)` or `target.function(args)`. The checker folds a namespace into `function`."""

    __slots__ = ("args", "function", "overloads", "target")

    def __init__(self, offset: int, function: str, args: list[Expr], target: Expr | None = None) -> None:
        super().__init__(offset)
        self.function = function
        self.args = args
        self.target = target
        self.overloads: list[Any] = []


class ListExpr(Expr):
    __slots__ = ("elements", "optional")

    def __init__(self, offset: int, elements: list[Expr], optional: frozenset[int] = frozenset()) -> None:
        super().__init__(offset)
        self.elements = elements
        self.optional = optional


class Entry:
    """One `key: value` of a map literal, or (key a str) one field of an object literal."""

    __slots__ = ("key", "offset", "optional", "value")

    def __init__(self, offset: int, key: Any, value: Expr, optional: bool) -> None:
        self.offset = offset
        self.key = key
        self.value = value
        self.optional = optional


class MapExpr(Expr):
    __slots__ = ("entries",)

    def __init__(self, offset: int, entries: list[Entry]) -> None:
        super().__init__(offset)
        self.entries = entries


class Struct(Expr):
    __slots__ = ("entries", "name")

    def __init__(self, offset: int, name: str, entries: list[Entry]) -> None:
        super().__init__(offset)
        self.name = name
        self.entries = entries


class Comprehension(Expr):
    """A fold: accu = init; for var (, var2) in range while condition: accu = step; result."""

    __slots__ = ("accu", "condition", "init", "macro", "parts", "range", "result", "step", "var", "var2")

    def __init__(
        self,
        offset: int,
        *,
        macro: str,
        range: Expr,
        var: str,
        var2: str = "",
        accu: str = "@result",
        init: Expr,
        condition: Expr,
        step: Expr,
        result: Expr,
        parts: tuple[Expr | None, Expr],
    ) -> None:
        super().__init__(offset)
        self.macro = macro
        self.range = range
        self.var = var
        self.var2 = var2
        self.accu = accu
        self.init = init
        self.condition = condition
        self.step = step
        self.result = result
        # (filter, what each round computes): the operands as the author wrote them
        self.parts = parts


def children(node: Expr) -> list[Expr]:
    """The nodes below this one as the author wrote them: of a macro its range and operands, not its expansion."""
    if isinstance(node, Select):
        return [node.operand]
    if isinstance(node, Call):
        return [node.target, *node.args] if node.target is not None else list(node.args)
    if isinstance(node, ListExpr):
        return list(node.elements)
    if isinstance(node, MapExpr):
        return [part for entry in node.entries for part in (entry.key, entry.value)]
    if isinstance(node, Struct):
        return [entry.value for entry in node.entries]
    if isinstance(node, Comprehension):
        return [
            node.init if node.macro == "bind" else node.range,
            *(part for part in node.parts if part is not None),
        ]
    return []
