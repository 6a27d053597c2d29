"""Source of the texts: a kube-apiserver 1.36, asked the same."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.objects import Obj
from kubepy.apiserver.handlers.subresources.access_reviews import asked_about

GROUP = "/apis/authorization.k8s.io/v1"
PODS = {"verb": "list", "resource": "pods", "namespace": "default"}


@pytest.mark.parametrize(
    ("path", "review", "causes"),
    [
        (
            "subjectaccessreviews",
            {"spec": {}},
            [
                "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
                "resourceAttributes must be specified",
                'spec.user: Invalid value: "": at least one of user or group must be specified',
            ],
        ),
        (
            "selfsubjectaccessreviews",
            {"spec": {"resourceAttributes": PODS, "nonResourceAttributes": {"path": "/x", "verb": "get"}}},
            [
                'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: cannot be specified in '
                "combination with resourceAttributes"
            ],
        ),
        (
            "namespaces/default/localsubjectaccessreviews",
            {"spec": {"user": "u", "nonResourceAttributes": {"path": "/x", "verb": "get"}}},
            [
                'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: disallowed on this kind of '
                "request"
            ],
        ),
        (
            "namespaces/default/localsubjectaccessreviews",
            {"spec": {"user": "u", "resourceAttributes": {**PODS, "namespace": "other"}}},
            ['spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace'],
        ),
        (
            "subjectaccessreviews",
            {"spec": {"user": "u", "resourceAttributes": {**PODS, "fieldSelector": {}}}},
            [
                "spec.resourceAttributes.fieldSelector.requirements: Required value: when "
                "spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required"
            ],
        ),
        (
            "subjectaccessreviews",
            {
                "spec": {
                    "user": "u",
                    "resourceAttributes": {
                        **PODS,
                        "labelSelector": {"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "In"}]},
                    },
                }
            },
            [
                'spec.resourceAttributes.labelSelector.rawSelector: Invalid value: "a=b": may not specified at the '
                "same time as requirements",
                "spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be specified "
                "when `operator` is 'In' or 'NotIn'",
            ],
        ),
    ],
)  # fmt: skip
async def test_what_is_refused(api: Any, path: str, review: Obj, causes: list[str]) -> None:
    error = await api.error("POST", f"{GROUP}/{path}", review)
    listed = causes[0] if len(causes) == 1 else "[" + ", ".join(causes) + "]"
    # Upstream's reviews do not know their kind any more when they are refused.
    assert error.message == f'.authorization.k8s.io "" is invalid: {listed}'
    assert error.code == 422 and "kind" not in error.details


async def test_a_review_has_no_metadata_of_its_own(api: Any) -> None:
    spec = {"user": "u", "resourceAttributes": PODS}
    error = await api.error(
        "POST", f"{GROUP}/subjectaccessreviews", {"metadata": {"name": "x"}, "spec": spec}
    )
    assert error.message.endswith(": must be empty")
    path = f"{GROUP}/namespaces/default/localsubjectaccessreviews"
    error = await api.error("POST", path, {"metadata": {"name": "x", "labels": {"a": "b"}}, "spec": spec})
    assert 'metadata: Invalid value: {"name":"x","namespace":"default","labels":{"a":"b"},' in error.message
    path = f"{GROUP}/namespaces/other/localsubjectaccessreviews"
    error = await api.error("POST", path, {"metadata": {"namespace": "default"}, "spec": spec})
    assert error.message == (
        "the namespace of the provided object does not match the namespace sent on the request"
    )


IGNORED = "spec.resourceAttributes.{} ignored due to parse error"
PARTLY = "spec.resourceAttributes.{} partially ignored due to parse error"


def requirement(key: str, operator: str, *values: str) -> Obj:
    return {"key": key, "operator": operator} | ({"values": list(values)} if values else {})


@pytest.mark.parametrize(
    ("field", "selector", "text", "error"),
    [
        ("fieldSelector", {"rawSelector": "a=b"}, "a=b", ""),
        ("fieldSelector", {"rawSelector": "xx"}, "", IGNORED),
        ("fieldSelector", {"requirements": [requirement("a", "In", "b")]}, "a=b", ""),
        ("fieldSelector", {"requirements": [requirement("a", "NotIn", "b,c")]}, r"a!=b\,c", ""),
        ("fieldSelector", {"requirements": [requirement("a", "In", "b", "c")]}, "", IGNORED),
        (
            "fieldSelector",
            {"requirements": [requirement("a", "In", "b"), requirement("a", "Exists")]},
            "a=b",
            PARTLY,
        ),
        ("labelSelector", {"rawSelector": "a in"}, "", IGNORED),
        ("labelSelector", {"requirements": [requirement("a", "In", "c", "b")]}, "a in (b,c)", ""),
        (
            "labelSelector",
            {"requirements": [requirement("a", "Exists"), requirement("b", "DoesNotExist")]},
            "a,!b",
            "",
        ),
        ("labelSelector", {"requirements": [requirement("a", "Near", "b")]}, "", IGNORED),
    ],
)
def test_selectors(field: str, selector: Obj, text: str, error: str) -> None:
    found = asked_about({"resourceAttributes": {**PODS, field: selector}})
    assert getattr(found.info, "field_selector" if field == "fieldSelector" else "label_selector") == text
    assert found.errors == ((error.format(field),) if error else ())
