from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.errors import StatusError
from kubepy.apiserver.patch import json_patch


@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([{"op": "add", "path": "/b", "value": 1}], {"a": [1, 2], "b": 1}),
        ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3]}),
        ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1, 2]}),
        ([{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        (
            [{"op": "replace", "path": "/a", "value": {"x~/y": 1}}, {"op": "remove", "path": "/a/x~0~1y"}],
            {"a": {}},
        ),
        ([{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1, 2], "b": [1, 2]}),
        ([{"op": "move", "from": "/a", "path": "/b"}], {"b": [1, 2]}),
        ([{"op": "test", "path": "/a/1", "value": 2}], {"a": [1, 2]}),
        ([], {"a": [1, 2]}),
        # What upstream's library makes of what is not there.
        ([{"op": "replace", "path": "/nope", "value": 1}], {"a": [1, 2], "nope": 1}),
        ([{"op": "copy", "from": "/nope", "path": "/x"}], {"a": [1, 2], "x": None}),
    ],
)
def test_operations(operations: Any, wanted: Any) -> None:
    assert json_patch.apply({"a": [1, 2]}, operations) == wanted


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "test", "path": "/a", "value": 1}],
        [{"op": "remove", "path": "/nope"}],
        [{"op": "add", "path": "/nope/x", "value": 1}],
        [{"op": "replace", "path": "/a/7", "value": 1}],
        [{"op": "move", "from": "/nope", "path": "/x"}],
        [{"op": "jump", "path": "/a"}],
        [{"op": "add"}],
    ],
)
def test_what_cannot_be_carried_out_is_422(operations: Any) -> None:
    with pytest.raises(StatusError) as caught:
        json_patch.apply({"a": [1, 2]}, operations)
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert caught.value.message == "the server rejected our request due to an error in our request"


def test_what_is_no_list_of_operations_is_400() -> None:
    with pytest.raises(StatusError) as caught:
        json_patch.apply({}, {"op": "add"})
    assert caught.value.code == 400
    assert caught.value.message == "json: cannot unmarshal object into Go value of type jsonpatch.Patch"


def test_too_many_operations_are_413() -> None:
    with pytest.raises(StatusError) as caught:
        json_patch.apply({"a": 1}, [{"op": "test", "path": "/a", "value": 1}] * 10_001)
    assert caught.value.code == 413


def test_a_patch_can_be_applied_again() -> None:
    operations = [{"op": "add", "path": "/l", "value": []}, {"op": "add", "path": "/l/-", "value": 1}]
    assert json_patch.apply({}, operations) == json_patch.apply({}, operations) == {"l": [1]}
