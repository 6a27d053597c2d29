"""Bodies are put together by hand here, field by field, as Go's generated code writes them."""

import pytest
from hypothesis import given, settings, strategies

from kubepy.api.builtins import BUILTINS
from kubepy.api.protobuf import PREFIX, Decoder, ProtobufError, Unknown
from kubepy.api.protoencoder import Encoder
from tests.api.protowire import envelope, example, field, varint

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
CORE = "io.k8s.api.core.v1."
ENCODER = Encoder()


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder()


def test_the_envelope_names_the_kind():
    unknown = Unknown(envelope("apps/v1", "Deployment", b"abc"))
    assert (unknown.api_version, unknown.kind, unknown.raw) == ("apps/v1", "Deployment", b"abc")


def test_a_deployment(decoder):
    container = (
        field(1, "main")
        + field(2, "nginx")
        + field(6, field(1, "http") + field(2, 0) + field(3, 8080) + field(4, "TCP"))
    )
    limits = field(1, field(1, "cpu") + field(2, field(1, "100m")))
    container += field(8, limits)
    template = field(1, field(11, field(1, "app") + field(2, "web"))) + field(2, field(2, container))
    surge = field(
        2,
        field(1, field(1, 1) + field(2, 0) + field(3, "25%"))
        + field(2, field(1, 0) + field(2, 1) + field(3, "")),
    )
    spec = field(1, 3) + field(2, field(1, field(1, "app") + field(2, "web"))) + field(3, template)
    spec += field(4, field(1, "RollingUpdate") + surge)
    raw = field(1, field(1, "web") + field(3, "default") + field(8, b"")) + field(2, spec) + field(3, b"")
    deployment = decoder.decode("io.k8s.api.apps.v1.Deployment", raw)
    assert deployment == {
        "metadata": {"name": "web", "namespace": "default", "creationTimestamp": None},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [
                        {
                            "name": "main",
                            "image": "nginx",
                            "ports": [
                                {"name": "http", "hostPort": 0, "containerPort": 8080, "protocol": "TCP"}
                            ],
                            "resources": {"limits": {"cpu": "100m"}},
                        }
                    ]
                },
            },
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 1},
            },
        },
        "status": {},
    }


def test_messages_whose_json_is_something_else(decoder):
    lease = field(
        2, field(1, "me") + field(2, 15) + field(4, field(1, 1_700_000_000) + field(2, 250_000_000))
    )
    assert decoder.decode("io.k8s.api.coordination.v1.Lease", lease)["spec"] == {
        "holderIdentity": "me", "leaseDurationSeconds": 15, "renewTime": "2023-11-14T22:13:20.250000Z",
    }  # fmt: skip
    options = field(1, 0) + field(2, field(1, "u")) + field(4, "Foreground") + field(5, "All")
    assert decoder.decode(f"{META}DeleteOptions", options) == {
        "gracePeriodSeconds": 0, "preconditions": {"uid": "u"}, "propagationPolicy": "Foreground", "dryRun": ["All"],
    }  # fmt: skip
    assert decoder.decode(f"{CORE}Secret", field(2, field(1, "k") + field(2, b"\x00\xff")))["data"] == {
        "k": "AP8="
    }
    meta = field(17, field(1, "m") + field(7, field(1, b'{"f:data":{}}')))
    assert decoder.decode(f"{META}ObjectMeta", meta)["managedFields"] == [
        {"manager": "m", "fieldsV1": {"f:data": {}}}
    ]


def test_inlined_messages_and_negative_numbers(decoder):
    volume = decoder.decode(
        f"{CORE}Volume", field(1, "v") + field(2, field(19, field(1, field(1, "name")) + field(3, 420)))
    )
    assert volume == {"name": "v", "configMap": {"name": "name", "defaultMode": 420}}
    assert decoder.decode(f"{CORE}PodSpec", field(25, -5))["priority"] == -5


def test_a_custom_resource_definition(decoder):
    root = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
    inner = field(5, "object") + field(9, 1.5) + field(38, 1) + field(8, field(1, b'{"a":1}'))
    inner += field(30, field(1, 1) + field(2, b"")[:0])
    props = decoder.decode(f"{root}JSONSchemaProps", inner)
    assert props == {
        "type": "object", "maximum": 1.5, "x-kubernetes-preserve-unknown-fields": True, "default": {"a": 1},
        "additionalProperties": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [b"", PREFIX, b"{}", PREFIX + b"\x0a\xff", PREFIX + b"\x0b", PREFIX + b"\x12\x80"],
    ids=["nothing", "empty", "json", "cut", "group", "half"],
)
def test_what_is_no_envelope_is_refused(body):
    with pytest.raises(ProtobufError):
        Unknown(body)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\x08\x01", "proto: wrong wireType = 0 for field ObjectMeta"),
        (b"\x11", "proto: wrong wireType = 1 for field Spec"),
        (b"\x00", "proto: Pod: illegal tag 0 (wire type 0)"),
        (b"\x0c", "proto: Pod: wiretype end group for non-group"),
        (varint(999 << 3 | 6), "proto: illegal wireType 6"),
        (varint(999 << 3 | 2) + b"\x05ab", "unexpected EOF"),
        (varint(999 << 3 | 3) + b"\x08\x01", "unexpected EOF"),
    ],
)
def test_a_message_that_cannot_be_is_told_as_go_tells_it(decoder, raw, why):
    with pytest.raises(ProtobufError) as caught:
        decoder.decode(f"{CORE}Pod", raw)
    assert str(caught.value) == why


def test_what_nobody_knows_is_skipped(decoder):
    group = (
        varint(999 << 3 | 3) + field(1, b"x") + varint(5 << 3 | 3) + varint(5 << 3 | 4) + varint(999 << 3 | 4)
    )
    numbers = varint(998 << 3) + b"\x05" + varint(997 << 3 | 1) + bytes(8) + varint(996 << 3 | 5) + bytes(4)
    known = field(1, field(1, b"p"))
    assert decoder.decode(f"{CORE}Pod", group + numbers + known + group) == {"metadata": {"name": "p"}}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\x00", "proto: Unknown: illegal tag 0 (wire type 0)"),
        (b"\x0b", "proto: wrong wireType = 3 for field TypeMeta"),
        (b"\x0a\x02\x08\x01", "proto: wrong wireType = 0 for field APIVersion"),
        (b"\x22\x05", "unexpected EOF"),
    ],
)
def test_a_broken_envelope_is_told_as_go_tells_it(body, why):
    with pytest.raises(ProtobufError) as caught:
        Unknown(PREFIX + body)
    assert str(caught.value) == why


@pytest.mark.parametrize("raw", [b"\x0a\x05ab", b"\x0a", b"\x08\xff", b"\x0b", b"\x08" + b"\xff" * 11])
def test_a_broken_message_is_refused(decoder, raw):
    with pytest.raises(ProtobufError):
        decoder.decode(f"{CORE}PodSpec", raw)


def test_bytes_that_are_no_text_are_replaced(decoder):
    assert decoder.decode(f"{META}OwnerReference", field(1, b"a\xff")) == {"kind": "a\ufffd"}


def test_a_schema_in_a_schema_has_an_end(decoder):
    schema = b""
    for _ in range(200):
        schema = field(28, schema)  # not
    version = field(4, field(1, schema))
    definition = field(2, field(7, version))
    with pytest.raises(ProtobufError, match="exceeded max depth"):
        decoder.decode(
            "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition", definition
        )


def test_a_time_beyond_all_calendars_is_refused(decoder):
    with pytest.raises(ProtobufError, match="outside of range"):
        decoder.decode(f"{META}ObjectMeta", field(8, field(1, 1 << 62)))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(random=strategies.randoms(use_true_random=True))
def test_whatever_the_bytes_only_a_protobuf_error(random):
    resource = random.choice(BUILTINS)
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, **example(resource.schema)}
    body = bytearray(ENCODER.body(resource.schema, obj))
    for _ in range(random.randrange(1, 6)):
        at = random.randrange(4, len(body))
        body[at : at + random.randrange(3)] = random.randbytes(random.randrange(3))
    decoder = Decoder()
    try:
        decoder.decode(resource.schema, Unknown(bytes(body)).raw)
    except ProtobufError:
        pass


def test_unknown_numbers_are_skipped(decoder):
    raw = field(1, "r") + field(900, "x") + field(901, 7) + field(902, 1.0) + varint(903 << 3 | 5) + b"abcd"
    assert decoder.decode(f"{META}OwnerReference", raw) == {"kind": "r"}


def test_every_kind_that_is_served_can_be_read(decoder):
    for resource in BUILTINS:
        assert decoder.decode(resource.schema, b"") == {}
