"""Client certificates: the common name is the user, the organizations are the groups.

TLS has verified the chain before the first byte of a request; a certificate of another CA does not survive the
handshake. (kube-apiserver answers such a client 401; Python's TLS cannot be asked to let it in.)

Source: apiserver pkg/authentication/request/x509/x509.go.
"""

from __future__ import annotations

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.request import ClientCertificate, Request, User
from kubepy.lib.clock import Clock

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"

# Forgotten all at once beyond it; a User is rebuilt in a microsecond.
USERS_MAX = 1024


class ClientCertificates:
    """`others`: fingerprints of CAs whose certificates are no credential of their bearer: those of front proxies
    (request_header.py), and those that are not believed any more (of sessions that are resumed)."""

    def __init__(self, clock: Clock, others: frozenset[str] = frozenset()) -> None:
        self._clock = clock
        self.others = others
        self._users: dict[ClientCertificate, User] = {}

    async def authenticate(self, request: Request) -> User | None:
        certificate = request.client_certificate
        if certificate is None or certificate.authority in self.others:
            return None
        if self.others and not certificate.authority:
            # Whose it is has been forgotten (a session resumed after long): it could be a front proxy's.
            raise Unauthorized
        if not certificate.common_name or certificate.not_after < self._clock.now():
            raise Unauthorized
        user = self._users.get(certificate)
        if user is None:
            if len(self._users) >= USERS_MAX:
                self._users.clear()
            user = authenticated(certificate.common_name, certificate.organizations)
            user.extra[CREDENTIAL_ID] = [f"X509SHA256={certificate.fingerprint}"]
            self._users[certificate] = user
        return user
