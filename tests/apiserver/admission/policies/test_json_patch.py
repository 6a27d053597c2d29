from __future__ import annotations

from typing import Any

import pytest

from kubepy.apiserver.admission.policies.json_patch import PatchError, TestFailed, apply

DOCUMENT = {"a": {"b": 1, "x/y~z": 2}, "l": [1, {"k": "v"}], "n": None}


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
def test_operations(operation: dict[str, Any], changed: dict[str, Any]) -> None:
    assert apply(DOCUMENT, [operation]) == DOCUMENT | changed


def test_what_was_given_stays_as_it_was() -> None:
    patched = apply(
        DOCUMENT, [{"op": "add", "path": "/l/1/k", "value": "w"}, {"op": "remove", "path": "/a/b"}]
    )
    assert patched["l"][1] == {"k": "w"}
    assert DOCUMENT["l"] == [1, {"k": "v"}]
    assert DOCUMENT["a"] == {"b": 1, "x/y~z": 2}


def test_moving() -> None:
    assert apply({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}]) == {
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
def test_what_cannot_be_done(operation: dict[str, Any], why: str) -> None:
    with pytest.raises(PatchError) as caught:
        apply(DOCUMENT, [operation])
    assert str(caught.value) == why


@pytest.mark.parametrize(("path", "value"), [("/a/b", 2), ("/a/b", True), ("/n", 0), ("/l", [1])])
def test_a_test_that_fails(path: str, value: Any) -> None:
    with pytest.raises(TestFailed):
        apply(DOCUMENT, [{"op": "test", "path": path, "value": value}])
