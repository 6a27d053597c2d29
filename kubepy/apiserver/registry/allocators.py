"""Cluster IPs and node ports for Services.

What is taken is read off the cached Services once and followed from then on, so that nothing can leak or drift. Between
choosing and committing a number is reserved in memory. IPAddress objects say the same to clients (addresses.py); those
that clients made themselves keep their addresses from everybody else.

Addresses come from the configured range and from ServiceCIDRs that are ready and stay. Automatic numbers come from the
upper part of a range first, so that people may pick low ones by hand.

Source: kubernetes pkg/registry/core/service/storage/alloc.go, pkg/registry/core/service/{ipallocator,portallocator};
of several ranges: ipallocator/cidrallocator.go.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Container, Iterator

from kubepy.api import errors
from kubepy.api.builtins import SERVICES
from kubepy.api.errors import FieldError
from kubepy.api.objects import Document, Obj
from kubepy.apiserver.registry.cache import Change, ResourceCache
from kubepy.apiserver.registry.strategies.services import (
    NONE,
    cluster_ips,
    keep_allocated,
    may_have_node_ports,
    needs_cluster_ip,
    needs_health_check_port,
    needs_node_ports,
    normalize_cluster_ips,
)
from kubepy.lib.random import Random

Release = Callable[[], None]
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _ports_of(spec: Obj) -> Iterator[int]:
    if may_have_node_ports(spec):
        # One number may serve TCP and UDP of the same service.
        yield from {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}
        if spec.get("healthCheckNodePort"):
            yield spec["healthCheckNodePort"]


class _Pool:
    """Numbers of a range: taken ones are counted, because old and new state overlap while a change is applied."""

    def __init__(self, first: int, last: int, reserved_band: int, random: Random) -> None:
        self.first, self.last = first, last
        self._dynamic = min(first + reserved_band, last)
        self._random = random
        self.taken: Counter[int] = Counter()

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last

    def pick(self, held: Container[int] = ()) -> int | None:
        for low, high in ((self._dynamic, self.last), (self.first, self._dynamic - 1)):
            size = high - low + 1
            if size <= 0:
                continue
            start = self._random.index(size)
            for step in range(size):
                number = low + (start + step) % size
                if not self.taken[number] and number not in held:
                    return number
        return None


def _give_back(taken: Counter[int], numbers: list[int]) -> None:
    for number in numbers:
        taken[number] -= 1
        if taken[number] <= 0:
            del taken[number]


def _each(tell: Callable[[str, Document | None], None], documents: list[Document]) -> None:
    for document in documents:
        tell(document.key.name, document)


def _is_ready(service_cidr: Obj) -> bool:
    if service_cidr["metadata"].get("deletionTimestamp"):
        return False
    conditions = (service_cidr.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


class ServiceAllocator:
    """`service_ip_range` "10.96.0.0/12", `node_port_range` (30000, 32767)."""

    def __init__(self, service_ip_range: str, node_port_range: tuple[int, int], random: Random) -> None:
        self._network = ipaddress.ip_network(service_ip_range)
        self._random = random
        self._addresses: Counter[int] = Counter()  # of Services, wherever they lie
        # The configured range first, then those of ServiceCIDRs.
        self._ranges: dict[_Network, _Pool] = {self._network: self._pool(self._network)}
        self._declared: dict[str, tuple[str, ...]] = {}  # ServiceCIDR -> its ranges, while it is ready
        self._held: dict[
            int, tuple[str, str, str]
        ] = {}  # IPAddress -> (resource, namespace, name) it belongs to
        low, high = node_port_range
        # Source: portallocator calculateRangeOffset.
        self._ports = _Pool(low, high, _band(high - low + 1, 32, 128), random)
        self._family = "IPv4" if self._network.version == 4 else "IPv6"
        self._follows = False

    def _pool(self, network: _Network) -> _Pool:
        first = int(network.network_address) + 1
        last = int(network.network_address) + network.num_addresses - 2
        # Source: ipallocator calculateRangeOffset.
        pool = _Pool(first, last, _band(last - first + 1, 16, 256), self._random)
        # All ranges see all addresses.
        pool.taken = self._addresses
        return pool

    @property
    def is_following(self) -> bool:
        return self._follows

    def follow(
        self,
        services: ResourceCache,
        service_cidrs: ResourceCache | None = None,
        addresses: ResourceCache | None = None,
    ) -> None:
        """Learn what is taken, and keep up; the caches must be loaded. A server may have no ServiceCIDRs."""
        if self._follows:
            return
        self._follows = True
        services.observe(self._on_change, self._on_loaded)
        if service_cidrs is not None:
            service_cidrs.observe(
                lambda change: self._set_ranges(change.path, change.document),
                lambda documents: _each(self._set_ranges, documents),
            )
        if addresses is not None:
            addresses.observe(
                lambda change: self._set_holder(change.path, change.document),
                lambda documents: _each(self._set_holder, documents),
            )

    def _on_loaded(self, documents: list[Document]) -> None:
        for document in documents:
            self._count(document, 1)

    def _on_change(self, change: Change) -> None:
        # The new state first: what both have is at no moment free.
        if change.document is not None:
            self._count(change.document, 1)
        if change.previous is not None:
            self._count(change.previous, -1)

    def _count(self, document: Document, by: int) -> None:
        spec = document.obj.get("spec") or {}
        ips = [int(ipaddress.ip_address(ip)) for ip in cluster_ips(spec)]
        for taken, numbers in ((self._addresses, ips), (self._ports.taken, list(_ports_of(spec)))):
            if by > 0:
                taken.update(numbers)
            else:
                _give_back(taken, numbers)

    def _set_ranges(self, name: str, document: Document | None) -> None:
        """A ServiceCIDR came, changed or went."""
        self._declared.pop(name, None)
        if document is not None and _is_ready(document.obj):
            self._declared[name] = tuple((document.obj.get("spec") or {}).get("cidrs") or ())
        declared = [ipaddress.ip_network(text) for texts in self._declared.values() for text in texts]
        wanted = [self._network, *(n for n in declared if n.version == self._network.version)]
        self._ranges = {network: self._ranges.get(network) or self._pool(network) for network in wanted}

    def _set_holder(self, address: str, document: Document | None) -> None:
        """An IPAddress came, changed or went."""
        number = int(ipaddress.ip_address(address))
        self._held.pop(number, None)
        if document is not None:
            parent = (document.obj.get("spec") or {}).get("parentRef") or {}
            self._held[number] = (
                parent.get("resource") or "", parent.get("namespace") or "", parent.get("name") or "",
            )  # fmt: skip

    def begin(self, service: Obj, old: Obj | None) -> Release:
        """Fill in what `service` needs, in place. Call what is returned when the write is over, done or not.

        Raises Invalid."""
        spec = service.setdefault("spec", {})
        old_spec = (old or {}).get("spec") if old else None
        normalize_cluster_ips(spec, old_spec)
        if old_spec:
            keep_allocated(spec, old_spec)
        reserved_ips: list[int] = []
        reserved_ports: list[int] = []

        def release() -> None:
            _give_back(self._addresses, reserved_ips)
            _give_back(self._ports.taken, reserved_ports)

        findings: list[FieldError] = []
        if needs_cluster_ip(spec):
            findings += self._families(spec, old_spec)
            if not findings:
                findings += self._allocate_ip(service, old_spec, reserved_ips)
        if not findings and needs_node_ports(spec):
            findings += self._allocate_ports(spec, old_spec, reserved_ports)
        if findings:
            release()
            raise errors.invalid(SERVICES, service["metadata"].get("name", ""), findings)
        return release

    def _families(self, spec: Obj, old: Obj | None) -> list[FieldError]:
        headless_without_selector = spec.get("clusterIP") == NONE and not spec.get("selector")
        if not spec.get("ipFamilyPolicy"):
            if old and old.get("ipFamilyPolicy"):
                spec["ipFamilyPolicy"] = old["ipFamilyPolicy"]
            else:
                spec["ipFamilyPolicy"] = "RequireDualStack" if headless_without_selector else "SingleStack"
        families = spec.get("ipFamilies")
        if not families:
            families = spec["ipFamilies"] = [self._family]
        if headless_without_selector:
            if len(families) < 2 and spec["ipFamilyPolicy"] != "SingleStack":
                families.append("IPv6" if families[0] == "IPv4" else "IPv4")
            return []
        if spec["ipFamilyPolicy"] == "RequireDualStack":
            return [
                errors.invalid_value(
                    "spec.ipFamilyPolicy",
                    "RequireDualStack",
                    "this cluster is not configured for dual-stack services",
                )
            ]
        return [
            errors.invalid_value(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
            for index, family in enumerate(families)
            if family != self._family
        ]

    def _allocate_ip(self, service: Obj, old: Obj | None, reserved: list[int]) -> list[FieldError]:
        spec = service["spec"]
        wanted = spec.get("clusterIP") or ""
        if wanted == NONE:
            spec["clusterIPs"] = [NONE]
            return []
        if old and wanted and wanted == old.get("clusterIP"):
            return []
        if not wanted:
            number = next((n for p in self._ranges.values() if (n := p.pick(self._held)) is not None), None)
            if number is None:
                why = "failed to allocate a serviceIP: range is full"
                return [errors.invalid_value("spec.clusterIPs", [], why)]
        else:
            found = self._requested(wanted, service["metadata"])
            if isinstance(found, str):
                return [
                    errors.invalid_value(
                        "spec.clusterIPs", [wanted], f"failed to allocate IP {wanted}: {found}"
                    )
                ]
            number = found
        self._addresses[number] += 1
        reserved.append(number)
        address = str(ipaddress.ip_address(number))
        spec["clusterIP"], spec["clusterIPs"] = address, [address]
        return []

    def _requested(self, text: str, metadata: Obj) -> int | str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return "the provided network does not match the current range"
        number = int(address)
        if address.version != self._network.version or all(number not in p for p in self._ranges.values()):
            return f"the provided IP ({text}) is not in the valid range. The range of valid IPs is {self._network}"
        holder = self._held.get(number)
        mine = ("services", metadata.get("namespace", ""), metadata.get("name", ""))
        if self._addresses[number] or (holder is not None and holder != mine):
            return "provided IP is already allocated"
        return number

    def _allocate_ports(self, spec: Obj, old: Obj | None, reserved: list[int]) -> list[FieldError]:
        mine = set(_ports_of(old)) if old else set()
        findings: list[FieldError] = []
        chosen: dict[tuple[str, int], int] = {}
        for index, port in enumerate(spec.get("ports") or ()):
            field = f"spec.ports[{index}].nodePort"
            number = port.get("nodePort")
            if number:
                if number in mine or number in reserved:
                    continue
                if why := self._port_error(number):
                    findings.append(errors.invalid_value(field, number, why))
                    continue
            else:
                # The same port over another protocol gets the same number.
                twin = next(
                    (n for (p, at), n in chosen.items() if at == port["port"] and p != port.get("protocol")),
                    0,
                )
                number = twin or self._ports.pick()
                if number is None:
                    findings.append(errors.invalid_value(field, 0, "range is full"))
                    continue
                port["nodePort"] = number
            chosen[port.get("protocol", "TCP"), port["port"]] = number
            if number not in reserved:
                self._ports.taken[number] += 1
                reserved.append(number)
        if not findings and needs_health_check_port(spec):
            findings += self._allocate_health_check(spec, mine, reserved)
        return findings

    def _allocate_health_check(self, spec: Obj, mine: set[int], reserved: list[int]) -> list[FieldError]:
        number = spec.get("healthCheckNodePort")
        if number in mine and number:
            return []
        if number:
            if why := self._port_error(number):
                return [errors.invalid_value("spec.healthCheckNodePort", number, why)]
        else:
            number = self._ports.pick()
            if number is None:
                return [errors.invalid_value("spec.healthCheckNodePort", 0, "range is full")]
            spec["healthCheckNodePort"] = number
        self._ports.taken[number] += 1
        reserved.append(number)
        return []

    def _port_error(self, number: int) -> str:
        if not self._ports.first <= number <= self._ports.last:
            return (
                "provided port is not in the valid range. The range of valid ports is "
                f"{self._ports.first}-{self._ports.last}"
            )
        return "provided port is already allocated" if self._ports.taken[number] else ""


def _band(size: int, step: int, most: int) -> int:
    """How many of the lowest numbers are left to people: none in tiny ranges."""
    least = 16
    if size < least:
        return 0
    return min(max(least, size // step), most)
