"""What the objects of several kinds have in them: addresses, amounts, claims.

Source: apimachinery pkg/util/validation/ip.go; kubernetes pkg/api/persistentvolumeclaim/util.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from kubepy.api import quantity
from kubepy.api.errors import quote
from kubepy.api.objects import Obj

Texts = Iterator[str]
NONE: tuple[Any, ...] = ()


def of_ip(value: str, path: str) -> Texts:
    """Source: apimachinery pkg/util/validation/ip.go GetWarningsForIP."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        octets = value.split(".")
        if len(octets) == 4 and all(octet.isdigit() and int(octet) < 256 for octet in octets):
            plain = ".".join(str(int(octet)) for octet in octets)
            yield f"{path}: non-standard IP address {quote(value)} is invalid: use {quote(plain)}"
        return
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped:
        yield f"{path}: non-standard IP address {quote(value)} is invalid: use {quote(str(address.ipv4_mapped))}"
    elif str(address) != value:
        canonical = quote(str(address))
        yield f"{path}: IPv6 address {quote(value)} should be in RFC 5952 canonical format ({canonical})"


def of_cidr(value: str, path: str) -> Texts:
    """Source: GetWarningsForCIDR."""
    try:
        interface = ipaddress.ip_interface(value)
    except ValueError:
        return
    network = interface.network
    if interface.ip != network.network_address:
        single = f"{interface.ip}/{network.max_prefixlen}"
        yield (
            f"{path}: CIDR value {quote(value)} is ambiguous in this context "
            f"(should be {quote(str(network))} or {quote(single)}?)"
        )
    elif network.version == 6 and str(network) != value:
        canonical = quote(str(network))
        yield f"{path}: IPv6 CIDR value {quote(value)} should be in RFC 5952 canonical format ({canonical})"


def of_fractions(amounts: Obj, path: str, of: Iterable[str]) -> Texts:
    for name in of:
        value = amounts.get(name)
        if value is not None and quantity.milli(value) % 1000:
            yield f"{path}[{name}]: fractional byte value {quote(str(value))} is invalid, must be an integer"


def of_claim_spec(spec: Obj, path: str) -> Texts:
    resources = spec.get("resources") or {}
    for side in ("requests", "limits"):
        yield from of_fractions(resources.get(side) or {}, f"{path}.resources.{side}", ("storage",))


BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
