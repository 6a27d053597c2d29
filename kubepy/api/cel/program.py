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

from kubepy.api.cel import conversion, cost, types
from kubepy.api.cel.ast import Call, Comprehension, Expr, Ident, ListExpr, Literal, MapExpr, Select, Struct
from kubepy.api.cel.errors import CelError, CostExceeded
from kubepy.api.cel.limits import PER_CALL_LIMIT
from kubepy.api.cel.types import Type, unescape
from kubepy.api.cel.values import NONE, Optional, Uint, display, equals, lookup, type_name

Frame = list[Any]
Run = Callable[[Frame], Any]

# What an evaluation can raise: ours, and Python's own when a value is not what its declared type says.
FAILURES = (CelError, TypeError, AttributeError, ValueError, LookupError, ArithmeticError)
_MISSING = object()
_NO_OVERLOAD = "no such overload"
_FIXED = frozenset(("int", "uint", "bool", "double", "timestamp", "duration"))
_EXACT = _FIXED | {"string", "bytes"}


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
        except FAILURES:
            raise CelError(_NO_OVERLOAD)
        if frame[0] < 0:
            raise CostExceeded
        return value

    def run(self, variables: Mapping[str, Any], cost_budget: int = PER_CALL_LIMIT) -> Outcome:
        """As `evaluate`, with the cost, and failures as values."""
        frame = self._frame(variables, cost_budget)
        value: Any = None
        error: CelError | None = None
        try:
            value = self._run(frame)
        except CelError as failure:
            error = failure
        except FAILURES:
            error = CelError(_NO_OVERLOAD)
        if frame[0] < 0:
            value, error = None, CostExceeded()
        return Outcome(value, error, cost_budget - frame[0])

    def cost_estimate(self) -> cost.Range:
        """Bounds of the cost for any data the declared types and their size hints allow."""
        return cost.estimate(self.root, self.variables)

    def _frame(self, variables: Mapping[str, Any], cost_budget: int) -> Frame:
        try:
            only = self._only
            if only:
                return [cost_budget - self._fixed, variables[only], *self._padding]
            return [cost_budget - self._fixed, *[variables[name] for name in self._names], *self._padding]
        except KeyError as missing:
            raise CelError(f"no such attribute(s): {missing.args[0]}")


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
            return _has(operand, name, node.operand.type, absent), fixed
        fixed += 1 if isinstance(node.operand, Ident | Select) else 2
        convert = conversion.on_read(of)
        if node.operand.type.kind not in ("struct", "map"):
            return _select_dynamic(operand, name), fixed
        if isinstance(node.operand, Ident) and node.operand.constant is None and convert is None:
            return _select_variable(self.slot(node.operand.name), name, absent), fixed
        return _select_key(operand, name, convert, absent), fixed

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
        closures = [run for run, _ in runs]
        loose = any(arg.type.kind in ("dyn", "error") for arg in args)
        impl = _dispatcher(node.overloads) if loose or len(node.overloads) > 1 else node.overloads[0].impl
        charge = cost.call_charge(node.function, node.overloads)
        if isinstance(charge, int):
            return _apply(impl, closures), fixed + charge
        return _apply_charged(impl, closures, charge), fixed

    def _and(self, node: Call) -> tuple[Run, int]:
        return self._logic(node, False)

    def _or(self, node: Call) -> tuple[Run, int]:
        return self._logic(node, True)

    def _logic(self, node: Call, decides: bool) -> tuple[Run, int]:
        left, fixed = self.value(node.args[0])
        right, later = self.value(node.args[1])
        return _logic(left, right, later, decides), fixed

    def _not(self, node: Call) -> tuple[Run, int]:
        operand, fixed = self.value(node.args[0])

        def run(f: Frame) -> bool:
            value = operand(f)
            if value is True:
                return False
            if value is False:
                return True
            raise CelError(_NO_OVERLOAD)

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
            raise CelError(_NO_OVERLOAD)

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
        return _equality(a, b, wanted), fixed

    def _index(self, node: Call) -> tuple[Run, int]:
        target, key = node.args
        (operand, fixed), (index, index_cost) = self.value(target), self.value(key)
        fixed += index_cost + 1
        convert = conversion.on_read(target.type.params[-1]) if target.type.kind in ("list", "map") else None
        if _is_optional(target.type):
            return _index_optional(operand, index), fixed
        if target.type.kind == "map" and key.type.kind == "string" and convert is None:
            return _index_text(operand, index), fixed
        return _index(operand, index, convert), fixed

    def _opt_index(self, node: Call) -> tuple[Run, int]:
        (operand, fixed), (index, index_cost) = self.value(node.args[0]), self.value(node.args[1])
        of = _bare(node.args[0].type)
        convert = conversion.on_read(of.params[-1]) if of.kind in ("list", "map") else None
        return _index_maybe(operand, index, convert), fixed + index_cost + 1

    def _opt_select(self, node: Call) -> tuple[Run, int]:
        operand, fixed = self.value(node.args[0])
        field = node.args[1]
        assert isinstance(field, Literal)
        holder = _bare(node.args[0].type)
        name, of = _field(holder, field.value)
        absent = _null_is_absent(holder, field.value)
        return _select_maybe(operand, name, conversion.on_read(of), absent), fixed + 1

    def _optional_or(self, node: Call) -> tuple[Run, int]:
        assert node.target is not None
        (first, fixed), (second, later) = self.value(node.target), self.value(node.args[0])
        unwrap = node.function == "orValue"

        def run(f: Frame) -> Any:
            found = first(f)
            if type(found) is not Optional:
                raise CelError(_NO_OVERLOAD)
            if found.has_value:
                return found.value if unwrap else found
            f[0] -= later
            return second(f)

        return run, fixed + 1

    # -- literals of collections

    def _list(self, node: ListExpr) -> tuple[Run, int]:
        runs = [self.value(element) for element in node.elements]
        fixed = sum(cost for _, cost in runs)
        closures = [run for run, _ in runs]
        if not node.optional:
            if all(isinstance(element, Literal) for element in node.elements):
                constant = [element.value for element in node.elements if isinstance(element, Literal)]
                return (lambda f: constant), fixed + cost.LIST_CREATE
            return (lambda f: [run(f) for run in closures]), fixed + cost.LIST_CREATE
        marked = [(run, index in node.optional) for index, run in enumerate(closures)]

        def run(f: Frame) -> list[Any]:
            items = []
            for element, optional in marked:
                value = element(f)
                if not optional:
                    items.append(value)
                elif _present(value):
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
                if type(k) not in _KEY_TYPES:
                    raise CelError(f"unsupported key type: {display(k)}")
                if optional:
                    if not _present(v):
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

        def run(f: Frame) -> dict[str, Any]:
            made = {}
            for name, value, optional in fields:
                v = value(f)
                if not optional:
                    made[name] = v
                elif _present(v):
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
        rounds = _Rounds(items, var, var2, convert)
        # What each fold costs beside the author's operands, on the expanded tree: an identifier is 1, a call 1, a
        # list 10. The result is one more identifier.
        if node.macro in ("all", "exists"):
            # @not_strictly_false(accu) or with a !, which is also asked once more after the deciding round
            again = 2 if node.macro == "all" else 3
            run = _quantifier(rounds, body, body_cost + again + 1, again, decides=node.macro == "exists")
            return run, fixed + 1
        if node.macro == "exists_one":
            return _exactly_one(rounds, body, body_cost + 1), fixed + 2
        if node.macro == "map":
            return _collect(
                rounds, keep, keep_cost, body, body_cost + 2 + cost.LIST_CREATE
            ), fixed + 1 + cost.LIST_CREATE
        insert = 3 if node.macro == "map_values" else 2
        make = _collect_map(rounds, keep, keep_cost, body, body_cost + insert, node.macro == "map_entries")
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


# --------------------------------------------------------------------------------------------------------------
# Closures: selection


def _no_key(name: Any) -> CelError:
    return CelError(f"no such key: {display(name)}")


def _select_variable(slot: int, name: str, absent: bool) -> Run:
    def run(f: Frame) -> Any:
        try:
            value = f[slot][name]
        except KeyError:
            raise _no_key(name)
        if value is None and absent:
            raise _no_key(name)
        return value

    return run


def _select_key(operand: Run, name: str, convert: Callable[[Any], Any] | None, absent: bool) -> Run:
    def run(f: Frame) -> Any:
        try:
            value = operand(f)[name]
        except KeyError:
            raise _no_key(name)
        if value is None:
            if absent:
                raise _no_key(name)
            return None
        return value if convert is None else convert(value)

    return run


def _select_dynamic(operand: Run, name: str) -> Run:
    """Selection from what is only known at run time: a map, an object whose names are escaped, an optional."""
    plain = unescape(name)

    def run(f: Frame) -> Any:
        value = operand(f)
        if type(value) is Optional:
            return _optional_member(value, name, plain)
        if not isinstance(value, Mapping):
            raise CelError(_NO_OVERLOAD)
        if name in value:
            return value[name]
        if plain in value:
            return value[plain]
        raise _no_key(name)

    return run


def _optional_member(value: Optional, name: str, plain: str) -> Optional:
    if not value.has_value:
        return NONE
    inner = value.value
    if not isinstance(inner, Mapping):
        raise CelError(_NO_OVERLOAD)
    found = inner.get(name, inner.get(plain, _MISSING))
    return NONE if found is _MISSING else Optional(found)


def _has(operand: Run, name: str, of: Type, absent: bool) -> Run:
    if absent:
        return lambda f: operand(f).get(name) is not None
    if of.kind == "struct" or (of.kind == "map" and unescape(name) == name):
        return lambda f: name in operand(f)
    plain = unescape(name)

    def run(f: Frame) -> bool:
        value = operand(f)
        if type(value) is Optional:
            if not value.has_value:
                return False
            value = value.value
        if not isinstance(value, Mapping):
            raise CelError(_NO_OVERLOAD)
        return name in value or plain in value

    return run


def _select_maybe(operand: Run, name: str, convert: Callable[[Any], Any] | None, absent: bool) -> Run:
    plain = unescape(name)

    def run(f: Frame) -> Optional:
        value = operand(f)
        found = _optional_member(value if type(value) is Optional else Optional(value), name, plain)
        if found.has_value and found.value is None:
            return NONE if absent else found
        return Optional(convert(found.value)) if convert is not None and found.has_value else found

    return run


# --------------------------------------------------------------------------------------------------------------
# Closures: indexing


def _index_text(operand: Run, index: Run) -> Run:
    def run(f: Frame) -> Any:
        holder = operand(f)
        key = index(f)
        try:
            return holder[key]
        except KeyError:
            raise _no_key(key)

    return run


def _index(operand: Run, index: Run, convert: Callable[[Any], Any] | None) -> Run:
    def run(f: Frame) -> Any:
        holder = operand(f)
        if type(holder) is Optional:
            return _member_maybe(holder, index(f), convert)
        value = _member(holder, index(f))
        return value if convert is None or value is None else convert(value)

    return run


def _member(holder: Any, key: Any) -> Any:
    if isinstance(holder, list):
        at = _position(key)
        if 0 <= at < len(holder):
            return holder[at]
        raise CelError(f"index out of bounds: {at}")
    if isinstance(holder, Mapping):
        found, value = lookup(holder, key)
        if found:
            return value
        raise _no_key(key)
    raise CelError(_NO_OVERLOAD)


def _position(key: Any) -> int:
    if type(key) is float and key.is_integer():
        return int(key)
    if isinstance(key, int) and type(key) is not bool:
        return int(key)
    raise CelError(f"unsupported index type '{type_name(key)}' in list")


def _index_optional(operand: Run, index: Run) -> Run:
    return lambda f: _member_maybe(operand(f), index(f), None)


def _index_maybe(operand: Run, index: Run, convert: Callable[[Any], Any] | None) -> Run:
    return lambda f: _member_maybe(operand(f), index(f), convert)


def _member_maybe(holder: Any, key: Any, convert: Callable[[Any], Any] | None) -> Optional:
    if type(holder) is Optional:
        if not holder.has_value:
            return NONE
        holder = holder.value
    if isinstance(holder, list):
        at = _position(key)
        if not 0 <= at < len(holder):
            return NONE
        value = holder[at]
    elif isinstance(holder, Mapping):
        found, value = lookup(holder, key)
        if not found:
            return NONE
    else:
        raise CelError(_NO_OVERLOAD)
    return Optional(value if convert is None or value is None else convert(value))


# --------------------------------------------------------------------------------------------------------------
# Closures: logic and calls


def _logic(left: Run, right: Run, later: int, decides: bool) -> Run:
    """`&&` (False decides) and `||` (True decides): either side may fail if the other one decides."""
    other = not decides

    def run(f: Frame) -> bool:
        try:
            a = left(f)
        except FAILURES as failure:
            if isinstance(failure, CostExceeded):
                raise
            f[0] -= later
            if right(f) is decides:
                return decides
            raise
        if a is decides:
            return decides
        f[0] -= later
        b = right(f)
        if b is decides or (a is other and b is other):
            return b
        raise CelError(_NO_OVERLOAD)

    return run


def _equality(a: Run, b: Run, wanted: bool) -> Run:
    def run(f: Frame) -> bool:
        x, y = a(f), b(f)
        f[0] -= cost.equality(x, y)
        if f[0] < 0:
            raise CostExceeded
        return equals(x, y) is wanted

    return run


def _apply(impl: Callable[..., Any], runs: list[Run]) -> Run:
    if len(runs) == 1:
        (only,) = runs
        return lambda f: impl(only(f))
    if len(runs) == 2:
        first, second = runs
        return lambda f: impl(first(f), second(f))
    return lambda f: impl(*[run(f) for run in runs])


def _apply_charged(impl: Callable[..., Any], runs: list[Run], charge: cost.Charge) -> Run:
    """A call whose cost depends on its arguments or its result; spent before it is made where that is known."""

    def run(f: Frame) -> Any:
        args = [run(f) for run in runs]
        if charge.of_result:
            value = impl(*args)
            f[0] -= charge.price(args, value)
        else:
            f[0] -= charge.price(args, None)
            if f[0] < 0:
                raise CostExceeded
            value = impl(*args)
        if f[0] < 0:
            raise CostExceeded
        return value

    return run


def _dispatcher(overloads: list[Any]) -> Callable[..., Any]:
    """Chooses among overloads by the values met; for arguments whose types are only known then."""

    def call(*args: Any) -> Any:
        values = list(args)
        for overload in overloads:
            if overload.accepts(values):
                return overload.impl(*args)
        raise CelError(_NO_OVERLOAD)

    return call


# --------------------------------------------------------------------------------------------------------------
# Closures: collections and folds

_KEY_TYPES = frozenset((str, int, bool, Uint))


def _present(value: Any) -> bool:
    if type(value) is not Optional:
        raise CelError(f"cannot initialize optional entry from non-optional value {display(value)}")
    return value.has_value


class _Rounds:
    """The rounds of a fold: sets the loop variables and yields once per element."""

    __slots__ = ("convert", "items", "var", "var2")

    def __init__(self, items: Run, var: int, var2: int, convert: Callable[[Any], Any] | None) -> None:
        self.items = items
        self.var = var
        self.var2 = var2
        self.convert = convert

    def of(self, f: Frame) -> Any:
        """The values of the first loop variable; sets the second one on the way."""
        items = self.items(f)
        if isinstance(items, list):
            if self.convert is not None:
                items = list(map(self.convert, items))
            return self._pairs(f, enumerate(items)) if self.var2 else items
        if isinstance(items, Mapping):
            if not self.var2:
                return items
            pairs = items.items()
            convert = self.convert
            return self._pairs(f, pairs if convert is None else [(k, convert(v)) for k, v in pairs])
        raise CelError(_NO_OVERLOAD)

    def _pairs(self, f: Frame, pairs: Any) -> Any:
        var2 = self.var2
        for first, second in pairs:
            f[var2] = second
            yield first


def _quantifier(rounds: _Rounds, body: Run, per_round: int, again: int, *, decides: bool) -> Run:
    """all (False decides) and exists (True decides): a failure counts only if no element decides."""
    var = rounds.var
    other = not decides

    def run(f: Frame) -> bool:
        failure: Exception | None = None
        items = rounds.of(f)
        for f[var] in items:
            f[0] -= per_round
            if f[0] < 0:
                raise CostExceeded
            try:
                value = body(f)
            except FAILURES as error:
                if isinstance(error, CostExceeded):
                    raise
                failure = error
                continue
            if value is decides:
                f[0] -= again
                return decides
            if value is not other:
                failure = CelError(_NO_OVERLOAD)
        if failure is not None:
            raise failure
        return other

    return run


def _exactly_one(rounds: _Rounds, body: Run, per_round: int) -> Run:
    var = rounds.var

    def run(f: Frame) -> bool:
        hits = 0
        items = rounds.of(f)
        for f[var] in items:
            f[0] -= per_round
            if f[0] < 0:
                raise CostExceeded
            value = body(f)
            if value is True:
                hits += 1
                f[0] -= 1
            elif value is not False:
                raise CelError(_NO_OVERLOAD)
        return hits == 1

    return run


def _kept(keep: Run | None, f: Frame) -> bool:
    if keep is None:
        return True
    value = keep(f)
    if value is True:
        return True
    if value is False:
        # the accumulator, unchanged
        f[0] -= 1
        return False
    raise CelError(_NO_OVERLOAD)


def _collect(rounds: _Rounds, keep: Run | None, keep_cost: int, body: Run, per_item: int) -> Run:
    var = rounds.var

    def run(f: Frame) -> list[Any]:
        made = []
        items = rounds.of(f)
        for f[var] in items:
            f[0] -= keep_cost
            if f[0] < 0:
                raise CostExceeded
            if _kept(keep, f):
                f[0] -= per_item
                made.append(body(f))
        return made

    return run


def _collect_map(
    rounds: _Rounds, keep: Run | None, keep_cost: int, body: Run, per_item: int, entries: bool
) -> Run:
    var = rounds.var

    def run(f: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        items = rounds.of(f)
        for f[var] in items:
            f[0] -= keep_cost
            if f[0] < 0:
                raise CostExceeded
            if not _kept(keep, f):
                continue
            f[0] -= per_item
            value = body(f)
            new = value.items() if entries else ((f[var], value),)
            for key, item in new:
                if lookup(made, key)[0]:
                    raise CelError(f"insert failed: key {display(key)} already exists")
                made[key] = item
        return made

    return run


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
