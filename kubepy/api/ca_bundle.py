"""Whether a caBundle holds certificates that somebody can be verified by.

Source: client-go transport/transport.go (rootCertPool, createErrorParsingCAData), apiserver
pkg/util/webhook/validation.go (ValidateCABundle).
"""

from __future__ import annotations

import base64

from kubepy.api import x509

_PREFIX = "unable to load root certificates: "


def error(bundle: str | None) -> str:
    """Why the base64 text of a caBundle is of no use, in Go's words; "" if it is, or if there is none."""
    pem = base64.b64decode(bundle or "")
    if not pem:
        return ""
    blocks = list(x509.blocks(pem))
    if not blocks:
        return f"{_PREFIX}unable to parse bytes as PEM block"
    # Go passes over blocks with headers.
    certificates = [each for each in blocks if each.type == x509.CERTIFICATE and not each.has_headers]
    if not certificates:
        return f"{_PREFIX}no valid certificate authority data seen"
    faults = [x509.certificate_fault(each.content) for each in certificates]
    return f"{_PREFIX}failed to parse certificate: {faults[0]}" if all(faults) else ""
