"""The type checker: gives every node a type and every call its overloads, or says what is wrong and where.

Unification as in cel-go: type parameters of an overload are instantiated afresh for each call and bound in one
mapping; dyn and error types agree with everything; list, map and optional literals must be homogeneous.

Source: cel-go checker/checker.go, types.go, errors.go; cel/validator.go (literal arguments). Kubernetes switches:
HomogeneousAggregateLiterals, CrossTypeNumericComparisons (apiserver/pkg/cel/environment/base.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubepy.api.cel import patterns, types
from kubepy.api.cel.ast import (
    Call,
    Comprehension,
    Entry,
    Expr,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Select,
    Struct,
    children,
)
from kubepy.api.cel.errors import CelError, Issue
from kubepy.api.cel.functions import Overload
from kubepy.api.cel.types import BOOL, DYN, ERROR, INT, STRING, Type
from kubepy.api.cel.values import TypeValue, Uint

_LITERALS: dict[type, Type] = {
    bool: BOOL,
    int: INT,
    Uint: types.UINT,
    float: types.DOUBLE,
    str: STRING,
    bytes: types.BYTES,
    type(None): types.NULL,
}
_NULLABLE = frozenset(("opaque", "struct", "duration", "timestamp"))
_SCALARS = frozenset(("bool", "bytes", "double", "int", "string", "uint", "duration", "timestamp", "struct"))


class Bindings(dict[str, Type]):
    """What type parameters stand for, by name."""

    def resolve(self, of: Type, *, to_dyn: bool = False) -> Type:
        """The type with every bound parameter replaced; unbound ones become dyn if asked."""
        if of.kind == "param":
            bound = self.get(of.name)
            if bound is not None:
                return self.resolve(bound, to_dyn=to_dyn)
            return DYN if to_dyn else of
        if not of.params:
            return of
        inner = tuple(self.resolve(p, to_dyn=to_dyn) for p in of.params)
        if all(a is b for a, b in zip(inner, of.params)):
            return of
        return Type(
            of.kind, of.name, inner, fields=of.fields, elements_max=of.elements_max, size_min=of.size_min
        )

    def assignable(self, a: Type, b: Type) -> bool:
        """Whether a value of type b may stand where a is wanted; binds parameters on the way."""
        if b.kind == "param":
            valid, bound = self._substitutes(a, b)
            if valid or bound:
                return valid
        if a.kind == "param":
            return self._substitutes(b, a)[0]
        if a.kind in ("dyn", "error") or b.kind in ("dyn", "error"):
            return True
        if a.kind == "null":
            return b.kind == "null" or b.kind in _NULLABLE
        if b.kind == "null":
            return a.kind in _NULLABLE
        if a.kind in _SCALARS:
            return a.kind == b.kind and a.name == b.name
        if a.kind == "type":
            return b.kind == "type"
        if a.kind != b.kind or a.name != b.name or len(a.params) != len(b.params):
            return False
        return all(map(self.assignable, a.params, b.params))

    def _substitutes(self, a: Type, variable: Type) -> tuple[bool, bool]:
        """(a is what the variable stands for, or may be; the variable was bound before)"""
        if a.kind == "param" and a.name == variable.name:
            return True, True
        bound = self.get(variable.name)
        if bound is not None:
            if a == bound:
                return True, True
            if not self.assignable(a, bound):
                return False, True
            general = _most_general(a, bound)
            if not self._occurs(variable, general):
                self[variable.name] = general
            return True, True
        if self._occurs(variable, a):
            return False, False
        self[variable.name] = a
        return True, False

    def _occurs(self, variable: Type, within: Type) -> bool:
        if within.kind == "param":
            if within.name == variable.name:
                return True
            bound = self.get(within.name)
            return bound is not None and self._occurs(variable, bound)
        return any(self._occurs(variable, p) for p in within.params)


def _most_general(a: Type, b: Type) -> Type:
    return a if _less_specific(a, b) else b


def _less_specific(a: Type, b: Type) -> bool:
    if a.kind in ("dyn", "param"):
        return True
    if b.kind in ("dyn", "param") or a.kind != b.kind:
        return False
    if a.kind == "type":
        return True
    if a.params:
        return (
            a.name == b.name
            and len(a.params) == len(b.params)
            and all(map(_less_specific, a.params, b.params))
        )
    return a == b


class Checker:
    """One check of one expression. After `check`, nodes carry types and overloads, `variables` those it reads."""

    def __init__(
        self,
        variables: Mapping[str, Type],
        constants: Mapping[str, Type],
        functions: Mapping[str, list[Overload]],
        structs: Mapping[str, Type],
    ) -> None:
        self.declared = variables
        self.constants = constants
        self.functions = functions
        self.structs = structs
        self.scopes: list[dict[str, Type]] = []
        self.bindings = Bindings()
        self.issues: list[Issue] = []
        self.fresh = 0
        self.nodes: list[Expr] = []
        self.read: dict[str, None] = {}

    def check(self, root: Expr) -> None:
        self._visit(root)
        for node in self.nodes:
            if node.type.kind == "param" or node.type.params:
                node.type = self.bindings.resolve(node.type, to_dyn=True)
        if not self.issues:
            self._validate(root, exempt=False)

    def _validate(self, node: Expr, *, exempt: bool) -> None:
        """Rules beyond types: literal arguments that cannot be right, lists and maps of mixed types."""
        if isinstance(node, Call):
            exempt = exempt or node.function == "format"
            self._validate_argument(node)
        elif isinstance(node, ListExpr) and not exempt:
            self._validate_items(node)
        elif isinstance(node, MapExpr) and not exempt:
            self._validate_entries(node)
        for child in children(node):
            self._validate(child, exempt=exempt)

    def _validate_argument(self, node: Call) -> None:
        if node.function not in ("duration", "timestamp", "matches") or not node.args:
            return
        arg = node.args[0]
        if not isinstance(arg, Literal):
            return
        check = patterns.compile if node.function == "matches" else node.overloads[0].impl
        try:
            check(arg.value)
        except CelError:
            self.report(arg.offset, f"invalid {node.function} argument")

    def _validate_items(self, node: ListExpr) -> None:
        first: Type | None = None
        for index, element in enumerate(node.elements):
            of = element.type.params[0] if index in node.optional and element.type.params else element.type
            if first is None:
                first = of
            elif first != of:
                self.report(element.offset, f"expected type '{first}' but found '{of}'")
                return

    def _validate_entries(self, node: MapExpr) -> None:
        first: tuple[Type, Type] | None = None
        for entry in node.entries:
            value = entry.value.type
            value = value.params[0] if entry.optional and value.params else value
            if first is None:
                first = entry.key.type, value
                continue
            for expected, of, at in ((first[0], entry.key.type, entry.key), (first[1], value, entry.value)):
                if expected != of:
                    self.report(at.offset, f"expected type '{expected}' but found '{of}'")

    # -- helpers

    def report(self, offset: int, text: str) -> None:
        self.issues.append(Issue(offset, text))

    def set(self, node: Expr, of: Type) -> Type:
        node.type = of
        self.nodes.append(node)
        return of

    def variable(self) -> Type:
        self.fresh += 1
        return types.param(f"_var{self.fresh - 1}")

    def agree(self, a: Type, b: Type) -> bool:
        attempt = Bindings(self.bindings)
        if not attempt.assignable(a, b):
            return False
        self.bindings = attempt
        return True

    def local(self, name: str) -> Type | None:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    # -- nodes

    def _visit(self, node: Expr) -> Type:
        return self.set(node, _VISITORS[type(node)](self, node))

    def _literal(self, node: Literal) -> Type:
        return _LITERALS[type(node.value)]

    def _ident(self, node: Ident) -> Type:
        found = self._resolve(node, node.name)
        if found is None:
            self.report(node.offset, f"undeclared reference to '{node.name}' (in container '')")
            return ERROR
        return found

    def _resolve(self, node: Ident, name: str) -> Type | None:
        if not name.startswith("."):
            found = self.local(name)
            if found is not None:
                return found
        name = name.removeprefix(".")
        found = self.declared.get(name)
        if found is not None:
            self.read[name] = None
            node.name = name
            return found
        constant = self.constants.get(name)
        if constant is not None:
            node.constant = TypeValue(constant.name)
            return types.type_of(constant)
        return None

    def _select(self, node: Select) -> Type:
        if not node.test_only:
            name = _qualified(node)
            if (
                name
                and self.local(name.partition(".")[0]) is None
                and (name in self.constants or name in self.declared)
            ):
                ident = Ident(node.offset, name)
                found = self._resolve(ident, name)
                assert found is not None
                node.ident = ident
                return self.set(ident, found)
        found = self._field(node, node.operand, node.field, optional=False)
        return BOOL if node.test_only else found

    def _field(self, node: Expr, operand: Expr, field: str, *, optional: bool) -> Type:
        self._visit(operand)
        of = self.bindings.resolve(operand.type)
        is_optional = of.kind == "opaque" and of.name == "optional_type"
        if is_optional:
            of = of.params[0]
        found = DYN
        if of.kind == "map":
            found = of.params[1]
        elif of.kind == "struct":
            declared = (of.fields or {}).get(field)
            if declared is None:
                self.report(node.offset, f"undefined field '{field}'")
                found = ERROR
            else:
                found = declared.type
        elif of.kind == "param":
            self.agree(DYN, of)
        elif of.kind not in ("dyn", "error"):
            self.report(node.offset, f"type '{of}' does not support field selection")
        found = self.bindings.resolve(found)
        return types.optional_of(found) if is_optional or optional else found

    def _call(self, node: Call) -> Type:
        if node.function == "_?._":
            field = node.args[1]
            assert isinstance(field, Literal)
            return self._field(node, node.args[0], field.value, optional=True)
        for arg in node.args:
            self._visit(arg)
        if node.target is None:
            name = node.function.removeprefix(".")
            if name not in self.functions:
                self.report(node.offset, f"undeclared reference to '{node.function}' (in container '')")
                return ERROR
            node.function = name
            return self._overload(node, self.functions[name], node.args, member=False)
        prefix = _qualified(node.target)
        if prefix and f"{prefix}.{node.function}" in self.functions:
            node.function = f"{prefix}.{node.function}"
            node.target = None
            return self._overload(node, self.functions[node.function], node.args, member=False)
        self._visit(node.target)
        if node.function not in self.functions:
            self.report(node.offset, f"undeclared reference to '{node.function}' (in container '')")
            return ERROR
        return self._overload(node, self.functions[node.function], [node.target, *node.args], member=True)

    def _overload(self, node: Call, overloads: list[Overload], args: list[Expr], *, member: bool) -> Type:
        if node.function in ("_&&_", "_||_"):
            node.overloads = overloads
            for arg in args:
                if not self.agree(arg.type, BOOL):
                    self.report(arg.offset, f"expected type 'bool' but found '{self._shown(arg.type)}'")
            return BOOL
        result: Type | None = None
        wanted = [arg.type for arg in args]
        matched: list[Overload] = []
        for overload in overloads:
            if overload.member != member or len(overload.params) != len(wanted):
                continue
            fresh = self._instantiate(overload)
            attempt = Bindings(self.bindings)
            if not all(map(attempt.assignable, wanted, fresh.resolve_all(overload.params))):
                continue
            self.bindings = attempt
            matched.append(overload)
            of = attempt.resolve(fresh.resolve(overload.result))
            if result is None:
                result = of
            elif result.kind != "dyn" and of != result:
                result = DYN
        if result is None:
            shown = [self._shown(of) for of in wanted]
            on = f"{shown.pop(0)}." if member else ""
            self.report(
                node.offset,
                f"found no matching overload for '{node.function}' applied to '{on}({', '.join(shown)})'",
            )
            return ERROR
        node.overloads = matched
        return result

    def _instantiate(self, overload: Overload) -> _Fresh:
        return _Fresh({name: self.variable() for name in overload.type_params})

    def _shown(self, of: Type) -> str:
        return str(self.bindings.resolve(of, to_dyn=True))

    def _list(self, node: ListExpr) -> Type:
        item: Type | None = None
        for index, element in enumerate(node.elements):
            of = self._visit(element)
            if index in node.optional:
                of = self._unwrapped(element, of)
            item = self._joined(item, of)
        return types.list_of(self.variable() if item is None else item)

    def _map(self, node: MapExpr) -> Type:
        key_type: Type | None = None
        value_type: Type | None = None
        for entry in node.entries:
            key_type = self._joined(key_type, self._visit(entry.key))
            of = self._visit(entry.value)
            if entry.optional:
                of = self._unwrapped(entry.value, of)
            value_type = self._joined(value_type, of)
        if key_type is None or value_type is None:
            return types.map_of(self.variable(), self.variable())
        return types.map_of(key_type, value_type)

    def _unwrapped(self, node: Expr, of: Type) -> Type:
        if of.kind == "opaque" and of.name == "optional_type":
            return of.params[0]
        if of.kind != "dyn":
            self.report(
                node.offset,
                f"expected type '{self._shown(types.optional_of(of))}' but found '{self._shown(of)}'",
            )
        return of

    def _joined(self, previous: Type | None, current: Type) -> Type:
        if previous is None:
            return current
        # What differs is dyn here, and refused afterwards: format() takes lists of anything.
        return _most_general(previous, current) if self.agree(previous, current) else DYN

    def _struct(self, node: Struct) -> Type:
        of = self.structs.get(node.name.removeprefix("."))
        if of is None:
            self.report(node.offset, f"undeclared reference to '{node.name}' (in container '')")
        for entry in node.entries:
            self._struct_field(of, entry)
        return ERROR if of is None else of

    def _struct_field(self, of: Type | None, entry: Entry) -> None:
        value = self._visit(entry.value)
        if entry.optional:
            value = self._unwrapped(entry.value, value)
        if of is None:
            return
        declared = (of.fields or {}).get(entry.key)
        if declared is None:
            self.report(entry.offset, f"undefined field '{entry.key}'")
        elif not self.agree(declared.type, value):
            self.report(
                entry.offset,
                f"expected type of field '{entry.key}' is '{declared.type}' "
                f"but provided type is '{self._shown(value)}'",
            )

    def _comprehension(self, node: Comprehension) -> Type:
        self._visit(node.range)
        accu = self._visit(node.init)
        of = self.bindings.resolve(node.range.type)
        var, var2 = self._loop_types(node, of)
        self.scopes.append({node.accu: accu})
        self.scopes.append({node.var: var, node.var2: var2} if node.var2 else {node.var: var})
        self._visit(node.condition)
        self._must(node.condition, BOOL)
        self._visit(node.step)
        self._must(node.step, accu)
        self.scopes.pop()
        result = self._visit(node.result)
        self.scopes.pop()
        return self.bindings.resolve(result)

    def _loop_types(self, node: Comprehension, of: Type) -> tuple[Type, Type]:
        if of.kind == "list":
            return (INT, of.params[0]) if node.var2 else (of.params[0], of.params[0])
        if of.kind == "map":
            return of.params[0], of.params[1]
        if of.kind in ("dyn", "error", "param"):
            self.agree(DYN, of)
            return DYN, DYN
        text = f"expression of type '{of}' cannot be range of a comprehension (must be list, map, or dynamic)"
        self.report(node.range.offset, text)
        return ERROR, ERROR

    def _must(self, node: Expr, of: Type) -> None:
        if not self.agree(of, node.type):
            self.report(
                node.offset, f"expected type '{self._shown(of)}' but found '{self._shown(node.type)}'"
            )


class _Fresh(Bindings):
    """The parameters of one overload, renamed for one call."""

    def resolve_all(self, of: Iterable[Type]) -> list[Type]:
        return [self.resolve(t) for t in of] if self else list(of)


def _qualified(node: Expr) -> str:
    """`a.b.c` of a chain of plain selections, else ""."""
    names: list[str] = []
    while isinstance(node, Select) and not node.test_only:
        names.append(node.field)
        node = node.operand
    if not isinstance(node, Ident):
        return ""
    names.append(node.name)
    return ".".join(reversed(names))


_VISITORS: dict[type, Any] = {
    Literal: Checker._literal,
    Ident: Checker._ident,
    Select: Checker._select,
    Call: Checker._call,
    ListExpr: Checker._list,
    MapExpr: Checker._map,
    Struct: Checker._struct,
    Comprehension: Checker._comprehension,
}
