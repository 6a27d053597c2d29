"""Type checking of policies. Source: validating/typechecking_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import celkinds
from kubepy.api.builtins import BUILTINS, VALIDATING_ADMISSION_POLICIES
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.controllers.validating_admission_policy_status import kinds_of, plan
from kubepy.testing.cluster import Cluster

SCHEMAS = Schemas()


def policy(
    *expressions: str,
    groups: Any = ("apps",),
    resources: Any = ("deployments",),
    versions: Any = ("v1",),
    **spec: Any,
) -> Any:
    rule = {
        "apiGroups": list(groups), "apiVersions": list(versions), "resources": list(resources), "operations": ["*"],
    }  # fmt: skip
    validations = [{"expression": expression} for expression in expressions]
    usual = {"matchConstraints": {"resourceRules": [rule]}, "validations": validations}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p", "generation": 1},
        "spec": usual | spec,
    }


def _type_of(row: Resource) -> Any:
    return celkinds.object_type(SCHEMAS.definitions, row.schema)


def warnings(given: Any) -> list[tuple[str, str]]:
    found = plan(given, BUILTINS, _type_of).warnings
    assert found is not None
    return [(each["fieldRef"], each["warning"]) for each in found]


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.replicas > 1",
        "object.metadata.name.startsWith('a') && request.namespace == namespaceObject.metadata.name",
        "object.spec.template.spec.containers.all(c, has(c.resources.limits) && c.ports.all(p, p.containerPort > 1))",
        "authorizer.group('apps').resource('deployments').check('get').allowed()",
        "oldObject == null || oldObject.spec.strategy.rollingUpdate.maxSurge == 1",
    ],
)
def test_what_fits(expression: str) -> None:
    assert warnings(policy(expression)) == []


def test_what_does_not_fit_is_told_with_its_kind_and_place() -> None:
    found = warnings(policy("true", "object.spec.replicas > '1'"))
    assert [field for field, _ in found] == ["spec.validations[1].expression"]
    assert found[0][1].startswith(
        "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'"
    )
    both = warnings(policy("object.spec.nope == 1", resources=["deployments", "replicasets"]))
    assert "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'nope'" in both[0][1]
    assert "apps/v1, Kind=ReplicaSet: ERROR" in both[0][1]


def test_message_expressions_params_and_variables() -> None:
    given = policy("variables.many > 1 && params.data['a'] == 'b' && variables.wrong", paramKind={
        "apiVersion": "v1", "kind": "ConfigMap"}, variables=[
        {"name": "many", "expression": "object.spec.replicas"}, {"name": "wrong", "expression": "nonsense."},
    ])  # fmt: skip
    assert warnings(given) == []
    given["spec"]["validations"] = [
        {"expression": "params.dat == variables.more", "messageExpression": "1 + 'a'"}
    ]
    found = warnings(given)
    assert [field for field, _ in found] == [
        "spec.validations[0].expression",
        "spec.validations[0].messageExpression",
    ]
    assert "undefined field 'dat'" in found[0][1] and "undefined field 'more'" in found[0][1]


def test_wildcards_say_no_kind_and_a_known_generation_is_left_alone() -> None:
    assert kinds_of(policy(groups=["*"])["spec"], BUILTINS) == []
    assert kinds_of(policy(versions=["*"])["spec"], BUILTINS) == []
    assert kinds_of(policy(resources=["*", "deployments/scale"])["spec"], BUILTINS) == []
    assert warnings(policy("object.nope", groups=["*"])) == []
    known = policy("object.nope") | {"status": {"observedGeneration": 1}}
    assert plan(known, BUILTINS, _type_of).warnings is None


async def test_the_status_says_it_once(cluster: Cluster) -> None:
    metadata = {"metadata": {"name": "p"}}
    await cluster.create(policy("object.spec.replicas > '1'") | metadata)
    await cluster.create(policy("object.spec.replicas > 1") | {"metadata": {"name": "fine"}})
    await cluster.settle()
    found = await cluster.get(VALIDATING_ADMISSION_POLICIES, "p", "")
    assert found["status"]["observedGeneration"] == 1
    assert len(found["status"]["typeChecking"]["expressionWarnings"]) == 1
    fine = await cluster.get(VALIDATING_ADMISSION_POLICIES, "fine", "")
    assert fine["status"] == {"observedGeneration": 1, "typeChecking": {}}
