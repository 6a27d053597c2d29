"""Definitions, what they publish, and their objects.

Source: kubernetes test/e2e/apimachinery/{custom_resource_definition,crd_watch,crd_publish_openapi}.go. What these ask
of kubectl (create, apply, explain) is in tests/e2e/test_custom_resources.py.
"""

from __future__ import annotations

import pytest

from tests.conformance.conftest import DEFINITIONS, PATIENCE_S, Conformance, Obj, define

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRING = {"type": "string"}
AB: Obj = {"type": "object", "properties": {"a": STRING, "b": STRING}}
BAR = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": STRING, "age": STRING, "feeling": STRING | {"enum": ["Great", "Down"]}},
}
FOO: Obj = {
    "type": "object",
    "description": "Foo CRD for Testing",
    "properties": {
        "spec": {
            "type": "object",
            "description": "Specification of Foo",
            "properties": {
                "bars": {"type": "array", "description": "List of Bars and their specs.", "items": BAR}
            },
        }
    },
}
WALDO: Obj = {
    "type": "object",
    "description": "Waldo CRD for Testing",
    "properties": {"spec": {"type": "object", "properties": {"dummy": STRING}}},
}


async def published(k8s: Conformance, group: str, version: str, kind: str) -> Obj | None:
    """The definition in the v2 document."""
    name = ".".join((*reversed(group.split(".")), version, kind))
    document = await k8s.ok("GET", "/openapi/v2")
    return document["definitions"].get(name)


async def describes(k8s: Conformance, group: str, version: str, kind: str, schema: Obj) -> None:
    found = await published(k8s, group, version, kind)
    assert found is not None
    assert found["description"] == schema["description"]
    assert found["properties"]["spec"] == schema["properties"]["spec"]


async def test_creating_deleting_custom_resource_definition_objects_works(k8s: Conformance) -> None:
    await define(k8s, "simple.example.com", "simples", {"v1": AB})
    path = "/apis/simple.example.com/v1/namespaces/default/simples"
    made = await k8s.ok(
        "POST", path, {"kind": "Simples", "apiVersion": "simple.example.com/v1", "metadata": {"name": "a"}}
    )
    assert made["metadata"]["uid"]
    await k8s.ok("DELETE", f"{DEFINITIONS}/simples.simple.example.com")
    await k8s.gone(f"{DEFINITIONS}/simples.simple.example.com")
    assert (await k8s.error("GET", path)).code == 404


async def test_listing_custom_resource_definition_objects_works(k8s: Conformance) -> None:
    for number in range(10):
        name = f"listed{number}"
        await define(k8s, "listed.example.com", name, {"v1": AB})
        await k8s.merge(
            f"{DEFINITIONS}/{name}.listed.example.com", {"metadata": {"labels": {"e2e": "listed"}}}
        )
    only = {"labelSelector": "e2e=listed"}
    assert len((await k8s.ok("GET", DEFINITIONS, query=only))["items"]) == 10
    await k8s.ok("DELETE", DEFINITIONS, query=only)

    async def is_empty() -> bool:
        return not (await k8s.ok("GET", DEFINITIONS, query=only))["items"]

    await k8s.cluster.until(is_empty, within=PATIENCE_S)


async def test_getting_updating_patching_custom_resource_definition_status_sub_resource_works(
    k8s: Conformance,
) -> None:
    await define(k8s, "status.example.com", "statuses", {"v1": AB})
    path = f"{DEFINITIONS}/statuses.status.example.com/status"
    condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from an e2e test"}
    found = await k8s.ok("GET", path)
    found["status"]["conditions"].append(condition)
    updated = await k8s.ok("PUT", path, found)
    assert condition.items() <= updated["status"]["conditions"][-1].items()
    operation = {"op": "add", "path": "/status/conditions", "value": [condition | {"type": "StatusPatched"}]}
    patched = await k8s.json_patch(path, [operation])
    assert "StatusPatched" in [each["type"] for each in patched["status"]["conditions"]]


async def test_should_include_custom_resource_definition_resources_in_discovery_documents(
    k8s: Conformance,
) -> None:
    group = "apiextensions.k8s.io"
    groups = {each["name"]: each for each in (await k8s.ok("GET", "/apis"))["groups"]}
    version = {"groupVersion": f"{group}/v1", "version": "v1"}
    assert version in groups[group]["versions"]
    assert version in (await k8s.ok("GET", f"/apis/{group}"))["versions"]
    resources = (await k8s.ok("GET", f"/apis/{group}/v1"))["resources"]
    assert "customresourcedefinitions" in [each["name"] for each in resources]


async def test_custom_resource_defaulting_for_requests_and_from_storage_works(k8s: Conformance) -> None:
    await define(k8s, "defaulted.example.com", "defaults", {"v1": AB}, scope="Cluster")
    definition, path = (
        f"{DEFINITIONS}/defaults.defaulted.example.com",
        "/apis/defaulted.example.com/v1/defaults",
    )
    named = {"apiVersion": "defaulted.example.com/v1", "kind": "Defaults"}
    properties = "/spec/versions/0/schema/openAPIV3Schema/properties"

    async def reads(name: str, expected: Obj) -> None:
        async def is_so() -> bool:
            found = await k8s.ok("GET", f"{path}/{name}")
            return {field: found[field] for field in "ab" if field in found} == expected

        await k8s.cluster.until(is_so, within=PATIENCE_S)

    await k8s.ok("POST", path, named | {"metadata": {"name": "cr-1"}})
    await k8s.json_patch(definition, [{"op": "add", "path": f"{properties}/a/default", "value": "A"}])
    await reads("cr-1", {"a": "A"})
    made = await k8s.ok("POST", path, named | {"metadata": {"name": "cr-2"}})
    assert made["a"] == "A"
    await k8s.json_patch(
        definition,
        [
            {"op": "remove", "path": f"{properties}/a/default"},
            {"op": "add", "path": f"{properties}/b/default", "value": "B"},
        ],
    )
    await reads("cr-2", {"a": "A", "b": "B"})
    # It was never stored.
    await reads("cr-1", {"b": "B"})


async def test_watch_on_custom_resource_definition_objects(k8s: Conformance) -> None:
    await define(k8s, "watched.example.com", "watches", {"v1beta1": AB}, scope="Cluster")
    path = "/apis/watched.example.com/v1beta1/watches"
    named = {"apiVersion": "watched.example.com/v1beta1", "kind": "Watches"}
    start = (await k8s.ok("GET", path))["metadata"]["resourceVersion"]
    for name in ("name1", "name2"):
        await k8s.ok("POST", path, named | {"metadata": {"name": name}})
    for name in ("name1", "name2"):
        await k8s.merge(f"{path}/{name}", {"a": "dummy"})
    for name in ("name1", "name2"):
        await k8s.ok("DELETE", f"{path}/{name}")
    for name in ("name1", "name2"):
        found = await k8s.events(path, 3, resourceVersion=start, fieldSelector=f"metadata.name={name}")
        assert [event["type"] for event in found] == ["ADDED", "MODIFIED", "DELETED"]
        assert {event["object"]["metadata"]["name"] for event in found} == {name}


async def test_openapi_of_multiple_crds_of_different_groups_versions_and_kinds(k8s: Conformance) -> None:
    for group, plural, versions in (
        ("foo.example.com", "foos", {"v1": FOO}),
        ("waldo.example.com", "waldos", {"v1beta1": WALDO}),
        ("multi.example.com", "foos", {"v2": FOO, "v3": FOO}),
        ("common.example.com", "foos", {"v4": FOO, "v6": FOO}),
        ("common.example.com", "waldos", {"v5": WALDO, "v6": WALDO}),
    ):
        await define(k8s, group, plural, versions)
        for version, schema in versions.items():
            await describes(k8s, group, version, plural.capitalize(), schema)


async def test_openapi_is_updated_when_one_version_gets_renamed(k8s: Conformance) -> None:
    await define(k8s, "renamed.example.com", "foos", {"v2": FOO, "v3": FOO})
    await k8s.json_patch(
        f"{DEFINITIONS}/foos.renamed.example.com",
        [
            {"op": "test", "path": "/spec/versions/1/name", "value": "v3"},
            {"op": "replace", "path": "/spec/versions/1/name", "value": "v4"},
        ],
    )
    await describes(k8s, "renamed.example.com", "v4", "Foos", FOO)
    await describes(k8s, "renamed.example.com", "v2", "Foos", FOO)
    assert await published(k8s, "renamed.example.com", "v3", "Foos") is None


async def test_openapi_of_a_version_that_is_not_served_any_more_is_removed(k8s: Conformance) -> None:
    await define(k8s, "single.example.com", "foos", {"v5": FOO, "v6alpha1": FOO})
    await describes(k8s, "single.example.com", "v6alpha1", "Foos", FOO)
    unserved = [{"op": "replace", "path": "/spec/versions/1/served", "value": False}]
    await k8s.json_patch(f"{DEFINITIONS}/foos.single.example.com", unserved)
    assert await published(k8s, "single.example.com", "v6alpha1", "Foos") is None
    await describes(k8s, "single.example.com", "v5", "Foos", FOO)
