"""Who asks. An Authenticator looks at one kind of credential; `union` asks them in order.

Reading order: this file, then x509.py, request_header.py, tokens.py, service_account_tokens.py.
Upstream: apiserver pkg/authentication.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.request import Request, User

# Source: apiserver pkg/authentication/user/user.go.
ALL_AUTHENTICATED = "system:authenticated"
ALL_UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
MASTERS = "system:masters"

# What needs no credentials, ever: load balancers and `kubectl version` ask before they have any.
# Source: the role system:public-info-viewer, plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/version", "/version/"})


class Authenticator(Protocol):
    async def authenticate(self, request: Request) -> User | None:
        """The user, or None if the request carries no credential of this kind. Raises Unauthorized for a bad one."""


class Union:
    """The first authenticator that knows the user decides; a bad credential is never taken for none.

    Without a credential one is system:anonymous if `anonymous` or on PUBLIC_PATHS, else not let in.
    Source: apiserver pkg/authentication/request/union, and union.NewFailOnError around anonymous.
    """

    def __init__(self, authenticators: Sequence[Authenticator], *, anonymous: bool = True) -> None:
        self._authenticators = tuple(authenticators)
        self._lets_anonymous_in = anonymous
        self._anonymous = User(ANONYMOUS, (ALL_UNAUTHENTICATED,))

    async def authenticate(self, request: Request) -> User:
        failure: Unauthorized | None = None
        for authenticator in self._authenticators:
            try:
                user = await authenticator.authenticate(request)
            except Unauthorized as error:
                failure = failure or error
                continue
            if user is not None:
                return user
        if failure is None and (self._lets_anonymous_in or request.path in PUBLIC_PATHS):
            return self._anonymous
        raise Unauthorized


def authenticated(name: str, groups: Sequence[str], uid: str = "") -> User:
    """A user with system:authenticated among the groups, as every authenticated one has."""
    if ALL_AUTHENTICATED not in groups:
        groups = (*groups, ALL_AUTHENTICATED)
    return User(name, tuple(groups), uid)
