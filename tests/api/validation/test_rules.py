"""Cases of apimachinery pkg/util/validation/ip_test.go."""

import pytest

from kubepy.api.validation.rules import CIDR_TEXT, IP_TEXT, check_cidr, check_ip

ZEROS, ZEROS_IN_CIDR = "must not have leading 0s", "must not have leading 0s in IP or prefix length"
MAPPED, MAPPED_IN_CIDR = (
    "must not be an IPv4-mapped IPv6 address",
    "must not have an IPv4-mapped IPv6 address",
)
BITS = "must not have bits set beyond the prefix length"


def found(check, value):
    errors = []
    check(value, "p", errors)
    return [error.detail for error in errors]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1.2.3.4", ""), ("0.0.0.0", ""), ("::1", ""), ("fe80::0001", ""), ("2a00:79e0:2:0:f1c3:e797:93c1:df80", ""),
        ("1.2.3.04", ZEROS), ("010.2.3.4", ZEROS), ("::ffff:01.2.3.4", ZEROS),
        ("::ffff:1.2.3.4", MAPPED),
        ("", IP_TEXT), ("1.2.3", IP_TEXT), ("256.1.1.1", IP_TEXT), ("0256.1.1.1", IP_TEXT), ("fe80::1%eth0", IP_TEXT),
        ("1.2.3.4/24", IP_TEXT), ("-1.0.0.0", IP_TEXT), ("myhost.mydomain", IP_TEXT),
    ],
)  # fmt: skip
def test_ip(text, why):
    assert found(check_ip, text) == ([why] if why else [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1.0.0.0/8", ""), ("0.0.0.0/0", ""), ("::/0", ""), ("2001:db8::/32", ""),
        ("1.002.0.0/16", ZEROS_IN_CIDR), ("1.0.0.0/08", ZEROS_IN_CIDR), ("::/001", ZEROS_IN_CIDR),
        ("1.2.3.4/8", BITS), ("2001:db8::1/64", BITS),
        ("::ffff:1.2.3.4/128", MAPPED_IN_CIDR),
        ("1.2.3.4", CIDR_TEXT), ("1.2.3.4/33", CIDR_TEXT), ("1.2.3.4/+8", CIDR_TEXT), ("1.2.3.4/", CIDR_TEXT),
    ],
)  # fmt: skip
def test_cidr(text, why):
    assert found(check_cidr, text) == ([why] if why else [])
