"""The protobuf form of OpenAPI v2, read back by a decoder that knows gnostic's messages and nothing else."""

from typing import Any

import orjson
import pytest

from kubepy.api import openapi
from kubepy.api.builtins import Catalog
from kubepy.api.gnostic import encode
from kubepy.api.schema import Schemas

# message -> {field number: (name, type)}; types: s string, b bool, others messages. Source: OpenAPIv2.proto.
PROTO: dict[str, dict[int, tuple[str, str]]] = {
    "Document": {
        1: ("swagger", "s"),
        2: ("info", "Info"),
        8: ("paths", "Paths"),
        9: ("definitions", "Schemas"),
        10: ("parameters", "Parameters"),
        12: ("security", "Requirement"),
        13: ("security_definitions", "SecurityDefinitions"),
    },
    "Info": {1: ("title", "s"), 2: ("version", "s")},
    "Paths": {2: ("path", "NamedPath")},
    "NamedPath": {1: ("name", "s"), 2: ("value", "Path")},
    "Path": {
        **{
            number: (name, "Operation")
            for number, name in (
                (2, "get"),
                (3, "put"),
                (4, "post"),
                (5, "delete"),
                (6, "options"),
                (7, "head"),
                (8, "patch"),
            )
        },
        9: ("parameters", "ParametersItem"),
    },
    "Operation": {
        1: ("tags", "s"),
        3: ("description", "s"),
        5: ("operation_id", "s"),
        6: ("produces", "s"),
        7: ("consumes", "s"),
        8: ("parameters", "ParametersItem"),
        9: ("responses", "Responses"),
        10: ("schemes", "s"),
        13: ("vendor_extension", "NamedAny"),
    },
    "ParametersItem": {1: ("parameter", "Parameter"), 2: ("reference", "Reference")},
    "Reference": {1: ("ref", "s")},
    "Parameters": {1: ("named", "NamedParameter")},
    "NamedParameter": {1: ("name", "s"), 2: ("value", "Parameter")},
    "Parameter": {1: ("body", "Body"), 2: ("non_body", "NonBody")},
    "Body": {
        1: ("description", "s"),
        2: ("name", "s"),
        3: ("in", "s"),
        4: ("required", "b"),
        5: ("schema", "Schema"),
    },
    "NonBody": {3: ("query", "Query"), 4: ("path", "PathParameter")},
    "Query": {
        2: ("in", "s"),
        3: ("description", "s"),
        4: ("name", "s"),
        6: ("type", "s"),
        20: ("unique_items", "b"),
    },
    "PathParameter": {
        1: ("required", "b"),
        2: ("in", "s"),
        3: ("description", "s"),
        4: ("name", "s"),
        5: ("type", "s"),
        19: ("unique_items", "b"),
    },
    "Responses": {1: ("response_code", "NamedResponse")},
    "NamedResponse": {1: ("name", "s"), 2: ("value", "ResponseValue")},
    "ResponseValue": {1: ("response", "Response")},
    "Response": {1: ("description", "s"), 2: ("schema", "Item")},
    "Item": {1: ("schema", "Schema")},
    "Schemas": {1: ("additional_properties", "NamedSchema")},
    "NamedSchema": {1: ("name", "s"), 2: ("value", "Schema")},
    "Schema": {
        1: ("ref", "s"),
        2: ("format", "s"),
        4: ("description", "s"),
        19: ("required", "s"),
        20: ("enum", "Any"),
        21: ("additional_properties", "Additional"),
        22: ("type", "Strings"),
        23: ("items", "Item"),
        25: ("properties", "Schemas"),
        31: ("vendor_extension", "NamedAny"),
    },
    "Additional": {1: ("schema", "Schema"), 2: ("boolean", "b")},
    "Strings": {1: ("value", "s")},
    "NamedAny": {1: ("name", "s"), 2: ("value", "Any")},
    "Any": {2: ("yaml", "s")},
    "Requirement": {1: ("additional_properties", "NamedStrings")},
    "NamedStrings": {1: ("name", "s"), 2: ("value", "Strings")},
    "SecurityDefinitions": {1: ("additional_properties", "NamedSecurity")},
    "NamedSecurity": {1: ("name", "s"), 2: ("value", "Security")},
    "Security": {2: ("api_key", "ApiKey")},
    "ApiKey": {1: ("type", "s"), 2: ("name", "s"), 3: ("in", "s"), 4: ("description", "s")},
}


def varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def decode(message: str, raw: bytes) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    at = 0
    while at < len(raw):
        tag, at = varint(raw, at)
        name, type_ = PROTO[message][tag >> 3]
        number, at = varint(raw, at)
        if tag & 7 == 0:
            assert type_ == "b"
            value: Any = bool(number)
        else:
            assert tag & 7 == 2
            content, at = raw[at : at + number], at + number
            assert len(content) == number
            value = content.decode() if type_ == "s" else decode(type_, content)
        out.setdefault(name, []).append(value)
    return out


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.v2_document(Catalog(), Schemas())


def test_the_whole_document_reads_back(document: dict[str, Any]) -> None:
    read = decode("Document", openapi.v2_protobuf(document))
    assert read["swagger"] == ["2.0"]
    definitions = {
        entry["name"][0]: entry["value"][0] for entry in read["definitions"][0]["additional_properties"]
    }
    assert set(definitions) == set(document["definitions"])
    paths = {entry["name"][0]: entry["value"][0] for entry in read["paths"][0]["path"]}
    assert set(paths) == set(document["paths"])
    pod = definitions["io.k8s.api.core.v1.Pod"]
    gvk = next(
        entry for entry in pod["vendor_extension"] if entry["name"] == ["x-kubernetes-group-version-kind"]
    )
    assert orjson.loads(gvk["value"][0]["yaml"][0]) == [{"group": "", "kind": "Pod", "version": "v1"}]
    assert pod["type"] == [{"value": ["object"]}]
    spec = definitions["io.k8s.api.apps.v1.DeploymentSpec"]
    assert spec["required"] == ["selector", "template"]
    patch = paths["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"][0]
    query = [
        item["parameter"][0]["non_body"][0]["query"][0] for item in patch["parameters"] if "parameter" in item
    ]
    shared = {entry["name"][0]: entry["value"][0] for entry in read["parameters"][0]["named"]}
    (body,) = [item["reference"][0]["ref"][0] for item in patch["parameters"][:1]]
    assert shared[body.removeprefix("#/parameters/")]["body"][0]["required"] == [True]
    assert ["fieldValidation"] in [parameter["name"] for parameter in query]
    assert read["security_definitions"][0]["additional_properties"][0]["value"][0]["api_key"][0]["type"] == [
        "apiKey"
    ]


@pytest.mark.parametrize(
    ("message", "value", "raw"),
    [
        ("Info", {"title": "a"}, b"\n\x01a"),
        ("Schema", {"type": "string"}, b"\xb2\x01\x08\n\x06string"),
        ("Schema", {"type": ["a", "b"]}, b"\xb2\x01\x06\n\x01a\n\x01b"),
        ("Schema", {"additionalProperties": True}, b"\xaa\x01\x02\x10\x01"),
        ("Schema", {"x-y": 1}, b"\xfa\x01\x0b\n\x03x-y\x12\x04\x12\x021\n"),
    ],
)
def test_small_messages_byte_for_byte(message: str, value: dict[str, Any], raw: bytes) -> None:
    assert encode(message, value) == raw


def test_what_the_table_does_not_know_is_not_dropped_silently() -> None:
    with pytest.raises(KeyError):
        encode("Schema", {"oneOf": []})
