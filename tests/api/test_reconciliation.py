"""Cases from structured-merge-diff merge/schema_change_test.go."""

import pytest

from kubepy.api.reconciliation import reconciled
from kubepy.api.schema import Schemas
from kubepy.api.schemaconv import Types

TYPES = Types(Schemas())


def custom(relation: str):
    fields = {"a": {"type": "string"}, "b": {"type": "string"}}
    structure = {"type": "object", "properties": fields, "x-kubernetes-map-type": relation}
    items = {"type": "object", "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}
    kinds = {"atomic": {"x-kubernetes-list-type": "atomic"},
             "granular": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}}  # fmt: skip
    listed = {"type": "array", "items": items, **kinds[relation]}
    spec = {"type": "object", "properties": {"struct": structure, "list": listed}}
    return TYPES.custom({"type": "object", "properties": {"spec": spec}})


KEY = 'k:{"name":"x"}'
GRANULAR = {"f:spec": {"f:struct": {"f:a": {}, "f:b": {}}, "f:list": {KEY: {".": {}, "f:value": {}}}}}
ATOMIC = {"f:spec": {"f:struct": {}, "f:list": {}}}


@pytest.mark.parametrize(
    ("relation", "before", "after"),
    [
        ("atomic", GRANULAR, ATOMIC),
        # What was one value is taken as if it had always been many.
        ("granular", ATOMIC, ATOMIC),
        ("granular", GRANULAR, GRANULAR),
        ("atomic", ATOMIC, ATOMIC),
        ("granular", {"f:spec": {"f:gone": {"f:x": {}}}}, {"f:spec": {"f:gone": {"f:x": {}}}}),
    ],
)
def test_what_was_written_under_another_schema(relation, before, after):
    found = reconciled(custom(relation), before)
    assert found == after
    assert (found is before) == (before == after)
