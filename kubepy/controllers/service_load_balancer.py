"""Services of type LoadBalancer get an address from a range of this cluster's own: the part that clouds play.

Watches Services. Writes the finalizer service.kubernetes.io/load-balancer-cleanup and status.loadBalancer. An address
is one of `addresses`, another one for each Service; spec.loadBalancerIP chooses it if it is free. It stays while the
Service is of that type, and is free again when the Service is gone or of another type.

A Service with a loadBalancerClass is somebody else's, as with every cloud provider. Nothing listens at these
addresses: the default range is one that the internet leaves to tests (RFC 2544).

Source: kubernetes 1.36 staging/src/k8s.io/cloud-provider/controllers/service/controller.go, service/helpers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import SERVICES
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import Controller, ControllerContext, key_of

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
ADDRESSES = "198.18.0.0/20"

BY_ADDRESS = "load_balancer_address"


class Plan(Struct, frozen=True):
    finalizers: list[str] | None = None  # as they should be, None: they are
    ingress: list[Obj] | None = None
    events: tuple[tuple[str, str, str], ...] = ()  # type, reason, message
    failure: str = ""  # why there is no address


def is_ours(service: Obj) -> bool:
    """Source: wantsLoadBalancer."""
    spec = service["spec"]
    return spec.get("type") == "LoadBalancer" and spec.get("loadBalancerClass") is None


def plan(service: Obj, find: Callable[[str], str | None]) -> Plan:
    """`find(wanted)`: a free address, the wanted one if there is one wanted; None if there is none."""
    finalizers = service["metadata"].get("finalizers") or []
    present = objects.walk(service, "status", "loadBalancer", "ingress") or []
    if objects.is_deleting(service) or not is_ours(service):
        return _release(service, finalizers, present)
    added = None if FINALIZER in finalizers else [*finalizers, FINALIZER]
    wanted = service["spec"].get("loadBalancerIP") or ""
    if present and wanted in ("", present[0].get("ip")):
        return Plan(added)
    ensuring = ("Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
    address = find(wanted)
    if address is None:
        why = f"address {wanted} is not free" if wanted else "no address is free"
        failed = f"Error syncing load balancer: failed to ensure load balancer: {why}"
        return Plan(added, events=(ensuring, ("Warning", "SyncLoadBalancerFailed", failed)), failure=failed)
    ensured = ("Normal", "EnsuredLoadBalancer", "Ensured load balancer")
    return Plan(added, [{"ip": address, "ipMode": "VIP"}], (ensuring, ensured))


def _release(service: Obj, finalizers: list[str], present: list[Obj]) -> Plan:
    """Only what has our finalizer was ours. Source: syncLoadBalancerIfNeeded, deleteLoadBalancer."""
    if FINALIZER not in finalizers:
        return Plan()
    left = [finalizer for finalizer in finalizers if finalizer != FINALIZER]
    events = (
        ("Normal", "DeletingLoadBalancer", "Deleting load balancer"),
        ("Normal", "DeletedLoadBalancer", "Deleted load balancer"),
    )
    # One that is going takes its status with it.
    return Plan(left, [] if present and not objects.is_deleting(service) else None, events)


def free(addresses: str, taken: Collection[str], wanted: str) -> str | None:
    """The lowest free address of the range, or `wanted` if it is in the range and free."""
    network = ipaddress.ip_network(addresses)
    if wanted:
        try:
            is_inside = ipaddress.ip_address(wanted) in network
        except ValueError:
            return None
        return wanted if is_inside and wanted not in taken else None
    hosts: Iterator[object] = network.hosts()
    return next((text for host in hosts if (text := str(host)) not in taken), None)


class ServiceLoadBalancerController(Controller):
    """`addresses`: the range, as CIDR."""

    name = "service-lb-controller"
    retry_s_max = 300.0  # Source: maxRetryDelay

    def __init__(self, context: ControllerContext, *, addresses: str) -> None:
        super().__init__(context)
        self._addresses = addresses
        # Given a moment ago, and not seen in the cache yet.
        self._given: dict[Key, str] = {}

    def setup(self) -> None:
        self.services = self.watch(
            SERVICES, key_of, lambda document, old: _concerns(document), indexes={BY_ADDRESS: _address}
        )

    async def reconcile(self, key: Key) -> None:
        service = self.services.get(key)
        if service is None:
            self._given.pop(key, None)
            return
        decided = plan(service, lambda wanted: self._find(key, wanted))
        for event in decided.events:
            self.events.event(service, *event)
        if decided.ingress:
            self._given[key] = decided.ingress[0]["ip"]
        try:
            # First the finalizer, then what it protects; the other way round when it goes.
            if decided.finalizers is not None and FINALIZER in decided.finalizers:
                await self._set_finalizers(key, decided.finalizers)
            if decided.ingress is not None:
                status = {"status": {"loadBalancer": {"ingress": decided.ingress or None}}}
                await self.client.patch(
                    SERVICES, key.name, status, namespace=key.namespace, subresource="status",
                    content_type=MERGE_PATCH,
                )  # fmt: skip
            if decided.finalizers is not None and FINALIZER not in decided.finalizers:
                await self._set_finalizers(key, decided.finalizers)
                self._given.pop(key, None)
        except errors.NotFound:
            self._given.pop(key, None)
            return
        if decided.failure:
            raise errors.InternalError(decided.failure)
        if decided.ingress:
            self.log.info("load_balancer_ensured", object=str(key), address=decided.ingress[0]["ip"])

    async def _set_finalizers(self, key: Key, finalizers: list[str]) -> None:
        """Through /status, as upstream's PatchService does: that is what the controller may write."""
        await self.client.patch(
            SERVICES, key.name, {"metadata": {"finalizers": finalizers}}, namespace=key.namespace,
            subresource="status", content_type=MERGE_PATCH,
        )  # fmt: skip

    def _find(self, key: Key, wanted: str) -> str | None:
        given = {address for other, address in self._given.items() if other != key}
        return free(self._addresses, given | self.services.index_values(BY_ADDRESS), wanted)


def _concerns(document: Document) -> bool:
    return is_ours(document.obj) or FINALIZER in (document.obj["metadata"].get("finalizers") or ())


def _address(service: Obj) -> list[str]:
    ingress = objects.walk(service, "status", "loadBalancer", "ingress") or ()
    return [each["ip"] for each in ingress if each.get("ip")]
