"""What connections are encrypted with: the server's certificate, and the CAs that clients' go back to.

Client certificates are asked for, verified, and not required. What the files say can be read anew while serving:
handshakes from then on see it, connections that are open stay as they are. A session that is resumed shows the
certificate it began with; whether that one still counts is for authentication (authn/x509.py).

Source: apiserver pkg/server/{secure_serving,dynamiccertificates/tlsconfig}.go.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path


class ServingTls:
    """Raises OSError, ssl.SSLError for files that cannot be used; what was stays."""

    def __init__(self, certificate: Path, key: Path, client_ca: Iterable[Path]) -> None:
        self._certificate, self._key, self._client_ca = certificate, key, tuple(client_ca)
        # The one that listeners hold; it cannot be exchanged there.
        self.context = self._current = _context(certificate, key, self._client_ca)

    @property
    def files(self) -> tuple[Path, ...]:
        return (self._certificate, self._key, *self._client_ca)

    def reload(self) -> None:
        self._current = _context(self._certificate, self._key, self._client_ca)
        self.context.sni_callback = self._use_current

    def _use_current(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Called in every handshake, with or without a server name."""
        connection.context = self._current


def _context(certificate: Path, key: Path, client_ca: Iterable[Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    for path in client_ca:
        context.load_verify_locations(path)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
