"""What is written here is what a kube-apiserver 1.36 answers, put together by hand."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from kubepy.api import shapes, versions
from kubepy.api.builtins import BUILTINS
from kubepy.api.protobuf import Decoder, Unknown
from kubepy.api.protoencoder import STATUS, Encoder, event
from kubepy.api.protofields import META
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from tests.api.protowire import SCALARS, TABLE, envelope, example, field

CORE = "io.k8s.api.core.v1."
CRDS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def metadata(name: str, *, labels: bytes = b"", namespace: str = "") -> bytes:
    """Go writes what is no pointer, set or not."""
    head = field(1, name) + field(2, "") + field(3, namespace) + field(4, "") + field(5, "u") + field(6, "7")
    return head + field(7, 0) + field(8, field(1, 1_700_000_000) + field(2, 0)) + labels


NAMESPACE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "resourceVersion": "7", "name": "a", "uid": "u", "labels": {"y": "2", "x": "1"},
        "creationTimestamp": "2023-11-14T22:13:20Z",
    },
    "spec": {"finalizers": ["kubernetes"]},
    "status": {"phase": "Active"},
}  # fmt: skip
LABELS = field(11, field(1, "x") + field(2, "1")) + field(11, field(1, "y") + field(2, "2"))
RAW = field(1, metadata("a", labels=LABELS)) + field(2, field(1, "kubernetes")) + field(3, field(1, "Active"))


def test_fields_are_in_the_order_of_their_numbers_and_keys_are_sorted(encoder: Encoder) -> None:
    assert encoder.body(f"{CORE}Namespace", NAMESPACE) == envelope("v1", "Namespace", RAW)


def test_a_list(encoder: Encoder) -> None:
    item = encoder.message(f"{CORE}Namespace")(NAMESPACE)
    made = encoder.listing("v1", "NamespaceList", {"resourceVersion": "9"}, [item, item])
    head = field(1, field(1, "") + field(2, "9") + field(3, ""))
    assert made == envelope("v1", "NamespaceList", head + field(2, RAW) + field(2, RAW))


def test_a_status(encoder: Encoder) -> None:
    status = {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "no",
        "reason": "NotFound", "details": {"name": "x", "kind": "pods"}, "code": 404,
    }  # fmt: skip
    details = field(1, "x") + field(2, "") + field(3, "pods") + field(5, 0) + field(6, "")
    raw = field(1, field(1, "") + field(2, "") + field(3, "")) + field(2, "Failure") + field(3, "no")
    raw += field(4, "NotFound") + field(5, details) + field(6, 404)
    assert encoder.body(STATUS, status) == envelope("v1", "Status", raw)


def test_an_event_of_a_watch_is_a_frame() -> None:
    raw = field(1, "ADDED") + field(2, field(1, b"body"))
    assert event("ADDED", b"body") == len(raw).to_bytes(4, "big") + raw


@pytest.mark.parametrize(
    ("definition", "obj", "wanted"),
    [
        (f"{CORE}VolumeMount", {"name": "v"}, field(1, "v") + field(2, 0) + field(3, "") + field(4, "") + field(6, "")),
        # What is inlined in JSON is a message of its own.
        (f"{CORE}Volume", {"name": "v", "emptyDir": {}}, field(1, "v") + field(2, field(2, field(1, "")))),
        # A pointer that is there is written, whatever it points to; null is not there.
        (f"{CORE}PodDNSConfigOption", {"name": "n", "value": ""}, field(1, "n") + field(2, "")),
        (f"{CORE}PodDNSConfigOption", {"name": "n", "value": None}, field(1, "n")),
        (f"{CORE}ResourceFieldSelector", {}, field(1, "") + field(2, "") + field(3, field(1, "0"))),
        (f"{CORE}Secret", {"data": {"k": "AP8="}}, field(1, b"META") + field(2, field(1, "k") + field(2, b"\0\xff"))
         + field(3, "")),
        ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "25%", field(1, 1) + field(2, 0) + field(3, "25%")),
        ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", -1, field(1, 0) + field(2, -1) + field(3, "")),
        (f"{META}MicroTime", "1969-12-31T23:59:59.500000Z", field(1, -1) + field(2, 500_000_000)),
        (f"{META}FieldsV1", {"f:a": {}}, field(1, b'{"f:a":{}}')),
        (f"{CRDS}JSONSchemaPropsOrBool", True, field(1, 1)),
        (f"{CRDS}JSONSchemaPropsOrBool", {"type": "x"}, field(1, 1) + field(2, b"PROPS")),
        (f"{CRDS}JSONSchemaPropsOrStringArray", ["a"], field(2, "a")),
    ],
)  # fmt: skip
def test_messages(encoder: Encoder, definition: str, obj: Any, wanted: bytes) -> None:
    for mark, message, value in (
        (b"META", f"{META}ObjectMeta", {}),
        (b"PROPS", f"{CRDS}JSONSchemaProps", {"type": "x"}),
    ):
        whole = encoder.message(message)(value)
        at = wanted.find(mark)
        if at >= 0:
            wanted = wanted[: at - 1] + field(1, whole)[1:] + wanted[at + len(mark) :]
    assert encoder.message(definition)(obj) == wanted


@pytest.mark.parametrize("resource", BUILTINS, ids=lambda r: f"{r.api_version}.{r.kind}")
def test_every_field_of_every_kind_comes_back(encoder: Encoder, schemas: Schemas, resource: Resource) -> None:
    _assert_comes_back(encoder, schemas, resource, example(resource.schema))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(random=strategies.randoms(use_true_random=True))
def test_whatever_fields_there_are_they_come_back(random: Any) -> None:
    resource = random.choice(BUILTINS)
    _assert_comes_back(ENCODER, SCHEMAS, resource, example(resource.schema, random))


ENCODER, SCHEMAS = Encoder(), Schemas()


def _assert_comes_back(encoder: Encoder, schemas: Schemas, resource: Resource, obj: dict[str, Any]) -> None:
    unknown = Unknown(
        encoder.body(resource.schema, {"apiVersion": resource.api_version, "kind": resource.kind, **obj})
    )
    assert (unknown.api_version, unknown.kind) == (resource.api_version, resource.kind)
    back = Decoder().decode(resource.schema, unknown.raw)
    # Zeros that Go writes and JSON does not have are dropped there.
    wanted = deepcopy(obj)
    schemas.of(resource).decode(back)
    schemas.of(resource).decode(wanted)
    assert back == wanted


@pytest.mark.parametrize("version", versions.VERSIONS)
def test_every_kind_of_every_version_has_a_table(encoder: Encoder, version: str) -> None:
    rows = versions.served(version, Schemas(version))
    assert [row.kind for row in rows if not encoder.knows(row.schema)] == []


def test_every_field_of_the_newest_version_has_a_number(schemas: Schemas) -> None:
    missing = [
        f"{name}.{field_}"
        for name, definition in schemas.definitions.items()
        if name in TABLE
        for field_ in set(definition.get("properties", ())) - _names(name) - {"apiVersion", "kind"}
    ]
    assert missing == []


def _names(definition: str) -> set[str]:
    names: set[str] = set()
    for each in TABLE.fields(definition):
        names |= _names(each.type) if each.shape == "^" else {each.name}
    return names


def test_both_tables_of_go_know_the_same_pointers(schemas: Schemas) -> None:
    """gotypes.py says of which fields zero is a value, protofields.py which are left out when they are not set."""
    notes = shapes.notes()
    wrong = []
    for name, definition in schemas.definitions.items():
        required = definition.get("required", ())
        scalars = TABLE.fields(name) if name in TABLE else []
        pointers = {
            each.name: each.is_optional for each in scalars if each.type in SCALARS and not each.shape
        }
        for each in shapes.fields(name, definition, notes):
            if each.name not in pointers or each.name in required:
                continue
            is_pointer = each.keep and each.zero in (None, shapes.NULL)
            if pointers[each.name] is not is_pointer:
                wrong.append(f"{name}.{each.name}")
    assert wrong == []
