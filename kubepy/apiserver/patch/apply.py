"""Server-side apply: a configuration merged into what is there, by who owns what.

    merge      what the configuration says wins; nothing is removed
    prune      what this applier said last time, does not say now, and nobody else says, goes
    conflicts  what that changes of others' fields: refused, or with force taken over
    ownership  the applier owns what it says, together with others who say the same

Pure: `Versions` tells how an object looks in the versions that other entries were made in.

Source: sigs.k8s.io/structured-merge-diff merge/{update,conflict}.go, apimachinery
pkg/util/managedfields/internal/conflict.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from kubepy.api import fieldsets, managed
from kubepy.api.errors import Conflict, quote
from kubepy.api.fieldsets import FieldSet
from kubepy.api.managed import APPLY, Entries, Entry, Id
from kubepy.api.objects import Obj
from kubepy.api.typed import Type


class Version(NamedTuple):
    """One served version of a kind."""

    api_version: str
    type: Type
    convert: Callable[[Obj], Obj]  # an object of any served version -> of this one


class Versions(Protocol):
    def version(self, api_version: str) -> Version | None:
        """None for one that is not served (any more)."""

    def differences(self, version: Version, old: Obj, new: Obj) -> tuple[FieldSet, FieldSet]:
        """(changed or added, removed) paths that count."""


class Conflicts(Exception):
    """Somebody else owns what the configuration changes."""

    def __init__(self, by_manager: dict[Id, FieldSet]) -> None:
        super().__init__("conflicts")
        self.by_manager = by_manager

    def without(self, allowed: FieldSet) -> Conflicts:
        left = {id_: fieldsets.difference(fields, allowed) for id_, fields in self.by_manager.items()}
        return Conflicts({id_: fields for id_, fields in left.items() if fields})

    def error(self) -> Conflict:
        """409 with one cause per field. Source: conflict.go NewConflictError."""
        found = [
            (_manager_text(id_), fieldsets.text(path))
            for id_, fields in sorted(self.by_manager.items())
            for path in fieldsets.paths(fields)
        ]
        causes = [
            {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
            for manager, field in found
        ]
        return Conflict(_message(found), details={"causes": causes})


def _message(found: list[tuple[str, str]]) -> str:
    if len(found) == 1:
        manager, field = found[0]
        return f"Apply failed with 1 conflict: conflict with {manager}: {field}"
    by_manager: dict[str, list[str]] = {}
    for manager, field in found:
        by_manager.setdefault(manager, []).append(f"- {field}")
    lines = [
        line for manager, fields in by_manager.items() for line in (f"conflicts with {manager}:", *fields)
    ]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)


def _manager_text(id_: Id) -> str:
    text = quote(id_.manager)
    if id_.subresource:
        text += f" with subresource {quote(id_.subresource)}"
    return text if id_.operation == APPLY else f"{text} using {id_.api_version}"


def apply(
    versions: Versions,
    version: Version,
    live: Obj,
    config: Obj,
    fields: FieldSet,
    entries: Entries,
    applier: Id,
    *,
    force: bool,
) -> Obj:
    """The wanted object; `entries` are changed in place, the applier's without a time of its own. Raises Conflicts.

    `fields` are what the configuration says, of what may be said here.
    """
    merged = version.type.merge(live, config)
    last = entries.get(applier)
    entries[applier] = Entry(version.api_version, last.time if last else None, fields)
    wanted = prune(versions, version, merged, entries, last)
    take_over(versions, version, live, wanted, entries, applier, force=force)
    return wanted


def _seen(version: Version, obj: Obj, which: str) -> Obj:
    try:
        return version.convert(obj)
    except ValueError as error:
        raise type(error)(f"failed to convert {which} object: {error}") from None


def take_over(
    versions: Versions,
    version: Version,
    old: Obj,
    new: Obj,
    entries: Entries,
    writer: Id | None,
    *,
    force: bool,
) -> tuple[FieldSet, FieldSet]:
    """What `new` changes is no longer owned by anybody but the writer, what it removes by nobody but the writer, whose
    entry is left as it is; (what changed, what was removed).

    Raises Conflicts before it does anything if an entry owns what changes, unless `force`.
    """
    differences = {version.api_version: versions.differences(version, old, new)}
    conflicts: dict[Id, FieldSet] = {}
    gone: dict[Id, FieldSet | None] = {}
    for id_, entry in entries.items():
        if id_ == writer:
            continue
        difference = differences.get(entry.api_version)
        if difference is None:
            other = versions.version(entry.api_version)
            if other is None:
                gone[id_] = None
                continue
            difference = differences[entry.api_version] = versions.differences(
                other, _seen(other, old, "old"), _seen(other, new, "new")
            )
        changed, removed = difference
        if not force and (conflict := fieldsets.intersection(entry.fields, changed)):
            conflicts[id_] = conflict
        if changed or removed:
            gone[id_] = fieldsets.union(changed, removed)
    if conflicts:
        raise Conflicts(conflicts)
    for id_, fields in gone.items():
        if fields is None:
            del entries[id_]
        else:
            managed.subtract(entries, id_, fields)
    return differences[version.api_version]


def prune(versions: Versions, version: Version, merged: Obj, entries: Entries, last: Entry | None) -> Obj:
    """`merged` without what only the applier's last configuration asked for."""
    if last is None or not last.fields or _is_all_wanted(last, entries):
        return merged
    then = versions.version(last.api_version)
    if then is None:
        return merged
    said = then.type.named(last.fields)
    whole = then.convert(merged)
    pruned = _removed(then.type, whole, said)
    pruned = _add_back_owned(versions, then, whole, pruned, entries)
    # What was not this applier's to remove stays, owned or not.
    left = fieldsets.difference(_fields(then.type, whole), _fields(then.type, pruned))
    return version.convert(_removed(then.type, whole, fieldsets.intersection(left, said)))


def _is_all_wanted(last: Entry, entries: Entries) -> bool:
    """Whether all that was said last time is still said by somebody: the usual case, and then nothing goes."""
    left = last.fields
    for entry in entries.values():
        if entry.api_version == last.api_version:
            left = fieldsets.difference(left, entry.fields)
            if not left:
                return True
    return False


def _add_back_owned(versions: Versions, then: Version, whole: Obj, pruned: Obj, entries: Entries) -> Obj:
    """What somebody owns (the applier's new configuration too), in `then`'s version first, comes back."""
    owned: dict[str, FieldSet] = {then.api_version: {}}
    for entry in entries.values():
        owned[entry.api_version] = fieldsets.union(owned.get(entry.api_version, {}), entry.fields)
    for api_version, fields in owned.items():
        there = versions.version(api_version)
        if there is None:
            continue
        whole, pruned = there.convert(whole), there.convert(pruned)
        kept = fieldsets.union(_fields(there.type, pruned), there.type.named(fields))
        pruned = _removed(there.type, whole, fieldsets.difference(_fields(there.type, whole), kept))
    return then.convert(pruned)


def _fields(type_: Type, obj: Obj) -> FieldSet:
    return type_.named(type_.fields(obj) or {})


def _removed(type_: Type, obj: Obj, gone: FieldSet) -> Any:
    return type_.remove(obj, gone) or {}
