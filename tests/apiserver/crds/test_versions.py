"""What a version of a custom kind that is not the stored one means to its writers.

Everything is decoded, admitted and validated as the request's version says, converted when it is stored, and read back
as the stored version says.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from kubepy.api import errors
from kubepy.api.builtins import CUSTOM_RESOURCE_DEFINITIONS
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.client.client import APPLY_PATCH, MERGE_PATCH
from kubepy.testing.cluster import Cluster

STRING: Obj = {"type": "string"}
POLICIES, BINDINGS = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"


def version(name: str, fields: Obj, *, storage: bool = False, has_status: bool = True, **spec: Any) -> Obj:
    status = {
        "type": "object",
        "properties": {"phase": {"type": "string", "default": f"of-{name}"}},
        "default": {},
    }
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": fields, **spec}, "status": status},
    }
    return {
        "name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}} if has_status else {},
    }  # fmt: skip


async def defined(cluster: Cluster, *versions: Obj) -> tuple[Resource, ...]:
    await cluster.create(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "foos.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
                "versions": list(versions),
            },
        }
    )  # fmt: skip
    await cluster.settle()
    rows = (cluster.plane.catalog.get("example.com", each["name"], "foos") for each in versions)
    return tuple(row for row in rows if row is not None)


def foo(version: str, name: str = "a", **more: Any) -> Obj:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": f"example.com/{version}", "kind": "Foo", "metadata": metadata, **more}


async def test_what_a_version_demands_is_looked_for_in_that_version() -> None:
    """`old` is in no other version: it may not be missed once the object is in the stored one."""
    old = version("v1", {"old": STRING, "more": STRING}, required=["old"])
    async with Cluster(nodes=0, controllers=()) as cluster:
        v1, v2 = await defined(cluster, old, version("v2", {"new": STRING}, storage=True))
        with pytest.raises(errors.Invalid, match=r"spec\.old: Required value"):
            await cluster.create(foo("v1", spec={}))
        made = await cluster.create(foo("v1", spec={"old": "x"}))
        assert made["spec"] == {}, "the stored version knows nothing of it"
        with pytest.raises(errors.Invalid, match=r"spec\.old: Required value"):
            await cluster.client.patch(v1, "a", {"spec": {"more": "m"}}, namespace="default",
                                       content_type=MERGE_PATCH)  # fmt: skip
        changed = await cluster.client.patch(
            v2, "a", {"spec": {"new": "n"}}, namespace="default", content_type=MERGE_PATCH
        )
        assert changed["spec"] == {"new": "n"}


async def test_rules_compare_with_the_object_of_their_version() -> None:
    """Stored is `size` alone; v1 has a default and a rule of its own for it."""
    size: Obj = {"type": "integer"}
    rule = {"rule": "self >= oldSelf", "message": "only grows"}
    first = version("v1", {"size": size | {"x-kubernetes-validations": [rule]}, "seen": {"type": "boolean"}})
    async with Cluster(nodes=0, controllers=()) as cluster:
        v1, v2 = await defined(cluster, first, version("v2", {"size": size}, storage=True))
        await cluster.create(foo("v2", spec={"size": 5}))

        async def resized(row: Resource, to: int) -> Obj:
            return await cluster.client.patch(
                row, "a", {"spec": {"size": to}}, namespace="default", content_type=MERGE_PATCH
            )

        with pytest.raises(errors.Invalid, match="only grows"):
            await resized(v1, 4)
        assert (await resized(v2, 3))["spec"] == {"size": 3}
        assert (await resized(v1, 4))["spec"] == {"size": 4}


async def test_defaults_are_those_of_the_request_and_then_of_the_store() -> None:
    def field(name: str) -> Obj:
        return {"type": "string", "default": f"of-{name}"}

    one = version("v1", {"both": field("v1"), "own": field("v1")})
    two = version("v2", {"both": field("v2"), "kept": field("v2")}, storage=True)
    async with Cluster(nodes=0, controllers=()) as cluster:
        _, v2 = await defined(cluster, one, two)
        made = await cluster.create(foo("v1", spec={}))
        assert made["spec"] == {"both": "of-v1"}
        assert made["status"] == {"phase": "of-v2"}
        assert (await cluster.get(v2, "a"))["spec"] == {"both": "of-v1", "kept": "of-v2"}


async def test_a_version_without_a_status_subresource_writes_it_with_the_rest() -> None:
    plain = version("v1", {}, has_status=False)
    async with Cluster(nodes=0, controllers=()) as cluster:
        v1, v2 = await defined(cluster, plain, version("v2", {}, storage=True))
        for row, shown in ((v1, "given"), (v2, "of-v2")):
            made = await cluster.create(foo(row.version, row.version, spec={}, status={"phase": "given"}))
            assert made["status"]["phase"] == shown
        with pytest.raises(errors.NotFound, match=r'foos\.example\.com "v1" not found'):
            await cluster.client.patch(v1, "v1", {"status": {}}, namespace="default", subresource="status",
                                       content_type=MERGE_PATCH)  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "asked", "seen"),
    [("Equivalent", "v2", "example.com/v2"), ("Exact", "v2", ""), ("Exact", "v1", "example.com/v1")],
)
async def test_policies_see_the_version_that_they_ask_for_with_all_that_was_sent(
    policy: str, asked: str, seen: str
) -> None:
    """Only the store drops what the other version does not know."""
    rule = {
        "apiGroups": ["example.com"],
        "apiVersions": [asked],
        "operations": ["CREATE"],
        "resources": ["foos"],
    }
    text = "object.apiVersion + ' ' + (has(object.spec.old) ? object.spec.old : '-')"
    async with Cluster(nodes=0, controllers=()) as cluster:
        await defined(cluster, version("v1", {"old": STRING}), version("v2", {"new": STRING}, storage=True))
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "p"}}
        validation = {"expression": "false", "messageExpression": text}
        match = {"matchPolicy": policy, "resourceRules": [rule]}
        await cluster.create(
            head | {"kind": POLICIES, "spec": {"matchConstraints": match, "validations": [validation]}}
        )
        await cluster.create(
            head | {"kind": BINDINGS, "spec": {"policyName": "p", "validationActions": ["Deny"]}}
        )
        await cluster.settle()
        if not seen:
            await cluster.create(foo("v1", spec={"old": "x"}))
            return
        with pytest.raises(errors.StatusError, match=f"{seen} x"):
            await cluster.create(foo("v1", spec={"old": "x"}))


async def test_owners_are_forgotten_where_their_version_cannot_show_the_object() -> None:
    """Upstream cannot tell what `new` would be in v1, and gives up on the whole of managedFields."""
    async with Cluster(nodes=0, controllers=()) as cluster:
        v1, v2 = await defined(
            cluster, version("v1", {"a": STRING}), version("v2", {"a": STRING, "new": STRING}, storage=True)
        )
        await cluster.client.patch(
            v1, "a", foo("v1", spec={"a": "1"}), namespace="default", content_type=APPLY_PATCH
        )
        changed = await cluster.client.patch(
            v2, "a", {"spec": {"new": "n"}}, namespace="default", content_type=MERGE_PATCH
        )
        assert "managedFields" not in changed["metadata"]


@pytest.mark.parametrize("list_type", ["set", "map"])
async def test_what_is_no_list_is_refused_whoever_would_own_its_items(list_type: str) -> None:
    keys: Obj = {"x-kubernetes-list-map-keys": ["k"]} if list_type == "map" else {}
    item: Obj = {"type": "object", "properties": {"k": STRING}, "required": ["k"]} if keys else STRING
    listed = {"type": "array", "items": item, "x-kubernetes-list-type": list_type, **keys}
    async with Cluster(nodes=0, controllers=(), scheduler="off") as cluster:
        (v1,) = await defined(cluster, version("v1", {"list": listed}, storage=True))
        for wrong in (5, "text", {"a": 1}, True):
            with pytest.raises(errors.Invalid, match=r"spec\.list in body must be of type array"):
                await cluster.create(foo("v1", spec={"list": wrong}))
        await cluster.create(foo("v1", spec={"list": [{"k": "a"}] if keys else ["a"]}))
        with pytest.raises(errors.Invalid, match=r"spec\.list in body must be of type array"):
            await cluster.client.patch(
                v1, "a", {"spec": {"list": 5}}, namespace="default", content_type=MERGE_PATCH
            )


async def test_an_apply_says_which_object_a_version_of_owners_cannot_show() -> None:
    one, two = version("v1", {"a": STRING}, storage=True), version("v2", {"b": STRING})
    async with Cluster(nodes=0, controllers=(), scheduler="off") as cluster:
        v1, _ = await defined(cluster, one, two)
        await cluster.create(foo("v2", spec={"b": "1"}))
        wanted, told = (
            foo("v1", spec={"a": "1"}),
            r"failed to convert new object: \.spec\.a: field not declared",
        )
        with pytest.raises(errors.StatusError, match=told):
            await cluster.client.patch(v1, "a", wanted, namespace="default", content_type=APPLY_PATCH)


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        (
            {"apiVersion": None},
            500,
            "Internal error occurred: Object 'apiVersion' is missing in 'object has no apiVersion field'",
        ),
        ({"kind": "Bar"}, 422, 'Bar.example.com "a" is invalid: kind: Invalid value: "Bar": must be Foo'),
        (
            {"apiVersion": "x/v1"},
            422,
            'Foo.x "a" is invalid: apiVersion: Invalid value: "x/v1": must be example.com/v1',
        ),
        (
            {"metadata": None},
            400,
            "the name of the object (a based on URL) was undeterminable: name must be provided",
        ),
        ({"kind": ""}, 422, "Object 'Kind' is missing in '{"),
    ],
)
async def test_a_patch_that_leaves_another_kind_or_none(patch: Obj, code: int, message: str) -> None:
    async with Cluster(nodes=0, scheduler="off", controllers=()) as cluster:
        (foos,) = await defined(cluster, version("v1", {"a": STRING}, storage=True))
        await cluster.create(foo("v1", spec={"a": "x"}))
        with pytest.raises(errors.StatusError) as caught:
            await cluster.client.patch(foos, "a", patch, namespace="default", content_type=MERGE_PATCH)
    assert caught.value.code == code and message in caught.value.message


async def stored_otherwise(cluster: Cluster) -> tuple[Resource, ...]:
    """An object that was stored as v1, where objects are stored as v2 since."""
    one, two = version("v1", {"old": STRING}, storage=True), version("v2", {"new": STRING})
    await defined(cluster, one, two)
    await cluster.create(foo("v1", spec={"old": "x"}))
    turned = {"spec": {"versions": [one | {"storage": False}, two | {"storage": True}]}}
    await cluster.client.patch(
        CUSTOM_RESOURCE_DEFINITIONS, "foos.example.com", turned, content_type=MERGE_PATCH
    )
    await cluster.settle()
    rows = (cluster.plane.catalog.get("example.com", name, "foos") for name in ("v1", "v2"))
    return tuple(row for row in rows if row is not None)


@pytest.mark.parametrize("writer", [0, 1])
async def test_what_was_stored_in_another_version_is_seen_in_it_until_the_next_write(writer: int) -> None:
    async with Cluster(nodes=0, controllers=()) as cluster:
        rows = await stored_otherwise(cluster)

        async def specs() -> list[Obj]:
            got = [await cluster.client.get(row, "a", "default") for row in rows]
            (listed,) = (await cluster.client.list(rows[0], "default")).documents
            assert listed.obj == got[0]
            return [obj["spec"] for obj in got]

        assert await specs() == [{"old": "x"}, {}]
        label = {"metadata": {"labels": {"a": "b"}}}
        await cluster.client.patch(rows[writer], "a", label, namespace="default", content_type=MERGE_PATCH)
        assert await specs() == [{}, {}]


async def test_the_last_of_what_was_stored_in_another_version_is_told_in_it() -> None:
    async with Cluster(nodes=0, controllers=()) as cluster:
        v1, _ = await stored_otherwise(cluster)
        revision = (await cluster.client.list(v1, "default")).revision
        await cluster.client.delete(v1, "a", "default")
        async with aclosing(cluster.client.watch(v1, "default", resource_version=str(revision))) as batches:
            (event,) = await anext(batches)
        assert (event.type, event.document.obj["spec"]) == ("DELETED", {"old": "x"})
