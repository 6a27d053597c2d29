"""Which names a server's certificate is for, and how Go says that a wanted one is not among them.

OpenSSL only says that a name is wrong; so the certificate is looked at once more, over a connection that carries
nothing.

Source: Go's crypto/x509 HostnameError.
"""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import ip_address
from typing import NamedTuple


class Names(NamedTuple):
    """Whom a certificate is for."""

    common: str
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    has_alternatives: bool


async def names_of(host: str, port: int, server_name: str) -> Names:
    """Of the certificate that a server shows to whoever asks for that name. Raises OSError, ValueError."""
    # It takes 30 ms to import.
    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=server_name)
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(True)
    finally:
        writer.close()
    certificate = x509.load_der_x509_certificate(der)
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names(str(common[0].value) if common else "", (), (), False)
    hosts = tuple(names.get_values_for_type(x509.DNSName))
    return Names("", hosts, tuple(map(str, names.get_values_for_type(x509.IPAddress))), True)


def mismatch(names: Names, wanted: str) -> str:
    """Source: Go's crypto/x509 HostnameError."""
    if not names.has_alternatives and names.common.lower() == wanted.lower():
        return "certificate relies on legacy Common Name field, use SANs instead"
    is_address = _is_address(wanted)
    if is_address and not names.addresses:
        return f"cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
    valid = ", ".join(names.addresses if is_address else names.hosts)
    if not valid:
        return f"certificate is not valid for any names, but wanted to match {wanted}"
    return f"certificate is valid for {valid}, not {wanted}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
