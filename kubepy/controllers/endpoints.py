"""Endpoints: the older form of EndpointSlices, one object for each Service, at most a thousand addresses.

Watches Services, Pods and Endpoints. Writes the Endpoints of a Service's name; deletes them with it.

Source: kubernetes 1.36 pkg/controller/endpoint/endpoints_controller.go, pkg/api/v1/endpoints/util.go (RepackSubsets).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kubepy.api import errors, objects, pods
from kubepy.api.builtins import ENDPOINTS, PODS, SERVICES
from kubepy.api.objects import Key, Obj
from kubepy.client.controller import Controller, ControllerContext, key_of, rest_for
from kubepy.controllers import endpoint_slice, ownership
from kubepy.controllers.endpoint_slice import HEADLESS, TRIGGERED, TriggerTimes

MANAGER = "endpoint-controller"
MANAGED_BY = "endpoints.kubernetes.io/managed-by"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"

# Source: endpoints_controller.go, maxCapacity.
ADDRESSES_MAX = 1000


class Plan(Struct, frozen=True):
    """At most one of the two: the whole object to write."""

    create: Obj | None = None
    update: Obj | None = None


def plan(service: Obj, selected: Iterable[Obj], present: Obj | None, triggered: str = "") -> Plan:
    """triggered: the time of what is told now."""
    subsets, truncated = truncate(pack(service, selected))
    metadata = service["metadata"]
    labels = {k: v for k, v in objects.labels_of(service).items() if k != HEADLESS} | {MANAGED_BY: MANAGER}
    if service["spec"].get("clusterIP") in (None, "", "None"):
        labels[HEADLESS] = ""
    annotations = dict(objects.annotations_of(present)) if present is not None else {}
    annotations.pop(OVER_CAPACITY, None)
    if truncated:
        annotations[OVER_CAPACITY] = "truncated"
    told = {k: v for k, v in annotations.items() if k != TRIGGERED}
    if triggered:
        told[TRIGGERED] = triggered
    content: Obj = {"subsets": subsets} if subsets else {}
    if present is None:
        written: Obj = {"name": metadata["name"], "namespace": metadata["namespace"], "labels": labels}
        if told:
            written["annotations"] = told
        return Plan(create={"apiVersion": "v1", "kind": "Endpoints", "metadata": written, **content})
    same = (
        (present.get("subsets") or []) == subsets
        and objects.labels_of(present) == labels
        and objects.annotations_of(present) == annotations
    )
    if same:
        return Plan()
    written = present["metadata"] | {"labels": labels, "annotations": told}
    kept = {name: value for name, value in present.items() if name != "subsets"}
    return Plan(update=kept | {"metadata": written, **content})


def pack(service: Obj, selected: Iterable[Obj]) -> list[Obj]:
    """The subsets of a Service: each pod's address under the ports it has."""
    publish_all = bool(service["spec"].get("publishNotReadyAddresses"))
    families = endpoint_slice.address_types(service)
    subsets: list[Obj] = []
    for pod in selected:
        if not endpoint_slice.has_endpoint(pod, include_terminating=publish_all):
            continue
        ports = endpoint_slice.ports_of(service, pod)
        if service["spec"].get("ports") and not ports:
            continue
        found = endpoint_slice.addresses_of(pod, families[0])
        if not found:
            continue
        ready = publish_all or pods.is_ready(pod)
        which = "addresses" if ready else "notReadyAddresses"
        subsets.append({which: [_address(service, pod, found[0])], "ports": ports})
    return repack(subsets)


_Port = tuple[str, int, str, str]  # name, port, protocol, application protocol
_Address = tuple[str, str]  # address, uid of what is behind it


def repack(subsets: Iterable[Obj]) -> list[Obj]:
    """The same in canonical form: ports that the same addresses have share a subset. An address that is anywhere not
    ready under a port is not ready there. Source: RepackSubsets.

    Differs: subsets are in the order of their ports; upstream's, of a hash.
    """
    known: dict[_Address, Obj] = {}
    by_port: dict[_Port | None, dict[_Address, bool]] = {}
    for subset in subsets:
        ports: list[_Port | None] = [_port_key(port) for port in subset.get("ports") or ()]
        for which in ("addresses", "notReadyAddresses"):
            for address in subset.get(which) or ():
                key = (address["ip"], objects.walk(address, "targetRef", "uid") or "")
                known.setdefault(key, address)
                for port in ports or [None]:
                    there = by_port.setdefault(port, {})
                    there[key] = there.get(key, True) and which == "addresses"
    shared: dict[frozenset[tuple[_Address, bool]], list[_Port]] = {}
    for port, there in by_port.items():
        shared.setdefault(frozenset(there.items()), []).extend([port] if port is not None else [])
    return [
        _subset(there, sorted(ports), known)
        for there, ports in sorted(shared.items(), key=lambda row: sorted(row[1]))
    ]


def _port_key(port: Obj) -> _Port:
    return port.get("name") or "", port["port"], port.get("protocol") or "TCP", port.get("appProtocol") or ""


def _subset(
    there: Iterable[tuple[_Address, bool]], ports: Iterable[_Port], known: dict[_Address, Obj]
) -> Obj:
    in_order = sorted(there)
    names = ("name", "port", "protocol", "appProtocol")
    subset = {
        "addresses": [known[key] for key, ready in in_order if ready],
        "notReadyAddresses": [known[key] for key, ready in in_order if not ready],
        "ports": [{n: v for n, v in zip(names, port, strict=True) if v != ""} for port in ports],
    }
    return {name: value for name, value in subset.items() if value}


def _address(service: Obj, pod: Obj, ip: str) -> Obj:
    metadata, spec = pod["metadata"], pod["spec"]
    address: Obj = {"ip": ip}
    if endpoint_slice.has_hostname(service, pod):
        address["hostname"] = spec["hostname"]
    if spec.get("nodeName"):
        address["nodeName"] = spec["nodeName"]
    address["targetRef"] = {
        "kind": "Pod",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return address


def truncate(subsets: list[Obj]) -> tuple[list[Obj], bool]:
    """At most ADDRESSES_MAX addresses, in proportion to the subsets' sizes, ready ones first.

    Source: truncateEndpoints.
    """
    ready = sum(len(subset.get("addresses") or ()) for subset in subsets)
    unready = sum(len(subset.get("notReadyAddresses") or ()) for subset in subsets)
    if ready + unready <= ADDRESSES_MAX:
        return subsets, False
    room = {"addresses": min(ready, ADDRESSES_MAX), "notReadyAddresses": max(0, ADDRESSES_MAX - ready)}
    total = {"addresses": ready, "notReadyAddresses": unready}
    cut = []
    for subset in subsets:
        kept = dict(subset)
        for name, count in room.items():
            present = subset.get(name) or []
            kept[name] = present[: _share(len(present), total[name], count)]
        cut.append({name: value for name, value in kept.items() if value})
    return [subset for subset in cut if subset.keys() != {"ports"}], True


def _share(size: int, total: int, room: int) -> int:
    """`size` of `total`, scaled to `room` and rounded as Go rounds."""
    return min(size, int(size * room / total + 0.5)) if total else 0


class EndpointsController(Controller):
    name = "endpoints-controller"
    workers = 5

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._triggers = TriggerTimes()

    def setup(self) -> None:
        self.services = self.watch(SERVICES, key_of)
        self.pods = self.watch(
            PODS, lambda document, old: endpoint_slice.services_of(self.services, document, old)
        )
        self.endpoints = self.watch(ENDPOINTS)
        self.endpoints.add_handler(on_delete=lambda document: self.queue.add(document.key))

    def rest_s(self, key: Key) -> float:
        # Upstream: --endpoint-updates-batch-period and --endpointslice-updates-batch-period.
        return rest_for(len(self.pods.keys(key.namespace)))

    async def reconcile(self, key: Key) -> None:
        service = self.services.get(key)
        if service is None:
            self._triggers.forget(key)
            await self._delete(key)
            return
        if not endpoint_slice.has_endpoints(service):
            return
        selected = endpoint_slice.selected_pods(service, self.pods)
        triggered = self._triggers.of(key, service, selected)
        decided = plan(service, selected, self.endpoints.get(key), triggered)
        try:
            if decided.create is not None:
                await self.client.create(ENDPOINTS, decided.create)
            elif decided.update is not None:
                await self.client.update(ENDPOINTS, decided.update)
        except errors.StatusError as error:
            if ownership.is_namespace_terminating(error):
                return
            self._tell_failed(service, key, decided, error)
            raise

    def _tell_failed(self, service: Obj, key: Key, decided: Plan, error: errors.StatusError) -> None:
        if decided.create is not None:
            reason, message = (
                "FailedToCreateEndpoint",
                f"Failed to create endpoint for service {key}: {error}",
            )
            self.events.event(decided.create, "Warning", reason, message)
        elif decided.update is not None:
            reason, message = "FailedToUpdateEndpoint", f"Failed to update endpoint {key}: {error}"
            self.events.event(decided.update, "Warning", reason, message)

    async def _delete(self, key: Key) -> None:
        """As upstream, whoever made them: without their Service they mean nothing."""
        if self.endpoints.document(key) is None:
            return
        try:
            await self.client.delete(ENDPOINTS, key.name, key.namespace)
        except errors.NotFound:
            pass
