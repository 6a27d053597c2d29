from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubepy.apiserver.admission.webhooks.identities import Identities

USERS = {
    "hooks.example.com": "a",
    "hooks.example.com:8443": "b",
    "*.example.com": "c",
    "svc.default.svc": "d",
    "*.default.svc:9443": "e",
    "*": "f",
}


def written(directory: Path, users: dict[str, Any], current: str = "") -> dict[str, str]:
    config = {
        "users": [{"name": name, "user": user} for name, user in users.items()],
        "contexts": [{"name": "here", "context": {"user": current}}],
        "current-context": "here",
    }
    (directory / "kubeconfig").write_text(json.dumps(config))
    return {"kubeConfigFile": str(directory / "kubeconfig")}


@pytest.mark.parametrize(
    ("client", "token"),
    [
        ({"url": "https://hooks.example.com/x"}, "a"),
        ({"url": "https://hooks.example.com:443/x"}, "a"),
        ({"url": "https://hooks.example.com:8443"}, "b"),
        ({"url": "https://other.example.com"}, "c"),
        ({"url": "https://other.example.com:8443"}, "f"),
        ({"service": {"name": "svc", "namespace": "default"}}, "d"),
        ({"service": {"name": "any", "namespace": "default", "port": 9443}}, "e"),
        ({"service": {"name": "any", "namespace": "default"}}, "f"),
    ],
)
def test_a_user_for_each_webhook(tmp_path: Path, client: Any, token: str) -> None:
    users = {name: {"token": value} for name, value in USERS.items()}
    identity = Identities.of(written(tmp_path, users)).to(client)
    assert identity.headers == {"Authorization": f"Bearer {token}"}


def test_ways_to_say_who(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    (tmp_path / "certificate").write_text("cert")
    users = {
        "file.io": {"tokenFile": str(tmp_path / "token")},
        "basic.io": {"username": "me", "password": "pw"},
        "me": {"client-certificate": "certificate", "client-key-data": "a2V5"},
        "program.io": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "print-token"}},
    }
    identities = Identities.of(written(tmp_path, users, current="me"))
    assert identities.to({"url": "https://file.io"}).headers == {"Authorization": "Bearer t"}
    assert identities.to({"url": "https://basic.io"}).headers == {"Authorization": "Basic bWU6cHc="}
    assert identities.to({"url": "https://other.io"}).certificate == (b"cert", b"key")
    assert identities.to({"url": "https://program.io"}).plugin is not None
    assert not Identities.of(None).to({"url": "https://file.io"}).headers


@pytest.mark.parametrize(
    "user", [{"client-certificate": "gone"}, {"client-key-data": "%"}, {"exec": {"command": "x"}}]
)
def test_users_that_cannot_be_used(tmp_path: Path, user: Any) -> None:
    with pytest.raises(ValueError, match="kubeconfig"):
        Identities.of(written(tmp_path, {"a": user}))


@pytest.mark.parametrize("path", ["relative/kubeconfig", "/nowhere/kubeconfig"])
def test_files_that_cannot_be_used(path: str) -> None:
    with pytest.raises(ValueError, match="kubeconfig"):
        Identities.of({"kubeConfigFile": path})
