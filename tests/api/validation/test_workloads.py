"""Workloads and PodGroups. Source: pkg/registry/scheduling/*/declarative_validation_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import POD_GROUPS, WORKLOADS
from kubepy.api.objects import Obj
from kubepy.api.validation import validate_create, validate_update


def group(**spec: Any) -> Obj:
    return {
        "apiVersion": "scheduling.k8s.io/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": "gang", "namespace": "default", "resourceVersion": "1"},
        "spec": {"schedulingPolicy": {"gang": {"minCount": 2}}, "disruptionMode": {"single": {}}, **spec},
    }


def workload(*templates: Obj, **spec: Any) -> Obj:
    return {
        "apiVersion": "scheduling.k8s.io/v1beta1",
        "kind": "Workload",
        "metadata": {"name": "train", "namespace": "default", "resourceVersion": "1"},
        "spec": {"podGroupTemplates": list(templates), **spec},
    }


def template(name: str = "worker", **more: Any) -> Obj:
    return {"name": name, "schedulingPolicy": {"gang": {"minCount": 2}}, **more}


def said(found: list[Any]) -> list[str]:
    return [str(error) for error in found]


@pytest.mark.parametrize(
    ("obj", "problems"),
    [
        (group(), []),
        (group(schedulingPolicy={"basic": {}}, workloadRef={"workloadName": "a.b", "templateName": "c"}), []),
        (
            group(schedulingPolicy={}),
            ['spec.schedulingPolicy: Invalid value: "": must specify one of: `basic`, `gang`'],
        ),
        (
            group(schedulingPolicy={"basic": {}, "gang": {"minCount": 1}}),
            [
                'spec.schedulingPolicy: Invalid value: "{`basic`, `gang`}": must specify exactly one of: '
                "`basic`, `gang`"
            ],
        ),
        (group(schedulingPolicy={"gang": {}}), ["spec.schedulingPolicy.gang.minCount: Required value"]),
        (
            group(schedulingPolicy={"gang": {"minCount": -1}}),
            ["spec.schedulingPolicy.gang.minCount: Invalid value: -1: must be greater than or equal to 1"],
        ),
        (
            group(workloadRef={}),
            [
                "spec.workloadRef.workloadName: Required value",
                "spec.workloadRef.templateName: Required value",
            ],
        ),
        (
            group(disruptionMode={}),
            ['spec.disruptionMode: Invalid value: "": must specify one of: `single`, `all`'],
        ),
        (
            group(priority=1_000_000_001),
            ["spec.priority: Invalid value: 1000000001: must be less than or equal to 1000000000"],
        ),
    ],
)
def test_a_pod_group(obj: Obj, problems: list[str]) -> None:
    assert said(validate_create(POD_GROUPS, obj)) == problems


@pytest.mark.parametrize(
    ("new", "problems"),
    [
        (group(), []),
        (group(schedulingPolicy={"gang": {"minCount": 5}}), []),
        (
            group(schedulingPolicy={"basic": {}}),
            [
                "spec.schedulingPolicy.basic: Invalid value: null: field is immutable",
                "spec.schedulingPolicy.gang: Invalid value: null: field cannot be cleared once set",
            ],
        ),
        (group(priority=7), ["spec.priority: Invalid value: null: field is immutable"]),
        (group(disruptionMode={"all": {}}), ["spec.disruptionMode: Invalid value: null: field is immutable"]),
        (
            group(workloadRef={"workloadName": "a", "templateName": "b"}),
            ["spec.workloadRef: Invalid value: null: field is immutable"],
        ),
    ],
)
def test_an_update_of_a_pod_group(new: Obj, problems: list[str]) -> None:
    assert said(validate_update(POD_GROUPS, new, group())) == problems


@pytest.mark.parametrize(
    ("obj", "problems"),
    [
        (workload(template()), []),
        (workload(template(), controllerRef={"apiGroup": "batch", "kind": "Job", "name": "train"}), []),
        (
            workload(),
            [
                'spec: Invalid value: "": must specify one of: `podGroupTemplates`, `compositePodGroupTemplates`'
            ],
        ),
        (
            workload(*(template(f"t{at}") for at in range(9))),
            ["spec.podGroupTemplates: Too many: 9: must have at most 8 items"],
        ),
        (
            workload(template(), template()),
            ['spec.podGroupTemplates[1]: Duplicate value: {"name":"worker"}'],
        ),
        (workload(template("")), ["spec.podGroupTemplates[0].name: Required value"]),
        (
            workload(template(), controllerRef={"kind": "a/b", "name": "train"}),
            ["spec.controllerRef.kind: Invalid value: \"a/b\": may not contain '/'"],
        ),
    ],
)
def test_a_workload(obj: Obj, problems: list[str]) -> None:
    assert said(validate_create(WORKLOADS, obj)) == problems


@pytest.mark.parametrize(
    ("new", "problems"),
    [
        (workload(template(schedulingPolicy={"gang": {"minCount": 3}})), []),
        (
            workload(template(), template("more")),
            ["spec.podGroupTemplates[1]: Forbidden: item may not be added"],
        ),
        (
            workload(template("other")),
            [
                "spec.podGroupTemplates[0]: Forbidden: item may not be added",
                "spec.podGroupTemplates: Forbidden: item may not be removed",
            ],
        ),
        (
            workload(template(), controllerRef={"kind": "Job", "name": "train"}),
            ["spec.controllerRef: Invalid value: null: field is immutable"],
        ),
    ],
)
def test_an_update_of_a_workload(new: Obj, problems: list[str]) -> None:
    assert said(validate_update(WORKLOADS, new, workload(template()))) == problems
