"""Keys that come twice and fields nobody knows, as sigs.k8s.io/json tells them."""

import orjson
import pytest

from kubepy.api import strictness
from kubepy.api.builtins import PODS
from kubepy.api.schema import Schemas


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (b'{"a":1}', []),
        (b'{"a":1}\n', []),
        (b'{ "a" : 1, "b": "x\\u003cy" }', []),
        (b'{"spec":{"replicas":1,"replicas":2}}', ["spec.replicas"]),
        (b'{"a":[{"b":1},{"b":1,"b":2}],"a":[]}', ["a[1].b", "a"]),
        (b'{"metadata":{"labels":{"x.y/z":"1","x.y/z":"2"}}}', ["metadata.labels.x.y/z"]),
    ],
)
def test_duplicate_keys_are_found(body: bytes, paths: list[str]) -> None:
    assert strictness.duplicate_keys(body, orjson.loads(body)) == paths


def test_strict_errors_come_in_document_order_and_once() -> None:
    body = (
        b'{"kind":"Pod","spec":{"foo":1,"foo":2,"hostNetwork":true,"hostNetwork":true,"bar":{"x":1,"x":2}}}'
    )
    unknown = Schemas().of(PODS).decode(orjson.loads(body)).unknown
    found = strictness.texts(body, orjson.loads(body), unknown)
    assert strictness.message(found) == (
        'strict decoding error: unknown field "spec.foo", duplicate field "spec.hostNetwork", unknown field "spec.bar"'
    )


def test_strict_errors_of_a_clean_document_are_none() -> None:
    assert strictness.texts(b'{"a":1}', {"a": 1}, []) == []
    assert strictness.texts(b'{"a": 1}', {"a": 1}, ["a"]) == ['unknown field "a"']


def test_at_most_a_hundred_strict_errors_are_told() -> None:
    assert len(strictness.texts(b"{}", {}, [f"a{n}" for n in range(200)])) == 100
