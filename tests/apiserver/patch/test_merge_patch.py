from __future__ import annotations

from typing import Any

import orjson
import pytest

from kubepy.apiserver.patch import merge_patch


@pytest.mark.parametrize(
    ("current", "patch", "wanted"),
    [  # RFC 7396, appendix A, the rows that are about objects
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": [1]}, {"a": [None, {"b": None, "c": [{"d": None}]}]}, {"a": [None, {"c": [{}]}]}),
        ({"a": {"x": 1}}, {"a": [{"b": None}]}, {"a": [{"b": None}]}),
        ({"a": "x"}, {"a": {"b": {"c": None, "d": 1}}}, {"a": {"b": {"d": 1}}}),
    ],
)
def test_merge(current: Any, patch: Any, wanted: Any) -> None:
    assert merge_patch.apply(current, patch) == wanted


def test_neither_side_is_changed_and_what_is_not_named_is_shared() -> None:
    current: Any = {"a": {"b": 1, "c": {"d": 2}}, "e": {"f": 3}}
    patch: Any = {"a": {"b": None, "g": {"h": 4}}}
    before, said = orjson.dumps(current), orjson.dumps(patch)
    merged = merge_patch.apply(current, patch)
    assert merged == {"a": {"c": {"d": 2}, "g": {"h": 4}}, "e": {"f": 3}}
    assert merged["e"] is current["e"]
    assert merged["a"]["c"] is current["a"]["c"]
    assert (orjson.dumps(current), orjson.dumps(patch)) == (before, said)
