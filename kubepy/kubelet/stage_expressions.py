"""CEL in Stage documents: conditions of selectors, and where a delay or a weight is read from.

`self` is the object, as JSON. An expression that fails on an object (a field it reads is not there) does not match it,
and leads to no value. kwok's own functions (Now, Rand, SinceSecond ...) are not there; Kubernetes' libraries are.

Differs: to kwok Pods and Nodes are Go structs, whose absent fields read as zero; has() says the same of both.

Source: kwok pkg/utils/lifecycle/{lifecycle,value_duration_from,value_int_from}.go, pkg/utils/cel/environment.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubepy.api import cel
from kubepy.api.objects import Obj

_NS = 1e9


def condition(text: str) -> Callable[[Obj], bool]:
    """Raises ValueError when it does not compile."""
    value_of = _compiled(text)
    return lambda view: value_of(view) is True


def duration(text: str) -> Callable[[Obj], list[Any]]:
    """At most one value, as stages.Delay reads them: seconds, or text like 5s. A bare number is nanoseconds."""
    value_of = _compiled(text)

    def found(view: Obj) -> list[Any]:
        match value_of(view):
            case cel.Duration(ns=ns):
                return [ns / _NS]
            case str() as text:
                return [text]
            case int() | float() as ns:
                return [ns / _NS]
        return []

    return found


def weight(text: str) -> Callable[[Obj], list[Any]]:
    """At most one number."""
    value_of = _compiled(text)

    def found(view: Obj) -> list[Any]:
        value = value_of(view)
        return [value] if isinstance(value, (int, float)) else []

    return found


def _compiled(text: str) -> Callable[[Obj], Any]:
    try:
        program = cel.Environment({"self": cel.types.DYN}).compile(text, expected=None)
    except (cel.CompileError, cel.ResultTypeError) as error:
        raise ValueError(f"cannot read the expression {text!r}: {error}") from None

    def value_of(view: Obj) -> Any:
        try:
            return program.evaluate({"self": view})
        except cel.CelError:
            return None

    return value_of
