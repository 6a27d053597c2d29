"""Texts are a kube-apiserver's."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import celpolicies
from kubepy.api.cel import Optional, Timestamp, Uint
from kubepy.api.celpolicies import (
    ANNOTATION,
    APPLY_CONFIGURATION,
    CONDITION,
    JSON_PATCHES,
    MESSAGE,
    Compiler,
    NotJSON,
    Use,
)


@pytest.mark.parametrize(
    ("use", "expression", "error"),
    [
        (CONDITION, "object.spec.replicas > 1", ""),
        (CONDITION, "authorizer.requestResource.check('get').allowed()", ""),
        (CONDITION, "1", "must evaluate to bool but got int"),
        (CONDITION, "object.a", "must evaluate to bool but got dyn"),
        (CONDITION, "null", "must evaluate to bool but got null_type"),
        (CONDITION, "timestamp('2020-01-01T00:00:00Z')", "must evaluate to bool but got google.protobuf.Timestamp"),
        (ANNOTATION, "object.a", "must evaluate to one of [string null_type] but got dyn"),
        (ANNOTATION, "null", ""),
        (MESSAGE, "'a' + object.a", ""),
        (
            MESSAGE,
            "authorizer.x",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'authorizer' (in container '')\n"
            " | authorizer.x\n | ^",
        ),
        (
            CONDITION,
            "Object{} == 1",
            "compilation failed: ERROR: <input>:1:7: undeclared reference to 'Object' (in container '')\n"
            " | Object{} == 1\n | ......^",
        ),
        (APPLY_CONFIGURATION, "Object{spec: Object.spec{replicas: 3}}", ""),
        (APPLY_CONFIGURATION, "Object.spec{}", "must evaluate to Object but got Object.spec"),
        (JSON_PATCHES, "[JSONPatch{op: 'add', path: jsonpatch.escapeKey('a/b'), value: Object.x{y: 1}}]", ""),
        (JSON_PATCHES, "[1]", "must evaluate to list(JSONPatch) but got list(int)"),
        (
            JSON_PATCHES,
            "[JSONPatch{foo: 1}]",
            "compilation failed: ERROR: <input>:1:15: expected type of field 'foo' is '' but provided type is 'int'\n"
            " | [JSONPatch{foo: 1}]\n | ..............^",
        ),
    ],
)  # fmt: skip
def test_compiling(use: Use, expression: str, error: str) -> None:
    compiled = Compiler(has_params=False).compile(expression, use)
    assert compiled.error == error
    assert (compiled.program is None) == bool(error)


def test_params_are_known_where_there_are_some() -> None:
    assert Compiler(has_params=True).compile("params.x == 1", CONDITION).program
    assert (
        "undeclared reference to 'params'" in Compiler(has_params=False).compile("params.x", CONDITION).error
    )


def test_variables_are_known_to_what_comes_after_them() -> None:
    compiler = Compiler(has_params=False)
    assert "undefined field 'a'" in compiler.compile("variables.a == 1", CONDITION).error
    compiler.variable("a", "[1]")
    compiler.variable("q", "quantity('1')")
    compiler.variable("bad", "nothing")
    assert "found no matching overload for '_==_'" in compiler.compile("variables.a == 'x'", CONDITION).error
    # What is no plain value is anything, and so is what does not compile.
    for expression in ("variables.q.foo == 1", "variables.bad == 1"):
        assert compiler.compile(expression, CONDITION).program
    without = Compiler(has_params=False, has_variables=False)
    assert "undeclared reference to 'variables'" in without.compile("variables.a", CONDITION).error


def made(expression: str) -> Any:
    program = Compiler(has_params=False).compile(
        f"[{expression}]", celpolicies.VARIABLE._replace(makes_patches=True)
    )
    assert program.program is not None, program.error
    return program.program.evaluate({"object": {}})[0]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("Object{spec: Object.spec{a: [Object.spec.a{b: 1}], m: {'k': Object.spec.m{}}}}", []),
        ("Object.x{y: Object.x.y{}}", []),
        ("Object{spec: Object.wrong{}}", [("Object.wrong", "Object.spec")]),
        ("Object{a: [Object.b{c: Object.b.c{}}]}", [("Object.b", "Object.a"), ("Object.b.c", "Object.a.c")]),
    ],
)
def test_names_of_types_are_those_of_their_places(expression: str, found: list[tuple[str, str]]) -> None:
    assert celpolicies.mismatches(made(expression)) == [
        f'unexpected type name "{name}", expected "{wanted}", which matches field name path from root Object type'
        for name, wanted in found
    ]


def test_objects_are_equal_if_their_types_are() -> None:
    assert made("Object{a: 1} == Object{a: 1}") is True
    assert made("dyn(Object{a: 1}) == dyn(Object.b{a: 1})") is False
    assert made("dyn(Object{a: 1}) == dyn({'a': 1})") is False


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Uint(1), 1),
        (1.0, 1),
        (1.5, 1.5),
        ((1 << 53) + 1, "9007199254740993"),
        (b"abc", "YWJj"),
        (Timestamp(0), "1970-01-01T00:00:00Z"),
        (Optional(3), 3),
        ({"a": [True, None]}, {"a": [True, None]}),
    ],
)
def test_what_json_says(value: Any, found: Any) -> None:
    assert celpolicies.to_json(value) == found


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("{1: 'a'}", "unsupported type conversion from 'int' to string"),
        ("quantity('1')", "type conversion error from 'Quantity' to '*structpb.Value'"),
        ("type(1)", "type conversion not supported for 'type'"),
    ],
)
def test_what_json_cannot_say(expression: str, why: str) -> None:
    with pytest.raises(NotJSON, match="^" + why.replace("*", r"\*") + "$"):
        celpolicies.to_json(made(expression))
