"""A front proxy says who asks: X-Remote-User and its like, believed from whoever shows the front proxy's certificate.

The certificate must go back to the request header CA, and its common name be an allowed one. What such a certificate
says of its own bearer counts for nothing: without the headers it is no credential (see x509.py).

Source: apiserver pkg/authentication/request/headerrequest/requestheader.go,
pkg/authentication/request/x509/x509.go NewDynamicCAVerifier.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable
from urllib.parse import unquote

from msgspec import Struct

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.authn import ALL_UNAUTHENTICATED, ANONYMOUS, authenticated
from kubepy.apiserver.request import Request, User
from kubepy.lib.clock import Clock

_END = "-----END CERTIFICATE-----"


class Headers(Struct, frozen=True):
    """Where a front proxy writes what; the names in any case, asked in order."""

    username: tuple[str, ...] = ("X-Remote-User",)
    uid: tuple[str, ...] = ("X-Remote-Uid",)
    group: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefix: tuple[str, ...] = ("X-Remote-Extra-",)


class RequestHeaders:
    """`authorities`: of which CAs they are, see `fingerprints`; allowed_names: () means any."""

    def __init__(
        self, clock: Clock, *, authorities: frozenset[str], allowed_names: Iterable[str], headers: Headers
    ) -> None:
        self._clock = clock
        self.authorities = authorities
        self._allowed_names = frozenset(allowed_names)
        self._headers = headers

    async def authenticate(self, request: Request) -> User | None:
        certificate = request.client_certificate
        if certificate is None or certificate.authority not in self.authorities:
            return None
        if certificate.not_after < self._clock.now():
            raise Unauthorized
        if self._allowed_names and certificate.common_name not in self._allowed_names:
            raise Unauthorized
        return self._user(request)

    def _user(self, request: Request) -> User | None:
        name = _first(request, self._headers.username)
        if not name:
            return None
        groups = tuple(value for header in self._headers.group for value in request.headers(header) if value)
        uid = _first(request, self._headers.uid)
        if name == ANONYMOUS or ALL_UNAUTHENTICATED in groups:
            user = User(name, groups, uid)
        else:
            user = authenticated(name, groups, uid)
        user.extra = _extra(request, self._headers.extra_prefix)
        return user


def _first(request: Request, headers: Iterable[str]) -> str:
    return next((value for header in headers if (value := request.header(header))), "")


def _extra(request: Request, prefixes: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    names = list(dict.fromkeys(name.lower() for name in request.header_names()))
    for prefix in prefixes:
        for name in names:
            if name.startswith(prefix.lower()):
                found.setdefault(unquote(name[len(prefix) :]), []).extend(request.headers(name))
    return found


def fingerprints(pem: str) -> frozenset[str]:
    """Of the certificates in a bundle, as ClientCertificate.authority has them. Raises ValueError."""
    parts = [part + _END for part in pem.split(_END)[:-1]]
    return frozenset(
        hashlib.sha256(ssl.PEM_cert_to_DER_cert(part[part.index("-----BEGIN") :])).hexdigest()
        for part in parts
    )
