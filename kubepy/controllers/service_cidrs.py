"""ServiceCIDRs are ready when they exist, and go only when no address would be left without a range.

Watches ServiceCIDRs and IPAddresses. Writes the finalizer and the condition Ready of ServiceCIDRs. Upstream waits ten
seconds before it lets a range go, so that allocators elsewhere stop using it; it is kept for processes like ours that
run beside another API server.

Source: kubernetes 1.36 pkg/controller/servicecidrs/servicecidrs_controller.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import IP_ADDRESSES, SERVICE_CIDRS
from kubepy.api.objects import Key, Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, key_of
from kubepy.lib.clock import parse_rfc3339

FINALIZER = "networking.k8s.io/service-cidr-finalizer"
MANAGER = "ipallocator.k8s.io"
_MANAGED_BY = "ipaddress.kubernetes.io/managed-by"
GRACE_S = 10.0
READY: Obj = {"type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready"}
BLOCKED: Obj = {
    "type": "Ready",
    "status": "False",
    "reason": "Terminating",
    "message": (
        "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
    ),
}

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Plan(Struct, frozen=True):
    finalizers: list[str] | None = None  # as they should be, None: they are
    condition: Obj | None = None
    wait_s: float = 0.0


def plan(service_cidr: Obj, others: Iterable[Obj], addresses: Iterable[str], now: float) -> Plan:
    """`others`: the other ServiceCIDRs; `addresses`: those that the allocator manages."""
    metadata = service_cidr["metadata"]
    finalizers = metadata.get("finalizers") or []
    if not metadata.get("deletionTimestamp"):
        missing = None if FINALIZER in finalizers else [*finalizers, FINALIZER]
        return Plan(missing, _needed(service_cidr, READY))
    if not _may_go(service_cidr, others, addresses):
        return Plan(condition=_needed(service_cidr, BLOCKED))
    wait_s = GRACE_S - (now - parse_rfc3339(metadata["deletionTimestamp"]))
    if wait_s > 0:
        return Plan(wait_s=wait_s)
    if FINALIZER not in finalizers:
        return Plan()
    return Plan([finalizer for finalizer in finalizers if finalizer != FINALIZER])


def _needed(service_cidr: Obj, condition: Obj) -> Obj | None:
    for known in objects.walk(service_cidr, "status", "conditions") or ():
        if known.get("type") == condition["type"]:
            if all((known.get(field) or "") == value for field, value in condition.items()):
                return None
    return condition


def _may_go(service_cidr: Obj, others: Iterable[Obj], addresses: Iterable[str]) -> bool:
    """Source: canDeleteCIDR."""
    ranges = _ranges([service_cidr])
    remaining = _ranges(others)
    if all(any(_contains(other, own) for other in remaining) for own in ranges):
        return True
    for text in addresses:
        address = ipaddress.ip_address(text)
        if any(_gives(own, address) for own in ranges) and not any(_gives(it, address) for it in remaining):
            return False
    return True


def _gives(network: _Network, address: _Address) -> bool:
    """Whether Services get it from there: not the first, nor of IPv4 the last. Source: PrefixContainsIP."""
    if address == network.network_address or (address.version == 4 and address == network.broadcast_address):
        return False
    return address in network


def _ranges(service_cidrs: Iterable[Obj]) -> list[_Network]:
    return [
        ipaddress.ip_network(text)
        for service_cidr in service_cidrs
        for text in objects.walk(service_cidr, "spec", "cidrs") or ()
    ]


def _contains(outer: _Network, inner: _Network) -> bool:
    return outer.version == inner.version and (
        inner.network_address in outer and inner.prefixlen >= outer.prefixlen
    )


class ServiceCidrsController(Controller):
    name = "service-cidr-controller"

    def setup(self) -> None:
        self.ranges = self.watch(SERVICE_CIDRS, key_of)
        self.ranges.add_handler(on_delete=lambda document: self._look_at_leaving())
        self.addresses = self.watch(IP_ADDRESSES)
        self.addresses.add_handler(on_delete=lambda document: self._look_at_leaving())

    def _look_at_leaving(self) -> None:
        for service_cidr in self.ranges.list():
            if service_cidr["metadata"].get("deletionTimestamp"):
                self.queue.add(Key("", service_cidr["metadata"]["name"]))

    async def reconcile(self, key: Key) -> After | None:
        service_cidr = self.ranges.get(key)
        if service_cidr is None:
            return None
        others = [other for other in self.ranges.list() if other["metadata"]["name"] != key.name]
        decided = plan(service_cidr, others, self._managed(), self.clock.now())
        try:
            if decided.finalizers is not None:
                metadata = {"metadata": {"finalizers": decided.finalizers}}
                await self.client.patch(SERVICE_CIDRS, key.name, metadata, content_type=MERGE_PATCH)
            if decided.condition is not None:
                condition = decided.condition | {"lastTransitionTime": self.clock.rfc3339()}
                conditions = [
                    known
                    for known in objects.walk(service_cidr, "status", "conditions") or ()
                    if known.get("type") != condition["type"]
                ]
                status = {"status": {"conditions": [*conditions, condition]}}
                await self.client.patch(
                    SERVICE_CIDRS, key.name, status, subresource="status", content_type=MERGE_PATCH
                )
        except errors.NotFound:
            return None
        return After(decided.wait_s) if decided.wait_s else None

    def _managed(self) -> Iterator[str]:
        """One after the other: only a range that leaves is asked about, and the first address that needs it decides."""
        for document in self.addresses.documents():
            if objects.labels_of(document.obj).get(_MANAGED_BY) == MANAGER:
                yield document.key.name
