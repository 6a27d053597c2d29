import pytest

from kubepy.api import names

LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (
            names.dns1123_label,
            ["a", "1", "a-b", "a" * 63],
            ["", "A", "-a", "a-", "a.b", "a_b", "a" * 64, "a\n"],
        ),
        (names.dns1123_subdomain, ["a", "a.b", "1.2", "a" * 253], ["", "A", "a..b", ".a", "a_b", "a" * 254]),
        (names.dns1035_label, ["a", "a1", "a-b"], ["1a", "", "a.b", "A"]),
        (
            names.label_key,
            ["a", "A", "a.b_c-D", "x.y/z", "a" * 63],
            ["", "/a", "a/", "a/b/c", "-a", "X.y/z", "a" * 64],
        ),
        (names.label_value, ["", "a", "A_b.c-d", "a" * 63], ["-", "a b", "a/b", "a" * 64]),
        (names.port_name, ["http", "a1", "h-2"], ["", "1", "a--b", "-a", "HTTP", "a" * 16]),
        (names.config_key, ["a", ".a", "A_b-c.d"], ["", ".", "..", "..a", "a/b", "a" * 254]),
        (names.env_var_name, ["A", "a.b", "1 x"], ["", "a=b", "é"]),
        (names.path_segment, ["system:x", "A b"], [".", "..", "a/b", "a%b"]),
        (names.percent, ["1%", "100%"], ["1", "%", "-1%"]),
        (names.http_header_name, ["X-A"], ["", "X A"]),
        (names.c_identifier, ["a_1"], ["1a", "a-b"]),
        (names.wildcard_dns1123_subdomain, ["*.a"], ["*", "a", "*.*.a"]),
        (names.dns1123_subdomain_underscore, ["_a.b"], ["", "A"]),
    ],
)
def test_what_may_be_a_name(check, good, bad):
    assert [value for value in good if check(value)] == []
    assert [value for value in bad if not check(value)] == []


@pytest.mark.parametrize(
    ("check", "value", "messages"),
    [
        (names.dns1123_label, "A", [LABEL_TEXT]),
        (names.dns1123_label, "a.b", ["must not contain dots"]),
        (names.dns1123_label, "a" * 64, ["must be no more than 63 characters"]),
        (names.dns1123_subdomain, "", [SUBDOMAIN_TEXT]),
        (names.label_value, "a" * 64, ["must be no more than 63 bytes"]),
        (names.label_key, "/a", ["prefix part must be non-empty"]),
        (
            names.port_name,
            "-1--2",
            [
                "must contain at least one letter (a-z)",
                "must not contain consecutive hyphens",
                "must not begin or end with a hyphen",
            ],
        ),
        (names.config_key, "..x", ["must not start with '..'"]),
        (names.path_segment, "a/b%", ["may not contain '/'", "may not contain '%'"]),
    ],
)
def test_messages_are_upstreams(check, value, messages):
    assert check(value) == messages


def test_a_generate_name_may_end_in_a_dash():
    assert names.name_is_dns_label("web-", True) == []
    assert names.name_is_dns_label("web-", False) == [LABEL_TEXT]
    assert names.name_is_dns_label("-", True) != []
    assert names.mask_trailing_dash("ab-") == "aa"


def test_the_memory_of_a_check_is_bounded():
    memory = names._Memory(lambda value: [])
    for number in range(memory.COUNT_MAX + 10):
        memory[str(number)]
    memory["x" * 10_000]
    assert len(memory) <= memory.COUNT_MAX
    assert "x" * 10_000 not in memory
