"""Bodies that are no object, and objects that are not as they must be.

Sources: door.py."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.bad_input.door import DEPLOYMENTS, JSON, LABEL_VALUE, MAPS, PROTOBUF, YAML, Door

UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): "
NOT_JSON = UNRECOGNIZED + "couldn't get version/kind; json parse error: "
IDENTITY = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)
HANDLED = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
SCHEME = 'in scheme "pkg/api/legacyscheme/scheme.go:30"'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", NOT_JSON + "unexpected end of JSON input (<empty>)"),
        (b'{"metadata":{"name":"b"', NOT_JSON + 'unexpected end of JSON input ({"metadata":{"name":"b")'),
        (b"nope", NOT_JSON + "invalid character 'o' in literal null (expecting 'u') (6e6f7065)"),
        (b'{"a":1}x', NOT_JSON + "invalid character 'x' after top-level value ({\"a\":1}x)"),
        (b'{"metadata":{"name":"b"},}',
         NOT_JSON
         + "invalid character '}' looking for beginning of object key string ({\"metadata\":{\"name\":\"b\"},})"),
        (b"\xff\xfe", NOT_JSON + "invalid character '\xff' looking for beginning of value (fffe)"),
        (b"[]", NOT_JSON + f"json: cannot unmarshal array into Go value of type {IDENTITY} (5b5d)"),
        (b'"x"', NOT_JSON + f"json: cannot unmarshal string into Go value of type {IDENTITY} (227822)"),
        (b"1", NOT_JSON + f"json: cannot unmarshal number into Go value of type {IDENTITY} (31)"),
        (b'{"kind":1}',
         NOT_JSON + 'json: cannot unmarshal number into Go struct field .kind of type string ({"kind":1})'),
        (b"[" * 5000, NOT_JSON + f"exceeded max depth ({'5b' * 30} ...)"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, NOT_JSON + 'exceeded max depth ({"a":{"a":{"a":{"a":{"a":{"a": ...)'),
        # Other kinds, other versions.
        (b'{"kind":"Secret","apiVersion":"v1"}',
         'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): '
         "unknown conversion"),
        (b'{"kind":"List","apiVersion":"v1","items":[]}',
         'List in version "v1" cannot be handled as a ConfigMap: converting (v1.List) to (core.ConfigMap): '
         "unknown conversion"),
        (b'{"kind":"Deployment","apiVersion":"apps/v1"}',
         'Deployment in version "v1" cannot be handled as a ConfigMap: converting (v1.Deployment) to '
         "(core.ConfigMap): unknown conversion"),
        (b'{"kind":"Nope","apiVersion":"v1"}',
         'Nope in version "v1" cannot be handled as a ConfigMap: no kind "Nope" is registered for version "v1" '
         + SCHEME),
        (b'{"kind":"ConfigMap","apiVersion":"v2"}',
         'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version '
         '"v2" ' + SCHEME),
        # Wrong types.
        (b'{"metadata":"x"}',
         HANDLED + "json: cannot unmarshal string into Go struct field ConfigMap.metadata of type v1.ObjectMeta"),
        (b'{"metadata":{"name":1}}',
         HANDLED + "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string"),
        (b'{"metadata":{"labels":{"a":1}}}',
         HANDLED + "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"),
        (b'{"metadata":{"finalizers":"x"}}',
         HANDLED
         + "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.finalizers of type []string"),
        (b'{"metadata":{"generation":1.5}}',
         HANDLED
         + "json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64"),
        (b'{"data":[]}',
         HANDLED + "json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string"),
        (b'{"immutable":"yes"}',
         HANDLED + "json: cannot unmarshal string into Go struct field ConfigMap.immutable of type bool"),
        (b'{"binaryData":{"a":"%%%"}}', HANDLED + "illegal base64 data at input byte 0"),
        (b'{"metadata":{"creationTimestamp":"yesterday"}}',
         HANDLED + 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'),
        (b'{"metadata":{"name":"b","namespace":"other"}}',
         "the namespace of the provided object does not match the namespace sent on the request"),
    ],
)  # fmt: skip
def test_json_that_is_no_config_map(door: Door, body: bytes, message: str) -> None:
    door.ask("POST", MAPS, body).is_status(400, "BadRequest", message, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a: b: c", UNRECOGNIZED + "yaml: mapping values are not allowed in this context (613a20623a2063)"),
        ("kind: ConfigMap\na: b: c",
         UNRECOGNIZED + "yaml: line 2: mapping values are not allowed in this context "
         f"({b'kind: ConfigMap'.hex()}0a613a20623a2063)"),
        ("kind: [", UNRECOGNIZED + f"yaml: line 1: did not find expected node content ({b'kind: ['.hex()})"),
        ("\t- x", UNRECOGNIZED + "yaml: found character that cannot start any token (092d2078)"),
        ("&a [*a]", UNRECOGNIZED + f"yaml: anchor value contains itself ({b'&a [*a]'.hex()})"),
        ("- a\n- b", NOT_JSON + f"json: cannot unmarshal array into Go value of type {IDENTITY} (2d20610a2d2062)"),
        ("kind: Secret",
         'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): '
         "unknown conversion"),
        ("metadata: {name: 1}",
         HANDLED + "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string"),
        ("data: {a: .inf}", UNRECOGNIZED + f"json: unsupported value: .inf ({b'data: {a: .inf}'.hex()})"),
    ],
)  # fmt: skip
def test_yaml_that_is_no_config_map(door: Door, body: str, message: str) -> None:
    door.ask("POST", MAPS, body, YAML).is_status(400, "BadRequest", message, None)


def test_yaml_that_grows(door: Door) -> None:
    """Nine to the ninth x, and a gigabyte of one text: neither is written out."""
    lists = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + level)}: &{chr(98 + level)} [{','.join([f'*{chr(97 + level)}'] * 9)}]\n"
        for level in range(9)
    )
    texts = f"a: &a {'x' * 1_000_000}\nb: [{','.join(['*a'] * 1000)}]\n"
    merges = "a: &a {x: 1}\n" + "".join(
        f"{chr(98 + level)}: &{chr(98 + level)} {{<<: [{','.join([f'*{chr(97 + level)}'] * 9)}], k{level}: 1}}\n"
        for level in range(12)
    )
    for body in (lists, texts):
        answer = door.ask("POST", MAPS, body, YAML)
        assert (answer.status, answer.obj["reason"]) == (400, "BadRequest")
        assert "yaml: document contains excessive aliasing" in answer.obj["message"]
    assert door.ask("POST", MAPS, merges, YAML).status == 422


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"\x00\x01",
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
        ),
        (b"", "empty data"),
        (b"k8s\x00\xff\xff", "unexpected EOF"),
    ],
)
def test_protobuf_that_is_none(door: Door, body: bytes, message: str) -> None:
    answer = door.ask("POST", MAPS, body, PROTOBUF)
    assert (answer.status, answer.obj["reason"]) == (400, "BadRequest")
    assert message in answer.obj["message"]


NAMELESS = "metadata.name: Required value: name or generateName is required"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"{}", JSON), (b"null", JSON), (b'{"metadata":null}', JSON), (b"", YAML), (b"# nothing\n", YAML)],
)
def test_nothing_is_an_object_without_a_name(door: Door, body: bytes, content_type: str) -> None:
    cause = {
        "reason": "FieldValueRequired", "field": "metadata.name",
        "message": "Required value: name or generateName is required",
    }  # fmt: skip
    answer = door.ask("POST", MAPS, body, content_type)
    answer.is_status(
        422, "Invalid", f'ConfigMap "" is invalid: {NAMELESS}', {"kind": "ConfigMap", "causes": [cause]}
    )


def test_text_that_is_no_utf_8_is_read_as_go_reads_it(door: Door) -> None:
    for number, body in enumerate(
        (
            b'{"metadata":{"name":"u%d"},"data":{"a":"\xff"}}',
            b'{"metadata":{"name":"u%d"},"data":{"a":"\\ud800"}}',
        )
    ):
        answer = door.ask("POST", MAPS, body % number)
        assert (answer.status, answer.obj["data"]) == (201, {"a": "\ufffd"})


SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("metadata", "field", "shown", "why"),
    [
        ({"name": "UPPER"}, "metadata.name", '"UPPER"', SUBDOMAIN),
        ({"name": "a_b"}, "metadata.name", '"a_b"', SUBDOMAIN),
        ({"name": ".."}, "metadata.name", '".."', SUBDOMAIN),
        ({"name": "a/b"}, "metadata.name", '"a/b"', SUBDOMAIN),
        ({"name": "\xe9"}, "metadata.name", '"\xe9"', SUBDOMAIN),
        ({"name": "a\0"}, "metadata.name", '"a\\x00"', SUBDOMAIN),
        ({"name": "a" * 254}, "metadata.name", f'"{"a" * 254}"', "must be no more than 253 characters"),
        ({"name": "b", "labels": {"a": "b c"}}, "metadata.labels", '"b c"', LABEL_VALUE),
        ({"name": "b", "labels": {"a": "x" * 64}}, "metadata.labels", f'"{"x" * 64}"', "must be no more than 63 bytes"),
        ({"name": "b", "labels": {"x" * 64: ""}}, "metadata.labels", f'"{"x" * 64}"',
         "name part must be no more than 63 bytes"),
    ],
)  # fmt: skip
def test_names_and_labels(door: Door, metadata: dict[str, Any], field: str, shown: str, why: str) -> None:
    answer = door.ask("POST", MAPS, {"metadata": metadata})
    message = f"Invalid value: {shown}: {why}"
    name = shown if field == "metadata.name" else '"b"'
    answer.is_status(422, "Invalid", f"ConfigMap {name} is invalid: {field}: {message}", {
        "name": metadata["name"], "kind": "ConfigMap",
        "causes": [{"reason": "FieldValueInvalid", "message": message, "field": field}],
    })  # fmt: skip


def test_more_of_metadata(door: Door) -> None:
    for name, why in [("a.b", "must not contain dots"), ("A", LABEL)]:
        answer = door.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        message = f'Namespace "{name}" is invalid: metadata.name: Invalid value: "{name}": {why}'
        assert (answer.status, answer.obj["message"]) == (422, message)
    big = {"metadata": {"name": "b", "annotations": {"a": "x" * (256 << 10)}}}
    answer = door.ask("POST", MAPS, big)
    message = 'ConfigMap "b" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes'
    assert (answer.status, answer.obj["message"]) == (422, message)
    door.ask("POST", MAPS, {"metadata": {"name": "a"}}).is_status(
        409, "AlreadyExists", 'configmaps "a" already exists', {"name": "a", "kind": "configmaps"}
    )
    # No Status in Go either: 500 without a reason.
    answer = door.ask("POST", MAPS, {"metadata": {"name": "b", "resourceVersion": "5"}})
    answer.is_status(500, "", "resourceVersion should not be set on objects to be created", None)


def test_options_of_writes(door: Door) -> None:
    body = {"metadata": {"name": "b"}}
    for query, why in [
        ("fieldValidation=Nope",
         'fieldValidation: Unsupported value: "Nope": supported values: "", "Ignore", "Strict", "Warn"'),
        ("dryRun=x", 'dryRun: Unsupported value: ["x"]: supported values: "All"'),
        (f"fieldManager={'x' * 129}", "fieldManager: Too long: may not be more than 128 bytes"),
    ]:  # fmt: skip
        answer = door.ask("POST", f"{MAPS}?{query}", body)
        assert answer.status == 422
        assert answer.obj["message"] == f'CreateOptions.meta.k8s.io "" is invalid: {why}'
        assert answer.obj["details"]["kind"] == "CreateOptions"
    answer = door.ask("POST", f"{DEPLOYMENTS}?fieldValidation=Strict", {"spec": {"replicaz": 1}, "foo": 1})
    answer.is_status(
        400, "BadRequest",
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'unknown field "spec.replicaz", unknown field "foo"', None,
    )  # fmt: skip
    twice = b'{"metadata":{"name":"a","name":"b"},"data":{"x":"1","x":"2"}}'
    answer = door.ask("POST", f"{MAPS}?fieldValidation=Strict", twice)
    assert answer.obj["message"] == (
        HANDLED + 'strict decoding error: duplicate field "metadata.name", duplicate field "data.x"'
    )
