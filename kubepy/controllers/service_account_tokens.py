"""Secrets of type kubernetes.io/service-account-token: filled when they are made, gone with their account.

Watches such Secrets, and ServiceAccounts. Writes: token, ca.crt, namespace and the account's name and uid into the
Secret; deletes a Secret whose account is not there; takes a deleted Secret out of its account's `secrets`.

These tokens never expire; `legacy_token_cleaner.py` ends those that nobody uses. Upstream gives a key up after ten
tries; here it is tried again, ever more slowly.

Source: kubernetes 1.36 pkg/controller/serviceaccount/tokens_controller.go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import SECRETS, SERVICE_ACCOUNTS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import Controller, ControllerContext, key_of

TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME, ACCOUNT_UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
TOKEN, ROOT_CA, NAMESPACE = "token", "ca.crt", "namespace"

# (account, secret) -> the token that the secret shall hold.
Sign = Callable[[Obj, Obj], str]


class Plan(Struct, frozen=True):
    delete: bool = False
    data: Obj | None = None  # what to add to the Secret's data, None: nothing is missing
    needs_token: bool = False


def plan(secret: Obj, account: Obj | None, root_ca: bytes) -> Plan:
    """`account`: of the annotated name, whatever its uid."""
    uid = objects.annotations_of(secret).get(ACCOUNT_UID)
    if account is None or (uid and uid != objects.uid_of(account)):
        return Plan(delete=True)
    data = secret.get("data") or {}
    missing: Obj = {}
    if root_ca and data.get(ROOT_CA) != _encoded(root_ca):
        missing[ROOT_CA] = _encoded(root_ca)
    if not data.get(NAMESPACE):
        missing[NAMESPACE] = _encoded(secret["metadata"]["namespace"].encode())
    needs_token = not data.get(TOKEN)
    return Plan(data=missing, needs_token=needs_token) if missing or needs_token else Plan()


def filled(secret: Obj, account: Obj, decided: Plan, token: str) -> Obj:
    """The whole Secret to write."""
    data = {**(secret.get("data") or {}), **(decided.data or {})}
    if decided.needs_token:
        data[TOKEN] = _encoded(token.encode())
    owner = {ACCOUNT_NAME: account["metadata"]["name"], ACCOUNT_UID: objects.uid_of(account)}
    metadata = secret["metadata"] | {"annotations": {**objects.annotations_of(secret), **owner}}
    return secret | {"metadata": metadata, "data": data}


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def account_key(secret: Obj) -> Key | None:
    name = objects.annotations_of(secret).get(ACCOUNT_NAME)
    return Key(secret["metadata"]["namespace"], name) if name else None


class ServiceAccountTokens(Controller):
    """`sign` makes the token of a Secret."""

    name = "serviceaccount-token-controller"
    workers = 5

    def __init__(self, context: ControllerContext, *, sign: Sign, root_ca: bytes) -> None:
        super().__init__(context)
        self._sign, self._root_ca = sign, root_ca
        # Deleted Secrets -> the account that may name them; forgotten once that is looked at.
        self._gone: dict[Key, Key] = {}

    def setup(self) -> None:
        self.secrets = self.watch(
            SECRETS, key_of, indexes={"by_account": _index}, field_selector=f"type={TYPE}"
        )
        self.secrets.add_handler(on_delete=self._remember)
        self.accounts = self.watch(SERVICE_ACCOUNTS)
        self.accounts.add_handler(
            on_delete=lambda document: self._look_at_secrets_of(document.key),
        )

    def _look_at_secrets_of(self, account: Key) -> None:
        for secret in self.secrets.by_index("by_account", str(account)):
            self.queue.add(objects.key_of(secret))

    def _remember(self, document: Document) -> None:
        if (account := account_key(document.obj)) is not None:
            self._gone[document.key] = account

    async def reconcile(self, key: Key) -> None:
        secret = self.secrets.get(key)
        if secret is None:
            return await self._forget(key)
        self._gone.pop(key, None)
        name = account_key(secret)
        if name is None:
            return None
        account = self.accounts.get(name) or await self._account(name)
        decided = plan(secret, account, self._root_ca)
        if decided.delete:
            return await self._delete(secret)
        if decided.data is None or account is None:
            return None
        token = self._sign(account, secret) if decided.needs_token else ""
        try:
            # The resourceVersion says whether somebody was faster; then there will be another run.
            await self.client.update(SECRETS, filled(secret, account, decided, token))
        except (errors.Conflict, errors.NotFound):
            return None
        self.log.info("service_account_token_filled", object=str(key), account=name.name)
        return None

    async def _account(self, key: Key) -> Obj | None:
        """From the server: a Secret may be seen before the account it was made for."""
        try:
            return await self.client.get(SERVICE_ACCOUNTS, key.name, key.namespace)
        except errors.NotFound:
            return None

    async def _delete(self, secret: Obj) -> None:
        key = objects.key_of(secret)
        try:
            await self.client.delete(SECRETS, key.name, key.namespace, uid=objects.uid_of(secret))
        except (errors.NotFound, errors.Conflict):
            return
        self.log.info("service_account_token_deleted", object=str(key))

    async def _forget(self, key: Key) -> None:
        account_of_it = self._gone.pop(key, None)
        account = self.accounts.get(account_of_it) if account_of_it is not None else None
        if account is None or not any(ref.get("name") == key.name for ref in account.get("secrets") or ()):
            return
        kept = [ref for ref in account["secrets"] if ref.get("name") != key.name]
        try:
            await self.client.update(SERVICE_ACCOUNTS, account | {"secrets": kept})
        except errors.NotFound:
            return
        except errors.Conflict:
            assert account_of_it is not None
            self._gone[key] = account_of_it
            raise


def _index(secret: Obj) -> Iterable[str]:
    key = account_key(secret)
    return [str(key)] if key is not None else []
