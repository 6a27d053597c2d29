"""Whatever an author writes, the answer is a program or a CompileError, and a value or a CelError."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kubepy.api.cel import CelError, CompileError, Environment, types

ENV = Environment(
    {
        "self": types.DYN,
        "l": types.list_of(types.INT),
        "s": types.STRING,
        "m": types.map_of(types.STRING, types.DYN),
    }
)
TOKENS = st.sampled_from(
    [
        *(
            "self",
            "l",
            "s",
            "m",
            "x",
            "a",
            "1",
            "2u",
            "1.5",
            "'a'",
            "b'a'",
            "true",
            "null",
            "in",
            "dyn",
            "type",
            "size",
        ),
        *(
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ".",
            ",",
            ":",
            "?",
            "!",
            "-",
            "+",
            "*",
            "/",
            "%",
            "==",
            "<",
            "&&",
            "||",
        ),
        *(
            ".all(x, ",
            ".map(x, ",
            ".filter(x, ",
            ".?a",
            "[?",
            "optional.of(",
            ".orValue(",
            "duration('1s')",
            "has(",
        ),
        *(
            ".matches('",
            ".format([",
            ".sort()",
            ".split(",
            "ip('::1')",
            "quantity('1')",
            ".transformMap(k, v, ",
        ),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TOKENS, max_size=25).map("".join), VALUES)
def test_token_soup(text: str, value: object) -> None:
    try:
        program = ENV.compile(text, expected=None)
    except CompileError as error:
        assert str(error)
        return
    assert program.cost_estimate().max >= 0
    outcome = program.run({"self": value, "l": [1, 2], "s": "a1", "m": {"a": value}})
    assert outcome.error is None or isinstance(outcome.error, CelError)


SOURCES = st.sampled_from(
    [
        "self.a", "self[0]", "self['a']", "self == self", "self < 1", "self + self", "size(self)", "self in l",
        "self.all(x, x)", "self.map(x, x)", "-self", "!self", "self ? 1 : 2", "string(self)", "int(self)",
        "self.startsWith('a')", "self.?a", "self[?0]", "{self: 1}", "self.sort()", "self.sum()", "self.join(',')",
        "'%s %d'.format([self, self])", "type(self)", "self.exists_one(x, x == 1)", "self.a.b.c", "has(self.a)",
        "[self].distinct()", "sets.contains([self], l)", "self.getFullYear()", "self.find('a')", "self.flatten()",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(SOURCES, VALUES)
def test_any_value_in_any_operation(text: str, value: object) -> None:
    outcome = ENV.compile(text, expected=None).run({"self": value, "l": [1], "s": "", "m": {}})
    assert outcome.error is None or isinstance(outcome.error, CelError)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    try:
        ENV.compile(text, expected=None)
    except CompileError as error:
        assert str(error)
