"""Patches that are none, or that come to nothing good.

Sources: door.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.bad_input.door import DEPLOYMENT, JSON_PATCH, MAP, MERGE, STRATEGIC, Door

NO_MAP = "Go value of type map[string]interface {}"
REJECTED = (422, "Invalid", "the server rejected our request due to an error in our request", {})


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        (JSON_PATCH, b"", "error decoding patch: unexpected end of JSON input"),
        (JSON_PATCH, b"[{", "error decoding patch: unexpected end of JSON input"),
        (JSON_PATCH, b"{}",
         "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        (JSON_PATCH, b"[1]",
         "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
        (JSON_PATCH, b'[{"op":1}]',
         "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"),
        (JSON_PATCH, b'[{"op":"add","path":{}}]',
         "error decoding patch: json: cannot unmarshal object into Go struct field jsonPatchOp.path of type string"),
        (MERGE, b"{", "error decoding patch: unexpected end of JSON input"),
        (MERGE, b"[]", f"error decoding patch: json: cannot unmarshal array into {NO_MAP}"),
        (MERGE, b'"x"', f"error decoding patch: json: cannot unmarshal string into {NO_MAP}"),
        (MERGE, b"null", "Invalid JSON Patch"),
        (STRATEGIC, b"{", "unexpected end of JSON input"),
        (STRATEGIC, b"[]", f"json: cannot unmarshal array into {NO_MAP}"),
        (STRATEGIC, b"1", f"json: cannot unmarshal number into {NO_MAP}"),
        (STRATEGIC, b'{"$retainKeys":"x"}', "invalid patch format of retainKeys"),
        (STRATEGIC, b'{"$setElementOrder":[]}', "invalid patch format of setElementOrder list"),
        (MERGE, b'{"metadata":{"namespace":"other"}}',
         "the namespace of the provided object does not match the namespace sent on the request"),
    ],
)  # fmt: skip
def test_patches_that_are_none(door: Door, content_type: str, body: bytes, message: str) -> None:
    door.ask("PATCH", MAP, body, content_type).is_status(400, "BadRequest", message, None)


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "test", "path": "/data/x", "value": "2"}],
        [{"op": "test", "path": "/data/nope", "value": "2"}],
        [{"op": "nope", "path": "/data/x"}],
        [{"op": "remove", "path": "/nope"}],
        [{"op": "replace", "path": "/nope/x", "value": "1"}],
        [{"op": "add", "path": "nope", "value": "1"}],
        [{"op": "add", "path": "/a/b/c", "value": "1"}],
        [{"op": "move", "from": "/nope", "path": "/data/y"}],
        [{"op": "replace", "path": "", "value": 1}],
        [None],
        [{}],
        # Each copy doubles what there is.
        [{"op": "copy", "from": "/data", "path": f"/data/c{number}"} for number in range(40)],
    ],
)  # fmt: skip
def test_operations_that_cannot_be_carried_out(door: Door, operations: list[Any]) -> None:
    door.ask("PATCH", MAP, operations, JSON_PATCH).is_status(*REJECTED)


def test_too_many_operations(door: Door) -> None:
    operations = [{"op": "test", "path": "/data/x", "value": "1"}] * 10_001
    door.ask("PATCH", MAP, operations, JSON_PATCH).is_status(
        413, "RequestEntityTooLarge",
        "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content_type", "patch", "shown", "why"),
    [
        (STRATEGIC, {"spec": "x"}, "map[spec:x]", "cannot restore struct from: string"),
        (STRATEGIC, {"spec": []}, "map[spec:[]]", "cannot restore struct from: slice"),
        (STRATEGIC, {"metadata": {"labels": "x"}}, "map[metadata:map[labels:x]]", "cannot restore map from string"),
        (STRATEGIC, {"metadata": {"finalizers": {"a": 1}}}, "map[metadata:map[finalizers:map[a:1]]]",
         "cannot restore slice from map"),
        (STRATEGIC, {"spec": {"replicas": "x"}}, "map[spec:map[replicas:x]]", "unrecognized type: int32"),
        (STRATEGIC, {"spec": {"replicas": 1.5}}, "map[spec:map[replicas:1.5]]", "cannot convert float64 to int32"),
        (STRATEGIC, {"spec": {"paused": "x"}}, "map[spec:map[paused:x]]", "unrecognized type: bool"),
        (STRATEGIC, {"metadata": {"labels": {"a": 1}}}, "map[metadata:map[labels:map[a:1]]]",
         "cannot convert int64 to string"),
        (MERGE, {"spec": "x"}, None,
         "json: cannot unmarshal string into Go struct field Deployment.spec of type v1.DeploymentSpec"),
        (MERGE, {"spec": {"replicas": "x"}}, None,
         "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (MERGE, {"kind": "Pod", "apiVersion": "v1"}, None,
         "converting (v1.Pod) to (apps.Deployment): unknown conversion"),
        (JSON_PATCH, [{"op": "add", "path": "/spec/replicas", "value": True}], None,
         "json: cannot unmarshal bool into Go struct field DeploymentSpec.spec.replicas of type int32"),
    ],
)  # fmt: skip
def test_patches_whose_outcome_is_no_deployment(
    door: Door, content_type: str, patch: Any, shown: str | None, why: str
) -> None:
    answer = door.ask("PATCH", DEPLOYMENT, patch, content_type)
    status = answer.obj
    assert (answer.status, status["reason"]) == (422, "Invalid")
    (cause,) = status["details"]["causes"]
    assert status["details"].keys() == {"causes"}
    assert status["message"] == f' "" is invalid: patch: {cause["message"]}'
    assert (cause["reason"], cause["field"]) == ("FieldValueInvalid", "patch")
    assert cause["message"].startswith("Invalid value: " + (json.dumps(shown) if shown else '"{'))
    assert cause["message"].endswith(f": {why}")


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"spec": {"$patch": "nope"}}, "unknown patch type: nope in map: map[$patch:nope]"),
        ({"spec": {"template": {"spec": {"$setElementOrder/containers": "x"}}}},
         "expected a []interface {}, but received a string"),
        ({"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}},
         "map: map[image:x] does not contain declared merge key: name"),
    ],
)  # fmt: skip
def test_strategic_patches_that_go_makes_no_status_of(door: Door, patch: Any, message: str) -> None:
    door.ask("PATCH", DEPLOYMENT, patch, STRATEGIC).is_status(500, "", message, None)


def test_patches_of_odd_shapes_leave_the_server_alone(door: Door) -> None:
    for patch in (
        {"$retainKeys": [1, {}]},
        {"$patch": 1},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": "x"}},
        {"metadata": {"finalizers": [[1]]}},
        {"spec": {"template": {"spec": {"containers": [[1]]}}}},
        {"spec": {"template": {"spec": {"containers": [{"name": {}}]}}}},
        {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": []}]}}}},
        {"spec": {"template": {"spec": {"containers": [{"$patch": "delete", "name": {}}]}}}},
        {"metadata": {"ownerReferences": [{"uid": 1}, {"uid": {}}]}},
    ):
        answer = door.ask("PATCH", DEPLOYMENT, patch, STRATEGIC)
        assert answer.status in (200, 400, 422) or "reason" not in answer.obj, patch
    answer = door.ask("PATCH", f"{MAP}?force=true", {}, MERGE)
    answer.is_status(
        422, "Invalid",
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    )  # fmt: skip
    strict = b'[{"op":"add","path":"/data/n","value":"1","bar":2}]'
    answer = door.ask("PATCH", f"{MAP}?fieldValidation=Strict", strict, JSON_PATCH)
    assert answer.obj["message"].endswith('strict decoding error: json patch unknown field "[0].bar"')
