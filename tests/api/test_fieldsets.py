"""Sets of fields: the algebra on examples and on arbitrary sets, path elements as Go spells them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubepy.api import fieldsets
from kubepy.api.fieldsets import FieldSet, Path

A, B, C = "f:a", "f:b", "f:c"
ELEMENTS = st.sampled_from([A, B, C, 'k:{"name":"x"}', "v:1", "v:10", "v:9"])
PATHS = st.sets(st.lists(ELEMENTS, min_size=1, max_size=4).map(tuple), max_size=12)


def members(fields: FieldSet) -> set[Path]:
    return set(fieldsets.paths(fields))


def check(fields: FieldSet, wanted: set[Path]) -> None:
    """The set has these paths, and is written as upstream would write it."""
    assert members(fields) == wanted
    assert orjson.dumps(fields) == orjson.dumps(fieldsets.of(sorted(wanted))), "not as if made of its paths"


@given(PATHS, PATHS)
def test_the_algebra_is_that_of_sets_of_paths(left: set[Path], right: set[Path]) -> None:
    a, b = fieldsets.of(left), fieldsets.of(right)
    before = orjson.dumps([a, b])
    check(fieldsets.union(a, b), left | right)
    check(fieldsets.difference(a, b), left - right)
    check(fieldsets.intersection(a, b), left & right)
    below = {path for path in left if any(path[: len(gone)] == gone for gone in right)}
    check(fieldsets.without(a, b), left - below)
    assert orjson.dumps([a, b]) == before, "an argument was changed"


@given(PATHS)
def test_what_is_written_is_read_back(paths: set[Path]) -> None:
    fields = fieldsets.of(paths)
    assert orjson.dumps(fieldsets.parse(orjson.loads(orjson.dumps(fields)))) == orjson.dumps(fields)
    assert all(fieldsets.has(fields, path) for path in paths)


def test_a_path_is_there_apart_from_what_is_below_it() -> None:
    fields = fieldsets.of([(A, B)])
    assert fields == {A: {B: {}}}
    assert not fieldsets.has(fields, (A,)) and fieldsets.has(fields, (A, B))
    assert fieldsets.union(fields, {A: {}}) == {A: {".": {}, B: {}}}
    assert fieldsets.difference({A: {".": {}, B: {}}}, {A: {}}) == {A: {B: {}}}
    assert fieldsets.without({A: {".": {}, B: {}}}, {A: {}}) == {}
    assert not fieldsets.has(fields, ())


def test_items_come_by_what_their_keys_mean() -> None:
    ports = ['k:{"port":443}', 'k:{"port":80}', 'k:{"port":8080}']
    assert list(fieldsets.of([(port,) for port in ports])) == [ports[1], ports[0], ports[2]]
    values = ["v:10", "v:9", 'v:"a"', "v:true"]
    assert fieldsets.sorted_elements(reversed(values)) == ["v:9", "v:10", 'v:"a"', "v:true"]


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("f:replicas", ".replicas"),
        (fieldsets.key_element({"name": "web"}), '[name="web"]'),
        (
            fieldsets.key_element({"containerPort": 80, "protocol": "TCP"}),
            '[containerPort=80,protocol="TCP"]',
        ),
        (fieldsets.value_element("x"), '[="x"]'),
        (fieldsets.value_element(2.0), "[=2]"),
        (fieldsets.value_element(1e300), "[=1e+300]"),
        ("i:3", "[3]"),
    ],
)
def test_paths_as_errors_show_them(element: str, text: str) -> None:
    assert fieldsets.text(("f:spec", element)) == f".spec{text}"


def test_keys_are_escaped_as_go_does() -> None:
    assert fieldsets.key_element({"name": "a<b&c>"}) == 'k:{"name":"a\\u003cb\\u0026c\\u003e"}'
    assert fieldsets.element_text(fieldsets.key_element({"name": "a<b"})) == '[name="a<b"]'
    assert (
        fieldsets.element_text(fieldsets.key_element({"name": {}, "x": [1, {"a": "b"}]}))
        == '[name=,x=[1,a="b"]]'
    )


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ({}, {}),
        ({A: {".": {}}}, {A: {}}),
        ({'k:{"b": 1, "a": 2}': {}}, {'k:{"a":2,"b":1}': {}}),
        ({'k:{"a":1}': {}, 'k:{"a": 1}': {A: {}}}, {'k:{"a":1}': {".": {}, A: {}}}),
        ({"x:later": {}, A: {}}, {A: {}}),
    ],
)
def test_what_clients_write_is_spelled_our_way(given_: Any, read: FieldSet) -> None:
    assert fieldsets.parse(given_) == read


@pytest.mark.parametrize(
    "broken", [{"a": {}}, {"spec": {}}, {"k:x": {}}, {"k:[]": {}}, {"i:x": {}}, {A: []}, []]
)
def test_what_is_no_set_is_refused(broken: Any) -> None:
    with pytest.raises(ValueError):
        fieldsets.parse(broken)
