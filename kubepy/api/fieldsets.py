"""Sets of fields of an object: who manages what.

A set is kept as it is written, the JSON of fieldsV1: a dict from path elements to the set below each. Nothing is parsed
to compare two, and nothing is built to encode one:

    {"f:spec": {"f:replicas": {}, "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': {"f:name": {}}}}}

A path element is `f:<field>`, `k:<keys of a list item as JSON>`, `v:<item of a set as JSON>` or `i:<index>`. A path is
in the set if its node is empty or has ".": above, spec.replicas and spec.ports are, spec is not. The root is no path:
the empty dict is the empty set.

All functions are pure: arguments are read-only and results may share parts with them. What comes out is in upstream's
order (fields by name, list items by their keys) if what went in was.

Source: sigs.k8s.io/structured-merge-diff fieldpath/{set,serialize,serialize-pe,element}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import orjson

FieldSet = dict[str, Any]
Path = tuple[str, ...]

SELF = "."


def is_member(node: FieldSet) -> bool:
    """Whether the path that leads to this node is in the set."""
    return not node or SELF in node


def of(paths: Iterable[Path]) -> FieldSet:
    """The set of these paths: of([("f:spec", "f:replicas")])."""
    result: FieldSet = {}
    for path in paths:
        node: FieldSet = {}
        for element in reversed(path):
            node = {element: node}
        result = union(result, node)
    return result


def union(a: FieldSet, b: FieldSet) -> FieldSet:
    if not a or not b:
        return a or b
    return _union(a, b)


def _union(a: FieldSet, b: FieldSet) -> FieldSet:
    """Of two nodes that are not empty."""
    result = a
    has_grown = False
    for element, theirs in b.items():
        mine = a.get(element)
        if mine is None:
            node, has_grown = theirs, True
        elif mine is theirs or mine == theirs:
            continue
        elif not mine:
            node = theirs if SELF in theirs else {SELF: {}, **theirs}
        elif not theirs:
            if SELF in mine:
                continue
            node = {SELF: {}, **mine}
        else:
            node = _union(mine, theirs)
        if result is a:
            result = dict(a)
        result[element] = node
    return ordered(result) if has_grown else result


def difference(a: FieldSet, b: FieldSet) -> FieldSet:
    """The paths of `a` that are not in `b`. A path in `b` says nothing of the paths below it."""
    if not a or not b:
        return a
    return _difference(a, b) or {}


def _difference(a: FieldSet, b: FieldSet) -> FieldSet | None:
    """Of two nodes; None if nothing is left, not even the node."""
    if not a:
        return None if is_member(b) else a
    return _less(a, b, _difference_at) if b else _without_self(a)


def _difference_at(element: str, mine: FieldSet, theirs: FieldSet) -> FieldSet | None:
    return None if element == SELF else _difference(mine, theirs)


def _without_self(node: FieldSet) -> FieldSet | None:
    if SELF not in node:
        return node
    return {element: child for element, child in node.items() if element != SELF} or None


def _canonical(node: FieldSet) -> FieldSet | None:
    """A node made of what was left: None for nothing, {} for itself alone."""
    if not node:
        return None
    return {} if len(node) == 1 and SELF in node else node


def without(a: FieldSet, b: FieldSet) -> FieldSet:
    """The paths of `a` that are neither in `b` nor below a path in `b`. Source: Set.RecursiveDifference."""
    if not a or not b:
        return a
    return _less(a, b, _without_at) or {}


def _without_at(element: str, mine: FieldSet, theirs: FieldSet) -> FieldSet | None:
    if element == SELF:
        return mine
    if is_member(theirs):
        return None
    return _less(mine, theirs, _without_at) if mine else mine


def _less(
    a: FieldSet, b: FieldSet, left_at: Callable[[str, FieldSet, FieldSet], FieldSet | None]
) -> FieldSet | None:
    """A node with each element that `b` has, too, replaced by what is left of it; None if nothing is left at all."""
    result = a
    for element, theirs in b.items():
        mine = a.get(element)
        if mine is None:
            continue
        left = left_at(element, mine, theirs)
        if left is mine:
            continue
        if result is a:
            result = dict(a)
        if left is None:
            del result[element]
        else:
            result[element] = left
    return result if result is a else _canonical(result)


def intersection(a: FieldSet, b: FieldSet) -> FieldSet:
    if not a or not b:
        return {}
    return _intersection(a, b, is_shared=False) or {}


def _intersection(a: FieldSet, b: FieldSet, *, is_shared: bool) -> FieldSet | None:
    result: FieldSet = {SELF: {}} if is_shared else {}
    for element, mine in a.items():
        theirs = b.get(element)
        if theirs is None or element == SELF:
            continue
        both = _intersection(mine, theirs, is_shared=is_member(mine) and is_member(theirs))
        if both is not None:
            result[element] = both
    return _canonical(result)


def has(a: FieldSet, path: Path) -> bool:
    for element in path:
        node = a.get(element)
        if node is None:
            return False
        a = node
    return bool(path) and is_member(a)


def paths(a: FieldSet, prefix: Path = ()) -> Iterator[Path]:
    """Every path, at each level those that end there before those that go on, as upstream lists them."""
    for element, node in a.items():
        if element != SELF and is_member(node):
            yield (*prefix, element)
    for element, node in a.items():
        if element != SELF and node:
            yield from paths(node, (*prefix, element))


def text(path: Path) -> str:
    """As errors show it: .spec.template.spec.containers[name="web"].image"""
    return "".join(map(element_text, path))


def element_text(element: str) -> str:
    kind, rest = element[:2], element[2:]
    if kind == "f:":
        return f".{rest}"
    if kind == "k:":
        return "[" + ",".join(f"{name}={_shown(value)}" for name, value in orjson.loads(rest).items()) + "]"
    return f"[={_shown(orjson.loads(rest))}]" if kind == "v:" else f"[{rest}]"


def _shown(value: Any) -> str:
    """Source: structured-merge-diff value.ToString."""
    if isinstance(value, dict):
        return "".join(f"{name}={_shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return f"[{','.join(map(_shown, value))}]"
    return orjson.dumps(value).decode()


# -- path elements ---------------------------------------------------------------------------------------------


def key_element(keys: dict[str, Any]) -> str:
    """For a list item, by its keys, which are sorted by name."""
    return "k:" + _json({name: _number(value) for name, value in keys.items()})


@lru_cache(maxsize=8192)
def named_element(key: str, value: str) -> str:
    """For a list item with one key, a text: names come again and again."""
    return key_element({key: value})


def value_element(value: Any) -> str:
    """For an item of a set."""
    return "v:" + _json(_number(value))


def _number(value: Any) -> Any:
    """Go writes 2.0 as 2, and what is no int64 with an exponent."""
    return int(value) if value.__class__ is float and value.is_integer() and abs(value) < 1 << 63 else value


def _json(value: Any) -> str:
    encoded = orjson.dumps(value).decode()
    # Go's encoder spares browsers these.
    if "<" in encoded or ">" in encoded or "&" in encoded:
        encoded = encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return encoded


def ordered(node: FieldSet) -> FieldSet:
    """The node with its elements in order; what is below them stays as it is."""
    elements = sorted_elements(node)
    return {element: node[element] for element in elements}


def sorted_elements(elements: Iterable[str]) -> list[str]:
    """`.` and fields sort as text, keys and values by what they mean: port 80 before port 443."""
    found = sorted(elements)
    if len(found) > 1 and found[-1][0] in "kvi":
        found.sort(key=_rank)
    return found


@lru_cache(maxsize=4096)
def _rank(element: str) -> tuple[Any, ...]:
    kind = element[:2]
    if kind == "k:":
        return (2, *((name, *_value_rank(value)) for name, value in orjson.loads(element[2:]).items()))
    if kind == "v:":
        return (3, _value_rank(orjson.loads(element[2:])))
    if kind == "i:":
        return (4, int(element[2:]))
    return (0 if element == SELF else 1, element)


def _value_rank(value: Any) -> tuple[int, Any]:
    """Source: value.Compare: numbers, strings, booleans."""
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, (int, float)):
        return 0, value
    return (1, value) if isinstance(value, str) else (3, _shown(value))


def parse(fields: Any) -> FieldSet:
    """A fieldsV1 that a client wrote -> a set: spelled our way, sorted, without kinds of elements that nobody knows.

    Raises ValueError.
    """
    if not isinstance(fields, dict):
        raise ValueError("fieldsV1 is no object")
    result: FieldSet = {}
    for element, below in fields.items():
        if element == SELF:
            result[SELF] = {}
            continue
        known = _parse_element(element)
        if known is None:
            continue
        node = parse(below)
        earlier = result.get(known)
        result[known] = node if earlier is None else _union(earlier or {SELF: {}}, node or {SELF: {}})
    return ordered(_canonical(result) or {})


def _parse_element(element: str) -> str | None:
    """None for an element of another kind than we know. Raises ValueError."""
    if len(element) < 2:
        raise ValueError("key must be 2 characters long:")
    if element[1] != ":":
        raise ValueError(f"missing colon: {element}")
    kind, rest = element[0], element[2:]
    if kind == "f":
        return element
    if kind == "i":
        return f"i:{int(rest)}"
    if kind == "v":
        return value_element(orjson.loads(rest))
    if kind == "k":
        keys = orjson.loads(rest)
        if not isinstance(keys, dict):
            raise ValueError(f"keys of a list item are no object: {element}")
        return key_element(dict(sorted(keys.items())))
    return None
