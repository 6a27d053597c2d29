from __future__ import annotations

import pytest

from kubepy.api.fieldpath import field_path
from kubepy.api.objects import Obj

SCHEMA: Obj = {
    "type": "object",
    "properties": {
        "a": {"type": "object", "properties": {"b.c": {"type": "string"}, "it's": {"type": "integer"}}},
        "m": {"type": "object", "additionalProperties": {"type": "boolean"}},
    },
}


@pytest.mark.parametrize(
    ("path", "shown", "type_"),
    [
        (".a", "a", "object"),
        (".a['b.c']", "a.b.c", "string"),
        (r".a['it\'s']", "a.it's", "integer"),
        (".m.key", "m[key]", "boolean"),
        (".m['key']", "m[key]", "boolean"),
    ],
)
def test_paths_lead_to_schemas(path: str, shown: str, type_: str) -> None:
    found, leaf = field_path(path, SCHEMA)
    assert (found, leaf["type"]) == (shown, type_)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("a", "expected [ or . but got: a"),
        (".x", "does not refer to a valid field"),
        (".a.x", "does not refer to a valid field"),
        (".m.k.l", "does not refer to a valid field"),
        (".", "unexpected end of JSON path"),
        (".a[0]", "expected single quoted string but got 0"),
        (".a['b.c'", "unexpected end of JSON path"),
    ],
)
def test_what_leads_nowhere_says_why(path: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        field_path(path, SCHEMA)
    assert str(caught.value) == why


def test_brackets_may_be_forbidden() -> None:
    with pytest.raises(ValueError, match="array notation is not allowed"):
        field_path(".a['b.c']", SCHEMA, brackets=False)
