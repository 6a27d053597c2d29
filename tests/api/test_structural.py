"""Cases of upstream's apiserver/schema/{validation,pruning,defaulting,listtype,objectmeta} tests."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import structural
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj, copy


def obj(**properties: Obj) -> Obj:
    return {"type": "object", "properties": properties}


PRESERVING: Obj = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
STRING: Obj = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (obj(a=STRING), []),
        ({}, ["s.type: Required value: must not be empty at the root"]),
        ({"type": "array", "items": STRING}, ['s.type: Invalid value: "array": must be object at the root']),
        (obj(a={}), ["s.properties[a].type: Required value: must not be empty for specified object fields"]),
        (obj(a={"type": "array"}), ["s.properties[a].items: Required value: must be specified"]),
        (
            obj(a={"type": "array", "items": {}}),
            ["s.properties[a].items.type: Required value: must not be empty for specified array items"],
        ),
        (
            {"type": "object", "additionalProperties": STRING},
            ["s.additionalProperties: Forbidden: must not be used at the root"],
        ),
        (obj(a={"x-kubernetes-int-or-string": True}), []),
        (
            obj(a={"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}),
            [],
        ),
        (
            obj(a={"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]}),
            ["s.properties[a].anyOf[0].type: Forbidden: must be empty to be structural"],
        ),
        (
            {**obj(a=STRING), "allOf": [obj(b={"minLength": 1}) | {"type": ""}]},
            ["s.properties[b]: Required value: because it is defined in s.allOf[0].properties[b]"],
        ),
        (
            {**obj(a=STRING), "not": {"properties": {"a": {"description": "x"}}}},
            ["s.not.properties[a].description: Forbidden: must be empty to be structural"],
        ),
        (
            obj(metadata={"type": "object", "properties": {"labels": {"type": "object"}}}),
            [
                "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but "
                "metadata is implicitly specified"
            ],
        ),
        (obj(metadata={"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}}), []),
        (
            obj(a={"type": "object", "x-kubernetes-embedded-resource": True}),
            [
                "s.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is "
                "true without x-kubernetes-preserve-unknown-fields"
            ],
        ),
        (
            obj(a={"type": "string", "pattern": "("}),
            [
                's.properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: error '
                "parsing regexp: missing closing ): `(`"
            ],
        ),
        (obj(a={"type": "string", "pattern": "^((?i)a|b)$"}), []),
    ],
)
def test_what_is_not_structural_is_named(schema: Obj, expected: list[str]) -> None:
    assert [str(finding) for finding in structural.check(schema, "s")] == expected


def no_metadata(value: Any, path: str, unknown: list[str]) -> None:
    """Embedded metadata that is always right."""


@pytest.mark.parametrize(
    ("schema", "given", "left", "unknown"),
    [
        (obj(a=STRING), {"a": "x", "b": 1}, {"a": "x"}, ["b"]),
        (obj(a=STRING), {"kind": "K", "metadata": {"x": 1}}, {"kind": "K", "metadata": {"x": 1}}, []),
        (PRESERVING, {"a": {"b": 1}}, {"a": {"b": 1}}, []),
        # Below a field that is listed, unknown ones go again.
        (PRESERVING | {"properties": {"a": obj(x=STRING)}}, {"a": {"b": 1}, "c": 2}, {"a": {}, "c": 2}, ["a.b"]),
        (obj(a={"type": "array", "items": obj(x=STRING)}), {"a": [{"y": 1}]}, {"a": [{}]}, ["a[0].y"]),
        (obj(a={"type": "object", "additionalProperties": obj(x=STRING)}), {"a": {"k": {"y": 1, "x": ""}}},
         {"a": {"k": {"x": ""}}}, ["a.k.y"]),
        (obj(a={"type": "object", "additionalProperties": True}), {"a": {"k": {"y": 1}}}, {"a": {"k": {}}}, ["a.k.y"]),
        (obj(a=STRING), {"a": None}, {}, []),
        (obj(a=STRING | {"nullable": True}), {"a": None}, {"a": None}, []),
        # A null that a default replaces stays until then.
        (obj(a=STRING | {"default": "d"}), {"a": None}, {"a": None}, []),
        (obj(e=PRESERVING | {"x-kubernetes-embedded-resource": True}),
         {"e": {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"a": 1}}},
         {"e": {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"a": 1}}}, []),
    ],
)  # fmt: skip
def test_what_the_schema_does_not_know_goes(schema: Obj, given: Obj, left: Obj, unknown: list[str]) -> None:
    found: list[str] = []
    structural.compile_pruner(schema, no_metadata)(given, "", found)
    assert (given, found) == (left, unknown)


def test_embedded_metadata_that_is_null_is_empty() -> None:
    value = {"e": {"kind": "K", "metadata": None}}
    structural.compile_pruner(obj(e=PRESERVING | {"x-kubernetes-embedded-resource": True}), no_metadata)(
        value, "", []
    )
    assert value == {"e": {"kind": "K", "metadata": {}}}


def test_an_embedded_kind_must_be_a_text() -> None:
    schema = obj(e=PRESERVING | {"x-kubernetes-embedded-resource": True})
    with pytest.raises(structural.InvalidEmbedded, match=r"e\.kind: Invalid value: 1: must be a string"):
        structural.compile_pruner(schema, no_metadata)({"e": {"kind": 1}}, "", [])


@pytest.mark.parametrize(
    ("schema", "given", "expected"),
    [
        (obj(a=STRING | {"default": "A"}), {}, {"a": "A"}),
        (obj(a=STRING | {"default": "A"}), {"a": "B"}, {"a": "B"}),
        (obj(a=STRING | {"default": "A"}), {"a": None}, {"a": "A"}),
        (obj(a=STRING | {"default": "A", "nullable": True}), {"a": None}, {"a": None}),
        # Defaults apply within what a default brought.
        (obj(o=obj(a=STRING | {"default": "A"}) | {"default": {}}), {}, {"o": {"a": "A"}}),
        # What is not there has no fields to fill.
        (obj(o=obj(a=STRING | {"default": "A"})), {}, {}),
        (obj(l={"type": "array", "items": obj(a=STRING | {"default": "A"})}), {"l": [{}, {"a": "B"}]},
         {"l": [{"a": "A"}, {"a": "B"}]}),
        (obj(l={"type": "array", "items": STRING | {"default": "A"}}), {"l": [None, "B"]}, {"l": ["A", "B"]}),
        (obj(m={"type": "object", "additionalProperties": obj(a=STRING | {"default": "A"})}), {"m": {"x": {}}},
         {"m": {"x": {"a": "A"}}}),
    ],
)  # fmt: skip
def test_defaults_fill_what_is_absent(schema: Obj, given: Obj, expected: Obj) -> None:
    default = structural.compile_defaulter(schema)
    assert default is not None
    default(given)
    assert given == expected
    again = copy(given)
    default(again)
    assert again == given


def test_each_object_gets_a_default_of_its_own() -> None:
    default = structural.compile_defaulter(obj(o={"type": "object", "default": {"a": 1}}))
    assert default is not None
    one: Obj = {}
    other: Obj = {}
    default(one)
    one["o"]["a"] = 2
    default(other)
    assert other == {"o": {"a": 1}}


def test_a_schema_without_defaults_has_no_defaulter() -> None:
    assert structural.compile_defaulter(obj(a=STRING)) is None


SET: Obj = {"type": "array", "x-kubernetes-list-type": "set", "items": STRING}
MAP: Obj = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["a", "b"],
    "items": obj(a=STRING, b=STRING),
}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (SET, ["a", "b"], []),
        (SET, ["a", "b", "a", "a"], ['l[2]: Duplicate value: "a"']),
        (SET, [1, True], []),
        (MAP, [{"a": "x"}, {"a": "x", "b": "y"}], []),
        (
            MAP,
            [{"a": "x", "b": "y"}, {"a": "x", "b": "y", "c": 1}],
            ['l[1]: Duplicate value: {"a":"x","b":"y"}'],
        ),
        (MAP, ["x"], ['l[0]: Invalid value: "x": must be an object for an array of list-type map']),
    ],
)
def test_sets_and_maps_hold_nothing_twice(schema: Obj, value: Any, expected: list[str]) -> None:
    check = structural.compile_list_check(obj(l=schema))
    assert check is not None
    found: list[FieldError] = []
    check({"l": value}, "", found)
    assert [str(finding) for finding in found] == expected


def test_schemas_without_sets_and_maps_have_no_list_check() -> None:
    assert structural.compile_list_check(obj(l={"type": "array", "items": STRING})) is None


def test_embedded_objects_say_what_they_are() -> None:
    schema = obj(e=PRESERVING | {"x-kubernetes-embedded-resource": True})
    check = structural.compile_embedded_check(schema, lambda value, path, found: None)
    assert check is not None
    found: list[FieldError] = []
    check({"e": {"apiVersion": "a/b/c", "kind": "1x"}}, "", found)
    assert [str(finding).partition(", an")[0][:70] for finding in found] == [
        'e.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: ',
        'e.kind: Invalid value: "1x": may have mixed case, but should otherwise',
    ]
    found.clear()
    check({"e": {}}, "", found)
    assert [str(finding) for finding in found] == ["e.apiVersion: Required value", "e.kind: Required value"]
