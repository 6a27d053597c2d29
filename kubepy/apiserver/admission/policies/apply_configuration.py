"""Apply configurations as mutating policies make them: merged into the object by the rules of server-side apply, though
nobody owns anything afterwards.

What is changed as a whole may not be in one: who says some fields of it would take the others away unknowingly.

Differs: a plain map that stands for an item of a list (`[{"name": "c"}]`) is taken, which upstream's merge does not
know for a map; texts and times that are no strings in Go are strings here.

Source: apiserver pkg/admission/plugin/policy/mutating/patch/smd.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubepy.api import cel, celpolicies
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.api.schemaconv import Types
from kubepy.api.typed import Items, Map, Type, Whole


class ApplyError(Exception):
    """The configuration cannot be merged."""


class Merger:
    """Knows the types of all kinds; makes them when they are first needed."""

    def __init__(self, schemas: Schemas) -> None:
        self._types = Types(schemas)
        self._custom: dict[str, tuple[Resource, Type]] = {}

    def merged(self, resource: Resource, obj: Obj, configuration: Obj) -> Obj:
        """`configuration` is as CEL made it, without a kind: that is the object's. Raises ApplyError, NotJSON."""
        type_ = self._type(resource)
        if found := list(_foreign(type_, configuration, "")):
            raise ApplyError(f"failed to convert patch object to typed object: {_listed(found)}")
        configuration = celpolicies.to_json(configuration)
        configuration = configuration | {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
        found = [f"{at}: {why}" if at else why for at, why in type_.complaints(configuration, "")]
        if found:
            raise ApplyError(f"failed to convert patch object to typed object: {_listed(found)}")
        if atomics := list(_atomics(type_, configuration, "")):
            raise ApplyError(
                "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
                + ", ".join(atomics)
            )
        merged: Obj = type_.merge(obj, configuration)
        return merged

    def _type(self, resource: Resource) -> Type:
        if not resource.custom:
            return self._types.of(resource.schema)
        key = f"{resource.group_resource}/{resource.version}"
        known = self._custom.get(key)
        # Another definition is another row.
        if known is None or known[0] is not resource:
            made = self._types.custom(resource.own.schema.openapi if resource.own is not None else None)
            known = self._custom[key] = resource, made
        return known[1]


def _listed(found: list[str]) -> str:
    return found[0] if len(found) == 1 else "errors:\n" + "\n".join(f"  {line}" for line in found)


def _foreign(type_: Type, value: Any, path: str) -> Iterator[str]:
    """Values that Go's merge does not take: null, which removes nothing, and unsigned numbers."""
    inner = type_.inner if type(type_) is Type and type_.inner is not None else type_
    if value is None or type(value) is cel.Uint:
        yield f"{path}: {_expected(inner, value)}"
    elif isinstance(value, dict) and isinstance(inner, Map):
        for name, item in value.items():
            if (field := inner.declared(name)) is not None:
                yield from _foreign(field, item, f"{path}.{name}")
    elif isinstance(value, list) and isinstance(inner, Items | Whole):
        for index, item in enumerate(value):
            yield from _foreign(inner.element, item, f"{path}[{index}]")


def _expected(type_: Type, value: Any) -> str:
    shown = "NULL_VALUE" if value is None else str(int(value))
    if isinstance(type_, Map):
        return f"expected map, got &{{{shown}}}"
    if isinstance(type_, Items | Whole):
        return f"expected list, got &{{{shown}}}"
    if type_.scalar == "numeric":
        got = "structpb.NullValue" if value is None else "uint64"
        return f"expected numeric (int or float), got {got}"
    if type_.scalar == "string":
        literal = "0" if value is None else hex(value)
        return f"expected string, got &value.valueUnstructured{{Value:{literal}}}"
    return f"expected {'boolean' if type_.scalar == 'boolean' else 'any scalar'}, got &{{{shown}}}"


def _atomics(type_: Type, value: Any, path: str) -> Iterator[str]:
    """Paths of what is changed as a whole; what is inside is looked at all the same, as upstream does."""
    is_atomic = type(type_) is Type
    inner = type_.inner if is_atomic and type_.inner is not None else type_
    if isinstance(value, dict) and isinstance(inner, Map):
        if is_atomic:
            yield path
        for name, item in value.items():
            if (field := inner.field(name)) is not None:
                yield from _atomics(field, item, f"{path}.{name}")
    elif isinstance(value, list) and isinstance(inner, Items | Whole):
        if is_atomic:
            yield path
        for index, item in enumerate(value):
            yield from _atomics(inner.element, item, f"{path}[{index}]")
