"""The expressions of a policy, evaluated one after the other about one request.

What one of them costs is taken off a budget that all share, the variables it is the first to ask for included. One that
fails has an error and the next one runs; when the budget is spent nothing runs any more (`OutOfBudget`).

Source: apiserver pkg/admission/plugin/cel/{activation,condition,composition}.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from kubepy.api import errors
from kubepy.api.builtins import NAMESPACES
from kubepy.api.cel import CelError
from kubepy.api.celpolicies import Compiled
from kubepy.api.objects import Obj
from kubepy.apiserver.admission.base import Attributes, Lookup
from kubepy.apiserver.admission.expressions import Answers, request_of
from kubepy.apiserver.admission.match_conditions import OUT_OF_BUDGET
from kubepy.apiserver.admission.matching import Selected


class OutOfBudget(Exception):
    def __init__(self) -> None:
        super().__init__(OUT_OF_BUDGET)


class Subject(NamedTuple):
    """What a policy's expressions are about: one request, in the version that the policy wants."""

    attributes: Attributes
    selected: Selected
    obj: Obj | None
    old: Obj | None
    namespace: Obj | None  # None: the object is in none
    answers: Answers

    def bindings(
        self, params: Obj | None, *, has_authorizer: bool = True, has_namespace: bool = True
    ) -> Bindings:
        found = Bindings(self.attributes, self.selected)
        found["object"], found["oldObject"], found["params"] = self.obj, self.old, params
        found["namespaceObject"] = self.namespace if has_namespace else None
        if has_authorizer:
            found.update(self.answers.variables())
        return found


async def namespace_of(lookup: Lookup, attributes: Attributes) -> Obj | None:
    """The request's; None for what is in none, a Namespace among them. Raises NotFound."""
    name = attributes.namespace
    if not name or attributes.resource.group_resource == NAMESPACES.group_resource:
        return None
    found = await lookup.find(NAMESPACES, "", name)
    if found is None:
        raise errors.not_found(NAMESPACES, name)
    return found.obj


class Bindings(dict[str, Any]):
    """What expressions may name. `request` is made when one does."""

    __slots__ = ("_attributes", "_selected")

    def __init__(self, attributes: Attributes, selected: Selected) -> None:
        super().__init__()
        self._attributes, self._selected = attributes, selected

    def __missing__(self, name: str) -> Any:
        if name != "request":
            raise KeyError(name)
        self[name] = made = request_of(self._attributes, self._selected)
        return made


class Variables(dict[str, Any]):
    """A policy's variables: each is evaluated when an expression first asks for it, and kept."""

    __slots__ = ("_bindings", "_compiled", "_failed", "spent")

    def __init__(self, compiled: Mapping[str, Compiled], bindings: Mapping[str, Any]) -> None:
        super().__init__()
        self._compiled, self._bindings = compiled, bindings
        self._failed: dict[str, str] = {}
        self.spent = 0  # what evaluating them has cost since somebody last set this to 0

    def __contains__(self, name: object) -> bool:
        return name in self._compiled

    def __missing__(self, name: str) -> Any:
        why = self._failed.get(name)
        if why is None:
            compiled = self._compiled[name]
            if compiled.program is None:
                why = f"fails to compile: {compiled.error}"
            else:
                outcome = compiled.program.run(self._bindings)
                self.spent += outcome.cost
                if outcome.error is None:
                    self[name] = outcome.value
                    return outcome.value
                why = f"fails to evaluate: {outcome.error}"
            self._failed[name] = why
        raise CelError(f'composited variable "{name}" {why}')


class Result(NamedTuple):
    value: Any
    error: str = ""


class Evaluation:
    """Of a series of expressions over the same variables."""

    __slots__ = ("_answers", "_bindings", "_variables", "budget")

    def __init__(
        self, bindings: Bindings, variables: Mapping[str, Compiled], answers: Answers, budget: int
    ) -> None:
        self._bindings, self._answers = bindings, answers
        self._variables = bindings["variables"] = Variables(variables, bindings)
        self.budget = budget

    async def of(self, compiled: Compiled) -> Result:
        """Raises OutOfBudget."""
        if compiled.program is None:
            return Result(None, f"compilation error: {compiled.error}")
        variables = self._variables
        outcome = await self._answers.settle(partial(compiled.program.run, self._bindings))
        self.budget -= variables.spent + outcome.cost
        variables.spent = 0
        if self.budget < 0:
            raise OutOfBudget
        if outcome.error is not None:
            return Result(None, f"expression '{compiled.expression}' resulted in error: {outcome.error}")
        return Result(outcome.value)
