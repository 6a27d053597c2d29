"""Cluster IPs and node ports for Services.

What is taken is read off the cached Services once and followed from then on; nothing is stored beside them, so nothing
can leak or drift. Between choosing and committing a number is reserved in memory.

Automatic numbers come from the upper part of a range first, so that people may pick low ones by hand.

Source: kubernetes pkg/registry/core/service/storage/alloc.go, pkg/registry/core/service/{ipallocator,portallocator}.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator

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

    def pick(self) -> int | None:
        for low, high in ((self._dynamic, self.last), (self.first, self._dynamic - 1)):
            size = high - low + 1
            if size <= 0:
                continue
            start = self._random.index(size)
            for step in range(size):
                number = low + (start + step) % size
                if not self.taken[number]:
                    return number
                if step > 64 and len(self.taken) >= self.last - self.first + 1:
                    break
        return None

    def give_back(self, numbers: list[int]) -> None:
        for number in numbers:
            self.taken[number] -= 1
            if self.taken[number] <= 0:
                del self.taken[number]


class ServiceAllocator:
    """`service_ip_range` "10.96.0.0/12", `node_port_range` (30000, 32767)."""

    def __init__(self, service_ip_range: str, node_port_range: tuple[int, int], random: Random) -> None:
        self._network = ipaddress.ip_network(service_ip_range)
        first = int(self._network.network_address) + 1
        last = int(self._network.network_address) + self._network.num_addresses - 2
        # Source: ipallocator calculateRangeOffset, portallocator calculateRangeOffset.
        self._ips = _Pool(first, last, _band(last - first + 1, 16, 256), random)
        low, high = node_port_range
        self._ports = _Pool(low, high, _band(high - low + 1, 32, 128), random)
        self._family = "IPv4" if self._network.version == 4 else "IPv6"
        self._follows = False

    def follow(self, services: ResourceCache) -> None:
        """Learn what is taken, and keep up; `services` must be loaded."""
        if self._follows:
            return
        self._follows = True
        services.observe(self._on_change, self._on_loaded)

    def _on_loaded(self, documents: list[Document]) -> None:
        for document in documents:
            self._count(document, 1)

    def _on_change(self, change: Change) -> None:
        if change.document is not None:
            self._count(change.document, 1)
        if change.previous is not None:
            self._count(change.previous, -1)

    def _count(self, document: Document, by: int) -> None:
        spec = document.obj.get("spec") or {}
        ips = [int(ipaddress.ip_address(ip)) for ip in cluster_ips(spec)]
        for pool, numbers in ((self._ips, ips), (self._ports, list(_ports_of(spec)))):
            if by > 0:
                pool.taken.update(numbers)
            else:
                pool.give_back(numbers)

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
            self._ips.give_back(reserved_ips)
            self._ports.give_back(reserved_ports)

        findings: list[FieldError] = []
        if needs_cluster_ip(spec):
            findings += self._families(spec, old_spec)
            if not findings:
                findings += self._allocate_ip(spec, old_spec, reserved_ips)
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

    def _allocate_ip(self, spec: Obj, old: Obj | None, reserved: list[int]) -> list[FieldError]:
        wanted = spec.get("clusterIP") or ""
        if wanted == NONE:
            spec["clusterIPs"] = [NONE]
            return []
        if old and wanted and wanted == old.get("clusterIP"):
            return []
        if not wanted:
            number = self._ips.pick()
            if number is None:
                why = "failed to allocate a serviceIP: range is full"
                return [errors.invalid_value("spec.clusterIPs", [], why)]
        else:
            found = self._requested(wanted)
            if isinstance(found, str):
                return [
                    errors.invalid_value(
                        "spec.clusterIPs", [wanted], f"failed to allocate IP {wanted}: {found}"
                    )
                ]
            number = found
        self._ips.taken[number] += 1
        reserved.append(number)
        address = str(ipaddress.ip_address(number))
        spec["clusterIP"], spec["clusterIPs"] = address, [address]
        return []

    def _requested(self, text: str) -> int | str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return "the provided network does not match the current range"
        number = int(address)
        if address not in self._network or not self._ips.first <= number <= self._ips.last:
            return f"the provided IP ({text}) is not in the valid range. The range of valid IPs is {self._network}"
        return "provided IP is already allocated" if self._ips.taken[number] else number

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
