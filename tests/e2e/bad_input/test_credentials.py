"""Who asks: credentials that are none, and what others may not.

Sources: door.py."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.e2e.bad_input.door import API, DEPLOYMENT, MAPS, PODS, Door


def _unsigned(claims: dict[str, Any]) -> str:
    return (
        ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in ({"alg": "none"}, claims)
        )
        + "."
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer garbage"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer " + "x" * 10_000},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer " + _unsigned({"sub": "system:serviceaccount:kube-system:default"})},
        {"Authorization": "Bearer \xfc\xf6"},
    ],
)
def test_bad_credentials(door: Door, headers: dict[str, str]) -> None:
    answer = door.ask("GET", MAPS, token="", **headers)
    answer.is_status(401, "Unauthorized", "Unauthorized", None)


def test_expired_and_altered_tokens(door: Door) -> None:
    asked = {"spec": {"expirationSeconds": 600}}
    made = door.ask("POST", f"{API}/serviceaccounts/default/token", asked).obj["status"]["token"]
    me = door.ask("GET", MAPS, token=made)
    assert (me.status, me.obj["reason"]) == (403, "Forbidden")
    head, claims, signature = made.split(".")
    padded = claims + "=" * (-len(claims) % 4)
    altered = json.loads(base64.urlsafe_b64decode(padded)) | {"exp": 4_000_000_000}
    forged = base64.urlsafe_b64encode(json.dumps(altered).encode()).rstrip(b"=").decode()
    for token in (
        f"{head}.{forged}.{signature}",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}.",
    ):
        door.ask("GET", MAPS, token=token).is_status(401, "Unauthorized", "Unauthorized", None)
    short = {"spec": {"expirationSeconds": 1}}
    refused = door.ask("POST", f"{API}/serviceaccounts/default/token", short)
    assert refused.status == 422
    assert "may not specify a duration less than 10 minutes" in refused.obj["message"]


def test_a_token_whose_account_is_gone(door: Door) -> None:
    accounts = f"{API}/serviceaccounts"
    assert door.ask("POST", accounts, {"metadata": {"name": "gone"}}).status == 201
    token = door.ask("POST", f"{accounts}/gone/token", {"spec": {}}).obj["status"]["token"]
    assert door.ask("GET", MAPS, token=token).status == 403
    assert door.ask("DELETE", f"{accounts}/gone").status == 200
    door.ask("GET", MAPS, token=token).is_status(401, "Unauthorized", "Unauthorized", None)


JANE = 'User "jane" cannot'


@pytest.mark.parametrize(
    ("method", "target", "message", "details"),
    [
        ("GET", PODS, f'pods is forbidden: {JANE} list resource "pods" in API group "" in the namespace "bad"',
         {"kind": "pods"}),
        ("GET", "/api/v1/pods?watch=1",
         f'pods is forbidden: {JANE} watch resource "pods" in API group "" at the cluster scope', {"kind": "pods"}),
        ("DELETE", DEPLOYMENT,
         f'deployments.apps "d" is forbidden: {JANE} delete resource "deployments" in API group "apps" in the '
         'namespace "bad"', {"name": "d", "group": "apps", "kind": "deployments"}),
        ("POST", f"{PODS}/x/binding",
         f'pods "x" is forbidden: {JANE} create resource "pods/binding" in API group "" in the namespace "bad"',
         {"name": "x", "kind": "pods"}),
        ("GET", f"{MAPS}?fieldSelector=metadata.name%3Da",
         f'configmaps "a" is forbidden: {JANE} list resource "configmaps" in API group "" in the namespace "bad"',
         {"name": "a", "kind": "configmaps"}),
        ("GET", "/apis/nope.io/v1/foos",
         f'foos.nope.io is forbidden: {JANE} list resource "foos" in API group "nope.io" at the cluster scope',
         {"group": "nope.io", "kind": "foos"}),
        ("GET", "/metrics", f'forbidden: {JANE} get path "/metrics"', {}),
        ("POST", "/%3Cb%3E", f'forbidden: {JANE} post path "/&lt;b&gt;"', {}),
    ],
)  # fmt: skip
def test_what_others_may_not(door: Door, method: str, target: str, message: str, details: Any) -> None:
    answer = door.ask(method, target, token="user-token")
    answer.is_status(403, "Forbidden", message, details)
