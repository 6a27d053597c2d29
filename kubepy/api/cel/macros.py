"""Macros: calls that become presence tests and folds while parsing.

The expansions are cel-go's, node for node, because the cost of a rule is counted on the expanded tree; each fold
also says which macro it is, so that the compiler can run it as a plain loop.

Source: cel-go parser/macro.go, ext/comprehensions.go (two variables), cel/library.go (optMap, optFlatMap).
"""

from __future__ import annotations

from collections.abc import Callable

from kubepy.api.cel.ast import Call, Comprehension, Expr, Ident, ListExpr, Literal, MapExpr, Select

ACCU = "@result"
_ACCU_OLD = "__result__"
# the loop variable of a binding, which loops over nothing
UNUSED = "#unused"

Macro = Callable[[int, "Expr | None", list[Expr]], Expr]


class Misuse(Exception):
    """A macro was called with arguments it cannot use."""

    def __init__(self, offset: int, text: str) -> None:
        super().__init__(text)
        self.offset = offset
        self.text = text


def _has(offset: int, target: Expr | None, args: list[Expr]) -> Expr:
    selected = args[0]
    if not isinstance(selected, Select):
        raise Misuse(selected.offset, "invalid argument to has() macro")
    return Select(offset, selected.operand, selected.field, test_only=True)


def _variable(arg: Expr, text: str) -> str:
    if not isinstance(arg, Ident):
        raise Misuse(arg.offset, text)
    if arg.name in (ACCU, _ACCU_OLD):
        raise Misuse(arg.offset, "iteration variable overwrites accumulator variable")
    return arg.name


def _variables(args: list[Expr], two: bool, text: str) -> tuple[str, str, list[Expr]]:
    if not two:
        return _variable(args[0], text), "", args[1:]
    names = []
    for arg in args[:2]:
        if not isinstance(arg, Ident):
            raise Misuse(arg.offset, text)
        names.append(arg.name)
    if names[0] == names[1]:
        raise Misuse(args[1].offset, f"duplicate variable name: {names[0]}")
    return _variable(args[0], text), _variable(args[1], text), args[2:]


_SIMPLE_NAME = "argument must be a simple name"


def _all(two: bool) -> Macro:
    def expand(at: int, target: Expr | None, args: list[Expr]) -> Expr:
        var, var2, rest = _variables(args, two, _SIMPLE_NAME)
        return _fold(
            at,
            "all",
            target,
            var,
            var2,
            init=Literal(at, True),
            condition=Call(at, "@not_strictly_false", [Ident(at, ACCU)]),
            step=Call(at, "_&&_", [Ident(at, ACCU), rest[0]]),
            parts=(None, rest[0]),
        )

    return expand


def _exists(two: bool) -> Macro:
    def expand(at: int, target: Expr | None, args: list[Expr]) -> Expr:
        var, var2, rest = _variables(args, two, _SIMPLE_NAME)
        return _fold(
            at,
            "exists",
            target,
            var,
            var2,
            init=Literal(at, False),
            condition=Call(at, "@not_strictly_false", [Call(at, "!_", [Ident(at, ACCU)])]),
            step=Call(at, "_||_", [Ident(at, ACCU), rest[0]]),
            parts=(None, rest[0]),
        )

    return expand


def _exists_one(two: bool) -> Macro:
    def expand(at: int, target: Expr | None, args: list[Expr]) -> Expr:
        var, var2, rest = _variables(args, two, _SIMPLE_NAME)
        more = Call(at, "_+_", [Ident(at, ACCU), Literal(at, 1)])
        return _fold(
            at,
            "exists_one",
            target,
            var,
            var2,
            init=Literal(at, 0),
            condition=Literal(at, True),
            step=Call(at, "_?_:_", [rest[0], more, Ident(at, ACCU)]),
            result=Call(at, "_==_", [Ident(at, ACCU), Literal(at, 1)]),
            parts=(None, rest[0]),
        )

    return expand


def _map(two: bool) -> Macro:
    text = _SIMPLE_NAME if two else "argument is not an identifier"

    def expand(at: int, target: Expr | None, args: list[Expr]) -> Expr:
        var, var2, rest = _variables(args, two, text)
        step: Expr = Call(at, "_+_", [Ident(at, ACCU), ListExpr(at, [rest[-1]])])
        keep = rest[0] if len(rest) == 2 else None
        if keep is not None:
            step = Call(at, "_?_:_", [keep, step, Ident(at, ACCU)])
        return _fold(
            at,
            "map",
            target,
            var,
            var2,
            init=ListExpr(at, []),
            condition=Literal(at, True),
            step=step,
            parts=(keep, rest[-1]),
        )

    return expand


def _filter(at: int, target: Expr | None, args: list[Expr]) -> Expr:
    var = _variable(args[0], "argument is not an identifier")
    item = args[0]
    step = Call(at, "_+_", [Ident(at, ACCU), ListExpr(at, [item])])
    return _fold(
        at,
        "map",
        target,
        var,
        "",
        init=ListExpr(at, []),
        condition=Literal(at, True),
        step=Call(at, "_?_:_", [args[1], step, Ident(at, ACCU)]),
        parts=(args[1], item),
    )


def _transform_map(entry: bool) -> Macro:
    def expand(at: int, target: Expr | None, args: list[Expr]) -> Expr:
        var, var2, rest = _variables(args, True, _SIMPLE_NAME)
        inserted = [rest[-1]] if entry else [Ident(at, var), rest[-1]]
        step: Expr = Call(at, "cel.@mapInsert", [Ident(at, ACCU), *inserted])
        keep = rest[0] if len(rest) == 2 else None
        if keep is not None:
            step = Call(at, "_?_:_", [keep, step, Ident(at, ACCU)])
        return _fold(
            at,
            "map_entries" if entry else "map_values",
            target,
            var,
            var2,
            init=MapExpr(at, []),
            condition=Literal(at, True),
            step=step,
            parts=(keep, rest[-1]),
        )

    return expand


def _opt_map(name: str) -> Macro:
    def expand(at: int, target: Expr | None, args: list[Expr]) -> Expr:
        assert target is not None
        if not isinstance(args[0], Ident):
            raise Misuse(args[0].offset, f"{name}() variable name must be a simple identifier")
        bound: Expr = Comprehension(
            at,
            macro="bind",
            range=ListExpr(at, []),
            var=UNUSED,
            accu=args[0].name,
            init=Call(at, "value", [], target),
            condition=Literal(at, False),
            step=Ident(at, args[0].name),
            result=args[1],
            parts=(None, args[1]),
        )
        if name == "optMap":
            bound = Call(at, "optional.of", [bound])
        return Call(at, "_?_:_", [Call(at, "hasValue", [], target), bound, Call(at, "optional.none", [])])

    return expand


_SORT_INPUT = "@__sortBy_input__"


def _sort_by(at: int, target: Expr | None, args: list[Expr]) -> Expr:
    assert target is not None
    if isinstance(target, Literal | MapExpr):
        text = "sortBy can only be applied to a list, identifier, comprehension, call or select expression"
        raise Misuse(target.offset, text)
    keys = _map(False)(at, Ident(at, _SORT_INPUT), args)
    return Comprehension(
        at,
        macro="bind",
        range=ListExpr(at, []),
        var=UNUSED,
        accu=_SORT_INPUT,
        init=target,
        condition=Literal(at, False),
        step=Ident(at, _SORT_INPUT),
        result=Call(at, "@sortByAssociatedKeys", [keys], Ident(at, _SORT_INPUT)),
        parts=(None, keys),
    )


def _fold(
    at: int,
    macro: str,
    target: Expr | None,
    var: str,
    var2: str,
    *,
    init: Expr,
    condition: Expr,
    step: Expr,
    result: Expr | None = None,
    parts: tuple[Expr | None, Expr],
) -> Expr:
    assert target is not None
    return Comprehension(
        at,
        macro=macro,
        range=target,
        var=var,
        var2=var2,
        init=init,
        condition=condition,
        step=step,
        result=result if result is not None else Ident(at, ACCU),
        parts=parts,
    )


# (name, number of arguments, called on a target) -> expansion
MACROS: dict[tuple[str, int, bool], Macro] = {
    ("has", 1, False): _has,
    ("all", 2, True): _all(False),
    ("all", 3, True): _all(True),
    ("exists", 2, True): _exists(False),
    ("exists", 3, True): _exists(True),
    ("exists_one", 2, True): _exists_one(False),
    ("exists_one", 3, True): _exists_one(True),
    ("existsOne", 2, True): _exists_one(False),
    ("existsOne", 3, True): _exists_one(True),
    ("map", 2, True): _map(False),
    ("map", 3, True): _map(False),
    ("filter", 2, True): _filter,
    ("transformList", 3, True): _map(True),
    ("transformList", 4, True): _map(True),
    ("transformMap", 3, True): _transform_map(False),
    ("transformMap", 4, True): _transform_map(False),
    ("transformMapEntry", 3, True): _transform_map(True),
    ("transformMapEntry", 4, True): _transform_map(True),
    ("sortBy", 2, True): _sort_by,
    ("optMap", 2, True): _opt_map("optMap"),
    ("optFlatMap", 2, True): _opt_map("optFlatMap"),
}
