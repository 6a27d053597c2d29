"""ConfigMap kube-system/extension-apiserver-authentication: whom an aggregated server should believe.

It is put back when somebody deletes it, and what this server wants is added to what others (another API server of the
same cluster) have put there.

Source: kubernetes pkg/controlplane/controller/clusterauthenticationtrust/cluster_authentication_trust_controller.go.
"""

from __future__ import annotations

import json

from msgspec import Struct

from kubepy.api.builtins import CONFIG_MAPS
from kubepy.api.objects import Key, Obj, copy
from kubepy.client.controller import After, Controller, ControllerContext, key_of

KEY = Key("kube-system", "extension-apiserver-authentication")

_END = "-----END CERTIFICATE-----"


class Trust(Struct, frozen=True):
    """What a request needs to be believed."""

    client_ca: str  # PEM
    request_header_ca: str = ""  # PEM; "": headers are not believed
    allowed_names: tuple[str, ...] = ()
    username_headers: tuple[str, ...] = ()
    uid_headers: tuple[str, ...] = ()
    group_headers: tuple[str, ...] = ()
    extra_prefixes: tuple[str, ...] = ()

    def lists(self) -> dict[str, tuple[str, ...]]:
        return {
            "requestheader-allowed-names": self.allowed_names,
            "requestheader-extra-headers-prefix": self.extra_prefixes,
            "requestheader-group-headers": self.group_headers,
            "requestheader-uid-headers": self.uid_headers,
            "requestheader-username-headers": self.username_headers,
        }

    def certificates(self) -> dict[str, str]:
        return {"client-ca-file": self.client_ca, "requestheader-client-ca-file": self.request_header_ca}


class TrustController(Controller):
    name = "cluster-authentication-trust"

    def __init__(self, context: ControllerContext, trust: Trust) -> None:
        super().__init__(context)
        self._trust = trust

    def setup(self) -> None:
        self._config_maps = self.watch(
            CONFIG_MAPS, key_of, namespace=KEY.namespace, field_selector=f"metadata.name={KEY.name}"
        )
        self.queue.add(KEY)

    def change(self, trust: Trust) -> None:
        """What this server wants from now on; what it wanted before stays published."""
        self._trust = trust
        self.queue.add(KEY)

    async def reconcile(self, key: Key) -> After | None:
        current = self._config_maps.get(key)
        data = combined((current or {}).get("data") or {}, self._trust)
        if current is None:
            metadata = {"name": key.name, "namespace": key.namespace}
            obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            await self.client.create(CONFIG_MAPS, obj)
        elif current.get("data") != data:
            changed = copy(current)
            changed["data"] = data
            await self.client.update(CONFIG_MAPS, changed)
        return None


def combined(data: Obj, trust: Trust) -> dict[str, str]:
    """`data` and what `trust` wants, each word and certificate once, in that order."""
    found = {
        field: text
        for field, pem in trust.certificates().items()
        if (text := "".join(dict.fromkeys(_certificates(data.get(field) or "") + _certificates(pem))))
    }
    if "requestheader-client-ca-file" in found:
        for field, words in trust.lists().items():
            found[field] = json.dumps(
                list(dict.fromkeys((*_words(data.get(field)), *words))), separators=(",", ":")
            )
    return dict(sorted(found.items()))


def _certificates(pem: str) -> list[str]:
    """The certificates of a bundle, each with its end and a newline."""
    return [f"{part.strip()}\n{_END}\n" for part in pem.split(_END)[:-1]]


def _words(text: str | None) -> list[str]:
    try:
        words = json.loads(text or "[]")
    except ValueError:
        return []
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
