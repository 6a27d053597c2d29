"""Credentials that a program prints: `exec` of a kubeconfig's user.

    plugin = exec_plugin.of(user["exec"], directory)            raises ValueError
    headers["Authorization"] = await plugin.authorization(now)  raises PluginFailed

The program is run when a credential is wanted for the first time, when the one before has expired, and when a server
refused it (`refused`); one run at a time, whoever waits for it. Understood are tokens; not there: certificates that a
program prints, programs that talk to a person, `provideClusterInfo`.

Source: client-go plugin/pkg/client/auth/exec/exec.go, tools/clientcmd/api/types.go ExecConfig.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from kubepy.lib.clock import parse_rfc3339

GROUP, VERSIONS = "client.authentication.k8s.io", ("v1", "v1beta1")
_INFO = "KUBERNETES_EXEC_INFO"


class PluginFailed(Exception):
    """No credential."""


class ExecPlugin:
    def __init__(
        self, command: str, arguments: Sequence[str], environment: Mapping[str, str], api_version: str
    ) -> None:
        self._command, self._arguments = command, tuple(arguments)
        self._environment, self._api_version = dict(environment), api_version
        self._token, self._expires = "", 0.0
        self._one = asyncio.Lock()

    async def authorization(self, now: float) -> str:
        """A header's value."""
        async with self._one:
            if not self._token or self._expires <= now:
                self._token, self._expires = credential(await self._run(), self._api_version)
            return f"Bearer {self._token}"

    def refused(self, authorization: str) -> None:
        """By a server: the next one who asks gets another."""
        if authorization == f"Bearer {self._token}":
            self._token = ""

    async def _run(self) -> bytes:
        info = {"kind": "ExecCredential", "apiVersion": self._api_version, "spec": {"interactive": False}}
        environment = {**os.environ, **self._environment, _INFO: orjson.dumps(info).decode()}
        try:
            process = await asyncio.create_subprocess_exec(
                self._command, *self._arguments, env=environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except FileNotFoundError:
            raise PluginFailed(f"exec: executable {self._command} not found") from None
        except OSError as error:
            raise PluginFailed(f"exec: {error}") from None
        try:
            printed, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            raise
        if process.returncode:
            raise PluginFailed(f"exec: executable {self._command} failed with exit code {process.returncode}")
        return printed


def of(given: Mapping[str, Any], directory: Path) -> ExecPlugin:
    """Commands with a slash are relative to the kubeconfig's directory. Raises ValueError."""
    api_version, command = given.get("apiVersion") or "", given.get("command") or ""
    group, _, version = api_version.partition("/")
    if group != GROUP or version not in VERSIONS:
        raise ValueError(f'exec plugin: invalid apiVersion "{api_version}"')
    if not command:
        raise ValueError("command must be specified to use exec authentication plugin")
    if given.get("interactiveMode") == "Always":
        raise ValueError("exec plugin cannot support interactive mode: standard input is unavailable")
    if "/" in command and not Path(command).is_absolute():
        command = str(directory / command)
    environment = {each["name"]: each.get("value") or "" for each in given.get("env") or ()}
    return ExecPlugin(command, given.get("args") or (), environment, api_version)


def credential(printed: bytes, api_version: str) -> tuple[str, float]:
    """(token, when it expires, in seconds since the epoch) of an ExecCredential. Raises PluginFailed."""
    try:
        found = orjson.loads(printed)
    except orjson.JSONDecodeError as error:
        raise PluginFailed(f"decoding stdout: {error}") from None
    if not isinstance(found, dict) or found.get("kind") != "ExecCredential":
        raise PluginFailed("decoding stdout: it is no ExecCredential")
    if found.get("apiVersion") != api_version:
        raise PluginFailed(
            f"exec plugin is configured to use API version {api_version}, plugin returned version "
            f"{found.get('apiVersion')}"
        )
    status = found.get("status")
    if not isinstance(status, dict):
        raise PluginFailed("exec plugin didn't return a status field")
    token, expires = status.get("token"), status.get("expirationTimestamp")
    if not token:
        raise PluginFailed("exec plugin didn't return a token or cert/key pair")
    return str(token), parse_rfc3339(expires) if expires else float("inf")
