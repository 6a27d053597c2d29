"""Paths and methods that are none.

Sources: door.py."""

from __future__ import annotations

import pytest

from tests.e2e.bad_input.door import API, DEPLOYMENT, MAP, MAPS, PODS, Door

NO_RESOURCE = (404, "NotFound", "the server could not find the requested resource", {})
NO_METHOD = (405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/nope"),
        ("POST", "/nope"),
        ("GET", "/apis/nope.io"),
        ("GET", "/apis/nope.io/v1"),
        ("GET", "/apis/nope.io/v1/foos"),
        ("DELETE", "/apis/nope.io/v1/namespaces/bad/foos/a"),
        ("GET", "//api/v1/pods"),
        ("GET", "/healthz/nope"),
        ("OPTIONS", "*"),
    ],
)
def test_paths_that_nobody_claims(door: Door, method: str, target: str) -> None:
    door.ask(method, target).is_text(404, "404 page not found\n")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/api/v2"),
        ("GET", "/api/v2/pods"),
        ("GET", "/apis/apps/v9"),
        ("GET", "/apis/apps/v9/deployments"),
        ("GET", "/api/v1/foos"),
        ("POST", "/api/v1/foos"),
        ("GET", f"{API}/nodes"),
        ("GET", "/api/v1/pods/a"),
        ("GET", "/api/v1/pods/a/status"),
        ("GET", f"{PODS}/a/nope"),
        ("GET", f"{MAP}/status"),
        ("GET", f"{PODS}/a/b/c/d"),
        ("GET", "/api/v1/watch/foos"),
        ("GET", "/api/v1/proxy/nodes/x"),
        # Tricks: what is no segment of its own is none.
        ("GET", "/api//v1/pods"),
        ("GET", "/api/v1//pods"),
        ("GET", f"{PODS}/a%2Fstatus%2Fx"),
        ("GET", f"{API}/../kube-system/secrets"),
        ("GET", f"{API}/%2e%2e/kube-system/secrets"),
        ("GET", f"{PODS}/../../.."),
    ],
)
def test_paths_without_a_resource(door: Door, method: str, target: str) -> None:
    door.ask(method, target).is_status(*NO_RESOURCE)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/api/v1/pods"),
        ("POST", "/api/v1/pods"),
        ("DELETE", "/api/v1/pods"),
        ("PUT", MAPS),
        ("PATCH", MAPS),
        ("POST", MAP),
        ("OPTIONS", MAPS),
        ("TRACE", MAP),
        ("POST", "/api/v1/watch/pods"),
        ("PUT", f"{PODS}/a/binding"),
        ("GET", f"{PODS}/a/eviction"),
        ("DELETE", f"{DEPLOYMENT}/status"),
        ("GET", "/apis/authentication.k8s.io/v1/tokenreviews"),
        ("POST", "/version"),
        ("POST", "/api"),
        ("PUT", "/apis/apps/v1"),
    ],
)
def test_methods_that_a_path_does_not_have(door: Door, method: str, target: str) -> None:
    door.ask(method, target, {} if method in ("POST", "PUT", "PATCH") else None).is_status(*NO_METHOD)


def test_head_is_no_method_of_resources(door: Door) -> None:
    for target, status in [(MAPS, 405), (MAP, 405), ("/version", 405), ("/readyz", 200)]:
        answer = door.ask("HEAD", target)
        assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize("target", [f"{MAPS}/", "/api/v1/namespaces//configmaps", "/version/"])
def test_slashes_that_do_not_matter(door: Door, target: str) -> None:
    assert door.ask("GET", target).status == 200


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("..", "\"..\": may not be '..'"),
        ("%2e", "\".\": may not be '.'"),
        ("a%25b", "\"a%b\": may not contain '%'"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_names_that_are_no_path_segment(door: Door, method: str, name: str, why: str) -> None:
    answer = door.ask(method, f"{MAPS}/{name}")
    answer.is_status(400, "BadRequest", f"Name parameter invalid: {why}", None)


def test_what_is_not_there(door: Door) -> None:
    details = {"name": "nope", "kind": "configmaps"}
    door.ask("GET", f"{MAPS}/nope").is_status(404, "NotFound", 'configmaps "nope" not found', details)
    door.ask("GET", "/apis/apps/v1/namespaces/bad/deployments/nope/scale").is_status(
        404, "NotFound", 'deployments.apps "nope" not found',
        {"name": "nope", "group": "apps", "kind": "deployments"},
    )  # fmt: skip
    door.ask("POST", "/api/v1/namespaces/nope/configmaps", {"metadata": {"name": "a"}}).is_status(
        404, "NotFound", 'namespaces "nope" not found', {"name": "nope", "kind": "namespaces"}
    )
    door.ask("GET", f"{MAP}?export=1").is_status(
        400, "BadRequest", "the export parameter, deprecated since v1.14, is no longer supported", None
    )
