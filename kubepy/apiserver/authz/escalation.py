"""Nobody gives, by a role or a binding, what they do not have themselves.

A role may be written by who has all its rules, or the verb `escalate` on roles; a binding by who has all the rules of
the role it binds, or the verb `bind` on that role. An aggregationRule can gather anything, so it takes everything.
Members of system:masters may do all of it; the collector may take finalizers and owners away.

Source: kubernetes pkg/registry/rbac/{escalation_check,helpers}.go, pkg/registry/rbac/*/policybased/storage.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kubepy.api import errors, rbac
from kubepy.api.builtins import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.authn import MASTERS
from kubepy.apiserver.authz import Authorizer, aggregate
from kubepy.apiserver.authz.policy import Grants, RoleKey, binding_of
from kubepy.apiserver.authz.rbac import Rbac
from kubepy.apiserver.request import RequestInfo, User

# Theirs are the writes that are looked at.
KINDS = (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)

_OF_ROLES = {"Role": ROLES, "ClusterRole": CLUSTER_ROLES}


class Escalation:
    """`authorizer` decides on escalate and bind, `policy` knows what everybody has."""

    def __init__(self, authorizer: Authorizer, policy: Rbac) -> None:
        self._authorizer, self._policy = authorizer, policy

    async def check(
        self, resource: Resource, namespace: str, name: str, user: User, obj: Obj, old: Obj | None
    ) -> None:
        """`name` is what the request says, "" for creates. Raises Forbidden, NotFound (the role that is bound)."""
        if MASTERS in user.groups:
            return
        if resource in (ROLES, CLUSTER_ROLES):
            await self._check_role(resource, namespace, name, user, obj, old)
        else:
            await self._check_binding(resource, namespace, user, obj, old)

    async def _check_role(
        self, resource: Resource, namespace: str, name: str, user: User, obj: Obj, old: Obj | None
    ) -> None:
        if await self._may(user, "escalate", resource, namespace, name) or _is_collectors(obj, old):
            return
        grants = await self._policy.grants(user, namespace)
        own = obj["metadata"].get("name", "")
        _confirm(resource, own, user, grants, obj.get("rules") or ())
        if _aggregates(obj) or (old is not None and _aggregates(old)):
            if rbac.uncovered(grants.rules, rbac.FULL_AUTHORITY):
                why = "must have cluster-admin privileges to use the aggregationRule"
                raise errors.forbidden(resource, own, why)

    async def _check_binding(
        self, resource: Resource, namespace: str, user: User, obj: Obj, old: Obj | None
    ) -> None:
        if _is_collectors(obj, old):
            return
        binding = binding_of({**obj, "metadata": {**obj["metadata"], "namespace": namespace, "name": ""}})
        role = binding.role
        kind = _OF_ROLES.get(role.kind)
        if kind is None:
            raise errors.StatusError(f"unsupported role reference kind: {errors.quote(role.kind)}", reason="")
        group = obj["roleRef"].get("apiGroup", "")
        if await self._may(user, "bind", replace(kind, group=group), namespace, role.name):
            return
        rules = (await self._policy.policy()).role_rules(role)
        if rules is None and role.kind == "Role" and not namespace:
            raise errors.BadRequest("Namespace parameter required.")
        if rules is None:
            raise errors.not_found(resource, role.name)
        grants = await self._policy.grants(user, namespace)
        _confirm(resource, obj["metadata"].get("name", ""), user, grants, rules)

    async def _may(self, user: User, verb: str, kind: Resource, namespace: str, name: str) -> bool:
        info = RequestInfo(
            True,
            "",
            verb,
            group=kind.group,
            version="*",
            resource=kind.plural,
            namespace=namespace,
            name=name,
        )
        return (await self._authorizer.authorize(user, info)).is_allowed


def _confirm(resource: Resource, name: str, user: User, grants: Grants, wanted: Iterable[Obj]) -> None:
    """Source: rule.go ConfirmNoEscalation."""
    missing = rbac.uncovered(grants.rules, wanted)
    if not missing:
        return
    why = (
        f"user {errors.quote(user.name)} (groups={rbac.quoted(user.groups)}) is attempting to grant RBAC permissions "
        "not currently held:\n" + "\n".join(rbac.described(missing))
    )
    if grants.missing:
        texts = (_missing_text(role, resource) for role in grants.missing)
        why += f"; resolution errors: [{aggregate(texts)}]"
    raise errors.forbidden(resource, name, why)


def _missing_text(role: RoleKey, resource: Resource) -> str:
    """Here upstream reads roles from the registry, which calls what it does not find by the resource of the request."""
    if role.kind not in _OF_ROLES:
        return f"unsupported role reference kind: {errors.quote(role.kind)}"
    return errors.not_found(resource, role.name).message


def _aggregates(role: Obj) -> bool:
    return bool((role.get("aggregationRule") or {}).get("clusterRoleSelectors"))


_COLLECTORS = ("ownerReferences", "finalizers", "selfLink", "managedFields")


def _is_collectors(obj: Obj, old: Obj | None) -> bool:
    """Source: IsOnlyMutatingGCFields."""
    return old is not None and _without_collectors(obj) == _without_collectors(old)


def _without_collectors(obj: Obj) -> Obj:
    return {**obj, "metadata": {k: v for k, v in obj["metadata"].items() if k not in _COLLECTORS}}
