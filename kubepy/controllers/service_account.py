"""Every active namespace has the ServiceAccount `default`.

Watches Namespaces and ServiceAccounts. Writes the account when it is missing.

Source: kubernetes 1.36 pkg/controller/serviceaccount/serviceaccounts_controller.go.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import NAMESPACES, SERVICE_ACCOUNTS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import Controller, key_of
from kubepy.controllers import ownership

ENSURED = ("default",)


class Plan(Struct, frozen=True):
    create: tuple[str, ...] = ()  # names of accounts


def plan(namespace: Obj, has_account: Callable[[str], bool]) -> Plan:
    """Nothing is made in a namespace that is not active: it would only have to be deleted again."""
    if objects.walk(namespace, "status", "phase") != "Active":
        return Plan()
    return Plan(tuple(name for name in ENSURED if not has_account(name)))


class ServiceAccountController(Controller):
    name = "serviceaccount-controller"

    def setup(self) -> None:
        self.namespaces = self.watch(NAMESPACES, key_of)
        self.accounts = self.watch(SERVICE_ACCOUNTS)
        self.accounts.add_handler(on_delete=lambda document: self.queue.add(namespace_of(document)))

    async def reconcile(self, key: Key) -> None:
        namespace = self.namespaces.get(key)
        if namespace is None:
            return
        decided = plan(namespace, lambda name: self.accounts.document(Key(key.name, name)) is not None)
        for name in decided.create:
            account = {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": name, "namespace": key.name},
            }
            try:
                await self.client.create(SERVICE_ACCOUNTS, account)
            except errors.AlreadyExists:
                pass
            except errors.StatusError as error:
                if not ownership.is_namespace_terminating(error):
                    raise


def namespace_of(document: Document) -> Key:
    """The namespace that an object is in, as a key of Namespaces."""
    return Key("", document.key.namespace)
