"""Who this API server is to webhooks: the users of a kubeconfig, by the webhook's host.

A user named "hooks.example.com:8443" is for that address, "*.example.com" for all below, "*" for all; failing these,
the current context's. Port 443 need not be said. Tokens, passwords, client certificates, inline or as files, and exec
plugins that print tokens are understood.

Source: apiserver pkg/util/webhook/authentication.go, pkg/admission/plugin/webhook/config/kubeconfig.go.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubepy.api.objects import Obj
from kubepy.apiserver.webhook_client import NOBODY, Identity
from kubepy.client.kubeconfig import Reader, Unusable
from kubepy.lib import yaml


class Identities:
    """`users` by name; `current`: the one of the kubeconfig's current context."""

    def __init__(self, users: Mapping[str, Identity] | None = None, current: str = "") -> None:
        self._users, self._current = dict(users or {}), current

    @classmethod
    def of(cls, configuration: Obj | None) -> Identities:
        """From a WebhookAdmission. Raises ValueError for files that cannot be used."""
        path = (configuration or {}).get("kubeConfigFile") or ""
        if not path:
            return cls()
        if not Path(path).is_absolute():
            raise ValueError(f'kubeConfigFile: Invalid value: "{path}": must be an absolute file path')
        try:
            config: Any = yaml.load_first(Path(path).read_bytes())
        except (OSError, yaml.Error) as error:
            raise ValueError(f"{path}: {error}") from error
        reader = Reader(config, Path(path).parent, path)
        try:
            users = {
                item["name"]: _identity(reader, item.get("user") or {}) for item in config.get("users") or ()
            }
        except Unusable as error:
            raise ValueError(str(error)) from error
        contexts = {item["name"]: item.get("context") or {} for item in config.get("contexts") or ()}
        return cls(users, contexts.get(config.get("current-context") or "", {}).get("user") or "")

    def to(self, client: Obj) -> Identity:
        """For a clientConfig."""
        if not self._users:
            return NOBODY
        for name in _names(client):
            if name in self._users:
                return self._users[name]
        return self._users.get("*") or self._users.get(self._current) or NOBODY


def _names(client: Obj) -> list[str]:
    """Names that a user for this webhook may have, the most exact first."""
    if url := client.get("url"):
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    else:
        service = client["service"]
        host, port = f"{service['name']}.{service['namespace']}.svc", service.get("port") or 443
    targets = [f"{host}:{port}", *([host] if port == 443 else [])]
    names = []
    for target in targets:
        steps = target.split(".")
        names += [target, *("*." + ".".join(steps[index:]) for index in range(1, len(steps)))]
    return names


def _identity(reader: Reader, user: Obj) -> Identity:
    headers: dict[str, str] = {}
    if token := reader.token(user):
        headers["Authorization"] = f"Bearer {token}"
    elif user.get("username"):
        pair = f"{user['username']}:{user.get('password') or ''}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    certificate = reader.data(user, "client-certificate", "client-certificate-data")
    key = reader.data(user, "client-key", "client-key-data")
    return Identity(headers, (certificate, key), None if headers else reader.plugin(user))
