"""Kubeconfig files: which server, how to trust it, who we are.

    access = kubeconfig.load("~/.kube/config")
    transport = access.transport(clock=clock, random=random)

Read: current or named context; certificate authority, client certificate, key and token, inline or as files (relative
to the kubeconfig); tokens that a program prints (exec_plugin.py); insecure-skip-tls-verify; tls-server-name; the
context's namespace. Not read: proxies, auth provider plugins, user names and passwords.

Source: client-go tools/clientcmd/api/v1/types.go.
"""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from pathlib import Path
from typing import Any

from msgspec import Struct

from kubepy.api.objects import DocumentPool
from kubepy.client import exec_plugin
from kubepy.client.exec_plugin import ExecPlugin
from kubepy.client.http import HttpTransport
from kubepy.lib import yaml
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random


class Unusable(Exception):
    """The kubeconfig cannot be used; the message is one sentence for a person."""


def show(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Have `context` present a client certificate (PEM), which the ssl module reads from a file only."""
    with tempfile.TemporaryDirectory() as directory:  # mode 0700
        path = Path(directory) / "client.pem"
        path.write_bytes(certificate.rstrip() + b"\n" + key)
        context.load_cert_chain(path)


class Access(Struct, frozen=True):
    """One context, with all data inline (PEM)."""

    server: str  # "https://127.0.0.1:6443"
    ca: bytes = b""
    certificate: bytes = b""
    key: bytes = b""
    token: str = ""
    namespace: str = "default"
    insecure: bool = False
    server_name: str = ""  # what the server's certificate is checked for, "" = the host in `server`
    plugin: ExecPlugin | None = None  # prints tokens where there is none

    def ssl_context(self) -> ssl.SSLContext | None:
        """None for plain http. Without `ca` the system's certificate authorities count."""
        if not self.server.startswith("https:"):
            return None
        context = ssl.create_default_context(cadata=self.ca.decode() if self.ca else None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            show(context, self.certificate, self.key)
        return context

    def transport(
        self, *, clock: Clock, random: Random, pool: DocumentPool | None = None, impersonates: bool = True
    ) -> HttpTransport:
        return HttpTransport(
            self.server, clock=clock, random=random, tls=self.ssl_context(), server_name=self.server_name,
            token=self.token, plugin=self.plugin, pool=pool, impersonates=impersonates,
        )  # fmt: skip


def load(path: str | Path, *, context: str = "") -> Access:
    """The named context, or the current one. Raises Unusable."""
    path = Path(path).expanduser()
    try:
        text = path.read_text()
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from None
    return parse(text, context=context, directory=path.parent, origin=str(path))


def parse(
    text: str, *, context: str = "", directory: Path | None = None, origin: str = "kubeconfig"
) -> Access:
    """As `load`, from text; relative file names are relative to `directory`."""
    try:
        config = yaml.load(text)
    except yaml.Error as error:
        raise Unusable(f"{origin} is not YAML: {error}") from None
    if not isinstance(config, dict):
        raise Unusable(f"{origin} is not a kubeconfig")
    name = context or config.get("current-context") or ""
    if not name:
        raise Unusable(f"{origin} has no current context")
    read = Reader(config, directory or Path(), origin)
    chosen = read.entry("contexts", "context", name)
    cluster = read.entry("clusters", "cluster", chosen.get("cluster", ""))
    user = read.entry("users", "user", chosen["user"]) if chosen.get("user") else {}
    if not cluster.get("server"):
        raise Unusable(f"{origin} names no server for context {name!r}")
    return Access(
        server=cluster["server"],
        ca=read.data(cluster, "certificate-authority", "certificate-authority-data"),
        certificate=read.data(user, "client-certificate", "client-certificate-data"),
        key=read.data(user, "client-key", "client-key-data"),
        token=read.token(user),
        plugin=read.plugin(user),
        namespace=chosen.get("namespace") or "default",
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        server_name=cluster.get("tls-server-name") or "",
    )


class Reader:
    """Of one kubeconfig. Raises Unusable."""

    def __init__(self, config: dict[str, Any], directory: Path, origin: str) -> None:
        self._config, self._directory, self._origin = config, directory, origin

    def entry(self, group: str, field: str, name: str) -> dict[str, Any]:
        for entry in self._config.get(group) or ():
            if entry.get("name") == name:
                return entry.get(field) or {}
        raise Unusable(f"{self._origin} has no {field} {name!r}")

    def token(self, user: dict[str, Any]) -> str:
        return user.get("token") or self.data(user, "tokenFile", "").decode().strip()

    def plugin(self, user: dict[str, Any]) -> ExecPlugin | None:
        try:
            return exec_plugin.of(user["exec"], self._directory) if user.get("exec") else None
        except ValueError as error:
            raise Unusable(f"{self._origin}: {error}") from None

    def data(self, entry: dict[str, Any], file: str, inline: str) -> bytes:
        """Inline data wins over a file, as in client-go; b"" if there is neither."""
        try:
            if encoded := entry.get(inline):
                return base64.b64decode(encoded, validate=True)
            if name := entry.get(file):
                return (self._directory / Path(name).expanduser()).read_bytes()
        except binascii.Error:
            raise Unusable(f"{self._origin}: {inline} is not base64") from None
        except OSError as error:
            raise Unusable(f"{self._origin}: {file} {entry[file]} cannot be read: {error.strerror}") from None
        return b""
