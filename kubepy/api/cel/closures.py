"""The closures that programs are made of: selection, indexing, logic, calls, folds.

Each takes the frame (see `program`) and answers a value or raises; each is made once per node by `program`, which
knows the types. What may be spent depends on data only where a closure takes it off frame[0] itself.

Source: cel-go interpreter/interpretable.go, attributes.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kubepy.api.cel import charges
from kubepy.api.cel.errors import CelError, CostExceeded
from kubepy.api.cel.types import Type, unescape
from kubepy.api.cel.values import NONE, Optional, Uint, display, equals, lookup, type_name

Frame = list[Any]
Run = Callable[[Frame], Any]

# What an evaluation can raise: ours, and Python's own when a value is not what its declared type says.
FAILURES = (CelError, TypeError, AttributeError, ValueError, LookupError, ArithmeticError, RecursionError)
_MISSING = object()
_NO_MEMBERS: Mapping[str, Any] = {}
NO_OVERLOAD = "no such overload"

# --------------------------------------------------------------------------------------------------------------
# Closures: selection


def _no_key(name: Any) -> CelError:
    return CelError(f"no such key: {display(name)}")


def _no_member(holder: Any, name: Any) -> CelError:
    """Of what has no members at all: null, a text. Source: cel-go interpreter/attributes.go refQualify."""
    if isinstance(holder, list):
        return CelError(f"unsupported index type '{type_name(name)}' in list")
    return _no_key(name)


def select_variable(slot: int, name: str, absent: bool) -> Run:
    def run(f: Frame) -> Any:
        try:
            value = f[slot][name]
        except KeyError:
            raise _no_key(name)
        except TypeError:
            raise _no_member(f[slot], name)
        if value is None and absent:
            raise _no_key(name)
        return value

    return run


def select_key(operand: Run, name: str, convert: Callable[[Any], Any] | None, absent: bool) -> Run:
    def run(f: Frame) -> Any:
        holder = operand(f)
        try:
            value = holder[name]
        except KeyError:
            raise _no_key(name)
        except TypeError:
            raise _no_member(holder, name)
        if value is None:
            if absent:
                raise _no_key(name)
            return None
        return value if convert is None else convert(value)

    return run


def select_dynamic(operand: Run, name: str) -> Run:
    """Selection from what is only known at run time: a map, an object whose names are escaped, an optional."""
    plain = unescape(name)

    def run(f: Frame) -> Any:
        value = operand(f)
        if type(value) is Optional:
            return _optional_member(value, name, plain)
        if not isinstance(value, Mapping):
            raise _no_member(value, name)
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
    if isinstance(inner, list):
        raise _no_member(inner, name)
    if not isinstance(inner, Mapping):
        return NONE
    found = inner.get(name, inner.get(plain, _MISSING))
    return NONE if found is _MISSING else Optional(found)


def has(operand: Run, name: str, of: Type, absent: bool) -> Run:
    if absent:
        return lambda f: (operand(f) or _NO_MEMBERS).get(name) is not None
    if of.kind == "struct" or (of.kind == "map" and unescape(name) == name):
        return lambda f: name in (operand(f) or _NO_MEMBERS)
    plain = unescape(name)

    def run(f: Frame) -> bool:
        value = operand(f)
        if type(value) is Optional:
            if not value.has_value:
                return False
            value = value.value
        if isinstance(value, list):
            raise _no_member(value, name)
        return isinstance(value, Mapping) and (name in value or plain in value)

    return run


def select_maybe(operand: Run, name: str, convert: Callable[[Any], Any] | None, absent: bool) -> Run:
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


def index_text(operand: Run, index: Run) -> Run:
    def run(f: Frame) -> Any:
        holder = operand(f)
        key = index(f)
        try:
            return holder[key]
        except KeyError:
            raise _no_key(key)
        except TypeError:
            raise _no_member(holder, key)

    return run


def index(operand: Run, index: Run, convert: Callable[[Any], Any] | None) -> Run:
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


def _position(key: Any) -> int:
    if type(key) is float and key.is_integer():
        return int(key)
    if isinstance(key, int) and type(key) is not bool:
        return int(key)
    raise CelError(f"unsupported index type '{type_name(key)}' in list")


def index_optional(operand: Run, index: Run) -> Run:
    return lambda f: _member_maybe(operand(f), index(f), None)


def index_maybe(operand: Run, index: Run, convert: Callable[[Any], Any] | None) -> Run:
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
        return NONE
    return Optional(value if convert is None or value is None else convert(value))


# --------------------------------------------------------------------------------------------------------------
# Closures: logic and calls


def logic(left: Run, right: Run, later: int, decides: bool) -> Run:
    """`&&` (False decides) and `||` (True decides): either side may fail if the other one decides. Of two failures the
    first is told."""
    other = not decides

    def run(f: Frame) -> bool:
        try:
            a = left(f)
        except FAILURES as failure:
            if isinstance(failure, CostExceeded):
                raise
            f[0] -= later
            try:
                if right(f) is decides:
                    return decides
            except CostExceeded:
                raise
            except FAILURES:
                pass
            raise
        if a is decides:
            return decides
        f[0] -= later
        b = right(f)
        if b is decides or (a is other and b is other):
            return b
        raise CelError(NO_OVERLOAD)

    return run


def equality(a: Run, b: Run, wanted: bool) -> Run:
    def run(f: Frame) -> bool:
        x, y = a(f), b(f)
        f[0] -= charges.equality(x, y)
        if f[0] < 0:
            raise CostExceeded
        return equals(x, y) is wanted

    return run


def apply(impl: Callable[..., Any], runs: list[Run]) -> Run:
    if len(runs) == 1:
        (only,) = runs
        return lambda f: impl(only(f))
    if len(runs) == 2:
        first, second = runs
        return lambda f: impl(first(f), second(f))
    return lambda f: impl(*[run(f) for run in runs])


def apply_charged(impl: Callable[..., Any], runs: list[Run], charge: charges.Charge) -> Run:
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


def dispatcher(overloads: list[Any]) -> Callable[..., Any]:
    """Chooses among overloads by the values met; for arguments whose types are only known then."""

    def call(*args: Any) -> Any:
        values = list(args)
        for overload in overloads:
            if overload.accepts(values):
                return overload.impl(*args)
        raise CelError(NO_OVERLOAD)

    return call


# --------------------------------------------------------------------------------------------------------------
# Closures: collections and folds

KEY_TYPES = frozenset((str, int, bool, Uint))


def present(value: Any) -> bool:
    if type(value) is not Optional:
        raise CelError(f"cannot initialize optional entry from non-optional value {display(value)}")
    return value.has_value


class Rounds:
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
        raise CelError(NO_OVERLOAD)

    def _pairs(self, f: Frame, pairs: Any) -> Any:
        var2 = self.var2
        for first, second in pairs:
            f[var2] = second
            yield first


def quantifier(rounds: Rounds, body: Run, per_round: int, again: int, *, decides: bool) -> Run:
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
                failure = CelError(NO_OVERLOAD)
        if failure is not None:
            raise failure
        return other

    return run


def exactly_one(rounds: Rounds, body: Run, per_round: int) -> Run:
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
                raise CelError(NO_OVERLOAD)
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
    raise CelError(NO_OVERLOAD)


def collect(rounds: Rounds, keep: Run | None, keep_cost: int, body: Run, per_item: int) -> Run:
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


def collect_map(
    rounds: Rounds, keep: Run | None, keep_cost: int, body: Run, per_item: int, entries: bool
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
