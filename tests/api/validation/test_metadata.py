from dataclasses import replace

import pytest

from kubepy.api.builtins import (
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    EVENTS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
)
from kubepy.api.validation import validate_create, validate_update

CUSTOM = replace(CONFIG_MAPS, group="example.com", kind="Widget", plural="widgets", custom=True)


def create(resource=CONFIG_MAPS, **metadata):
    base = {"name": "x"} | ({"namespace": "default"} if resource.namespaced else {})
    return [str(finding) for finding in validate_create(resource, {"metadata": base | metadata})]


def update(new, old):
    base = {"name": "x", "namespace": "default", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    findings = validate_update(CONFIG_MAPS, {"metadata": base | new}, {"metadata": base | old})
    return [str(finding) for finding in findings]


def owner(**more):
    return {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"} | more


@pytest.mark.parametrize(
    ("metadata", "texts"),
    [
        ({}, []),
        ({"name": ""}, ["metadata.name: Required value: name or generateName is required"]),
        ({"namespace": ""}, ["metadata.namespace: Required value"]),
        ({"namespace": "a.b"}, ['metadata.namespace: Invalid value: "a.b": must not contain dots']),
        ({"generation": -1}, ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"]),
        (
            {"labels": {"a": "x" * 64}},
            [f'metadata.labels: Invalid value: "{"x" * 64}": must be no more than 63 bytes'],
        ),
        ({"labels": {"/a": ""}}, ['metadata.labels: Invalid value: "/a": prefix part must be non-empty']),
        ({"annotations": {"A.B/c": "anything goes\n"}}, []),
        (
            {"annotations": {"/a": ""}},
            ['metadata.annotations: Invalid value: "/a": prefix part must be non-empty'],
        ),
        (
            {"annotations": {"a": "x" * (256 * 1024)}},
            ["metadata.annotations: Too long: may not be more than 262144 bytes"],
        ),
        ({"ownerReferences": [owner()]}, []),
        (
            {"ownerReferences": [owner(apiVersion="apps/", uid="")]},
            [
                'metadata.ownerReferences.apiVersion: Invalid value: "apps/": version must not be empty',
                'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
            ],
        ),
        ({"finalizers": ["a/b", "orphan"]}, []),
        (
            {"finalizers": ["mine"]},
            [
                'metadata.finalizers[0]: Invalid value: "mine": '
                "name is neither a standard finalizer name nor is it fully qualified"
            ],
        ),
        (
            {"finalizers": ["orphan", "foregroundDeletion"]},
            [
                'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: '
                "finalizer orphan and foregroundDeletion cannot be both set"
            ],
        ),
        (
            {"managedFields": [{"operation": "Guess", "manager": "m" * 129}]},
            [
                'metadata.managedFields[0].operation: Invalid value: "Guess": must be `Apply` or `Update`',
                "metadata.managedFields[0].manager: Too long: may not be more than 128 bytes",
            ],
        ),
    ],
)
def test_on_create(metadata, texts):
    assert create(**metadata) == texts


def test_two_controllers_are_one_too_many():
    references = [owner(controller=True), owner(name="q", controller=True)]
    (text,) = create(ownerReferences=references)
    assert text.endswith(
        'Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q'
    )


def test_an_event_owns_nothing():
    (text,) = create(ownerReferences=[owner(kind="Event")])
    assert text.endswith("/v1, Kind=Event is disallowed from being an owner")


def test_a_namespace_on_a_cluster_scoped_object_is_forbidden():
    assert create(NODES, namespace="default") == ["metadata.namespace: Forbidden: not allowed on this type"]


def test_what_the_kind_does_not_look_at_comes_when_it_has_found_nothing():
    """An Event's and a budget's own validation come first, and alone."""
    event = {"metadata": {"name": "x", "namespace": "default", "generation": -1}}
    generation = "metadata.generation: Invalid value: -1: must be greater than or equal to 0"
    assert [str(one) for one in validate_create(EVENTS, event)] == [generation]
    event["involvedObject"] = {"namespace": "other"}
    (found,) = validate_create(EVENTS, event)
    assert found.field == "involvedObject.namespace"


def test_names_by_the_rule_of_the_kind():
    assert create(name="a.b") == []
    assert create(NAMESPACES, name="a.b") == ['metadata.name: Invalid value: "a.b": must not contain dots']
    assert create(NAMESPACES, name="a", generateName="a-") == []
    assert create(NAMESPACES, generateName="A_b-")[0].startswith("metadata.generateName: Invalid value: ")


def test_custom_resources_may_have_plain_finalizers():
    assert create(CUSTOM, finalizers=["mine"]) == []


@pytest.mark.parametrize(
    ("new", "old", "texts"),
    [
        ({}, {}, []),
        ({"labels": {}}, {}, []),
        ({"name": "y"}, {}, ['metadata.name: Invalid value: "y": field is immutable']),
        ({"uid": "v"}, {}, ['metadata.uid: Invalid value: "v": field is immutable']),
        (
            {"creationTimestamp": None},
            {},
            ["metadata.creationTimestamp: Invalid value: null: field is immutable"],
        ),
        (
            {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            {},
            ['metadata.deletionTimestamp: Invalid value: "2026-01-01T00:00:00Z": field is immutable'],
        ),
        (
            {"generation": 1},
            {"generation": 2},
            ["metadata.generation: Invalid value: 1: must not be decremented"],
        ),
        ({"finalizers": ["a/b"]}, {}, []),
        (
            {"deletionTimestamp": "t", "finalizers": ["a/b", "a/c"]},
            {"deletionTimestamp": "t", "finalizers": ["a/b"]},
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
                'found new finalizers []string{"a/c"}'
            ],
        ),
        ({"deletionTimestamp": "t"}, {"deletionTimestamp": "t", "finalizers": ["a/b"]}, []),
        (
            {"deletionGracePeriodSeconds": 0},
            {},
            ["metadata.deletionGracePeriodSeconds: Invalid value: 0: field is immutable"],
        ),
    ],
)
def test_on_update(new, old, texts):
    # The API server looks, and the kind's own validation looks again.
    assert update(new, old) == texts * 2


@pytest.mark.parametrize(
    ("base", "count"),
    [  # the API server wants a segment of a path, the kind a name of its own
        ("ok-", 0),
        ("Not ok", 1),
        ("a/b", 2),
    ],
)
def test_what_an_update_says_names_are_made_of(base, count):
    found = update({"generateName": base}, {})
    assert len(found) == count
    assert all(text.startswith("metadata.generateName: Invalid value: ") for text in found)


@pytest.mark.parametrize(
    ("resource", "subresource", "label", "finalizer"),
    [  # how often each is told
        (SERVICES, "", 3, 1),
        (PODS, "", 4, 2),
        (PODS, "status", 3, 1),
        (EVENTS, "", 2, 0),
        (LEASES, "", 3, 0),
        (ENDPOINT_SLICES, "", 3, 1),
        (PODS, "resize", 4, 2),
        (CUSTOM, "", 3, 0),
    ],
)
def test_how_often_a_kind_is_looked_at(resource, subresource, label, finalizer):
    old = {"name": "x", "namespace": "default"}
    new = old | {"labels": {"a": "b c"}, "finalizers": ["mine"]}
    found = validate_update(
        resource, {"metadata": new, "spec": {}}, {"metadata": old, "spec": {}}, subresource
    )
    assert [error.field for error in found].count("metadata.labels") == label
    assert [error.field for error in found].count("metadata.finalizers[0]") == finalizer
