from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import BUILTINS
from kubepy.api.resources import Resource
from kubepy.lib import yaml
from tests.apiserver.conftest import Api

MAPS = "/api/v1/namespaces/default/configmaps"


async def fill(api: Api, count: int = 5, namespace: str = "default") -> None:
    for index in range(count):
        metadata = {"name": f"m{index}", "labels": {"parity": "odd" if index % 2 else "even"}}
        await api.ok("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": metadata})


def names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


async def pages(api: Api, target: str, limit: int) -> list[Any]:
    found = [await api.ok("GET", f"{target}{'&' if '?' in target else '?'}limit={limit}")]
    while token := found[-1]["metadata"].get("continue"):
        found.append(
            await api.ok("GET", f"{target}{'&' if '?' in target else '?'}limit={limit}&continue={token}")
        )
    return found


async def test_a_list_is_as_of_the_newest_revision(api: Api) -> None:
    await fill(api, 2)
    answer = await api.ok("GET", MAPS)
    assert (answer["kind"], answer["apiVersion"]) == ("ConfigMapList", "v1")
    assert answer["metadata"] == {"resourceVersion": str(api.store.revision)}
    assert names(answer) == ["m0", "m1"]
    assert (await api.ok("GET", "/api/v1/namespaces/nowhere/configmaps"))["items"] == []


async def test_all_namespaces(api: Api) -> None:
    await fill(api, 1)
    await fill(api, 1, "other")
    assert len((await api.ok("GET", "/api/v1/configmaps"))["items"]) == 2


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("labelSelector=parity%3Dodd", "m1 m3"),
        ("labelSelector=parity+notin+(odd)", "m0 m2 m4"),
        ("fieldSelector=metadata.name%3Dm3", "m3"),
        ("fieldSelector=metadata.name!%3Dm3", "m0 m1 m2 m4"),
        ("fieldSelector=metadata.name%3Dm3&labelSelector=parity%3Deven", ""),
        ("fieldSelector=metadata.name%3Dm3,metadata.namespace%3Ddefault", "m3"),
        ("fieldSelector=metadata.name%3Dm3,metadata.namespace%3Dother", ""),
        ("fieldSelector=metadata.name%3Dm3,metadata.name%3Dm4", ""),
        ("fieldSelector=metadata.name%3D", ""),
    ],
)
async def test_selectors(api: Api, query: str, wanted: str) -> None:
    await fill(api)
    assert " ".join(names(await api.ok("GET", f"{MAPS}?{query}"))) == wanted
    assert " ".join(names(await api.ok("GET", f"/api/v1/configmaps?{query}"))) == wanted


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("labelSelector=%3D", "found '=', expected: !, identifier, or 'end of string'"),
        (
            "fieldSelector=spec.x%3D1",
            '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        ("fieldSelector=a%5C%3D1", '"a\\\\" is not a known field selector'),
        ("limit=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
    ],
)
async def test_bad_parameters_are_400(api: Api, query: str, message: str) -> None:
    error = await api.error("GET", f"{MAPS}?{query}")
    assert error.code == 400
    assert message in error.message


async def test_pages_are_of_one_revision_whatever_happens_between_them(api: Api) -> None:
    await fill(api)
    first = await api.ok("GET", f"{MAPS}?limit=2")
    assert first["metadata"]["remainingItemCount"] == 3
    await api.ok("DELETE", f"{MAPS}/m3")
    await api.ok("POST", MAPS, {"metadata": {"name": "m5"}})
    second = await api.ok("GET", f"{MAPS}?limit=2&continue={first['metadata']['continue']}")
    third = await api.ok("GET", f"{MAPS}?limit=2&continue={second['metadata']['continue']}")
    assert names(first) + names(second) + names(third) == ["m0", "m1", "m2", "m3", "m4"]
    assert {page["metadata"]["resourceVersion"] for page in (first, second, third)} == {
        first["metadata"]["resourceVersion"]
    }
    assert second["metadata"]["remainingItemCount"] == 1
    assert set(third["metadata"]) == {"resourceVersion"}


async def test_pages_over_all_namespaces_and_with_selectors(api: Api) -> None:
    await fill(api)
    await fill(api, 4, "other")
    found = await pages(api, "/api/v1/configmaps", 4)
    assert [len(page["items"]) for page in found] == [4, 4, 1]
    found = await pages(api, "/api/v1/configmaps?labelSelector=parity%3Deven", 2)
    assert [names(page) for page in found] == [["m0", "m2"], ["m4", "m0"], ["m2"]]
    assert all("remainingItemCount" not in page["metadata"] for page in found)


async def test_filtered_pages_of_a_past_revision(api: Api) -> None:
    await fill(api)
    first = await api.ok("GET", f"{MAPS}?limit=1&labelSelector=parity%3Deven")
    for index in range(5):
        await api.ok("DELETE", f"{MAPS}/m{index}")
    rest: list[str] = []
    token = first["metadata"]["continue"]
    while token:
        page = await api.ok("GET", f"{MAPS}?limit=1&labelSelector=parity%3Deven&continue={token}")
        assert len(names(page)) == 1, "nobody is sent on to a page with nothing on it"
        rest += names(page)
        token = page["metadata"].get("continue")
    assert rest == ["m2", "m4"]


async def test_a_token_whose_revision_is_compacted_can_go_on_inconsistently(api: Api) -> None:
    await fill(api)
    first = await api.ok("GET", f"{MAPS}?limit=2")
    await api.ok("DELETE", f"{MAPS}/m3")
    await api.store.compact(api.store.revision)
    error = await api.error("GET", f"{MAPS}?limit=2&continue={first['metadata']['continue']}")
    assert (error.code, error.reason) == (410, "Expired")
    assert error.message.startswith(
        "The provided continue parameter is too old to display a consistent list result."
    )
    rest = await api.ok("GET", f"{MAPS}?limit=2&continue={error.metadata['continue']}")
    assert names(rest) == ["m2", "m4"]


async def test_a_token_expires_also_where_nothing_has_changed_since(api: Api) -> None:
    await fill(api)
    first = await api.ok("GET", f"{MAPS}?limit=2")
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "elsewhere"}})
    await api.store.compact(api.store.revision)
    error = await api.error("GET", f"{MAPS}?limit=2&continue={first['metadata']['continue']}")
    assert error.code == 410
    assert error.metadata["continue"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("resourceVersion=0", "m0 m1 m2"),
        ("resourceVersion=0&limit=1", "m0 m1 m2"),
        ("resourceVersion={old}", "m0 m1 m2"),
        ("resourceVersion={old}&resourceVersionMatch=NotOlderThan", "m0 m1 m2"),
        ("resourceVersion={old}&resourceVersionMatch=Exact", "m0 m1"),
        ("resourceVersion={old}&limit=5", "m0 m1"),
        # A list of one name has no pages that a limit could hold together.
        ("resourceVersion={old}&limit=5&fieldSelector=metadata.name%3Dm2", "m2"),
        ("resourceVersion={old}&resourceVersionMatch=Exact&fieldSelector=metadata.name%3Dm2", ""),
        ("resourceVersion=0&limit=1&continue={token}", "m1 m2"),
    ],
)
async def test_resource_version(api: Api, query: str, wanted: str) -> None:
    await fill(api, 2)
    old = api.store.revision
    await api.ok("POST", MAPS, {"metadata": {"name": "m2"}})
    token = (await api.ok("GET", f"{MAPS}?limit=1"))["metadata"]["continue"]
    answer = await api.ok("GET", f"{MAPS}?{query.format(old=old, token=token)}")
    assert " ".join(names(answer)) == wanted


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        (
            "resourceVersionMatch=Exact",
            422,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        ("resourceVersion=1&resourceVersionMatch=Foo", 422, 'Unsupported value: "Foo"'),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422, 'resourceVersionMatch "exact" is forbidden'),
        ("sendInitialEvents=true", 422, "sendInitialEvents is forbidden for list"),
        (
            "resourceVersion=x",
            400,
            'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint',
        ),
        ("resourceVersion=18446744073709551615", 504, "Too large resource version: 18446744073709551615"),
        ("resourceVersion=18446744073709551616", 400, "value out of range"),
        ("resourceVersion=100000", 504, "Too large resource version: 100000, current: "),
        (
            "resourceVersion=5&continue={token}",
            400,
            "specifying resource version is not allowed when using continue",
        ),
        ("continue=x", 400, "invalid continue token: continue key is not valid"),
    ],
)
async def test_bad_revisions(api: Api, query: str, code: int, message: str) -> None:
    await fill(api, 2)
    token = (await api.ok("GET", f"{MAPS}?limit=1"))["metadata"]["continue"]
    error = await api.error("GET", f"{MAPS}?{query.format(token=token)}")
    assert error.code == code
    assert message in error.message


@pytest.mark.parametrize(
    ("query", "has_delay"),
    [
        ("resourceVersion=100000", True),
        ("resourceVersion=100000&limit=1&fieldSelector=metadata.name%3Da", True),
        ("resourceVersion=100000&resourceVersionMatch=Exact&fieldSelector=metadata.name%3Da", False),
    ],
)
async def test_only_the_cache_proposes_when_to_try_again(api: Api, query: str, has_delay: bool) -> None:
    error = await api.error("GET", f"{MAPS}?{query}")
    assert error.code == 504
    assert ("retryAfterSeconds" in error.details) is has_delay


@pytest.mark.parametrize(
    ("path", "accept", "field", "wanted"),
    [
        (MAPS, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "items", None),
        (MAPS, "application/json;as=Table;v=v1;g=meta.k8s.io", "rows", []),
        ("/api/v1/limitranges", "application/json;as=Table;v=v1;g=meta.k8s.io", "rows", None),
        (MAPS, "application/json", "items", []),
    ],
)
async def test_nothing_is_null_where_go_has_made_no_list(
    api: Api, path: str, accept: str, field: str, wanted: Any
) -> None:
    assert (await api.ok("GET", path, accept=accept))[field] == wanted


async def test_a_compacted_revision_is_expired(api: Api) -> None:
    await fill(api, 2)
    await api.store.compact(api.store.revision)
    error = await api.error("GET", f"{MAPS}?resourceVersion=2&resourceVersionMatch=Exact")
    assert (error.code, error.message) == (410, "The resourceVersion for the provided list is too old.")


async def test_the_list_says_the_kind_of_its_items(api: Api) -> None:
    await fill(api, 2)
    found = await api.ok("GET", MAPS)
    assert found["kind"] == "ConfigMapList"
    assert [sorted(item) for item in found["items"]] == [["metadata"]] * 2
    scalers = "namespaces/default/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w"}
    spec = {"scaleTargetRef": target, "maxReplicas": 2}
    await api.ok("POST", f"/apis/autoscaling/v2/{scalers}", {"metadata": {"name": "a"}, "spec": spec})
    for version in ("v1", "v2"):
        (item,) = (await api.ok("GET", f"/apis/autoscaling/{version}/{scalers}"))["items"]
        assert sorted(item) == ["metadata", "spec", "status"]


async def test_a_collection_that_is_deleted_in_pages(api: Api) -> None:
    await fill(api, 3)
    found = await api.ok("DELETE", f"{MAPS}?limit=2")
    assert [sorted(item) for item in found["items"]] == [["metadata"]] * 2
    assert found["metadata"]["remainingItemCount"] == 1


@pytest.mark.parametrize("kind", ["PartialObjectMetadataList", "Table"])
async def test_metadata_alone_has_no_annotations_of_conversion(api: Api, kind: str) -> None:
    """Neither those that stand for fields of another version nor the one that stands for an internal field."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w"}
    spec = {
        "scaleTargetRef": target,
        "maxReplicas": 2,
        "behavior": {"scaleUp": {"stabilizationWindowSeconds": 5}},
    }
    scalers = "namespaces/default/horizontalpodautoscalers"
    await api.ok("POST", f"/apis/autoscaling/v2/{scalers}", {"metadata": {"name": "a"}, "spec": spec})
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    daemons = "/apis/apps/v1/namespaces/default/daemonsets"
    metadata = {"name": "d", "annotations": {"mine": "too"}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    await api.ok("POST", daemons, {"metadata": metadata, "spec": spec})
    for path, own in ((f"/apis/autoscaling/v1/{scalers}", {}), (daemons, {"mine": "too"})):
        assert len((await api.ok("GET", path))["items"][0]["metadata"]["annotations"]) > len(own)
        answer = await api.ok("GET", path, accept=f"application/json;as={kind};v=v1;g=meta.k8s.io")
        (found,) = answer.get("items") or [row["object"] for row in answer["rows"]]
        assert found["metadata"].get("annotations", {}) == own


async def test_other_shapes(api: Api) -> None:
    await fill(api, 1)
    table = await api.ok("GET", MAPS, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"] == ["m0", 0, "0s"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert table["metadata"]["resourceVersion"] == str(api.store.revision)
    bare = await api.ok(
        "GET", f"{MAPS}?includeObject=None", accept="application/json;as=Table;v=v1;g=meta.k8s.io"
    )
    assert bare["rows"][0]["object"] is None
    partial = await api.ok(
        "GET", MAPS, accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    )
    assert (partial["kind"], partial["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert partial["items"][0]["kind"] == "PartialObjectMetadata"
    response = await api.send("GET", MAPS, accept="application/yaml")
    assert response.body is not None
    assert names(yaml.load(response.body)) == ["m0"]


async def test_a_list_cannot_be_partial_object_metadata(api: Api) -> None:
    error = await api.error(
        "GET", MAPS, accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    )
    assert error.code == 406
    assert "but the requested object is a list (*core.ConfigMapList)" in error.message


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", "/api/v1/configmaps/a", 404),
        ("POST", "/api/v1/configmaps", 405),
        ("DELETE", "/api/v1/configmaps", 405),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/apis/apps/v9/deployments", 404),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("DELETE", "/api/v1/namespaces", 405),
        ("POST", "/api/v1/namespaces/default/configmaps/a", 405),
        ("GET", "/api/v1/namespaces/default/configmaps/a/status", 404),
        ("GET", "/api/v1/namespaces/default/pods/a/binding", 405),
    ],
)
async def test_what_is_not_there(api: Api, method: str, target: str, code: int) -> None:
    assert (await api.error(method, target)).code == code


async def test_a_get_is_the_stored_bytes(api: Api) -> None:
    await fill(api, 1)
    response = await api.send("GET", f"{MAPS}/m0")
    document = api.registry.cache(api.registry.catalog.get("", "v1", "configmaps")).get("default/m0")  # type: ignore[arg-type]
    assert document is not None
    assert response.body == document.raw + b"\n"
    assert (await api.error("GET", f"{MAPS}/m0?resourceVersion=999999")).code == 504


@pytest.mark.parametrize(
    "resource",
    [row for row in BUILTINS if "list" in row.verbs],
    ids=lambda row: f"{row.group_resource}.{row.version}",
)
async def test_every_kind_has_its_table_and_its_metadata(api: Api, resource: Resource) -> None:
    base = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    target = f"{base}/{resource.plural}"
    table = await api.ok("GET", target, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    names = [column["name"] for column in table["columnDefinitions"]]
    assert (table["kind"], names[0]) == ("Table", "Name") or resource.kind == "Event"
    assert all(len(row["cells"]) == len(names) for row in table["rows"] or ())
    partial = await api.ok(
        "GET", target, accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    )
    assert partial["kind"] == "PartialObjectMetadataList"
    if "watch" in resource.verbs:
        await api.watch(f"{target}?watch=1", accept="application/json;as=Table;v=v1;g=meta.k8s.io")


async def test_rows_of_flow_schemas_are_in_the_order_of_their_precedence(api: Api) -> None:
    path = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
    for name, precedence in (("a", 500), ("b", 20), ("c", 20)):
        spec = {"priorityLevelConfiguration": {"name": "exempt"}, "matchingPrecedence": precedence}
        await api.ok("POST", path, {"metadata": {"name": name}, "spec": spec})
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    table = await api.ok("GET", path, accept=accept)
    assert [row["cells"][0] for row in table["rows"]] == ["b", "c", "a"]
    listed = await api.ok("GET", path)
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b", "c"]
