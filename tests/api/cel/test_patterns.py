import random
import re

import pytest

from kubepy.api.cel import patterns
from kubepy.api.cel.errors import CelError
from kubepy.api.cel.regexp import parse


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a$", "a\n", False),
        ("(?m)^b$", "a\nb\nc", True),
        ("a.c", "a\nc", False),
        ("(?s)a.c", "a\nc", True),
        ("(?i)straße", "STRAßE", True),
        ("a(?i)b", "aB", True),
        ("(?:a(?i)b)c", "aBC", False),
        (r"\s", "\v", False),
        ("[[:space:]]", "\v", True),
        (r"\d\w", "٣é", False),
        (r"\pL\p{Lu}", "éÉ", True),
        (r"^\p{Greek}+$", "αβγ", True),
        (r"\Qa.b\E+", "a.bbb", True),
        (r"[\d-]+$", "1-2", True),
        ("[]a]+", "]]", True),
        ("a{2,3}$", "aaaa", True),
        ("^a{2,3}$", "aaaa", False),
        ("x{,2}", "x{,2}", True),
        (r"\x41\x{1F600}\101", "A😀A", True),
        (r"\bfoo\b", "a foo.", True),
        (r"\B", "", True),
        (r"\z", "a", True),
        ("(?P<name>a)(?<other>b)", "ab", True),
        ("", "", True),
    ],
)
def test_matches_as_re2(pattern: str, text: str, found: bool) -> None:
    assert patterns.matches(text, pattern) is found


@pytest.mark.parametrize(
    ("pattern", "error"),
    [
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?<!a)", "invalid or unsupported Perl syntax: `(?<`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a++", "invalid nested repetition operator: `++`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("[a", "missing closing ]: `[a`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(a{100}){100}", "invalid repeat count: `{100}`"),
        ("\\", "trailing backslash at end of expression: ``"),
        (r"\pX", r"invalid character class range: `\pX`"),
    ],
)
def test_refuses_what_re2_refuses(pattern: str, error: str) -> None:
    with pytest.raises(CelError) as failure:
        patterns.compile(pattern)
    assert str(failure.value) == f"error parsing regexp: {error}"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("[0-9]+", "a1b22", ["1", "22"]),
        ("a*", "aab", ["aa", ""]),
        ("a*?", "ab", ["", "", ""]),
        ("a|ab", "abab", ["a", "a"]),
        ("(a|ab)(c|bcd)*", "abcd", ["abcd"]),
        ("(a+)+", "aab a", ["aa", "a"]),
        ("x", "", []),
    ],
)
def test_finds_leftmost_first(pattern: str, text: str, found: list[str]) -> None:
    assert list(patterns.find_all(text, pattern)) == found


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(a*)*b", "(x|xx)*y", "a*a*a*b", "(.*)(.*)(.*)c"])
def test_time_is_linear(pattern: str) -> None:
    """With backtracking each of these would outlive us."""
    text = "ax" + "a" * 20_000 + "x" * 20_000
    assert patterns.matches(text, pattern) is False


def test_dns_names_run_on_re() -> None:
    found = parse(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    assert found._re is not None


def test_automaton_and_re_agree() -> None:
    rng = random.Random(7)

    def make(depth: int) -> str:
        kind = rng.random()
        if depth == 0 or kind < 0.4:
            return rng.choice(["a", "b", ".", "[ab]", r"\b", "^", "$"])
        if kind < 0.55:
            return make(depth - 1) + make(depth - 1)
        if kind < 0.7:
            return f"(?:{make(depth - 1)}|{make(depth - 1)})"
        return f"(?:{make(depth - 1)}){rng.choice(['*', '+', '?', '{1,2}', '*?', '+?', '??'])}"

    for _ in range(1500):
        pattern = make(4)
        text = "".join(rng.choice("ab\nc") for _ in range(rng.randint(0, 7)))
        expected = re.search(pattern.replace("$", r"\Z"), text) is not None
        found = parse(pattern)
        assert found._run(text) is expected, (pattern, text)
        assert found.search(text) is expected, (pattern, text)
