import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubepy.api import errors, selectors
from kubepy.api.selectors import from_label_selector, parse_fields, parse_labels

KEY_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        ("x=a,y=b,z=c", "x=a,y=b,z=c"),
        ("z=c,x=a", "x=a,z=c"),
        ("x!=a,y=b", "x!=a,y=b"),
        ("x==a", "x==a"),
        ("x=", "x="),
        ("x= ", "x="),
        ("x=,z= ", "x=,z="),
        (" x = a ", "x=a"),
        ("x in (b,a,a)", "x in (a,b)"),
        ("x notin ()", "x notin ()"),
        ("x in (,)", "x in ()"),
        ("x in (a,,de)", "x in (,a,de)"),
        ("!x,y", "!x,y"),
        ("in in (in,notin)", "in in (in,notin)"),
        ("x>1,z<5", "x>1,z<5"),
        ("example.com/a=b", "example.com/a=b"),
    ],
)
def test_a_selector_prints_canonically(text, canonical):
    assert str(parse_labels(text)) == canonical


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x=a y=b", "found 'y', expected: ',' or 'end of string'"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        (",x", "found ',', expected: !, identifier, or 'end of string'"),
        ("x=a,", "found '', expected: identifier after ','"),
        ("x,,y", "found ',', expected: identifier after ','"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("x y", "unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt"),
        ("x==", None),
        ("x===b", "unable to parse requirement: found '=', expected: identifier"),
        ("x in", "unable to parse requirement: found '' expected: '('"),
        ("x in a", "unable to parse requirement: found 'a' expected: '('"),
        ("x in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("x in (a", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("x in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"),
        (
            "x>a",
            'unable to parse requirement: values[0]: Invalid value: "a": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        ("-x=1", f'unable to parse requirement: <nil>: Invalid value: "-x": {KEY_TEXT}'),
    ],
)
def test_bad_text_is_a_bad_request_with_upstreams_words(text, why):
    if why is None:
        assert str(parse_labels(text)) == text
        return
    with pytest.raises(errors.BadRequest) as raised:
        parse_labels(text)
    assert raised.value.message == why


LABELS = {"app": "web", "tier": "front", "n": "5", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app=db", False),
        ("app!=db", True),
        ("missing!=x", True),
        ("missing=", False),
        ("empty=", True),
        ("app in (db,web)", True),
        ("missing in (a,b)", False),
        ("app notin (db,web)", False),
        ("missing notin (a)", True),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("n>4", True),
        ("n>5", False),
        ("n<6,app=web", True),
        ("app>1", False),
        ("missing<3", False),
    ],
)
def test_matching(text, matches):
    assert parse_labels(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("value", "is_number"),
    [
        ("9223372036854775807", True),
        ("9223372036854775808", False),
        ("-9223372036854775808", True),
        ("-9223372036854775809", False),
        ("+7", True),
        ("7.0", False),
    ],
)
def test_only_what_go_reads_as_an_int64_is_more_or_less_than_anything(value, is_number):
    assert (
        parse_labels("n>0").matches({"n": value}) or parse_labels("n<0").matches({"n": value})
    ) is is_number


def test_exact_pairs_serve_an_index():
    selector = parse_labels("a=1,b in (2),c in (3,4),d!=5")
    assert selector.exact == {"a": "1", "b": "2"}
    assert parse_labels("").is_empty and not selector.is_empty


def test_a_selector_is_no_truth_value():
    with pytest.raises(TypeError):
        bool(parse_labels("a"))


def test_none_selects_nothing_and_empty_everything():
    assert from_label_selector(None) is selectors.NOTHING
    assert not selectors.NOTHING.matches(LABELS) and not selectors.NOTHING.is_empty
    assert from_label_selector({}).matches({})
    assert from_label_selector({"matchLabels": {}}).is_empty


def test_a_label_selector_is_the_conjunction_of_both_parts():
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["front", "back"]},
            {"key": "gone", "operator": "DoesNotExist"},
            {"key": "n", "operator": "Exists"},
            {"key": "app", "operator": "NotIn", "values": ["db"]},
        ],
    }
    assert from_label_selector(selector).matches(LABELS)
    assert not from_label_selector(selector).matches(LABELS | {"gone": "x"})
    assert selectors.format_label_selector(selector) == "app=web,app notin (db),!gone,n,tier in (back,front)"
    assert selectors.format_label_selector({}) == "<none>"


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ({"key": "a", "operator": "Near"}, '"Near" is not a valid label selector operator'),
        (
            {"key": "a", "operator": "In"},
            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            {"key": "a", "operator": "Exists", "values": ["x"]},
            'values: Invalid value: ["x"]: values set must be empty for exists and does not exist',
        ),
    ],
)
def test_a_bad_label_selector_is_a_value_error(expression, why):
    with pytest.raises(ValueError) as raised:
        from_label_selector({"matchExpressions": [expression]})
    assert str(raised.value) == why
    assert selectors.format_label_selector({"matchExpressions": [expression]}) == "<error>"


@given(st.text(alphabet="ab=!,()<> innot\0-", max_size=20))
def test_any_text_parses_or_is_a_bad_request(text):
    try:
        selector = parse_labels(text)
    except errors.BadRequest:
        return
    assert str(parse_labels(str(selector))) == str(selector)


# -- fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("", []),
        ("a=b", [("a", "=", "b")]),
        ("x==y", [("x", "=", "y")]),
        ("c!=d,a=b", [("a", "=", "b"), ("c", "!=", "d")]),
        (",a=,", [("a", "=", "")]),
        ("=,!=", []),
        (r"a=b\,c\=d\\", [("a", "=", r"b,c=d" + "\\")]),
    ],
)
def test_field_selectors(text, requirements):
    assert [tuple(requirement) for requirement in parse_fields(text).requirements] == requirements


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
        (r"a=b\x", "invalid field selector: invalid escape sequence: \\x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_bad_field_selectors(text, why):
    with pytest.raises(errors.BadRequest) as raised:
        parse_fields(text)
    assert raised.value.message == why


def test_field_selectors_match_and_print():
    selector = parse_fields(r"a=1\,2,b!=3")
    values = {"a": "1,2"}
    assert selector.matches(lambda field: values.get(field, ""))
    assert not selector.matches(lambda field: "3")
    assert str(selector) == r"a=1\,2,b!=3"
    assert selector.exact == {"a": "1,2"}
