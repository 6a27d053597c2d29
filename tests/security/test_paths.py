"""Paths that are to look like others."""

from __future__ import annotations

import pytest

from tests.security.conftest import ADMIN, NOBODY, Gate

_CM = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/secrets",
        "/api/v1%2Fsecrets",
        "//api/v1/secrets",
        "/api/v1/namespaces//secrets",
        "/api/v1/namespaces/default/../kube-system/secrets",
        "/healthz/../api/v1/secrets",
        "/healthz/%2e%2e/api/v1/secrets",
        "/api/v1/namespaces/default/configmaps/..%2f..%2fkube-system%2fsecrets",
        "/api/v1/namespaces/%EF%BC%A4efault/secrets",
        "/API/v1/secrets",
        "/api/v1/Namespaces/default/secrets",
        "/api\\v1\\secrets",
        "http://127.0.0.1/api/v1/secrets",
        "/api/v1/watch/secrets",
        "/api/v1/proxy/namespaces/default/pods/x",
        "/healthz/..;/api/v1/secrets",
        "/version/..;/..;/api/v1/secrets",
        "/api/v1;x=y/secrets",
        "/api/v1/secrets;",
        "/api/v1/namespaces/default;x/secrets",
        "/healthz%00/../api/v1/secrets",
        "/healthz#/api/v1/secrets",
        "/livez/%2e%2e%2fapi%2fv1%2fsecrets",
        "/%61pi/v1/secrets",
        "/api/v1/namespaces/%2e%2e/secrets",
        "/api/v1/namespaces/default%2fsecrets",
        "/.well-known/../api/v1/secrets",
        "/api/v1/secrets?watch=maybe",
        "/debug/api_priority_and_fairness/dump_requests",
        "/metrics",
        "/logs/../../etc/passwd",
    ],
)
def test_no_spelling_of_a_path_gives_a_right(gate: Gate, path: str) -> None:
    assert gate.ask("GET", path, token=NOBODY).status == 403
    assert gate.ask("GET", path).status == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api//v1/secrets", 404),
        ("/api/v1/namespaces/default/../kube-system/configmaps", 404),
        ("/api/v1/./pods", 404),
        (f"{_CM}/a%2Fb", 404),
        (f"{_CM}/..%2f..%2fkube-system%2fsecrets", 404),
        (f"{_CM}/x/y/z", 404),
        (f"{_CM}/a%00b", 404),
        (f"{_CM}/%c0%ae%c0%ae", 404),
        (f"{_CM}/%zz", 400),
        (f"{_CM}/a%0d%0aX-Evil:%20yes", 404),
        ("/api/v1/watch", 400),
        ("http://evil/version", 200),
    ],
)
def test_what_an_administrator_finds_there(gate: Gate, path: str, status: int) -> None:
    answer = gate.admin("GET", path)
    assert answer.status == status, answer.message
    assert "X-Evil" not in answer.head


@pytest.mark.parametrize("path", [b"/api/v1/pods x", b"", b"/api/v1/\xff", b"api/v1/pods"])
def test_what_is_no_path_is_no_request(gate: Gate, path: bytes) -> None:
    assert gate.ask("GET", path, token=ADMIN).status in (400, 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("TRACE", "/api/v1/pods", 405),
        ("OPTIONS", "/api/v1/pods", 405),
        ("POST", f"{_CM}/x", 405),
        ("DELETE", "/api/v1/configmaps", 405),
        ("PUT", "/api/v1/namespaces", 405),
        ("FOO", _CM, 400),
        ("get", _CM, 400),
        ("CONNECT", "evil:443", 400),
    ],
)
def test_methods_that_are_not_meant(gate: Gate, method: str, path: str, status: int) -> None:
    # (kube-apiserver says 405 to methods that HTTP does not know; here they are not parsed.)
    answer = gate.admin(method, path, X_HTTP_Method_Override="DELETE")
    assert answer.status in (status, 404 if method == "CONNECT" else status)


def test_a_body_does_not_make_a_get_a_write(gate: Gate) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "by-get"}}
    assert gate.admin("GET", _CM, body).obj["kind"] == "ConfigMapList"
    assert gate.admin("GET", f"{_CM}/by-get").status == 404
