from __future__ import annotations

from typing import Any

import orjson
import pytest

from kubepy.api.custom import CustomSchema
from kubepy.api.errors import StatusError
from kubepy.api.protoencoder import Encoder
from kubepy.api.schema import Schemas
from kubepy.apiserver.handlers.decode import Expected, decoded
from kubepy.apiserver.registry.options import WriteOptions
from tests.apiserver.conftest import Api

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def deployment(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    wanted = {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": wanted}


PREFIX = (
    "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; "
    "json parse error: "
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", PREFIX + "unexpected end of JSON input (<empty>)"),
        (b"{", PREFIX + "unexpected end of JSON input ({)"),
        (b"hello", PREFIX + "invalid character 'h' looking for beginning of value (68656c6c6f)"),
        (b'{"a" 1}', PREFIX + "invalid character '1' after object key ({\"a\" 1})"),
        (b'{"a":1 "b":2}', PREFIX + 'invalid character \'"\' after object key:value pair ({"a":1 "b":2})'),
        (b'{"a":[1 2]}', PREFIX + "invalid character '2' after array element ({\"a\":[1 2]})"),
        (
            b'{"a":1,}',
            PREFIX + "invalid character '}' looking for beginning of object key string ({\"a\":1,})",
        ),
        (
            b'{"metadata": {"name": "a", "labels": {"x": 1, nope}}}',
            PREFIX
            + 'invalid character \'n\' looking for beginning of object key string ({"metadata": {"name": "a", "la ...)',
        ),
        (
            b"[1]",
            PREFIX + "json: cannot unmarshal array into Go value of type struct { APIVersion string "
            '"json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b315d)',
        ),
    ],
)
async def test_malformed_json(api: Api, body: bytes, message: str) -> None:
    error = await api.error("POST", MAPS, body)
    assert (error.code, error.reason) == (400, "BadRequest")
    assert error.message == message


_CONFIG_MAP = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
_TWICE = 'key "a" already set in map'


@pytest.mark.parametrize(
    ("body", "warnings", "why"),
    [
        (
            _CONFIG_MAP + b"data:\n  a: b\n  a: c\n",
            [f"line 6: {_TWICE}"],
            f"yaml: unmarshal errors:\n  line 6: {_TWICE}",
        ),
        (
            b'{"metadata":{"name":"x"},"data":{"a":"b","a":"c"}}',
            [f"line 1: {_TWICE}"],
            f"yaml: unmarshal errors:\n  line 1: {_TWICE}",
        ),
        (
            _CONFIG_MAP + b"data:\n  a: b\n  a: c\n  a: d\nlast: 1\nfirst: 1\n",
            [f"line 6: {_TWICE}", f"line 7: {_TWICE}", 'unknown field "first"', 'unknown field "last"'],
            f"yaml: unmarshal errors:\n  line 6: {_TWICE}\n  line 7: {_TWICE}, "
            'unknown field "first", unknown field "last"',
        ),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_yaml_says_twice(
    api: Api, body: bytes, warnings: list[str], why: str, method: str
) -> None:
    target = "/api/v1/namespaces/default/configmaps"
    if method == "PUT":
        await api.ok("POST", target, {"metadata": {"name": "x"}})
        target += "/x"
    error = await api.error(method, f"{target}?fieldValidation=Strict", body, content_type="application/yaml")
    assert error.message == (
        f'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: {why}'
    )
    await api.ok(method, f"{target}?fieldValidation=Ignore&dryRun=All", body, content_type="application/yaml")
    assert api.warnings == []
    await api.ok(method, target, body, content_type="application/yaml")
    assert api.warnings == warnings


async def test_delete_options_that_do_not_fit(api: Api) -> None:
    target = "/api/v1/namespaces/default/configmaps/x"
    error = await api.error("DELETE", target, {"gracePeriodSeconds": "x"})
    assert (error.code, error.message) == (
        400,
        "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
    )


async def test_malformed_yaml(api: Api) -> None:
    error = await api.error("POST", MAPS, b"a: [1", content_type="application/yaml")
    assert error.code == 400
    assert "must be of type ConfigMap" in error.message


async def test_yaml_bodies(api: Api) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: w\ndata:\n  a: 'yes'\n"
    made = await api.ok("POST", MAPS, body, content_type="application/yaml")
    assert made["data"] == {"a": "yes"}
    as_json = b'{"metadata":{"name":"z"}}'
    assert (await api.ok("POST", MAPS, as_json, content_type="application/yaml"))["metadata"]["name"] == "z"


@pytest.mark.parametrize("body", [b"- null\n", b"- a: 1\n  a: 2\n", b"x"])
async def test_yaml_that_is_no_object(api: Api, body: bytes) -> None:
    error = await api.error("POST", MAPS, body, content_type="application/yaml")
    assert (error.code, error.reason) == (400, "BadRequest")


async def test_wrong_content_types(api: Api) -> None:
    assert (await api.error("POST", MAPS, b"{}", content_type="text/plain")).code == 415
    error = await api.error("PATCH", f"{MAPS}/a", b"{}", content_type="application/json")
    assert error.code == 415
    assert error.message == "415: Unsupported Media Type"
    assert error.details == {}


async def test_wrong_types_name_the_go_field(api: Api) -> None:
    error = await api.error("POST", DEPLOYMENTS, deployment(replicas="three"))
    assert error.code == 400
    assert error.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct '
        "field DeploymentSpec.spec.replicas of type int32"
    )


async def test_unknown_fields_are_dropped_with_a_warning(api: Api) -> None:
    made = await api.ok("POST", DEPLOYMENTS, deployment(foo=1))
    assert "foo" not in made["spec"]
    assert api.warnings == ['unknown field "spec.foo"']


async def test_ignore_says_nothing(api: Api) -> None:
    await api.ok("POST", f"{DEPLOYMENTS}?fieldValidation=Ignore", deployment(foo=1))
    assert api.warnings == []


async def test_strict_refuses(api: Api) -> None:
    error = await api.error("POST", f"{DEPLOYMENTS}?fieldValidation=Strict", deployment(foo=1, bar=2))
    assert error.code == 400
    assert error.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'unknown field "spec.foo", unknown field "spec.bar"'
    )


async def test_keys_that_come_twice(api: Api) -> None:
    body = b'{"metadata":{"name":"a"},"data":{"x":"1","x":"2"}}'
    error = await api.error("POST", f"{MAPS}?fieldValidation=Strict", body)
    assert 'strict decoding error: duplicate field "data.x"' in error.message
    made = await api.ok("POST", MAPS, body)
    assert made["data"] == {"x": "2"}
    assert api.warnings == ['duplicate field "data.x"']


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
async def test_patches_are_read_as_strictly(api: Api, content_type: str) -> None:
    await api.ok("POST", DEPLOYMENTS, deployment())
    target, patch = f"{DEPLOYMENTS}/d", {"spec": {"foo": 1, "replicas": 2}}
    await api.ok("PATCH", target, patch, content_type=content_type)
    assert api.warnings == ['unknown field "spec.foo"']
    error = await api.error("PATCH", f"{target}?fieldValidation=Strict", patch, content_type=content_type)
    assert error.code == 422
    assert 'strict decoding error: unknown field "spec.foo"' in error.message


@pytest.mark.parametrize(
    ("content_type", "body", "code", "message"),
    [
        (MERGE, b"{", 400, "error decoding patch: unexpected end of JSON input"),
        (
            MERGE,
            b"[]",
            400,
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (STRATEGIC, b"{", 400, "unexpected end of JSON input"),
        (
            "application/json-patch+json",
            b"{}",
            400,
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
        (
            "application/json-patch+json",
            b'[{"op":"test","path":"/data/x","value":"y"}]',
            422,
            "the server rejected our request due to an error in our request",
        ),
        (
            MERGE,
            b'{"metadata":{"name":"b"}}',
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            MERGE,
            b'{"metadata":{"namespace":"other"}}',
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
    ],
)
async def test_bad_patches(api: Api, content_type: str, body: bytes, code: int, message: str) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": "a"}})
    error = await api.error("PATCH", f"{MAPS}/a", body, content_type=content_type)
    assert (error.code, error.message) == (code, message)


async def test_a_patch_of_the_wrong_type_is_422(api: Api) -> None:
    await api.ok("POST", DEPLOYMENTS, deployment())
    error = await api.error("PATCH", f"{DEPLOYMENTS}/d", {"spec": {"replicas": "x"}}, content_type=MERGE)
    assert (error.code, error.reason) == (422, "Invalid")
    assert (
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        in error.message
    )


async def test_a_patch_of_nothing_is_404(api: Api) -> None:
    assert (await api.error("PATCH", f"{MAPS}/a", {}, content_type=MERGE)).code == 404


@pytest.mark.parametrize("body", [b"{", b"[]"])
async def test_what_there_is_nothing_to_apply_to_is_not_read(api: Api, body: bytes) -> None:
    assert (await api.error("PATCH", f"{MAPS}/none", body, content_type=MERGE)).code == 404
    await api.ok("POST", MAPS, {"metadata": {"name": "none"}})
    assert (await api.error("PATCH", f"{MAPS}/none", body, content_type=MERGE)).code == 400


async def test_a_patch_with_a_stale_revision_is_409(api: Api) -> None:
    made = await api.ok("POST", MAPS, {"metadata": {"name": "a"}})
    await api.ok("PATCH", f"{MAPS}/a", {"data": {"x": "1"}}, content_type=MERGE)
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"x": "2"}}
    assert (await api.error("PATCH", f"{MAPS}/a", stale, content_type=MERGE)).code == 409


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "dryRun=x",
            'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["x"]: supported values: "All"',
        ),
        (
            "fieldValidation=x",
            'fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"',
        ),
    ],
)
async def test_bad_options(api: Api, query: str, message: str) -> None:
    error = await api.error("POST", f"{MAPS}?{query}", {"metadata": {"name": "a"}})
    assert error.code == 422
    assert message in error.message


async def test_a_force_that_is_not_an_apply(api: Api) -> None:
    error = await api.error("PATCH", f"{MAPS}/a?force=true", {}, content_type=MERGE)
    assert error.message == (
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'
    )


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"propagationPolicy": "Foo"},
            422,
            'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: '
            '"Foreground", "Background", "Orphan", "nil"',
        ),
        (
            {"propagationPolicy": "Orphan", "orphanDependents": True},
            422,
            "orphanDependents and deletionPropagation cannot be both set",
        ),
        (
            {"kind": "Pod"},
            400,
            'no kind "Pod" is registered for version "meta.k8s.io/v1" in scheme '
            '"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"',
        ),
        (
            [],
            400,
            "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct",
        ),
        (b"{", 400, "couldn't get version/kind; json parse error"),
    ],
)
async def test_bad_delete_options(api: Api, body: Any, code: int, message: str) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": "a"}})
    error = await api.error("DELETE", f"{MAPS}/a", body)
    assert error.code == code
    assert message in error.message


async def test_preconditions_in_the_query(api: Api) -> None:
    made = (await api.ok("POST", MAPS, {"metadata": {"name": "a"}}))["metadata"]
    for query in ("uid=x", "resourceVersion=1"):
        assert (await api.error("DELETE", f"{MAPS}/a?{query}")).code == 409
    await api.ok("DELETE", f"{MAPS}/a?uid={made['uid']}&resourceVersion={made['resourceVersion']}")


async def test_delete_options_in_the_query(api: Api) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": "a"}})
    marked = await api.ok("DELETE", f"{MAPS}/a?propagationPolicy=Foreground")
    assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]


PROTOBUF = "application/vnd.kubernetes.protobuf"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."


async def test_protobuf_bodies(api: Api) -> None:
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "p"}, "data": {"a": "b"}}
    body = Encoder().body("io.k8s.api.core.v1.ConfigMap", config_map)
    made = await api.ok("POST", MAPS, body, content_type=PROTOBUF)
    assert made["data"] == {"a": "b"}
    config_map["data"] = {"a": "c"}
    body = Encoder().body("io.k8s.api.core.v1.ConfigMap", config_map)
    assert (await api.ok("PUT", f"{MAPS}/p", body, content_type=PROTOBUF))["data"] == {"a": "c"}
    typed = {**deployment(replicas=2)}
    body = Encoder().body("io.k8s.api.apps.v1.Deployment", typed)
    assert (await api.ok("POST", DEPLOYMENTS, body, content_type=PROTOBUF))["spec"]["replicas"] == 2
    scale = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d"},
        "spec": {"replicas": 5},
    }
    body = Encoder().body("io.k8s.api.autoscaling.v1.Scale", scale)
    assert (await api.ok("PUT", f"{DEPLOYMENTS}/d/scale", body, content_type=PROTOBUF))["spec"] == {
        "replicas": 5
    }


@pytest.mark.parametrize("api_version", ["v1", "meta.k8s.io/v1", ""])
async def test_protobuf_delete_options(api: Api, api_version: str) -> None:
    for name in "ab":
        await api.ok("POST", MAPS, {"metadata": {"name": name}})
    options = {"apiVersion": api_version, "kind": "DeleteOptions", "preconditions": {"uid": "other"}}
    body = Encoder().body(f"{META}DeleteOptions", options)
    assert (await api.error("DELETE", f"{MAPS}/a", body, content_type=PROTOBUF)).code == 409
    del options["preconditions"]
    body = Encoder().body(f"{META}DeleteOptions", options | {"dryRun": ["All"]})
    assert (await api.ok("DELETE", MAPS, body, content_type=PROTOBUF))["items"]
    body = Encoder().body(f"{META}DeleteOptions", options | {"gracePeriodSeconds": 0})
    await api.ok("DELETE", MAPS, body, content_type=PROTOBUF)
    assert (await api.ok("GET", MAPS))["items"] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the object provided is unrecognized (must be of type ConfigMap): empty data (<empty>)"),
        (
            b"{}",
            "the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a "
            "protobuf message, expected prefix [107 56 115 0] ({})",
        ),
        (
            Encoder().body(f"{META}ObjectMeta", {"apiVersion": "v1", "kind": "Nope"}),
            'Nope in version "v1" cannot be handled as a ConfigMap: no kind "Nope" is registered for version "v1" in '
            'scheme "pkg/api/legacyscheme/scheme.go:30"',
        ),
        (
            Encoder().body(f"{META}ObjectMeta", {"apiVersion": "v1", "kind": "ConfigMap", "name": "\x7f"}),
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: illegal wireType 7',
        ),
    ],
)
async def test_malformed_protobuf(api: Api, body: bytes, message: str) -> None:
    error = await api.error("POST", MAPS, body, content_type=PROTOBUF)
    assert (error.code, error.message) == (400, message)


_EMBEDDED = {
    "type": "object",
    "x-kubernetes-embedded-resource": True,
    "x-kubernetes-preserve-unknown-fields": True,
}
_FOO = {"type": "object", "properties": {"e": _EMBEDDED, "s": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b'{"metadata": {}}',
            "the object provided is unrecognized (must be of type Foo): "
            "Object 'Kind' is missing in '{\"metadata\": {}}' ({\"metadata\": {}})",
        ),
        (
            b'{"apiVersion":"a.io/v1","kind":"Bar","metadata":{"name":"b"}}',
            'Bar.a.io "b" is invalid: kind: Invalid value: "Bar": must be Foo',
        ),
        (
            b'{"apiVersion":"b.io/v1","kind":"Bar","metadata":{"name":"b"}}',
            "the API version in the data (b.io/v1) does not match the expected API version (a.io/v1)",
        ),
        (
            b'{"apiVersion":"a.io/v1","kind":"Foo","e":{"kind":"K","apiVersion":"v1","metadata":{"x":1}},"top":1,'
            b'"s":{"b":1},"metadata":{"y":1},"s":{"b":1}}',
            'Foo in version "v1" cannot be handled as a Foo: strict decoding error: duplicate field "s", '
            'unknown field "metadata.y", unknown field "s.b", unknown field "top", unknown field "e.metadata.x"',
        ),
    ],
)
def test_custom_objects(body: bytes, message: str) -> None:
    expected = Expected("Foo", "a.io", "v1", CustomSchema(Schemas(), "Foo", _FOO))
    with pytest.raises(StatusError) as caught:
        decoded(orjson.loads(body), expected, WriteOptions(field_validation="Strict"), [], body)
    assert caught.value.message == message
