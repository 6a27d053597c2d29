"""Real certificates, requests and keys, made when they are imported. Most differ in every process,
so that no test may be named by them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509 as made
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

# The same every time, for those that name tests.
REQUEST_PEM = """\
-----BEGIN CERTIFICATE REQUEST-----
MIHJMHECAQAwDzENMAsGA1UEAwwEamFuZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABMH22rFNeeU3vR+53fhQ+9noeNZg6wQS55kMqwi98628NN4p/OKepLuJ/d5N
Jw6pZoQH/+Qa/lihM3wsKSjsK9KgADAKBggqhkjOPQQDAgNIADBFAiEAvx0fy6DC
KPA6nOE6W6xBUIRI/6U/RVMEdiIsEycfb3wCIH2M1tXOr3XEsGNkM25AUx+y6E66
C1FT/nBiaxpsZ8z2
-----END CERTIFICATE REQUEST-----
"""
AUTHORITY_PEM = """\
-----BEGIN CERTIFICATE-----
MIIBMTCB2aADAgECAhR/CZp7GtGKOBXvVWkNT7X0d6Em6zAKBggqhkjOPQQDAjAP
MQ0wCwYDVQQDDARqYW5lMB4XDTI2MDEwMTAwMDAwMFoXDTI2MDEwMjAwMDAwMFow
DzENMAsGA1UEAwwEamFuZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMH22rFN
eeU3vR+53fhQ+9noeNZg6wQS55kMqwi98628NN4p/OKepLuJ/d5NJw6pZoQH/+Qa
/lihM3wsKSjsK9KjEzARMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAw
RAIgb0oQRviqgGF5Ikt+g656ZI3Gfutx5IqmhJOTgyuxcC4CICDzgpXCKgSw5OzO
XluIeDk9qB/DJc9ZD7m83TjK72Tf
-----END CERTIFICATE-----
"""
NAME = made.Name([made.NameAttribute(made.NameOID.COMMON_NAME, "jane")])
ECDSA, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def certificate(key: Any = ECDSA, *, is_ca: bool = False) -> bytes:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = made.CertificateBuilder(
        NAME, NAME, key.public_key(), made.random_serial_number(), start, start + timedelta(days=1)
    )
    if is_ca:
        builder = builder.add_extension(made.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def private(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def request(key: Any = ECDSA) -> bytes:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    built = made.CertificateSigningRequestBuilder().subject_name(NAME).sign(key, algorithm)
    return built.public_bytes(serialization.Encoding.PEM)


def pem(type_: str, content: bytes) -> bytes:
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (
        type_.encode(), base64.encodebytes(content), type_.encode(),
    )  # fmt: skip


def by_kind(value: object) -> str:
    """For `ids`: what a parameter is, where its text is not the same twice."""
    return value if isinstance(value, str) and "BEGIN" not in value else type(value).__name__
