from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import conversion, custom, errors, tables
from kubepy.api.errors import BadRequest
from kubepy.api.objects import Obj, copy
from kubepy.api.schema import Schemas
from kubepy.api.valuevalidation import NO_FIELD

SCHEMAS = Schemas()


def definition(*versions: Obj, **spec: Any) -> Obj:
    names = {"plural": "foos", "kind": "Foo", "singular": "foo", "listKind": "FooList", "shortNames": ["fo"]}
    return {
        "metadata": {"name": "foos.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": names,
            "versions": list(versions),
            **spec,
        },
        "status": {"acceptedNames": names, "conditions": [{"type": "Established", "status": "True"}]},
    }


def version(name: str = "v1", *, storage: bool = True, served: bool = True, **more: Any) -> Obj:
    schema = more.pop("schema", {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    return {
        "name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more,
    }  # fmt: skip


def spec_schema(**properties: Obj) -> Obj:
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}


def schema_of(openapi: Obj, **more: Any) -> custom.CustomSchema:
    return custom.CustomSchema(SCHEMAS, "Foo", openapi, **more)


def test_a_version_is_a_row() -> None:
    subresources = {"status": {}, "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}}
    (row,) = custom.rows(definition(version(subresources=subresources)), SCHEMAS)
    assert (row.group, row.version, row.plural, row.kind) == ("example.com", "v1", "foos", "Foo")
    assert [sub.name for sub in row.subresources] == ["status", "scale"]
    assert custom.own_of(row).scale == (("spec", "n"), ("status", "n"), ())
    assert row.short_names == ("fo",) and row.custom


def test_a_stored_version_need_not_be_served() -> None:
    rows = custom.rows(definition(version("v1", served=False), version("v2", storage=False)), SCHEMAS)
    assert {row.version: custom.own_of(row).served for row in rows} == {"v1": False, "v2": True}
    assert {custom.own_of(row).storage.version for row in rows} == {"v1"}


def test_what_is_not_established_has_no_rows() -> None:
    assert custom.rows(definition(version()) | {"status": {}}, SCHEMAS) == []


def test_what_did_not_change_is_not_compiled_again() -> None:
    known = custom.rows(definition(version()), SCHEMAS)
    (again,) = custom.rows(definition(version()), SCHEMAS, known)
    assert custom.own_of(again).schema is custom.own_of(known[0]).schema
    (other,) = custom.rows(definition(version(schema=spec_schema())), SCHEMAS, known)
    assert custom.own_of(other).schema is not custom.own_of(known[0]).schema


@pytest.mark.parametrize(
    ("warning", "expected"),
    [
        ({}, "example.com/v1 Foo is deprecated; use example.com/v2 Foo"),
        ({"deprecationWarning": "away with it"}, "away with it"),
    ],
)
def test_a_deprecated_version_warns(warning: Obj, expected: str) -> None:
    versions = version("v1", deprecated=True, **warning), version("v2", storage=False)
    rows = custom.rows(definition(*versions), SCHEMAS)
    assert [custom.own_of(row).warning for row in rows] == [expected, ""]


def test_decoding_prunes_and_reports_metadata_first() -> None:
    schema = schema_of(spec_schema(a={"type": "string"}))
    obj = {
        "apiVersion": "example.com/v1",
        "kind": "Foo",
        "metadata": {"name": "x", "z": 1},
        "spec": {"b": 1},
        "a": 2,
    }
    assert schema.decode(obj).unknown == ["metadata.z", "a", "spec.b"]
    assert obj == {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "x"}, "spec": {}}


def test_metadata_of_the_wrong_type_is_refused_in_gos_words() -> None:
    with pytest.raises(BadRequest) as caught:
        schema_of({}).decode({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"labels": "x"}})
    assert caught.value.message == (
        'Foo in version "v1" cannot be handled as a Foo: json: cannot unmarshal string into Go struct field '
        "ObjectMeta.labels of type map[string]string"
    )


def test_the_published_schema_is_the_callers_own() -> None:
    schema = schema_of(spec_schema())
    schema.openapi["type"] = "changed"
    assert schema.openapi["type"] == "object"


def texts(findings: list[Any]) -> list[str]:
    return [str(finding) for finding in findings]


def test_findings_about_status_are_below_status() -> None:
    schema = schema_of(
        {
            "type": "object",
            "properties": {"status": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        }
    )
    new = {"metadata": {}, "status": {"n": "x"}}
    assert texts(schema.validate(new, {"metadata": {}}, "status")) == [
        'status.n: Invalid value: "string": n in body must be of type integer: "string"'
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"n": 3}, []),
        ({}, []),
        ({"n": -1}, [".spec.n: Invalid value: -1: should be a non-negative integer"]),
        ({"n": 2**31}, [".spec.n: Invalid value: 2147483648: should be less than or equal to 2147483647"]),
        ({"n": "x"}, [
            ".spec.n: Invalid value: 0: .spec.n accessor error: x is of the type string, expected int64"
        ]),
    ],
)  # fmt: skip
def test_replicas_are_numbers(spec: Obj, expected: list[str]) -> None:
    scale = custom.ScalePaths(("spec", "n"), ("status", "n"), ())
    schema = schema_of({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, scale=scale)
    assert texts(schema.validate({"metadata": {}, "spec": spec})) == expected


def test_where_no_replicas_can_be_there_are_none() -> None:
    scale = custom.ScalePaths(("spec", "n"), ("status", "n"), ("spec", "s"))
    schema = schema_of({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, scale=scale)
    assert texts(schema.validate({"metadata": {}, "spec": "x"})) == [
        ".spec.n: Invalid value: 0: .spec.n accessor error: x is of the type string, expected map[string]interface{}",
        '.spec.s: Invalid value: "": .spec.s accessor error: x is of the type string, expected map[string]interface{}',
    ]


def test_rules_wait_until_types_are_right() -> None:
    schema = schema_of(
        spec_schema(n={"type": "integer"})
        | {"x-kubernetes-validations": [{"rule": "self.spec.n > 3", "message": "m"}]}
    )
    assert texts(schema.validate({"metadata": {}, "spec": {"n": 1}})) == [f"{NO_FIELD}: Invalid value: m"]
    assert texts(schema.validate({"metadata": {}, "spec": {"n": "x"}}))[1:] == [
        f"{NO_FIELD}: Invalid value: null: some validation rules were not checked because the object was invalid; "
        "correct the existing errors to complete validation"
    ]
    earlier = [errors.required("metadata.name")]
    (text,) = texts(schema.validate({"metadata": {}, "spec": {"n": 1}}, earlier=earlier))
    assert text.startswith(f"{NO_FIELD}: Invalid value: null: some validation rules were not checked")


def test_another_version_is_pruned_and_the_stored_one_defaulted() -> None:
    versions = (
        version("v1", schema=spec_schema(a={"type": "integer", "default": 3})),
        version("v2", storage=False, schema=spec_schema(b={"type": "string", "default": "B"})),
    )
    v1, v2 = custom.rows(definition(*versions), SCHEMAS)
    obj = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "x"}, "spec": {"a": 1}}
    before = copy(obj)
    assert conversion.transcribe(obj, v1, v2) == before | {"apiVersion": "example.com/v2", "spec": {}}
    assert obj == before
    stored = conversion.transcribe(before | {"apiVersion": "example.com/v2", "spec": {"b": "b"}}, v2, v1)
    assert stored["spec"] == {}
    stored, _ = custom.read_back(stored, v1)
    assert stored["spec"] == {"a": 3}


# 2026-01-01T00:00:00Z
NOW = 1767225600.0


@pytest.mark.parametrize(
    ("column", "value", "cell"),
    [
        ({"type": "string"}, "red", "red"),
        ({"type": "string"}, 3, "3"),
        ({"type": "string"}, {"a": 1}, '{"a":1}'),
        ({"type": "integer"}, 3, 3),
        ({"type": "integer"}, "3", None),
        ({"type": "integer"}, 1e20, -(2**63)),
        ({"type": "number"}, 3, 3.0),
        ({"type": "boolean"}, True, True),
        ({"type": "boolean"}, "true", None),
        ({"type": "date"}, "2025-12-31T23:59:00Z", "60s"),
        ({"type": "date"}, "yesterday", "<invalid>"),
        ({"type": "string", "jsonPath": ".spec.absent"}, "x", None),
    ],
)
def test_cells_are_what_the_column_says(column: Obj, value: Any, cell: Any) -> None:
    printer = custom.printer([{"name": "X", "jsonPath": ".spec.x"} | column])
    assert printer.cells({"metadata": {"name": "n"}, "spec": {"x": value}}, NOW) == ["n", cell]


def test_without_columns_there_is_the_age() -> None:
    (row,) = custom.rows(definition(version()), SCHEMAS)
    assert [column["name"] for column in tables.columns(row, "1.37")] == ["Name", "Age"]
    obj = {"metadata": {"name": "n", "creationTimestamp": "2025-12-31T23:59:00Z"}}
    assert tables.row(row, obj, NOW)["cells"] == ["n", "60s"]
