"""Another server's OpenAPI v2 document, merged into ours: its paths of one group version, and the definitions and
parameters they need.

What we have under the same name is shared if it is the same (but for the kinds it names, which are joined), else the
other's gets a name of its own.

Source: kube-openapi pkg/aggregator/aggregator.go (FilterSpecByPaths,
MergeSpecsIgnorePathConflictRenamingDefinitionsAndParameters).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubepy.api.objects import Obj

_KINDS = "x-kubernetes-group-version-kind"
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
        own = document[section].get(name)
        if own is None:
            document[section][name] = _renamed(found, names)
        elif kinds := _kinds_of_both(own, found):
            document[section][name] = own | {_KINDS: kinds}


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
    while candidate in own and not _is_same(own[candidate], target):
        number += 1
        candidate = f"{name}_v{number}"
    return candidate


def _is_same(one: Obj, other: Obj) -> bool:
    """But for the kinds that take it as their own: meta's options have all those of a server."""
    return one == other or (one | {_KINDS: None}) == (other | {_KINDS: None})


def _kinds_of_both(own: Obj, other: Obj) -> list[Obj] | None:
    """Sorted; None if there is nothing new. Source: mergedGVKs."""
    ours, theirs = own.get(_KINDS) or [], other.get(_KINDS) or []
    new = [kind for kind in theirs if kind not in ours]
    return sorted((*ours, *new), key=_kind_key) if new else None


def _kind_key(kind: Obj) -> str:
    return f"{kind.get('group', '')}/{kind.get('version', '')}.{kind.get('kind', '')}"


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
