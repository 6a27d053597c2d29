"""The whole engine on expressions whose outcome Kubernetes' and the language's own tests state."""

from pathlib import Path

import pytest

from kubepy.api.cel import CelError, CompileError, Environment, Type, limits, types
from kubepy.api.cel.environment import LIBRARIES
from kubepy.api.cel.errors import ResultTypeError
from kubepy.api.cel.functions import regex

TRUE = (Path(__file__).parent / "golden" / "true.txt").read_text().splitlines()


@pytest.mark.parametrize("text", [line for line in TRUE if not line.startswith("# ")])
def test_expression_is_true(text: str) -> None:
    assert Environment({}).compile(text).evaluate({}, limits.RUNTIME_COST_BUDGET) is True


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 1", "modulus by zero"),
        ("9223372036854775807 + 1 > 0", "integer overflow"),
        ("-(-9223372036854775808) > 0", "integer overflow"),
        ("1u - 2u > 0u", "unsigned integer overflow"),
        ("int(1e19) > 0", "integer overflow"),
        ("int('x') == 0", "type conversion error from 'string' to 'int'"),
        ("int('1' + 'x') == 0", "type conversion error from 'string' to 'int'"),
        ("[1][2] == 1", "index out of bounds: 2"),
        ("{'a': 1}['b'] == 1", "no such key: b"),
        ("{'a': 1}.b == 1", "no such key: b"),
        ("dyn(1) + dyn('a') == 1", "no such overload"),
        ("dyn('a') == 'a' && dyn(1)", "no such overload"),
        ("dyn(1).foo == 1", "no such key: foo"),
        ("dyn(null).foo == 1", "no such key: foo"),
        ("dyn('x')[0] == 1", "no such key: 0"),
        ("dyn([1]).foo == 1", "unsupported index type 'string' in list"),
        ("optional.none().value() == 1", "optional.none() dereference"),
        ("{'a': 1, 'a': 2} == {}", "Failed with repeated key: a"),
        ("[1, 2].transformMapEntry(i, v, {'k': v}) == {}", "insert failed: key k already exists"),
        ("'abc'.charAt(4) == ''", "index out of range: 4"),
        ("'abc'.substring(2, 1) == ''", "invalid substring range. start: 2, end: 1"),
        ("[1, 2].slice(0, 3) == []", "cannot slice(0, 3), list is length 2"),
        ("dyn([]).min() == 1", "min called on empty list"),
        ("'%d'.format(['a']) == ''", "error during formatting: decimal clause can only be used on integers"),
        ("url('abc') == url('abc')", 'parse "abc": invalid URI for request'),
        ("ip('1.2.3') == ip('1.2.3')", 'IP Address "1.2.3" parse error during conversion from string'),
        ("ip('::ffff:1.2.3.4').isLoopback()", 'IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'),
        ("quantity('1x').isInteger()", "quantities must match the regular expression"),
        ("quantity('50m').asInteger() == 1", "cannot convert value to integer"),
        ("semver('1.2').major() == 1", "No Major.Minor.Patch elements found"),
        ("double('NaN') < 1.0", "NaN values cannot be ordered"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s') > timestamp(0)", "timestamp overflow"),
        ("timestamp(0).getHours('Nowhere/Else') == 0", "unknown time zone Nowhere/Else"),
        ("'a'.matches('(' + 'x')", "error parsing regexp: missing closing ): `(x`"),
    ],
)
def test_evaluation_fails(text: str, error: str) -> None:
    with pytest.raises(CelError) as failure:
        Environment({}).compile(text).evaluate({})
    assert error in str(failure.value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "[1, 'a', false].filter(x, string(x) == 'a')",
            "<input>:1:5: expected type 'int' but found 'string'",
        ),
        ("{'k1': 'a', 'k2': 1}", "expected type 'string' but found 'int'"),
        ("['a', 'b'].sum() == 'c'", "found no matching overload for 'sum' applied to 'list(string).()"),
        (
            "[{'a': 1}].max() == {}",
            "found no matching overload for 'max' applied to 'list(map(string, int)).()",
        ),
        ("1 + 'a'", "<input>:1:3: found no matching overload for '_+_' applied to '(int, string)'"),
        ("optional.of(1) + 1", "found no matching overload for '_+_' applied to '(optional_type(int), int)'"),
        ("x == 1", "<input>:1:1: undeclared reference to 'x' (in container '')"),
        ("f(1)", "<input>:1:2: undeclared reference to 'f' (in container '')"),
        ("'a'.f()", "<input>:1:6: undeclared reference to 'f' (in container '')"),
        ("authorizer.path('/healthz').check('get').allowed()", "undeclared reference to 'authorizer'"),
        ("1.all(x, true)", "expression of type 'int' cannot be range of a comprehension"),
        ("[1].all(x, x)", "expected type 'bool' but found 'int'"),
        ("1 && true", "<input>:1:1: expected type 'bool' but found 'int'"),
        ("'a'.b", "type 'string' does not support field selection"),
        ("[?1] == [1]", "expected type 'optional_type(int)' but found 'int'"),
        ("Object{a: 1}", "undeclared reference to 'Object' (in container '')"),
        ("duration('1x') == duration('1s')", "<input>:1:10: invalid duration argument"),
        ("timestamp('nope') == timestamp(0)", "<input>:1:11: invalid timestamp argument"),
        ("timestamp(-62135596801) == timestamp(0)", "<input>:1:11: invalid timestamp"),
        ("'a'.matches('(')", "<input>:1:13: invalid matches argument"),
        ("jsonpatch.escapeKey('a/b') == 'a~1b'", "undeclared reference to 'jsonpatch'"),
        ("'a'.reverse() == 'a'", "found no matching overload for 'reverse' applied to 'string.()'"),
    ],
)
def test_expression_does_not_compile(text: str, error: str) -> None:
    with pytest.raises(CompileError) as failure:
        Environment({}).compile(text)
    assert error in str(failure.value)


def test_compile_error_shows_every_place() -> None:
    with pytest.raises(CompileError) as failure:
        Environment({"self": types.INT}).compile("self + 'a' == b ||\n\tself == c")
    assert str(failure.value) == (
        "ERROR: <input>:1:6: found no matching overload for '_+_' applied to '(int, string)'\n"
        " | self + 'a' == b ||\n"
        " | .....^\n"
        "ERROR: <input>:1:15: undeclared reference to 'b' (in container '')\n"
        " | self + 'a' == b ||\n"
        " | ..............^\n"
        "ERROR: <input>:2:10: undeclared reference to 'c' (in container '')\n"
        " |  self == c\n"
        " | .........^"
    )


def test_result_of_another_type_is_told_apart() -> None:
    with pytest.raises(ResultTypeError) as failure:
        Environment({}).compile("1 + 1")
    assert failure.value.actual == "int"
    with pytest.raises(ResultTypeError):
        Environment({}).compile("dyn(true)")
    assert Environment({}).compile("'a' + 'b'", expected=types.STRING).evaluate({}) == "ab"
    assert Environment({}).compile("[1]", expected=None).type == types.list_of(types.INT)


def test_libraries_can_be_added() -> None:
    env = Environment({}, (*LIBRARIES, regex.json_patch_library()))
    assert env.compile("jsonpatch.escapeKey('k8s.io/my~label') == 'k8s.io~1my~0label'").evaluate({}) is True


def test_declared_objects_can_be_made() -> None:
    metadata = types.struct_of("Object.metadata", {"labels": types.map_of(types.STRING, types.STRING)})
    root = types.struct_of("Object", {"metadata": metadata, "kube-let": types.INT})
    env = Environment({}, structs={"Object": root, "Object.metadata": metadata})
    program = env.compile(
        "Object{metadata: Object.metadata{labels: {'a': 'b'}}, kube__dash__let: 1}", expected=root
    )
    assert program.evaluate({}) == {"metadata": {"labels": {"a": "b"}}, "kube-let": 1}
    with pytest.raises(CompileError, match="undefined field 'spec'"):
        env.compile("Object{spec: 1}", expected=None)
    with pytest.raises(CompileError, match="expected type of field 'kube__dash__let' is 'int'"):
        env.compile("Object{kube__dash__let: 'a'}", expected=None)


def test_program_says_what_it_reads() -> None:
    env = Environment({"self": types.INT, "oldSelf": types.INT})
    assert env.compile("self > 1").reads == {"self"}
    assert env.compile("[1].all(self, self > 0) && oldSelf > 1").reads == {"oldSelf"}


def test_deep_expressions_are_refused_not_fatal() -> None:
    env = Environment({})
    assert env.compile("(" * 200 + "true" + ")" * 200).evaluate({}) is True
    for text in ("(" * 300 + "true" + ")" * 300, "+".join(["1"] * 300) + " > 0", "[" * 300 + "]" * 300):
        with pytest.raises(CompileError, match="expression recursion limit exceeded: 250"):
            env.compile(text, expected=None)
    for opening, closing in (("dyn(", ")"), ("size([", "])"), ("[1].all(x, ", ")"), ("{'a': ", "}")):
        program = env.compile(opening * 50 + "true" + closing * 50, expected=None)
        assert program.cost_estimate().max > 0
        assert program.run({}, limits.UNBOUNDED).error is None
        with pytest.raises(CompileError, match="expression recursion limit exceeded: 250"):
            env.compile(opening * 300 + "true" + closing * 300, expected=None)
    assert env.compile(" || ".join(["false"] * 5000)).evaluate({}) is False
    with pytest.raises(
        CompileError, match="expression code point size exceeds limit: size: 100001, limit 100000"
    ):
        env.compile("1" * 100_001)


def test_schema_of_nothing_is_no_type() -> None:
    assert Type.from_schema({"x-kubernetes-preserve-unknown-fields": True}) is None
