"""Certificates and requests for them, as Go's encoding/pem, crypto/x509 and crypto/tls judge them.

Blocks are read as Go reads them: what is no whole block is passed over. Whether a block's content is good is asked from
`cryptography`, which takes 40 ms to import and is so only when there is a block to look into.

Not Go's: what exactly is malformed in a certificate or a request.

Source: Go 1.26 encoding/pem Decode, crypto/x509, crypto/tls X509KeyPair.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

CERTIFICATE, REQUEST = "CERTIFICATE", "CERTIFICATE REQUEST"
MALFORMED = "x509: malformed certificate"

_find_begin = re.compile(rb"^-----BEGIN ([^\n]*?)-----[ \t\r]*(?:\n|\Z)", re.MULTILINE).search
_match_header = re.compile(rb"([^\n:]*):[^\n]*(?:\n|\Z)").match
_find_end = re.compile(rb"(?:^|\n)-----END ([^\n]*?)-----[ \t\r]*(?:\n|\Z)").search


class Block(NamedTuple):
    type: str  # "CERTIFICATE"
    has_headers: bool
    content: bytes


def blocks(pem: bytes) -> Iterator[Block]:
    """The PEM blocks of a text, in their order."""
    at = 0
    while (begin := _find_begin(pem, at)) is not None:
        at = start = begin.end()
        while (header := _match_header(pem, start)) is not None:
            start = header.end()
        # Of the next END whatever follows; one of another block ends this one badly.
        end = _find_end(pem[start:])
        if end is None or end[1] != begin[1]:
            continue
        try:
            body = b"".join(pem[start : start + end.start()].split())
            content = base64.b64decode(body, validate=True)
        except binascii.Error:
            continue
        at = start + end.end()
        yield Block(begin[1].decode(errors="replace"), start > begin.end(), content)


def certificate_fault(content: bytes) -> str:
    """What is wrong with a DER certificate; "" for nothing."""
    from cryptography import x509

    try:
        x509.load_der_x509_certificate(content).public_key()
    except (ValueError, TypeError) as error:
        return "x509: trailing data" if "ExtraData" in str(error) else MALFORMED
    return ""


def authority_fault(content: bytes) -> str:
    """Why a DER certificate is not one of an authority's; "" if it is."""
    from cryptography import x509

    if certificate_fault(content):
        return "does not parse as X.509"
    extensions = x509.load_der_x509_certificate(content).extensions
    try:
        is_ca = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    return "" if is_ca else "does not have the CA bit set"


def request_fault(pem: bytes) -> str:
    """What is wrong with a certificate request, its signature included; "" for nothing."""
    block = next(blocks(pem), None)
    if block is None or block.type != REQUEST:
        return "PEM block type must be CERTIFICATE REQUEST"
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        request = x509.load_der_x509_csr(block.content)
        key, is_good = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError) as error:
        return "asn1: syntax error: trailing data" if "ExtraData" in str(error) else "asn1: structure error"
    if is_good:
        return ""
    if isinstance(key, rsa.RSAPublicKey):
        return "crypto/rsa: verification error"
    kind = "ECDSA" if isinstance(key, ec.EllipticCurvePublicKey) else "Ed25519"
    return f"x509: {kind} verification failure"


def pair_fault(certificates: bytes, private_key: bytes) -> str:
    """Why nobody can serve with a certificate and a key; "" if they belong together. Source: X509KeyPair."""
    chain = list(blocks(certificates))
    leaf = next((block for block in chain if block.type == CERTIFICATE), None)
    if leaf is None:
        types = [block.type for block in chain]
        if not types:
            return "tls: failed to find any PEM data in certificate input"
        if len(types) == 1 and types[0].endswith("PRIVATE KEY"):
            return (
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs "
                "may have been switched"
            )
        return (
            'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the '
            f"following types: [{' '.join(types)}]"
        )
    keys = list(blocks(private_key))
    key = next((one for one in keys if one.type == "PRIVATE KEY" or one.type.endswith(" PRIVATE KEY")), None)
    if key is None:
        types = [block.type for block in keys]
        if not types:
            return "tls: failed to find any PEM data in key input"
        if types == [CERTIFICATE]:
            return "tls: found a certificate rather than a key in the PEM for the private key"
        return (
            'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of '
            f"the following types: [{' '.join(types)}]"
        )
    return certificate_fault(leaf.content) or _mismatch(leaf.content, key.content)


def _mismatch(certificate: bytes, private_key: bytes) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        ours = load_der_private_key(private_key, None).public_key()
    except (ValueError, TypeError):
        return "tls: failed to parse private key"
    theirs = x509.load_der_x509_certificate(certificate).public_key()
    if type(ours) is not type(theirs):
        return "tls: private key type does not match public key type"
    return "" if ours == theirs else "tls: private key does not match public key"
