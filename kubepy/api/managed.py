"""metadata.managedFields: who set which fields, as entries.

An entry is known by its `Id`: one manager has one entry per operation, subresource and, for updates, version. Entries
are values; an `Entries` dict is its holder's own. What was not touched is written back as it was read, the same dict.

Source: apimachinery pkg/util/managedfields/internal/{managedfields,capmanagers,manager}.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from kubepy.api import fieldsets
from kubepy.api.fieldsets import FieldSet
from kubepy.api.objects import Obj

APPLY, UPDATE = "Apply", "Update"
UPDATERS_MAX = 10
_BUCKET = "ancient-changes"


class Id(NamedTuple):
    manager: str
    operation: str
    api_version: str  # "" for Apply: one entry, whatever version was applied last
    subresource: str

    @classmethod
    def of(cls, manager: str, operation: str, api_version: str, subresource: str) -> Id:
        return cls(manager or "unknown", operation, "" if operation == APPLY else api_version, subresource)


class Entry(NamedTuple):
    api_version: str
    time: str | None
    fields: FieldSet
    written: Obj | None = None  # as it was read, if nothing has changed since


Entries = dict[Id, Entry]


def decode(managed_fields: Iterable[Obj] | None, *, trusted: bool = True) -> Entries:
    """`trusted`: the server wrote them. Raises ValueError for what is none of ours."""
    found: Entries = {}
    for index, entry in enumerate(managed_fields or ()):
        if not trusted:
            _check(entry, index)
        operation, api_version = entry["operation"], entry["apiVersion"]
        id_ = Id(
            entry.get("manager", ""),
            operation,
            "" if operation == APPLY else api_version,
            entry.get("subresource", ""),
        )
        fields = entry.get("fieldsV1") or {}
        if trusted:
            found[id_] = Entry(api_version, entry.get("time"), fields, entry)
        else:
            found[id_] = Entry(api_version, entry.get("time"), fieldsets.parse(fields))
    return found


def _check(entry: Any, index: int) -> None:
    if entry.get("operation") not in (APPLY, UPDATE):
        raise ValueError("operation must be `Apply` or `Update`")
    if not entry.get("apiVersion"):
        raise ValueError("apiVersion must not be empty")
    fields_type = entry.get("fieldsType", "")
    if not fields_type:
        raise ValueError(f"missing fieldsType in managed fields entry {index}")
    if fields_type != "FieldsV1":
        raise ValueError(f'invalid fieldsType "{fields_type}" in managed fields entry {index}')


def encode(entries: Entries) -> list[Obj]:
    """As metadata.managedFields has them: appliers first, then by time."""
    if len(entries) > 1:
        order = sorted(
            entries,
            key=lambda id_: (
                id_.operation, entries[id_].time or "", id_.manager, entries[id_].api_version, id_.subresource,
            ),
        )  # fmt: skip
    else:
        order = list(entries)
    return [entries[id_].written or _encoded(id_, entries[id_]) for id_ in order]


def _encoded(id_: Id, entry: Entry) -> Obj:
    found: Obj = {"manager": id_.manager, "operation": id_.operation, "apiVersion": entry.api_version}
    if not id_.manager:
        del found["manager"]
    if entry.time is not None:
        found["time"] = entry.time
    found["fieldsType"] = "FieldsV1"
    found["fieldsV1"] = entry.fields
    if id_.subresource:
        found["subresource"] = id_.subresource
    return found


def subtract(entries: Entries, id_: Id, gone: FieldSet) -> None:
    """Take fields from an entry; one without fields is no more."""
    entry = entries[id_]
    left = fieldsets.difference(entry.fields, gone)
    if left is entry.fields:
        return
    if left:
        entries[id_] = Entry(entry.api_version, entry.time, left)
    else:
        del entries[id_]


def cap(entries: Entries) -> None:
    """Of too many updaters the oldest become one per version."""
    updaters = [id_ for id_ in entries if id_.operation == UPDATE]
    if len(updaters) <= UPDATERS_MAX:
        return
    updaters.sort(key=lambda id_: (entries[id_].time or "", _identifier(id_)))
    first: dict[str, Id] = {}
    count = len(updaters)
    for id_ in updaters:
        if count <= UPDATERS_MAX:
            return
        entry = entries[id_]
        bucket = Id(_BUCKET, UPDATE, entry.api_version, "")
        if entry.api_version not in first:
            first[entry.api_version] = id_
            continue
        if bucket not in entries:
            entries[bucket] = entries.pop(first[entry.api_version])
        fields = fieldsets.union(entry.fields, entries[bucket].fields)
        del entries[id_]
        entries[bucket] = Entry(entry.api_version, entry.time, fields)
        count -= 1


def _identifier(id_: Id) -> str:
    """By which upstream sorts managers of the same second."""
    named = {
        "manager": id_.manager,
        "operation": id_.operation,
        "apiVersion": id_.api_version,
        "subresource": id_.subresource,
    }
    return orjson.dumps({name: value for name, value in named.items() if value}).decode()
