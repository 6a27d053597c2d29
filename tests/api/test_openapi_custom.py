"""Cases of apiextensions-apiserver pkg/controller/openapi/{builder,v2}/*_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import custom, gnostic, openapi_custom
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas

V2, V3 = "#/definitions/", "#/components/schemas/"


def row(schema: Obj, **more: Any) -> Resource:
    own = custom.CustomSchema(Schemas(), "Foo", schema)
    return Resource(
        group="example.com", version="v1", kind="Foo", plural="foos", singular="foo", namespaced=True,
        list_kind="FooList", custom=True, own=custom.Own(own, **more),
    )  # fmt: skip


def field(schema: Obj, ref: str) -> Any:
    whole = {"type": "object", "properties": {"f": schema}}
    return openapi_custom.kind_schema(row(whole), ref)["properties"]["f"]


STRING: Obj = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "v2"),
    [
        (STRING | {"nullable": True}, {}),
        ({"type": "array", "items": STRING, "nullable": True}, {}),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": STRING}},
         {"x-kubernetes-preserve-unknown-fields": True}),
        ({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
         {"x-kubernetes-int-or-string": True}),
        ({"type": "object", "required": ["a", "b"], "properties": {"a": STRING, "b": STRING | {"nullable": True}}},
         {"type": "object", "required": ["a"], "properties": {"a": STRING, "b": {}}}),
    ],
)  # fmt: skip
def test_v2_gets_what_its_readers_can_take(schema: Obj, v2: Obj) -> None:
    assert field(schema, V2) == v2


def test_int_or_string_says_so_in_v3() -> None:
    either = [{"type": "integer"}, {"type": "string"}]
    assert field({"x-kubernetes-int-or-string": True}, V3)["anyOf"] == either
    narrowed = {"x-kubernetes-int-or-string": True, "anyOf": [{"minimum": 1}]}
    assert field(narrowed, V3)["allOf"] == [{"anyOf": either}]


def test_an_unlisted_root_is_any_object_in_v2() -> None:
    shown = openapi_custom.kind_schema(
        row({"type": "object", "x-kubernetes-preserve-unknown-fields": True}), V2
    )
    assert shown == {
        "type": "object",
        "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Foo", "version": "v1"}],
    }


def test_the_list_refers_to_the_kind() -> None:
    shown = openapi_custom.list_schema(row({"type": "object"}), V3)
    assert shown["properties"]["items"]["items"] == {"$ref": "#/components/schemas/com.example.v1.Foo"}
    assert shown["x-kubernetes-group-version-kind"][0]["kind"] == "FooList"


def test_embedded_objects_have_metadata() -> None:
    shown = field(
        {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": STRING}}, V3
    )
    assert sorted(shown["properties"]) == ["apiVersion", "kind", "metadata", "spec"]
    assert shown["required"] == ["kind", "apiVersion"]


def test_selectable_fields_are_published() -> None:
    shown = openapi_custom.kind_schema(row({"type": "object"}, selectable_fields=("spec.color",)), V3)
    assert shown["x-kubernetes-selectable-fields"] == [{"fieldPath": "spec.color"}]


def test_every_word_of_a_schema_has_its_place_in_protobuf() -> None:
    words: Obj = {
        "type": "object", "title": "t", "format": "f", "multipleOf": 2, "maximum": 3.5, "exclusiveMaximum": True,
        "minimum": -1, "exclusiveMinimum": True, "maxLength": 1, "minLength": 1, "pattern": "p", "maxItems": 1,
        "minItems": 1, "maxProperties": 1, "minProperties": 1, "enum": ["a", 1], "default": {"a": 1},
        "example": [1], "externalDocs": {"url": "u", "description": "d"},
        "x-kubernetes-validations": [{"rule": "true"}], "items": STRING, "properties": {"a": STRING},
    }  # fmt: skip
    encoded = gnostic.encode("Schema", field(words, V2))
    assert b"u" in encoded and b"rule" in encoded
