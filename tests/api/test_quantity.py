import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubepy.api import quantity

# Source: apimachinery pkg/api/resource/quantity_test.go (TestQuantityParse, TestQuantityString, ...).
SPELLINGS = [
    ("0", "0"),
    ("0n", "0"),
    ("-0", "0"),
    ("000", "0"),
    ("1", "1"),
    ("100m", "100m"),
    ("1000m", "1"),
    ("1500m", "1500m"),
    ("0.1", "100m"),
    (".5", "500m"),
    ("5.", "5."),
    ("1000", "1k"),
    ("1001", "1001"),
    ("1000000k", "1G"),
    ("12e6", "12e6"),
    ("1e3", "1e3"),
    ("100E", "100E"),
    ("1Ki", "1Ki"),
    ("1024Mi", "1Gi"),
    ("1500Mi", "1500Mi"),
    ("1.5Gi", "1536Mi"),
    ("0.5Gi", "512Mi"),
    ("0.5Ki", "512"),
    ("0.0005Mi", "524288m"),
    ("100Ki", "100Ki"),
    ("-1.5", "-1500m"),
    ("-100Mi", "-100Mi"),
    ("0.0001n", "1n"),
    ("1.1n", "2n"),
    ("10Ei", "9223372036854775807"),
    ("100000000000000000000", "100E"),
]


@pytest.mark.parametrize(("text", "stored"), SPELLINGS)
def test_a_quantity_is_stored_as_kubernetes_stores_it(text, stored):
    assert quantity.parse(text).text == stored
    assert quantity.normalize(f" {text} ") == stored


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", quantity.FORMAT_WRONG),
        (" 1", quantity.FORMAT_WRONG),
        ("1 ", quantity.FORMAT_WRONG),
        ("1.1.M", quantity.FORMAT_WRONG),
        ("1+1.0M", quantity.FORMAT_WRONG),
        ("aoeu", quantity.FORMAT_WRONG),
        ("0.1mi", quantity.SUFFIX_WRONG),
        (".5i", quantity.SUFFIX_WRONG),
        ("-3.01e-", quantity.SUFFIX_WRONG),
        ("1e9999999999999", quantity.NUMERIC_WRONG),
        ("1" * 2000, quantity.NUMERIC_WRONG),
    ],
)
def test_bad_text_is_a_value_error_with_gos_words(text, why):
    with pytest.raises(ValueError) as raised:
        quantity.parse(text)
    assert str(raised.value) == why
    assert not quantity.is_valid(text)


def test_true_is_no_quantity():
    with pytest.raises(ValueError):
        quantity.parse(True)


@pytest.mark.parametrize(
    ("text", "value", "milli"),
    [
        ("100m", 1, 100),
        ("1Gi", 1 << 30, 1000 << 30),
        ("1n", 1, 1),
        ("-1.5", -2, -1500),
        ("2", 2, 2000),
        (3, 3, 3000),
    ],
)
def test_rounding_is_away_from_zero(text, value, milli):
    assert quantity.value(text) == value
    assert quantity.milli(text) == milli


def test_arithmetic_is_exact_and_keeps_the_first_format():
    total = quantity.parse("100m") + quantity.parse("200m")
    assert total == quantity.parse("0.3")
    assert str(quantity.parse("1Gi") + quantity.parse("1Ki")) == "1048577Ki"
    assert str(quantity.ZERO + quantity.parse("1Ki")) == "1Ki"
    assert str(quantity.parse("1") - quantity.parse("1001m")) == "-1m"
    assert -quantity.parse("5") == quantity.parse("-5")


def test_equality_ignores_the_spelling():
    assert quantity.parse("1024Mi") == quantity.parse("1Gi")
    assert hash(quantity.parse("1024Mi")) == hash(quantity.parse("1Gi"))
    assert quantity.parse("1k") > quantity.parse("999")
    assert not quantity.ZERO


@given(st.integers(-(10**24), 10**24), st.sampled_from([quantity.DECIMAL_SI, quantity.BINARY_SI]))
def test_the_canonical_text_means_the_same_amount(nanos, format):
    made = quantity.Quantity(nanos, format)
    text = made.canonical()
    assert quantity.parse(text).nanos == nanos
    # A binary amount below or beside the suffixes is read as a decimal one.
    if text.endswith("i") or format == quantity.DECIMAL_SI:
        assert quantity.parse(text).text == text
