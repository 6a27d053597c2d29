"""The merge of configurations by ownership, on upstream's own cases.

merge_cases.json holds the data of structured-merge-diff's merge/*_test.go: schemas in its dialect, what is applied and
updated in turn, and the object and the owners at the end. Versions are all alike there.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest

from kubepy.api import fieldsets
from kubepy.api.errors import Conflict
from kubepy.api.fieldsets import FieldSet
from kubepy.api.managed import APPLY, UPDATE, Entries, Entry, Id
from kubepy.api.objects import Obj
from kubepy.api.typed import ANYTHING, Items, Map, Type, Whole
from kubepy.apiserver.patch import apply as applies

_DATA = orjson.loads(Path(__file__).with_name("merge_cases.json").read_bytes())


class Dialect:
    """Types from structured-merge-diff's YAML schemas."""

    def __init__(self, schema: Obj) -> None:
        self._schema = schema
        self._definitions = {row["name"]: row for row in schema["types"]}
        self._known: dict[str, Type] = {"$deduced": ANYTHING, "__untyped_deduced_": ANYTHING}
        self._known["__untyped_atomic_"] = Type("untyped", inner=ANYTHING)

    @property
    def root(self) -> Type:
        return self._named(self._schema["root"] or self._schema["types"][0]["name"])

    def _named(self, name: str) -> Type:
        if name not in self._known:
            definition = self._definitions[name]
            if "map" in definition and "scalar" not in definition:
                found = self._known[name] = Map(None)
                self._known[name] = self._filled(found, definition["map"])
            else:
                self._known[name] = self._type(definition)
        return self._known[name]

    def _type(self, shape: Obj) -> Type:
        if "namedType" in shape:
            named = self._named(shape["namedType"])
            return Type(inner=named) if shape.get("elementRelationship") == "atomic" else named
        if "scalar" in shape:
            return ANYTHING if "map" in shape else Type(shape["scalar"])
        if "map" in shape:
            return self._filled(Map(None), shape["map"])
        items = shape["list"]
        element = self._type(items["elementType"]) if items.get("elementType") else ANYTHING
        if items.get("elementRelationship") != "associative":
            return Type(inner=Whole(element))
        keys = {key: self._default(items["elementType"], key) for key in items.get("keys", ())}
        return Items(element, keys)

    def _filled(self, found: Map, shape: Obj) -> Type:
        if "elementType" in shape:
            found.element = self._type(shape["elementType"])
        found.declare({field["name"]: self._type(field["type"]) for field in shape.get("fields", ())})
        return Type(inner=found) if shape.get("elementRelationship") == "atomic" else found

    def _default(self, shape: Obj, key: str) -> Any:
        shape = self._definitions[shape["namedType"]] if "namedType" in shape else shape
        return next((f.get("default") for f in shape["map"].get("fields", ()) if f["name"] == key), None)


class Alike:
    """All versions look the same."""

    def __init__(self, type_: Type) -> None:
        self.type = type_

    def version(self, api_version: str) -> applies.Version:
        return applies.Version(api_version, self.type, lambda obj: obj)

    def differences(self, version: applies.Version, old: Obj, new: Obj) -> tuple[FieldSet, FieldSet]:
        changed, removed = version.type.compare(old, new) if old != new else (None, None)
        return changed or {}, removed or {}


class State:
    def __init__(self, type_: Type) -> None:
        self.versions = Alike(type_)
        self.live: Obj = {}
        self.entries: Entries = {}

    def update(self, manager: str, api_version: str, obj: Obj) -> None:
        version = self.versions.version(api_version)
        changed, _ = applies.take_over(self.versions, version, self.live, obj, self.entries, None, force=True)
        id_ = Id(manager, APPLY, "", "")
        before = self.entries.get(id_)
        if fields := fieldsets.union(before.fields if before else {}, changed):
            self.entries[id_] = Entry(api_version, None, fields)
        self.live = obj

    def apply(self, manager: str, api_version: str, config: Obj, *, force: bool) -> None:
        version = self.versions.version(api_version)
        id_ = Id(manager, APPLY, "", "")
        entries = dict(self.entries)
        fields = version.type.fields(config) or {}
        self.live = applies.apply(
            self.versions, version, self.live, copy.deepcopy(config), fields, entries, id_, force=force
        )
        if not entries[id_].fields:
            del entries[id_]
        self.entries = entries


@pytest.mark.parametrize("case", _DATA["cases"], ids=lambda case: case["name"])
def test_upstreams_cases(case: Obj) -> None:
    type_ = Dialect(_DATA["schemas"][case["schema"]]).root
    state = State(type_)
    for step in case["ops"]:
        config = step["object"]
        if step["op"] == "Update":
            state.update(step["manager"], step["version"], config)
            continue
        if case.get("refused"):
            assert list(type_.complaints(config, ""))
            return
        assert not list(type_.complaints(config, ""))
        before = orjson.dumps([state.live, config])
        try:
            state.apply(step["manager"], step["version"], config, force=step["op"] == "ForceApply")
        except applies.Conflicts as conflicts:
            found = [
                [id_.manager, list(path)]
                for id_, fields in conflicts.by_manager.items()
                for path in fieldsets.paths(fields)
            ]
            assert sorted(found) == step.get("conflicts")
            assert orjson.dumps([state.live, config]) == before, "a refused apply changes nothing"
        else:
            assert "conflicts" not in step
    if "object" in case:
        assert state.live == case["object"]
    if "managed" in case:
        wanted = {
            manager: (row["version"], fieldsets.of(map(tuple, row["paths"])))
            for manager, row in case["managed"].items()
        }
        found = {id_.manager: (entry.api_version, entry.fields) for id_, entry in state.entries.items()}
        assert found == wanted


KUBECTL = Id("kubectl-client-side-apply", UPDATE, "apps/v1", "")
SCALE = Id("scaler", UPDATE, "apps/v1", "scale")
HELM = Id("helm", APPLY, "", "")
REPLICAS = ("f:spec", "f:replicas")
IMAGE = ("f:spec", "f:containers", 'k:{"name":"web"}', "f:image")


@pytest.mark.parametrize(
    ("conflicts", "message"),
    [
        (
            {KUBECTL: [REPLICAS]},
            'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
        ),
        ({HELM: [REPLICAS]}, 'Apply failed with 1 conflict: conflict with "helm": .spec.replicas'),
        (
            {SCALE: [REPLICAS]},
            'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using apps/v1: '
            ".spec.replicas",
        ),
        (
            {KUBECTL: [REPLICAS], HELM: [IMAGE, REPLICAS]},
            'Apply failed with 3 conflicts: conflicts with "helm":\n- .spec.replicas\n'
            '- .spec.containers[name="web"].image\n'
            'conflicts with "kubectl-client-side-apply" using apps/v1:\n- .spec.replicas',
        ),
    ],
)
def test_conflicts_are_told_field_by_field(conflicts: dict[Id, list[Any]], message: str) -> None:
    error = applies.Conflicts({id_: fieldsets.of(paths) for id_, paths in conflicts.items()}).error()
    assert isinstance(error, Conflict)
    assert error.message == message
    causes = error.details["causes"]
    assert len(causes) == sum(map(len, conflicts.values()))
    assert {cause["reason"] for cause in causes} == {"FieldManagerConflict"}
    assert {cause["field"] for cause in causes} <= {".spec.replicas", '.spec.containers[name="web"].image'}
