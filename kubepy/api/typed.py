"""How the fields of a kind are tracked and merged: which lists are sets, which have keys, what is changed as a whole.

schemaconv.py compiles the definitions of a Kubernetes version (or the schema of a custom resource) into a tree of
`Type`s. A Type looks at values of one place in an object:

    added      every path in a value that was not there before
    compare    what is different between two values: (added or modified paths, removed paths)
    fields     the paths that a configuration speaks of
    merge      a configuration into what is there; nothing is ever removed
    remove     a value without the paths of a set
    named      a set with the fields on the way to its paths
    complaints what of a configuration does not fit

Two differences that look like mistakes are upstream's, and ownership depends on them: `added` has the way to each path
(a new list is a path of its own, and so are its items), `fields` has only where it ends (and items of lists).

A null in a configuration fits everywhere and merges like what is empty. Lists with keys and sets may hold an item
twice in what is stored (`compare`, `added`), not in a configuration (`complaints`).

Nodes are those of fieldsets; None is "not even the path itself". Arguments are read-only and results share with them.

Source: sigs.k8s.io/structured-merge-diff typed/*.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from kubepy.api import fieldsets
from kubepy.api.fieldsets import SELF, FieldSet, is_member

Node = FieldSet | None
Difference = tuple[Node, Node]

NUMERIC, STRING, BOOLEAN, ANY = "numeric", "string", "boolean", "untyped"


class Type:
    """A place whose value is changed as a whole: a scalar, or whatever the schema calls atomic."""

    __slots__ = ("inner", "scalar")

    def __init__(self, scalar: str = "", inner: Type | None = None) -> None:
        self.scalar = scalar  # what kind of scalar fits, "" for none
        self.inner = inner  # what a map or list must look like inside, though it is tracked as a whole

    def added(self, value: Any) -> FieldSet:
        return {}

    def compare(self, old: Any, new: Any) -> Difference:
        """Both are there, and they are not equal."""
        return {}, None

    def fields(self, value: Any) -> Node:
        return {}

    def merge(self, old: Any, new: Any) -> Any:
        return new

    def remove(self, value: Any, gone: FieldSet) -> Any:
        return None if isinstance(value, (dict, list)) else value

    def named(self, node: FieldSet) -> FieldSet:
        return node

    def complaints(self, value: Any, at: str) -> Iterator[tuple[str, str]]:
        """(path, what is wrong)."""
        if value is None:
            return
        if self.inner is not None and (not self.scalar or isinstance(value, (dict, list))):
            yield from self.inner.complaints(value, at)
        elif why := _unfit(self.scalar, value):
            yield at, why


def _unfit(scalar: str, value: Any) -> str:
    if scalar == NUMERIC:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "" if fits else f"expected numeric (int or float), got {_go_type(value)}"
    if scalar == STRING:
        return "" if isinstance(value, str) else f"expected string, got {_go_value(value)}"
    if scalar == BOOLEAN:
        return "" if isinstance(value, bool) else f"expected boolean, got &{{{_go_text(value)}}}"
    if scalar == ANY and isinstance(value, (dict, list)):
        return f"expected any scalar, got &{{{_go_text(value)}}}"
    return ""


_SHAPES_MAX = 256


class Map(Type):
    """A struct or a map whose fields are tracked one by one."""

    __slots__ = ("_declared", "_deep", "_shapes", "element", "has_names")

    def __init__(self, element: Type | None) -> None:
        super().__init__()
        self.element = element  # of keys that are not declared; None if there must be none
        self.has_names = False
        self._declared: dict[str, Type] = {}
        self._deep: dict[str, Type] = {}  # of those, the ones with paths below
        # What `added` gives for structs with just these fields: (node, what is to be put into a copy of it). Most
        # objects of a kind look alike.
        self._shapes: dict[tuple[str, ...], tuple[FieldSet, tuple[tuple[str, str, Type], ...]]] = {}

    def declare(self, fields: Mapping[str, Type]) -> None:
        self._declared.update(fields)
        self._deep = {name: type_ for name, type_ in self._declared.items() if type(type_) is not Type}
        self.has_names = bool(self._declared)

    def of(self, name: str) -> Type:
        """What is at a field; what nobody declared is anything."""
        return self._declared.get(name) or self.element or ANYTHING

    def field(self, name: str) -> Type | None:
        """What a field is that the schema names, None for any other."""
        return self._declared.get(name)

    def declared(self, name: str) -> Type | None:
        """What the schema says of a field, None for nothing."""
        return self._declared.get(name) or self.element

    def _below(self, name: str) -> Type | None:
        """The type of a field that has paths below, None if it is changed as a whole."""
        if self.has_names and (name in self._declared or self.element is None):
            return self._deep.get(name)
        element = self.element
        return None if type(element) is Type else element

    def added(self, value: Any) -> FieldSet:
        # What is no map is about to be refused.
        if not value or value.__class__ is not dict:
            return {}
        names = tuple(value)
        node, deep = self._shapes.get(names) or self._shape(names)
        if not deep:
            return node
        node = node.copy()
        for name, element, below in deep:
            node[element] = below.added(value[name])
        return node

    def _shape(self, names: tuple[str, ...]) -> tuple[FieldSet, tuple[tuple[str, str, Type], ...]]:
        node: FieldSet = {SELF: {}}
        deep = []
        for name in sorted(names):
            element = f"f:{name}"
            node[element] = {}
            if (below := self._below(name)) is not None:
                deep.append((name, element, below))
        shape = node, tuple(deep)
        # The keys of maps are endless, the fields of structs are not.
        if self.element is None and len(self._shapes) < _SHAPES_MAX:
            self._shapes[names] = shape
        return shape

    def compare(self, old: Any, new: Any) -> Difference:
        if not old and not new:
            return {}, None
        old = old if old.__class__ is dict else {}
        new = new if new.__class__ is dict else {}
        names = []
        left = len(old)
        for name, value in new.items():
            if name not in old:
                names.append(name)
                continue
            left -= 1
            before = old[name]
            # Objects share what a write has not touched: nobody need look into that.
            if before is not value and before != value:
                names.append(name)
        if len(names) > 1:
            names.sort()
        below_of = self._deep.get if self.element is None else self._below
        changed: FieldSet = {}
        removed: FieldSet = {}
        for name in names:
            below = below_of(name)
            if below is None:
                changed[f"f:{name}"] = {}
            elif name in old:
                _keep(f"f:{name}", below.compare(old[name], new[name]), changed, removed)
            else:
                changed[f"f:{name}"] = below.added(new[name])
        if left:
            for name in old:
                if name not in new:
                    below = below_of(name)
                    removed[f"f:{name}"] = {} if below is None else below.added(old[name])
            removed = fieldsets.ordered(removed)
        return changed or None, removed or None

    def fields(self, value: Any) -> Node:
        node: FieldSet = {}
        for name in sorted(value or ()):
            item = value[name]
            below = self.of(name).fields(item)
            if item is None or item == {}:
                below = {}
            elif name not in self._declared:
                below = _with_self(below)
            if below is not None:
                node[f"f:{name}"] = below
        return node or None

    def merge(self, old: Any, new: Any) -> Any:
        if not new:
            return old or new
        if not old:
            return new
        merged = dict(old)
        for name, value in new.items():
            merged[name] = self.of(name).merge(old[name], value) if name in old else value
        return merged

    def remove(self, value: Any, gone: FieldSet) -> Any:
        left = {}
        for name, item in (value or {}).items():
            node = gone.get(f"f:{name}")
            if node is None:
                left[name] = item
            elif not is_member(node):
                left[name] = _or_empty(self.of(name).remove(item, node), item)
        return left or None

    def named(self, node: FieldSet) -> FieldSet:
        found: FieldSet = {}
        for element, below in node.items():
            if below and element.startswith("f:"):
                name = element[2:]
                below = self.of(name).named(below)
                if name in self._declared and SELF not in below:
                    below = {SELF: {}, **below}
            found[element] = below
        return found

    def complaints(self, value: Any, at: str) -> Iterator[tuple[str, str]]:
        if value is None:
            return
        if not isinstance(value, dict):
            yield at, f"expected map, got &{{{_go_text(value)}}}"
            return
        for name, item in value.items():
            type_ = self._declared.get(name) or self.element
            if type_ is None:
                yield f"{at}.{name}", "field not declared in schema"
                # Upstream looks no further in this map.
                return
            yield from type_.complaints(item, f"{at}.{name}")


class Items(Type):
    """A list whose items are tracked one by one: with keys, or as a set of scalars."""

    __slots__ = ("_defaults", "_keys", "_only_key", "element")

    def __init__(self, element: Type, keys: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.element = element
        self._keys = tuple(sorted(keys or ()))  # () for a set
        self._only_key = self._keys[0] if len(self._keys) == 1 else ""
        self._defaults = dict(keys or {})  # what an absent key stands for, None for nothing

    def element_of(self, item: Any) -> str:
        """The path element of an item. Raises ValueError for one that can have none."""
        if not self._keys:
            if isinstance(item, dict):
                raise ValueError("associative list without keys has an element that's a map type")
            if isinstance(item, list):
                raise ValueError("not supported: associative list with lists as elements")
            if item is None:
                raise ValueError("associative list without keys has an element that's an explicit null")
            return fieldsets.value_element(item)
        if item is None:
            raise ValueError("associative list with keys may not have a null element")
        if not isinstance(item, dict):
            raise ValueError("associative list with keys may not have non-map elements")
        if self._only_key and isinstance(value := item.get(self._only_key), str):
            return fieldsets.named_element(self._only_key, value)
        found = {}
        for key in self._keys:
            value = item.get(key, self._defaults[key])
            if value is not None or key in item:
                found[key] = value
        if not found:
            names = " ".join(map(_quoted, self._defaults))
            raise ValueError(
                f"associative list with keys has an element that omits all key fields [{names}] "
                "(and doesn't have default values for any key fields)"
            )
        return fieldsets.key_element(found)

    def _index(self, items: Any) -> dict[str, list[Any]]:
        """Raises ValueError for what is no list, and is about to be refused."""
        found: dict[str, list[Any]] = {}
        if items and items.__class__ is not list:
            raise ValueError(f"expected list, got {_go_value(items)}")
        only = self._only_key
        for item in items or ():
            if only and item.__class__ is dict and (name := item.get(only)).__class__ is str:
                element = fieldsets.named_element(only, name)
            else:
                element = self.element_of(item)
            if element in found:
                found[element].append(item)
            else:
                found[element] = [item]
        return found

    def added(self, value: Any) -> FieldSet:
        if not value:
            return {}
        index = self._index(value)
        node: FieldSet = {SELF: {}}
        below = self.element
        for element in index if len(index) == 1 else fieldsets.sorted_elements(index):
            items = index[element]
            node[element] = below.added(items[0]) if len(items) == 1 else {}
        return node

    def compare(self, old: Any, new: Any) -> Difference:
        if not old and not new:
            return {}, None
        before, after = self._index(old), self._index(new)
        changed: FieldSet = {}
        removed: FieldSet = {}
        for element in fieldsets.sorted_elements(before.keys() | after.keys()):
            left, right = before.get(element, ()), after.get(element, ())
            if left != right:
                self._compare_items(element, left, right, changed, removed)
        return changed or None, removed or None

    def _compare_items(
        self, element: str, left: Any, right: Any, changed: FieldSet, removed: FieldSet
    ) -> None:
        if len(left) <= 1 and len(right) <= 1:
            if not left:
                changed[element] = self.element.added(right[0])
            elif not right:
                removed[element] = self.element.added(left[0])
            else:
                _keep(element, self.element.compare(left[0], right[0]), changed, removed)
        elif len(left) >= 2 and len(right) >= 2:
            changed[element] = {}
        elif len(left) >= 2:
            # Several of it are one path; one of it has paths of its own.
            removed[element] = {}
            if right:
                changed[element] = self.element.added(right[0])
        else:
            changed[element] = {}
            if left:
                removed[element] = self.element.added(left[0])

    def fields(self, value: Any) -> Node:
        index = self._index(value)
        node: FieldSet = {}
        for element in fieldsets.sorted_elements(index):
            items = index[element]
            node[element] = _with_self(self.element.fields(items[0])) if len(items) == 1 else {}
        return node or None

    def merge(self, old: Any, new: Any) -> Any:
        if not new:
            return old or new
        if not old:
            return new
        return self._merged(old, new)

    def _merged(self, old: list[Any], new: list[Any]) -> list[Any]:
        """Items in the order of `new` where it has several of the old ones; the others keep their places."""
        ours = [self.element_of(item) for item in old]
        theirs = {self.element_of(item): item for item in new}
        # An item that is there twice is replaced, not merged into.
        mine: dict[str, Any] = {}
        for element, item in zip(ours, old, strict=True):
            mine[element] = None if element in mine else item

        def merged(element: str) -> Any:
            if mine.get(element) is None:
                return theirs[element]
            return self.element.merge(mine[element], theirs[element])

        wanted = list(theirs)
        shared = [element for element in wanted if element in mine]
        out: list[Any] = []
        done: set[str] = set()
        i = j = k = 0
        while i < len(ours) or j < len(wanted):
            next_shared = shared[k] if k < len(shared) else None
            if i < len(ours) and j < len(wanted):
                element = ours[i]
                if element == wanted[j]:
                    done.add(element)
                    out.append(merged(element))
                    i, j, k = i + 1, j + 1, k + 1
                    continue
                if element in theirs and next_shared is not None and next_shared != element:
                    i += 1
                    continue
            if i < len(ours):
                element = ours[i]
                if element not in theirs:
                    out.append(old[i])
                    i += 1
                    continue
                if element in done:
                    i += 1
            if j < len(wanted):
                element = wanted[j]
                done.add(element)
                out.append(merged(element))
                j += 1
                if element == next_shared:
                    k += 1
        return out

    def remove(self, value: Any, gone: FieldSet) -> Any:
        left = []
        for item in value or ():
            node = gone.get(self.element_of(item))
            if node is None:
                left.append(item)
            elif not is_member(node):
                left.append(_or_empty(self.element.remove(item, node), item))
        return left or None

    def named(self, node: FieldSet) -> FieldSet:
        return {
            element: self.element.named(below) if below and element.startswith("k:") else below
            for element, below in node.items()
        }

    def complaints(self, value: Any, at: str) -> Iterator[tuple[str, str]]:
        if value is None:
            return
        if not isinstance(value, list):
            yield at, f"expected list, got &{{{_go_text(value)}}}"
            return
        seen = set()
        for index, item in enumerate(value):
            try:
                element = self.element_of(item)
            except ValueError as error:
                yield at, f"element {index}: {error}"
                return
            shown = fieldsets.element_text(element)
            if element in seen:
                yield at, f"duplicate entries for key {shown}"
            seen.add(element)
            yield from self.element.complaints(item, at + shown)


class Whole(Type):
    """What a list that is tracked as a whole must look like inside."""

    __slots__ = ("element",)

    def __init__(self, element: Type) -> None:
        super().__init__()
        self.element = element

    def complaints(self, value: Any, at: str) -> Iterator[tuple[str, str]]:
        if value is None:
            return
        if not isinstance(value, list):
            yield at, f"expected list, got &{{{_go_text(value)}}}"
            return
        for index, item in enumerate(value):
            yield from self.element.complaints(item, f"{at}[{index}]")


class Deduced(Type):
    """Whatever it is: maps field by field, all else as a whole."""

    __slots__ = ("_map",)

    def __init__(self) -> None:
        super().__init__(ANY)
        self._map = Map(self)

    def added(self, value: Any) -> FieldSet:
        return self._map.added(value) if isinstance(value, dict) else {}

    def compare(self, old: Any, new: Any) -> Difference:
        if (old is None or isinstance(old, dict)) and (new is None or isinstance(new, dict)):
            return self._map.compare(old, new)
        if isinstance(old, dict):
            return {}, self._map.compare(old, None)[1]
        if isinstance(new, dict):
            return fieldsets.union({SELF: {}}, self._map.compare(None, new)[0] or {SELF: {}}), None
        return {}, None

    def fields(self, value: Any) -> Node:
        return self._map.fields(value) if isinstance(value, dict) else {}

    def merge(self, old: Any, new: Any) -> Any:
        if isinstance(old, dict) and (new is None or isinstance(new, dict)):
            return self._map.merge(old, new)
        return new

    def remove(self, value: Any, gone: FieldSet) -> Any:
        return self._map.remove(value, gone) if isinstance(value, dict) else super().remove(value, gone)

    def complaints(self, value: Any, at: str) -> Iterator[tuple[str, str]]:
        return iter(())


def _or_empty(left: Any, value: Any) -> Any:
    """What has lost all that was in it is still there."""
    return type(value)() if left is None and isinstance(value, (dict, list)) else left


def _keep(element: str, difference: Difference, changed: FieldSet, removed: FieldSet) -> None:
    if difference[0] is not None:
        changed[element] = difference[0]
    if difference[1] is not None:
        removed[element] = difference[1]


def _with_self(node: Node) -> FieldSet:
    return {SELF: {}, **node} if node else {}


# Shared by all, and without state: what nothing is known of.
ANYTHING = Deduced()


# -- Go's texts ------------------------------------------------------------------------------------------------


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _go_type(value: Any) -> str:
    """%T"""
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list):
        return "[]interface {}"
    return "string" if isinstance(value, str) else "bool"


def _go_value(value: Any) -> str:
    """%#v of a value that wraps this one."""
    return f"&value.valueUnstructured{{Value:{_go_literal(value)}}}"


def _go_literal(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_quoted(key)}:{_go_literal(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_go_literal, value))}}}"
    if value is None:
        return "interface {}(nil)"
    return _quoted(value)


def _go_text(value: Any) -> str:
    """%v"""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_go_text, value)) + "]"
    if value is None:
        return "<nil>"
    return value if isinstance(value, str) else _quoted(value)
