"""Cluster IPs and node ports for Services.

What is taken is read off the cached Services once and followed from then on, so that nothing can leak or drift. Between
choosing and committing a number is reserved in memory. IPAddress objects say the same to clients (addresses.py); those
that clients made themselves keep their addresses from everybody else.

A dry run takes nothing, and is not told that an address is taken or a port out of range; upstream does not look either.

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
from kubepy.apiserver.registry import families
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Change
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

_FAMILIES = {4: "IPv4", 6: "IPv6"}

Release = Callable[[], None]
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _node_ports(spec: Obj) -> Iterator[int]:
    if may_have_node_ports(spec):
        # One number may serve TCP and UDP of the same service.
        yield from {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


def _ports_of(spec: Obj) -> Iterator[int]:
    if may_have_node_ports(spec):
        yield from _node_ports(spec)
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
    """`service_ip_range` "10.96.0.0/12", or two of different families, the cluster's own first:
    "10.96.0.0/12,fd00::/108"; `node_port_range` (30000, 32767)."""

    def __init__(self, service_ip_range: str, node_port_range: tuple[int, int], random: Random) -> None:
        self._networks = [ipaddress.ip_network(text) for text in service_ip_range.split(",")]
        self._random = random
        self._addresses: Counter[int] = Counter()  # of Services, wherever they lie
        # By family: the configured range first, then those of ServiceCIDRs.
        self._ranges: dict[str, dict[_Network, _Pool]] = {
            _FAMILIES[network.version]: {network: self._pool(network)} for network in self._networks
        }
        self._declared: dict[str, tuple[str, ...]] = {}  # ServiceCIDR -> its ranges, while it is ready
        self._held: dict[
            int, tuple[str, str, str]
        ] = {}  # IPAddress -> (resource, namespace, name) it belongs to
        low, high = node_port_range
        # Source: portallocator calculateRangeOffset.
        self._ports = _Pool(low, high, _band(high - low + 1, 32, 128), random)
        self._follows = self._has_range_objects = False
        # Of the write that `begin` is at; it does not wait.
        self._is_dry_run = False

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
            self._has_range_objects = True
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
        for own in self._networks:
            family = _FAMILIES[own.version]
            known = self._ranges[family]
            wanted = [own, *(network for network in declared if network.version == own.version)]
            self._ranges[family] = {network: known.get(network) or self._pool(network) for network in wanted}

    def _set_holder(self, address: str, document: Document | None) -> None:
        """An IPAddress came, changed or went."""
        number = int(ipaddress.ip_address(address))
        self._held.pop(number, None)
        if document is not None:
            parent = (document.obj.get("spec") or {}).get("parentRef") or {}
            self._held[number] = (
                parent.get("resource") or "", parent.get("namespace") or "", parent.get("name") or "",
            )  # fmt: skip

    def begin(self, service: Obj, old: Obj | None, *, dry_run: bool = False) -> Release:
        """Fill in what `service` needs, in place. Call what is returned when the write is over, done or not.

        Raises Invalid, and InternalError when a range is full."""
        spec = service.setdefault("spec", {})
        old_spec = (old or {}).get("spec") if old else None
        normalize_cluster_ips(spec, old_spec)
        if old_spec:
            keep_allocated(spec, old_spec)
        reserved_ips: list[int] = []
        reserved_ports: list[int] = []
        self._is_dry_run = dry_run

        def release() -> None:
            _give_back(self._addresses, reserved_ips)
            _give_back(self._ports.taken, reserved_ports)

        try:
            if findings := self._settle(service, old_spec, reserved_ips, reserved_ports):
                raise errors.invalid(SERVICES, service["metadata"].get("name", ""), findings)
        except errors.StatusError:
            release()
            raise
        return release

    def _settle(
        self, service: Obj, old: Obj | None, reserved_ips: list[int], reserved_ports: list[int]
    ) -> list[FieldError]:
        spec = service["spec"]
        findings: list[FieldError] = []
        if needs_cluster_ip(spec):
            findings += families.settle(spec, old, self._ranges)
            if not findings and not families.is_settled(spec, old):
                findings += self._allocate_ips(service, old, reserved_ips)
        if not findings and may_have_node_ports(spec):
            if old is None:
                findings += self._allocate_ports(spec, reserved_ports)
            else:
                findings += self._update_ports(spec, old, reserved_ports)
        if not findings and needs_health_check_port(spec) and not (old and needs_health_check_port(old)):
            self._allocate_health_check(spec, reserved_ports)
        return findings

    def _allocate_ips(self, service: Obj, old: Obj | None, reserved: list[int]) -> list[FieldError]:
        """An address of each family, or of the one that an update adds; what changes otherwise is validation's.

        Source: alloc.go updateClusterIPs."""
        spec = service["spec"]
        wanted: list[str] = list(spec.get("clusterIPs") or ())
        if NONE in wanted[:1]:
            return []
        asked_for = list(enumerate(spec.get("ipFamilies") or ()))
        if old and needs_cluster_ip(old):
            is_upgrade = len(old.get("ipFamilies") or ()) == 1 and len(asked_for) == 2
            if not is_upgrade or NONE in (old.get("clusterIPs") or ())[:1]:
                return []
            asked_for = asked_for[1:]
        settled = wanted[:]
        for index, family in asked_for:
            asked = wanted[index] if index < len(wanted) else ""
            found = self._requested(asked, service["metadata"]) if asked else self._free(family)
            if found is None:
                name = errors.quote(service["metadata"].get("name") or "")
                raise errors.InternalError(
                    f"failed to allocate a serviceIP for Service {name}: range is full"
                )
            if isinstance(found, str):
                why = f"failed to allocate IP {asked}: {found}"
                return [errors.invalid_value("spec.clusterIPs", wanted, why)]
            self._addresses[found] += 1
            reserved.append(found)
            settled[index:] = [str(_address_of(found, family)), *settled[index + 1 :]]
        spec["clusterIP"], spec["clusterIPs"] = settled[0], settled
        return []

    def _free(self, family: str) -> int | None:
        pools = self._ranges[family].values()
        return next((n for pool in pools if (n := pool.pick(self._held)) is not None), None)

    def _requested(self, text: str, metadata: Obj) -> int | str:
        address = ipaddress.ip_address(text)
        number, ranges = int(address), self._ranges.get(_FAMILIES[address.version])
        if ranges is None:
            return "the provided network does not match the current range"
        if all(number not in pool for pool in ranges.values()):
            # The first and the last address of a range are in it, and not to be had.
            network = next((name for name in ranges if address in ipaddress.ip_network(name)), None)
            if network is None and self._has_range_objects:
                return "the provided network does not match the current range"
            network = network or next(iter(ranges))
            return f"the provided IP ({text}) is not in the valid range. The range of valid IPs is {network}"
        holder = self._held.get(number)
        mine = ("services", metadata.get("namespace", ""), metadata.get("name", ""))
        is_taken = self._addresses[number] or (holder is not None and holder != mine)
        if is_taken and not self._is_dry_run:
            return "provided IP is already allocated"
        return number

    def _allocate_ports(self, spec: Obj, reserved: list[int]) -> list[FieldError]:
        """The same port over another protocol gets the same number. Source: alloc.go initNodePorts."""
        ports = spec.get("ports") or ()
        chosen: dict[int, int] = {}
        for index, port in enumerate(ports):
            number, at = port.get("nodePort") or 0, port.get("port")
            if not number and not needs_node_ports(spec):
                continue
            if at in chosen and number in (0, chosen[at]):
                port["nodePort"] = chosen[at]
                continue
            if at not in chosen:
                number = next((p["nodePort"] for p in ports if p.get("port") == at and p.get("nodePort")), 0)
                chosen[at] = number = number or self._pick("nodePort")
                port["nodePort"] = number
            if why := self._port_error(number):
                return [errors.invalid_value(f"spec.ports[{index}].nodePort", number, why)]
            self._reserve(number, reserved)
        return []

    def _update_ports(self, spec: Obj, old: Obj, reserved: list[int]) -> list[FieldError]:
        """Source: alloc.go updateNodePorts."""
        mine = set(_node_ports(old))
        seen: set[tuple[str, int]] = set()
        for index, port in enumerate(spec.get("ports") or ()):
            number = port.get("nodePort") or 0
            if not number and not needs_node_ports(spec):
                continue
            if not number:
                number = port["nodePort"] = self._pick("nodePort")
                self._reserve(number, reserved)
            elif number not in mine and number not in reserved:
                if why := self._port_error(number):
                    return [errors.invalid_value(f"spec.ports[{index}].nodePort", number, why)]
                self._reserve(number, reserved)
            what = port.get("protocol") or "TCP", number
            if what in seen:
                raise errors.StatusError(f"duplicate nodePort: {{{what[0]} {number}}}", reason="")
            seen.add(what)
        return []

    def _allocate_health_check(self, spec: Obj, reserved: list[int]) -> None:
        number = spec.get("healthCheckNodePort") or 0
        if number and (why := self._port_error(number)):
            raise errors.InternalError(f"failed to allocate requested HealthCheck NodePort {number}: {why}")
        number = spec["healthCheckNodePort"] = number or self._pick("HealthCheck NodePort 0")
        self._reserve(number, reserved)

    def _pick(self, what: str) -> int:
        number = self._ports.pick()
        if number is None:
            raise errors.InternalError(f"failed to allocate a {what}: range is full")
        return number

    def _reserve(self, number: int, reserved: list[int]) -> None:
        self._ports.taken[number] += 1
        reserved.append(number)

    def _port_error(self, number: int) -> str:
        if not self._is_dry_run and not self._ports.first <= number <= self._ports.last:
            return (
                "provided port is not in the valid range. The range of valid ports is "
                f"{self._ports.first}-{self._ports.last}"
            )
        return "provided port is already allocated" if self._ports.taken[number] else ""


def _address_of(number: int, family: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    # A small number could be of either.
    return ipaddress.IPv4Address(number) if family == "IPv4" else ipaddress.IPv6Address(number)


def _band(size: int, step: int, most: int) -> int:
    """How many of the lowest numbers are left to people: none in tiny ranges."""
    least = 16
    if size < least:
        return 0
    return min(max(least, size // step), most)
