"""Addresses for pods and nodes that do not exist: unique, stable, and never on any real interface.

Pod IPs come from their node's range if it has one, else from the cluster CIDR; in order, freed ones are used again
last. What existing pods have is claimed first, so a restart changes nothing. Node IPs are a function of the node's
number.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Container


class Exhausted(Exception):
    """No address is left in the range."""


class _Range:
    """Where the next address of one CIDR is."""

    def __init__(self, cidr: str) -> None:
        network = ipaddress.ip_network(cidr)
        self.cidr = str(network)
        # The network's own address and its gateway are not for pods.
        self._next, self._last = int(network.network_address) + 2, int(network.broadcast_address) - 1
        self._address = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
        self.free: deque[str] = deque()

    def take(self, used: Container[str]) -> str:
        while self._next <= self._last:
            ip = str(self._address(self._next))
            self._next += 1
            if ip not in used:
                return ip
        if self.free:
            return self.free.popleft()
        raise Exhausted(f"no address is left in {self.cidr}")


class Pool:
    """IPs of one range, or of nodes' own parts of it, by owner (a pod's uid)."""

    def __init__(self, cidr: str) -> None:
        whole = _Range(cidr)
        self.cidr = whole.cidr
        self._ranges = {self.cidr: whole}
        self._by_owner: dict[str, tuple[str, str]] = {}  # (address, the range it goes back to)
        self._used: set[str] = set()

    def claim(self, owner: str, ip: str, cidr: str = "") -> None:
        """An address the owner already has."""
        self._by_owner[owner] = ip, cidr or self.cidr
        self._used.add(ip)

    def take(self, owner: str, cidr: str = "") -> str:
        """The owner's address, a new one of `cidr` (or of the whole range) if it has none. Raises Exhausted."""
        known = self._by_owner.get(owner)
        if known is not None:
            return known[0]
        ip = self._range(cidr or self.cidr).take(self._used)
        self.claim(owner, ip, cidr)
        return ip

    def release(self, owner: str) -> None:
        ip, cidr = self._by_owner.pop(owner, ("", ""))
        if ip:
            self._used.discard(ip)
            self._range(cidr).free.append(ip)

    def _range(self, cidr: str) -> _Range:
        found = self._ranges.get(cidr)
        if found is None:
            found = self._ranges[cidr] = _Range(cidr)
        return found


def node_ip(number: int) -> str:
    """Node 1 -> 10.0.0.1; 65 000 nodes fit."""
    return f"10.0.{number // 250}.{number % 250}" if number % 250 else f"10.0.{number // 250 - 1}.250"
