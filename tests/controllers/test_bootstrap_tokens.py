"""Signed cluster-info and expired tokens. Source: bootstrapsigner_test.go, tokencleaner_test.go, jws_test.go."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS, SECRETS
from kubepy.controllers.bootstrap_tokens import detached_signature, left_s, plan, signing_tokens
from kubepy.lib.clock import parse_rfc3339, rfc3339
from kubepy.testing.cluster import Cluster

NOW = parse_rfc3339("2026-01-01T00:00:00Z")


def secret(name: str = "bootstrap-token-tokenID", **data: str) -> Any:
    usual = {"token-id": "tokenID", "token-secret": "tokenSecret", "usage-bootstrap-signing": "true"}
    keys = usual | {key.replace("_", "-"): value for key, value in data.items()}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in keys.items()}
    return {"metadata": {"name": name, "namespace": "kube-system"}, "data": encoded}


def test_the_signature_is_that_of_kubernetes() -> None:
    # Source: cluster-bootstrap token/jws/jws_test.go.
    assert detached_signature(
        "Hello from the other side. I must have called a thousand times.", "joshua", "my voice is my passcode"
    ) == ("eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8")


@pytest.mark.parametrize(
    ("given", "signs"),
    [
        (secret(), True),
        (secret("bootstrap-token-other"), False),
        (secret(token_secret=""), False),
        (secret(usage_bootstrap_signing=""), False),
        (secret(expiration="2025-12-31T00:00:00Z"), False),
        (secret(expiration="2026-01-02T00:00:00Z"), True),
    ],
)
def test_which_tokens_sign(given: Any, signs: bool) -> None:
    assert signing_tokens([given], NOW) == ({"tokenID": "tokenSecret"} if signs else {})


def test_signatures_come_and_go_with_tokens() -> None:
    cluster_info = {"data": {"kubeconfig": "payload", "jws-kubeconfig-gone": "x", "other": "stays"}}
    signed = plan(cluster_info, {"abc": "s"})
    assert signed is not None
    assert set(signed["data"]) == {"kubeconfig", "other", "jws-kubeconfig-abc"}
    assert plan(signed, {"abc": "s"}) is None
    assert plan({"data": {"other": "x"}}, {"abc": "s"}) is None


def test_an_unreadable_end_is_over() -> None:
    assert left_s(secret(), NOW) is None
    assert left_s(secret(expiration="2026-01-01T00:00:10Z"), NOW) == 10
    assert left_s(secret(expiration="soon"), NOW) == 0


@pytest.mark.kubepy(controllers=["*", "bootstrapsigner", "tokencleaner"])
async def test_a_token_signs_until_it_is_over_and_then_goes(cluster: Cluster) -> None:
    metadata = {"name": "cluster-info", "namespace": "kube-public"}
    await cluster.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"kubeconfig": "x"}}
    )
    end = cluster.clock.now() + 100
    token = secret(
        "bootstrap-token-abcdef", token_id="abcdef", token_secret="0123456789abcdef", expiration=rfc3339(end)
    )
    await cluster.create(
        {"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token"} | token
    )
    await cluster.settle()
    found = await cluster.get(CONFIG_MAPS, "cluster-info", "kube-public")
    assert found["data"]["jws-kubeconfig-abcdef"].startswith("eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..")
    await cluster.advance(101)
    assert await cluster.list(SECRETS, "kube-system", fields="type=bootstrap.kubernetes.io/token") == []
    found = await cluster.get(CONFIG_MAPS, "cluster-info", "kube-public")
    assert set(found["data"]) == {"kubeconfig"}
