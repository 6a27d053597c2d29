"""What a CertificateSigningRequest asks for, what each of Kubernetes' own signers demands of it, and the signing.

`cryptography` takes 40 ms to import and is so only when there is something to read or to sign.

Source: kubernetes 1.36 pkg/apis/certificates/helpers.go, pkg/controller/certificates/{signer/signer,
authority/policies,authority/authority}.go.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.lib.random import Random

if TYPE_CHECKING:
    from cryptography import x509

API_SERVER_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"
SIGNERS = (API_SERVER_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN)

# Clocks differ. Short-lived certificates are not shortened for it.
BACKDATE_S, SHORT_S, LIFETIME_S_MIN = 300.0, 8 * 3600.0, 600.0

_NODES, _NODE = ("system:nodes",), "system:node:"


class Unreadable(Exception):
    """spec.request is no PEM CERTIFICATE REQUEST, or its signature is not its key's."""


class SignerExpired(Exception):
    """The CA's certificate is over."""


class Request(Struct, frozen=True):
    """What stands in the request itself."""

    common_name: str  # "system:node:n1"
    organizations: tuple[str, ...] = ()  # ("system:nodes",)
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()


class Authority(Struct, frozen=True):
    """Who signs: PEM of a CA certificate and its key; `lifetime_s` bounds what it issues."""

    certificate: bytes
    key: bytes
    lifetime_s: float = 365 * 86400.0

    def for_all_signers(self) -> dict[str, Authority]:
        return dict.fromkeys(SIGNERS, self)


def parse(csr: Obj) -> Request:
    """Raises Unreadable."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    request = _load(csr)

    def named(oid: Any) -> tuple[str, ...]:
        return tuple(str(attribute.value) for attribute in request.subject.get_attributes_for_oid(oid))

    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    except ValueError as error:
        raise Unreadable(str(error)) from error
    return Request(
        # Go keeps the last one.
        common_name=(named(NameOID.COMMON_NAME) or ("",))[-1],
        organizations=named(NameOID.ORGANIZATION_NAME),
        dns_names=tuple(names.get_values_for_type(x509.DNSName)),
        addresses=tuple(map(str, names.get_values_for_type(x509.IPAddress))),
        emails=tuple(names.get_values_for_type(x509.RFC822Name)),
        uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
    )


def _load(csr: Obj) -> x509.CertificateSigningRequest:
    from cryptography import x509

    try:
        pem = base64.b64decode(objects.walk(csr, "spec", "request") or "", validate=True)
    except binascii.Error as error:
        raise Unreadable(str(error)) from error
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in pem:
        raise Unreadable("PEM block type must be CERTIFICATE REQUEST")
    try:
        return x509.load_pem_x509_csr(pem)
    except (ValueError, TypeError) as error:
        raise Unreadable(str(error)) from error


def fault(signer: str, request: Request, usages: Sequence[str]) -> str:
    """Why this signer does not sign it, "" if it does."""
    return _CHECKS[signer](request, usages) if signer in _CHECKS else ""


def _kubelet_client_fault(request: Request, usages: Sequence[str]) -> str:
    if request.organizations != _NODES:
        return "subject organization is not system:nodes"
    for names, message in (
        (request.dns_names, "DNS subjectAltNames are not allowed"),
        (request.emails, "Email subjectAltNames are not allowed"),
        (request.addresses, "IP subjectAltNames are not allowed"),
        (request.uris, "URI subjectAltNames are not allowed"),
    ):
        if names:
            return message
    if not request.common_name.startswith(_NODE):
        return "subject common name does not begin with system:node:"
    return _usages_fault(usages, "client auth")


def _kubelet_serving_fault(request: Request, usages: Sequence[str]) -> str:
    if request.organizations != _NODES:
        return "subject organization is not system:nodes"
    if not (request.dns_names or request.addresses):
        return "DNS or IP subjectAltName is required"
    if request.emails:
        return "Email subjectAltNames are not allowed"
    if request.uris:
        return "URI subjectAltNames are not allowed"
    if message := _usages_fault(usages, "server auth"):
        return message
    if not request.common_name.startswith(_NODE):
        return "subject common name does not begin with system:node:"
    return ""


def _usages_fault(usages: Sequence[str], purpose: str) -> str:
    """Key encipherment is for RSA keys only."""
    wanted = {"digital signature", purpose}
    if set(usages) in (wanted, wanted | {"key encipherment"}):
        return ""
    return f"usages did not match [{' '.join(sorted(wanted | {'key encipherment'}))}]"


def _api_server_client_fault(request: Request, usages: Sequence[str]) -> str:
    for usage in usages:
        if usage not in ("digital signature", "key encipherment", "client auth"):
            return f"invalid usage for client certificate: {usage}"
    if "client auth" not in usages:
        return "missing required usage for client certificate: client auth"
    return ""


_CHECKS = {
    API_SERVER_CLIENT: _api_server_client_fault,
    KUBELET_CLIENT: _kubelet_client_fault,
    KUBELET_SERVING: _kubelet_serving_fault,
}

# Usages -> the argument of x509.KeyUsage, or the name of an ExtendedKeyUsageOID. Source: policies.go, keyUsageDict.
_KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_PURPOSES = {
    "any": "2.5.29.37.0",
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
}


def lifetime_s(expiration_s: int | None, longest_s: float) -> float:
    """Source: signer.go, duration."""
    if expiration_s is None or expiration_s > longest_s:
        return longest_s
    return max(float(expiration_s), LIFETIME_S_MIN)


def validity(now: float, life_s: float, signer_end: float) -> tuple[float, float]:
    """(not before, not after). Raises SignerExpired. Source: PermissiveSigningPolicy.apply."""
    begin = now - BACKDATE_S
    end = now + life_s if life_s < SHORT_S else now + life_s - BACKDATE_S
    if now >= signer_end:
        raise SignerExpired("refusing to sign a certificate that expired in the past")
    return begin, min(end, signer_end)


def sign(csr: Obj, authority: Authority, *, now: float, random: Random) -> bytes:
    """The certificate, PEM. It carries the request's subject and alternative names and the usages of the spec; other
    extensions of the request are dropped. Raises Unreadable, SignerExpired."""
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    request = _load(csr)
    if not request.is_signature_valid:
        raise Unreadable("unable to verify certificate request signature")
    ca = x509.load_pem_x509_certificate(authority.certificate)
    key: Any = serialization.load_pem_private_key(authority.key, None)
    life_s = lifetime_s(csr["spec"].get("expirationSeconds"), authority.lifetime_s)
    begin, end = validity(now, life_s, ca.not_valid_after_utc.timestamp())
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(ca.subject)
        .public_key(request.public_key())
        # 128 bits as upstream; positive and never 0.
        .serial_number(int.from_bytes(random.token(16), "big") + 1)
        .not_valid_before(datetime.fromtimestamp(int(begin), UTC))
        .not_valid_after(datetime.fromtimestamp(int(end), UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    usages = csr["spec"].get("usages") or ()
    if wanted := {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}:
        arguments = {argument: argument in wanted for argument in _KEY_USAGES.values()}
        builder = builder.add_extension(x509.KeyUsage(**arguments), critical=True)
    purposes = dict.fromkeys(_PURPOSES[usage] for usage in usages if usage in _PURPOSES)
    if purposes:
        extended = x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose) for purpose in purposes])
        builder = builder.add_extension(extended, critical=False)
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        pass
    else:
        builder = builder.add_extension(names.value, critical=names.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


# -- conditions --------------------------------------------------------------------------------------------------


def is_decided(csr: Obj) -> bool:
    """Approved or denied, whatever the condition's status. Source: GetCertApprovalCondition."""
    return any(known["type"] in ("Approved", "Denied") for known in objects.conditions(csr))


def is_approved(csr: Obj) -> bool:
    """And not denied as well. Source: IsCertificateRequestApproved."""
    types = {known["type"] for known in objects.conditions(csr)}
    return "Approved" in types and "Denied" not in types


def not_after(csr: Obj) -> float | None:
    """When the issued certificate ends; None without one that can be read."""
    encoded = objects.walk(csr, "status", "certificate")
    if not encoded:
        return None
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(base64.b64decode(encoded)).not_valid_after_utc.timestamp()
    except ValueError:
        return None
