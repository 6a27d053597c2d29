"""Parameters that are to cost more, or show more, than they should."""

from __future__ import annotations

import base64

import pytest

from tests.security.conftest import Gate

_CM = "/api/v1/namespaces/default/configmaps"


def _continue(token: bytes) -> str:
    return f"limit=1&continue={base64.urlsafe_b64encode(token).decode().rstrip('=')}"


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("labelSelector=" + "(" * 5000, 400, "found '(', expected: !, identifier, or 'end of string'"),
        ("labelSelector=a%20in%20(" + ",".join(f"b{i}" for i in range(5000)) + ")", 200, ""),
        ("fieldSelector=" + "metadata.name%3Da," * 5000 + "metadata.name%3Da", 200, ""),
        ("fieldSelector=spec.x%3Da", 400, '"spec.x" is not a known field selector'),
        ("resourceVersion=abc", 400, "invalid resource version"),
        ("resourceVersion=-1", 400, "invalid resource version"),
        ("resourceVersion=" + "9" * 5000, 400, "value out of range"),
        ("resourceVersion=9999999&resourceVersionMatch=Exact", 504, "Too large resource version"),
        ("resourceVersionMatch=Exact", 422, "resourceVersionMatch"),
        ("resourceVersion=1&resourceVersionMatch=Foo", 422, "resourceVersionMatch"),
        ("limit=a", 400, "invalid syntax"),
        ("limit=" + "9" * 5000, 400, "value out of range"),
        ("limit=1&continue=abc", 400, "continue key is not valid"),
        (_continue(b'{"v":"meta.k8s.io/v2","rv":5,"start":"a"}'), 400, "continue key is not valid"),
        (
            _continue(b'{"v":"meta.k8s.io/v1","rv":5,"start":"../../secrets/"}'),
            400,
            "continue key is not valid",
        ),
        (
            _continue(b'{"v":"meta.k8s.io/v1","rv":5,"start":"/../../secrets/x"}'),
            400,
            "continue key is not valid",
        ),
        (_continue(b'{"v":"meta.k8s.io/v1","rv":999999999,"start":"a"}'), 504, "Too large resource version"),
        (_continue(b"[" * 5000), 400, "continue key is not valid"),
        ("watch=1&timeoutSeconds=a", 400, "invalid syntax"),
        ("watch=1&timeoutSeconds=" + "9" * 30, 400, "value out of range"),
        ("timeout=5parsecs", 400, "unknown unit"),
        ("a;b=1", 200, ""),
    ],
)
def test_what_is_asked_for(gate: Gate, query: str, status: int, text: str) -> None:
    answer = gate.admin("GET", f"{_CM}?{query}")
    assert answer.status == status, answer.message
    assert text in answer.message


def test_a_forged_token_stays_in_its_namespace(gate: Gate) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "zzz", "namespace": "kube-system"},
    }
    gate.create("/api/v1/namespaces/kube-system/configmaps", secret)
    for start in (b"a", b"kube-system/a", b"\\u0000", b"zzz"):
        token = b'{"v":"meta.k8s.io/v1","rv":-1,"start":"%b"}' % start
        answer = gate.admin("GET", f"{_CM}?{_continue(token)}")
        if answer.status == 200:
            assert {item["metadata"]["namespace"] for item in answer.obj["items"]} <= {"default"}


def test_a_watch_ends_when_it_is_to(gate: Gate) -> None:
    assert gate.admin("GET", f"{_CM}?watch=1&timeoutSeconds=1").status == 200
    assert gate.admin("GET", f"{_CM}?watch=1&timeoutSeconds=-5").status == 200
    assert gate.admin("GET", f"{_CM}?watch=1&resourceVersion=99999999&timeoutSeconds=1").status == 200
