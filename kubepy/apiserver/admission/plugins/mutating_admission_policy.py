"""MutatingAdmissionPolicy: policies in CEL that change objects on their way in.

Policies come in the order of their names, each seeing what those before it made. If one changes something all mutating
plugins are asked again, and of the policies those that may be (reinvocationPolicy IfNeeded), the one itself too.

Source: apiserver pkg/admission/plugin/policy/mutating/{dispatcher,reinvocationcontext}.go,
pkg/admission/plugin/policy/generic/policy_dispatcher.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kubepy.api.builtins import MUTATING_ADMISSION_POLICIES, MUTATING_ADMISSION_POLICY_BINDINGS
from kubepy.api.errors import StatusError
from kubepy.api.objects import Obj, copy
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import DELETE, Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.admission.expressions import Answers
from kubepy.apiserver.admission.match_conditions import Undecided
from kubepy.apiserver.admission.matching import Matching, Selected
from kubepy.apiserver.admission.policies import metrics, params
from kubepy.apiserver.admission.policies.apply_configuration import Merger
from kubepy.apiserver.admission.policies.evaluation import Subject, namespace_of
from kubepy.apiserver.admission.policies.hooks import Binding, Hook, Hooks, may_concern
from kubepy.apiserver.admission.policies.metrics import PolicyMetrics
from kubepy.apiserver.admission.policies.mutating import Kinds, MutatingPolicy, MutationError
from kubepy.apiserver.admission.policies.params import Misconfigured
from kubepy.apiserver.admission.versions import Versions

_Hook = Hook[MutatingPolicy]


class MutatingAdmissionPolicy(Plugin):
    name = "MutatingAdmissionPolicy"
    mutates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._tools = tools
        self._matching = Matching(tools)
        self._metrics = metrics.of_mutating(tools.metrics)
        self._kinds = Kinds(tools.schemas, Merger(tools.schemas))
        self._hooks = Hooks(
            tools, MUTATING_ADMISSION_POLICIES, MUTATING_ADMISSION_POLICY_BINDINGS, MutatingPolicy
        )

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation != DELETE and may_concern(resource)

    async def admit(self, attributes: Attributes) -> None:
        if hooks := await self._hooks.about(attributes):
            dispatch = _Dispatch(self._tools, self._matching, self._metrics, self._kinds, attributes)
            await dispatch.run(hooks)


class _Invocation(NamedTuple):
    """A policy to be carried out, with one of the objects that its binding hands to it."""

    hook: _Hook
    binding: Binding
    selected: Selected
    params: Obj | None

    @property
    def key(self) -> tuple[str, ...]:
        metadata = (self.params or {}).get("metadata") or {}
        return self.hook.name, self.binding.name, metadata.get("namespace", ""), metadata.get("name", "")


class Invoked:
    """What is remembered of a request between the two rounds."""

    def __init__(self) -> None:
        self._earlier: set[tuple[str, ...]] = set()  # may be asked again, should somebody change something
        self._due: set[tuple[str, ...]] = set()  # somebody did
        self._made: Obj | None = None

    def changed(self) -> None:
        self._due |= self._earlier
        self._earlier.clear()

    def add(self, key: tuple[str, ...]) -> None:
        self._earlier.add(key)

    def is_due(self, key: tuple[str, ...]) -> bool:
        return key in self._due

    def begin(self, obj: Obj | None) -> None:
        """Of the second round."""
        if obj != self._made:
            self.changed()

    def end(self, obj: Obj | None) -> None:
        self._made = None if obj is None else copy(obj)


class _Dispatch:
    """Of one request, one round."""

    def __init__(
        self, tools: Tools, matching: Matching, counted: PolicyMetrics, kinds: Kinds, attributes: Attributes
    ) -> None:
        self._lookup, self._catalog, self._metrics = tools.lookup, tools.catalog, counted
        self._matching, self._kinds, self._attributes = matching, kinds, attributes
        self._answers, self._versions = Answers(tools.ask, attributes), Versions(attributes)
        self._refusals: list[tuple[str, str]] = []  # message, reason
        self._has_changed = False

    async def run(self, hooks: Sequence[_Hook]) -> None:
        """Raises a refusal that tells of all failures, and InternalError for what cannot even be that."""
        invocations = [one for hook in hooks for one in await self._invocations(hook)]
        if invocations:
            await self._invoke(invocations)
        if self._refusals:
            raise _refusal(self._attributes, self._refusals)

    async def _invocations(self, hook: _Hook) -> list[_Invocation]:
        try:
            selected = await self._matching.select(hook.criteria, self._attributes)
            if selected is None:
                return []
            kind = params.resource_of(self._catalog, hook.param_kind) if hook.param_kind else None
        except (StatusError, Misconfigured) as error:
            self._fail(hook, None, f"failed to configure policy: {error}")
            return []
        found: list[_Invocation] = []
        for binding in hook.bindings:
            try:
                if binding.criteria is None or await self._matching.select(
                    binding.criteria, self._attributes
                ):
                    given = await params.collect(
                        self._lookup, self._catalog, kind, binding.params, self._attributes.namespace
                    )
                    found += [_Invocation(hook, binding, selected, one) for one in given]
            except (StatusError, Misconfigured) as error:
                self._fail(hook, binding, f"failed to configure binding: {error}")
        return found

    def _fail(self, hook: _Hook, binding: Binding | None, message: str, reason: str = "") -> None:
        if not hook.is_failing:
            return
        by = (
            f'policy "{hook.name}"'
            if binding is None
            else f"policy '{hook.name}' with binding '{binding.name}'"
        )
        self._refusals.append((f"{by} denied request: {message}", reason))

    async def _invoke(self, invocations: Sequence[_Invocation]) -> None:
        attributes = self._attributes
        invoked = attributes.memory.setdefault(MutatingAdmissionPolicy.name, Invoked())
        assert isinstance(invoked, Invoked)
        if attributes.is_reinvoked:
            invoked.begin(attributes.obj)
        namespace = await namespace_of(self._lookup, attributes)
        for one in invocations:
            subject = Subject(
                attributes,
                one.selected,
                await self._versions.obj(one.selected.resource),
                await self._versions.old(one.selected.resource),
                namespace,
                self._answers,
            )
            await self._invoke_one(one, subject, invoked)
        if self._has_changed:
            invoked.changed()
            attributes.wants_reinvocation = True
        invoked.end(attributes.obj)

    async def _invoke_one(self, one: _Invocation, subject: Subject, invoked: Invoked) -> None:
        policy = one.hook.evaluator
        try:
            if not await policy.matches(subject, one.params):
                return
        except Undecided as error:
            self._fail(one.hook, one.binding, str(error), "Invalid")
            return
        if self._attributes.is_reinvoked and not invoked.is_due(one.key):
            return
        for mutation in policy.mutations if subject.obj is not None else ():
            try:
                obj = await policy.mutated(mutation, self._kinds, subject, one.params)
            except MutationError as error:
                self._count(one, metrics.error_type(str(error)))
                self._fail(one.hook, one.binding, str(error), "Invalid")
                continue
            self._count(one, metrics.NO_ERROR)
            if obj is not subject.obj and obj != subject.obj:
                await self._versions.put(obj, one.selected.resource)
                subject = subject._replace(obj=await self._versions.obj(one.selected.resource))
                self._has_changed = True
                invoked.changed()
        if policy.is_reinvocable:
            invoked.add(one.key)

    def _count(self, one: _Invocation, error: str) -> None:
        self._metrics.count(one.hook.name, one.binding.name, error)


def _refusal(attributes: Attributes, refusals: Sequence[tuple[str, str]]) -> StatusError:
    """In the words of the first. The code is that of Forbidden, whatever the reason."""
    message, reason = refusals[0]
    details = forbidden(attributes, message).details or {}
    details |= {"causes": [{"message": message} for message, _ in refusals]}
    return StatusError(message, code=403, reason=reason or "Forbidden", details=details)
