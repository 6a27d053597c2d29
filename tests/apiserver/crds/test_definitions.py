"""Custom kinds in a whole cluster, on virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import errors
from kubepy.api.builtins import CONFIG_MAPS, NAMESPACES
from kubepy.api.builtins import CUSTOM_RESOURCE_DEFINITIONS as CRDS
from kubepy.api.objects import Obj, condition, copy
from kubepy.api.resources import Resource
from kubepy.client.client import APPLY_PATCH
from kubepy.testing.cluster import Cluster

STRING: Obj = {"type": "string"}


def version(name: str = "v1", *, storage: bool = True, fields: Obj | None = None, **more: Any) -> Obj:
    spec = {
        "type": "object",
        "properties": fields or {"color": STRING, "size": {"type": "integer", "default": 3}},
    }
    schema = {"type": "object", "properties": {"spec": spec, "status": {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}  # fmt: skip
    return {
        "name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more,
    }  # fmt: skip


def definition(*versions: Obj, plural: str = "foos", kind: str = "Foo", **spec: Any) -> Obj:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
            "versions": list(versions or (version(),)), **spec,
        },
    }  # fmt: skip


def foo(name: str = "a", **more: Any) -> Obj:
    return {
        "apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": name, "namespace": "default"}, **more,
    }  # fmt: skip


async def defined(cluster: Cluster, wanted: Obj | None = None) -> Resource:
    wanted = wanted or definition()
    await cluster.create(wanted)
    await cluster.settle()
    row = cluster.plane.catalog.get("example.com", "v1", wanted["spec"]["names"]["plural"])
    assert row is not None
    return row


async def redefine(cluster: Cluster, change: Any, name: str = "foos.example.com") -> None:
    current = copy(await cluster.client.get(CRDS, name))
    change(current["spec"])
    await cluster.client.update(CRDS, current)
    await cluster.settle()


def cluster(**more: Any) -> Cluster:
    return Cluster(nodes=0, controllers=(), scheduler="off", **more)


async def test_a_definition_is_established_and_its_kind_served() -> None:
    async with cluster() as c:
        created = await c.create(definition())
        nobody = {"kind": "", "plural": ""}
        assert created["status"] == {"conditions": None, "acceptedNames": nobody, "storedVersions": ["v1"]}
        await c.settle()
        found = await c.client.get(CRDS, "foos.example.com")
        assert found["status"]["acceptedNames"] == {
            "plural": "foos", "singular": "foo", "kind": "Foo", "listKind": "FooList",
        }  # fmt: skip
        assert condition(found, "Established")["reason"] == "InitialNamesAccepted"  # type: ignore[index]
        made = await c.create(foo(spec={"color": "red", "nonsense": 1}, status={"seen": True}))
        assert made["spec"] == {"color": "red", "size": 3}
        assert made["metadata"]["generation"] == 1


async def test_a_name_that_is_taken_is_free_when_its_owner_goes() -> None:
    async with cluster() as c:
        await defined(c)
        await c.create(definition(plural="others"))
        await c.settle()
        found = await c.client.get(CRDS, "others.example.com")
        assert condition(found, "NamesAccepted")["reason"] == "ListKindConflict"  # type: ignore[index]
        assert condition(found, "Established")["reason"] == "NotAccepted"  # type: ignore[index]
        assert c.plane.catalog.get("example.com", "v1", "others") is None
        await c.client.delete(CRDS, "foos.example.com")
        await c.settle()
        assert c.plane.catalog.get("example.com", "v1", "others") is not None


async def test_the_end_of_a_definition_takes_the_objects_along() -> None:
    async with cluster() as c:
        row = await defined(c)
        await c.create(foo("a"), foo("b"))
        await c.client.delete(CRDS, "foos.example.com")
        await c.settle()
        with pytest.raises(errors.NotFound):
            await c.client.get(CRDS, "foos.example.com")
        assert c.plane.catalog.get("example.com", "v1", "foos") is None
        await defined(c)
        assert await c.list(row) == []


async def test_an_object_with_a_finalizer_holds_its_definition() -> None:
    async with cluster() as c:
        row = await defined(c)
        held = foo("held")
        held["metadata"]["finalizers"] = ["example.com/hold"]
        await c.create(held)
        await c.client.delete(CRDS, "foos.example.com")
        await c.settle()
        found = await c.client.get(CRDS, "foos.example.com")
        assert condition(found, "Terminating")["reason"] == "InstanceDeletionInProgress"  # type: ignore[index]
        refused = (
            r'foos\.example\.com "new" is forbidden: create not allowed while custom resource definition is'
        )
        with pytest.raises(errors.Forbidden, match=refused):
            await c.create(foo("new"))
        with pytest.raises(errors.Forbidden, match=refused):
            await c.client.patch(row, "new", foo("new"), namespace="default", content_type=APPLY_PATCH)
        await c.advance(61)
        found = await c.client.get(CRDS, "foos.example.com")
        assert condition(found, "Terminating")["reason"] == "InstanceDeletionCheck"  # type: ignore[index]
        last = copy(await c.get(row, "held"))
        del last["metadata"]["finalizers"]
        await c.client.update(row, last)
        await c.settle()
        with pytest.raises(errors.NotFound):
            await c.client.get(CRDS, "foos.example.com")


async def test_versions_are_converted_by_name_and_pruned() -> None:
    """Defaults are of the version that is sent and of the one that is stored; what is only converted gets none."""
    async with cluster() as c:
        second = version("v2", storage=False, fields={"color": STRING, "tone": STRING | {"default": "dark"}})
        await defined(c, definition(version(), second))
        await c.create(foo(spec={"color": "red"}))
        v2 = c.plane.catalog.get("example.com", "v2", "foos")
        assert v2 is not None
        found = await c.get(v2, "a")
        assert (found["apiVersion"], found["spec"]) == ("example.com/v2", {"color": "red"})
        await c.create(foo("b", spec={"color": "red"}) | {"apiVersion": "example.com/v2"})
        assert (await c.get(v2, "b"))["spec"] == {"color": "red"}


async def test_a_new_schema_holds_for_stored_objects() -> None:
    async with cluster() as c:
        row = await defined(c)
        await c.create(foo(spec={"color": "red"}))
        fields = {"size": {"type": "integer"}, "tone": STRING | {"default": "dark"}}
        await redefine(c, lambda spec: spec.update(versions=[version(fields=fields)]))
        assert (await c.get(row, "a"))["spec"] == {"size": 3, "tone": "dark"}


async def test_another_storage_version_takes_over() -> None:
    async with cluster() as c:
        await defined(c, definition(version(), version("v2", storage=False)))
        await c.create(foo(spec={"color": "red"}))
        await redefine(c, lambda spec: spec.update(versions=[version(storage=False), version("v2")]))
        assert (await c.client.get(CRDS, "foos.example.com"))["status"]["storedVersions"] == ["v1", "v2"]
        v2 = c.plane.catalog.get("example.com", "v2", "foos")
        assert v2 is not None
        found = await c.get(v2, "a")
        # An update that changes nothing is written all the same: so objects migrate.
        again = await c.client.update(v2, copy(found))
        assert int(again["metadata"]["resourceVersion"]) > int(found["metadata"]["resourceVersion"])
        twice = await c.client.update(v2, copy(again))
        assert twice["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]


async def test_established_kinds_are_served_from_the_start() -> None:
    async with cluster() as c:
        await defined(c)
        await c.create(foo(spec={"color": "red"}))
        async with c.fork() as other:
            row = other.plane.catalog.get("example.com", "v1", "foos")
            assert row is not None
            assert (await other.get(row, "a"))["spec"]["color"] == "red"


async def test_status_and_spec_are_written_apart() -> None:
    async with cluster() as c:
        row = await defined(c, definition(version(subresources={"status": {}})))
        made = copy(await c.create(foo(spec={"color": "red"}, status={"seen": True})))
        assert "status" not in made
        made["status"], made["spec"]["color"] = {"seen": True}, "green"
        after = await c.client.update(row, made, subresource="status")
        assert (after["spec"]["color"], after["status"], after["metadata"]["generation"]) == (
            "red", {"seen": True}, 1,
        )  # fmt: skip


async def test_rules_see_what_was_before() -> None:
    fields = {"size": {"type": "integer", "x-kubernetes-validations": [
        {"rule": "self >= oldSelf", "message": "only grows"}]}}  # fmt: skip
    async with cluster() as c:
        row = await defined(c, definition(version(fields=fields)))
        made = copy(await c.create(foo(spec={"size": 3})))
        made["spec"]["size"] = 2
        with pytest.raises(errors.Invalid) as caught:
            await c.client.update(row, made)
        assert (
            caught.value.message == 'Foo.example.com "a" is invalid: spec.size: Invalid value: 2: only grows'
        )


async def test_the_collector_and_the_namespace_know_new_kinds() -> None:
    async with Cluster(nodes=0, scheduler="off") as c:
        row = await defined(c)
        await c.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "work"}})
        owner = await c.create(foo(metadata={"name": "owner", "namespace": "work"}))
        reference = {
            "apiVersion": "example.com/v1",
            "kind": "Foo",
            "name": "owner",
            "uid": owner["metadata"]["uid"],
        }
        await c.create({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "owned", "namespace": "work", "ownerReferences": [reference]},
        })  # fmt: skip
        await c.settle()
        await c.client.delete(row, "owner", "work")
        await c.settle()
        with pytest.raises(errors.NotFound):
            await c.get(CONFIG_MAPS, "owned", "work")
        await c.create(foo(metadata={"name": "left", "namespace": "work"}))
        await c.client.delete(NAMESPACES, "work")
        await c.advance(60)
        assert await c.list(row) == []


async def test_a_status_has_its_default_from_the_start() -> None:
    """The Gateway API's classes wait for their controller before anybody has seen them."""
    waiting = {"conditions": [{"type": "Accepted", "status": "Unknown"}]}
    wanted = version(subresources={"status": {}})
    wanted["schema"]["openAPIV3Schema"]["properties"]["status"]["default"] = waiting
    async with cluster() as c:
        row = await defined(c, definition(wanted))
        assert (await c.create(foo(status={"mine": 1})))["status"] == waiting
        found = copy(await c.get(row, "a"))
        found["spec"] = {"color": "red"}
        del found["status"]
        assert (await c.client.update(row, found))["status"] == waiting
