from __future__ import annotations

import orjson
import pytest

from kubepy.api import go_json


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "unexpected end of JSON input"),
        (b"  ", "unexpected end of JSON input"),
        (b'{"a":', "unexpected end of JSON input"),
        (b'"abc', "unexpected end of JSON input"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"{a:1}", "invalid character 'a' looking for beginning of object key string"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b":1}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"{} x", "invalid character 'x' after top-level value"),
        (b"01", "invalid character '1' after top-level value"),
        (b"trve", "invalid character 'v' in literal true (expecting 'u')"),
        (b"-x", "invalid character 'x' in numeric literal"),
        (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
        (b"1ex", "invalid character 'x' in exponent of numeric literal"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b'"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"),
        (b'"a\nb"', "invalid character '\\n' in string literal"),
        (b"{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        (b"\x00", "invalid character '\\x00' looking for beginning of value"),
    ],
)
def test_go_says(body: bytes, message: str) -> None:
    with pytest.raises(go_json.SyntaxError) as raised:
        go_json.loads(body)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":"\\ud800"}', {"a": "\ufffd"}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\xff"', "\ufffd"),
        (b"[1e400]", [float("inf")]),
    ],
)
def test_go_takes_what_orjson_refuses(body: bytes, value: object) -> None:
    assert go_json.loads(body) == value


@pytest.mark.parametrize("levels", [200, 2_000, 200_000])
@pytest.mark.parametrize("pair", ["[]", '{"a":,}'])
def test_depth_is_bounded(levels: int, pair: str) -> None:
    opening, closing = (pair[:-1], pair[-1]) if pair == "[]" else ('{"a":', "}")
    body = (opening * levels + "1" + closing * levels).encode()
    with pytest.raises(go_json.SyntaxError, match="exceeded max depth"):
        go_json.loads(body)
    with pytest.raises(go_json.SyntaxError):
        go_json.loads(body[: len(body) // 2])


def test_many_brackets_are_no_depth() -> None:
    assert go_json.loads(b"[" + b"[],[{}]," * 500 + b"1]")[0] == []


@pytest.mark.parametrize(
    "number", ["18446744073709551615", "18446744073709551616", "-9223372036854775809", "1" * 5000]
)
def test_integers_that_no_64_bits_hold_are_floats_here_as_there(number: str) -> None:
    refused_by_orjson = b'{"n":%b,"x":"\xff"}' % number.encode()
    found = go_json.loads(refused_by_orjson)["n"]
    assert found == orjson.loads(number) if len(number) < 400 else found == float("inf")
