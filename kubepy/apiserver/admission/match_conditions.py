"""matchConditions of webhooks and policies: CEL that must be true before anybody is called.

One that is false ends it, whatever the others say. One that fails is the failurePolicy's affair: Fail refuses the
request, Ignore leaves the webhook or policy out.

Source: apiserver pkg/admission/plugin/webhook/matchconditions/matcher.go, pkg/admission/plugin/cel/compile.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from kubepy.api import admission_expressions, cel
from kubepy.api.cel import limits
from kubepy.api.objects import Obj
from kubepy.apiserver.admission.expressions import Answers
from kubepy.apiserver.authz import aggregate

OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


class Undecided(Exception):
    """Conditions could not be evaluated, and nobody may pass for that; the message says why."""


class MatchConditions:
    """Of one webhook or policy. `has_params`: the expressions may name `params`."""

    def __init__(self, conditions: Sequence[Obj], *, is_failing: bool, has_params: bool = False) -> None:
        self._is_failing = is_failing
        self._compiled = [
            (condition["expression"], *_compile(condition["expression"], has_params))
            for condition in conditions
        ]

    def __bool__(self) -> bool:
        return bool(self._compiled)

    async def match(self, variables: Mapping[str, Any], answers: Answers) -> bool:
        """Raises Undecided. `variables` have what expressions.bindings and `answers.variables` give."""
        failures: list[str] = []
        budget = limits.RUNTIME_COST_BUDGET_MATCH_CONDITIONS
        for expression, program, error in self._compiled:
            if program is None:
                failures.append(f"compilation error: {error}")
                continue
            outcome = await answers.settle(partial(program.run, variables))
            budget -= outcome.cost
            if budget < 0:
                return self._failed([OUT_OF_BUDGET])
            if outcome.error is not None:
                failures.append(f"expression '{expression}' resulted in error: {outcome.error}")
            elif outcome.value is False:
                return False
        return self._failed(failures) if failures else True

    def _failed(self, failures: Sequence[str]) -> bool:
        if self._is_failing:
            raise Undecided(aggregate(failures))
        return False


def _compile(expression: str, has_params: bool) -> tuple[cel.Program | None, str]:
    try:
        return admission_expressions.environment(has_params=has_params).compile(expression), ""
    except cel.CompileError as error:
        return None, admission_expressions.problem(error)
