"""Bounds of an expression's cost before it runs: the least and the most for any data that fits the declared types
and their size hints. Sizes travel along paths from variables (`self.items[0].name`), through loop variables and the
results of calls.

Source: cel-go checker/cost.go; kubernetes 1.36 apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go
(sizeEstimator). Presence tests cost nothing (PresenceTestHasCost(false)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from kubepy.api.cel import prices
from kubepy.api.cel.ast import Call, Comprehension, Expr, Ident, ListExpr, Literal, MapExpr, Select, Struct
from kubepy.api.cel.cost import (
    COMPARED,
    LIST_CREATE,
    MAP_CREATE,
    ONE,
    STRING_FACTOR,
    STRUCT_CREATE,
    UNKNOWN,
    ZERO,
    Node,
    Price,
    Range,
    fixed,
    regex_cost,
    size_of,
)
from kubepy.api.cel.limits import UNBOUNDED
from kubepy.api.cel.types import Type


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
            known = ONE
        if known is None and isinstance(node, Ident):
            found = self.locals.get(node.name)
            if found:
                known = found[-1].size
        return known

    def size_or_unknown(self, node: Expr) -> Range:
        found = self.size(node)
        return UNKNOWN if found is None else found

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
        return ZERO

    def _ident(self, node: Ident) -> Range:
        found = self.locals.get(node.name)
        self.paths[id(node)] = found[-1].path if found else (node.name,)
        return ONE

    def _select(self, node: Select) -> Range:
        if node.ident is not None:
            return self._ident(node.ident)
        operand = self.cost(node.operand)
        if node.test_only:
            return operand
        self.paths[id(node)] = (*self.path(node.operand), node.field)
        if node.operand.type.kind in ("map", "struct", "param"):
            return operand.plus(ONE)
        return operand

    def _call(self, node: Call) -> Range:
        if node.function == "dyn" and node.target is None:
            total = self.cost(node.args[0])
            self._copy(node, node.args[0])
            return total.plus(ONE)
        arg_costs = [self.cost(arg) for arg in node.args]
        args = [self.node(arg) for arg in node.args]
        total = ZERO
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
    ) -> Price:
        allocating = prices.ALLOCATING.get(overload_id)
        if allocating is not None:
            call = allocating(target, args)
            return Price(_sum(arg_costs).plus(call.cost), call.size)
        listed = prices.listed(self, node.function, overload_id, target, args)
        if listed is not None:
            return Price(_sum(arg_costs).plus(listed.cost), listed.size)
        if overload_id in ("logical_and", "logical_or"):
            left, right = arg_costs
            return Price(Range(left.min, left.plus(right).max))
        if overload_id == "conditional":
            yes, no = node.args[1], node.args[2]
            yes_entry = self.entry(yes)
            union = yes_entry.union(self.entry(no)) if yes_entry is not None else None
            if union is not None:
                self.entries[id(node)] = union
            size = self.size_or_unknown(yes).union(self.size_or_unknown(no))
            return Price(arg_costs[0].plus(arg_costs[1].union(arg_costs[2])), size)
        standard = self._standard(node, overload_id, target, args)
        return Price(_sum(arg_costs).plus(standard.cost), standard.size)

    def _standard(self, node: Call, overload_id: str, target: Node | None, args: list[Node]) -> Price:
        if overload_id in ("add_string", "add_bytes", "add_list"):
            left, right = (size_of(arg) for arg in args)
            size = left.plus(right)
            left_entry = self.entry(node.args[0])
            union = left_entry.union(self.entry(node.args[1])) if left_entry is not None else None
            if union is not None:
                self.entries[id(node)] = union
            return Price(ONE if overload_id == "add_list" else size.scaled(STRING_FACTOR), size)
        if overload_id in COMPARED:
            most = min(size_of(args[0]).max, size_of(args[1]).max)
            return Price(Range(1 if most > 0 else 0, most).scaled(STRING_FACTOR))
        if overload_id == "string_to_bytes":
            size = size_of(args[0])
            return Price(size.scaled(STRING_FACTOR), Range(size.min, min(size.max * 4, UNBOUNDED)))
        if overload_id == "bytes_to_string":
            size = size_of(args[0])
            return Price(size.scaled(STRING_FACTOR), Range(size.min // 4, size.max))
        if overload_id == "strings_quote":
            size = size_of(args[0])
            return Price(size.scaled(STRING_FACTOR), Range(size.min + 2, min(size.max * 2 + 2, UNBOUNDED)))
        if overload_id in ("starts_with_string", "ends_with_string"):
            return Price(size_of(args[0]).scaled(STRING_FACTOR))
        if overload_id == "string_format" and target is not None:
            return Price(size_of(target).scaled(STRING_FACTOR))
        if overload_id == "in_list":
            return Price(size_of(args[1]).scaled(1))
        if overload_id == "matches_string" and target is not None:
            return Price(regex_cost(size_of(target), size_of(args[0])))
        if overload_id == "contains_string" and target is not None:
            return Price(size_of(target).scaled(STRING_FACTOR).times(size_of(args[0]).scaled(STRING_FACTOR)))
        return Price(ONE)

    def _list(self, node: ListExpr) -> Range:
        total = fixed(LIST_CREATE)
        item = Range(UNBOUNDED if node.elements else 0, 0)
        for element in node.elements:
            total = total.plus(self.cost(element))
            item = item.union(self.size_or_unknown(element))
        self.entries[id(node)] = _Entry("list", ONE, item)
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


def _literal_size(node: Expr) -> Range | None:
    if isinstance(node, Literal):
        return fixed(len(node.value)) if isinstance(node.value, str | bytes) else ONE
    if isinstance(node, ListExpr):
        return fixed(len(node.elements))
    if isinstance(node, MapExpr):
        return fixed(len(node.entries))
    return None


def _is_scalar(of: Type) -> bool:
    if of.kind == "opaque" and of.name == "optional_type":
        return _is_scalar(of.params[0])
    return of.kind in ("bool", "double", "duration", "int", "timestamp", "uint")


def _sum(costs: Sequence[Range]) -> Range:
    total = ZERO
    for one in costs:
        total = total.plus(one)
    return total
