"""What expressions cost: bounds before they run, and the price of each call while they do.

The unit is one selection. An estimate is a Range: the least and the most for any data that fits the declared types
and their size hints; Kubernetes refuses rules whose most is above its limits, so the numbers here are an API.
Sizes travel along paths from variables (`self.items[0].name`), through loop variables and the results of calls.

Source: cel-go checker/cost.go, interpreter/runtimecost.go; kubernetes 1.36
staging/src/k8s.io/apiserver/pkg/cel/library/cost.go and
apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go (sizeEstimator). Presence tests cost nothing
(PresenceTestHasCost(false)).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from kubepy.api.cel.ast import Call, Comprehension, Expr, Ident, ListExpr, Literal, MapExpr, Select, Struct
from kubepy.api.cel.limits import UNBOUNDED
from kubepy.api.cel.types import Type
from kubepy.api.cel.values import Opaque, Optional

LIST_CREATE = 10
MAP_CREATE = 30
STRUCT_CREATE = 40
STRING_FACTOR = 0.1  # of traversing one character
REGEX_FACTOR = 0.25  # of one character of a pattern
CHECK = 350_000  # an authorization check: two per expression
_FORMAT_CHARS_MAX = 64
_FORMAT_REGEX_CHARS_MAX = 128


class Range(NamedTuple):
    """Bounds of a cost or a size; nothing exceeds UNBOUNDED."""

    min: int
    max: int

    def plus(self, other: Range) -> Range:
        return Range(min(self.min + other.min, UNBOUNDED), min(self.max + other.max, UNBOUNDED))

    def times(self, other: Range) -> Range:
        return Range(min(self.min * other.min, UNBOUNDED), min(self.max * other.max, UNBOUNDED))

    def scaled(self, factor: float) -> Range:
        """Rounded up."""
        return Range(_scaled(self.min, factor), _scaled(self.max, factor))

    def union(self, other: Range) -> Range:
        return Range(min(self.min, other.min), max(self.max, other.max))


def _scaled(value: int, factor: float) -> int:
    product = math.ceil(float(value) * factor)
    return UNBOUNDED if product >= UNBOUNDED else product


def fixed(value: int) -> Range:
    return Range(value, value)


_UNKNOWN = Range(0, UNBOUNDED)
_ONE = fixed(1)
_ZERO = fixed(0)

# --------------------------------------------------------------------------------------------------------------
# Estimate


class _Entry(NamedTuple):
    """Sizes of the keys and values of a collection made inside the expression."""

    kind: str
    key: Range
    value: Range

    def union(self, other: _Entry | None) -> _Entry | None:
        if other is None:
            return None
        return _Entry(self.kind, self.key.union(other.key), self.value.union(other.value))


class _Local(NamedTuple):
    path: tuple[str, ...]
    size: Range | None
    entry: _Entry | None


class Node(NamedTuple):
    """An argument as the price list sees it."""

    expr: Expr | None
    type: Type
    path: tuple[str, ...]
    size: Range | None


class Call_(NamedTuple):
    """The price of a call and the size of what it makes."""

    cost: Range
    size: Range | None = None


def estimate(root: Expr, variables: Mapping[str, Type]) -> Range:
    """Bounds of the cost of a checked expression over variables of these types."""
    return _Estimator(variables).cost(root)


class _Estimator:
    def __init__(self, variables: Mapping[str, Type]) -> None:
        self.variables = variables
        self.locals: dict[str, list[_Local]] = {}
        self.paths: dict[int, tuple[str, ...]] = {}
        self.sizes: dict[int, Range] = {}
        self.entries: dict[int, _Entry] = {}

    # -- what is known of a node

    def path(self, node: Expr) -> tuple[str, ...]:
        if isinstance(node, Ident):
            found = self.locals.get(node.name)
            if found:
                return found[-1].path
        return self.paths.get(id(node), ())

    def declared_size(self, path: tuple[str, ...]) -> Range | None:
        if not path or path[0] not in self.variables:
            return None
        of = self.variables[path[0]].item_at(path[1:])
        return None if of is None or of.elements_max is None else Range(0, of.elements_max)

    def size(self, node: Expr) -> Range | None:
        known = self.sizes.get(id(node))
        if known is not None:
            return known
        known = _literal_size(node)
        if known is None:
            known = self.declared_size(self.path(node))
            if known is not None:
                self.sizes[id(node)] = known
        if known is None and _is_scalar(node.type):
            known = _ONE
        if known is None and isinstance(node, Ident):
            found = self.locals.get(node.name)
            if found:
                known = found[-1].size
        return known

    def size_or_unknown(self, node: Expr) -> Range:
        found = self.size(node)
        return _UNKNOWN if found is None else found

    def entry(self, node: Expr) -> _Entry | None:
        known = self.entries.get(id(node))
        if known is None and isinstance(node, Ident):
            found = self.locals.get(node.name)
            if found:
                return found[-1].entry
        return known

    def node(self, expr: Expr) -> Node:
        path = self.path(expr)
        if path and path[0] in ("@result", "__result__"):
            path = ()
        return Node(expr, expr.type, path, self.size(expr))

    # -- costs

    def cost(self, node: Expr) -> Range:
        return _COSTS[type(node)](self, node)

    def _literal(self, node: Literal) -> Range:
        return _ZERO

    def _ident(self, node: Ident) -> Range:
        found = self.locals.get(node.name)
        self.paths[id(node)] = found[-1].path if found else (node.name,)
        return _ONE

    def _select(self, node: Select) -> Range:
        if node.ident is not None:
            return self._ident(node.ident)
        operand = self.cost(node.operand)
        if node.test_only:
            return operand
        self.paths[id(node)] = (*self.path(node.operand), node.field)
        if node.operand.type.kind in ("map", "struct", "param"):
            return operand.plus(_ONE)
        return operand

    def _call(self, node: Call) -> Range:
        if node.function == "dyn" and node.target is None:
            total = self.cost(node.args[0])
            self._copy(node, node.args[0])
            return total.plus(_ONE)
        arg_costs = [self.cost(arg) for arg in node.args]
        args = [self.node(arg) for arg in node.args]
        total = _ZERO
        target: Node | None = None
        if node.target is not None:
            total = self.cost(node.target)
            target = self.node(node.target)
        ids = [overload.id for overload in node.overloads] or ["select_optional_field"]
        price = Range(UNBOUNDED, 0)
        size: Range | None = None
        for overload_id in ids:
            call = self._overload(node, overload_id, target, args, arg_costs)
            price = price.union(call.cost)
            if call.size is not None:
                size = call.size if size is None else size.union(call.size)
            if overload_id in ("index_list", "index_map"):
                entry = self.entry(node.args[0])
                size = entry.value if entry is not None else None
                step = "@items" if overload_id == "index_list" else "@values"
                self.paths[id(node)] = (*self.path(node.args[0]), step)
            if size is None:
                size = self.size(node)
        if size is not None:
            self.sizes[id(node)] = size
        return total.plus(price)

    def _overload(
        self, node: Call, overload_id: str, target: Node | None, args: list[Node], arg_costs: list[Range]
    ) -> Call_:
        allocating = _BY_OVERLOAD.get(overload_id)
        if allocating is not None:
            call = allocating(target, args)
            return Call_(_sum(arg_costs).plus(call.cost), call.size)
        listed = _listed_price(self, node.function, overload_id, target, args)
        if listed is not None:
            return Call_(_sum(arg_costs).plus(listed.cost), listed.size)
        if overload_id in ("logical_and", "logical_or"):
            left, right = arg_costs
            return Call_(Range(left.min, left.plus(right).max))
        if overload_id == "conditional":
            yes, no = node.args[1], node.args[2]
            yes_entry = self.entry(yes)
            union = yes_entry.union(self.entry(no)) if yes_entry is not None else None
            if union is not None:
                self.entries[id(node)] = union
            size = self.size_or_unknown(yes).union(self.size_or_unknown(no))
            return Call_(arg_costs[0].plus(arg_costs[1].union(arg_costs[2])), size)
        standard = self._standard(node, overload_id, target, args)
        return Call_(_sum(arg_costs).plus(standard.cost), standard.size)

    def _standard(self, node: Call, overload_id: str, target: Node | None, args: list[Node]) -> Call_:
        if overload_id in ("add_string", "add_bytes", "add_list"):
            left, right = (_size(arg) for arg in args)
            size = left.plus(right)
            left_entry = self.entry(node.args[0])
            union = left_entry.union(self.entry(node.args[1])) if left_entry is not None else None
            if union is not None:
                self.entries[id(node)] = union
            return Call_(_ONE if overload_id == "add_list" else size.scaled(STRING_FACTOR), size)
        if overload_id in _COMPARED:
            most = min(_size(args[0]).max, _size(args[1]).max)
            return Call_(Range(1 if most > 0 else 0, most).scaled(STRING_FACTOR))
        if overload_id == "string_to_bytes":
            size = _size(args[0])
            return Call_(size.scaled(STRING_FACTOR), Range(size.min, min(size.max * 4, UNBOUNDED)))
        if overload_id == "bytes_to_string":
            size = _size(args[0])
            return Call_(size.scaled(STRING_FACTOR), Range(size.min // 4, size.max))
        if overload_id == "strings_quote":
            size = _size(args[0])
            return Call_(size.scaled(STRING_FACTOR), Range(size.min + 2, min(size.max * 2 + 2, UNBOUNDED)))
        if overload_id in ("starts_with_string", "ends_with_string"):
            return Call_(_size(args[0]).scaled(STRING_FACTOR))
        if overload_id == "string_format" and target is not None:
            return Call_(_size(target).scaled(STRING_FACTOR))
        if overload_id == "in_list":
            return Call_(_size(args[1]).scaled(1))
        if overload_id == "matches_string" and target is not None:
            return Call_(_regex(_size(target), _size(args[0])))
        if overload_id == "contains_string" and target is not None:
            return Call_(_size(target).scaled(STRING_FACTOR).times(_size(args[0]).scaled(STRING_FACTOR)))
        return Call_(_ONE)

    def _list(self, node: ListExpr) -> Range:
        total = fixed(LIST_CREATE)
        item = Range(UNBOUNDED if node.elements else 0, 0)
        for element in node.elements:
            total = total.plus(self.cost(element))
            item = item.union(self.size_or_unknown(element))
        self.entries[id(node)] = _Entry("list", _ONE, item)
        return total

    def _map(self, node: MapExpr) -> Range:
        total = fixed(MAP_CREATE)
        key = value = Range(UNBOUNDED if node.entries else 0, 0)
        for entry in node.entries:
            total = total.plus(self.cost(entry.key)).plus(self.cost(entry.value))
            key = key.union(self.size_or_unknown(entry.key))
            value = value.union(self.size_or_unknown(entry.value))
        self.entries[id(node)] = _Entry("map", key, value)
        return total

    def _struct(self, node: Struct) -> Range:
        total = fixed(STRUCT_CREATE)
        for entry in node.entries:
            total = total.plus(self.cost(entry.value))
        return total

    def _comprehension(self, node: Comprehension) -> Range:
        total = self.cost(node.range).plus(self.cost(node.init))
        accu = _Local(self.path(node.init), self.size(node.init), self.entry(node.init))
        self._push(node.accu, accu)
        if node.macro == "bind":
            total = total.plus(self.cost(node.result))
            self._pop(node.accu)
            self._copy(node, node.result)
            return total
        self._push_loop(node)
        round_cost = self.cost(node.condition)
        step = self.cost(node.step)
        round_cost = step.plus(round_cost)
        self._pop(node.var)
        if node.var2:
            self._pop(node.var2)
        total = total.plus(self.cost(node.result))
        self._pop(node.accu)
        rounds = self.size_or_unknown(node.range)
        if isinstance(node.init, Literal):
            size = self.size(node.init)
            if size is not None:
                self.sizes[id(node)] = size
        else:
            self.sizes[id(node)] = rounds
            entry = self.entry(node.step)
            if entry is not None:
                self.entries[id(node)] = entry
        return total.plus(rounds.times(round_cost))

    def _push_loop(self, node: Comprehension) -> None:
        entry = self.entry(node.range)
        path = self.path(node.range)
        is_list = (entry.kind if entry is not None else node.range.type.kind) == "list"
        key = entry.key if entry is not None else None
        value = entry.value if entry is not None else None
        item_step = "@items" if is_list else "@values"
        if node.var2:
            self._push(node.var, _Local((*path, "@indices" if is_list else "@keys"), key, None))
            self._push(node.var2, _Local((*path, item_step), value, None))
        elif is_list:
            self._push(node.var, _Local((*path, "@items"), value, None))
        else:
            self._push(node.var, _Local((*path, "@keys"), key, None))

    def _push(self, name: str, local: _Local) -> None:
        self.locals.setdefault(name, []).append(local)

    def _pop(self, name: str) -> None:
        self.locals[name].pop()

    def _copy(self, node: Expr, source: Expr) -> None:
        size = self.size(source)
        if size is not None:
            self.sizes[id(node)] = size
        entry = self.entry(source)
        if entry is not None:
            self.entries[id(node)] = entry


_COSTS: dict[type, Callable[[_Estimator, Any], Range]] = {
    Literal: _Estimator._literal,
    Ident: _Estimator._ident,
    Select: _Estimator._select,
    Call: _Estimator._call,
    ListExpr: _Estimator._list,
    MapExpr: _Estimator._map,
    Struct: _Estimator._struct,
    Comprehension: _Estimator._comprehension,
}
_COMPARED = frozenset(
    [
        f"{order}_{kind}"
        for order in ("less", "less_equals", "greater", "greater_equals")
        for kind in ("string", "bytes")
    ]
) | {"equals", "not_equals"}


def _literal_size(node: Expr) -> Range | None:
    if isinstance(node, Literal):
        return fixed(len(node.value)) if isinstance(node.value, str | bytes) else _ONE
    if isinstance(node, ListExpr):
        return fixed(len(node.elements))
    if isinstance(node, MapExpr):
        return fixed(len(node.entries))
    return None


def _is_scalar(of: Type) -> bool:
    if of.kind == "opaque" and of.name == "optional_type":
        return _is_scalar(of.params[0])
    return of.kind in ("bool", "double", "duration", "int", "timestamp", "uint")


def _size(node: Node) -> Range:
    return _UNKNOWN if node.size is None else node.size


def _sum(costs: Sequence[Range]) -> Range:
    total = _ZERO
    for one in costs:
        total = total.plus(one)
    return total


def _regex(text: Range, pattern: Range) -> Range:
    # one more character, so that an empty text does not make the pattern free
    return text.plus(_ONE).scaled(STRING_FACTOR).times(pattern.scaled(REGEX_FACTOR))


# --------------------------------------------------------------------------------------------------------------
# The price list of Kubernetes' functions

_CONSTANT = frozenset(
    (
        *("serviceAccount", "path", "group", "resource", "subresource", "namespace", "name", "allowed"),
        *("reason", "error", "errored", "masked", "prefixLength", "family", "isUnspecified", "isLoopback"),
        *("isLinkLocalMulticast", "isLinkLocalUnicast", "isGlobalUnicast", "format.named", "sign"),
        *("asInteger", "isInteger", "asApproximateFloat", "isGreaterThan", "isLessThan", "compareTo"),
        *("add", "sub", "major", "minor", "patch", "getScheme", "getHostname", "getHost", "getPort"),
        *("getEscapedPath", "getQuery"),
    )
)
_PARSED = frozenset(["cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"])
_SCANNED = frozenset(["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"])


def _listed_price(
    estimator: _Estimator, function: str, overload_id: str, target: Node | None, args: list[Node]
) -> Call_ | None:
    """The price Kubernetes sets for a function; None = cel-go's own."""
    if function in _CONSTANT:
        return Call_(_ONE)
    if function in _PARSED and args:
        return Call_(_size(args[0]).scaled(STRING_FACTOR))
    if function in _SCANNED and target is not None:
        return _scan_price(estimator, target)
    priced = _PRICES.get(function)
    return priced(estimator, overload_id, target, args) if priced is not None else None


def _element(estimator: _Estimator, node: Node) -> tuple[Type, Range] | None:
    """(type, size) of the elements of a list or the keys of a map; None if it is neither."""
    if not node.type.params:
        return None
    size = estimator.declared_size((*node.path, "@items")) if node.path else None
    return node.type.params[0], _UNKNOWN if size is None else size


def _scan_price(estimator: _Estimator, target: Node) -> Call_:
    element = _element(estimator, target)
    if element is None:
        return Call_(_size(target).scaled(STRING_FACTOR))
    of, size = element
    each = _ONE.plus(size.scaled(STRING_FACTOR)) if of.kind in ("string", "bytes") else _ONE
    return Call_(_size(target).times(each))


def _check(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    return Call_(fixed(CHECK))


def _selector(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    return Call_(_selector_cost(_size(args[0]))) if len(args) == 1 else None


def _selector_cost(length: Range) -> Range:
    # the shortest requirement that allocates is two characters
    requirements = length.scaled(0.5).scaled(LIST_CREATE + STRUCT_CREATE)
    return fixed(LIST_CREATE).plus(length.scaled(STRING_FACTOR)).plus(requirements)


def _traversed_argument(
    _: _Estimator, overload_id: str, target: Node | None, args: list[Node]
) -> Call_ | None:
    if len(args) != 1:
        return None
    size = _size(args[0])
    return Call_(size.scaled(STRING_FACTOR), size)


def _traversed_target(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    if target is None:
        return None
    size = _size(target)
    return Call_(size.scaled(STRING_FACTOR), size)


def _replace(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    if target is None or len(args) < 2:
        return None
    size, old, new = _size(target), _size(args[0]), _size(args[1])
    most, most_kept = _replacements_max(size, old, new)
    least, least_kept = _replacements_min(size, old, new)
    made = Range(least, most).times(new).plus(Range(least_kept, most_kept))
    return Call_(size.scaled(2 * STRING_FACTOR), made)


def _replacements_max(size: Range, old: Range, new: Range) -> tuple[int, int]:
    """(how often at most, how much of the original is kept)"""
    if old.min == 0:
        # replacing nothing surrounds every character
        return min(size.max + 1, UNBOUNDED), size.max
    if new.max <= old.min:
        return 0, size.max
    return _scaled(size.max, 1 / old.min), 0


def _replacements_min(size: Range, old: Range, new: Range) -> tuple[int, int]:
    if old.max == 0:
        return min(size.min + 1, UNBOUNDED), size.min
    if old.max <= new.min:
        return 0, size.min
    return math.ceil(float(size.min) / float(old.max)), 0


def _split(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    if target is None:
        return None
    size = _size(target)
    pieces = size.max
    if len(args) > 1:
        limit = args[1].expr
        if isinstance(limit, Literal) and isinstance(limit.value, int):
            pieces = limit.value if limit.value >= 0 else UNBOUNDED + 1 + limit.value
    return Call_(size.scaled(2 * STRING_FACTOR), Range(0, pieces))


def _join(estimator: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    if target is None:
        return None
    items = _size(target)
    element = _element(estimator, target)
    size = items.times(element[1]) if element is not None else _ZERO
    if args:
        separators = Range(max(items.min - 1, 0), max(items.max - 1, 0))
        size = size.plus(_size(args[0]).times(separators))
    return Call_(size.scaled(STRING_FACTOR), size)


def _find(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    if target is None or not args:
        return None
    size = _size(target)
    return Call_(_regex(size, _size(args[0])), Range(0, size.max))


def _ip(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    if overload_id == "cidr_ip":
        return Call_(_ONE)
    return Call_(_size(args[0]).scaled(STRING_FACTOR)) if args else None


def _canonical(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    return Call_(_size(args[0]).scaled(2 * STRING_FACTOR)) if args else None


_ADDRESS = Range(4, 16)  # bytes of an IP
_ADDRESSES_COMPARED = _ADDRESS.plus(_ADDRESS).scaled(STRING_FACTOR)


def _contains_ip(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    total = _ADDRESSES_COMPARED
    if overload_id == "cidr_contains_ip_string":
        total = total.plus(_size(args[0]).scaled(STRING_FACTOR))
    return Call_(total)


def _contains_cidr(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    total = _ADDRESSES_COMPARED.plus(_ADDRESS.scaled(STRING_FACTOR)).plus(_ONE)
    if overload_id == "cidr_contains_cidr_string":
        total = total.plus(_size(args[0]).scaled(STRING_FACTOR))
    return Call_(total)


def _validate(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    if not args:
        return None
    return Call_(_size(args[0]).scaled(STRING_FACTOR).scaled(_FORMAT_REGEX_CHARS_MAX * REGEX_FACTOR))


def _equal(_: _Estimator, overload_id: str, target: Node | None, args: list[Node]) -> Call_ | None:
    left, right = args[0].type, args[1].type
    if left != right:
        return None
    if left.name in _CHEAP_EQUALITY:
        return Call_(_ONE)
    if left.name == "kubernetes.NamedFormat":
        return Call_(Range(1, _FORMAT_CHARS_MAX).scaled(STRING_FACTOR))
    if left.name == "kubernetes.URL":
        most = max(args[1].size.max, 1) if args[1].size is not None else 1
        return Call_(Range(1, most).scaled(STRING_FACTOR))
    return None


_CHEAP_EQUALITY = frozenset(
    (
        *("net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver"),
        *("kubernetes.authorization.Authorizer", "kubernetes.authorization.PathCheck"),
        *("kubernetes.authorization.GroupCheck", "kubernetes.authorization.ResourceCheck"),
        *("kubernetes.authorization.Decision",),
    )
)
_Price = Callable[[_Estimator, str, "Node | None", list[Node]], "Call_ | None"]
_PRICES: dict[str, _Price] = {
    "check": _check,
    "fieldSelector": _selector,
    "labelSelector": _selector,
    "url": _traversed_argument,
    "jsonpatch.escapeKey": _traversed_argument,
    "lowerAscii": _traversed_target,
    "upperAscii": _traversed_target,
    "substring": _traversed_target,
    "trim": _traversed_target,
    "replace": _replace,
    "split": _split,
    "join": _join,
    "find": _find,
    "findAll": _find,
    "ip": _ip,
    "ip.isCanonical": _canonical,
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "validate": _validate,
    "_==_": _equal,
}

# The extensions' own prices, by overload: 1 for the call and, if it makes a list, the price of a list.


def _made_list(size: Range, factor: float) -> Call_:
    return Call_(size.scaled(factor).plus(fixed(1 + LIST_CREATE)), size)


def _literal_int(node: Node, default: int) -> int:
    if isinstance(node.expr, Literal) and type(node.expr.value) is int:
        return max(node.expr.value, 0)
    return default


def _target_size(target: Node | None) -> Range:
    return _UNKNOWN if target is None else _size(target)


def _sliced(target: Node | None, args: list[Node]) -> Call_:
    size = _target_size(target)
    count = _literal_int(args[1], size.max) - _literal_int(args[0], 0)
    return _made_list(fixed(count % (UNBOUNDED + 1)), 1)


def _flattened(target: Node | None, args: list[Node]) -> Call_:
    return _made_list(_target_size(target), _literal_int(args[0], UNBOUNDED) if args else 1)


def _sorted(of: str, by: bool) -> Callable[[Node | None, list[Node]], Call_]:
    factor = 2 + STRING_FACTOR if of in ("string", "bytes") else 2

    def price(target: Node | None, args: list[Node]) -> Call_:
        size = _size(args[0]) if by else _target_size(target)
        return _made_list(size.times(size), factor)

    return price


def _set_price(factor: float) -> Callable[[Node | None, list[Node]], Call_]:
    return lambda target, args: Call_(_size(args[0]).times(_size(args[1])).scaled(factor).plus(_ONE))


def _distinct(target: Node | None, args: list[Node]) -> Call_:
    size = _target_size(target)
    return _made_list(size.times(size), 2)


_SORTABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_BY_OVERLOAD: dict[str, Callable[[Node | None, list[Node]], Call_]] = {
    "list_slice": _sliced,
    "list_flatten": _flattened,
    "list_flatten_int": _flattened,
    "lists_range": lambda target, args: _made_list(fixed(_literal_int(args[0], UNBOUNDED)), 1),
    "list_reverse": lambda target, args: _made_list(_target_size(target), 1),
    "list_distinct": _distinct,
    "list_sets_contains_list": _set_price(1),
    "list_sets_intersects_list": _set_price(1),
    "list_sets_equivalent_list": _set_price(2),
    **{f"list_{of}_sort": _sorted(of, False) for of in _SORTABLE},
    **{f"list_{of}_sortByAssociatedKeys": _sorted(of, True) for of in _SORTABLE},
}

# --------------------------------------------------------------------------------------------------------------
# While running


class Charge(NamedTuple):
    """The price of a call once its arguments (of_result: and its value) are known."""

    price: Callable[[list[Any], Any], int]
    of_result: bool = False


def call_charge(function: str, overloads: list[Any]) -> int | Charge:
    """What a call costs while running: a number, or how to find out."""
    overload_id = overloads[0].id if len(overloads) == 1 else ""
    if function in _CONSTANT:
        return 1
    if function == "check":
        return CHECK
    if overload_id == "cidr_ip":
        return 1
    charge = _CHARGES_BY_FUNCTION.get(function) or _CHARGES_BY_OVERLOAD.get(overload_id)
    return charge if charge is not None else 1


def actual_size(value: Any) -> int:
    """What `size()` would answer; 1 for everything that has no size."""
    if isinstance(value, str | bytes | list | dict):
        return len(value)
    if type(value) is Optional and value.has_value:
        return actual_size(value.value)
    size = getattr(value, "size_bytes", None) if isinstance(value, Opaque) else None
    return size if isinstance(size, int) else 1


def equality(a: Any, b: Any) -> int:
    if isinstance(a, Opaque):
        return 1
    return _up(min(actual_size(a), actual_size(b)) * STRING_FACTOR)


def _up(value: float) -> int:
    return math.ceil(value)


def traversal(value: Any) -> int:
    """The cost of walking a value as a tree."""
    if isinstance(value, str):
        return int(len(value.encode()) * STRING_FACTOR)
    if isinstance(value, bytes):
        return int(len(value) * STRING_FACTOR)
    if isinstance(value, list):
        return sum(map(traversal, value))
    if isinstance(value, dict):
        return sum(traversal(k) + traversal(v) for k, v in value.items())
    return 1


def _traverse_first(factor: float) -> Charge:
    return Charge(lambda args, _: _up(actual_size(args[0]) * factor))


def _compare_sizes(args: list[Any], _: Any) -> int:
    return _up(min(actual_size(args[0]), actual_size(args[1])) * STRING_FACTOR)


def _match(args: list[Any], _: Any) -> int:
    return _up((1.0 + actual_size(args[0])) * STRING_FACTOR) * _up(actual_size(args[1]) * REGEX_FACTOR)


def _contains(args: list[Any], _: Any) -> int:
    return _up(actual_size(args[0]) * STRING_FACTOR) * _up(actual_size(args[1]) * STRING_FACTOR)


def _contains_address(extra: bool) -> Callable[[list[Any], Any], int]:
    def price(args: list[Any], _: Any) -> int:
        size = actual_size(args[0])
        total = _up(2 * size * STRING_FACTOR)
        if extra:
            total += _up(size * STRING_FACTOR) + 1
        if isinstance(args[1], str):
            total += _up(len(args[1]) * STRING_FACTOR)
        return total

    return price


def _validated(args: list[Any], _: Any) -> int:
    pattern = getattr(args[0], "regex_chars_max", 0)
    return _up((1.0 + actual_size(args[1])) * STRING_FACTOR) * _up(pattern * REGEX_FACTOR)


def _selected(args: list[Any], _: Any) -> int:
    return _selector_cost(fixed(actual_size(args[1]))).max if len(args) > 1 else 1


def _made(args: list[Any], made: Any) -> int:
    return 1 + LIST_CREATE + actual_size(made)


def _requested_range(args: list[Any], _: Any) -> int:
    return 1 + LIST_CREATE + max(args[0], 0)


def _flattened_now(args: list[Any], _: Any) -> int:
    return 1 + LIST_CREATE + actual_size(args[0]) * (args[1] if len(args) == 2 else 1)


def _compared_with_itself(args: list[Any], _: Any) -> int:
    keys = args[-1]
    factor = 2 + STRING_FACTOR if keys and isinstance(keys[0], str | bytes) else 2
    return 1 + LIST_CREATE + int(len(keys) * len(keys) * factor)


def _sets(factor: int) -> Charge:
    return Charge(lambda args, _: 1 + actual_size(args[0]) * actual_size(args[1]) * factor)


_ONCE = _traverse_first(STRING_FACTOR)
_TWICE = _traverse_first(2 * STRING_FACTOR)
_CHARGES_BY_FUNCTION: dict[str, Charge] = {
    **dict.fromkeys(_SCANNED, Charge(lambda args, _: traversal(args[0]))),
    **dict.fromkeys(
        ("url", "lowerAscii", "upperAscii", "substring", "trim", "jsonpatch.escapeKey", "ip"), _ONCE
    ),
    **dict.fromkeys(_PARSED, _ONCE),
    "replace": _TWICE,
    "split": _TWICE,
    "ip.isCanonical": _TWICE,
    "join": Charge(lambda args, made: _up(actual_size(made) * 2 * STRING_FACTOR), of_result=True),
    "find": Charge(_match),
    "findAll": Charge(_match),
    "containsIP": Charge(_contains_address(False)),
    "containsCIDR": Charge(_contains_address(True)),
    "validate": Charge(_validated),
    "fieldSelector": Charge(_selected),
    "labelSelector": Charge(_selected),
}
_CHARGES_BY_OVERLOAD: dict[str, Charge] = {
    "list_slice": Charge(_made, of_result=True),
    "list_reverse": Charge(_made, of_result=True),
    "lists_range": Charge(_requested_range),
    "list_flatten": Charge(_flattened_now),
    "list_flatten_int": Charge(_flattened_now),
    "list_distinct": Charge(_compared_with_itself),
    **{f"list_{of}_sort": Charge(_compared_with_itself) for of in _SORTABLE},
    **{f"list_{of}_sortByAssociatedKeys": Charge(_compared_with_itself) for of in _SORTABLE},
    "list_sets_contains_list": _sets(1),
    "list_sets_intersects_list": _sets(1),
    "list_sets_equivalent_list": _sets(2),
    **dict.fromkeys(
        (
            "starts_with_string",
            "ends_with_string",
            "string_to_bytes",
            "bytes_to_string",
            "strings_quote",
            "string_format",
        ),
        _ONCE,
    ),
    **dict.fromkeys(_COMPARED, Charge(_compare_sizes)),
    **dict.fromkeys(
        ("add_string", "add_bytes"),
        Charge(lambda args, _: _up((actual_size(args[0]) + actual_size(args[1])) * STRING_FACTOR)),
    ),
    "in_list": Charge(lambda args, _: actual_size(args[1])),
    "matches": Charge(_match),
    "matches_string": Charge(_match),
    "contains_string": Charge(_contains),
}
