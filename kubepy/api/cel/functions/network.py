"""IP addresses, networks and URLs.

Addresses with zones and IPv4-mapped IPv6 addresses are refused. A URL is what Go's url.ParseRequestURI takes:
absolute, or a path.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/{ip,cidr,urls}.go, pkg/cel/{ip,cidr,url}.go;
Go net/netip, net/url.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote, unquote_plus

from kubepy.api.cel import types
from kubepy.api.cel.errors import CelError
from kubepy.api.cel.functions import Library
from kubepy.api.cel.functions.strings import quote as quoted
from kubepy.api.cel.values import Opaque

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclass(frozen=True)
class Ip(Opaque):
    cel_type: ClassVar[types.Type] = types.opaque("net.IP")
    address: Address

    @property
    def size_bytes(self) -> int:
        return self.address.max_prefixlen // 8

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True)
class Cidr(Opaque):
    """An address and how many of its bits are the network's; the others may be set."""

    cel_type: ClassVar[types.Type] = types.opaque("net.CIDR")
    interface: Interface

    @property
    def bits(self) -> int:
        return self.interface.network.prefixlen

    @property
    def size_bytes(self) -> int:
        return -(-self.bits // 8)

    def __str__(self) -> str:
        return f"{self.interface.ip}/{self.bits}"


def _parse_ip(text: str) -> Ip:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        reason = address_error(text)
        raise CelError(f"IP Address {quoted(text)} parse error during conversion from string: {reason}")
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise CelError(f"IP address {quoted(text)} with zone value is not allowed")
        if address.ipv4_mapped is not None:
            raise CelError(f"IPv4-mapped IPv6 address {quoted(text)} is not allowed")
    return Ip(address)


def address_error(text: str) -> str:
    """Why Go's netip.ParseAddr refuses a text that is no address."""
    what, at = _address_error(text)
    return f"ParseAddr({quoted(text)}): {what}" + (f" (at {quoted(at)})" if at else "")


def _address_error(text: str) -> tuple[str, str]:
    for c in text:
        if c == ".":
            return _ipv4_error(text)
        if c == ":":
            return _ipv6_error(text)
        if c == "%":
            return "missing IPv6 address", ""
    return "unable to parse IP", ""


def _ipv4_error(text: str) -> tuple[str, str]:
    digits = value = dots = 0
    for index, c in enumerate(text):
        if c in "0123456789":
            if digits == 1 and value == 0:
                return "IPv4 field has octet with leading zero", ""
            value = value * 10 + int(c)
            digits += 1
            if value > 255:
                return "IPv4 field has value >255", ""
        elif c == ".":
            if index in (0, len(text) - 1) or text[index - 1] == ".":
                return "IPv4 field must have at least one digit", text[index:]
            if dots == 3:
                return "IPv4 address too long", ""
            dots += 1
            digits = value = 0
        else:
            return "unexpected character", text[index:]
    return "IPv4 address too short", ""


_HEX_DIGITS = re.compile(r"[0-9A-Fa-f]*", re.ASCII)


def _ipv6_error(text: str) -> tuple[str, str]:
    rest, percent, zone = text.partition("%")
    if percent and not zone:
        return "zone must be a non-empty string", ""
    ellipsis = rest.startswith("::")
    rest = rest[2:] if ellipsis else rest
    fields = 0
    while fields < 8 and rest:
        m = _HEX_DIGITS.match(rest)
        length = len(m.group()) if m else 0
        if length > 4:
            return "each group must have 4 or less digits", rest
        if length == 0:
            return "each colon-separated field must have at least one digit", rest
        if rest.startswith(".", length):
            if not ellipsis and fields != 6:
                return "embedded IPv4 address must replace the final 2 fields of the address", rest
            if fields > 6:
                return "too many hex fields to fit an embedded IPv4 at the end of the address", rest
            return _ipv4_error(rest)
        fields += 1
        rest = rest[length:]
        if not rest:
            break
        if rest[0] != ":":
            return "unexpected character, want colon", rest
        if len(rest) == 1:
            return "colon must be followed by more characters", rest
        rest = rest[1:]
        if rest[0] == ":":
            if ellipsis:
                return "multiple :: in address", rest
            ellipsis = True
            rest = rest[1:]
    if rest:
        return "trailing garbage after address", rest
    return (
        "the :: must expand to at least one field of zeros" if ellipsis else "address string too short"
    ), ""


_BITS = re.compile(r"0|[1-9]\d{0,2}", re.ASCII)
_CIDR_ERROR = "network address parse error during conversion from string: "


def _parse_cidr(text: str) -> Cidr:
    address, slash, bits = text.rpartition("/")
    reason = ""
    if not slash:
        reason = "no '/'"
    elif not _BITS.fullmatch(bits):
        reason = f"bad bits after slash: {quoted(bits)}"
    elif "%" in address:
        reason = "IPv6 zones cannot be present in a prefix"
    else:
        try:
            interface = ipaddress.ip_interface(f"{ipaddress.ip_address(address)}/{bits}")
        except ValueError:
            reason = "prefix length out of range" if _is_address(address) else address_error(address)
        else:
            if isinstance(interface, ipaddress.IPv6Interface) and interface.ip.ipv4_mapped is not None:
                raise CelError(f"{_CIDR_ERROR}IPv4-mapped IPv6 address {quoted(text)} is not allowed")
            return Cidr(interface)
    raise CelError(f"{_CIDR_ERROR}{_CIDR_ERROR}netip.ParsePrefix({quoted(text)}): {reason}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_ip(text: str) -> bool:
    try:
        _parse_ip(text)
    except CelError:
        return False
    return True


def _is_cidr(text: str) -> bool:
    try:
        _parse_cidr(text)
    except CelError:
        return False
    return True


def _contains_ip(network: Cidr, ip: Ip) -> bool:
    return ip.address.version == network.interface.version and ip.address in network.interface.network


def _contains_cidr(network: Cidr, other: Cidr) -> bool:
    if network.interface.version != other.interface.version or network.bits > other.bits:
        return False
    return other.interface.ip in network.interface.network


def _masked(network: Cidr) -> Cidr:
    return Cidr(ipaddress.ip_interface(network.interface.network.with_prefixlen))


_LINK_LOCAL_MULTICAST = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))


def _is_link_local_multicast(ip: Ip) -> bool:
    address = ip.address
    if isinstance(address, ipaddress.IPv6Address):
        # Go looks at the scope only, whatever the flags
        return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 0x02
    return address in _LINK_LOCAL_MULTICAST[0]


_LINK_LOCAL_6 = ipaddress.ip_network("fe80::/10")


def _is_link_local_unicast(ip: Ip) -> bool:
    address = ip.address
    return address in _LINK_LOCAL_6 if address.version == 6 else address.is_link_local


def _is_global_unicast(ip: Ip) -> bool:
    """As Go has it: neither unspecified, loopback, multicast, link-local nor the IPv4 broadcast address."""
    address = ip.address
    if address.version == 4 and str(address) == "255.255.255.255":
        return False
    special = address.is_unspecified or address.is_loopback or address.is_multicast
    return not special and not _is_link_local_unicast(ip)


# -- URLs


@dataclass(frozen=True)
class Url(Opaque):
    cel_type: ClassVar[types.Type] = types.Type("struct", "kubernetes.URL")
    text: str
    scheme: str
    host: str
    path: str
    query: str

    def __str__(self) -> str:
        return self.text

    @property
    def hostname(self) -> str:
        if self.host.startswith("["):
            return self.host[1:].partition("]")[0]
        return self.host.partition(":")[0]

    @property
    def port(self) -> str:
        after = self.host.rpartition("]")[2] if self.host.startswith("[") else self.host
        return after.partition(":")[2]

    def parameters(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for pair in self.query.split("&"):
            # Go drops what holds a semicolon or a broken escape
            if not pair or ";" in pair or _BAD_ESCAPE.search(pair):
                continue
            key, _, value = pair.partition("=")
            found.setdefault(unquote_plus(key), []).append(unquote_plus(value))
        return found


_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})(..?)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PORT = re.compile(r"(:\d*)?", re.ASCII)
# What Go leaves as it is in a path, beside letters and digits.
_PATH_SAFE = "$&+,/:;=@-_.~!*'()[]%"


def parse_url(text: str) -> Url:
    """Raises ValueError with Go's text."""
    try:
        return _parse_url(text)
    except ValueError as error:
        raise ValueError(f"parse {quoted(text)}: {error}")


def _parse_url(text: str) -> Url:
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
        raise ValueError("net/url: invalid control character in URL")
    if not text:
        raise ValueError("empty url")
    scheme = ""
    rest = text
    m = _SCHEME.match(text)
    if m:
        scheme = m.group()[:-1].lower()
        rest = text[m.end() :]
    elif text.startswith(":"):
        raise ValueError("missing protocol scheme")
    if not rest.startswith("/"):
        if not scheme:
            raise ValueError("invalid URI for request")
        # opaque, like mailto:someone
        return Url(text, scheme, "", "", rest.partition("?")[2])
    rest = rest.partition("#")[0]
    rest, _, query = rest.partition("?")
    host = ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        host = _host(authority.rpartition("@")[2])
        rest = slash + path
    bad = _BAD_ESCAPE.search(rest)
    if bad:
        raise ValueError(f"invalid URL escape {quoted(rest[bad.start() : bad.start() + 3])}")
    return Url(text, scheme, host, quote(rest, safe=_PATH_SAFE), query)


def _host(host: str) -> str:
    if host.startswith("["):
        end = host.rfind("]")
        if end < 0:
            raise ValueError("missing ']' in host")
        port = host[end + 1 :]
    else:
        port = ":" + host.partition(":")[2] if ":" in host else ""
    if not _PORT.fullmatch(port):
        raise ValueError(f"invalid port {quoted(port)} after host")
    for c in host:
        if c in ' "<>\\^`{|}':
            raise ValueError(f"invalid character {quoted(c)} in host name")
    bad = _BAD_ESCAPE.search(host)
    if bad:
        raise ValueError(f"invalid URL escape {quoted(host[bad.start() : bad.start() + 3])}")
    return host


def _url(text: str) -> Url:
    try:
        return parse_url(text)
    except ValueError as error:
        raise CelError(f"URL parse error during conversion from string: {error}")


def _is_url(text: str) -> bool:
    try:
        parse_url(text)
    except ValueError:
        return False
    return True


def library() -> Library:
    lib = Library({"IP": Ip.cel_type, "CIDR": Cidr.cel_type, "URL": Url.cel_type})
    d = lib.declare
    d("ip", "string_to_ip", "(string) IP", _parse_ip)
    d("family", "ip_family", "IP.() int", lambda ip: ip.address.version)
    d("ip.isCanonical", "ip_is_canonical", "(string) bool", lambda text: str(_parse_ip(text)) == text)
    d("isUnspecified", "ip_is_unspecified", "IP.() bool", lambda ip: ip.address.is_unspecified)
    d("isLoopback", "ip_is_loopback", "IP.() bool", lambda ip: ip.address.is_loopback)
    d("isLinkLocalMulticast", "ip_is_link_local_multicast", "IP.() bool", _is_link_local_multicast)
    d("isLinkLocalUnicast", "ip_is_link_local_unicast", "IP.() bool", _is_link_local_unicast)
    d("isGlobalUnicast", "ip_is_global_unicast", "IP.() bool", _is_global_unicast)
    d("isIP", "is_ip", "(string) bool", _is_ip)
    d("string", "ip_to_string", "(IP) string", str)
    d("cidr", "string_to_cidr", "(string) CIDR", _parse_cidr)
    d(
        "containsIP",
        "cidr_contains_ip_string",
        "CIDR.(string) bool",
        lambda c, s: _contains_ip(c, _parse_ip(s)),
    )
    d("containsIP", "cidr_contains_ip_ip", "CIDR.(IP) bool", _contains_ip)
    d(
        "containsCIDR",
        "cidr_contains_cidr_string",
        "CIDR.(string) bool",
        lambda c, s: _contains_cidr(c, _parse_cidr(s)),
    )
    d("containsCIDR", "cidr_contains_cidr", "CIDR.(CIDR) bool", _contains_cidr)
    d("ip", "cidr_ip", "CIDR.() IP", lambda c: Ip(c.interface.ip))
    d("prefixLength", "cidr_prefix_length", "CIDR.() int", lambda c: c.bits)
    d("masked", "cidr_masked", "CIDR.() CIDR", _masked)
    d("isCIDR", "is_cidr", "(string) bool", _is_cidr)
    d("string", "cidr_to_string", "(CIDR) string", str)
    d("url", "string_to_url", "(string) URL", _url)
    d("getScheme", "url_get_scheme", "URL.() string", lambda url: url.scheme)
    d("getHost", "url_get_host", "URL.() string", lambda url: url.host)
    d("getHostname", "url_get_hostname", "URL.() string", lambda url: url.hostname)
    d("getPort", "url_get_port", "URL.() string", lambda url: url.port)
    d("getEscapedPath", "url_get_escaped_path", "URL.() string", lambda url: url.path)
    d("getQuery", "url_get_query", "URL.() map(string, list(string))", Url.parameters)
    d("isURL", "is_url_string", "(string) bool", _is_url)
    return lib
