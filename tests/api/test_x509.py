"""What is framed, parsed and belongs together; texts as a real kube-apiserver 1.36 gave them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from kubepy.api import x509
from tests.api.pems import ECDSA, OTHER, by_kind, certificate, pem, private, request

RSA = rsa.generate_private_key(65537, 2048)
EDWARDS = ed25519.Ed25519PrivateKey.generate()


def spoiled(text: bytes) -> bytes:
    """With another signature."""
    block = next(x509.blocks(text))
    return pem(block.type, block.content[:-1] + bytes([block.content[-1] ^ 1]))


CERTIFICATE = certificate()


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (b"", []),
        (b"garbage", []),
        (CERTIFICATE, ["CERTIFICATE"]),
        (b"x\n" + CERTIFICATE + b"\ny\n" + CERTIFICATE, ["CERTIFICATE"] * 2),
        (CERTIFICATE.replace(b"\n", b"\r\n"), ["CERTIFICATE"]),
        (CERTIFICATE[:200] + b"\n-----END CERTIFICATE-----\n", []),
        (CERTIFICATE[:100] + b"\n" + CERTIFICATE, ["CERTIFICATE"]),
        (CERTIFICATE.replace(b"END CERTIFICATE", b"END FOO"), []),
        (b"x" + CERTIFICATE, []),
        (CERTIFICATE.strip(), ["CERTIFICATE"]),
    ],
    ids=by_kind,
)
def test_what_is_no_whole_block_is_passed_over(text: bytes, types: list[str]) -> None:
    assert [block.type for block in x509.blocks(text)] == types


def test_headers_are_told_from_content() -> None:
    text = CERTIFICATE.replace(b"CERTIFICATE-----\n", b"CERTIFICATE-----\nA: b\n\n", 1)
    assert next(x509.blocks(text)) == next(x509.blocks(CERTIFICATE))._replace(has_headers=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (request(), ""),
        (request(RSA), ""),
        (request(EDWARDS), ""),
        (b"", "PEM block type must be CERTIFICATE REQUEST"),
        (CERTIFICATE, "PEM block type must be CERTIFICATE REQUEST"),
        (pem("CERTIFICATE REQUEST", b"no request"), "asn1: structure error"),
        (spoiled(request(RSA)), "crypto/rsa: verification error"),
        (spoiled(request()), "x509: ECDSA verification failure"),
        (spoiled(request(EDWARDS)), "x509: Ed25519 verification failure"),
    ],
    ids=by_kind,
)
def test_requests(text: bytes, why: str) -> None:
    assert x509.request_fault(text) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [(CERTIFICATE, ""), (pem("CERTIFICATE", b"none"), x509.MALFORMED)],
    ids=by_kind,
)
def test_certificates(text: bytes, why: str) -> None:
    assert x509.certificate_fault(next(x509.blocks(text)).content) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (certificate(is_ca=True), ""),
        (CERTIFICATE, "does not have the CA bit set"),
        (pem("CERTIFICATE", b"none"), "does not parse as X.509"),
    ],
    ids=by_kind,
)
def test_authorities(text: bytes, why: str) -> None:
    assert x509.authority_fault(next(x509.blocks(text)).content) == why


@pytest.mark.parametrize(
    ("certificates", "key", "why"),
    [
        (CERTIFICATE, private(ECDSA), ""),
        (certificate(RSA), private(RSA), ""),
        (b"x", private(ECDSA), "tls: failed to find any PEM data in certificate input"),
        (private(ECDSA), CERTIFICATE, "tls: failed to find certificate PEM data in certificate input, but did find a "
         "private key; PEM inputs may have been switched"),
        (request(), b"", 'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks '
         "of the following types: [CERTIFICATE REQUEST]"),
        (CERTIFICATE, b"", "tls: failed to find any PEM data in key input"),
        (CERTIFICATE, CERTIFICATE, "tls: found a certificate rather than a key in the PEM for the private key"),
        (CERTIFICATE, request(), 'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after '
         "skipping PEM blocks of the following types: [CERTIFICATE REQUEST]"),
        (CERTIFICATE, pem("PRIVATE KEY", b"x"), "tls: failed to parse private key"),
        (pem("CERTIFICATE", b"x"), private(ECDSA), x509.MALFORMED),
        (CERTIFICATE, private(OTHER), "tls: private key does not match public key"),
        (CERTIFICATE, private(RSA), "tls: private key type does not match public key type"),
    ],
    ids=by_kind,
)  # fmt: skip
def test_pairs(certificates: bytes, key: bytes, why: str) -> None:
    assert x509.pair_fault(certificates, key) == why
