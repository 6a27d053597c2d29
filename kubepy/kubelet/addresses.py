"""Addresses for pods and nodes that do not exist: unique, stable, and never on any real interface.

Pod IPs come from the cluster CIDR in order, freed ones are used again last; what existing pods have is
claimed first, so a restart changes nothing. Node IPs are a function of the node's number.
"""

from __future__ import annotations

import ipaddress
from collections import deque


class Exhausted(Exception):
    """No address is left in the range."""


class Pool:
    """IPs of one range, by owner (a pod's uid)."""

    def __init__(self, cidr: str) -> None:
        network = ipaddress.ip_network(cidr)
        self.cidr = str(network)
        # The network's own address and its gateway are not for pods.
        self._next, self._last = int(network.network_address) + 2, int(network.broadcast_address) - 1
        self._version = network.version
        self._by_owner: dict[str, str] = {}
        self._used: set[str] = set()
        self._free: deque[str] = deque()

    def claim(self, owner: str, ip: str) -> None:
        """An address the owner already has."""
        self._by_owner[owner] = ip
        self._used.add(ip)

    def take(self, owner: str) -> str:
        """The owner's address, a new one if it has none. Raises Exhausted."""
        ip = self._by_owner.get(owner)
        if ip is None:
            ip = self._fresh()
            self.claim(owner, ip)
        return ip

    def _fresh(self) -> str:
        while self._next <= self._last:
            ip = str(
                ipaddress.ip_address(self._next) if self._version == 4 else ipaddress.IPv6Address(self._next)
            )
            self._next += 1
            if ip not in self._used:
                return ip
        if self._free:
            return self._free.popleft()
        raise Exhausted(f"no address is left in {self.cidr}")

    def release(self, owner: str) -> None:
        ip = self._by_owner.pop(owner, None)
        if ip is not None:
            self._used.discard(ip)
            self._free.append(ip)


def node_ip(number: int) -> str:
    """Node 1 -> 10.0.0.1; 65 000 nodes fit."""
    return f"10.0.{number // 250}.{number % 250}" if number % 250 else f"10.0.{number // 250 - 1}.250"
