"""Bodies that are to cost more than they should."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.security.conftest import Gate

_CM = "/api/v1/namespaces/default/configmaps"
_HEAD = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"'
_YAML, _PROTOBUF = "application/yaml", "application/vnd.kubernetes.protobuf"
_LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%b]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(ord("b"), ord("l"))
)


@pytest.mark.parametrize(
    ("body", "type_", "status", "text"),
    [
        (b"[" * 100_000, "", 400, "exceeded max depth"),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "", 400, "exceeded max depth"),
        (_HEAD + b',"generation":' + b"9" * 5000 + b"}}", "", 400, "json: cannot unmarshal number"),
        (_HEAD + b',"generation":1e999999999}}', "", 400, "json: cannot unmarshal number"),
        (_HEAD + b',"generation":NaN}}', "", 400, "invalid character 'N' looking for beginning of value"),
        (_HEAD + b"}}xxx", "", 400, "invalid character 'x' after top-level value"),
        (_HEAD + b"}}" + _HEAD + b"}}", "", 400, "invalid character '{' after top-level value"),
        (_HEAD.decode().encode("utf-16"), "", 400, "invalid character"),
        (b"\xef\xbb\xbf" + _HEAD + b"}}", "", 400, "invalid character 'ï' looking for beginning of value"),
        (gzip.compress(_HEAD + b"}}", mtime=0), "", 400, "invalid character"),
        (gzip.compress(b" " * (1 << 26), mtime=0), "", 400, "invalid character"),
        (b"null", "", 422, "name or generateName is required"),
        (_LAUGHS, _YAML, 400, "yaml: document contains excessive aliasing"),
        (b"a: &a [*a]\n", _YAML, 400, "yaml: "),
        (b"k8s\0" + b"\xff" * 200, _PROTOBUF, 400, ""),
        (b"xxxx", _PROTOBUF, 400, ""),
        (b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\xff\xff\xff\xff\x0f", _PROTOBUF, 400, ""),
        (b"k8s\0" + b"\x0b" * 100_000, _PROTOBUF, 400, ""),
    ],
)
def test_bombs_do_not_go_off(gate: Gate, body: bytes, type_: str, status: int, text: str) -> None:
    answer = gate.admin("POST", _CM, body, type_=type_ or "application/json", Content_Encoding="gzip")
    assert answer.status == status, answer.message
    assert text in answer.message
    assert len(answer.body) < 100_000


def test_a_key_that_comes_twice_is_told_of(gate: Gate) -> None:
    body = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one","name":"two"}}'
    answer = gate.admin("POST", f"{_CM}?fieldValidation=Strict", body)
    assert answer.status == 400 and 'duplicate field "metadata.name"' in answer.message


def test_many_keys_take_their_time_and_no_more(gate: Gate) -> None:
    """Keys whose hashes fall together by the thousand, as Java and Python 2 count them; here hashes are seeded."""
    pairs = ["Aa", "BB"]
    keys = [""]
    for _ in range(12):
        keys = [key + pair for key in keys for pair in pairs]
    data = {f"k{key}": "" for key in keys}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "keys"}, "data": data}
    assert gate.admin("POST", f"{_CM}?dryRun=All", body).status == 201
    labels = body | {"metadata": {"name": "labels", "labels": data}}
    assert gate.admin("POST", f"{_CM}?dryRun=All", labels).status == 201
    numbers = {str(2**61 - 1 + i * (2**61 - 1)): "" for i in range(4096)}
    assert gate.admin("POST", f"{_CM}?dryRun=All", body | {"data": numbers}).status == 201


def test_yaml_is_data(gate: Gate) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {a: !!python/object/apply:os.system [id]}\n"
    assert gate.admin("POST", _CM, body, type_=_YAML).status == 400


def _patch(gate: Gate, operations: list[Any]) -> int:
    body = json.dumps(operations).encode()
    return gate.admin(
        "PATCH", f"{_CM}/kube-root-ca.crt?dryRun=All", body, type_="application/json-patch+json"
    ).status


def test_patches_that_grow(gate: Gate) -> None:
    assert _patch(gate, [{"op": "add", "path": "/data/a", "value": "x"}] * 10_001) == 413
    doubling = [{"op": "add", "path": "/data", "value": {"a": "x" * 1000}}]
    doubling += [{"op": "copy", "from": "/data", "path": f"/data/{i}"} for i in range(40)]
    assert _patch(gate, doubling) in (400, 413, 422)
    assert _patch(gate, [{"op": "add", "path": "/a" * 5000, "value": 1}]) == 422


@pytest.mark.parametrize(
    ("kind", "pattern", "status"),
    [
        ("Nested", "(a+)+$", 201),
        ("Alternative", "(a|a)*$", 201),
        ("Lookahead", "(?=a)a", 422),
        ("Words", r"(\w+\s?)*$", 201),
        ("Repeated", "((((a{1,100}){1,100}){1,100}){1,100})", 422),
    ],
)
def test_patterns_of_definitions(gate: Gate, kind: str, pattern: str, status: int) -> None:
    """Go's expressions take linear time; with exponential time here no answer would come at all."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "kind": kind}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.bombs.io"},
        "spec": {"group": "bombs.io", "scope": "Cluster", "names": names, "versions": [version]},
    }  # fmt: skip
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert gate.admin("POST", path, definition).status == status
    body = {"apiVersion": "bombs.io/v1", "kind": kind, "metadata": {"name": "a"}, "a": "a" * 40 + "!"}
    gate.admin("POST", f"/apis/bombs.io/v1/{plural}", body)
    assert gate.admin("GET", "/readyz").status == 200
    gate.admin("DELETE", f"{path}/{plural}.bombs.io")
