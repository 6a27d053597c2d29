import pytest

from kubepy.api.cel.errors import CompileError
from kubepy.api.cel.parser import parse

STARTS = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', "
    "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("1 +", f"1:4: Syntax error: mismatched input '<EOF>' expecting {STARTS}"),
        ("", f"1:0: Syntax error: mismatched input '<EOF>' expecting {STARTS}"),
        ("in", f"1:1: Syntax error: mismatched input 'in' expecting {STARTS}"),
        ("*@a | b", f"1:1: Syntax error: extraneous input '*' expecting {STARTS}"),
        ("a | b", "1:3: Syntax error: token recognition error at: '| '"),
        ("1 + $", "1:5: Syntax error: token recognition error at: '$'"),
        ("1.0\n3 +", "2:1: Syntax error: mismatched input '3' expecting <EOF>"),
        ("TestAllTypes(){}", "1:15: Syntax error: mismatched input '{' expecting <EOF>"),
        ("{a}", "1:3: Syntax error: mismatched input '}' expecting ':'"),
        ('{"a": 1}."a"', "1:10: Syntax error: no viable alternative at input '.\"a\"'"),
        ("self.true == 1", "1:6: Syntax error: mismatched input 'true' expecting IDENTIFIER"),
        ("(1", "1:3: Syntax error: missing ')' at '<EOF>'"),
        ("[1", "1:3: Syntax error: mismatched input '<EOF>' expecting {']', ','}"),
        ("[1,", "1:4: Syntax error: missing ']' at '<EOF>'"),
        ("[1)", "1:3: Syntax error: mismatched input ')' expecting {']', ','}"),
        ("[1 2]", "1:4: Syntax error: extraneous input '2' expecting {']', ','}"),
        ("{1:2", "1:5: Syntax error: mismatched input '<EOF>' expecting {'}', ','}"),
        ("{1:2,", "1:6: Syntax error: missing '}' at '<EOF>'"),
        (
            "A{",
            "1:3: Syntax error: mismatched input '<EOF>' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}",
        ),
        ("A{a:1 b:2}", "1:7: Syntax error: mismatched input 'b' expecting {'}', ','}"),
        (
            "[",
            "1:2: Syntax error: mismatched input '<EOF>' expecting "
            + STARTS.replace("'{', '(', '.', '-', '!'", "']', '{', '(', '.', ',', '-', '!', '?'"),
        ),
        (
            "a(",
            "1:3: Syntax error: mismatched input '<EOF>' expecting " + STARTS.replace("'(',", "'(', ')',"),
        ),
        (
            "a[",
            "1:3: Syntax error: mismatched input '<EOF>' expecting " + STARTS.replace("'!',", "'!', '?',"),
        ),
        ("x{?.", "1:4: Syntax error: mismatched input '.' expecting {IDENTIFIER, ESC_IDENTIFIER}"),
        ("a.`b-c`", "1:3: unsupported syntax: '`'"),
        ("'\\xFh'", "1:1: Syntax error: token recognition error at: ''\\xFh'"),
        ("namespace == 1", "1:1: reserved identifier: namespace"),
        ("9223372036854775808", "1:1: invalid int literal"),
        ("1" * 5000, "1:1: invalid int literal"),
        ("18446744073709551616u", "1:1: invalid uint literal"),
        ("1e999", "1:1: invalid double literal"),
        ("'\\uD800'", "1:1: invalid unicode code point"),
        ("has(a)", "1:5: invalid argument to has() macro"),
        ("[].all(a.b, true)", "1:9: argument must be a simple name"),
        ("[].map(1, true)", "1:8: argument is not an identifier"),
        ("[].all(__result__, true)", "1:8: iteration variable overwrites accumulator variable"),
        ("[].all(x, x, true)", "1:11: duplicate variable name: x"),
        ("optional.of(1).optMap(a.b, 1)", "1:24: optMap() variable name must be a simple identifier"),
    ],
)
def test_error_and_its_place(text: str, first: str) -> None:
    with pytest.raises(CompileError) as failure:
        parse(text)
    assert str(failure.value).split("\n")[0] == f"ERROR: <input>:{first}"


def test_caret_under_wide_characters() -> None:
    with pytest.raises(CompileError) as failure:
        parse("'é' + $")
    assert str(failure.value).split("\n")[1:3] == [" | 'é' + $", " | .．....^"]


@pytest.mark.parametrize(
    "text",
    [
        "a.b.c // comment\n  == 1",
        "[1, 2,]",
        "{'a': 1,}",
        "[?a, b]",
        "{?'a': b}",
        "a.?b[?0].c",
        ".a == a",
        "--1 == !!true",
        "a ? b : c ? d : e",
        "x in y",
        "'''multi\nline'''",
    ],
)
def test_syntax_is_taken(text: str) -> None:
    parse(text)
