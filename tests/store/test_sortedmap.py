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
        for each in keys:
            if is_set:
                tree, model[each] = tree.set(each, n), n
            elif each in model:
                tree = tree.remove(each)
                del model[each]
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


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
def test_many_keys_in_any_order_make_a_shallow_tree(order: str) -> None:
    keys = [b"%05d" % i for i in range(20_000)]
    if order == "descending":
        keys.reverse()
    elif order == "shuffled":
        random.Random(7).shuffle(keys)
    tree = SortedMap[bytes]()
    for each in keys:
        tree = tree.set(each, each)
    assert depth(tree._root) <= 4  # type: ignore[arg-type]
    assert tree.range(b"", b"\xff") == sorted(keys)
    for each in keys[:-1]:
        tree = tree.remove(each)
    assert depth(tree._root) == 1  # type: ignore[arg-type]
    assert tree.range(b"", b"\xff") == keys[-1:]
    assert len(tree.remove(keys[-1])) == 0


def test_removing_what_is_not_there_is_our_error() -> None:
    with pytest.raises(AssertionError):
        SortedMap[int]().set(b"a", 1).remove(b"b")
