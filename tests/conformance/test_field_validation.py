"""fieldValidation=Strict. Source: kubernetes test/e2e/apimachinery/field_validation.go."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
import pytest

from kubepy.api.errors import StatusError
from tests.conformance.conftest import Conformance, Obj, define

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = itertools.count(1)
PORT = {
    "type": "object",
    "required": ["containerPort", "protocol"],
    "properties": {
        "containerPort": {"type": "integer", "format": "int32"},
        "hostIP": {"type": "string"},
        "hostPort": {"type": "integer", "format": "int32"},
        "name": {"type": "string"},
        "protocol": {"type": "string"},
    },
}
SPEC: Obj = {
    "type": "object",
    "properties": {
        "foo": {"type": "string"},
        "cronSpec": {"type": "string", "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
            "items": PORT,
        },
    },
}
PRESERVING = SPEC | {"x-kubernetes-preserve-unknown-fields": True}
METADATA = {"type": "object", "properties": {"name": {"type": "string"}}}
TEMPLATE = {
    "type": "object",
    "x-kubernetes-embedded-resource": True,
    "properties": {"metadata": METADATA, "spec": {"type": "object"}},
}
EMBEDDING = PRESERVING | {"properties": PRESERVING["properties"] | {"template": TEMPLATE}}


def schema(spec: Obj) -> Obj:
    return {"type": "object", "properties": {"spec": spec}}


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "my-dep", "labels": {"app": "nginx"}},
    "spec": {
        "selector": {"matchLabels": {"app": "nginx"}},
        "template": {
            "metadata": {"labels": {"app": "nginx"}},
            "spec": {"containers": [{"name": "nginx", "image": "nginx:latest"}]},
        },
    },
}


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            b'"spec":{"selector"',
            b'"spec":{"unknownField":"foo","replicas":2,"replicas":3,"selector"',
            'strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"',
        ),
        (
            b'"metadata":{"name":"my-dep"',
            b'"metadata":{"unknownMeta":"foo","name":"my-dep"',
            'strict decoding error: unknown field "metadata.unknownMeta"',
        ),
    ],
    ids=["unknown_and_duplicate_fields_of_a_typed_object", "unknown_metadata_fields_of_a_typed_object"],
)
async def test_should_detect(k8s: Conformance, old: bytes, new: bytes, text: str) -> None:
    body = orjson.dumps(DEPLOYMENT)
    assert old in body
    path = "/apis/apps/v1/namespaces/default/deployments"
    error = await k8s.error("POST", path, body.replace(old, new, 1), query={"fieldValidation": "Strict"})
    assert text in error.message


REST = """  cronSpec: "* * * * */5"
  ports:
  - name: x
    containerPort: 80
    protocol: TCP"""
EMBEDDED = """spec:
  template:
    apiversion: foo/v1
    kind: Sub
    metadata:
      unknownSubMeta: unknown
      name: subobject
      namespace: default
  foo: foo1"""


@pytest.mark.parametrize(
    ("openapi", "metadata", "spec", "texts"),
    [
        (schema(SPEC), "  name: mytest", "spec:\n  foo: foo1", []),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "  name: mytest",
         "spec:\n  unknown: uk1", []),
        (schema(PRESERVING), "  name: mytest\nunknownField: unknown", "spec:\n  foo: foo1",
         [".unknownField: field not declared in schema"]),
        (schema(EMBEDDING), "  name: mytest\n  unknownMeta: unknown", EMBEDDED,
         [".spec.template.metadata.unknownSubMeta: field not declared in schema",
          ".metadata.unknownMeta: field not declared in schema"]),
        (schema(PRESERVING), "  name: mytest", "spec:\n  unknown: uk1\n  foo: foo1\n  foo: foo2",
         ['line 9: key "foo" already set in map']),
    ],
    ids=["a_valid_cr_for_a_crd_with_validation_schema", "unknown_fields_for_a_crd_with_no_validation_schema",
         "an_invalid_cr_with_extra_properties", "unknown_metadata_in_root_and_embedded_object",
         "duplicates_when_preserving_unknown_fields"],
)  # fmt: skip
async def test_should_apply_or_refuse(
    k8s: Conformance, openapi: Obj, metadata: str, spec: str, texts: list[str]
) -> None:
    plural = f"noxus{next(_numbers)}"
    await define(k8s, "mygroup.example.com", plural, {"v1beta1": openapi, "v1": openapi}, scope="Cluster")
    # As upstream's literals, which begin with an empty line.
    head = f"\napiVersion: mygroup.example.com/v1beta1\nkind: {plural.capitalize()}\n"
    body = f"{head}metadata:\n{metadata}\n{spec}\n{REST}"

    async def apply() -> Any:
        return await k8s.ok(
            "PATCH", f"/apis/mygroup.example.com/v1beta1/{plural}/mytest", body.encode(),
            query={"fieldManager": "field_validation_mgr", "fieldValidation": "Strict"},
            content_type="application/apply-patch+yaml",
        )  # fmt: skip

    if not texts:
        assert (await apply())["spec"]["cronSpec"] == "* * * * */5"
        return
    with pytest.raises(StatusError) as caught:
        await apply()
    # Which of them is told is upstream's chance, too.
    assert any(text in caught.value.message for text in texts)
