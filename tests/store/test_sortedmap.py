import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubepy.store.sortedmap import _MAX, SortedMap, _Inner, _Leaf

key = st.integers(0, 300).map(lambda i: b"%03d" % i)


def depth(node: _Leaf[int] | _Inner[int]) -> int:
    """Of a well-formed node: counts right, no node empty or too large, all leaves equally deep."""
    if isinstance(node, _Leaf):
        assert len(node.keys) == len(node.values) == node.count <= _MAX
        assert node.keys == sorted(node.keys)
        return 1
    assert 1 <= len(node.children) == len(node.bounds) <= _MAX
    assert node.count == sum(child.count for child in node.children)
    assert all(child.count for child in node.children)
    depths = {depth(child) for child in node.children}
    assert len(depths) == 1
    return depths.pop() + 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.lists(key, max_size=80, unique=True)), max_size=20),
    key,
    key,
    st.integers(0, 90),
)
def test_it_is_a_dict_in_key_order(
    changes: list[tuple[bool, list[bytes]]], start: bytes, end: bytes, limit: int
) -> None:
    tree, model = SortedMap[int](), {}
    versions = []
    for n, (is_set, keys) in enumerate(changes):
        for some in (keys[:1], keys[1:]):
            tree = tree.updated(dict.fromkeys(some, n if is_set else None))
        for each in keys:
            if is_set:
                model[each] = n
            else:
                model.pop(each, None)
        versions.append((tree, dict(model)))
    for tree, model in versions:
        depth(tree._root)
        assert len(tree) == len(model)
        assert tree.range(b"", b"\xff") == [model[each] for each in sorted(model)]
        inside = sorted(each for each in model if start <= each < end)
        assert tree.range(start, end) == [model[each] for each in inside]
        assert tree.range(start, end, limit) == [model[each] for each in inside][: limit or None]
        assert tree.rank(start) == sum(each < start for each in model)
        assert tree.get(start) == model.get(start)


@pytest.mark.parametrize("at_once", [1, 1000, 20_000])
@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
def test_many_keys_in_any_order_make_a_shallow_tree(order: str, at_once: int) -> None:
    keys = [b"%05d" % i for i in range(20_000)]
    if order == "descending":
        keys.reverse()
    elif order == "shuffled":
        random.Random(7).shuffle(keys)
    tree = SortedMap[bytes]()
    for start in range(0, len(keys), at_once):
        tree = tree.updated({each: each for each in keys[start : start + at_once]})
    assert depth(tree._root) <= 4  # type: ignore[arg-type]
    assert tree.range(b"", b"\xff") == sorted(keys)
    for start in range(0, len(keys) - 1, at_once):
        tree = tree.updated(dict.fromkeys(keys[start : min(start + at_once, len(keys) - 1)]))
    assert depth(tree._root) == 1  # type: ignore[arg-type]
    assert tree.range(b"", b"\xff") == keys[-1:]
    assert len(tree.updated({keys[-1]: None})) == 0


def test_what_did_not_change_is_shared() -> None:
    tree = SortedMap[int]().updated({b"%05d" % i: i for i in range(10_000)})
    later = tree.updated({b"00007": 8, b"00008": None, b"absent": None})
    assert isinstance(tree._root, _Inner) and isinstance(later._root, _Inner)
    shared = [old is new for old, new in zip(tree._root.children, later._root.children, strict=True)]
    assert shared == [False, *[True] * (len(shared) - 2), False]
