"""An IPAddress object for each cluster IP, so that clients can see what is taken and by whom.

Follows the Services: an address that is given gets its object, one that is given up loses it, and an object that
somebody deleted comes back while its Service lives. The Services stay the truth; objects may lag behind by a moment.

Differs: upstream writes the IPAddress before the Service and needs a loop that repairs what is left over after a crash;
here they are made from the Services, at start and on each change, which is the repair.

Source: kubernetes pkg/registry/core/service/ipallocator/ipallocator.go createIPAddress,
pkg/registry/core/service/ipallocator/controller/repairip.go.
"""

from __future__ import annotations

import ipaddress
from typing import Protocol

from kubepy.api import errors
from kubepy.api.builtins import IP_ADDRESSES
from kubepy.api.objects import Document, Obj, labels_of
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Change
from kubepy.apiserver.registry.keys import path_of
from kubepy.apiserver.registry.strategies.services import cluster_ips
from kubepy.lib.aio import Tasks

MANAGER = "ipallocator.k8s.io"
MANAGED_BY, FAMILY = "ipaddress.kubernetes.io/managed-by", "ipaddress.kubernetes.io/ip-family"


class Writer(Protocol):
    async def put_own(self, obj: Obj) -> None:
        """Create an IPAddress as the server itself."""

    async def drop_own(self, name: str) -> None:
        """Delete one."""


class AddressBook:
    def __init__(self, writer: Writer, tasks: Tasks) -> None:
        self._writer, self._tasks = writer, tasks
        self._services: ResourceCache | None = None
        self._addresses: ResourceCache | None = None
        self._due: dict[str, None] = {}  # addresses to look at; each once, so it is bounded by what there is
        self._owners: dict[str, str] = {}  # address -> path of its Service
        self._is_busy = False

    def follow(self, services: ResourceCache, addresses: ResourceCache) -> None:
        """Both loaded."""
        self._services, self._addresses = services, addresses
        services.observe(self._on_service, self._on_services)
        addresses.observe(self._on_address, self._on_addresses)

    def _on_services(self, documents: list[Document]) -> None:
        for document in documents:
            self._on_service(Change(path_of(*document.key), document, None, document.revision))

    def _on_service(self, change: Change) -> None:
        before = _addresses(change.previous)
        after = _addresses(change.document)
        if before == after:
            return
        for address in before:
            if self._owners.get(address) == change.path:
                del self._owners[address]
        self._owners |= dict.fromkeys(after, change.path)
        self._look_at([*before, *after])

    def _on_addresses(self, documents: list[Document]) -> None:
        self._look_at([document.key.name for document in documents if _is_ours(document.obj)])

    def _on_address(self, change: Change) -> None:
        if change.document is None:
            self._look_at([change.path])

    def _look_at(self, addresses: list[str]) -> None:
        self._due |= dict.fromkeys(addresses)
        if self._due and not self._is_busy:
            self._is_busy = True
            self._tasks.start(self._work(), name="ip-addresses")

    async def _work(self) -> None:
        try:
            while self._due:
                address = next(iter(self._due))
                del self._due[address]
                await self._settle(address)
        finally:
            self._is_busy = False

    async def _settle(self, address: str) -> None:
        assert self._addresses is not None, "follow() comes first"
        owner, existing = self._owners.get(address), self._addresses.get(address)
        try:
            if owner is not None and existing is None:
                await self._writer.put_own(_object(address, owner))
            elif existing is not None and _is_ours(existing.obj) and _parent(existing.obj) != owner:
                await self._writer.drop_own(address)
        except (errors.NotFound, errors.AlreadyExists, errors.Conflict):
            # Somebody was faster; their change brings us back here.
            pass


def _addresses(document: Document | None) -> list[str]:
    if document is None:
        return []
    return [str(ipaddress.ip_address(ip)) for ip in cluster_ips(document.obj.get("spec") or {})]


def _is_ours(obj: Obj) -> bool:
    return labels_of(obj).get(MANAGED_BY) == MANAGER


def _parent(obj: Obj) -> str:
    parent = (obj.get("spec") or {}).get("parentRef") or {}
    return f"{parent.get('namespace', '')}/{parent.get('name', '')}"


def _object(address: str, owner: str) -> Obj:
    namespace, _, name = owner.partition("/")
    family = "IPv6" if ":" in address else "IPv4"
    return {
        "apiVersion": IP_ADDRESSES.api_version,
        "kind": IP_ADDRESSES.kind,
        "metadata": {"name": address, "labels": {FAMILY: family, MANAGED_BY: MANAGER}},
        "spec": {"parentRef": {"resource": "services", "namespace": namespace, "name": name}},
    }
