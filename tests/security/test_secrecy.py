"""What must not be read by others: files of the cluster, and whatever is secret in its logs."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

from tests.security.conftest import ADMIN, NOBODY, Gate

_PUBLIC = {".crt", ".json", ".log"}


def test_files_are_their_owners(gate: Gate) -> None:
    assert stat.S_IMODE(gate.directory.stat().st_mode) == 0o700
    for path in gate.directory.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir() or path.suffix in _PUBLIC or path.name in ("lock",):
            assert not mode & 0o022, f"{path} is written by others"
        elif path.suffix == ".key" or path.name == "kubeconfig":
            assert mode == 0o600, f"{path} has mode {mode:o}"


def test_logs_hold_nothing_secret(gate: Gate) -> None:
    """The daemon of these tests logs everything, and has been shown all kinds of secrets by now."""
    secret = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "precious"},
        "stringData": {"password": "correct-horse-battery"},
    }  # fmt: skip
    path = "/api/v1/namespaces/default/secrets"
    gate.create(path, secret)
    gate.admin("GET", path)
    gate.admin("POST", path, secret)  # is there already
    gate.admin("PUT", f"{path}/precious", secret | {"type": "changed"})  # invalid
    gate.admin("PATCH", f"{path}/precious", json.dumps(secret).encode(), type_="application/merge-patch+json")
    gate.admin("POST", path, json.dumps(secret).encode()[:-5])  # not JSON
    gate.admin("GET", f"/api/v1/secrets?access_token={ADMIN}")
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = gate.create("/api/v1/namespaces/default/serviceaccounts/default/token", body)["status"]["token"]
    gate.ask("GET", path, token=token)
    gate.ask("GET", path, token=f"{token}x")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    gate.create("/apis/authentication.k8s.io/v1/tokenreviews", review)

    log = (gate.directory / "kubepy.log").read_text() + (gate.directory.parent / "output").read_text()
    assert '"event":"request"' in log, "it does log requests"
    words = ["correct-horse-battery", base64.b64encode(b"correct-horse-battery").decode(), ADMIN, NOBODY]
    words += [token, token.rpartition(".")[2], token.split(".")[1]]
    for path_ in (gate.directory / "pki").glob("*.key"):
        words.append(_middle_of(path_))
    for word in words:
        assert word not in log, f"{word[:12]}... is in the log"


def _middle_of(path: Path) -> str:
    """A line of a key."""
    return path.read_text().splitlines()[1]
