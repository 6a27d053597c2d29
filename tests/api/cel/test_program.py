import pytest

from kubepy.api.cel import (
    CelError,
    CostExceeded,
    Duration,
    Environment,
    Optional,
    Timestamp,
    Type,
    Uint,
    types,
)

SCHEMA = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer"},
        "name": {"type": "string"},
        "ratio": {"type": "number"},
        "ratios": {"type": "array", "items": {"type": "number"}},
        "when": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "times": {"type": "array", "items": {"type": "string", "format": "date-time"}},
        "timeout": {"type": "string", "format": "duration"},
        "data": {"type": "string", "format": "byte"},
        "port": {"x-kubernetes-int-or-string": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "nullable": {"type": "object", "additionalProperties": {"type": "string", "nullable": True}},
        "my-field": {"type": "string"},
        "namespace": {"type": "string"},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "at": {"type": "integer"}},
            },
        },
    },
}
SELF = Type.from_schema(SCHEMA)
assert SELF is not None
ENV = Environment({"self": SELF, "oldSelf": types.optional_of(SELF)})
OBJECT = {
    "replicas": 3,
    "name": "web",
    "ratio": 1,
    "ratios": [1, 2.5],
    "when": "2020-01-02T03:04:05Z",
    "day": "2020-01-02",
    "times": ["2020-01-02T03:04:05Z", "2020-01-02T04:04:05+01:00"],
    "timeout": "1m",
    "data": "aGk=",
    "port": "http",
    "labels": {"app": "web", "a.b/c": "d"},
    "nullable": {"a": None},
    "my-field": "x",
    "namespace": "default",
    "items": [{"name": "a", "at": 1}, {"name": "b", "at": 2}],
}


@pytest.mark.parametrize(
    "rule",
    [
        "self.replicas == 3 && self.name == 'web'",
        "type(self.replicas) == int",
        "self.ratio / 2.0 == 0.5 && type(self.ratio) == double",
        "type(self.ratios[0]) == double && self.ratios.all(r, type(r) == double)",
        "self.ratios == [1.0, 2.5]",
        "self.when.getFullYear() == 2020 && self.when == timestamp('2020-01-02T03:04:05Z')",
        "self.day == timestamp('2020-01-02T00:00:00Z')",
        "self.times[0] == self.times[1] && self.times.all(t, t.getHours() == 3)",
        "timestamp('2020-01-02T03:04:05Z') in self.times && self.times.isSorted()",
        "self.timeout.getSeconds() == 60",
        "self.data == b'hi' && size(self.data) == 2",
        "type(self.port) == string ? self.port == 'http' : self.port > 0",
        "self.labels.app == 'web' && self.labels['a.b/c'] == 'd'",
        "has(self.labels.app) && !has(self.labels.other) && 'app' in self.labels",
        "'a' in self.nullable && type(self.nullable['a']) == null_type",
        "self.my__dash__field == 'x' && self.__namespace__ == 'default'",
        "self.items.all(i, i.at > 0) && self.items.map(i, i.name) == ['a', 'b']",
        "self.items.exists_one(i, i.name == 'a')",
        "self.items.all(i, self.items.exists_one(j, i.name == j.name))",
        "self.items == self.items && self == self",
        "dyn(self).my__dash__field == 'x'",
        "self.?name.orValue('') == 'web'",
        "self.items[?5].hasValue() == false && self.items[?0].name.value() == 'a'",
        "oldSelf.replicas.orValue(0) == 2 && oldSelf.optMap(o, o.replicas).value() == 2",
        "self.labels.transformList(k, v, k + v).size() == 2",
    ],
)
def test_rule_over_json(rule: str) -> None:
    assert ENV.compile(rule).evaluate({"self": OBJECT, "oldSelf": Optional({"replicas": 2})}) is True


@pytest.mark.parametrize("absent", [{}, {"name": None, "when": None, "labels": None}])
def test_null_in_a_field_is_absent(absent: dict[str, object]) -> None:
    variables = {"self": absent}
    assert ENV.compile("!has(self.name) && !has(self.when)").evaluate(variables) is True
    assert ENV.compile("self.?name.hasValue() || self.?when.hasValue()").evaluate(variables) is False
    for rule in ("self.name == ''", "self.when == timestamp(0)", "has(self.labels.app)"):
        with pytest.raises(CelError, match=r"no such key: (name|when|labels)"):
            ENV.compile(rule).evaluate(variables)


def test_rule_on_a_scalar_of_a_format() -> None:
    when = Type.from_schema({"type": "string", "format": "date-time"})
    times = Type.from_schema({"type": "array", "items": {"type": "string", "format": "date-time"}})
    assert when is not None
    assert times is not None
    env = Environment({"self": when, "oldSelf": types.optional_of(when)})
    program = env.compile("self.getFullYear() == 2020 && oldSelf.optMap(o, o < self).orValue(true)")
    new, old = "2020-01-02T03:04:05Z", "2019-01-02T03:04:05Z"
    assert program.evaluate({"self": new, "oldSelf": Optional(old)}) is True
    assert program.evaluate({"self": new, "oldSelf": Optional(None, False)}) is True
    broken = program.run({"self": "yesterday", "oldSelf": Optional(old)})
    assert str(broken.error) == "Invalid date-time: yesterday"
    assert (
        Environment({"self": times}).compile("self.all(t, t > timestamp(0))").evaluate({"self": [new]})
        is True
    )


def test_fields_of_other_variables_may_be_null() -> None:
    request = types.struct_of("request", {"options": types.DYN})
    env = Environment({"request": request})
    assert env.compile("request.options == null").evaluate({"request": {"options": None}}) is True


def test_values_of_another_type_fail_without_a_python_error() -> None:
    for rule in (
        "self.replicas + 1 > 0",
        "self.items.all(i, i.at > 0)",
        "self.labels.app == ''",
        "self.name < 'a'",
    ):
        wrong = {"self": {"replicas": "x", "items": 1, "labels": "y", "name": 7}}
        with pytest.raises(CelError, match=r"no such overload|no such key"):
            ENV.compile(rule).evaluate(wrong)


def test_missing_variable_is_named() -> None:
    with pytest.raises(CelError, match="no such attribute"):
        ENV.compile("self.replicas == 1").evaluate({})


def test_loop_stops_at_the_budget() -> None:
    env = Environment({"self": types.list_of(types.INT)})
    many = {"self": list(range(10_000))}
    program = env.compile("self.all(x, self.all(y, x + y >= 0))")
    with pytest.raises(CostExceeded, match="operation cancelled: actual cost limit exceeded"):
        program.evaluate(many)
    outcome = program.run(many, 1000)
    assert isinstance(outcome.error, CostExceeded)
    assert 1000 < outcome.cost < 1100
    # neither || nor exists() takes it for an error like others
    with pytest.raises(CostExceeded):
        env.compile("self.all(x, self.all(y, x + y >= 0)) || true").evaluate(many)
    with pytest.raises(CostExceeded):
        env.compile("[0, 1].exists(z, self.all(x, self.all(y, x + y >= 0)) || z == 1)").evaluate(many)


def test_large_ranges_are_refused_before_they_are_made() -> None:
    with pytest.raises(CostExceeded):
        Environment({}).compile("lists.range(1000000000000).size() > 0").evaluate({})


@pytest.mark.parametrize(
    "rule",
    [
        "s.replace('', s).size() > 0",
        "s.split('').join(s).size() > 0",
        "(" + " + ".join(["l"] * 100) + ").size() > 0",
    ],
)
def test_small_rules_cannot_build_large_values(rule: str) -> None:
    env = Environment({"s": types.STRING, "l": types.list_of(types.INT)})
    with pytest.raises(CostExceeded):
        env.compile(rule).evaluate({"s": "x" * 100_000, "l": [1] * 1_000_000})


def test_cost_of_one_branch_only() -> None:
    env = Environment({"self": types.BOOL})
    program = env.compile("self ? [1, 2].all(x, x > 0) : false")
    assert program.run({"self": True}).cost > program.run({"self": False}).cost == 1


def test_results_are_values() -> None:
    env = Environment({})
    for text, wanted in (
        ("1u", Uint(1)),
        ("b'a'", b"a"),
        ("duration('1s')", Duration(10**9)),
        ("timestamp(1)", Timestamp(10**9)),
        ("{'a': [null]}", {"a": [None]}),
        ("null", None),
    ):
        value = env.compile(text, expected=None).evaluate({})
        assert value == wanted
        assert type(value) is type(wanted)


def test_input_is_not_changed() -> None:
    env = Environment({"self": types.list_of(types.INT)})
    items = [3, 1, 2]
    assert env.compile("(self + [4]).sort() == [1, 2, 3, 4] && self.reverse() == [2, 1, 3]").evaluate(
        {"self": items}
    )
    assert items == [3, 1, 2]


@pytest.mark.parametrize("operator", ["||", "&&"])
def test_of_two_failures_the_first_is_told(operator):
    rule = f"self.name == 'x' {operator} self.replicas == 1"
    with pytest.raises(CelError, match="no such key: name"):
        ENV.compile(rule).evaluate({"self": {}})
