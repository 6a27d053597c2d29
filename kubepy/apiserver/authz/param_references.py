"""Who writes an admission policy with params, or a binding that picks them, must be able to read those: an expression
shows what is in them.

A policy takes "get" on all objects of its paramKind, a binding "get" of the object that it names or "list" for a
selector. Members of system:masters may do all of it.

Source: kubernetes pkg/registry/admissionregistration/{validating,mutating}admissionpolicy{,binding}/authz.go.
"""

from __future__ import annotations

from typing import NamedTuple

from kubepy.api import errors
from kubepy.api.builtins import (
    MUTATING_ADMISSION_POLICIES,
    MUTATING_ADMISSION_POLICY_BINDINGS,
    VALIDATING_ADMISSION_POLICIES,
    VALIDATING_ADMISSION_POLICY_BINDINGS,
    Catalog,
)
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj, group_version
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Ask, Lookup
from kubepy.apiserver.authn import MASTERS
from kubepy.apiserver.registry.call import Call
from kubepy.apiserver.request import RequestInfo, User

_POLICIES = (VALIDATING_ADMISSION_POLICIES, MUTATING_ADMISSION_POLICIES)
# binding -> what it binds
_BINDINGS = {
    VALIDATING_ADMISSION_POLICY_BINDINGS.plural: VALIDATING_ADMISSION_POLICIES,
    MUTATING_ADMISSION_POLICY_BINDINGS.plural: MUTATING_ADMISSION_POLICIES,
}
# Theirs are the writes that are looked at.
KINDS = (*_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS, MUTATING_ADMISSION_POLICY_BINDINGS)


class _Target(NamedTuple):
    """What is to be readable: all there is, until it is known better."""

    group: str = "*"
    version: str = "*"
    plural: str = "*"


class ParamReferences:
    def __init__(self, ask: Ask, catalog: Catalog, lookup: Lookup) -> None:
        self._ask, self._catalog, self._lookup = ask, catalog, lookup

    async def check(
        self, call: Call, obj: Obj, old: Obj | None, findings: list[FieldError]
    ) -> list[FieldError]:
        """A registry.LiveRule; only of what is valid otherwise."""
        user = call.user
        if findings or call.subresource or MASTERS in user.groups:
            return findings
        spec = obj.get("spec") or {}
        if (policies := _BINDINGS.get(call.resource.plural)) is not None:
            field, why = "spec.paramRef", await self._binding(policies, user, spec)
        else:
            before = ((old or {}).get("spec") or {}).get("paramKind")
            field, why = "spec.paramKind", await self._policy(user, spec.get("paramKind"), before)
        return [errors.forbidden_field(field, why)] if why else []

    async def _policy(self, user: User, kind: Obj | None, before: Obj | None) -> str:
        if kind is None or kind == before:
            return ""
        if await self._may(user, "get", self._target(kind), namespace="*", name="*"):
            return ""
        return (
            f'user {_text(user)} must have "get" permission on all objects of the referenced paramKind '
            f"(kind={kind.get('kind', '')}, apiVersion={kind.get('apiVersion', '')})"
        )

    async def _binding(self, policies: Resource, user: User, spec: Obj) -> str:
        reference = spec.get("paramRef")
        if reference is None:
            return ""
        name = reference.get("name") or ""
        verb = "get" if name else "list"
        policy = await self._lookup.find(policies, "", spec.get("policyName") or "")
        kind = None if policy is None else policy.obj["spec"].get("paramKind")
        target = _Target() if kind is None else self._target(kind)
        if await self._may(user, verb, target, namespace=reference.get("namespace") or "", name=name):
            return ""
        who = _text(user)
        least = f'to determine minimum required permissions and user {who} does not have "{verb}" permission for all '
        if policy is None:
            return f"unable to get policy {spec.get('policyName', '')} {least}groups, versions and resources"
        if kind is not None and target.plural == "*":
            shown = f"&{{{kind['apiVersion']} {kind['kind']}}}"
            return f"unable to resolve paramKind {shown} {least}groups, versions and resources"
        # Upstream's text for mutating bindings has the two in the wrong order.
        user_text, verb_text = (verb, who) if policies is MUTATING_ADMISSION_POLICIES else (who, verb)
        return f'user {user_text} does not have "{verb_text}" permission on the object referenced by paramRef'

    def _target(self, kind: Obj) -> _Target:
        api_version = kind.get("apiVersion") or ""
        if api_version.count("/") > 1:
            return _Target()
        group, version = group_version(api_version)
        row = self._catalog.by_kind(api_version, kind.get("kind") or "")
        return _Target(group, version, "*" if row is None else row.plural)

    async def _may(self, user: User, verb: str, target: _Target, *, namespace: str, name: str) -> bool:
        info = RequestInfo(
            True, "", verb, group=target.group, version=target.version, resource=target.plural,
            namespace=namespace, name=name,
        )  # fmt: skip
        return (await self._ask(user, info)).is_allowed


def _text(user: User) -> str:
    """As Go prints the pointer to a user."""
    extra = " ".join(f"{key}:[{' '.join(values)}]" for key, values in sorted(user.extra.items()))
    return f"&{{{user.name} {user.uid} [{' '.join(user.groups)}] map[{extra}]}}"
