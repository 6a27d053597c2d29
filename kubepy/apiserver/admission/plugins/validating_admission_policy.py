"""ValidatingAdmissionPolicy: policies in CEL that refuse requests, warn about them, or note them in the audit event.

All policies are asked, and all bindings of each; the first refusal is the answer. What an action other than Deny says
is said in any case.

Source: apiserver pkg/admission/plugin/policy/validating/dispatcher.go.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from kubepy.api.builtins import VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS
from kubepy.api.errors import StatusError
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.admission.expressions import Answers
from kubepy.apiserver.admission.matching import Matching, Selected
from kubepy.apiserver.admission.policies import metrics, params
from kubepy.apiserver.admission.policies.evaluation import Subject, namespace_of
from kubepy.apiserver.admission.policies.hooks import Binding, Hook, Hooks, may_concern
from kubepy.apiserver.admission.policies.metrics import PolicyMetrics
from kubepy.apiserver.admission.policies.params import Misconfigured
from kubepy.apiserver.admission.policies.validating import Denial, ValidatingPolicy, Verdict
from kubepy.apiserver.admission.versions import Versions

_FAILURE = "validation.policy.admission.k8s.io/validation_failure"
_ANNOTATION_BYTES_MAX = 10 * 1024
_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}

_Hook = Hook[ValidatingPolicy]


class ValidatingAdmissionPolicy(Plugin):
    name = "ValidatingAdmissionPolicy"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._tools = tools
        self._matching = Matching(tools)
        self._metrics = metrics.of_validating(tools.metrics)
        self._hooks = Hooks(
            tools, VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS, ValidatingPolicy
        )

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return may_concern(resource)

    async def validate(self, attributes: Attributes) -> None:
        if hooks := await self._hooks.about(attributes):
            await _Dispatch(self._tools, self._matching, self._metrics, attributes).run(hooks)


class _Dispatch:
    """Of one request."""

    def __init__(
        self, tools: Tools, matching: Matching, counted: PolicyMetrics, attributes: Attributes
    ) -> None:
        self._lookup, self._catalog = tools.lookup, tools.catalog
        self._matching, self._metrics, self._attributes = matching, counted, attributes
        self._answers, self._versions = Answers(tools.ask, attributes), Versions(attributes)
        self._refusals: list[tuple[str, str]] = []  # message, reason

    async def run(self, hooks: Sequence[_Hook]) -> None:
        """Raises the first refusal."""
        for hook in hooks:
            try:
                selected = await self._matching.select(hook.criteria, self._attributes)
                if selected is None:
                    continue
                kind = params.resource_of(self._catalog, hook.param_kind) if hook.param_kind else None
            except (StatusError, Misconfigured) as error:
                self._misconfigured(hook, None, error)
                continue
            await self._policy(hook, selected, kind)
        if self._refusals:
            raise _refusal(self._attributes, *self._refusals[0])

    def _misconfigured(self, hook: _Hook, binding: Binding | None, error: Exception) -> None:
        if hook.is_failing:
            what = "policy" if binding is None else "binding"
            self._refuse(hook, binding, f"failed to configure {what}: {error}")

    def _refuse(self, hook: _Hook, binding: Binding | None, message: str, reason: str = "") -> None:
        by = f"ValidatingAdmissionPolicy '{hook.name}'"
        if binding is not None:
            by += f" with binding '{binding.name}'"
        self._refusals.append((f"{by} denied request: {message}", reason or "Invalid"))

    async def _policy(self, hook: _Hook, selected: Selected, kind: Resource | None) -> None:
        attributes = self._attributes
        subject: Subject | None = None
        annotations: dict[str, dict[str, None]] = {}
        for binding in hook.bindings:
            try:
                if (
                    binding.criteria is not None
                    and await self._matching.select(binding.criteria, attributes) is None
                ):
                    continue
                given = await params.collect(
                    self._lookup, self._catalog, kind, binding.params, attributes.namespace
                )
            except (StatusError, Misconfigured) as error:
                self._misconfigured(hook, binding, error)
                continue
            if given and subject is None:
                subject = await self._subject(selected)
            for one in given:
                assert subject is not None
                verdict = await hook.evaluator.judge(subject, one)
                self._act(hook, binding, verdict)
                for key, value in verdict.annotations:
                    annotations.setdefault(key, {})[_cut(value)] = None
        for key, values in annotations.items():
            attributes.annotate(f"{hook.name}/{key}", ", ".join(values))

    async def _subject(self, selected: Selected) -> Subject:
        return Subject(
            self._attributes,
            selected,
            await self._versions.obj(selected.resource),
            await self._versions.old(selected.resource),
            await namespace_of(self._lookup, self._attributes),
            self._answers,
        )

    def _act(self, hook: _Hook, binding: Binding, verdict: Verdict) -> None:
        for denial in verdict.denials:
            error = metrics.error_type(denial.message)
            if denial.is_ignored:
                self._metrics.count(hook.name, binding.name, error, metrics.ALLOW)
                continue
            for action in binding.actions:
                self._metrics.count(hook.name, binding.name, error, action.lower())
                if action == "Deny":
                    self._refuse(hook, binding, denial.message, denial.reason)
                elif action == "Audit":
                    self._attributes.annotate(_FAILURE, _failure(hook, binding, denial))
                elif action == "Warn":
                    self._attributes.warnings.append(
                        f"Validation failed for ValidatingAdmissionPolicy '{hook.name}' with binding "
                        f"'{binding.name}': {denial.message}"
                    )
        for message in verdict.failed_annotations:
            self._metrics.count(hook.name, binding.name, metrics.error_type(message), metrics.DENY)
            self._refuse(hook, binding, message)


def _cut(value: str) -> str:
    encoded = value.encode()
    return (
        value
        if len(encoded) <= _ANNOTATION_BYTES_MAX
        else encoded[:_ANNOTATION_BYTES_MAX].decode(errors="replace")
    )


def _failure(hook: _Hook, binding: Binding, denial: Denial) -> str:
    return orjson.dumps([{
        "message": denial.message, "policy": hook.name, "binding": binding.name, "expressionIndex": denial.position,
        "validationActions": binding.actions,
    }]).decode()  # fmt: skip


def _refusal(attributes: Attributes, message: str, reason: str) -> StatusError:
    error = forbidden(attributes, message)
    details = (error.details or {}) | {"causes": [{"message": message}]}
    return StatusError(error.message, code=_CODES.get(reason, 422), reason=reason, details=details)
