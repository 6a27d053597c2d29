"""Token Secrets. Source: serviceaccount/{tokens_controller,legacy_serviceaccount_token_cleaner}_test.go."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kubepy.api.builtins import SECRETS, SERVICE_ACCOUNTS
from kubepy.client.client import MERGE_PATCH
from kubepy.controllers import legacy_token_cleaner as cleaner
from kubepy.controllers import service_account_tokens as tokens
from kubepy.lib.clock import parse_rfc3339
from kubepy.testing.cluster import Cluster

ACCOUNT = {"metadata": {"name": "a", "namespace": "ns", "uid": "u"}}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(uid: str = "", **data: str) -> Any:
    annotations = {tokens.ACCOUNT_NAME: "a"} | ({tokens.ACCOUNT_UID: uid} if uid else {})
    keys = {key.replace("_", "."): encoded(value) for key, value in data.items()}
    return {"metadata": {"name": "s", "namespace": "ns", "annotations": annotations}, "data": keys}


@pytest.mark.parametrize(
    ("given", "account", "expected"),
    [
        (secret(), None, tokens.Plan(delete=True)),
        (secret("other"), ACCOUNT, tokens.Plan(delete=True)),
        (
            secret(), ACCOUNT,
            tokens.Plan(data={"ca.crt": encoded("CA"), "namespace": encoded("ns")}, needs_token=True),
        ),
        (secret("u", ca_crt="old", namespace="ns", token="t"), ACCOUNT, tokens.Plan(data={"ca.crt": encoded("CA")})),
        (secret("u", ca_crt="CA", namespace="ns", token="t"), ACCOUNT, tokens.Plan()),
        (secret("u", ca_crt="CA", namespace="ns"), ACCOUNT, tokens.Plan(data={}, needs_token=True)),
    ],
)  # fmt: skip
def test_what_a_secret_lacks(given: Any, account: Any, expected: tokens.Plan) -> None:
    assert tokens.plan(given, account, b"CA") == expected


def test_a_filled_secret_lacks_nothing() -> None:
    given = secret()
    made = tokens.filled(given, ACCOUNT, tokens.plan(given, ACCOUNT, b"CA"), "jwt")
    assert made["data"]["token"] == encoded("jwt")
    assert made["metadata"]["annotations"] == {tokens.ACCOUNT_NAME: "a", tokens.ACCOUNT_UID: "u"}
    assert tokens.plan(made, ACCOUNT, b"CA") == tokens.Plan()


async def test_a_secret_is_filled_and_goes_with_its_account(cluster: Cluster) -> None:
    metadata = {"name": "robot", "namespace": "default"}
    await cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    annotated = {"name": "t", "namespace": "default", "annotations": {tokens.ACCOUNT_NAME: "robot"}}
    await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": annotated, "type": tokens.TYPE})
    await cluster.settle()
    made = await cluster.get(SECRETS, "t")
    text = base64.b64decode(made["data"]["token"]).decode()
    verdict = await cluster.plane.api_server.authentication.tokens.review(text)
    assert verdict.user.name == "system:serviceaccount:default:robot"
    await cluster.client.delete(SERVICE_ACCOUNTS, "robot", "default")
    await cluster.settle()
    assert await cluster.list(SECRETS, "default") == []


async def test_a_deleted_secret_leaves_its_account(cluster: Cluster) -> None:
    annotated = {"name": "t", "namespace": "default", "annotations": {tokens.ACCOUNT_NAME: "default"}}
    await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": annotated, "type": tokens.TYPE})
    named = {"secrets": [{"name": "t"}, {"name": "other"}]}
    await cluster.client.patch(
        SERVICE_ACCOUNTS, "default", named, namespace="default", content_type=MERGE_PATCH
    )
    await cluster.settle()
    await cluster.client.delete(SECRETS, "t", "default")
    await cluster.settle()
    assert (await cluster.get(SERVICE_ACCOUNTS, "default"))["secrets"] == [{"name": "other"}]


# -- the cleaner ---------------------------------------------------------------------------------------------------

NOW = parse_rfc3339("2026-06-15T00:00:00Z")
GENERATED = ACCOUNT | {"secrets": [{"name": "s"}]}


def aged(created: str = "2025-01-01T00:00:00Z", **labels: str) -> Any:
    made = secret("u")
    metadata = made["metadata"] | {"creationTimestamp": created}
    metadata["labels"] = {
        f"kubernetes.io/legacy-token-{name.replace('_', '-')}": day for name, day in labels.items()
    }
    return made | {"metadata": metadata}


@pytest.mark.parametrize(
    ("given", "account", "mounted", "expected"),
    [
        (aged(), GENERATED, (), cleaner.Plan(mark="2026-06-15")),
        (aged("2026-01-01T00:00:00Z"), GENERATED, (), cleaner.Plan()),
        (aged(last_used="2026-01-01"), GENERATED, (), cleaner.Plan()),
        (aged(last_used="2025-02-01"), GENERATED, (), cleaner.Plan(mark="2026-06-15")),
        (aged(last_used="yesterday"), GENERATED, (), cleaner.Plan()),
        (aged(), ACCOUNT, (), cleaner.Plan()),
        (aged(), None, (), cleaner.Plan()),
        (aged(), GENERATED, ("s",), cleaner.Plan()),
        (aged(invalid_since="2025-06-14"), GENERATED, (), cleaner.Plan(delete=True)),
        (aged(invalid_since="2025-06-16"), GENERATED, (), cleaner.Plan()),
        (aged(invalid_since="once"), GENERATED, (), cleaner.Plan(mark="2026-06-15")),
    ],
)
def test_which_tokens_are_ended(given: Any, account: Any, mounted: Any, expected: cleaner.Plan) -> None:
    assert cleaner.plan(given, account, mounted, NOW) == expected


def test_every_secret_that_a_pod_names_counts() -> None:
    container = {
        "envFrom": [{"secretRef": {"name": "a"}}],
        "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "b", "key": "k"}}}],
    }
    volumes = [
        {"name": "1", "secret": {"secretName": "c"}},
        {"name": "2", "projected": {"sources": [{"secret": {"name": "d"}}, {"configMap": {"name": "x"}}]}},
        {"name": "3", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "e"}}},
        {"name": "4", "emptyDir": {}},
    ]
    spec = {"imagePullSecrets": [{"name": "f"}], "containers": [container], "volumes": volumes}
    assert cleaner.secrets_of({"spec": spec}) == {"a", "b", "c", "d", "e", "f"}
