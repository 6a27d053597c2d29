from __future__ import annotations

import base64

import orjson
import pytest

from kubepy.api.errors import BadRequest
from kubepy.apiserver.registry import continuation


def _token(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def test_a_token_says_where_to_go_on_and_as_of_when() -> None:
    assert continuation.decode(continuation.after(12, "default/web-0")) == (12, "default/web-0\0")


def test_the_token_has_upstreams_format() -> None:
    padded = continuation.after(12, "web-0") + "=="
    assert base64.urlsafe_b64decode(padded) == b'{"v":"meta.k8s.io/v1","rv":12,"start":"/web-0\\u0000"}'


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("!!", "continue key is not valid"),
        (_token([]), "json: cannot unmarshal array into Go value of type storage.continueToken"),
        (_token(None), "server does not recognize this encoded version "),
        (
            _token({"v": 1}),
            "json: cannot unmarshal number into Go struct field continueToken.v of type string",
        ),
        (
            _token({"rv": "1"}),
            "json: cannot unmarshal string into Go struct field continueToken.rv of type int64",
        ),
        ("abc", "invalid character 'i' looking for beginning of value"),
        ("ab%", "illegal base64 data at input byte 2"),
        ("abcde", "illegal base64 data at input byte 4"),
        (_token({"v": "v2", "rv": 1, "start": "a"}), "server does not recognize this encoded version v2"),
        (_token({"v": "meta.k8s.io/v1", "rv": 0, "start": "a"}), "incorrect encoded start resourceVersion"),
        (_token({"v": "meta.k8s.io/v1", "rv": 1, "start": ""}), "encoded start key empty"),
        (_token({"v": "meta.k8s.io/v1", "rv": 1, "start": "../secrets/a"}), "continue key is not valid"),
    ],
)
def test_bad_tokens_are_refused(token: str, why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        continuation.decode(token)
    assert caught.value.message.startswith("invalid continue token: continue key is not valid")
    assert why in caught.value.message
