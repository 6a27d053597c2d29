"""Source: plugin/pkg/auth/authenticator/token/bootstrap/bootstrap_test.go, TestTokenAuthenticator."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kubepy.api.objects import Obj
from kubepy.apiserver.authn.bootstrap_tokens import groups_of
from kubepy.lib.clock import parse_rfc3339

NOW = parse_rfc3339("2026-01-01T00:00:00Z")
ID, SECRET = "foobar", "bazbaz0123456789"


def secret(type_: str = "bootstrap.kubernetes.io/token", metadata: Obj | None = None, **data: str) -> Obj:
    usual = {"token-id": ID, "token-secret": SECRET, "usage-bootstrap-authentication": "true"}
    keys = {key.replace("_", "-"): value for key, value in data.items()}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in (usual | keys).items()}
    return {"metadata": metadata or {}, "type": type_, "data": encoded}


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        (secret(), ("system:bootstrappers",)),
        (
            secret(auth_extra_groups="system:bootstrappers:foo,system:bootstrappers:bar"),
            ("system:bootstrappers", "system:bootstrappers:bar", "system:bootstrappers:foo"),
        ),
        (secret(auth_extra_groups="foo"), ()),
        (secret(auth_extra_groups="system:bootstrappers:bar,"), ()),
        (secret(token_secret="another0123456"), ()),
        (secret(token_id="barfoo"), ()),
        (secret(usage_bootstrap_authentication="false"), ()),
        (secret(expiration="2025-12-31T23:59:59Z"), ()),
        (secret(expiration="2026-01-01T00:00:01Z"), ("system:bootstrappers",)),
        (secret(expiration="soon"), ()),
        (secret("Opaque"), ()),
        (secret(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), ()),
    ],
)
def test_only_what_the_secret_says(given: Any, groups: tuple[str, ...]) -> None:
    assert groups_of(given, ID, SECRET, NOW) == groups
