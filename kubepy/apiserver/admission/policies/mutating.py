"""A MutatingAdmissionPolicy's mutations of one object.

Each mutation is an expression that gives an apply configuration or a JSON patch, a function from object to object; the
next one sees what the one before has made. What comes out is read and defaulted as a client's object is.

Differs: an object that is wanted in another version than the client's is converted back; upstream refuses those of
built-in kinds ("unknown conversion").

Source: apiserver pkg/admission/plugin/policy/mutating/{compilation,dispatcher}.go, patch/{smd,json_patch}.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from kubepy.api import celpolicies, json_patch, strictness
from kubepy.api.cel import limits
from kubepy.api.celpolicies import Compiled, NotJSON
from kubepy.api.errors import InternalError
from kubepy.api.json_patch import PatchError, TestFailed
from kubepy.api.objects import Obj, copy, group_version
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas, Undecodable
from kubepy.apiserver.admission.match_conditions import MatchConditions
from kubepy.apiserver.admission.matching import Selected
from kubepy.apiserver.admission.policies.apply_configuration import ApplyError, Merger
from kubepy.apiserver.admission.policies.evaluation import Evaluation, OutOfBudget, Subject


class MutationError(Exception):
    """A mutation has failed; what the object is stays what it was."""


class Kinds(NamedTuple):
    """What is known of the kinds that are mutated."""

    schemas: Schemas
    merger: Merger


class Mutation(NamedTuple):
    expression: Compiled
    patch: Callable[[Kinds, Resource, Obj, Any], Obj]


class MutatingPolicy:
    """Compiled; immutable."""

    def __init__(self, policy: Obj) -> None:
        spec = policy["spec"]
        has_params = spec.get("paramKind") is not None
        compiler = celpolicies.Compiler(has_params=has_params)
        self._variables = {
            variable["name"]: compiler.variable(variable["name"], variable["expression"])
            for variable in spec.get("variables") or ()
        }
        self._conditions = MatchConditions(
            spec.get("matchConditions") or (),
            is_failing=spec.get("failurePolicy", "Fail") != "Ignore",
            has_params=has_params,
        )
        self.is_reinvocable = spec.get("reinvocationPolicy") == "IfNeeded"
        self.mutations = [_mutation(compiler, one) for one in spec.get("mutations") or ()]

    async def matches(self, subject: Subject, params: Obj | None) -> bool:
        """Raises Undecided."""
        if not self._conditions:
            return True
        # Conditions are told of the request's own resource, and of no namespace.
        asked = subject._replace(selected=Selected(subject.attributes.served, subject.selected.kind))
        return await self._conditions.match(asked.bindings(params, has_namespace=False), subject.answers)

    async def mutated(self, mutation: Mutation, kinds: Kinds, subject: Subject, params: Obj | None) -> Obj:
        """The object after one of the mutations; the same one if it changes nothing. Raises MutationError,
        InternalError."""
        assert subject.obj is not None, "there is something to mutate"
        if mutation.expression.program is None:
            raise MutationError(mutation.expression.error)
        evaluation = Evaluation(
            subject.bindings(params), self._variables, subject.answers, limits.RUNTIME_COST_BUDGET
        )
        try:
            result = await evaluation.of(mutation.expression)
        except OutOfBudget as error:
            raise MutationError(str(error))
        if result.error:
            raise MutationError(result.error)
        resource = kind_of(subject)
        patched = mutation.patch(kinds, resource, subject.obj, result.value)
        if patched is not subject.obj:
            kinds.schemas.of(resource).default(patched)
        return patched


def kind_of(subject: Subject) -> Resource:
    """The row of the object's kind: of a subresource it may be another one than the resource's."""
    resource, kind = subject.selected
    if kind.kind == resource.kind:
        return resource
    package = kind.group.partition(".")[0] or "core"
    return replace(
        resource, group=kind.group, version=kind.version, kind=kind.kind, custom=False,
        schema=f"io.k8s.api.{package}.{kind.version}.{kind.kind}",
    )  # fmt: skip


def _mutation(compiler: celpolicies.Compiler, mutation: Obj) -> Mutation:
    if mutation["patchType"] == "JSONPatch":
        return Mutation(
            compiler.compile(mutation["jsonPatch"]["expression"], celpolicies.JSON_PATCHES), _json_patched
        )
    expression = mutation["applyConfiguration"]["expression"]
    return Mutation(compiler.compile(expression, celpolicies.APPLY_CONFIGURATION), _applied)


def _applied(kinds: Kinds, resource: Resource, obj: Obj, configuration: Any) -> Obj:
    _check_names(configuration)
    try:
        merged = copy(kinds.merger.merged(resource, obj, configuration))
        kinds.schemas.of(resource).decode(merged)
    except (ApplyError, NotJSON) as error:
        raise MutationError(f"error applying patch: {error}")
    except Undecodable as error:
        what = f"{resource.group}/{resource.version}, Kind={resource.kind}"
        raise MutationError(f"unable to convert unstructured object to {what}: {error.restored}")
    return merged


def _json_patched(kinds: Kinds, resource: Resource, obj: Obj, operations: Any) -> Obj:
    try:
        patched: Obj = json_patch.apply(copy(obj), [_operation(operation) for operation in operations])
    except TestFailed:
        return obj
    except PatchError as error:
        raise MutationError(f"JSON Patch: {error}")
    _check_kind(obj, patched)
    try:
        findings = kinds.schemas.of(resource).decode(patched)
    except Undecodable as error:
        raise InternalError(error.why)
    if findings.unknown and not resource.custom:
        raise InternalError(strictness.message(f'unknown field "{path}"' for path in findings.unknown))
    return patched


def _check_kind(obj: Obj, patched: Obj) -> None:
    """A patch makes no other thing of an object."""
    if any(patched.get(field) != obj.get(field) for field in ("apiVersion", "kind")):
        to = f"{group_version(obj['apiVersion'])[0].partition('.')[0] or 'core'}.{obj['kind']}"
        given = f"{group_version(str(patched.get('apiVersion') or ''))[1]}.{patched.get('kind') or ''}"
        raise InternalError(f"failed to convert object: converting ({given}) to ({to}): unknown conversion")


def _operation(made: Any) -> Obj:
    """One JSONPatch{...}, as RFC 6902 has it."""
    operation: Obj = {"op": made.get("op", ""), "path": made.get("path", "")}
    if made.get("from"):
        operation["from"] = made["from"]
    if "value" in made:
        _check_names(made["value"])
        try:
            operation["value"] = celpolicies.to_json(made["value"])
        except NotJSON as error:
            raise MutationError(
                f"JSONPath valueExpression evaluated to a type that could not marshal to JSON: {error}"
            )
    return operation


def _check_names(made: Any) -> None:
    if isinstance(made, celpolicies.Struct) and (found := celpolicies.mismatches(made)):
        raise MutationError("type mismatch: " + "\n".join(found))
