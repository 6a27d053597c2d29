"""Functions: one declaration per overload, one module per library.

A declaration reads as in the language's own documentation: `declare("charAt", "string_char_at_int",
"string.(int) string", impl)`: the receiver before the dot, arguments, result. Single capital letters are type
parameters. `impl` takes the values in that order and raises CelError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kubepy.api.cel import types
from kubepy.api.cel.types import Type
from kubepy.api.cel.values import guard


class Overload:
    """One signature of a function. `id` is cel-go's, which the cost tables speak of."""

    __slots__ = ("function", "guards", "id", "impl", "member", "params", "result", "type_params")

    def __init__(
        self,
        function: str,
        id: str,
        params: tuple[Type, ...],
        result: Type,
        impl: Callable[..., Any],
        member: bool,
    ) -> None:
        self.function = function
        self.id = id
        self.params = params
        self.result = result
        self.impl = impl
        self.member = member
        self.guards = tuple(guard(p) for p in params)
        self.type_params = tuple(dict.fromkeys(name for t in (*params, result) for name in _params_in(t)))

    def accepts(self, args: list[Any]) -> bool:
        return all(test(arg) for test, arg in zip(self.guards, args))


def _params_in(of: Type) -> Iterable[str]:
    if of.kind == "param":
        yield of.name
    for inner in of.params:
        yield from _params_in(inner)


class Library:
    """Overloads by function name, and names of types that an expression may mention."""

    def __init__(self, opaque: Mapping[str, Type] | None = None) -> None:
        self.opaque: dict[str, Type] = dict(opaque or {})
        self.overloads: list[Overload] = []

    def declare(self, function: str, id: str, signature: str, impl: Callable[..., Any]) -> None:
        receiver, params, result = _parse(signature, self.opaque)
        member = receiver is not None
        all_params = (receiver, *params) if receiver is not None else params
        self.overloads.append(Overload(function, id, all_params, result, impl, member))


_SCALARS = {
    "int": types.INT,
    "uint": types.UINT,
    "double": types.DOUBLE,
    "string": types.STRING,
    "bytes": types.BYTES,
    "bool": types.BOOL,
    "null": types.NULL,
    "dyn": types.DYN,
    "timestamp": types.TIMESTAMP,
    "duration": types.DURATION,
}
_LEXEME = re.compile(r"[A-Za-z_][\w.]*[A-Za-z_\d]|[A-Za-z]|[(),.]")


def _parse(signature: str, opaque: Mapping[str, Type]) -> tuple[Type | None, tuple[Type, ...], Type]:
    lexemes = _LEXEME.findall(signature)
    at = 0

    def one() -> Type:
        nonlocal at
        name = lexemes[at]
        at += 1
        if name in ("list", "map", "optional", "type"):
            inner = many()
            if name == "list":
                return types.list_of(*inner)
            if name == "map":
                return types.map_of(*inner)
            return types.optional_of(*inner) if name == "optional" else types.type_of(*inner)
        if name in _SCALARS:
            return _SCALARS[name]
        return opaque[name] if name in opaque else types.param(name)

    def many() -> tuple[Type, ...]:
        nonlocal at
        assert lexemes[at] == "(", signature
        at += 1
        found: list[Type] = []
        while lexemes[at] != ")":
            if lexemes[at] == ",":
                at += 1
            found.append(one())
        at += 1
        return tuple(found)

    receiver = None
    if lexemes[at] != "(":
        receiver = one()
        assert lexemes[at] == ".", signature
        at += 1
    params = many()
    return receiver, params, one()
