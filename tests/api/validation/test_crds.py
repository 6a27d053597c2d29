"""Cases of apiextensions-apiserver pkg/apis/apiextensions/validation/validation_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import CUSTOM_RESOURCE_DEFINITIONS as CRDS
from kubepy.api.objects import Obj, copy
from kubepy.api.validation import validate_create, validate_update

SCHEMA = "spec.validation.openAPIV3Schema"


def version(name: str = "v1", *, storage: bool = True, schema: Any = None, **more: Any) -> Obj:
    schema = {"type": "object"} if schema is None else schema
    return {
        "name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more,
    }  # fmt: skip


def definition(*versions: Obj, name: str = "foos.example.com", **spec: Any) -> Obj:
    versions = versions or (version(),)
    names = {"plural": "foos", "kind": "Foo", "singular": "foo", "listKind": "FooList"}
    whole = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": list(versions)} | spec
    stored = [each["name"] for each in versions if each["storage"]]
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
        "spec": whole, "status": {"storedVersions": stored},
    }  # fmt: skip


def created(obj: Obj) -> list[str]:
    return [str(finding) for finding in validate_create(CRDS, obj)]


def field(schema: Obj) -> list[str]:
    """Findings about a field of the root, without their common beginning."""
    found = created(definition(version(schema={"type": "object", "properties": {"f": schema}})))
    return [text.removeprefix(f"{SCHEMA}.properties[f]") for text in found]


def test_a_plain_definition_is_valid() -> None:
    assert created(definition()) == []


NAMES = {"plural": "foos", "kind": "Foo", "singular": "foo", "listKind": "FooList"}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (definition(name="x.example.com"),
         ['metadata.name: Invalid value: "x.example.com": must be spec.names.plural+"."+spec.group']),
        (definition(group="example", name="foos.example"),
         ['spec.group: Invalid value: "example": should be a domain with at least one dot']),
        (definition(scope=""), ["spec.scope: Required value"]),
        (definition(scope="x"),
         ['spec.scope: Unsupported value: "x": supported values: "Cluster", "Namespaced"']),
        (definition(names=NAMES | {"listKind": "Foo"}),
         ['spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same']),
        (definition(preserveUnknownFields=True), [
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set "
            "x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"]),
        (definition(version() | {"schema": None}), ["spec.versions[0].schema.openAPIV3Schema: Required value"]),
        (definition(version(deprecationWarning="x")), [
            'spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions']),
        (definition(group="a.k8s.io", name="foos.a.k8s.io"), [
            'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval '
            'annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111']),
    ],
)  # fmt: skip
def test_what_a_definition_says_of_itself(obj: Obj, expected: list[str]) -> None:
    assert created(obj) == expected


def test_exactly_one_version_is_stored_and_names_are_unique() -> None:
    found = created(definition(version(), version()))
    assert [text.rpartition(": ")[2] for text in found] == [
        "must contain unique version names",
        "must have exactly one version marked as storage version",
        "must have the storage version v1",
    ]
    shown = (
        '{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,'
        '"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}'
    )
    assert found[0] == f"spec.versions: Invalid value: [{shown},{shown}]: must contain unique version names"


def test_what_versions_have_in_common_is_the_specs() -> None:
    scale: Obj = {"subresources": {"scale": {"statusReplicasPath": ".status.n"}}}
    wrong: Obj = {"type": "object", "properties": {"f": {}}}
    other = version("v2", storage=False, **scale)
    required = "Required value: must not be empty for specified object fields"
    assert created(definition(version(schema=wrong, **scale), other)) == [
        f"spec.versions[0].schema.openAPIV3Schema.properties[f].type: {required}",
        "spec.subresources.scale.specReplicasPath: Required value",
    ]
    assert created(
        definition(version(schema=wrong, **scale), version("v2", storage=False, schema=wrong))
    ) == [
        "spec.versions[0].subresources.scale.specReplicasPath: Required value",
        f"spec.validation.openAPIV3Schema.properties[f].type: {required}",
    ]


def test_a_schema_beside_a_status_has_only_what_also_holds_for_the_status() -> None:
    status: Obj = {"subresources": {"status": {}}}
    schema: Obj = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}
    assert created(definition(version(schema=schema, **status))) == []
    (text,) = created(definition(version(schema=schema | {"minProperties": 1}, **status)))
    assert text.startswith(
        f'{SCHEMA}: Invalid value: {{"ID":"","Schema":"","Ref":null,"Description":"","Type":"object",'
    )
    assert '"Items":{"Schema":{"ID":""' in text and '"JSONSchemas":null}' in text
    assert text.endswith("fields are allowed at the root of the schema if the status subresource is enabled")


def test_a_schema_is_shown_with_numbers_as_go_writes_them() -> None:
    number: Obj = {"type": "number", "maximum": 1.0, "minimum": 0.5}
    schema: Obj = {"type": "object", "minProperties": 1, "properties": {"a": number}}
    (text,) = created(definition(version(schema=schema, subresources={"status": {}})))
    assert '"Maximum":1,' in text and '"Minimum":0.5,' in text


WEBHOOK = "spec.conversion.webhookClientConfig"


def webhook(config: Obj, versions: list[str] | None = None) -> Obj:
    review = ["v1"] if versions is None else versions
    return {"strategy": "Webhook", "webhook": {"clientConfig": config, "conversionReviewVersions": review}}


URL = {"url": "https://example.com/convert"}


@pytest.mark.parametrize(
    ("conversion", "expected"),
    [
        ({"strategy": "None"}, []),
        (webhook(URL), []),
        ({"strategy": "x"}, ['spec.conversion.strategy: Unsupported value: "x": supported values: "None", "Webhook"']),
        (webhook({}), [f"{WEBHOOK}: Required value: exactly one of url or service is required"]),
        (webhook({"url": "http://a"}), [
            f"{WEBHOOK}.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: "
            "https://host[/path]"]),
        (webhook({"url": "https://a?b=c"}), [
            f'{WEBHOOK}.url: Invalid value: "b=c": query parameters are not permitted in the URL']),
        (webhook({"service": {"name": "a", "namespace": "b", "port": 0, "path": "x"}}), [
            f"{WEBHOOK}.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
            f"{WEBHOOK}.service.path: Invalid value: \"x\": must start with a '/'",
            f'{WEBHOOK}.service.path: Invalid value: "x": segment[0] may not be empty']),
        (webhook(URL, []), ["spec.conversion.conversionReviewVersions: Required value"]),
        (webhook(URL, ["v9"]), [
            'spec.conversion.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1'
        ]),
        (webhook(URL, ["v1", "v1"]), [
            'spec.conversion.conversionReviewVersions[1]: Invalid value: "v1": duplicate version']),
        (webhook(URL) | {"strategy": "None"}, [
            f"{WEBHOOK}: Forbidden: should not be set when strategy is not set to Webhook",
            "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to "
            "Webhook"]),
    ],
)  # fmt: skip
def test_conversion(conversion: Obj, expected: list[str]) -> None:
    assert created(definition(conversion=conversion)) == expected


STRING: Obj = {"type": "string"}
SELECTABLE = {
    "type": "object",
    "properties": {"a": STRING, "o": {"type": "object"}, "metadata": {"type": "object"}},
}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"subresources": {"scale": {}}}, [
            "subresources.scale.specReplicasPath: Required value",
            "subresources.scale.statusReplicasPath: Required value"]),
        ({"subresources": {"scale": {"specReplicasPath": ".x.n", "statusReplicasPath": "n"}}}, [
            'subresources.scale.specReplicasPath: Invalid value: ".x.n": should be a json path under .spec',
            'subresources.scale.statusReplicasPath: Invalid value: "n": must be a simple json path starting with .']),
        ({"additionalPrinterColumns": [{"name": "", "type": "x", "format": "y", "jsonPath": ""}]}, [
            "additionalPrinterColumns[0].name: Required value",
            'additionalPrinterColumns[0].type: Invalid value: "x": must be one of boolean,date,integer,number,string',
            'additionalPrinterColumns[0].format: Invalid value: "y": must be one of '
            "byte,date,date-time,double,float,int32,int64,password",
            "additionalPrinterColumns[0].JSONPath: Required value"]),
        ({"selectableFields": [{"jsonPath": ".a"}]}, []),
        ({"selectableFields": [{"jsonPath": ".a"}, {"jsonPath": ".a"}]}, [
            'selectableFields[1].jsonPath: Duplicate value: ".a"']),
        ({"selectableFields": [{"jsonPath": ".b"}]}, [
            'selectableFields[0].jsonPath: Invalid value: ".b": is an invalid path: does not refer to a valid field']),
        ({"selectableFields": [{"jsonPath": ".o"}]}, [
            'selectableFields[0].jsonPath: Invalid value: ".o": must point to a field of type string, boolean or '
            "integer. Enum string fields and strings with formats are allowed."]),
    ],
)  # fmt: skip
def test_subresources_columns_and_selectable_fields(more: Obj, expected: list[str]) -> None:
    found = created(definition(version(schema=SELECTABLE, **more)))
    assert [text.removeprefix("spec.") for text in found] == expected


LIST_MAP: Obj = {
    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "required": ["k"], "properties": {"k": STRING}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (STRING, []),
        (LIST_MAP, []),
        ({"type": "x"}, ['.type: Unsupported value: "x": supported values: "array", "boolean", "integer", "number", '
                         '"object", "string"']),
        (STRING | {"id": "x"}, [".id: Forbidden: id is not supported"]),
        ({"type": "array", "items": STRING, "uniqueItems": True}, [
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes "
            "quadratic"]),
        ({"type": "object", "properties": {"a": STRING}, "additionalProperties": STRING}, [
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"]),
        (STRING | {"x-kubernetes-map-type": "atomic"}, [
            '.type: Invalid value: "string": must be object if x-kubernetes-map-type is specified']),
        ({"type": "array", "items": STRING, "x-kubernetes-list-type": "bag"}, [
            '.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"']),
        (LIST_MAP | {"x-kubernetes-list-map-keys": ["z"]}, [
            '.x-kubernetes-list-map-keys: Invalid value: ["z"]: entries must all be names of item properties']),
        (LIST_MAP | {"items": {"type": "object", "properties": {"k": STRING}}}, [
            ".items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must "
            "have a default or be a required property"]),
        ({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}, [
            ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with "
            "x-kubernetes-list-type=set"]),
        ({"type": "integer", "default": "x"}, [
            '.default: Invalid value: "string":  in body must be of type integer: "string"']),
        ({"type": "object", "properties": {"a": STRING}, "default": {"b": 1}}, [
            '.default: Invalid value: {"b":1}: must not have unknown fields']),
    ],
)  # fmt: skip
def test_schemas(schema: Obj, expected: list[str]) -> None:
    assert field(schema) == expected


RULE = ".x-kubernetes-validations[0]"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"rule": "self == 'a'"}, []),
        ({"rule": " "}, [f"{RULE}.rule: Required value: rule is not specified"]),
        ({"rule": "self ==\n'a'"}, [
            f"{RULE}.message: Required value: message must be specified if rule contains line breaks"]),
        ({"rule": "true", "message": " "}, [f'{RULE}.message: Invalid value: " ": must be non-empty if specified']),
        ({"rule": "true", "reason": "x"}, [
            f'{RULE}.reason: Unsupported value: "x": supported values: "FieldValueDuplicate", "FieldValueForbidden", '
            '"FieldValueInvalid", "FieldValueRequired"']),
        ({"rule": "size(self)"}, [
            f'{RULE}.rule: Invalid value: {{"Rule":"size(self)","Message":"","MessageExpression":"","Reason":null,'
            '"FieldPath":"","OptionalOldSelf":null}: cel expression must evaluate to a bool']),
        ({"rule": "true", "fieldPath": ".x"}, [f'{RULE}.fieldPath: Invalid value: ".x": must be a valid path']),
        ({"rule": "true", "optionalOldSelf": True}, [
            f"{RULE}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"]),
    ],
)  # fmt: skip
def test_rules(rule: Obj, expected: list[str]) -> None:
    assert field(STRING | {"x-kubernetes-validations": [rule]}) == expected


def test_a_rule_that_may_run_too_often_is_too_expensive() -> None:
    item = STRING | {"x-kubernetes-validations": [{"rule": "self.contains(self)"}]}
    found = field({"type": "array", "items": item})
    assert found[0].startswith(
        f".items{RULE}.rule: Forbidden: estimated rule cost exceeds budget by factor of"
    )
    assert "contributed to estimated rule cost total" in found[1]
    bounded = field({"type": "array", "maxItems": 5, "items": item | {"maxLength": 10}})
    assert bounded == []


def test_old_items_cannot_be_told_apart_in_a_plain_list() -> None:
    item = STRING | {"maxLength": 5, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}
    found = field({"type": "array", "maxItems": 5, "items": item})
    assert found == [
        f'.items{RULE}.rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion '
        f"of the schema within {SCHEMA}.properties[f]"
    ]


def updated(new: Obj, old: Obj) -> list[str]:
    for obj in (new, old):
        obj["metadata"] |= {"uid": "1", "resourceVersion": "1"}
    return [str(finding) for finding in validate_update(CRDS, new, old)]


def test_kind_and_scope_are_fixed_once_established() -> None:
    old = definition()
    new = definition(scope="Cluster", names=NAMES | {"kind": "Bar"})
    assert updated(copy(new), copy(old)) == []
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    assert updated(new, old) == [
        'spec.scope: Invalid value: "Cluster": field is immutable',
        'spec.names.kind: Invalid value: "Bar": field is immutable',
    ]


def test_an_established_kind_takes_no_bundle_that_verifies_nobody() -> None:
    good, bad = (
        definition(conversion=webhook(URL | more, ["v1"])) for more in ({}, {"caBundle": "YnVuZGxl"})
    )
    assert created(copy(bad)) == updated(copy(bad), copy(good)) == []
    for old in (good, bad):
        old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    assert updated(copy(bad), copy(good)) == [
        f'{WEBHOOK}.caBundle: Invalid value: "YnVuZGxl": unable to load root certificates: unable to parse bytes as '
        "PEM block"
    ]
    assert updated(bad | {"spec": bad["spec"] | {"names": NAMES | {"shortNames": ["f"]}}}, copy(bad)) == []


def test_a_version_that_was_stored_stays() -> None:
    new = definition(version("v2"))
    new["status"]["storedVersions"] = ["v1", "v2"]
    assert updated(new, definition()) == [
        'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage '
        "version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 "
        "and removes v1 from status.storedVersions"
    ]


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "string", "$schema": "s"}, "schema"),
        ({"type": "string", "pattern": "[", "definitions": {"a": {}}}, "definitions"),
        ({"not": {"type": "string"}, "id": "i"}, "id"),
        ({"type": "string", "id": "i", "x-kubernetes-validations": [{"rule": "self +"}]}, "id"),
    ],
)  # fmt: skip
def test_what_is_foreign_to_structural_schemas_is_told_of_alone(schema: Obj, keyword: str) -> None:
    whole = f"{SCHEMA}: Invalid value: \"\": OpenAPIV3Schema 'schema' is not supported"
    expected = whole if keyword == "schema" else f".{keyword}: Forbidden: {keyword} is not supported"
    assert field(schema) == [expected]


@pytest.mark.parametrize(
    "more", [{"maximum": 0}, {"multipleOf": 0}, {"additionalProperties": False}, {"required": []}]
)
def test_metadata_may_not_even_be_restricted_by_zeros(more: Obj) -> None:
    schema = {"type": "object", "properties": {"metadata": {"type": "object", **more}}}
    expected = (
        "must not specify anything other than name and generateName, but metadata is implicitly specified"
    )
    assert created(definition(version(schema=schema))) == [
        f"{SCHEMA}.properties[metadata]: Forbidden: {expected}"
    ]


def test_metadata_may_say_zeros_that_go_does_not_keep() -> None:
    schema = {"type": "object", "properties": {"metadata": {"type": "object", "description": "", "enum": []}}}
    assert created(definition(version(schema=schema))) == []


META = "must result in valid metadata: "


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {"apiVersion": {"type": "string", "default": []}}},
         [f'[apiVersion].default: Invalid value: []: {META}apiVersion: Invalid value: []: must be a string']),
        ({"properties": {"metadata": {"type": "object", "default": 1}}},
         [f'[metadata].default: Invalid value: 1: {META}metadata: Invalid value: 1: json: cannot unmarshal number into '
          "Go value of type v1.ObjectMeta"]),
        ({"properties": {"f": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"metadata": {
            "type": "object", "properties": {"name": {"type": "string", "default": "a/b"}}}}}}},
         [f'[f].properties[metadata].properties[name].default: Invalid value: "a/b": {META}metadata.name: '
          """Invalid value: "a/b": may not contain '/'"""]),
        ({"properties": {"f": {"type": "object", "x-kubernetes-embedded-resource": True, "default": {"kind": 5},
                               "x-kubernetes-preserve-unknown-fields": True}}},
         ["[f].default.kind: Invalid value: 5: must be a string"]),
        ({"properties": {"f": {"type": "object", "x-kubernetes-embedded-resource": True, "default": {"kind": "K"},
                               "x-kubernetes-preserve-unknown-fields": True}}},
         ["[f].default.apiVersion: Required value"]),
    ],
)  # fmt: skip
def test_defaults_make_valid_objects(schema: Obj, expected: list[str]) -> None:
    found = created(definition(version(schema={"type": "object", **schema})))
    own = [text.removeprefix(f"{SCHEMA}.properties") for text in found if ".default" in text]
    assert own[: len(expected)] == expected


@pytest.mark.parametrize(("map_type", "is_refused"), [("atomic", True), ("granular", False), (None, False)])
def test_atomic_maps_cannot_be_matched_with_what_was_there(map_type: str | None, is_refused: bool) -> None:
    below = {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}
    schema = {"type": "object", "properties": {"p": below}, "x-kubernetes-map-type": map_type}
    found = field({key: value for key, value in schema.items() if value is not None})
    text = "oldSelf cannot be used on the uncorrelatable portion of the schema within"
    assert [text in each for each in found] == [True] * is_refused


def test_dependencies_are_shown_as_go_prints_them() -> None:
    schema = {"type": "object", "dependencies": {"a": ["b"], "c": {}}}
    (text, *_) = created(definition(version(schema=schema, subresources={"status": {}})))
    assert '"Dependencies":{"a":{"Schema":null,"Property":["b"]},"c":{"Schema":{"ID":""' in text
