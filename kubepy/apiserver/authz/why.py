"""Why somebody may do something or may not: the rule that allows it, or the ones that come nearest.

Pure, over what roles and bindings say (policy.py). A rule is near when little is missing: the verb, the resource, its
API group, the name, or that it holds in another namespace. Beside those, the roles are named that would do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kubepy.api import rbac
from kubepy.api.objects import Obj
from kubepy.apiserver.authz import Decision
from kubepy.apiserver.authz.policy import Binding, Policy, RoleKey, subjects_of
from kubepy.apiserver.request import RequestInfo, User

NEAR_MAX, ROLES_MAX = 5, 5


class Near(NamedTuple):
    """A rule somebody has, and what keeps it from being the answer."""

    missing: tuple[str, ...]  # ("verb",), ("namespace", "name")
    binding: Binding
    subject: str  # 'Group "devs"'
    rule: Obj


def explain(policy: Policy, user: User, info: RequestInfo, decision: Decision) -> Obj:
    """`decision`: what all authorizers together say."""
    answer: Obj = {"allowed": decision.is_allowed, "reason": decision.reason}
    grants = policy.grants(user, info.namespace)
    if decision.is_allowed:
        by = next((each for each in grants.granted if allows(each.rule, info)), None)
        if by is not None:
            subject = by.binding.applies(subjects_of(user))
            answer["by"] = _described(by.binding, subject, by.rule)
        return answer
    near = nearest(policy, user, info)
    answer["near"] = [
        {"missing": list(each.missing), **_described(each.binding, each.subject, each.rule)} for each in near
    ]
    answer["roles"] = [_role(role) for role in sufficient(policy, info)]
    answer["gone"] = [_role(role) for role in grants.missing]
    return answer


def allows(rule: Obj, info: RequestInfo) -> bool:
    if not info.is_resource:
        return rbac.allows_path(rule, info.verb, info.path)
    return rbac.allows_resource(rule, info.verb, info.group, info.resource, info.subresource, info.name)


def nearest(policy: Policy, user: User, info: RequestInfo) -> list[Near]:
    """Of the rules somebody has anywhere those that lack least, at most NEAR_MAX."""
    subjects = subjects_of(user)
    found: list[Near] = []
    for binding in policy.bindings():
        subject = binding.applies(subjects)
        if subject:
            found += (
                Near(missing, binding, subject, rule)
                for rule in policy.role_rules(binding.role) or ()
                if (missing := _missing(rule, binding, info)) is not None
            )
    found.sort(key=lambda near: (len(near.missing), near.binding.namespace, near.binding.name))
    least = len(found[0].missing) if found else 0
    return [near for near in found if len(near.missing) == least][:NEAR_MAX]


# In the order they are told.
_FIELDS = (
    ("verb", "verbs"),
    ("API group", "apiGroups"),
    ("resource", "resources"),
    ("name", "resourceNames"),
)
_PATH_FIELDS = (("verb", "verbs"), ("path", "nonResourceURLs"))
_ANYTHING: Obj = {
    "verbs": [rbac.ALL],
    "apiGroups": [rbac.ALL],
    "resources": [rbac.ALL],
    "nonResourceURLs": [rbac.ALL],
}


def _missing(rule: Obj, binding: Binding, info: RequestInfo) -> tuple[str, ...] | None:
    """What does not fit; None if that is too much to be called near."""
    if not rule.get("resources" if info.is_resource else "nonResourceURLs"):
        return None
    fields = _FIELDS if info.is_resource else _PATH_FIELDS
    faults = [fault for fault, field in fields if not _fits(rule, field, info)]
    if "resource" in faults:
        if not _is_of_same_resource(rule, info.resource):
            return None
        faults[faults.index("resource")] = "subresource"
    if binding.namespace and binding.namespace != info.namespace:
        faults.append("namespace")
    return tuple(faults) if 0 < len(faults) <= 2 else None


def _fits(rule: Obj, field: str, info: RequestInfo) -> bool:
    """Whether this one field of the rule would do, whatever the others say."""
    return allows({**_ANYTHING, field: rule.get(field) or []}, info)


def _is_of_same_resource(rule: Obj, resource: str) -> bool:
    return any(each.partition("/")[0] == resource for each in rule.get("resources") or ())


def sufficient(policy: Policy, info: RequestInfo) -> list[RoleKey]:
    """Roles that would allow it: those for people before those of components, and that give least besides first."""
    found: list[tuple[bool, int, RoleKey]] = []
    for role, rules in policy.roles(info.namespace):
        if any(allows(rule, info) for rule in rules):
            size = sum(1 for rule in rules for _ in rbac.breakdown(rule)) + _breadth(rules)
            found.append((role.name.startswith("system:"), size, role))
    return [role for _, _, role in sorted(found)[:ROLES_MAX]]


def _breadth(rules: Iterable[Obj]) -> int:
    """A star is more than any list."""
    fields = ("verbs", "apiGroups", "resources", "nonResourceURLs")
    return sum(1000 for rule in rules for field in fields if rbac.ALL in (rule.get(field) or ()))


def _described(binding: Binding, subject: str, rule: Obj) -> Obj:
    return {
        "binding": {"kind": binding.kind, "namespace": binding.namespace, "name": binding.name},
        "role": _role(binding.role),
        "subject": subject,
        "rule": rule,
    }


def _role(role: RoleKey) -> Obj:
    return {"kind": role.kind, "namespace": role.namespace, "name": role.name}


# -- as text -----------------------------------------------------------------------------------------------------------


def render(answer: Obj) -> str:
    """For a person."""
    return "\n".join(_lines(answer)) + "\n"


def _lines(answer: Obj) -> Iterator[str]:
    asked = answer["asked"]
    yield f"{asked['user']} {'may' if answer['allowed'] else 'may not'} {asked['what']}."
    if answer["allowed"]:
        by = answer.get("by")
        if by is None:
            yield f"  {answer['reason'] or 'Not by a role: system:masters, or another authorizer, allows it.'}"
        else:
            yield from _rule_lines(by)
        return
    for reason in answer["reason"].splitlines():
        yield f"  {reason}"
    if answer["near"]:
        yield "Nearest:"
    for near in answer["near"]:
        yield f"  another {' and another '.join(near['missing'])}:"
        yield from _rule_lines(near)
    if not answer["near"]:
        yield f"  No role that {asked['user']} has is about this."
    if answer["roles"]:
        yield "Roles that would allow it:"
        yield from (f"  {_role_text(role)}" for role in answer["roles"])


def _rule_lines(found: Obj) -> Iterator[str]:
    binding = found["binding"]
    place = f" in namespace {binding['namespace']}" if binding["namespace"] else ""
    yield f"    {_rule_text(found['rule'])}"
    yield f"      of {_role_text(found['role'])}, by {binding['kind']} {binding['name']}{place}, to {found['subject']}"


def _role_text(role: Obj) -> str:
    place = f" in namespace {role['namespace']}" if role["namespace"] else ""
    return f"{role['kind']} {role['name']}{place}"


def _rule_text(rule: Obj) -> str:
    """ "get, list on pods, pods/log in apps, named a, b"."""
    verbs = ", ".join(rule.get("verbs") or ())
    if urls := rule.get("nonResourceURLs"):
        return f"{verbs} on {', '.join(urls)}"
    groups = ", ".join(group or '""' for group in rule.get("apiGroups") or ())
    named = f", named {', '.join(rule['resourceNames'])}" if rule.get("resourceNames") else ""
    return f"{verbs} on {', '.join(rule.get('resources') or ())} in API group {groups}{named}"
