from pathlib import Path

import pytest

from kubepy.api.cel import Environment, Type, limits, types
from kubepy.api.cel.environment import LIBRARIES
from kubepy.api.cel.functions import authz, regex
from kubepy.api.validation import crd_schemas

GOLDEN = Path(__file__).parent / "golden" / "costs.tsv"
ROWS = [line.split("\t") for line in GOLDEN.read_text().splitlines()[1:]]


@pytest.mark.parametrize(("least", "most", "actual", "text"), ROWS)
def test_cost_of_functions(least: str, most: str, actual: str, text: str) -> None:
    """Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/cost_test.go."""
    env = Environment({"authorizer": authz.Authorizer.cel_type}, (*LIBRARIES, regex.json_patch_library()))
    program = env.compile(text, expected=None)
    assert program.cost_estimate() == (int(least), int(most))
    allowed = authz.Authorizer(lambda question: authz.Decision(allowed=True))
    outcome = program.run({"authorizer": allowed})
    assert outcome.error is None
    assert outcome.cost == int(actual)


def array(item: str, most: int | None = None) -> dict[str, object]:
    return {"type": "array", "items": {"type": item}} | ({} if most is None else {"maxItems": most})


def mapping(value: str, most: int | None = None) -> dict[str, object]:
    schema = {"type": "object", "additionalProperties": {"type": value}}
    return schema | ({} if most is None else {"maxProperties": most})


def string(most: int | None = None) -> dict[str, object]:
    return {"type": "string"} | ({} if most is None else {"maxLength": most})


@pytest.mark.parametrize(
    ("schema", "rule", "most"),
    [
        (array("number"), "self.all(x, true)", 4718591),
        (array("number", 10), "self.all(x, true)", 32),
        (array("string"), "self.all(x, true)", 3145727),
        (array("boolean"), "self.all(x, true)", 1887437),
        ({"type": "array", "items": array("number")}, "self.all(x, true)", 3145727),
        (mapping("number"), "self.all(x, true)", 1348169),
        (mapping("number", 10), "self.all(x, true)", 32),
        (mapping("number"), "has(self.x)", 0 + 1),
        (mapping("string"), "self.all(x, true)", 1179647),
        (mapping("boolean"), "self.all(x, true)", 943718),
        (string(), "self.contains('test')", 314574),
        (string(10), "self.contains('test')", 5),
        (string(), "self.startsWith('test')", 2),
        (string(), "size(self + 'hello') > size('hello')", 314578),
        (string(4), "size(self + 'hello') > size('hello')", 7),
        (array("number"), "self[1] == 0.0", 2),
        (array("string"), "self[1] == self[1]", 314577),
        (array("number", 10), "self.all(x, self.all(y, true))", 352),
        (array("number", 10), "self.all(x, self.all(y, self.all(z, true)))", 3552),
        (string(), 'self.matches("x")', 314574),
        (string(50), 'self.matches("x")', 22),
        (string(), '"".matches("(((((((((())))))))))[0-9]")', 7),
        (string(), 'self.matches("")', 1),
    ],
)
def test_estimate_knows_the_sizes_of_a_schema(schema: dict[str, object], rule: str, most: int) -> None:
    """Source: apiextensions-apiserver/pkg/apiserver/schema/cel/compilation_test.go, TestCostEstimation."""
    self_type = Type.from_schema(schema)
    assert self_type is not None
    assert Environment({"self": self_type}).compile(rule).cost_estimate().max == most


def test_nested_loops_over_anything_exceed_the_limit() -> None:
    self_type = Type.from_schema(array("number"))
    assert self_type is not None
    program = Environment({"self": self_type}).compile("self.all(x, self.all(y, true))")
    assert program.cost_estimate().max > crd_schemas.RULE_COST_MAX


def test_unbounded_work_has_no_bound() -> None:
    program = Environment({"x": types.DYN}).compile("x.all(a, x.all(b, x.all(c, x.all(d, true))))")
    assert program.cost_estimate().max == limits.UNBOUNDED
