"""Roles and bindings as an index: whose rules are whose, found by subject, and forgotten when they change.

    subject (User "jane", Group "devs")  ->  namespace ("" = cluster-wide)  ->  bindings  ->  role  ->  rules

The index follows the watch caches, so it is as new as the last write. What somebody has in a namespace is put together
once, as `Grants`, and kept until one of the bindings or roles it came from changes; from then on a decision is a few
look-ups, with ten bindings as with five thousand.

Promised: bindings are visited by name, the cluster-wide ones first, so that the same question always gets the same
reason (upstream visits them in no order).

Source: kubernetes pkg/registry/rbac/validation/rule.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from kubepy.api import rbac
from kubepy.api.errors import quote
from kubepy.api.objects import Document, Obj
from kubepy.apiserver.authz import Decision, aggregate
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Change
from kubepy.apiserver.registry.keys import path_of
from kubepy.apiserver.request import RequestInfo, User

# Users and, of each, namespaces that are remembered; beyond that everything is put together anew.
USERS_MAX = 4096
NAMESPACES_MAX = 4096
# Answers kept of one Grants: there are some 100 resources, but paths and names of resources can be made up.
ANSWERS_MAX = 4096


class Subject(NamedTuple):
    """A ServiceAccount is the user that it is called as."""

    kind: str  # "User", "Group"
    name: str


class RoleKey(NamedTuple):
    kind: str  # "Role", "ClusterRole"
    namespace: str
    name: str


class Binding(Struct, frozen=True):
    """`subjects`: those that name somebody, with what the binding says of them, in its order."""

    kind: str  # "RoleBinding", "ClusterRoleBinding"
    namespace: str
    name: str
    role: RoleKey
    subjects: tuple[tuple[Subject, str], ...]

    def applies(self, subjects: frozenset[Subject]) -> str:
        """How the first of its subjects that is among these is described, "" if none is."""
        return next((text for subject, text in self.subjects if subject in subjects), "")

    def described(self, subject: str) -> str:
        """Source: rule.go clusterRoleBindingDescriber, roleBindingDescriber."""
        name = f"{self.name}/{self.namespace}" if self.namespace else self.name
        return f"{self.kind} {quote(name)} of {self.role.kind} {quote(self.role.name)} to {subject}"


def binding_of(obj: Obj) -> Binding:
    metadata, ref = obj["metadata"], obj.get("roleRef") or {}
    namespace = metadata.get("namespace", "")
    kind = ref.get("kind", "")
    return Binding(
        obj["kind"],
        namespace,
        metadata["name"],
        RoleKey(kind, namespace if kind == "Role" else "", ref.get("name", "")),
        tuple(_subjects(obj.get("subjects") or (), namespace)),
    )


def _subjects(subjects: Iterable[Obj], namespace: str) -> Iterator[tuple[Subject, str]]:
    for subject in subjects:
        kind, name = subject.get("kind", ""), subject.get("name", "")
        if kind in ("User", "Group"):
            yield Subject(kind, name), f"{kind} {quote(name)}"
        elif kind == "ServiceAccount" and (where := subject.get("namespace") or namespace):
            user = f"system:serviceaccount:{where}:{name}"
            yield Subject("User", user), f"{kind} {quote(f'{name}/{where}')}"


def subjects_of(user: User) -> frozenset[Subject]:
    return frozenset((Subject("User", user.name), *(Subject("Group", group) for group in user.groups)))


class Granted(NamedTuple):
    """A rule, and why somebody has it."""

    rule: Obj
    decision: Decision
    binding: Binding


@dataclass(slots=True)
class Grants:
    """What somebody has in a namespace, cluster-wide rights included."""

    granted: tuple[Granted, ...] = ()
    missing: tuple[RoleKey, ...] = ()  # bound, but not there
    _refusal: Decision = field(init=False)
    # (verb, group, resource, subresource) -> by name of an object, and "" for what is right for all others
    _resources: dict[tuple[str, str, str, str], tuple[dict[str, Decision], Decision]] = field(
        default_factory=dict
    )
    _paths: dict[tuple[str, str], Decision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._refusal = Decision(False, reason=f"RBAC: {self.error}" if self.missing else "")

    @property
    def error(self) -> str:
        """What is wrong with its bindings, "" if nothing is. Source: client-go listers' NotFound."""
        return aggregate(_missing_text(role) for role in self.missing)

    @property
    def rules(self) -> list[Obj]:
        return [each.rule for each in self.granted]

    def decide(self, info: RequestInfo) -> Decision:
        if not info.is_resource:
            return self._decide_path(info.verb, info.path)
        key = (info.verb, info.group, info.resource, info.subresource)
        answer = self._resources.get(key)
        if answer is None:
            if len(self._resources) >= ANSWERS_MAX:
                self._resources.clear()
            answer = self._resources[key] = self._answer(*key)
        by_name, otherwise = answer
        return by_name.get(info.name, otherwise) if by_name else otherwise

    def _answer(
        self, verb: str, group: str, resource: str, subresource: str
    ) -> tuple[dict[str, Decision], Decision]:
        """The first rule that allows counts: names are looked for only in those before one for all names."""
        by_name: dict[str, Decision] = {}
        for rule, decision, _ in self.granted:
            if rbac.covers_request(rule, verb, group, resource, subresource):
                names = rule.get("resourceNames")
                if not names:
                    return by_name, decision
                for name in names:
                    by_name.setdefault(name, decision)
        return by_name, self._refusal

    def _decide_path(self, verb: str, path: str) -> Decision:
        decision = self._paths.get((verb, path))
        if decision is None:
            if len(self._paths) >= ANSWERS_MAX:
                self._paths.clear()
            decision = self._paths[verb, path] = next(
                (each.decision for each in self.granted if rbac.allows_path(each.rule, verb, path)),
                self._refusal,
            )
        return decision


_KINDS = ("Role", "ClusterRole")


def _missing_text(role: RoleKey) -> str:
    if role.kind not in _KINDS:
        return f"unsupported role reference kind: {quote(role.kind)}"
    return f"{role.kind.lower()}.{rbac.GROUP} {quote(role.name)} not found"


UserKey = tuple[str, tuple[str, ...]]


class Policy:
    """The caches of the four kinds, loaded or not; call `ready` once they are. Nothing here waits."""

    def __init__(
        self,
        roles: ResourceCache,
        role_bindings: ResourceCache,
        cluster_roles: ResourceCache,
        cluster_role_bindings: ResourceCache,
    ) -> None:
        self._roles, self._cluster_roles = roles, cluster_roles
        self._by_subject: dict[Subject, dict[str, dict[str, Binding]]] = {}
        self._by_role: dict[RoleKey, dict[Binding, None]] = {}
        self._known: dict[UserKey, dict[str, Grants]] = {}
        self._users_of: dict[Subject, set[UserKey]] = {}
        for bindings in (role_bindings, cluster_role_bindings):
            bindings.observe(self._binding_changed, self._bindings_loaded)
        roles.observe(self._role_changed("Role"))
        cluster_roles.observe(self._role_changed("ClusterRole"))

    # -- reading ---------------------------------------------------------------------------------------------------

    def grants(self, user: User, namespace: str) -> Grants:
        by_namespace = self._known.get((user.name, user.groups))
        if by_namespace is None:
            by_namespace = self._remember(user)
        found = by_namespace.get(namespace)
        if found is None:
            if len(by_namespace) >= NAMESPACES_MAX:
                by_namespace.clear()
            found = by_namespace[namespace] = self._gather(user, namespace, by_namespace)
        return found

    def role_rules(self, role: RoleKey) -> list[Obj] | None:
        """None: there is no such role."""
        cache = self._roles if role.kind == "Role" else self._cluster_roles
        document = cache.get(path_of(role.namespace, role.name)) if role.kind in _KINDS else None
        return (document.obj.get("rules") or []) if document is not None else None

    def roles(self, namespace: str) -> Iterator[tuple[RoleKey, list[Obj]]]:
        """The cluster roles, and those of a namespace, with their rules."""
        for kind, cache in (("ClusterRole", self._cluster_roles), ("Role", self._roles)):
            if kind == "ClusterRole" or namespace:
                for document in cache.documents(namespace if kind == "Role" else ""):
                    yield RoleKey(kind, *document.key), document.obj.get("rules") or []

    def bindings(self) -> Iterator[Binding]:
        """Every binding that somebody or something has."""
        for bindings in self._by_role.values():
            yield from bindings

    def _remember(self, user: User) -> dict[str, Grants]:
        if len(self._known) >= USERS_MAX:
            self._known.clear()
            self._users_of.clear()
        key = (user.name, user.groups)
        for subject in subjects_of(user):
            self._users_of.setdefault(subject, set()).add(key)
        return self._known.setdefault(key, {})

    def _gather(self, user: User, namespace: str, known: dict[str, Grants]) -> Grants:
        subjects = subjects_of(user)
        bindings = self._bound(subjects, namespace)
        if not namespace:
            return self._grants(Grants(), bindings, subjects)
        everywhere = known.get("")
        if everywhere is None:
            everywhere = known[""] = self._grants(Grants(), self._bound(subjects, ""), subjects)
        return self._grants(everywhere, bindings, subjects) if bindings else everywhere

    def _bound(self, subjects: Iterable[Subject], namespace: str) -> list[Binding]:
        found: dict[str, Binding] = {}
        for subject in subjects:
            found |= self._by_subject.get(subject, {}).get(namespace, {})
        return [found[name] for name in sorted(found)]

    def _grants(self, base: Grants, bindings: Iterable[Binding], subjects: frozenset[Subject]) -> Grants:
        granted, missing = list(base.granted), list(base.missing)
        for binding in bindings:
            rules = self.role_rules(binding.role)
            if rules is None:
                missing.append(binding.role)
                continue
            decision = Decision(
                True, reason=f"RBAC: allowed by {binding.described(binding.applies(subjects))}"
            )
            granted += (Granted(rule, decision, binding) for rule in rules)
        return Grants(tuple(granted), tuple(missing))

    # -- following -------------------------------------------------------------------------------------------------

    def _bindings_loaded(self, documents: list[Document]) -> None:
        for document in documents:
            self._add(binding_of(document.peek()))
        self._known.clear()
        self._users_of.clear()

    def _binding_changed(self, change: Change) -> None:
        if change.previous is not None:
            binding = binding_of(change.previous.obj)
            self._remove(binding)
            self._forget(binding)
        if change.document is not None:
            binding = binding_of(change.document.obj)
            self._add(binding)
            self._forget(binding)

    def _add(self, binding: Binding) -> None:
        self._by_role.setdefault(binding.role, {})[binding] = None
        for subject, _ in binding.subjects:
            by_namespace = self._by_subject.setdefault(subject, {})
            by_namespace.setdefault(binding.namespace, {})[binding.name] = binding

    def _remove(self, binding: Binding) -> None:
        bound = self._by_role.get(binding.role, {})
        bound.pop(binding, None)
        if not bound:
            self._by_role.pop(binding.role, None)
        for subject, _ in binding.subjects:
            by_namespace = self._by_subject.get(subject, {})
            by_name = by_namespace.get(binding.namespace, {})
            by_name.pop(binding.name, None)
            if not by_name:
                by_namespace.pop(binding.namespace, None)
            if not by_namespace:
                self._by_subject.pop(subject, None)

    def _role_changed(self, kind: str) -> Callable[[Change], None]:
        def changed(change: Change) -> None:
            document = change.document or change.previous
            assert document is not None, "a change is of something"
            role = RoleKey(kind, document.key.namespace, document.key.name)
            for binding in self._by_role.get(role, ()):
                self._forget(binding)

        return changed

    def _forget(self, binding: Binding) -> None:
        """Whatever came from this binding, or should have."""
        for subject, _ in binding.subjects:
            for user in tuple(self._users_of.get(subject, ())):
                self._forget_user(user)

    def _forget_user(self, key: UserKey) -> None:
        self._known.pop(key, None)
        for subject in subjects_of(User(*key)):
            users = self._users_of.get(subject)
            if users is not None:
                users.discard(key)
                if not users:
                    del self._users_of[subject]
