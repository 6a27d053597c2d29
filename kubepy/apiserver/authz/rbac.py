"""The RBAC authorizer: allowed is what a role that is bound to the user, or to one of its groups, has a rule for.

Source: kubernetes plugin/pkg/auth/authorizer/rbac/rbac.go.
"""

from __future__ import annotations

from typing import Protocol

from kubepy.api.builtins import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.authz import Decision, Rules
from kubepy.apiserver.authz.policy import Grants, Policy
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.request import RequestInfo, User


class Caches(Protocol):
    """The registry, as authorizers see it."""

    async def loaded(self, resource: Resource) -> ResourceCache:
        """What is stored of a resource, always current."""


class Rbac:
    def __init__(self, caches: Caches) -> None:
        self._caches = caches
        self._policy: Policy | None = None

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        policy = self._policy
        if policy is None:
            policy = await self.policy()
        return policy.grants(user, info.namespace).decide(info)

    async def policy(self) -> Policy:
        """Who has what; read from the store by the first who asks."""
        if self._policy is None:
            kinds = (ROLES, ROLE_BINDINGS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS)
            caches = [await self._caches.loaded(kind) for kind in kinds]
            # While this one waited another may have been faster.
            self._policy = self._policy or Policy(*caches)
        return self._policy

    async def grants(self, user: User, namespace: str) -> Grants:
        return (await self.policy()).grants(user, namespace)

    async def rules(self, user: User, namespace: str) -> Rules:
        grants = await self.grants(user, namespace)
        return Rules(
            [_picked(rule, _OF_RESOURCES) for rule in grants.rules if rule.get("resources")],
            [_picked(rule, _OF_PATHS) for rule in grants.rules if rule.get("nonResourceURLs")],
            error=grants.error,
        )


_OF_RESOURCES = ("verbs", "apiGroups", "resources", "resourceNames")
_OF_PATHS = ("verbs", "nonResourceURLs")


def _picked(rule: Obj, fields: tuple[str, ...]) -> Obj:
    return {field: rule[field] for field in fields if rule.get(field)}
