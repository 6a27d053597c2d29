"""What `kubectl get` prints, made by the server: columns and cells per kind.

`table` makes a metav1.Table of some objects. A kind that has no row has NAME and CREATED AT. Columns of
priority 1 are shown by `-o wide` only; the server always sends them. Ages are texts, as of `now`.

A kind is a row of data, `Printer(columns, cells)`; `cells(obj, now)` gives one value per column. The rows are in the
modules of this package, by what the kinds are about.

Source: kubernetes pkg/printers/internalversion/printers.go, apiserver pkg/registry/rest/table.go,
pkg/endpoints/handlers/response.go, apimachinery pkg/util/duration/duration.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from kubepy.api import shapes
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.tables import access, cluster, devices, network, pod_groups, storage, workloads
from kubepy.api.tables.parts import DEFAULT, Cells, Column, Doc, Printer, human_duration
from kubepy.api.versions import NEWEST, minor_of

__all__ = (
    "DEFAULT",
    "PRINTERS",
    "Cells",
    "Column",
    "Printer",
    "columns",
    "human_duration",
    "rank",
    "row",
    "table",
)

# (group, kind) -> how it is printed
PRINTERS: dict[tuple[str, str], Printer] = {
    each: printer
    for module in (workloads, cluster, network, storage, access, devices, pod_groups)
    for each, printer in module.PRINTERS.items()
}


@cache
def _documentation(version: str) -> dict[str, str]:
    """What the columns' Docs stand for in a Kubernetes version."""
    definitions = shapes.load(version)
    found: dict[str, str] = {}
    for printer in (DEFAULT, *PRINTERS.values()):
        for doc in (column.description for column in printer.columns if isinstance(column.description, Doc)):
            name, _, field = doc.rpartition(".")
            definition = definitions.get(name) or _definition(definitions, name)
            found[doc] = definition.get("properties", {}).get(field, {}).get("description", "")
    return found


def _definition(definitions: dict[str, Obj], name: str) -> Obj:
    """ "core.v1.Pod"; of a kind that this Kubernetes version has in another version, that one."""
    group, _, kind = name.split(".")
    of_kind = [
        each for each in definitions if each.startswith(f"io.k8s.api.{group}.") and each.endswith(f".{kind}")
    ]
    wanted = f"io.k8s.api.{name}"
    return definitions[wanted if wanted in of_kind else max(of_kind)] if of_kind else {}


def columns(resource: Resource, version: str) -> list[Obj]:
    """The columnDefinitions of a kind as of a Kubernetes version, whose documentation describes them."""
    documentation = _documentation(version)
    return [column.definition(documentation) for column in _printer(resource, version).columns]


def rank(resource: Resource) -> Callable[[Obj], Any] | None:
    """What the rows of a kind are sorted by, None for the order of the list."""
    return _printer(resource).rank


def row(
    resource: Resource,
    obj: Obj,
    now: float,
    *,
    include_object: str = "Metadata",
    api_version: str = "meta.k8s.io/v1",
    version: str = NEWEST,
) -> Obj:
    """One TableRow; `include_object` is "Metadata" (or ""), "Object" or "None". The row shares parts of `obj`."""
    return _row(_printer(resource, version), obj, now, include_object, api_version)


def table(
    resource: Resource,
    items: Iterable[Obj],
    now: float,
    *,
    include_object: str = "Metadata",
    metadata: Obj | None = None,
    api_version: str = "meta.k8s.io/v1",
    headers: Sequence[Obj] | None = None,
    version: str = NEWEST,
) -> Obj:
    """A metav1.Table of `items`; `metadata` is the list's (resourceVersion, continue, remainingItemCount).

    `headers` are the `columns`, or None as in later events of a watch. Rows share parts of the items.
    """
    printer = _printer(resource, version)
    if printer.rank is not None:
        items = sorted(items, key=printer.rank)
    made: Obj = {"kind": "Table", "apiVersion": api_version, "metadata": metadata or {}}
    made["columnDefinitions"] = headers
    rows = [_row(printer, obj, now, include_object, api_version) for obj in items]
    made["rows"] = rows or (None if printer.is_bare else [])
    return made


def _printer(resource: Resource, version: str = NEWEST) -> Printer:
    if resource.own is not None and resource.own.printer is not None:
        return resource.own.printer
    printer = PRINTERS.get((resource.group, resource.kind), DEFAULT)
    return printer if not printer.since or printer.since <= minor_of(version) else DEFAULT


def _row(printer: Printer, obj: Obj, now: float, include_object: str, api_version: str) -> Obj:
    made: Obj = {"cells": printer.cells(obj, now)}
    if obj.get("kind") == "Pod":
        conditions = workloads.POD_ROW_CONDITIONS.get((obj.get("status") or {}).get("phase", ""))
        if conditions is not None:
            made["conditions"] = conditions
    if include_object == "Object":
        made["object"] = obj
    elif include_object == "None":
        made["object"] = None
    else:
        made["object"] = {
            "kind": "PartialObjectMetadata",
            "apiVersion": api_version,
            "metadata": obj["metadata"],
        }
    return made
