"""Field sets that were written under another schema, put right: what has become one value is owned as one.

Only granular -> atomic is known. What was one value and has become many is taken as if it had always been many, and
fields that are in no schema any more stay as they are.

Source: sigs.k8s.io/structured-merge-diff typed/reconcile_schema.go.
"""

from __future__ import annotations

from kubepy.api import fieldsets
from kubepy.api.fieldsets import FieldSet
from kubepy.api.typed import Deduced, Items, Map, Type


def reconciled(type_: Type, fields: FieldSet) -> FieldSet:
    """`fields` itself if there is nothing to do."""
    changed: FieldSet = {}
    for element, node in fields.items():
        if element == fieldsets.SELF:
            continue
        child = _child(type_, element)
        if child is None:
            continue
        now = _node(child, node)
        if now is not node:
            changed[element] = now
    return {**fields, **changed} if changed else fields


def _node(type_: Type, node: FieldSet) -> FieldSet:
    is_leaf = not node or list(node) == [fieldsets.SELF]
    if is_leaf or isinstance(type_, Deduced):
        return node
    return reconciled(type_, node) if isinstance(type_, Map | Items) else {}


def _child(type_: Type, element: str) -> Type | None:
    if isinstance(type_, Map):
        return type_.declared(element[2:]) if element.startswith("f:") else None
    return type_.element if isinstance(type_, Items) else None
