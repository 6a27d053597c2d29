from __future__ import annotations

import pytest

from kubepy.api import formats


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("bsonobjectid", ["507f1f77bcf86cd799439011"], ["507f"]),
        ("uri", ["http://a.b/c?d=e", "/path"], ["a b", "", "noscheme", "http://%zz"]),
        ("email", ["a@b.c", "Ann <a@b.c>"], ["a", "a@", "@b"]),
        (
            "hostname",
            ["a.example.com", "a-b", "1a.com", "ab"],
            ["-a", "a_b", "a..b", "x" * 64, "a.b", "my-host", "1.2.3.4"],
        ),
        ("ipv4", ["10.0.0.1"], ["10.0.0", "::1"]),
        ("ipv6", ["::1"], ["10.0.0.1", "g::"]),
        ("cidr", ["10.0.0.0/8", "fd00::/64"], ["10.0.0.0", "10.0.0.0/33"]),
        ("mac", ["01:23:45:67:89:ab", "0123.4567.89ab"], ["01:23:45:67:89", "01:23-45:67:89:ab"]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567"]),
        ("uuid4", ["123e4567-e89b-42d3-a456-426614174000"], ["123e4567-e89b-12d3-a456-426614174000"]),
        ("isbn", ["0321751043", "978-0321751041"], ["0321751044", "978-0321751042"]),
        ("creditcard", ["4111 1111 1111 1111"], ["4111 1111 1111 1112"]),
        ("ssn", ["111-22-3333"], ["111-22-333"]),
        ("hexcolor", ["#FFF", "a0b0c0"], ["#FFFF"]),
        ("rgbcolor", ["rgb(1, 2, 255)"], ["rgb(1,2,256)"]),
        ("byte", ["YWJj"], ["YWJ", ""]),
        ("password", ["", "x"], []),
        ("date", ["2026-02-28"], ["2026-02-30", "2026-2-1"]),
        ("duration", ["22ns", "1h2m", "22 seconds"], ["h", "1 fortnight"]),
        ("date-time", ["2014-12-15T19:30:20.000Z"], ["2014-12-15", "2014-12-15T25:30:20Z"]),
        ("k8s-short-name", ["a-1"], ["A", "a.b"]),
        ("k8s-long-name", ["a.b"], ["A"]),
    ],
)
def test_formats_tell_good_from_bad(format_: str, good: list[str], bad: list[str]) -> None:
    check = formats.check(format_)
    assert check is not None
    assert [text for text in good if not check(text)] == []
    assert [text for text in bad if check(text)] == []


@pytest.mark.parametrize(
    ("format_", "type_", "known"),
    [
        ("date-time", "string", True),
        ("datetime", "", True),
        ("foo", "string", False),
        ("int32", "integer", True),
        ("int32", "string", False),
        ("double", "number", True),
        ("date", "object", False),
    ],
)
def test_formats_belong_to_types(format_: str, type_: str, known: bool) -> None:
    assert formats.is_recognized(format_, type_) is known


# What a kube-apiserver 1.36 says of texts that are easily judged otherwise.
@pytest.mark.parametrize(
    ("text", "is_of", "is_not_of"),
    [
        ("01.2.3.4", ("ipv4",), ("ipv6",)),
        ("::ffff:1.2.3.4", ("ipv4", "ipv6"), ()),
        ("001122334455", ("mac",), ("ssn",)),
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", ("duration", "uuid"), ()),
        ("P1D", ("duration",), ()),
        ("1h ", ("duration",), ()),
        ("1y", (), ("duration",)),
        ("123456789", (), ("ssn",)),
        ("123-45-6789", ("ssn",), ()),
        ("2024-01-01T00:00:00", (), ("date-time",)),
        ("2024-01-01 00:00:00Z", (), ("date-time",)),
        ("2024-01-01t00:00:00.5z", ("date-time",), ()),
    ],
)
def test_texts_that_are_easily_misjudged(
    text: str, is_of: tuple[str, ...], is_not_of: tuple[str, ...]
) -> None:
    for name, wanted in (*((name, True) for name in is_of), *((name, False) for name in is_not_of)):
        check = formats.check(name)
        assert check is not None and check(text) is wanted
