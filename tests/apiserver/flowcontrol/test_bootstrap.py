"""Cases from kubernetes pkg/registry/flowcontrol/ensurer/*_test.go."""

from __future__ import annotations

import pytest

from kubepy.api.objects import Obj, copy
from kubepy.apiserver.flowcontrol import bootstrap
from kubepy.apiserver.flowcontrol.bootstrap import AUTO_UPDATE, LEVELS, SCHEMAS, Family, plan


def _all(family: Family) -> dict[str, Obj]:
    return {
        obj["metadata"]["name"]: copy(obj) | {"metadata": copy(obj["metadata"]) | {"generation": 1}}
        for obj in family.suggested + family.mandatory
    }


def _steps(family: Family, current: dict[str, Obj]) -> list[tuple[str, str]]:
    return [(step.action, step.name) for step in plan(family, current)]


def test_an_empty_cluster_gets_them_all_suggested_ones_first() -> None:
    assert _steps(LEVELS, {})[0] == ("create", "system")
    assert len(_steps(LEVELS, {})) == 8
    assert len(_steps(SCHEMAS, {})) == 11


def test_what_is_right_is_left_alone() -> None:
    assert _steps(LEVELS, _all(LEVELS)) == _steps(SCHEMAS, _all(SCHEMAS)) == []


@pytest.mark.parametrize(
    ("annotation", "generation", "is_restored", "written"),
    [
        ("true", 7, True, "true"),
        ("false", 1, False, "false"),
        (None, 1, True, "true"),
        (None, 2, False, "false"),
        ("maybe", 1, True, "true"),
    ],
)
def test_a_suggested_level_that_somebody_changed(
    annotation: str | None, generation: int, is_restored: bool, written: str
) -> None:
    current = _all(LEVELS)
    changed = current["workload-low"]
    changed["spec"]["limited"]["nominalConcurrencyShares"] = 1
    changed["metadata"] = {"name": "workload-low", "generation": generation}
    if annotation is not None:
        changed["metadata"]["annotations"] = {AUTO_UPDATE: annotation}
    steps = list(plan(LEVELS, current))
    if annotation == "false":
        assert steps == []
        return
    (step,) = steps
    assert step.action == "update"
    assert step.obj["spec"]["limited"]["nominalConcurrencyShares"] == (100 if is_restored else 1)
    assert step.obj["metadata"]["annotations"] == {AUTO_UPDATE: written}


def test_a_mandatory_one_is_restored_whatever_it_says() -> None:
    current = _all(SCHEMAS)
    current["catch-all"]["spec"]["matchingPrecedence"] = 5
    current["catch-all"]["metadata"]["annotations"] = {AUTO_UPDATE: "false"}
    (step,) = plan(SCHEMAS, current)
    assert step.obj["spec"]["matchingPrecedence"] == 10000
    assert step.obj["metadata"]["annotations"] == {AUTO_UPDATE: "true"}


def test_what_the_exempt_level_lends_is_for_people_to_say() -> None:
    current = _all(LEVELS)
    current["exempt"]["spec"]["exempt"] = {"nominalConcurrencyShares": 10, "lendablePercent": 50}
    assert _steps(LEVELS, current) == []


@pytest.mark.parametrize(
    ("annotation", "goes"), [("true", True), ("false", False), (None, False), ("x", False)]
)
def test_one_that_is_no_longer_shipped(annotation: str | None, goes: bool) -> None:
    annotations = {AUTO_UPDATE: annotation} if annotation else {}
    current = _all(SCHEMAS) | {"old": {"metadata": {"name": "old", "annotations": annotations}, "spec": {}}}
    assert _steps(SCHEMAS, current) == ([("delete", "old")] if goes else [])


def test_every_schema_leads_somewhere() -> None:
    levels = {obj["metadata"]["name"] for obj in bootstrap.SUGGESTED_LEVELS + bootstrap.MANDATORY_LEVELS}
    for schema in bootstrap.SUGGESTED_SCHEMAS + bootstrap.MANDATORY_SCHEMAS:
        assert schema["spec"]["priorityLevelConfiguration"]["name"] in levels
