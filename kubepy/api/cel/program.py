"""A checked tree becomes Python closures, each `run(frame) -> value`, that work on JSON as it is.

The frame is a list: slot 0 holds what is left of the cost budget, then the variables the expression reads, then the
loop variables. Cost that does not depend on data is summed up at compile time and taken off once per block (an
expression, the right side of `&&`, a branch, one round of a loop); only what depends on sizes is counted while
running. Loops check the budget each round, so nothing runs long after it is spent.

Field selections of schema types use the JSON name behind the escaped one and turn date-times, durations, base64
and whole-numbered doubles into CEL values as they are read. Not promised: equality of whole objects compares such
fields as they were written, so `"2020-01-01T00:00:00Z"` and `"2020-01-01T00:00:00+00:00"` inside two objects differ.

Failures are CelError; a value of another type than declared surfaces as "no such overload".

Source: cel-go interpreter/{planner,interpretable}.go; cost: interpreter/runtimecost.go and kubernetes 1.36
staging/src/k8s.io/apiserver/pkg/cel/library/cost.go (CallCost).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kubepy.api.cel import charges, closures, conversion, cost, estimate, types
from kubepy.api.cel.ast import Call, Comprehension, Expr, Ident, ListExpr, Literal, MapExpr, Select, Struct
from kubepy.api.cel.closures import Frame, Run
from kubepy.api.cel.errors import CelError, CostExceeded
from kubepy.api.cel.limits import PER_CALL_LIMIT
from kubepy.api.cel.types import Type
from kubepy.api.cel.values import Optional, display, lookup
from kubepy.api.cel.values import Struct as Made

_FIXED = frozenset(("int", "uint", "bool", "double", "timestamp", "duration"))


class Outcome(NamedTuple):
    """How an evaluation went: `value`, or None and `error`; `cost` is what it used."""

    value: Any
    error: CelError | None
    cost: int


class Program:
    """A compiled expression; immutable, may be shared by everything.

    type: what it evaluates to. reads: the variables it mentions (`"oldSelf" in program.reads`).
    """

    __slots__ = (
        "_converted",
        "_fixed",
        "_names",
        "_only",
        "_padding",
        "_run",
        "reads",
        "root",
        "source",
        "type",
        "variables",
    )

    def __init__(
        self, source: str, root: Expr, reads: tuple[str, ...], variables: Mapping[str, Type]
    ) -> None:
        self.source = source
        self.root = root
        self.type = root.type
        self.reads = frozenset(reads)
        self.variables = variables
        compiler = _Compiler(reads)
        self._run, self._fixed = compiler.value(root)
        self._names = reads
        self._converted = _converters(reads, variables)
        # most rules read one variable
        self._only = reads[0] if len(reads) == 1 else ""
        self._padding = [None] * (compiler.slots - 1 - len(reads))

    def evaluate(self, variables: Mapping[str, Any], cost_budget: int = PER_CALL_LIMIT) -> Any:
        """The value for these variables. Raises CelError, CostExceeded once the budget is spent."""
        frame = self._frame(variables, cost_budget)
        try:
            value = self._run(frame)
        except CelError:
            raise
        except closures.FAILURES:
            raise CelError(closures.NO_OVERLOAD)
        if frame[0] < 0:
            raise CostExceeded
        return value

    def run(self, variables: Mapping[str, Any], cost_budget: int = PER_CALL_LIMIT) -> Outcome:
        """As `evaluate`, with the cost, and failures as values."""
        try:
            frame = self._frame(variables, cost_budget)
        except CelError as failure:
            return Outcome(None, failure, 0)
        value: Any = None
        error: CelError | None = None
        try:
            value = self._run(frame)
        except CelError as failure:
            error = failure
        except closures.FAILURES:
            error = CelError(closures.NO_OVERLOAD)
        if frame[0] < 0:
            value, error = None, CostExceeded()
        return Outcome(value, error, cost_budget - frame[0])

    def cost_estimate(self) -> cost.Range:
        """Bounds of the cost for any data the declared types and their size hints allow."""
        return estimate.estimate(self.root, self.variables)

    def _frame(self, variables: Mapping[str, Any], cost_budget: int) -> Frame:
        try:
            only = self._only
            if only:
                frame = [cost_budget - self._fixed, variables[only], *self._padding]
            else:
                frame = [
                    cost_budget - self._fixed,
                    *[variables[name] for name in self._names],
                    *self._padding,
                ]
        except KeyError as missing:
            raise CelError(f"no such attribute(s): {missing.args[0]}")
        if self._converted:
            for slot, convert in self._converted:
                frame[slot] = _read(frame[slot], convert)
        return frame


def _converters(
    reads: tuple[str, ...], variables: Mapping[str, Type]
) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """(slot, conversion) of the variables that are themselves date-times, doubles ... and not objects of such."""
    found = ((slot, conversion.on_read(_bare(variables[name]))) for slot, name in enumerate(reads, 1))
    return tuple((slot, convert) for slot, convert in found if convert is not None)


def _read(value: Any, convert: Callable[[Any], Any]) -> Any:
    if type(value) is Optional:
        return value if value.value is None else Optional(convert(value.value))
    return None if value is None else convert(value)


class _Compiler:
    def __init__(self, reads: tuple[str, ...]) -> None:
        self.globals = {name: index for index, name in enumerate(reads, 1)}
        self.scopes: list[dict[str, int]] = []
        self.slots = 1 + len(reads)

    def value(self, node: Expr) -> tuple[Run, int]:
        """(closure, its fixed cost)"""
        return _COMPILERS[type(node)](self, node)

    def slot(self, name: str) -> int:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.globals[name]

    def new_slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    # -- leaves

    def _literal(self, node: Literal) -> tuple[Run, int]:
        value = node.value
        return (lambda f: value), 0

    def _ident(self, node: Ident) -> tuple[Run, int]:
        if node.constant is not None:
            constant = node.constant
            return (lambda f: constant), 1
        slot = self.slot(node.name)
        return (lambda f: f[slot]), 1

    # -- selection

    def _select(self, node: Select) -> tuple[Run, int]:
        if node.ident is not None:
            return self._ident(node.ident)
        operand, fixed = self.value(node.operand)
        name, of = _field(node.operand.type, node.field)
        absent = _null_is_absent(node.operand.type, node.field)
        if node.test_only:
            return closures.has(operand, name, node.operand.type, absent), fixed
        fixed += 1
        convert = conversion.on_read(of)
        if node.operand.type.kind not in ("struct", "map"):
            return closures.select_dynamic(operand, name), fixed
        if isinstance(node.operand, Ident) and node.operand.constant is None and convert is None:
            return closures.select_variable(self.slot(node.operand.name), name, absent), fixed
        return closures.select_key(operand, name, convert, absent), fixed

    # -- calls

    def _call(self, node: Call) -> tuple[Run, int]:
        special = _OPERATORS.get(node.function)
        if special is not None:
            return special(self, node)
        args = [node.target, *node.args] if node.target is not None else node.args
        return self._plain_call(node, args)

    def _plain_call(self, node: Call, args: list[Expr]) -> tuple[Run, int]:
        runs = [self.value(arg) for arg in args]
        fixed = sum(cost for _, cost in runs)
        operands = [run for run, _ in runs]
        loose = any(arg.type.kind in ("dyn", "error") for arg in args)
        impl = (
            closures.dispatcher(node.overloads)
            if loose or len(node.overloads) > 1
            else node.overloads[0].impl
        )
        charge = charges.of_call(node.function, node.overloads)
        if isinstance(charge, int):
            return closures.apply(impl, operands), fixed + charge
        return closures.apply_charged(impl, operands, charge), fixed

    def _and(self, node: Call) -> tuple[Run, int]:
        return self._logic(node, False)

    def _or(self, node: Call) -> tuple[Run, int]:
        return self._logic(node, True)

    def _logic(self, node: Call, decides: bool) -> tuple[Run, int]:
        left, fixed = self.value(node.args[0])
        right, later = self.value(node.args[1])
        return closures.logic(left, right, later, decides), fixed

    def _not(self, node: Call) -> tuple[Run, int]:
        operand, fixed = self.value(node.args[0])

        def run(f: Frame) -> bool:
            value = operand(f)
            if value is True:
                return False
            if value is False:
                return True
            raise CelError(closures.NO_OVERLOAD)

        return run, fixed + 1

    def _conditional(self, node: Call) -> tuple[Run, int]:
        test, fixed = self.value(node.args[0])
        yes, yes_cost = self.value(node.args[1])
        no, no_cost = self.value(node.args[2])

        def run(f: Frame) -> Any:
            decision = test(f)
            if decision is True:
                f[0] -= yes_cost
                return yes(f)
            if decision is False:
                f[0] -= no_cost
                return no(f)
            raise CelError(closures.NO_OVERLOAD)

        return run, fixed

    def _equals(self, node: Call) -> tuple[Run, int]:
        return self._equality(node, True)

    def _not_equals(self, node: Call) -> tuple[Run, int]:
        return self._equality(node, False)

    def _equality(self, node: Call, wanted: bool) -> tuple[Run, int]:
        left, right = node.args
        (a, a_cost), (b, b_cost) = self.value(left), self.value(right)
        fixed = a_cost + b_cost
        of = left.type
        if of.kind == right.type.kind and of.kind in _FIXED:
            if wanted:
                return (lambda f: a(f) == b(f)), fixed + 1
            return (lambda f: a(f) != b(f)), fixed + 1
        short = any(
            isinstance(n, Literal) and isinstance(n.value, str) and len(n.value) <= 10 for n in node.args
        )
        if short and of.kind == right.type.kind == "string":
            if wanted:
                return (lambda f: a(f) == b(f)), fixed + 1
            return (lambda f: a(f) != b(f)), fixed + 1
        return closures.equality(a, b, wanted), fixed

    def _index(self, node: Call) -> tuple[Run, int]:
        target, key = node.args
        (operand, fixed), (index, index_cost) = self.value(target), self.value(key)
        fixed += index_cost + 1
        convert = conversion.on_read(target.type.params[-1]) if target.type.kind in ("list", "map") else None
        if _is_optional(target.type):
            return closures.index_optional(operand, index), fixed
        if target.type.kind == "map" and key.type.kind == "string" and convert is None:
            return closures.index_text(operand, index), fixed
        return closures.index(operand, index, convert), fixed

    def _opt_index(self, node: Call) -> tuple[Run, int]:
        (operand, fixed), (index, index_cost) = self.value(node.args[0]), self.value(node.args[1])
        of = _bare(node.args[0].type)
        convert = conversion.on_read(of.params[-1]) if of.kind in ("list", "map") else None
        return closures.index_maybe(operand, index, convert), fixed + index_cost + 1

    def _opt_select(self, node: Call) -> tuple[Run, int]:
        operand, fixed = self.value(node.args[0])
        field = node.args[1]
        assert isinstance(field, Literal)
        holder = _bare(node.args[0].type)
        name, of = _field(holder, field.value)
        absent = _null_is_absent(holder, field.value)
        return closures.select_maybe(operand, name, conversion.on_read(of), absent), fixed + 1

    def _optional_or(self, node: Call) -> tuple[Run, int]:
        assert node.target is not None
        (first, fixed), (second, later) = self.value(node.target), self.value(node.args[0])
        unwrap = node.function == "orValue"

        def run(f: Frame) -> Any:
            found = first(f)
            if type(found) is not Optional:
                raise CelError(closures.NO_OVERLOAD)
            if found.has_value:
                return found.value if unwrap else found
            f[0] -= later
            return second(f)

        return run, fixed + 1

    # -- literals of collections

    def _list(self, node: ListExpr) -> tuple[Run, int]:
        runs = [self.value(element) for element in node.elements]
        fixed = sum(cost for _, cost in runs)
        operands = [run for run, _ in runs]
        if not node.optional:
            if all(isinstance(element, Literal) for element in node.elements):
                constant = [element.value for element in node.elements if isinstance(element, Literal)]
                return (lambda f: constant), fixed + cost.LIST_CREATE
            return (lambda f: [run(f) for run in operands]), fixed + cost.LIST_CREATE
        marked = [(run, index in node.optional) for index, run in enumerate(operands)]

        def run(f: Frame) -> list[Any]:
            items = []
            for element, optional in marked:
                value = element(f)
                if not optional:
                    items.append(value)
                elif closures.present(value):
                    items.append(value.value)
            return items

        return run, fixed + cost.LIST_CREATE

    def _map(self, node: MapExpr) -> tuple[Run, int]:
        entries = []
        fixed = cost.MAP_CREATE
        for entry in node.entries:
            (key, key_cost), (value, value_cost) = self.value(entry.key), self.value(entry.value)
            entries.append((key, value, entry.optional))
            fixed += key_cost + value_cost

        def run(f: Frame) -> dict[Any, Any]:
            made: dict[Any, Any] = {}
            for key, value, optional in entries:
                k, v = key(f), value(f)
                if type(k) not in closures.KEY_TYPES:
                    raise CelError(f"unsupported key type: {display(k)}")
                if optional:
                    if not closures.present(v):
                        continue
                    v = v.value
                if lookup(made, k)[0]:
                    raise CelError(f"Failed with repeated key: {display(k)}")
                made[k] = v
            return made

        return run, fixed

    def _struct(self, node: Struct) -> tuple[Run, int]:
        fields = []
        fixed = cost.STRUCT_CREATE
        for entry in node.entries:
            value, value_cost = self.value(entry.value)
            fields.append((_field(node.type, entry.key)[0], value, entry.optional))
            fixed += value_cost

        of = node.type.name

        def run(f: Frame) -> Made:
            made = Made(of)
            for name, value, optional in fields:
                v = value(f)
                if not optional:
                    made[name] = v
                elif closures.present(v):
                    made[name] = v.value
            return made

        return run, fixed

    # -- folds

    def _comprehension(self, node: Comprehension) -> tuple[Run, int]:
        if node.macro == "bind":
            return self._bind(node)
        items, fixed = self.value(node.range)
        of = node.range.type
        var = self.new_slot()
        var2 = self.new_slot() if node.var2 else 0
        scope = {node.var: var}
        if node.var2:
            scope[node.var2] = var2
        self.scopes.append(scope)
        keep, keep_cost = self.value(node.parts[0]) if node.parts[0] is not None else (None, 0)
        body, body_cost = self.value(node.parts[1])
        self.scopes.pop()
        convert = conversion.on_read(of.params[-1]) if of.kind in ("list", "map") else None
        rounds = closures.Rounds(items, var, var2, convert)
        # What each fold costs beside the author's operands, on the expanded tree: an identifier is 1, a call 1, a
        # list 10. The result is one more identifier.
        if node.macro in ("all", "exists"):
            # @not_strictly_false(accu) or with a !, which is also asked once more after the deciding round
            again = 2 if node.macro == "all" else 3
            run = closures.quantifier(
                rounds, body, body_cost + again + 1, again, decides=node.macro == "exists"
            )
            return run, fixed + 1
        if node.macro == "exists_one":
            return closures.exactly_one(rounds, body, body_cost + 1), fixed + 2
        if node.macro == "map":
            return closures.collect(
                rounds, keep, keep_cost, body, body_cost + 2 + cost.LIST_CREATE
            ), fixed + 1 + cost.LIST_CREATE
        insert = 3 if node.macro == "map_values" else 2
        make = closures.collect_map(
            rounds, keep, keep_cost, body, body_cost + insert, node.macro == "map_entries"
        )
        return make, fixed + 1 + cost.MAP_CREATE

    def _bind(self, node: Comprehension) -> tuple[Run, int]:
        init, fixed = self.value(node.init)
        slot = self.new_slot()
        self.scopes.append({node.accu: slot})
        result, result_cost = self.value(node.result)
        self.scopes.pop()

        def run(f: Frame) -> Any:
            f[slot] = init(f)
            return result(f)

        return run, fixed + result_cost + cost.LIST_CREATE


# --------------------------------------------------------------------------------------------------------------
# Types at compile time


def _is_optional(of: Type) -> bool:
    return of.kind == "opaque" and of.name == "optional_type"


def _bare(of: Type) -> Type:
    return of.params[0] if _is_optional(of) else of


def _field(of: Type, field: str) -> tuple[str, Type]:
    """(name in JSON, declared type) of a selection; dyn where nothing is declared."""
    of = _bare(of)
    if of.kind == "struct":
        declared = (of.fields or {})[field]
        return declared.json_name, declared.type
    return field, of.params[1] if of.kind == "map" else types.DYN


def _null_is_absent(of: Type, field: str) -> bool:
    """Whether null in a schema's field counts as not there."""
    return of.kind == "struct" and (of.fields or {})[field].null_is_absent


_COMPILERS: dict[type, Callable[[_Compiler, Any], tuple[Run, int]]] = {
    Literal: _Compiler._literal,
    Ident: _Compiler._ident,
    Select: _Compiler._select,
    Call: _Compiler._call,
    ListExpr: _Compiler._list,
    MapExpr: _Compiler._map,
    Struct: _Compiler._struct,
    Comprehension: _Compiler._comprehension,
}
_OPERATORS: dict[str, Callable[[_Compiler, Call], tuple[Run, int]]] = {
    "_&&_": _Compiler._and,
    "_||_": _Compiler._or,
    "!_": _Compiler._not,
    "_?_:_": _Compiler._conditional,
    "_==_": _Compiler._equals,
    "_!=_": _Compiler._not_equals,
    "_[_]": _Compiler._index,
    "_[?_]": _Compiler._opt_index,
    "_?._": _Compiler._opt_select,
    "or": _Compiler._optional_or,
    "orValue": _Compiler._optional_or,
}
