"""managedFields as entries: what is refused, how they are sorted, what becomes of too many."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import managed
from kubepy.api.managed import APPLY, UPDATE, Entry, Id
from kubepy.api.objects import Obj


def entry(manager: str, operation: str = UPDATE, **more: Any) -> Obj:
    found = {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1"}
    return found | {"fieldsV1": {"f:data": {}}} | more


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"operation": "Delete"}, "operation must be `Apply` or `Update`"),
        ({"apiVersion": ""}, "apiVersion must not be empty"),
        ({"fieldsType": ""}, "missing fieldsType in managed fields entry 0"),
        ({"fieldsType": "FieldsV2"}, 'invalid fieldsType "FieldsV2" in managed fields entry 0'),
        ({"fieldsV1": {"x": {}}}, "key must be 2 characters long:"),
    ],
)
def test_what_clients_send_is_checked(broken: Obj, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        managed.decode([entry("x") | broken], trusted=False)
    assert str(caught.value) == why


def test_entries_are_written_back_as_they_were_read() -> None:
    given = [entry("a", APPLY), entry("b", time="2026-01-01T00:00:00Z", subresource="status"), entry("")]
    found = managed.encode(managed.decode(given))
    assert sorted(map(repr, found)) == sorted(map(repr, given))
    assert {id(row) for row in found} == {id(row) for row in given}


def test_order() -> None:
    """Upstream's TestSortEncodedManagedFields: appliers first, then by time, manager, version, subresource."""
    late, early = {"time": "2003-01-01T00:00:00Z"}, {"time": "2001-01-01T00:00:00Z"}
    wanted = [
        entry("e", APPLY),
        entry("a", APPLY, **early),
        entry("d", APPLY, **early),
        entry("a", APPLY, **late, subresource="s"),
        entry("b"),
        entry("b", apiVersion="v2"),
        entry("b", apiVersion="v2", subresource="s"),
        entry("a", **early),
    ]
    assert managed.encode(managed.decode(reversed(wanted))) == wanted


def test_an_applier_has_one_entry_whatever_the_version() -> None:
    assert Id.of("x", APPLY, "v1", "") == Id.of("x", APPLY, "v2", "")
    assert Id.of("x", UPDATE, "v1", "") != Id.of("x", UPDATE, "v2", "")
    assert Id.of("", UPDATE, "v1", "").manager == "unknown"


def test_an_entry_without_fields_is_no_more() -> None:
    entries = managed.decode([entry("a"), entry("b", fieldsV1={"f:data": {}, "f:x": {}})])
    for id_ in list(entries):
        managed.subtract(entries, id_, {"f:data": {}})
    assert [row["manager"] for row in managed.encode(entries)] == ["b"]
    assert managed.encode(entries)[0]["fieldsV1"] == {"f:x": {}}


def test_too_many_updaters_become_one_per_version() -> None:
    entries = {
        Id(f"m{number:02}", UPDATE, "v1", ""): Entry(
            "v1", f"2026-01-01T00:00:{number:02}Z", {f"f:{number:02}": {}}
        )
        for number in range(13)
    }
    entries[Id("applier", APPLY, "", "")] = Entry("v1", "2020-01-01T00:00:00Z", {"f:a": {}})
    managed.cap(entries)
    updaters = [id_ for id_ in entries if id_.operation == UPDATE]
    assert len(updaters) == managed.UPDATERS_MAX
    bucket = entries[Id("ancient-changes", UPDATE, "v1", "")]
    assert bucket.fields == {"f:00": {}, "f:01": {}, "f:02": {}, "f:03": {}}
    assert bucket.time == "2026-01-01T00:00:03Z"
    assert Id("applier", APPLY, "", "") in entries
    managed.cap(entries)
    assert len(entries) == managed.UPDATERS_MAX + 1
