"""What a FieldManager tracks of custom kinds, and of the doors that set only a part."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import EVENTS, IP_ADDRESSES, PODS, Catalog
from kubepy.api.custom import CustomSchema, Own
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource, Subresource
from kubepy.api.schemaconv import Types
from kubepy.apiserver.patch.field_manager import FieldManager
from kubepy.lib.clock import VirtualClock
from tests.apiserver.conftest import SCHEMAS

TYPES = Types(SCHEMAS)
SCHEMA: Obj = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer"},
                "port": {"x-kubernetes-int-or-string": True},
                "words": {"type": "array", "items": {"type": "string"}},
                "tags": {
                    "type": "array",
                    "items": {"type": "string"},
                    "x-kubernetes-list-type": "set",
                },
                "doors": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "items": {
                        "type": "object",
                        "properties": {
                            "port": {"type": "integer"},
                            "protocol": {"type": "string", "default": "TCP"},
                            "name": {"type": "string"},
                        },
                    },
                },
                "whole": {
                    "type": "object",
                    "x-kubernetes-map-type": "atomic",
                    "properties": {"a": {"type": "string"}},
                },
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "inner": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "x-kubernetes-preserve-unknown-fields": True,
                },
                "limits": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
WIDGETS = Resource(
    group="example.com",
    version="v1",
    kind="Widget",
    plural="widgets",
    singular="widget",
    namespaced=True,
    subresources=(Subresource("status", "Widget", ("get", "patch", "update")),),
    custom=True,
    own=Own(CustomSchema(SCHEMAS, "Widget", SCHEMA)),
)


def manager(resource: Resource = WIDGETS, subresource: str = "") -> FieldManager:
    catalog = Catalog()
    catalog.add(WIDGETS)
    return FieldManager(resource, subresource, types=TYPES, catalog=catalog, clock=VirtualClock())


def widget(spec: Any = None, **more: Any) -> Obj:
    head = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "n"}}
    return head | ({} if spec is None else {"spec": spec}) | more


def created(fields: FieldManager, obj: Obj) -> Any:
    fields.update(None, obj, "m")
    entries = obj["metadata"].get("managedFields", [])
    return entries[0]["fieldsV1"] if entries else {}


def applied(fields: FieldManager, obj: Obj) -> Any:
    (entry,) = fields.apply(None, obj, "m", force=False)["metadata"]["managedFields"]
    return entry["fieldsV1"]


DOOR = 'k:{"port":80,"protocol":"TCP"}'


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"size": 1, "port": "http"}, {"f:size": {}, "f:port": {}}),
        # Without a type it may be anything to those who own it; validation refuses it later.
        ({"port": {"a": 1}}, {"f:port": {"f:a": {}}}),
        ({"words": ["a", "b"]}, {"f:words": {}}),
        ({"tags": ["b", "a"]}, {"f:tags": {'v:"a"': {}, 'v:"b"': {}}}),
        ({"doors": [{"port": 80}]}, {"f:doors": {DOOR: {".": {}, "f:port": {}}}}),
        ({"whole": {"a": "x"}}, {"f:whole": {}}),
        ({"free": {"a": {"b": [1]}}}, {"f:free": {"f:a": {".": {}, "f:b": {}}}}),
        (
            {"inner": {"kind": "X", "metadata": {"labels": {"a": "b"}}, "spec": {"x": 1}}},
            {
                "f:inner": {
                    "f:kind": {},
                    "f:metadata": {"f:labels": {"f:a": {}}},
                    "f:spec": {".": {}, "f:x": {}},
                }
            },
        ),
        ({"limits": {"cpu": "1"}}, {"f:limits": {"f:cpu": {}}}),
        ({"limits": {}}, {"f:limits": {}}),
        ({"tags": []}, None),
    ],
)
def test_what_a_configuration_of_a_custom_kind_says(spec: Obj, fields: Any) -> None:
    if fields is None:
        assert "managedFields" not in manager().apply(None, widget(spec), "m", force=False)["metadata"]
    else:
        assert applied(manager(), widget(spec)) == {"f:spec": fields}


def test_what_a_new_custom_object_brings() -> None:
    spec = {"size": 1, "doors": [{"port": 80, "protocol": "TCP"}], "tags": ["a"]}
    assert created(manager(), widget(spec, status={"x": 1})) == {
        "f:spec": {
            ".": {},
            "f:doors": {".": {}, DOOR: {".": {}, "f:port": {}, "f:protocol": {}}},
            "f:size": {},
            "f:tags": {".": {}, 'v:"a"': {}},
        }
    }


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"colour": "red"}, ".spec.colour: field not declared in schema"),
        ({"size": "x"}, ".spec.size: expected numeric (int or float), got string"),
        ({"tags": ["a", "a"]}, '.spec.tags: duplicate entries for key [="a"]'),
        (
            {"doors": [{"port": 80}, {"port": 80, "protocol": "TCP"}]},
            '.spec.doors: duplicate entries for key [port=80,protocol="TCP"]',
        ),
        (
            {"doors": [None]},
            ".spec.doors: element 0: associative list with keys may not have a null element",
        ),
        ({"doors": {}}, ".spec.doors: expected list, got &{map[]}"),
        ({"whole": {"b": "x"}}, ".spec.whole.b: field not declared in schema"),
        ({"words": [1]}, ".spec.words[0]: expected string, got &value.valueUnstructured{Value:1}"),
    ],
)
def test_configurations_that_do_not_fit(spec: Obj, complaint: str) -> None:
    with pytest.raises(Exception, match="failed to create typed patch object") as caught:
        manager().apply(None, widget(spec), "m", force=False)
    assert str(caught.value) == (
        f"failed to create typed patch object (n/w; example.com/v1, Kind=Widget): {complaint}"
    )


def test_the_status_has_a_door_of_its_own() -> None:
    live = widget({"size": 1}, status={"a": 1})
    created(manager(), live)
    new = widget({"size": 2}, status={"a": 2})
    new["metadata"]["labels"] = {"x": "y"}
    manager(subresource="status").update(live, new, "s")
    by_manager = {entry["manager"]: entry["fieldsV1"] for entry in new["metadata"]["managedFields"]}
    assert by_manager == {"m": {"f:spec": {".": {}, "f:size": {}}}, "s": {"f:status": {"f:a": {}}}}


def test_a_list_that_cannot_be_told_apart_is_not_tracked() -> None:
    assert created(manager(), widget({"doors": [None]})) == {}


def pod(image: str = "a", cpu: str = "1", **spec: Any) -> Obj:
    containers = [{"name": "c", "image": image, "resources": {"limits": {"cpu": cpu}}}]
    found: Obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}
    found["spec"] = {"containers": containers, **spec}
    SCHEMAS.of(PODS).default(found)
    return found


def test_other_doors_of_a_pod_set_the_whole_of_it() -> None:
    """Upstream's strategies would let them count a part of the spec, and its storages do not ask them to."""
    live = pod()
    created(manager(PODS), live)
    cpu = {"f:cpu": {}}
    changed = {"f:image": {}, "f:resources": {"f:limits": cpu, "f:requests": cpu}}
    for subresource in ("resize", "ephemeralcontainers"):
        new = pod("b", "2")
        manager(PODS, subresource).update(live, new, "s")
        (entry,) = [entry for entry in new["metadata"]["managedFields"] if entry["manager"] == "s"]
        assert entry["fieldsV1"] == {"f:spec": {"f:containers": {'k:{"name":"c"}': changed}}}
        assert entry["subresource"] == subresource


def test_what_managers_of_the_other_group_of_events_own_is_forgotten() -> None:
    core, new = EVENTS, Catalog().get("events.k8s.io", "v1", "events")
    assert new is not None
    live: Obj = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "reason": "R"}
    created(manager(core), live)
    labelled = live | {"apiVersion": "events.k8s.io/v1", "metadata": {"name": "e", "labels": {"a": "b"}}}
    manager(new).update(live, labelled, "z")
    owners = [(entry["manager"], entry["apiVersion"]) for entry in labelled["metadata"]["managedFields"]]
    assert owners == [("z", "events.k8s.io/v1")]


def test_a_struct_that_is_required_and_left_out_when_absent_is_owned_by_who_brings_it() -> None:
    address: Obj = {
        "metadata": {"name": "10.0.0.1"},
        "spec": {"parentRef": {"name": "a", "resource": "services"}},
    }
    assert created(manager(IP_ADDRESSES), address) == {
        "f:spec": {"f:parentRef": {".": {}, "f:name": {}, "f:resource": {}}}
    }
