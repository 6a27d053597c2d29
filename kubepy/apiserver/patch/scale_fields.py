"""The managedFields of an object as its Scale shows them, and back.

A Scale has one field of the object, spec.replicas; whoever owns it there owns it here. Who takes it through the Scale
takes it from the object's entries, and gets one for the subresource. Upstream keeps no times for those: so here.

Source: apimachinery pkg/util/managedfields/scalehandler.go.
"""

from __future__ import annotations

from kubepy.api import fieldsets, managed
from kubepy.api.managed import Entries, Entry
from kubepy.api.objects import Obj

SCALE_VERSION = "autoscaling/v1"
REPLICAS = ("f:spec", "f:replicas")
_REPLICAS = fieldsets.of([REPLICAS])


def to_scale(
    parent: list[Obj] | None, api_versions: frozenset[str], path: tuple[str, ...] = REPLICAS
) -> list[Obj]:
    """The Scale's managedFields. `api_versions`: those of the object that have replicas, at `path`."""
    found: Entries = {}
    for id_, entry in managed.decode(parent).items():
        if entry.api_version in api_versions and fieldsets.has(entry.fields, path):
            found[id_] = Entry(SCALE_VERSION, entry.time, _REPLICAS)
    return managed.encode(found)


def to_parent(
    parent: list[Obj] | None,
    scale: list[Obj] | None,
    api_version: str,
    api_versions: frozenset[str],
    path: tuple[str, ...] = REPLICAS,
) -> list[Obj]:
    """The object's managedFields after a write of its Scale through `api_version`."""
    theirs = managed.decode(scale)
    known = managed.decode(parent)
    found: Entries = {}
    replicas = fieldsets.of([path])
    for id_, entry in known.items():
        if entry.api_version not in api_versions:
            continue
        if not fieldsets.has(entry.fields, path) or theirs.pop(id_, None) is not None:
            found[id_] = entry
        elif left := fieldsets.difference(entry.fields, replicas):
            found[id_] = Entry(entry.api_version, entry.time, left)
    for id_, entry in theirs.items():
        if fieldsets.has(entry.fields, REPLICAS):
            time = known[id_].time if id_ in known else None
            found[id_] = Entry(api_version, time, replicas)
    return managed.encode(found)
