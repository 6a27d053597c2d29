"""--authorization-mode: names of authorizers, asked in the order given.

Source: kubernetes pkg/kubeapiserver/authorizer/modes/modes.go,
apiserver pkg/authorization/authorizerfactory/builtin.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.apiserver.authn import MASTERS
from kubepy.apiserver.authz import ALL_RULES, ALLOW, NO_OPINION, NO_RULES, Authorizer, Decision, Rules, Union
from kubepy.apiserver.authz.components import Components
from kubepy.apiserver.request import RequestInfo, User

DEFAULT = ("Components",)


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


MODES: dict[str, type[Authorizer]] = {
    "AlwaysAllow": AlwaysAllow,
    "AlwaysDeny": AlwaysDeny,
    "Components": Components,
}


def of(names: Sequence[str]) -> Authorizer:
    """The authorizer of a list of modes. Raises ValueError for a name that is none.

    system:masters passes in every mode. Source: pkg/kubeapiserver/authorizer/config.go (superuser group first).
    """
    unknown = [name for name in names if name not in MODES]
    if unknown:
        raise ValueError(f'unknown authorization mode "{unknown[0]}"; known are {", ".join(sorted(MODES))}')
    return Union([Superusers(), *(MODES[name]() for name in names)])


class Superusers:
    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        return ALLOW if MASTERS in user.groups else NO_OPINION

    async def rules(self, user: User, namespace: str) -> Rules:
        return ALL_RULES if MASTERS in user.groups else NO_RULES
