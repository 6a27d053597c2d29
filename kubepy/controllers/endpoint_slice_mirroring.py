"""Endpoints that people write for Services without a selector are mirrored to EndpointSlices, where proxies look.

Watches Endpoints, Services, EndpointSlices. Owns the EndpointSlices that carry its managed-by label. Writes them; one
for each address family and set of ports, at most a thousand addresses in it. Not mirrored: Endpoints with
the label endpointslice.kubernetes.io/skip-mirror=true, and those that leader election used to write.

Source: kubernetes 1.36 pkg/controller/endpointslicemirroring/{endpointslicemirroring_controller,reconciler,utils}.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from kubepy.api import objects
from kubepy.api.builtins import ENDPOINTS, SERVICES
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import Controller, ControllerContext
from kubepy.controllers.endpoints import repack
from kubepy.controllers.owned_slices import MANAGED_BY, SERVICE_NAME, OwnedSlices

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
_NOT_COPIED = (
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubectl.kubernetes.io/last-applied-configuration",
)

# Source: --mirroring-max-endpoints-per-subset.
ADDRESSES_MAX = 1000


_Group = tuple[str, tuple[tuple[object, ...], ...]]  # address family, ports


class Plan(Struct, frozen=True):
    create: tuple[Obj, ...] = ()
    update: tuple[Obj, ...] = ()
    delete: tuple[Obj, ...] = ()
    invalid: int = 0  # addresses that are no IPs
    skipped: int = 0  # addresses that are not mirrored, those among them


class _Wanted(Struct):
    ports: list[Obj]
    endpoints: dict[tuple[object, ...], Obj] = field(default_factory=dict)


def is_mirrored(endpoints: Obj) -> bool:
    """Whether these are for us, whatever their Service says."""
    return objects.labels_of(endpoints).get(SKIP) != "true" and LEADER not in objects.annotations_of(
        endpoints
    )


def plan(endpoints: Obj | None, service: Obj | None, slices: Sequence[Obj]) -> Plan:
    """`slices`: those of this controller for the Service."""
    if (
        endpoints is None
        or service is None
        or not is_mirrored(endpoints)
        or service["spec"].get("selector") is not None
    ):
        return Plan(delete=tuple(slices))
    groups, invalid, skipped = _groups(endpoints)
    present: dict[_Group, list[Obj]] = {}
    for each in slices:
        present.setdefault((each["addressType"], _ports_key(each.get("ports") or ())), []).append(each)
    create: list[Obj] = []
    update: list[Obj] = []
    delete: list[Obj] = []
    for group, wanted in groups.items():
        existing = present.pop(group, [])
        if not wanted.endpoints:
            delete += existing
            continue
        rendered = render(endpoints, group[0], wanted)
        if not existing:
            create.append(rendered)
            continue
        delete += existing[1:]
        if not _is_same(existing[0], rendered):
            update.append(_over(existing[0], rendered))
    for obsolete in present.values():
        delete += obsolete
    _recycle(create, update, delete)
    if objects.is_deleting(endpoints):
        create = []
    return Plan(tuple(create), tuple(update), tuple(delete), invalid, skipped)


def _groups(endpoints: Obj) -> tuple[dict[_Group, _Wanted], int, int]:
    """What is wanted, by family and ports; how many addresses are no IPs; how many are left out."""
    groups: dict[_Group, _Wanted] = {}
    invalid = skipped = 0
    for subset in repack(endpoints.get("subsets") or ()):
        ports = [_port(port) for port in subset.get("ports") or ()]
        key = _ports_key(ports)
        for family in ("IPv4", "IPv6"):
            groups.setdefault((family, key), _Wanted(ports))
        addresses = [(address, True) for address in subset.get("addresses") or ()]
        addresses += [(address, False) for address in subset.get("notReadyAddresses") or ()]
        added = 0
        for address, ready in addresses:
            if added >= ADDRESSES_MAX:
                break
            try:
                ip = ipaddress.ip_address(address["ip"])
            except ValueError:
                invalid += 1
                continue
            endpoint = _endpoint(address, str(ip), ready)
            groups[f"IPv{ip.version}", key].endpoints.setdefault(_identity(endpoint), endpoint)
            added += 1
        skipped += len(addresses) - added
    return groups, invalid, skipped


def _port(port: Obj) -> Obj:
    made = {"name": port.get("name", ""), "port": port["port"], "protocol": port.get("protocol", "TCP")}
    if port.get("appProtocol"):
        made["appProtocol"] = port["appProtocol"]
    return made


def _endpoint(address: Obj, ip: str, ready: bool) -> Obj:
    made: Obj = {"addresses": [ip], "conditions": {"ready": ready}}
    for name in ("targetRef", "nodeName", "hostname"):
        if address.get(name):
            made[name] = address[name]
    return made


def _identity(endpoint: Obj) -> tuple[object, ...]:
    """Source: endpointslice/util/endpointset.go, hashEndpoint."""
    target = endpoint.get("targetRef") or {}
    return (
        tuple(sorted(endpoint["addresses"])),
        endpoint.get("hostname") or "",
        target.get("kind"),
        target.get("namespace"),
        target.get("name"),
        target.get("uid"),
    )


def _ports_key(ports: Iterable[Obj]) -> tuple[tuple[object, ...], ...]:
    rows = ((p.get("name") or "", p.get("port"), p.get("protocol"), p.get("appProtocol")) for p in ports)
    return tuple(sorted(rows, key=repr))


def render(endpoints: Obj, family: str, wanted: _Wanted) -> Obj:
    metadata = endpoints["metadata"]
    name = metadata["name"]
    annotations = {
        key: value for key, value in objects.annotations_of(endpoints).items() if key not in _NOT_COPIED
    }
    owner = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "name": name,
        "uid": objects.uid_of(endpoints),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    made: Obj = {
        # Names are at most 253 characters long; the dash only makes them prettier.
        "generateName": f"{name}-" if len(name) < 253 else name,
        "namespace": metadata["namespace"],
        "labels": {**objects.labels_of(endpoints), SERVICE_NAME: name, MANAGED_BY: MANAGER},
        "ownerReferences": [owner],
    }
    if annotations:
        made["annotations"] = annotations
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": made,
        "addressType": family,
        "ports": wanted.ports,
        "endpoints": list(wanted.endpoints.values())[:ADDRESSES_MAX],
    }


def _is_same(present: Obj, wanted: Obj) -> bool:
    return (
        {_identity(each): each for each in present.get("endpoints") or ()}
        == {_identity(each): each for each in wanted["endpoints"]}
        and objects.labels_of(present) == objects.labels_of(wanted)
        and objects.annotations_of(present) == objects.annotations_of(wanted)
        and not any(_is_predecessor(ref, wanted) for ref in objects.owner_references(present))
    )


def _is_predecessor(ref: Obj, wanted: Obj) -> bool:
    """Whether it means Endpoints of the same name that are gone. Source: needRebuildExistingSlices."""
    owner = objects.owner_references(wanted)[0]
    is_named = (ref["kind"], ref["name"]) == (owner["kind"], owner["name"])
    return is_named and ref["uid"] != owner["uid"]


def _over(present: Obj, wanted: Obj) -> Obj:
    """`wanted` in the place of `present`."""
    kept = {name: value for name, value in wanted["metadata"].items() if name != "generateName"}
    metadata = {name: value for name, value in present["metadata"].items() if name != "annotations"}
    return wanted | {"metadata": metadata | kept}


def _recycle(create: list[Obj], update: list[Obj], delete: list[Obj]) -> None:
    """A slice to create and one to delete make one to update. Source: recycleSlices."""
    for new in list(create):
        old = next((each for each in delete if each["addressType"] == new["addressType"]), None)
        if old is not None:
            create.remove(new)
            delete.remove(old)
            update.append(_over(old, new))


class EndpointSliceMirroringController(Controller):
    name = "endpointslice-mirroring-controller"
    workers = 5
    retry_s_max = 100.0

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.slices = OwnedSlices(self, MANAGER)

    def setup(self) -> None:
        self.endpoints = self.watch(ENDPOINTS, _if_mirrored)
        self.services = self.watch(SERVICES, _if_without_selector)
        self.slices.watch()

    async def reconcile(self, key: Key) -> None:
        endpoints = self.endpoints.get(key)
        if not self.slices.is_settled(key):
            return
        if endpoints is None:
            self.slices.forget(key)
        decided = plan(endpoints, self.services.get(key), self.slices.of(key))
        if endpoints is not None:
            self._tell(endpoints, decided)
        await self.slices.write(key, create=decided.create, update=decided.update, delete=decided.delete)

    def _tell(self, endpoints: Obj, decided: Plan) -> None:
        if decided.invalid:
            text = f"Skipped {decided.invalid} invalid IP addresses when mirroring to EndpointSlices"
            self.events.event(endpoints, "Warning", "InvalidIPAddress", text)
        if decided.skipped > decided.invalid:
            text = (
                f"A max of {ADDRESSES_MAX} addresses can be mirrored to EndpointSlices per Endpoints subset. "
                f"{decided.skipped} addresses were skipped"
            )
            self.events.event(endpoints, "Warning", "TooManyAddressesToMirror", text)


def _if_mirrored(document: Document, old: Document | None) -> Iterable[Key]:
    if is_mirrored(document.obj) or (old is not None and is_mirrored(old.obj)):
        return (document.key,)
    return ()


def _if_without_selector(document: Document, old: Document | None) -> Iterable[Key]:
    has_one = document.obj["spec"].get("selector") is not None
    if old is None:
        return () if has_one else (document.key,)
    return (document.key,) if has_one != (old.obj["spec"].get("selector") is not None) else ()
