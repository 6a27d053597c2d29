from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kubepy.api import ca_bundle


def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), start, start + timedelta(days=1)
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


CERTIFICATE = certificate()
BROKEN = b"-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"
KEY = b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (b"", ""),
        (CERTIFICATE, ""),
        (b"# the old one\n" + BROKEN + KEY + CERTIFICATE, ""),
        (b"bundle", "unable to parse bytes as PEM block"),
        (KEY, "no valid certificate authority data seen"),
        (BROKEN, "failed to parse certificate: x509: malformed certificate"),
    ],
)
def test_what_can_verify_nobody_is_named(pem: bytes, why: str) -> None:
    expected = f"unable to load root certificates: {why}" if why else ""
    assert ca_bundle.error(base64.b64encode(pem).decode()) == expected
