"""Bootstrap tokens: the ConfigMap cluster-info is signed with each of them, and those that expired are deleted.

BootstrapSigner watches the token Secrets in kube-system and kube-public/cluster-info; writes its keys
jws-kubeconfig-<token id>, by which a joining node that knows a token knows the cluster. TokenCleaner watches the token
Secrets and deletes them when they are over. Both are off by default, as upstream; `--controllers=*,bootstrapsigner,
tokencleaner` is what kubeadm says.

Source: kubernetes 1.36 pkg/controller/bootstrap/{bootstrapsigner,tokencleaner,util}.go, cluster-bootstrap token/jws.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

from kubepy.api import errors, objects
from kubepy.api.bootstrap_tokens import NAME_PREFIX, NAMESPACE, TYPE, left_s, value
from kubepy.api.builtins import CONFIG_MAPS, SECRETS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, key_of

CLUSTER_INFO = Key("kube-public", "cluster-info")
SIGNATURE_PREFIX = "jws-kubeconfig-"


def signing_tokens(secrets: Iterable[Obj], now: float) -> dict[str, str]:
    """Token id -> secret, of those that may sign. Source: validateSecretForSigning."""
    tokens: dict[str, str] = {}
    for secret in secrets:
        token_id, token_secret = value(secret, "token-id"), value(secret, "token-secret")
        left = left_s(secret, now)
        if (
            token_id
            and token_secret
            and secret["metadata"]["name"] == NAME_PREFIX + token_id
            and (left is None or left > 0)
            and value(secret, "usage-bootstrap-signing") == "true"
        ):
            tokens.setdefault(token_id, token_secret)
    return tokens


def plan(cluster_info: Obj, tokens: Mapping[str, str]) -> Obj | None:
    """The ConfigMap to write, None: it is signed as it should be. Source: signConfigMap."""
    data = cluster_info.get("data") or {}
    content = data.get("kubeconfig")
    if content is None:
        return None
    unsigned = {name: text for name, text in data.items() if not name.startswith(SIGNATURE_PREFIX)}
    signatures = {
        SIGNATURE_PREFIX + token_id: detached_signature(content, token_id, secret)
        for token_id, secret in tokens.items()
    }
    signed = unsigned | signatures
    return cluster_info | {"data": signed} if signed != data else None


def detached_signature(content: str, token_id: str, secret: str) -> str:
    """A JWS over `content` with the content taken out: "header..signature". Source: jws.ComputeDetachedSignature."""
    header = _encoded(f'{{"alg":"HS256","kid":"{token_id}"}}'.encode())
    signed = f"{header}.{_encoded(content.encode())}".encode()
    return f"{header}..{_encoded(hmac.new(secret.encode(), signed, hashlib.sha256).digest())}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class BootstrapSigner(Controller):
    name = "bootstrap-signer-controller"

    def setup(self) -> None:
        self.secrets = self.watch(SECRETS, _cluster_info, namespace=NAMESPACE, field_selector=f"type={TYPE}")
        self.config_maps = self.watch(
            CONFIG_MAPS, _cluster_info, namespace=CLUSTER_INFO.namespace,
            field_selector=f"metadata.name={CLUSTER_INFO.name}",
        )  # fmt: skip

    async def reconcile(self, key: Key) -> After | None:
        cluster_info = self.config_maps.get(CLUSTER_INFO)
        if cluster_info is None:
            return None
        now = self.clock.now()
        signed = plan(cluster_info, signing_tokens(self.secrets.list(), now))
        if signed is not None:
            try:
                await self.client.update(CONFIG_MAPS, signed)
            except (errors.Conflict, errors.NotFound):
                return None
            self.log.info("cluster_info_signed", object=str(CLUSTER_INFO))
        ends = [
            left for secret in self.secrets.list() if (left := left_s(secret, now)) is not None and left > 0
        ]
        return After(min(ends)) if ends else None


class TokenCleaner(Controller):
    name = "token-cleaner-controller"

    def setup(self) -> None:
        self.secrets = self.watch(SECRETS, key_of, namespace=NAMESPACE, field_selector=f"type={TYPE}")

    async def reconcile(self, key: Key) -> After | None:
        secret = self.secrets.get(key)
        left = left_s(secret, self.clock.now()) if secret is not None else None
        if secret is None or left is None:
            return None
        if left > 0:
            return After(left)
        try:
            await self.client.delete(SECRETS, key.name, key.namespace, uid=objects.uid_of(secret))
        except (errors.NotFound, errors.Conflict):
            return None
        self.log.info("bootstrap_token_deleted", object=str(key))
        return None


def _cluster_info(document: Document, old: Document | None) -> Iterable[Key]:
    return (CLUSTER_INFO,)
