"""Whether a caBundle holds certificates that somebody can be verified by.

Source: client-go transport/transport.go (rootCertPool, createErrorParsingCAData), apiserver
pkg/util/webhook/validation.go (ValidateCABundle).
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl

_find_blocks = re.compile(rb"-----BEGIN ([^\n-]*)-----\r?\n(.*?)-----END \1-----", re.DOTALL).findall
_PREFIX = "unable to load root certificates: "


def error(bundle: str | None) -> str:
    """Why the base64 text of a caBundle is of no use, in Go's words; "" if it is, or if there is none.

    Not Go's: what exactly is malformed in a certificate.
    """
    pem = base64.b64decode(bundle or "")
    if not pem:
        return ""
    blocks = _find_blocks(pem)
    if not blocks:
        return f"{_PREFIX}unable to parse bytes as PEM block"
    # Go passes over blocks with headers.
    certificates = [body for kind, body in blocks if kind == b"CERTIFICATE" and b":" not in body]
    if any(_is_certificate(body) for body in certificates):
        return ""
    why = "failed to parse certificate: x509: malformed certificate" if certificates else _NOTHING
    return _PREFIX + why


_NOTHING = "no valid certificate authority data seen"


def _is_certificate(body: bytes) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=base64.b64decode(body))
    except (ssl.SSLError, ValueError, binascii.Error):
        return False
    return True
