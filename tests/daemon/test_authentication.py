"""Whose certificates count, and when they cease to."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import Any

import pytest

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.aggregation.trust import Trust
from kubepy.apiserver.authn import Anonymous, Union
from kubepy.apiserver.request import ClientCertificate, Query, Request
from kubepy.daemon import pki
from kubepy.daemon.authentication import Certificates
from kubepy.daemon.settings import ConfigError
from kubepy.lib.clock import RealClock, VirtualClock


class _Shown(Request):
    __slots__ = ("shown",)

    @property
    def client_certificate(self) -> ClientCertificate | None:
        return self.shown

    def header(self, name: str) -> str:
        return "jane" if name == "X-Remote-User" else ""

    def headers(self, name: str) -> list[str]:
        return []

    def header_names(self) -> list[str]:
        return []


def _fingerprint(pem: bytes) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest()


@pytest.fixture
def authorities(tmp_path: Path) -> list[bytes]:
    """Three CAs."""
    return [pki.ensure(tmp_path / name, RealClock(), addresses=()).ca.cert for name in ("a", "b", "c")]


async def _who(certificates: Certificates, authority: bytes) -> str:
    request: Any = _Shown("GET", "/api", Query(), "1")
    request.shown = ClientCertificate("somebody", (), "f", 9e9, _fingerprint(authority))
    union = Union(certificates.authenticators, anonymous=Anonymous(True))
    try:
        return (await union.authenticate(request)).name
    except Unauthorized:
        return "refused"


def _trust(clients: bytes, proxies: bytes) -> Trust:
    return Trust(
        clients.decode(), proxies.decode(), username_headers=("X-Remote-User",), allowed_names=("somebody",)
    )


async def test_a_ca_counts_as_long_as_its_file_has_it(authorities: list[bytes]) -> None:
    """Connections, and sessions that are resumed, go on after a reload; what they show is looked at anew."""
    one, two, proxies = authorities
    certificates = Certificates(_trust(one, proxies), VirtualClock())
    assert await _who(certificates, one) == "somebody"
    assert await _who(certificates, proxies) == "jane"
    certificates.trust(_trust(two, one))
    assert await _who(certificates, two) == "somebody"
    assert await _who(certificates, one) == "jane", "a front proxy's now"
    assert await _who(certificates, proxies) == "system:anonymous", "nobody's any more"
    certificates.trust(_trust(one + two, proxies))
    assert await _who(certificates, one) == await _who(certificates, two) == "somebody"


def test_what_is_no_bundle(authorities: list[bytes]) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    with pytest.raises(ConfigError, match="client-ca-file"):
        Certificates(_trust(broken, authorities[1]), VirtualClock())
