"""Field sets that were written under another schema, put right: what has become one value is owned as one, what was one
and has become many is owned field by field.

Only granular -> atomic and back are known; fields that are in no schema any more stay as they are.

Source: sigs.k8s.io/structured-merge-diff typed/reconcile_schema.go.
"""

from __future__ import annotations

from typing import Any

from kubepy.api import fieldsets
from kubepy.api.fieldsets import FieldSet
from kubepy.api.typed import Deduced, Items, Map, Type


def reconciled(type_: Type, fields: FieldSet, obj: Any) -> FieldSet:
    """`fields` itself if there is nothing to do. `obj` is as it is now, in the version of `fields`."""
    return _Walk(type_, obj).below(type_, fields, ())


class _Walk:
    def __init__(self, root: Type, obj: Any) -> None:
        self._root, self._obj = root, obj
        self._all: FieldSet | None = None  # of obj, once somebody asks

    def below(self, type_: Type, fields: FieldSet, path: fieldsets.Path) -> FieldSet:
        """What is in the set below a node that is tracked field by field."""
        changed: FieldSet = {}
        for element, node in fields.items():
            if element == fieldsets.SELF:
                continue
            child = _child(type_, element)
            if child is None:
                continue
            now = self._node(child, node, (*path, element))
            if now is not node:
                changed[element] = now
        return {**fields, **changed} if changed else fields

    def _node(self, type_: Type, node: FieldSet, path: fieldsets.Path) -> FieldSet:
        is_leaf = not node or list(node) == [fieldsets.SELF]
        if isinstance(type_, Map | Items):
            if is_leaf:
                there = self._there(path)
                return {fieldsets.SELF: {}, **there} if there else node
            return self.below(type_, node, path)
        return node if is_leaf or isinstance(type_, Deduced) else {}

    def _there(self, path: fieldsets.Path) -> FieldSet:
        """What the object has at that place."""
        if self._all is None:
            self._all = self._root.fields(self._obj) or {}
        node = self._all
        for element in path:
            node = node.get(element) or {}
        return {element: below for element, below in node.items() if element != fieldsets.SELF}


def _child(type_: Type, element: str) -> Type | None:
    if isinstance(type_, Map):
        return type_.declared(element[2:]) if element.startswith("f:") else None
    return type_.element if isinstance(type_, Items) else None
