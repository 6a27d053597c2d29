from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import json_patch
from kubepy.api.objects import copy

Obj = dict[str, Any]
DOCUMENT: Obj = {"a": {"b": "c"}, "l": [1, 2], "s/l~ash": {"x": 1}}


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ({"op": "add", "path": "/a/d", "value": 1}, {"a": {"b": "c", "d": 1}}),
        ({"op": "add", "path": "/a/d"}, {"a": {"b": "c", "d": None}}),
        ({"op": "add", "path": "/l/1", "value": 9}, {"l": [1, 9, 2]}),
        ({"op": "add", "path": "/l/-", "value": 9}, {"l": [1, 2, 9]}),
        ({"op": "add", "path": "/l/-1", "value": 9}, {"l": [1, 2, 9]}),
        ({"op": "remove", "path": "/a/b"}, {"a": {}}),
        ({"op": "remove", "path": "/l/-1"}, {"l": [1]}),
        ({"op": "replace", "path": "/a/new", "value": 1}, {"a": {"b": "c", "new": 1}}),
        ({"op": "replace", "path": "/l/0", "value": 9}, {"l": [9, 2]}),
        ({"op": "move", "from": "/a/b", "path": "/l/0"}, {"a": {}, "l": ["c", 1, 2]}),
        ({"op": "copy", "from": "/l", "path": "/a/l"}, {"a": {"b": "c", "l": [1, 2]}}),
        ({"op": "copy", "from": "/a/no", "path": "/a/l"}, {"a": {"b": "c", "l": None}}),
        ({"op": "test", "path": "/l", "value": [1, 2]}, {}),
        ({"op": "test", "path": "/a/no"}, {}),
        ({"op": "add", "path": "/s~1l~0ash/y", "value": 2}, {"s/l~ash": {"x": 1, "y": 2}}),
    ],
)
def test_what_an_operation_makes(operation: Obj, after: Obj) -> None:
    document = {"a": {"b": "c"}, "l": [1, 2], "s/l~ash": {"x": 1}}
    assert json_patch.apply(document, [operation]) == DOCUMENT | after


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({}, "Unexpected kind: unknown"),
        ({"op": "frob", "path": "/a"}, "Unexpected kind: frob"),
        ({"op": "add", "value": 1}, "add operation failed to decode path: missing value"),
        (
            {"op": "add", "path": "/no/b"},
            'add operation does not apply: doc is missing path: "/no/b": missing value',
        ),
        ({"op": "add", "path": "a"}, 'add operation does not apply: doc is missing path: "a": missing value'),
        (
            {"op": "add", "path": "/l/7"},
            "error in add for path: '/l/7': Unable to access invalid index: 7: invalid index referenced",
        ),
        (
            {"op": "add", "path": "/l/x"},
            "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": "
            "invalid syntax",
        ),
        (
            {"op": "remove", "path": "/a/x"},
            "error in remove for path: '/a/x': Unable to remove nonexistent key: x: missing value",
        ),
        (
            {"op": "replace", "path": "/l/7"},
            "replace operation does not apply: doc is missing key: /l/7: missing value",
        ),
        (
            {"op": "replace", "path": "/no/b"},
            "replace operation does not apply: doc is missing path: /no/b: missing value",
        ),
        (
            {"op": "move", "path": "/a"},
            "move operation failed to decode from: operation, missing from field: missing value",
        ),
        (
            {"op": "move", "from": "/a/x", "path": "/a/y"},
            "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
        ),
        ({"op": "test", "path": "/a/b", "value": "z"}, "testing value /a/b failed: test failed"),
        ({"op": "test", "path": "/l", "value": [True, 2]}, "testing value /l failed: test failed"),
    ],
)
def test_what_cannot_be_carried_out(operation: Obj, why: str) -> None:
    with pytest.raises(json_patch.PatchError) as caught:
        json_patch.apply({"a": {"b": "c"}, "l": [1, 2]}, [operation])
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("raw", "operations"),
    [(b"null", []), (b"[]", []), (b"[null]", [{}]), (b'[{"op":"add"}]', [{"op": "add"}])],
)
def test_decode(raw: bytes, operations: list[Obj]) -> None:
    assert json_patch.decode(raw) == operations


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"{}", "json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
        (b'["x"]', "json: cannot unmarshal string into Go value of type jsonpatch.Operation"),
    ],
)
def test_what_is_no_patch(raw: bytes, why: str) -> None:
    with pytest.raises(json_patch.PatchError) as caught:
        json_patch.decode(raw)
    assert str(caught.value) == why


NESTED: Obj = {"a": {"b": 1, "x/y~z": 2}, "l": [1, {"k": "v"}], "n": None}


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "add", "path": "/c", "value": 2}, {"c": 2}),
        ({"op": "add", "path": "/l/-", "value": 2}, {"l": [1, {"k": "v"}, 2]}),
        ({"op": "add", "path": "/l/1", "value": 2}, {"l": [1, 2, {"k": "v"}]}),
        ({"op": "add", "path": "/l/-1", "value": 2}, {"l": [1, {"k": "v"}, 2]}),
        ({"op": "remove", "path": "/a/x~1y~0z"}, {"a": {"b": 1}}),
        ({"op": "remove", "path": "/l/-2"}, {"l": [{"k": "v"}]}),
        ({"op": "replace", "path": "/a/b", "value": None}, {"a": {"b": None, "x/y~z": 2}}),
        ({"op": "replace", "path": "/a/new", "value": 1}, {"a": {"b": 1, "x/y~z": 2, "new": 1}}),
        ({"op": "replace", "path": "/l/1/k", "value": "w"}, {"l": [1, {"k": "w"}]}),
        ({"op": "copy", "from": "/l", "path": "/m"}, {"m": [1, {"k": "v"}]}),
        ({"op": "test", "path": "/l/1", "value": {"k": "v"}}, {}),
        ({"op": "test", "path": "/missing", "value": None}, {}),
    ],
)
def test_what_an_operation_makes_of_nested_things(operation: Obj, changed: Obj) -> None:
    assert json_patch.apply(copy(NESTED), [operation]) == NESTED | changed


def test_moving() -> None:
    assert json_patch.apply({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}]) == {
        "a": {}, "c": {"d": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"op": "add", "path": "/q/r", "value": 1},
         'add operation does not apply: doc is missing path: "/q/r": missing value'),
        ({"op": "remove", "path": "/q"},
         "error in remove for path: '/q': Unable to remove nonexistent key: q: missing value"),
        ({"op": "remove", "path": "/l/5"},
         "error in remove for path: '/l/5': Unable to access invalid index: 5: invalid index referenced"),
        ({"op": "remove", "path": "/l/x"},
         "error in remove for path: '/l/x': strconv.Atoi: parsing \"x\": invalid syntax"),
        ({"op": "add", "path": "/l/x", "value": 1},
         "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": "
         "invalid syntax"),
        ({"op": "add", "path": "/l/3", "value": 1},
         "error in add for path: '/l/3': Unable to access invalid index: 3: invalid index referenced"),
        ({"op": "replace", "path": "/l/5/k", "value": 1},
         "replace operation does not apply: doc is missing path: /l/5/k: missing value"),
        ({"op": "replace", "path": "/l/5", "value": 1},
         "replace operation does not apply: doc is missing key: /l/5: missing value"),
        ({"op": "move", "from": "/q/r", "path": "/a"},
         "move operation does not apply: doc is missing from path: /q/r: missing value"),
        ({"op": "copy", "path": "/a"},
         "copy operation failed to decode from: operation, missing from field: missing value"),
        ({"op": "test", "path": "/q/r", "value": 1},
         "test operation does not apply: is missing path: /q/r: missing value"),
        ({"op": "", "path": "/q", "value": 1}, "Unexpected kind: "),
    ],
)  # fmt: skip
def test_what_cannot_be_done_to_nested_things(operation: Obj, why: str) -> None:
    with pytest.raises(json_patch.PatchError) as caught:
        json_patch.apply(copy(NESTED), [operation])
    assert str(caught.value) == why


@pytest.mark.parametrize(("path", "value"), [("/a/b", 2), ("/a/b", True), ("/n", 0), ("/l", [1])])
def test_a_test_that_fails(path: str, value: Any) -> None:
    with pytest.raises(json_patch.TestFailed):
        json_patch.apply(copy(NESTED), [{"op": "test", "path": path, "value": value}])
