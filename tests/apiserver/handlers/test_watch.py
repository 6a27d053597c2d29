from __future__ import annotations

from typing import Any

import pytest

from kubepy.apiserver.request import WatchResponse
from tests.apiserver.conftest import Api

MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = "application/merge-patch+json"


async def make(api: Api, name: str, **labels: str) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": name, "labels": labels}})


@pytest.mark.parametrize("query", ["", "&resourceVersion=0"])
async def test_without_a_revision_the_state_comes_first(api: Api, query: str) -> None:
    await make(api, "a")
    watch = await api.watch(f"{MAPS}?watch=1{query}")
    await make(api, "b")
    await api.ok("DELETE", f"{MAPS}/a")
    assert watch.seen == ["ADDED a", "ADDED b", "DELETED a"]
    deleted = watch.events[-1]["object"]
    assert deleted["metadata"]["resourceVersion"] == str(api.store.revision)


async def test_a_watch_list_ends_its_first_part_with_a_bookmark(api: Api) -> None:
    await make(api, "a")
    watch = await api.watch(
        f"{MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    )
    assert watch.seen == ["ADDED a", "BOOKMARK"]
    end = watch.events[-1]["object"]
    assert (end["kind"], end["apiVersion"]) == ("ConfigMap", "v1")
    assert end["metadata"] == {
        "resourceVersion": str(api.store.revision),
        "annotations": {"k8s.io/initial-events-end": "true"},
    }


@pytest.mark.parametrize(
    ("path", "accept", "include", "wanted"),
    [
        ("/api/v1/pods", "application/json", "", {"spec": {"containers": None}, "status": {}}),
        ("/apis/apps/v1/deployments", "application/json", "", {"spec": {"replicas": 0, "selector": None}}),
        ("/apis/apps/v1/replicasets", "application/json", "", {"status": {"replicas": 0}}),
    ],
)
async def test_a_bookmark_is_an_object_as_go_makes_it(
    api: Api, path: str, accept: str, include: str, wanted: dict[str, Any]
) -> None:
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    watch = await api.watch(f"{path}?{query}", accept=accept)
    (event,) = watch.events
    for field, value in wanted.items():
        assert event["object"][field].items() >= value.items()


@pytest.mark.parametrize(
    ("include", "shown"),
    [("", "PartialObjectMetadata"), ("None", "PartialObjectMetadata"), ("Object", "ConfigMap")],
)
async def test_a_bookmark_as_a_table_is_the_row_of_an_empty_object(
    api: Api, include: str, shown: str
) -> None:
    watch = await api.watch(
        f"{MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        f"&includeObject={include}",
        accept="application/json;as=Table;v=v1;g=meta.k8s.io",
    )
    await make(api, "a")
    first, second = (event["object"] for event in watch.events)
    assert first["rows"][0]["cells"] == ["", 0, "<unknown>"]
    assert first["rows"][0]["object"]["kind"] == shown
    assert [column["name"] for column in first["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["columnDefinitions"] is None


async def test_send_initial_events_false_starts_now(api: Api) -> None:
    await make(api, "a")
    watch = await api.watch(f"{MAPS}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan")
    await make(api, "b")
    assert watch.seen == ["ADDED b"]


async def test_from_a_revision(api: Api) -> None:
    await make(api, "a")
    at = api.store.revision
    await make(api, "b")
    watch = await api.watch(f"{MAPS}?watch=1&resourceVersion={at}")
    await make(api, "c")
    assert watch.seen == ["ADDED b", "ADDED c"]


async def test_from_a_future_revision_only_what_comes_after_it(api: Api) -> None:
    at = api.store.revision + 2
    watch = await api.watch(f"{MAPS}?watch=1&resourceVersion={at}")
    for name in "abc":
        await make(api, name)
    assert watch.seen == ["ADDED c"]


async def test_a_compacted_revision_is_an_error_event(api: Api) -> None:
    await make(api, "a")
    await api.store.compact(api.store.revision)
    fresh = Api(api.clock, api.store)
    watch = await fresh.watch(f"{MAPS}?watch=1&resourceVersion=2")
    assert watch.error is not None
    assert (watch.error.code, watch.error.reason) == (410, "Expired")
    assert watch.error.message == f"too old resource version: 2 ({api.store.revision})"
    await fresh.registry.close()


async def test_history_before_the_start_is_replayed(api: Api) -> None:
    await make(api, "a")
    at = api.store.revision
    await make(api, "b")
    await api.ok("POST", "/api/v1/namespaces/other/configmaps", {"metadata": {"name": "c"}})
    await api.ok("DELETE", f"{MAPS}/a")
    fresh = Api(api.clock, api.store)
    watch = await fresh.watch(f"{MAPS}?watch=1&resourceVersion={at}")
    assert watch.seen == ["ADDED b", "DELETED a"]
    everywhere = await fresh.watch(f"/api/v1/configmaps?watch=1&resourceVersion={at}")
    assert everywhere.seen == ["ADDED b", "ADDED c", "DELETED a"]
    await fresh.registry.close()


async def test_selectors_see_objects_come_and_go(api: Api) -> None:
    await make(api, "a", l="1")
    watch = await api.watch(f"{MAPS}?watch=1&labelSelector=l%3D1&resourceVersion={api.store.revision}")
    await api.ok("PATCH", f"{MAPS}/a", {"metadata": {"labels": {"l": "2"}}}, content_type=MERGE)
    await api.ok("PATCH", f"{MAPS}/a", {"data": {"x": "y"}}, content_type=MERGE)
    await api.ok("PATCH", f"{MAPS}/a", {"metadata": {"labels": {"l": "1"}}}, content_type=MERGE)
    assert watch.seen == ["DELETED a", "ADDED a"]
    assert watch.events[0]["object"]["metadata"]["labels"] == {"l": "1"}


async def test_one_object_by_name(api: Api) -> None:
    await make(api, "a")
    by_field = await api.watch(f"{MAPS}?watch=1&fieldSelector=metadata.name%3Db")
    everywhere = await api.watch("/api/v1/configmaps?watch=1&fieldSelector=metadata.name%3Db")
    await make(api, "b")
    await make(api, "c")
    assert by_field.seen == everywhere.seen == ["ADDED b"]


async def test_pods_of_a_node(api: Api) -> None:
    watch = await api.watch("/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn1")
    pods = "/api/v1/namespaces/default/pods"
    spec = {"containers": [{"name": "c", "image": "i"}]}
    await api.ok("POST", pods, {"metadata": {"name": "p"}, "spec": spec})
    assert watch.seen == []
    await api.ok(
        "POST", f"{pods}/p/binding", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    )
    assert watch.seen == ["ADDED p"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sendInitialEvents=true", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        (
            "resourceVersionMatch=NotOlderThan&resourceVersion=1",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        ("sendInitialEvents=true&resourceVersionMatch=Exact", 'Unsupported value: "Exact"'),
    ],
)
async def test_bad_combinations(api: Api, query: str, message: str) -> None:
    error = await api.error("GET", f"{MAPS}?watch=1&{query}")
    assert error.code == 422
    assert message in error.message


async def test_a_state_that_is_not_there_yet(api: Api) -> None:
    watch = await api.watch(
        f"{MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99999"
    )
    assert watch.error is not None
    assert (watch.error.code, watch.error.reason) == (504, "Timeout")


async def test_table_events(api: Api) -> None:
    await make(api, "a")
    watch = await api.watch(f"{MAPS}?watch=1", accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    await make(api, "b")
    first, second = watch.events
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "b"


async def test_metadata_events(api: Api) -> None:
    watch = await api.watch(
        f"{MAPS}?watch=1", accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    )
    await api.ok("POST", MAPS, {"metadata": {"name": "a"}, "data": {"x": "y"}})
    (event,) = watch.events
    assert (event["object"]["kind"], "data" in event["object"]) == ("PartialObjectMetadata", False)


async def test_bookmarks_before_the_end(api: Api) -> None:
    watch = await api.watch(f"{MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=20&resourceVersion=1")
    await api.clock.advance(19)
    assert [e["type"] for e in watch.events][-1:] == ["BOOKMARK"]
    assert watch.events[-1]["object"]["metadata"] == {"resourceVersion": str(api.store.revision)}


async def test_watches_end_by_themselves_at_different_times(api: Api) -> None:
    found = set()
    for _ in range(5):
        response = await api.send("GET", f"{MAPS}?watch=1")
        assert isinstance(response, WatchResponse)
        found.add(response.timeout_s)
        assert 1800 <= response.timeout_s <= 3600
    assert len(found) == 5
    response = await api.send("GET", f"{MAPS}?watch=1&timeoutSeconds=5")
    assert isinstance(response, WatchResponse)
    assert response.timeout_s == 5


async def test_yaml_is_not_streamed(api: Api) -> None:
    assert (await api.error("GET", f"{MAPS}?watch=1", accept="application/yaml")).code == 406


async def test_a_revision_that_is_no_number(api: Api) -> None:
    """Of a list that is a bad request; here nobody upstream makes one of it."""
    for target in (f"{MAPS}?watch=1&resourceVersion=-1&continue=x", f"{MAPS}/x?resourceVersion=-1"):
        error = await api.error("GET", target)
        assert (error.code, error.reason) == (500, "")
        assert error.message == (
            'resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax'
        )
