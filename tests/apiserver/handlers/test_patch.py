"""Patches that are none, and what comes of patches that leave no object. The texts are those of a kube-apiserver."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.conftest import Api

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

_CUT = "unexpected end of JSON input"
_NO_MAP = "json: cannot unmarshal array into Go value of type map[string]interface {}"
_NO_LIST = "json: cannot unmarshal object into Go value of type "
_NAMELESS = "the name of the object (x based on URL) was undeterminable: name must be provided"
_NO_OBJECT = (
    ' "" is invalid: patch: Invalid value: "[]": couldn\'t get version/kind; json parse error: json: cannot unmarshal '
    'array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string '
    '"json:\\"kind,omitempty\\"" }'
)


async def make(api: Api) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": "x"}, "data": {"a": "1"}})


@pytest.mark.parametrize(
    ("content_type", "body", "told", "told_if_ignored"),
    [
        (JSON, b"{", (400, f"error decoding patch: {_CUT}"), (400, _CUT)),
        (
            JSON,
            b"{}",
            (400, f"error decoding patch: {_NO_LIST}[]handlers.jsonPatchOp"),
            (400, f"{_NO_LIST}jsonpatch.Patch"),
        ),
        (
            JSON,
            b"[1]",
            (
                400,
                "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp",
            ),
            (400, "json: cannot unmarshal number into Go value of type jsonpatch.Operation"),
        ),
        (MERGE, b"{", (400, f"error decoding patch: {_CUT}"), (400, "Invalid JSON Patch")),
        (MERGE, b"[]", (400, f"error decoding patch: {_NO_MAP}"), (422, _NO_OBJECT)),
        (MERGE, b"null", (400, "Invalid JSON Patch"), (400, "Invalid JSON Patch")),
        (
            MERGE,
            b"true",
            (400, f"error decoding patch: {_NO_MAP.replace('array', 'bool')}"),
            (400, "Invalid JSON Patch"),
        ),
        (STRATEGIC, b"{", (400, _CUT), (400, _CUT)),
        (STRATEGIC, b"[]", (400, _NO_MAP), (400, _NO_MAP)),
    ],
)
async def test_who_ignores_unknown_fields_hears_of_a_bad_patch_from_another_parser(
    api: Api, content_type: str, body: bytes, told: tuple[int, str], told_if_ignored: tuple[int, str]
) -> None:
    await make(api)
    for validation, (code, message) in (("Strict", told), ("Warn", told), ("Ignore", told_if_ignored)):
        error = await api.error(
            "PATCH", f"{MAPS}/x?fieldValidation={validation}", body, content_type=content_type
        )
        assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(JSON, [{"op": "remove", "path": "/apiVersion"}]), (MERGE, {"apiVersion": None})],
)
async def test_without_a_version_nothing_of_an_object_is_known(
    api: Api, content_type: str, body: Any
) -> None:
    await make(api)
    error = await api.error("PATCH", f"{MAPS}/x", body, content_type=content_type)
    assert (error.code, error.message) == (400, _NAMELESS)
    assert api.warnings == ['unknown field "data"', 'unknown field "metadata"']
    error = await api.error("PATCH", f"{MAPS}/x?fieldValidation=Strict", body, content_type=content_type)
    assert error.code == 422
    assert error.message.endswith('strict decoding error: unknown field "data", unknown field "metadata"')


@pytest.mark.parametrize(
    ("body", "struct", "field"),
    [
        ({"$setElementOrder/bogus": [1]}, "Deployment", "bogus"),
        ({"spec": {"template": {"spec": {"$setElementOrder/nope": []}}}}, "PodSpec", "nope"),
    ],
)
async def test_an_order_of_a_list_that_is_none(api: Api, body: Any, struct: str, field: str) -> None:
    labels = {"a": "b"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await api.ok(
        "POST",
        DEPLOYMENTS,
        {"metadata": {"name": "x"}, "spec": {"selector": {"matchLabels": labels}, "template": pod}},
    )
    error = await api.error("PATCH", f"{DEPLOYMENTS}/x", body, content_type=STRATEGIC)
    message = f'unable to find api field in struct {struct} for the json field "{field}"'
    assert (error.code, error.message) == (500, message)


@pytest.mark.parametrize(
    ("content_type", "message"),
    [
        ("", "415: Unsupported Media Type"),
        ("application/json", "415: Unsupported Media Type"),
        (
            # One of two is right, as the router sees it, and no type to the handler.
            f"{MERGE},text/plain",
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {MERGE}, {STRATEGIC}, application/apply-patch+yaml",
        ),
    ],
)
async def test_bodies_that_are_no_patch(api: Api, content_type: str, message: str) -> None:
    error = await api.error("PATCH", f"{MAPS}/x", {"data": {}}, content_type=content_type)
    assert (error.code, error.message) == (415, message)
