"""Source of the cases: client-go plugin/pkg/client/auth/exec/exec_test.go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubepy.client import exec_plugin, kubeconfig
from kubepy.client.exec_plugin import PluginFailed, credential
from kubepy.client.kubeconfig import Unusable

_V1 = "client.authentication.k8s.io/v1"


def _printed(**fields: Any) -> bytes:
    return json.dumps({"kind": "ExecCredential", "apiVersion": _V1, **fields}).encode()


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (_printed(status={"token": "t"}), ("t", float("inf"))),
        (_printed(status={"token": "t", "expirationTimestamp": "1970-01-01T00:01:00Z"}), ("t", 60.0)),
    ],
)
def test_what_is_printed(printed: bytes, expected: tuple[str, float]) -> None:
    assert credential(printed, _V1) == expected


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        (b"", "decoding stdout"),
        (b"[]", "decoding stdout"),
        (b'{"kind":"Pod"}', "decoding stdout"),
        (_printed(apiVersion="client.authentication.k8s.io/v1beta1"), "plugin returned version client.auth"),
        (_printed(), "exec plugin didn't return a status field"),
        (_printed(status={}), "exec plugin didn't return a token or cert/key pair"),
    ],
)
def test_what_is_no_credential(printed: bytes, why: str) -> None:
    with pytest.raises(PluginFailed, match=why):
        credential(printed, _V1)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"command": "x"}, "invalid apiVersion"),
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "x"}, "invalid apiVersion"),
        ({"apiVersion": _V1}, "command must be specified"),
        ({"apiVersion": _V1, "command": "x", "interactiveMode": "Always"}, "cannot support interactive mode"),
    ],
)
def test_what_cannot_be_run(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        exec_plugin.of(given, Path())
    config = {
        "current-context": "a", "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://x"}}],
        "users": [{"name": "a", "user": {"exec": given}}],
    }  # fmt: skip
    with pytest.raises(Unusable, match=why):
        kubeconfig.parse(json.dumps(config))


PROGRAM = """#!/bin/sh
echo "$KUBERNETES_EXEC_INFO $1 $TEAM" >> runs
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",'
echo '"status":{"token":"t'$(wc -l < runs)'","expirationTimestamp":"1970-01-01T00:01:00Z"}}'
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> exec_plugin.ExecPlugin:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "print").write_text(PROGRAM)
    (tmp_path / "print").chmod(0o755)
    given = {
        "apiVersion": _V1,
        "command": "./print",
        "args": ["one"],
        "env": [{"name": "TEAM", "value": "red"}],
    }
    return exec_plugin.of(given, tmp_path)


async def test_a_token_is_printed_once_until_it_expires_or_is_refused(
    plugin: exec_plugin.ExecPlugin, tmp_path: Path
) -> None:
    assert [await plugin.authorization(now) for now in (0.0, 59.0)] == ["Bearer t1"] * 2
    assert await plugin.authorization(60.0) == "Bearer t2"
    assert await plugin.authorization(0.0) == "Bearer t2"
    plugin.refused("Bearer t1")
    assert await plugin.authorization(0.0) == "Bearer t2", "that was another one"
    plugin.refused("Bearer t2")
    assert await plugin.authorization(0.0) == "Bearer t3"
    info, argument, team = (tmp_path / "runs").read_text().splitlines()[0].split(" ")
    assert (argument, team) == ("one", "red")
    assert json.loads(info) == {"kind": "ExecCredential", "apiVersion": _V1, "spec": {"interactive": False}}


@pytest.mark.parametrize(
    ("command", "arguments", "why"),
    [("/nowhere/print", [], "executable /nowhere/print not found"), ("sh", ["-c", "exit 3"], "exit code 3")],
)
async def test_a_program_that_fails(command: str, arguments: list[str], why: str) -> None:
    given = {"apiVersion": _V1, "command": command, "args": arguments}
    with pytest.raises(PluginFailed, match=why):
        await exec_plugin.of(given, Path()).authorization(0.0)
