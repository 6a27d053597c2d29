"""--authorization-mode: names of authorizers, asked in the order given.

Source: kubernetes pkg/kubeapiserver/authorizer/{config,modes/modes}.go,
apiserver pkg/authorization/authorizerfactory/builtin.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.apiserver.authn import MASTERS
from kubepy.apiserver.authz import (
    ALL_RULES,
    ALLOW,
    NO_OPINION,
    NO_RULES,
    Authorizer,
    Decision,
    Label,
    Rules,
    Union,
)
from kubepy.apiserver.request import RequestInfo, User

ALWAYS_ALLOW, ALWAYS_DENY, NODE, RBAC, WEBHOOK = "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"
MODES = (ALWAYS_ALLOW, ALWAYS_DENY, NODE, RBAC, WEBHOOK)


class AlwaysAllow:
    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        return ALLOW

    async def rules(self, user: User, namespace: str) -> Rules:
        return ALL_RULES


class AlwaysDeny:
    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        return Decision(False, reason="Everything is forbidden.")

    async def rules(self, user: User, namespace: str) -> Rules:
        return NO_RULES


class Superusers:
    """system:masters may do everything in every mode. RBAC has a role of theirs that says so."""

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        return ALLOW if MASTERS in user.groups else NO_OPINION

    async def rules(self, user: User, namespace: str) -> Rules:
        return NO_RULES


def chain(authorizers: Sequence[Authorizer], labels: Sequence[Label] = ()) -> Union:
    """These, after the superusers, who come first whatever comes then."""
    union = Union([])
    rearrange(union, authorizers, labels)
    return union


def rearrange(chain: Union, authorizers: Sequence[Authorizer], labels: Sequence[Label] = ()) -> None:
    """Others in the place of those that it has."""
    chain.replace([Superusers(), *authorizers], [None, *labels] if labels else ())
