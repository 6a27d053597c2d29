"""An immutable map of bytes in key order: a change gives a new map that shares all that did not change with the old.

A B+ tree of small nodes that are never written to after they were made. So holding an old version costs nothing to
readers or writers, and the memory of the paths that differ: the memory store keeps maps of many revisions this way, and
a fork is a second reference.

A search goes to the last child whose lower bound is not above the key; the bound of a node's first child is never
looked at by a search. All leaves are equally deep.

Costs: get, rank O(log n); a range O(log n + items). `updated` makes each node that differs once, however many of the
changes are in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Generic, TypeVar

V = TypeVar("V")
T = TypeVar("T")

# 32: copying a node is then as cheap as finding the way to it; 16 and 64 are both slower at 100 000 keys.
_MAX = 32
_MIN = _MAX // 4


class _Leaf(Generic[V]):
    __slots__ = ("count", "keys", "values")

    def __init__(self, keys: list[bytes], values: list[V]) -> None:
        self.keys, self.values = keys, values
        self.count = len(keys)


class _Inner(Generic[V]):
    __slots__ = ("bounds", "children", "count")

    def __init__(self, bounds: list[bytes], children: list[_Node[V]], count: int) -> None:
        self.bounds, self.children = bounds, children
        self.count = count  # keys below, so that a rank needs no walk


_Node = _Leaf[V] | _Inner[V]


class SortedMap(Generic[V]):
    """`SortedMap()` is the empty one."""

    __slots__ = ("_root",)

    def __init__(self, root: _Node[V] | None = None) -> None:
        self._root: _Node[V] = root if root is not None else _Leaf([], [])

    def __len__(self) -> int:
        return self._root.count

    def get(self, key: bytes) -> V | None:
        node = self._root
        while isinstance(node, _Inner):
            node = node.children[bisect_right(node.bounds, key, 1) - 1]
        at = bisect_left(node.keys, key)
        return node.values[at] if at < node.count and node.keys[at] == key else None

    def updated(self, changes: Mapping[bytes, V | None]) -> SortedMap[V]:
        """With these values; None for a key that is to be gone, if it is there at all."""
        nodes = _updated(self._root, sorted(changes), changes) if changes else [self._root]
        while len(nodes) > 1:
            nodes = _inners([_bound(node) for node in nodes], nodes)
        root = nodes[0] if nodes else None
        while isinstance(root, _Inner) and len(root.children) == 1:
            root = root.children[0]
        return SortedMap(root)

    def range(self, start: bytes, end: bytes, limit: int = 0) -> list[V]:
        """Values of start <= key < end in key order; limit 0: all."""
        found: list[V] = []
        _collect(self._root, start, end, limit, found)
        if limit:
            del found[limit:]
        return found

    def rank(self, key: bytes) -> int:
        """How many keys are below `key`."""
        node, below = self._root, 0
        while isinstance(node, _Inner):
            at = bisect_right(node.bounds, key, 1) - 1
            below += sum([child.count for child in node.children[:at]])
            node = node.children[at]
        return below + bisect_left(node.keys, key)


def _updated(node: _Node[V], keys: list[bytes], changes: Mapping[bytes, V | None]) -> list[_Node[V]]:
    """The nodes, of the same depth, that come in the place of `node`: one, none if nothing is left, several if it has
    grown. `keys` are those of the changes that are in it, in order."""
    if isinstance(node, _Leaf):
        return _updated_leaf(node, keys, changes)
    bounds: list[bytes] = []
    children: list[_Node[V]] = []
    at, last = 0, len(node.children) - 1
    for index, child in enumerate(node.children):
        end = bisect_left(keys, node.bounds[index + 1], at) if index < last else len(keys)
        if end == at:
            bounds.append(node.bounds[index])
            children.append(child)
            continue
        for new in _updated(child, keys[at:end], changes):
            bound = _bound(new)
            if children and _is_small(children[-1], new):
                children[-1] = _merged(children[-1], bound, new)
            else:
                bounds.append(bound)
                children.append(new)
        at = end
    return _inners(bounds, children)


def _updated_leaf(leaf: _Leaf[V], keys: list[bytes], changes: Mapping[bytes, V | None]) -> list[_Node[V]]:
    found = dict(zip(leaf.keys, leaf.values))
    for key in keys:
        value = changes[key]
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
    ordered = sorted(found)
    return [_Leaf(part, [found[key] for key in part]) for part in _parts(ordered)]


def _inners(bounds: list[bytes], children: list[_Node[V]]) -> list[_Node[V]]:
    return [
        _Inner(part, below, sum([child.count for child in below]))
        for part, below in zip(_parts(bounds), _parts(children))
    ]


def _parts(items: list[T]) -> list[list[T]]:
    """In order, of much the same size, none of them empty or too large."""
    count = len(items)
    parts = -(-count // _MAX)
    return [items[count * part // parts : count * (part + 1) // parts] for part in range(parts)]


def _bound(node: _Node[V]) -> bytes:
    """No key in it is below this, and none before it is not."""
    return node.keys[0] if isinstance(node, _Leaf) else node.bounds[0]


def _is_small(left: _Node[V], right: _Node[V]) -> bool:
    """Whether two neighbours had better be one."""
    one, other = _size(left), _size(right)
    return (one < _MIN or other < _MIN) and one + other <= _MAX


def _size(node: _Node[V]) -> int:
    return node.count if isinstance(node, _Leaf) else len(node.children)


def _merged(left: _Node[V], bound: bytes, right: _Node[V]) -> _Node[V]:
    """Two neighbours of one depth as one node; `bound` is the lower bound of the right one."""
    if isinstance(left, _Leaf) and isinstance(right, _Leaf):
        return _Leaf(left.keys + right.keys, left.values + right.values)
    assert isinstance(left, _Inner) and isinstance(right, _Inner), "all leaves are equally deep"
    bounds = [*left.bounds, bound, *right.bounds[1:]]
    return _Inner(bounds, left.children + right.children, left.count + right.count)


def _collect(node: _Node[V], start: bytes, end: bytes, limit: int, found: list[V]) -> None:
    if isinstance(node, _Leaf):
        first = bisect_left(node.keys, start)
        found += node.values[first : bisect_left(node.keys, end, first)]
        return
    first = bisect_right(node.bounds, start, 1) - 1
    last = bisect_left(node.bounds, end, 1)
    for child in node.children[first:last]:
        _collect(child, start, end, limit, found)
        if limit and len(found) >= limit:
            return
