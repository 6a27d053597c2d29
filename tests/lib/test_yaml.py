import pytest

from kubepy.lib import yaml


# The right column is what kubectl 1.37 makes of the left one (`annotate --local -o json`).
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("on", True), ("y", True), ("NO", False), ("n", False), ("014", 12), ("0o14", 12), ("1e3", 1000),
        ("0x1F", 31), ("0b11", 3), ("1_000", 1000), ("2020-01-01", "2020-01-01"), ("1:30", "1:30"), ("=", "="),
        ("1.5", 1.5), ("1.2.3", "1.2.3"), ("~", None), ("", None), ('"1"', "1"), ("!!binary aGVsbG8=", "hello"),
        ("-7", -7), (".5", 0.5), ("1.0", 1), ("null", None), ("nan", "nan"), ("08", 8),
        ("18446744073709551615", 2**64 - 1), ("18446744073709551616", 2.0**64), ("-9223372036854775809", -(2.0**63)),
        ("0x1ffffffffffffffff", "0x1ffffffffffffffff"),
    ],
)  # fmt: skip
def test_scalars_are_what_kubectl_makes_of_them(text, value):
    loaded = yaml.load(f"a: {text}")["a"]
    assert loaded == value and type(loaded) is type(value)


def test_keys_are_strings_and_merges_merge():
    assert yaml.load("1: a\ntrue: b") == {"1": "a", "true": "b"}
    assert yaml.load("x: &x {a: 1}\nz: {<<: *x, b: 2}")["z"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("null: c", 'unsupported map key of type: %!s(<nil>), key: <nil>, value: "c"'),
        ("~:", "unsupported map key of type: %!s(<nil>), key: <nil>, value: <nil>"),
        ("? [1, b]\n: c", 'yaml: invalid map key: []interface {}{1, "b"}'),
        (
            "a: {{ .Values }}",
            'yaml: invalid map key: map[interface {}]interface {}{".Values":interface {}(nil)}',
        ),
    ],
)
def test_what_can_be_no_key(text, why):
    with pytest.raises(yaml.Error) as caught:
        yaml.load(text)
    assert yaml.go_text(caught.value) == why


def test_a_number_beyond_all_numbers_is_a_text():
    assert yaml.load("a: 1e400\n1e400: b") == {"a": "1e400", "1e400": "b"}


def test_infinity_has_no_json():
    with pytest.raises(yaml.Error, match="unsupported value"):
        yaml.load("a: .inf")


def test_all_documents_without_the_empty_ones():
    assert yaml.load_all("a: 1\n---\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def test_lines_of_nested_keys():
    assert yaml.lines_of("a: 1\n\nb:\n  c: 2\n") == {("a",): 1, ("b",): 3, ("b", "c"): 4}


def test_a_dump_loads_back():
    value = {"b": [1, "x: y"], "a": {"on": "off"}}
    assert yaml.load(yaml.dump(value)) == value
    assert yaml.dump({"b": 1, "a": 2}) == "b: 1\na: 2\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("8", '"8"'), ("2026-11-23T16:32:37Z", '"2026-11-23T16:32:37Z"'), ("x: y", "'x: y'"), ("a\nb\n", "|\n  a\n  b"),
        ("a\nb", "|-\n  a\n  b"), ("", '""'), ("yes", '"yes"'), ("n", '"n"'), ("1e3", '"1e3"'), ("#x", "'#x'"),
        ("*", "'*'"), ("12:30:45", '"12:30:45"'), ("~", '"~"'), ("=", "'='"), (" lead", "' lead'"),
        ("tab\tx", '"tab\\tx"'), ("é", "é"), ("0x1", '"0x1"'),
    ],
)  # fmt: skip
def test_a_dump_quotes_as_a_server_does(value, text):
    assert yaml.dump({"k": value}) == f"k: {text}\n"


def test_a_dump_may_be_by_name():
    assert yaml.dump({"b": {"d": 1, "c": 2}, "a": None}, sort_keys=True) == "a: null\nb:\n  c: 2\n  d: 1\n"


def test_aliases_of_aliases_are_looked_at_once() -> None:
    levels = "\n".join(f"k{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], k: {n}}}" for n in range(1, 30))
    assert yaml.duplicate_keys(f"k0: &a0 {{a: 1, a: 2}}\n{levels}") == [(1, "a")]
