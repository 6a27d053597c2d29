"""Another server's OpenAPI v2 document, merged into ours: its paths of one group version, and the definitions and
parameters they need.

What we have under the same name is shared if it is the same, else the other's gets a name of its own.

Source: kube-openapi pkg/aggregator/aggregator.go (FilterSpecByPaths,
MergeSpecsIgnorePathConflictRenamingDefinitionsAndParameters).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubepy.api.objects import Obj

_REFERENCES = ("#/definitions/", "#/parameters/")


def merge(document: Obj, other: Obj, root: str) -> None:
    """Into `document`, in place; `other` is shared and stays as it is. root: "/apis/metrics.k8s.io/v1beta1"."""
    wanted = {
        path: item
        for path, item in (other.get("paths") or {}).items()
        if path.startswith(f"{root}/") and path not in document["paths"]
    }
    reached = _reached(wanted, other)
    names = {}
    for reference, found in reached.items():
        section, name = _parts(reference)
        names[reference] = f"#/{section}/{_name(name, found, document.setdefault(section, {}))}"
    document["paths"] |= {path: _renamed(item, names) for path, item in wanted.items()}
    for reference, found in reached.items():
        section, name = _parts(names[reference])
        if name not in document[section]:
            document[section][name] = _renamed(found, names)


def _parts(reference: str) -> tuple[str, str]:
    """ "#/definitions/io.k8s.Pod" -> ("definitions", "io.k8s.Pod")."""
    _, section, name = reference.split("/", 2)
    return section, name


def _reached(paths: Obj, other: Obj) -> dict[str, Obj]:
    """Reference -> what it is to."""
    found: dict[str, Obj] = {}
    waiting = list(_references(paths))
    while waiting:
        reference = waiting.pop()
        if reference in found:
            continue
        section, name = _parts(reference)
        target = (other.get(section) or {}).get(name)
        if target is not None:
            found[reference] = target
            waiting.extend(_references(target))
    return found


def _references(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            reference = one.get("$ref")
            if isinstance(reference, str) and reference.startswith(_REFERENCES):
                yield reference
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _name(name: str, target: Obj, own: Obj) -> str:
    candidate, number = name, 1
    while candidate in own and own[candidate] != target:
        number += 1
        candidate = f"{name}_v{number}"
    return candidate


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """A copy that refers to the new names."""
    if isinstance(value, dict):
        return {
            key: names.get(inner, inner)
            if key == "$ref" and isinstance(inner, str)
            else _renamed(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return value
