"""Who asks. An Authenticator looks at one kind of credential; `union` asks them in order.

Reading order: this file, then x509.py, request_header.py, tokens.py, keys.py, service_account_tokens.py,
service_account_verifier.py, bootstrap_tokens.py, configuration.py, oidc.py, distributed_claims.py, webhook.py.
Upstream: apiserver pkg/authentication.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.request import Request, User

if TYPE_CHECKING:
    from kubepy.observability.logs import Logger

# Source: apiserver pkg/authentication/user/user.go.
ALL_AUTHENTICATED = "system:authenticated"
ALL_UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
MASTERS = "system:masters"

# What needs no credentials, ever: load balancers and `kubectl version` ask before they have any.
# Source: the role system:public-info-viewer, plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/version", "/version/"})


class Verdict(Struct, frozen=True):
    """Whose a token is; shared between requests, read only."""

    user: User
    audiences: Sequence[str] = ()  # those of the wanted ones that it is good for; () where tokens have none
    warnings: Sequence[str] = ()  # for the one who sent it
    audit: Mapping[str, str] = field(default_factory=dict)  # annotations of the audit event


class Anonymous(Struct, frozen=True):
    """Who may come without a credential: everybody, or only for `paths`."""

    enabled: bool = True
    paths: Collection[str] = ()  # (): all of them

    def admits(self, path: str) -> bool:
        return self.enabled and (not self.paths or path in self.paths)


class Authenticator(Protocol):
    async def authenticate(self, request: Request) -> User | None:
        """The user, or None if the request carries no credential of this kind. Raises Unauthorized for a bad one,
        whose message is for the log: the client learns no reason."""


class Union:
    """The first authenticator that knows the user decides; a bad credential is never taken for none.

    Without a credential one is system:anonymous where `anonymous` says so and on PUBLIC_PATHS, else not let in.
    Source: apiserver pkg/authentication/request/union, and union.NewFailOnError around anonymous.
    """

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        *,
        anonymous: Anonymous | bool = True,
        log: Logger | None = None,
    ) -> None:
        self._authenticators = tuple(authenticators)
        self._anonymous_rules = anonymous if isinstance(anonymous, Anonymous) else Anonymous(anonymous)
        self._anonymous = User(ANONYMOUS, (ALL_UNAUTHENTICATED,))
        self._log = log

    async def authenticate(self, request: Request) -> User:
        failures: list[str] = []
        for authenticator in self._authenticators:
            try:
                user = await authenticator.authenticate(request)
            except Unauthorized as error:
                failures.append(error.message)
                continue
            if user is not None:
                return user
        if not failures and (self._anonymous_rules.admits(request.path) or request.path in PUBLIC_PATHS):
            return self._anonymous
        if failures and self._log is not None:
            self._log.warning(
                "authentication_failed",
                reason=aggregate(failures),
                path=request.path,
                request=request.request_id,
            )
        raise Unauthorized


def aggregate(messages: Sequence[str]) -> str:
    """Several failures as one text. Source: apimachinery pkg/util/errors aggregate.Error."""
    distinct = list(dict.fromkeys(messages))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"


def authenticated(name: str, groups: Sequence[str], uid: str = "") -> User:
    """A user with system:authenticated among the groups, as every authenticated one has."""
    if ALL_AUTHENTICATED not in groups:
        groups = (*groups, ALL_AUTHENTICATED)
    return User(name, tuple(groups), uid)
