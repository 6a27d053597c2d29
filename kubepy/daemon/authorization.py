"""The authorizers that the settings ask for, in their order.

Composition only. Source: kubernetes pkg/kubeapiserver/authorizer/config.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubepy.api.builtins import Catalog
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.authz import Authorizer, modes
from kubepy.apiserver.authz.escalation import Escalation
from kubepy.apiserver.authz.node import NodeAuthorizer
from kubepy.apiserver.authz.rbac import Caches, Rbac
from kubepy.daemon import rbac_policy
from kubepy.daemon.config import Config


@dataclass(frozen=True, slots=True)
class Authorization:
    """What comes of the settings."""

    authorizer: Authorizer
    policy: Rbac  # who has what by roles and bindings, whether or not that is what decides
    escalation: Escalation


def build(
    config: Config, *, caches: Caches, catalog: Catalog, policy: Iterable[tuple[Resource, Obj]]
) -> Authorization:
    rbac = Rbac(caches)
    found: list[Authorizer] = []
    for mode in config.authorization_mode:
        if mode == modes.NODE:
            found.append(NodeAuthorizer(caches, catalog, rbac_policy.node_rules(policy)))
        elif mode == modes.RBAC:
            found.append(rbac)
        elif mode == modes.ALWAYS_ALLOW:
            found.append(modes.AlwaysAllow())
        elif mode == modes.ALWAYS_DENY:
            found.append(modes.AlwaysDeny())
    authorizer = modes.chain(found)
    return Authorization(authorizer, rbac, Escalation(authorizer, rbac))
