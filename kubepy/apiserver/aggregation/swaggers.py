"""Another server's OpenAPI v2 document, merged into ours: its paths of one group version and the definitions they need.

A definition that we have under the same name is shared if it is the same, else the other's gets a name of its own.

Source: kube-openapi pkg/aggregator/aggregator.go (FilterSpecByPaths,
MergeSpecsIgnorePathConflictRenamingDefinitionsAndParameters).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubepy.api.objects import Obj

_REF = "#/definitions/"


def merge(document: Obj, other: Obj, root: str) -> None:
    """Into `document`, in place; `other` is shared and stays as it is. root: "/apis/metrics.k8s.io/v1beta1"."""
    wanted = {
        path: item
        for path, item in (other.get("paths") or {}).items()
        if path.startswith(f"{root}/") and path not in document["paths"]
    }
    definitions = other.get("definitions") or {}
    reached = _reached(wanted, definitions)
    own = document.setdefault("definitions", {})
    names = {name: _name(name, definitions[name], own) for name in reached}
    document["paths"] |= {path: _renamed(item, names) for path, item in wanted.items()}
    for name, new_name in names.items():
        if new_name not in own:
            own[new_name] = _renamed(definitions[name], names)


def _reached(paths: Obj, definitions: Obj) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in found and name in definitions:
            found[name] = None
            waiting.extend(_references(definitions[name]))
    return list(found)


def _references(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            reference = one.get("$ref")
            if isinstance(reference, str) and reference.startswith(_REF):
                yield reference.removeprefix(_REF)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _name(name: str, definition: Obj, own: Obj) -> str:
    candidate, number = name, 1
    while candidate in own and own[candidate] != definition:
        number += 1
        candidate = f"{name}_v{number}"
    return candidate


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """A copy that refers to the new names."""
    if isinstance(value, dict):
        return {
            key: _REF + names.get(inner.removeprefix(_REF), inner.removeprefix(_REF))
            if key == "$ref" and isinstance(inner, str) and inner.startswith(_REF)
            else _renamed(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return value
