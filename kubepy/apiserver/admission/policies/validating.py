"""A ValidatingAdmissionPolicy's verdict about one request.

Validations first, then (for those that did not hold) messageExpressions with what is left of the budget, then audit
annotations with a budget of their own. Every series sees variables of its own making, as upstream's do.

Source: apiserver pkg/admission/plugin/policy/validating/{plugin,validator}.go.
"""

from __future__ import annotations

from typing import NamedTuple

from kubepy.api import celpolicies
from kubepy.api.cel import limits
from kubepy.api.celpolicies import Compiled
from kubepy.api.objects import Obj
from kubepy.apiserver.admission.match_conditions import MatchConditions, Undecided
from kubepy.apiserver.admission.matching import Selected
from kubepy.apiserver.admission.policies.evaluation import Evaluation, OutOfBudget, Subject


class Denial(NamedTuple):
    """A validation that does not hold. reason "": nobody gave one."""

    position: int  # of the validation
    message: str
    reason: str = ""
    is_ignored: bool = False  # it could not be evaluated, and failurePolicy is Ignore


class Verdict(NamedTuple):
    denials: list[Denial]
    annotations: list[tuple[str, str]]  # key, value
    failed_annotations: list[str]  # why; each refuses the request, whatever the binding's actions


class Validation(NamedTuple):
    condition: Compiled
    message_expression: Compiled | None
    message: str  # what to say without one, or when it gives nothing
    reason: str


_NOTHING = Verdict([], [], [])


class ValidatingPolicy:
    """Compiled; immutable."""

    def __init__(self, policy: Obj) -> None:
        spec = policy["spec"]
        self._is_failing = spec.get("failurePolicy", "Fail") != "Ignore"
        has_params = spec.get("paramKind") is not None
        compiler = celpolicies.Compiler(has_params=has_params)
        self._variables = {
            variable["name"]: compiler.variable(variable["name"], variable["expression"])
            for variable in spec.get("variables") or ()
        }
        self._conditions = MatchConditions(
            spec.get("matchConditions") or (), is_failing=self._is_failing, has_params=has_params
        )
        self._validations = [_validation(compiler, one) for one in spec.get("validations") or ()]
        self._annotations = [
            (one["key"], compiler.compile(one["valueExpression"], celpolicies.ANNOTATION))
            for one in spec.get("auditAnnotations") or ()
        ]
        # What evaluating all messages may cost: within it they need not be evaluated to know that they could have been.
        messages = sum(one.message_expression is not None for one in self._validations)
        self._messages_cost_max = (messages + len(self._variables)) * limits.PER_CALL_LIMIT

    async def judge(self, subject: Subject, params: Obj | None) -> Verdict:
        try:
            if self._conditions and not await self._matches(subject, params):
                return _NOTHING
            denials = await self._denials(subject, params)
            annotations, failed = await self._annotated(subject, params)
            return Verdict(denials, annotations, failed)
        except (Undecided, OutOfBudget) as error:
            return Verdict([self._failed(0, str(error))], [], [])

    def _failed(self, position: int, message: str) -> Denial:
        return Denial(position, message, is_ignored=not self._is_failing)

    async def _matches(self, subject: Subject, params: Obj | None) -> bool:
        # Conditions are told of the request's own resource, and of no namespace.
        asked = subject._replace(selected=Selected(subject.attributes.served, subject.selected.kind))
        return await self._conditions.match(asked.bindings(params, has_namespace=False), subject.answers)

    async def _denials(self, subject: Subject, params: Obj | None) -> list[Denial]:
        if not self._validations:
            return []
        evaluation = Evaluation(
            subject.bindings(params), self._variables, subject.answers, limits.RUNTIME_COST_BUDGET
        )
        results = [await evaluation.of(validation.condition) for validation in self._validations]
        if all(result.value is True for result in results) and evaluation.budget >= self._messages_cost_max:
            return []
        messages = await self._messages(subject, params, evaluation.budget)
        found: list[Denial] = []
        for index, (validation, result) in enumerate(zip(self._validations, results, strict=True)):
            if result.error:
                found.append(self._failed(index, result.error))
            elif messages is None:
                found.append(self._failed(index, f"failed messageExpression: {OutOfBudget()}"))
            elif result.value is not True:
                found.append(Denial(index, messages[index] or validation.message, validation.reason))
        return found

    async def _messages(self, subject: Subject, params: Obj | None, budget: int) -> list[str] | None:
        """What the messageExpressions say, "" for nothing of use; None: the budget does not suffice."""
        evaluation = Evaluation(
            subject.bindings(params, has_authorizer=False), self._variables, subject.answers, budget
        )
        found = []
        try:
            for validation in self._validations:
                expression = validation.message_expression
                found.append("" if expression is None else _usable((await evaluation.of(expression)).value))
        except OutOfBudget:
            return None
        return found

    async def _annotated(
        self, subject: Subject, params: Obj | None
    ) -> tuple[list[tuple[str, str]], list[str]]:
        found: list[tuple[str, str]] = []
        failed: list[str] = []
        if not self._annotations:
            return found, failed
        evaluation = Evaluation(
            subject.bindings(params, has_authorizer=False), self._variables, subject.answers,
            limits.RUNTIME_COST_BUDGET,
        )  # fmt: skip
        for key, expression in self._annotations:
            result = await evaluation.of(expression)
            if result.error:
                failed += [result.error] if self._is_failing else []
            elif isinstance(result.value, str) and (value := result.value.strip()):
                found.append((key, value))
        return found, failed


def _validation(compiler: celpolicies.Compiler, validation: Obj) -> Validation:
    expression, message_expression = validation["expression"], validation.get("messageExpression")
    return Validation(
        compiler.compile(expression, celpolicies.CONDITION),
        compiler.compile(message_expression, celpolicies.MESSAGE) if message_expression else None,
        (validation.get("message") or "").strip() or f"failed expression: {expression.strip()}",
        validation.get("reason") or "Invalid",
    )


def _usable(message: object) -> str:
    """One line of bearable length, or nothing."""
    if not isinstance(message, str):
        return ""
    message = message.strip()
    is_long = len(message.encode()) > limits.MESSAGE_EXPRESSION_BYTES_MAX
    return "" if is_long or "\n" in message else message
