"""Each ValidatingAdmissionPolicy is told which of its expressions do not fit the kinds it is about.

Watches ValidatingAdmissionPolicies, and CustomResourceDefinitions for their schemas. Writes status.typeChecking and
status.observedGeneration, once for each generation of a policy. Rules with wildcards say no kind and are not checked;
of each rule at most ten kinds are. CEL is imported for the first policy: most clusters have none.

Source: kubernetes 1.36 pkg/controller/validatingadmissionpolicystatus/controller.go, apiserver
pkg/admission/plugin/policy/validating/typechecking.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import CUSTOM_RESOURCE_DEFINITIONS, VALIDATING_ADMISSION_POLICIES
from kubepy.api.objects import Key, Obj, group_version
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.client.client import APPLY_PATCH
from kubepy.client.controller import Controller, ControllerContext, key_of
from kubepy.controllers.discovery import Discover

if TYPE_CHECKING:
    from kubepy.api.cel.types import Type

FIELD_MANAGER = "validatingadmissionpolicy-status"
KINDS_MAX = 10

TypeOf = Callable[[Resource], "Type | None"]


class Plan(Struct, frozen=True):
    warnings: list[Obj] | None = None  # None: this generation is known already


def plan(policy: Obj, served: Sequence[Resource], type_of: TypeOf) -> Plan:
    observed = objects.walk(policy, "status", "observedGeneration") or 0
    if policy["metadata"].get("generation", 0) <= observed:
        return Plan()
    from kubepy.api import celkinds

    spec = policy["spec"]
    kinds = [(row, of) for row in kinds_of(spec, served) if (of := type_of(row)) is not None]
    params = _params(spec.get("paramKind"), served, type_of)
    variables = [(each["name"], each["expression"]) for each in spec.get("variables") or ()]
    environments = [
        (row, celkinds.environment(object_=of, params=params, variables=variables)) for row, of in kinds
    ]
    warnings: list[Obj] = []
    for at, validation in enumerate(spec.get("validations") or ()):
        for name in ("expression", "messageExpression"):
            if not (expression := validation.get(name)):
                continue
            found = [
                f"{_go(row)}: {text}\n"
                for row, environment in environments
                if (text := celkinds.warning(environment, expression))
            ]
            if found:
                field = f"spec.validations[{at}].{name}"
                warnings.append({"fieldRef": field, "warning": "\n".join(found)})
    return Plan(warnings)


def kinds_of(spec: Obj, served: Sequence[Resource]) -> list[Resource]:
    """The kinds a policy is about, by group, version and kind. Source: typesToCheck."""
    known = {(row.group, row.version, row.plural): row for row in served}
    found: dict[Resource, None] = {}
    for rule in objects.walk(spec, "matchConstraints", "resourceRules") or ():
        count = 0
        for wanted in _wanted(rule):
            row = known.get(wanted)
            if row is None:
                continue
            found[row] = None
            count += 1
            if count == KINDS_MAX:
                return _sorted(found)
    return _sorted(found)


def _wanted(rule: Obj) -> Iterable[tuple[str, str, str]]:
    groups, versions = sorted(rule.get("apiGroups") or ()), sorted(rule.get("apiVersions") or ())
    if any("*" in word for word in (*groups, *versions)):
        return
    resources = sorted(word for word in rule.get("resources") or () if not {"*", "/"} & set(word))
    for group in groups:
        for version in versions:
            for resource in resources:
                yield group, version, resource


def _sorted(rows: Iterable[Resource]) -> list[Resource]:
    return sorted(rows, key=lambda row: (row.group, row.version, row.kind))


def _params(param_kind: Obj | None, served: Sequence[Resource], type_of: TypeOf) -> Type | None:
    """None: the policy has none; dynamic: its kind is not known."""
    if not param_kind:
        return None
    from kubepy.api.cel.types import DYN

    for row in served:
        if row.api_version == param_kind.get("apiVersion") and row.kind == param_kind.get("kind"):
            return type_of(row) or DYN
    return DYN


def _go(row: Resource) -> str:
    """As Go prints a GroupVersionKind."""
    return f"{row.group}/{row.version}, Kind={row.kind}"


class ValidatingAdmissionPolicyStatus(Controller):
    name = "validatingadmissionpolicy-status-controller"
    workers = 5

    def __init__(self, context: ControllerContext, *, discover: Discover, schemas: Schemas) -> None:
        super().__init__(context)
        self._discover, self._schemas = discover, schemas

    def setup(self) -> None:
        self.policies = self.watch(VALIDATING_ADMISSION_POLICIES, key_of)
        self.definitions = self.watch(CUSTOM_RESOURCE_DEFINITIONS)

    async def reconcile(self, key: Key) -> None:
        policy = self.policies.get(key)
        if policy is None:
            return
        served = (await self._discover()).resources
        decided = plan(policy, served, self._type_of)
        if decided.warnings is None:
            return
        checking = {"expressionWarnings": decided.warnings} if decided.warnings else {}
        applied = {
            "apiVersion": VALIDATING_ADMISSION_POLICIES.api_version,
            "kind": VALIDATING_ADMISSION_POLICIES.kind,
            "metadata": {"name": key.name},
            "status": {"observedGeneration": policy["metadata"]["generation"], "typeChecking": checking},
        }
        try:
            await self.client.named(FIELD_MANAGER).patch(
                VALIDATING_ADMISSION_POLICIES, key.name, applied, subresource="status", content_type=APPLY_PATCH,
                force=True,
            )  # fmt: skip
        except errors.NotFound:
            return
        self.log.info("policy_type_checked", object=key.name, warnings=len(decided.warnings))

    def _type_of(self, row: Resource) -> Type | None:
        from kubepy.api import celkinds

        if not row.custom:
            return celkinds.object_type(self._schemas.definitions, row.schema)
        definition = self.definitions.get(Key("", f"{row.plural}.{row.group}"))
        _, wanted = group_version(row.api_version)
        for version in (definition or {}).get("spec", {}).get("versions", ()):
            if version["name"] == wanted:
                schema = objects.walk(version, "schema", "openAPIV3Schema")
                return celkinds.custom_type(schema, row.kind)
        return None
