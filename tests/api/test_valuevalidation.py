"""Texts of kube-openapi, and cases of apiextensions-apiserver pkg/apiserver/validation/validation_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.api.valuevalidation import NOTHING, compile_schema


def findings(schema: Obj, value: Any, old: Any = NOTHING) -> list[str]:
    found: list[FieldError] = []
    wrap = {"type": "object", "properties": {"f": schema}}
    compile_schema(wrap)({"f": value}, old if old is NOTHING else {"f": old}, "", found)
    return [str(finding) for finding in found]


INT, STR = {"type": "integer"}, {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (INT, 1, []),
        (INT, 1.0, []),
        (INT, "1", ['f: Invalid value: "string": f in body must be of type integer: "string"']),
        (INT, 1.5, ['f: Invalid value: "number": f in body must be of type integer: "number"',
                    '<nil>: Invalid value: "": Checked value must be of type integer (default format) in f']),
        (INT, True, ['f: Invalid value: "boolean": f in body must be of type integer: "boolean"']),
        (INT, None, ['f: Invalid value: "null": f in body must be of type integer: "null"']),
        (INT | {"nullable": True}, None, []),
        ({"type": "number"}, 1, []),
        (STR, {}, ['f: Invalid value: "object": f in body must be of type string: "object"']),
        ({"type": "array", "items": STR}, ["a", 1],
         ['f[1]: Invalid value: "integer": f[1] in body must be of type string: "integer"']),
        ({"x-kubernetes-int-or-string": True}, "a", []),
        ({"x-kubernetes-int-or-string": True}, 1, []),
        ({"x-kubernetes-int-or-string": True}, 1.5,
         ['f: Invalid value: "number": f in body must be of type integer,string: "number"']),
        (INT | {"minimum": 1}, 0, ["f: Invalid value: 0: f in body should be greater than or equal to 1"]),
        (INT | {"minimum": 1, "exclusiveMinimum": True}, 1,
         ["f: Invalid value: 1: f in body should be greater than 1"]),
        (INT | {"maximum": 3}, 4, ["f: Invalid value: 4: f in body should be less than or equal to 3"]),
        ({"type": "number", "maximum": 0.5}, 0.75,
         ["f: Invalid value: 0.75: f in body should be less than or equal to 0.5"]),
        (INT | {"multipleOf": 3}, 4, ["f: Invalid value: 4: f in body should be a multiple of 3"]),
        ({"type": "number", "multipleOf": 0.1}, 0.3, []),
        (INT | {"multipleOf": 5}, 8589934592, ["f: Invalid value: 8589934592: f in body should be a multiple of 5"]),
        (INT | {"format": "int32"}, 2**31 - 1, []),
        (INT | {"format": "int32"}, 2**31,
         ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in f']),
        (STR | {"minLength": 1, "pattern": "^a"}, "",
         ['f: Invalid value: "": f in body should be at least 1 chars long']),
        (STR | {"maxLength": -1}, "a", ["f: Too long: value is too long"]),
        (STR | {"maxLength": 2}, "äöü", ["f: Too long: may not be more than 2 bytes"]),
        (STR | {"minLength": 2}, "a", ['f: Invalid value: "a": f in body should be at least 2 chars long']),
        (STR | {"pattern": "^[a-z]+$"}, "A", ["f: Invalid value: \"A\": f in body should match '^[a-z]+$'"]),
        (STR | {"pattern": "^[a-z]+$"}, "ab\n", ["f: Invalid value: \"ab\\n\": f in body should match '^[a-z]+$'"]),
        (STR | {"format": "date-time"}, "now",
         ['f: Invalid value: "now": f in body must be of type date-time: "now"']),
        (STR | {"format": "unheard-of"}, "now", []),
        (STR | {"enum": ["a", "b"]}, "c", ['f: Unsupported value: "c": supported values: "a", "b"']),
        (INT | {"enum": [1]}, True,
         ['f: Invalid value: "boolean": f in body must be of type integer: "boolean"',
          'f: Unsupported value: true: supported values: "1"']),
        ({"type": "array", "maxItems": 1}, [1, 2], ["f: Too many: 2: must have at most 1 item"]),
        ({"type": "array", "minItems": 1}, [], ["f: Invalid value: 0: f in body should have at least 1 items"]),
        ({"type": "object", "required": ["a"]}, {}, ["f.a: Required value"]),
        ({"type": "object", "minProperties": 1}, {},
         ["f: Invalid value: 0: f in body should have at least 1 properties"]),
        ({"type": "object", "maxProperties": 0}, {"a": 1}, ["f: Too many: 1: must have at most 0 items"]),
        ({"type": "object", "additionalProperties": INT}, {"a": "x"},
         ['f.a: Invalid value: "string": f.a in body must be of type integer: "string"']),
        ({"not": {"minimum": 3}}, 4, ['<nil>: Invalid value: "": "f" must not validate the schema (not)']),
        ({"anyOf": [{"minimum": 3}, {"maximum": 1}]}, 2,
         ['<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)',
          "f: Invalid value: 2: f in body should be greater than or equal to 3"]),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 2,
         ['<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives']),
        ({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {},
         ['<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found none valid',
          "f.a: Required value"]),
        ({"allOf": [{"minimum": 3}]}, 2,
         ["f: Invalid value: 2: f in body should be greater than or equal to 3",
          '<nil>: Invalid value: "": "f" must validate all the schemas (allOf). None validated']),
    ],
)  # fmt: skip
def test_values_are_held_to_their_schema(schema: Obj, value: Any, expected: list[str]) -> None:
    assert findings(schema, value) == expected


def test_a_field_at_the_root_has_no_dot() -> None:
    found: list[FieldError] = []
    compile_schema({"type": "object", "required": ["spec"]})({}, NOTHING, "", found)
    assert [str(finding) for finding in found] == ["spec: Required value"]


LIST_MAP: Obj = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "properties": {"k": STR, "n": INT | {"minimum": 5}}},
}


@pytest.mark.parametrize(
    ("schema", "new", "old", "complaints"),
    [
        (INT | {"minimum": 5}, 1, 1, 0),
        (INT | {"minimum": 5}, 1, 2, 1),
        ({"type": "object", "properties": {"a": INT | {"minimum": 5}, "b": STR}}, {"a": 1, "b": "new"},
         {"a": 1, "b": "old"}, 0),
        # A plain list is one value.
        ({"type": "array", "items": INT | {"minimum": 5}}, [1, 7], [1], 1),
        ({"type": "array", "items": INT | {"minimum": 5}}, [1], [1], 0),
        # In a list with keys, items are found again wherever they are now.
        (LIST_MAP, [{"k": "x", "n": 9}, {"k": "y", "n": 1}], [{"k": "y", "n": 1}], 0),
        (LIST_MAP, [{"k": "x", "n": 1}, {"k": "y", "n": 1}], [{"k": "y", "n": 1}], 1),
        (INT, True, 1, 1),
    ],
)  # fmt: skip
def test_what_did_not_change_may_stay(schema: Obj, new: Any, old: Any, complaints: int) -> None:
    assert len(findings(schema, new, old)) == complaints


ALTERNATIVES = {
    "type": "object",
    "anyOf": [
        {"required": ["x"], "properties": {"x": {"minLength": 3}}},
        {"required": ["y", "z"], "properties": {"y": {"minimum": 5}}},
    ],
}


@pytest.mark.parametrize(
    ("value", "explained"),
    [
        ({}, ["f.x: Required value"]),
        ({"x": "a"}, ['f.x: Invalid value: "a": f.x in body should be at least 3 chars long']),
        ({"y": 9}, ["f.z: Required value"]),
        ({"y": 1, "z": "a"}, ["f.y: Invalid value: 1: f.y in body should be greater than or equal to 5"]),
        ({"z": "a"}, ["f.x: Required value"]),
        ({"x": "a", "y": 9}, ["f.z: Required value"]),
    ],
)
def test_the_alternative_with_most_to_check_is_explained(value: Obj, explained: list[str]) -> None:
    """Answers of a kube-apiserver 1.36."""
    head = '<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)'
    assert findings(ALTERNATIVES, value) == [head, *explained]


@pytest.mark.parametrize(
    ("format_", "value", "what"),
    [
        ("", 1.5, "(default format)"),
        ("int64", 1.5, "with format int64"),
        ("int32", 1 << 31, "with format int32"),
        ("", 1e300, "(default format)"),
    ],
)
def test_whole_numbers_fit_their_format(format_: str, value: float, what: str) -> None:
    schema = {"type": "integer"} | ({"format": format_} if format_ else {})
    text = f'<nil>: Invalid value: "": Checked value must be of type integer {what} in f'
    assert findings(schema, value)[-1] == text
