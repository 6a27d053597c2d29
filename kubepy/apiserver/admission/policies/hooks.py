"""The policies that are in force: those with a binding, each compiled once for a version of it.

A request asks for those that are about its kind; which these are is found once for each kind of request and remembered
until a policy, a binding or a kind comes, goes or changes. Without policies that is one look at an empty tuple.

Policies, and the bindings of one, come in the order of their names (upstream: in any).

Source: apiserver pkg/admission/plugin/policy/generic/policy_source.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from kubepy.api.builtins import Catalog
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Attributes, Lookup, Tools
from kubepy.apiserver.admission.matching import Criteria, is_exempt
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Change

E = TypeVar("E")


# Refusing these may break the cluster. Source: kubernetes pkg/kubeapiserver/admission/exclusion/resources.go.
_REVIEWS = frozenset(
    (
        "selfsubjectreviews.authentication.k8s.io", "tokenreviews.authentication.k8s.io",
        "localsubjectaccessreviews.authorization.k8s.io", "selfsubjectaccessreviews.authorization.k8s.io",
        "selfsubjectrulesreviews.authorization.k8s.io", "subjectaccessreviews.authorization.k8s.io",
    )
)  # fmt: skip


def may_concern(resource: Resource) -> bool:
    """Whether policies are asked about a resource at all."""
    return not is_exempt(resource) and resource.group_resource not in _REVIEWS


class Binding:
    __slots__ = ("actions", "criteria", "name", "params")

    def __init__(self, obj: Obj) -> None:
        spec = obj["spec"]
        self.name: str = obj["metadata"]["name"]
        match = spec.get("matchResources")
        self.criteria = None if match is None else Criteria.of_match_resources(match)
        self.params: Obj | None = spec.get("paramRef")
        self.actions: list[str] = spec.get("validationActions") or []


class Compiled(NamedTuple, Generic[E]):
    revision: int
    evaluator: E
    criteria: Criteria


class Hook(NamedTuple, Generic[E]):
    """A policy in force."""

    name: str
    criteria: Criteria
    param_kind: Obj | None
    is_failing: bool  # failurePolicy Fail
    evaluator: E
    bindings: tuple[Binding, ...]


class Hooks(Generic[E]):
    """`compile` makes what evaluates a policy; it does not raise."""

    def __init__(
        self, tools: Tools, policies: Resource, bindings: Resource, compile: Callable[[Obj], E]
    ) -> None:
        self._lookup: Lookup = tools.lookup
        self._catalog: Catalog = tools.catalog
        self._policies, self._bindings, self._compile = policies, bindings, compile
        self._compiled: dict[str, Compiled[E]] = {}
        self._all: tuple[Hook[E], ...] | None = None  # None: something has changed
        self._by_request: dict[tuple[object, ...], tuple[Hook[E], ...]] = {}
        self._generation = -1
        self._caches: list[ResourceCache] = []

    async def about(self, attributes: Attributes) -> Sequence[Hook[E]]:
        """Those whose rules may say something about a request of this kind."""
        hooks = self._all
        if hooks is None:
            hooks = await self._gather()
        if not hooks:
            return hooks
        if self._generation != self._catalog.generation:
            self._generation = self._catalog.generation
            self._by_request.clear()
        served = attributes.served
        key = (
            attributes.operation, served.group, served.version, served.plural, attributes.subresource,
            bool(attributes.namespace),
        )  # fmt: skip
        found = self._by_request.get(key)
        if found is None:
            found = self._by_request[key] = tuple(
                hook for hook in hooks if hook.criteria.concerns(attributes, self._catalog)
            )
        return found

    async def _gather(self) -> tuple[Hook[E], ...]:
        if not self._caches:
            await self._follow()
        hooks: tuple[Hook[E], ...] = ()
        if self._caches:
            policies, bindings = self._caches
            hooks = self._bound(policies.documents(), bindings.documents())
        self._all = hooks
        self._by_request.clear()
        return hooks

    def _bound(self, policies: list[Document], bindings: list[Document]) -> tuple[Hook[E], ...]:
        by_policy: dict[str, list[Binding]] = {}
        for document in bindings:
            by_policy.setdefault(document.obj["spec"]["policyName"], []).append(Binding(document.obj))
        self._compiled = {name: known for name, known in self._compiled.items() if name in by_policy}
        return tuple(
            self._hook(document, by_policy[document.key.name])
            for document in sorted(policies, key=lambda document: document.key.name)
            if document.key.name in by_policy
        )

    def _hook(self, document: Document, bindings: list[Binding]) -> Hook[E]:
        name, spec = document.key.name, document.obj["spec"]
        known = self._compiled.get(name)
        if known is None or known.revision != document.revision:
            known = self._compiled[name] = Compiled(
                document.revision,
                self._compile(document.obj),
                Criteria.of_match_resources(spec.get("matchConstraints")),
            )
        return Hook(
            name,
            known.criteria,
            spec.get("paramKind"),
            spec.get("failurePolicy", "Fail") != "Ignore",
            known.evaluator,
            tuple(sorted(bindings, key=lambda binding: binding.name)),
        )

    async def _follow(self) -> None:
        served = [_served(self._catalog, resource) for resource in (self._policies, self._bindings)]
        if None in served:
            # A version of Kubernetes without them.
            return
        caches = [await self._lookup.loaded(resource) for resource in served if resource is not None]
        if not self._caches:
            self._caches = caches
            for cache in caches:
                cache.observe(self._changed)

    def _changed(self, change: Change) -> None:
        self._all = None


def _served(catalog: Catalog, resource: Resource) -> Resource | None:
    return next((row for row in catalog if row.group_resource == resource.group_resource), None)
