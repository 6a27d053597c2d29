import pytest

from kubepy.api.cel.functions.network import address_error, parse_url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "unable to parse IP"),
        ("abc", "unable to parse IP"),
        ("192.168.0.1.0", "IPv4 address too long"),
        ("1.2.3", "IPv4 address too short"),
        ("1.2..3", 'IPv4 field must have at least one digit (at ".3")'),
        ("1.2.3.04", "IPv4 field has octet with leading zero"),
        ("1.2.3.256", "IPv4 field has value >255"),
        ("1.2.3.a", 'unexpected character (at "a")'),
        ("2001:db8:::68", 'each colon-separated field must have at least one digit (at ":68")'),
        ("1::2::3", 'multiple :: in address (at ":3")'),
        ("1:2:3", "address string too short"),
        ("12345::", 'each group must have 4 or less digits (at "12345::")'),
        ("1:2:3:4:5:6:7:8:9", 'trailing garbage after address (at "9")'),
        ("1:g::", 'each colon-separated field must have at least one digit (at "g::")'),
        ("1:", 'colon must be followed by more characters (at ":")'),
        ("fe80::1%", "zone must be a non-empty string"),
    ],
)
def test_why_an_address_is_refused(text: str, reason: str) -> None:
    assert address_error(text).partition("): ")[2] == reason


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", 'parse "": empty url'),
        ("abc", 'parse "abc": invalid URI for request'),
        (":a", 'parse ":a": missing protocol scheme'),
        ("/%zz", 'parse "/%zz": invalid URL escape "%zz"'),
        ("http://a:b/", 'parse "http://a:b/": invalid port ":b" after host'),
        ("http://[::1/", "parse \"http://[::1/\": missing ']' in host"),
        ("http://a b/", 'parse "http://a b/": invalid character " " in host name'),
        ("/a\n", 'parse "/a\\n": net/url: invalid control character in URL'),
    ],
)
def test_why_a_url_is_refused(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=r"^parse") as failure:
        parse_url(text)
    assert str(failure.value) == error


def test_parts_of_a_url() -> None:
    url = parse_url("HTTPS://user:pw@example.com:8080/a b/%C3%A9?q=1&q=a+b&r#frag")
    assert (url.scheme, url.host, url.hostname, url.port) == (
        "https",
        "example.com:8080",
        "example.com",
        "8080",
    )
    assert url.path == "/a%20b/%C3%A9"
    assert url.parameters() == {"q": ["1", "a b"], "r": [""]}
