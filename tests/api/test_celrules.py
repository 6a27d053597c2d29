"""Cases of apiextensions-apiserver pkg/apiserver/schema/cel/validation_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.celrules import compile_rules
from kubepy.api.objects import Obj
from kubepy.api.valuevalidation import NOTHING

INT: Obj = {"type": "integer"}


def spec(*rules: Obj, **properties: Obj) -> Obj:
    properties = properties or {"min": INT, "max": INT}
    inner = {"type": "object", "properties": properties, "x-kubernetes-validations": list(rules)}
    return {"type": "object", "properties": {"spec": inner}}


def findings(schema: Obj, new: Any, old: Any = NOTHING) -> list[str]:
    rules = compile_rules(schema)
    assert rules is not None
    found, _ = rules.validate({"spec": new}, old if old is NOTHING else {"spec": old}, "")
    return [str(finding) for finding in found]


ORDER = {"rule": "self.min <= self.max"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ORDER, ["spec: Invalid value: failed rule: self.min <= self.max"]),
        (ORDER | {"message": "too much"}, ["spec: Invalid value: too much"]),
        (ORDER | {"messageExpression": "'max ' + string(self.max)"}, ["spec: Invalid value: max 1"]),
        (ORDER | {"message": "m", "messageExpression": "''"}, ["spec: Invalid value: m"]),
        (ORDER | {"reason": "FieldValueForbidden"}, ["spec: Forbidden: failed rule: self.min <= self.max"]),
        (ORDER | {"reason": "FieldValueRequired", "message": "m"}, ["spec: Required value: m"]),
        (ORDER | {"fieldPath": ".min", "message": "m"}, ["spec.min: Invalid value: m"]),
        (
            {"rule": "self.min / 0 == 1"},
            ['spec: Invalid value: "object": division by zero evaluating rule: self.min / 0 == 1'],
        ),
    ],
)
def test_a_rule_that_does_not_hold_explains_itself(rule: Obj, expected: list[str]) -> None:
    assert findings(spec(rule), {"min": 2, "max": 1}) == expected


def test_a_rule_that_holds_says_nothing() -> None:
    assert findings(spec(ORDER), {"min": 1, "max": 2}) == []


def test_a_rule_about_a_scalar_shows_it() -> None:
    schema = spec(x=INT | {"x-kubernetes-validations": [{"rule": "self > 3", "message": "m"}]})
    del schema["properties"]["spec"]["x-kubernetes-validations"]
    assert findings(schema, {"x": 1}) == ["spec.x: Invalid value: 1: m"]


TRANSITION = {"rule": "self.max >= oldSelf.max", "message": "shrunk"}


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ({"max": 1}, NOTHING, []),
        ({"max": 1}, {"max": 1}, []),
        ({"max": 1}, {"max": 2}, ["spec: Invalid value: shrunk"]),
    ],
)
def test_a_transition_rule_needs_something_before(new: Obj, old: Any, expected: list[str]) -> None:
    assert findings(spec(TRANSITION), new, old) == expected


def test_an_optional_old_self_is_asked_on_creation_too() -> None:
    rule = {"rule": "oldSelf.hasValue() || self.max == 1", "optionalOldSelf": True, "message": "m"}
    assert findings(spec(rule), {"max": 2}) == ["spec: Invalid value: m"]
    assert findings(spec(rule), {"max": 2}, {"max": 3}) == []


def test_what_did_not_change_may_stay() -> None:
    assert findings(spec(ORDER), {"min": 2, "max": 1}, {"min": 2, "max": 1}) == []
    assert len(findings(spec(ORDER), {"min": 3, "max": 1}, {"min": 2, "max": 1})) == 1


def test_items_of_a_plain_list_may_stay_with_the_whole_list() -> None:
    items = {"type": "string", "x-kubernetes-validations": [{"rule": "self != 'x'"}]}
    schema = spec(ORDER, l={"type": "array", "items": items}, min=INT, max=INT)
    assert findings(schema, {"l": ["x"], "min": 1, "max": 1}, {"l": ["x"], "min": 0, "max": 1}) == []
    assert len(findings(schema, {"l": ["x", "y"], "min": 1, "max": 1}, {"l": ["x"], "min": 0, "max": 1})) == 1


def test_a_spent_budget_ends_the_validation() -> None:
    rules = compile_rules(spec(ORDER, ORDER))
    assert rules is not None
    found, left = rules.validate({"spec": {"min": 1, "max": 2}}, NOTHING, "", budget=7)
    assert left == -1
    assert [str(finding) for finding in found] == [
        'spec: Invalid value: "object": validation failed due to running out of cost budget, no further validation '
        "rules will be run"
    ]


def test_a_schema_without_rules_has_none() -> None:
    assert compile_rules({"type": "object", "properties": {"a": INT}}) is None
