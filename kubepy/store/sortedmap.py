"""An immutable map of bytes in key order: every change gives a new map that shares all but one path with the old.

A B+ tree of small nodes that are never written to after they were made. So holding an old version costs nothing to
readers or writers, and the memory of the path that differs (about 1 KB at 100 000 keys): the memory store keeps
the map of every revision this way, and a fork is a second reference.

A search goes to the last child whose lower bound is not above the key; the bound of a node's first child is never
looked at, so it may be stale. All leaves are equally deep.

Costs: get, set, remove, rank O(log n); a range O(log n + items).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Generic, TypeVar

V = TypeVar("V")

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

    def set(self, key: bytes, value: V) -> SortedMap[V]:
        left, bound, right = _set(self._root, key, value)
        return SortedMap(
            left if right is None else _Inner([b"", bound], [left, right], left.count + right.count)
        )

    def remove(self, key: bytes) -> SortedMap[V]:
        """Without `key`, which must be in the map."""
        root = _remove(self._root, key)
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


def _set(node: _Node[V], key: bytes, value: V) -> tuple[_Node[V], bytes, _Node[V] | None]:
    """The node with the change and, where it had to split, the lower bound and the other half."""
    if isinstance(node, _Leaf):
        return _set_in_leaf(node, key, value)
    at = bisect_right(node.bounds, key, 1) - 1
    old = node.children[at]
    left, bound, right = _set(old, key, value)
    bounds, children = node.bounds, node.children.copy()
    children[at] = left
    count = node.count - old.count + left.count
    if right is not None:
        bounds = bounds.copy()
        bounds.insert(at + 1, bound)
        children.insert(at + 1, right)
        count += right.count
        if len(children) > _MAX:
            half = len(children) // 2
            upper = children[half:]
            upper_count = sum([child.count for child in upper])
            lower = _Inner(bounds[:half], children[:half], count - upper_count)
            return lower, bounds[half], _Inner(bounds[half:], upper, upper_count)
    return _Inner(bounds, children, count), b"", None


def _set_in_leaf(node: _Leaf[V], key: bytes, value: V) -> tuple[_Node[V], bytes, _Node[V] | None]:
    keys, values = node.keys, node.values.copy()
    at = bisect_left(keys, key)
    if at < len(keys) and keys[at] == key:
        values[at] = value
        return _Leaf(keys, values), b"", None
    keys = keys.copy()
    keys.insert(at, key)
    values.insert(at, value)
    if len(keys) <= _MAX:
        return _Leaf(keys, values), b"", None
    # Keys that come in order, as a bulk load's do, leave full leaves behind and not half-empty ones.
    half = len(keys) - 1 if at == len(keys) - 1 else len(keys) // 2
    return _Leaf(keys[:half], values[:half]), keys[half], _Leaf(keys[half:], values[half:])


def _remove(node: _Node[V], key: bytes) -> _Node[V] | None:
    """The node without `key`, None if nothing is left of it."""
    if isinstance(node, _Leaf):
        at = bisect_left(node.keys, key)
        assert at < node.count and node.keys[at] == key, f"{key!r} is not in the map"
        if node.count == 1:
            return None
        return _Leaf(node.keys[:at] + node.keys[at + 1 :], node.values[:at] + node.values[at + 1 :])
    at = bisect_right(node.bounds, key, 1) - 1
    child = _remove(node.children[at], key)
    bounds, children = node.bounds, node.children.copy()
    if child is None:
        if len(children) == 1:
            return None
        bounds = bounds[:at] + bounds[at + 1 :]
        del children[at]
        return _Inner(bounds, children, node.count - 1)
    children[at] = child
    if _size(child) < _MIN and len(children) > 1:
        left = at - 1 if at else 0
        if _size(children[left]) + _size(children[left + 1]) <= _MAX:
            children[left : left + 2] = [_merge(children[left], bounds[left + 1], children[left + 1])]
            bounds = bounds[: left + 1] + bounds[left + 2 :]
    return _Inner(bounds, children, node.count - 1)


def _size(node: _Node[V]) -> int:
    return node.count if isinstance(node, _Leaf) else len(node.children)


def _merge(left: _Node[V], bound: bytes, right: _Node[V]) -> _Node[V]:
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
