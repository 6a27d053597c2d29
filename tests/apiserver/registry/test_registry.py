"""The rules every kind obeys, through the verbs."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import BUILTINS
from kubepy.api.resources import Resource
from tests.apiserver.conftest import Api

MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name: str = "a", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, **fields.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields}


# -- create ------------------------------------------------------------------------------------------------------


async def test_create_gives_an_identity(api: Api) -> None:
    system = {
        "uid": "mine",
        "creationTimestamp": "2001-01-01T00:00:00Z",
        "selfLink": "/x",
        "deletionTimestamp": None,
    }
    made = await api.ok("POST", MAPS, config_map(metadata=system, data={"a": "1"}))
    metadata = made["metadata"]
    assert metadata["namespace"] == "default"
    assert metadata["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert len(metadata["uid"]) == 36
    assert metadata["resourceVersion"] == str(api.store.revision)
    assert "selfLink" not in metadata
    assert (made["apiVersion"], made["kind"], made["data"]) == ("v1", "ConfigMap", {"a": "1"})


async def test_generate_name_appends_five_characters_and_keeps_within_63(api: Api) -> None:
    made = await api.ok("POST", MAPS, {"metadata": {"generateName": "x" * 70 + "-"}})
    assert len(made["metadata"]["name"]) == 63
    short = await api.ok("POST", MAPS, {"metadata": {"generateName": "web-"}})
    assert short["metadata"]["name"].startswith("web-")
    assert len(short["metadata"]["name"]) == 9


async def test_a_name_that_is_taken_is_409(api: Api) -> None:
    await api.ok("POST", MAPS, config_map())
    error = await api.error("POST", MAPS, config_map())
    assert (error.code, error.reason, error.message) == (
        409,
        "AlreadyExists",
        'configmaps "a" already exists',
    )


async def test_a_name_whose_object_is_going_says_so(api: Api) -> None:
    await api.ok("POST", MAPS, config_map(metadata={"finalizers": ["x.io/y"]}))
    await api.ok("DELETE", f"{MAPS}/a")
    error = await api.error("POST", MAPS, config_map())
    assert error.message == 'object is being deleted: configmaps "a" already exists'


async def test_a_dry_run_does_not_mind_a_resource_version(api: Api) -> None:
    """Source: storage/dryrun.go Create, which never asks the storage that would refuse it."""
    made = await api.ok("POST", f"{MAPS}?dryRun=All", config_map(metadata={"resourceVersion": "5"}))
    assert made["metadata"]["resourceVersion"] == "5"


@pytest.mark.parametrize(
    ("obj", "code", "message"),
    [
        (
            config_map(metadata={"resourceVersion": "5"}),
            500,
            "resourceVersion should not be set on objects to be created",
        ),
        (
            config_map(metadata={"namespace": "other"}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "a"}},
            400,
            'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for '
            'version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
        ),
        (
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}},
            400,
            'Service in version "v1" cannot be handled as a ConfigMap: converting (v1.Service) to (core.ConfigMap): '
            "unknown conversion",
        ),
        (
            {"metadata": {}},
            422,
            'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
        ),
    ],
)
async def test_what_cannot_be_created(api: Api, obj: Any, code: int, message: str) -> None:
    error = await api.error("POST", MAPS, obj)
    assert (error.code, error.message) == (code, message)


async def test_duplicate_owners_are_merged_with_a_warning(api: Api) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
    made = await api.ok("POST", MAPS, config_map(metadata={"ownerReferences": [owner, owner]}))
    assert len(made["metadata"]["ownerReferences"]) == 1
    assert "duplicate UID(s) observed: u" in api.warnings[0]


async def test_a_dry_run_writes_nothing_and_answers_as_if(api: Api) -> None:
    before = api.store.revision
    made = await api.ok("POST", f"{MAPS}?dryRun=All", config_map())
    assert made["metadata"]["uid"]
    assert (await api.error("GET", f"{MAPS}/a")).code == 404
    await api.ok("POST", MAPS, config_map())
    at = api.store.revision
    assert (await api.ok("PUT", f"{MAPS}/a?dryRun=All", config_map(data={"b": "1"})))["data"] == {"b": "1"}
    await api.ok("DELETE", f"{MAPS}/a?dryRun=All")
    assert (await api.error("POST", f"{MAPS}?dryRun=All", config_map())).code == 409
    assert api.store.revision == at == before + 1


# -- update ------------------------------------------------------------------------------------------------------


async def test_an_update_keeps_what_the_server_decides(api: Api) -> None:
    made = (await api.ok("POST", MAPS, config_map()))["metadata"]
    await api.clock.advance(100)
    changed = (await api.ok("PUT", f"{MAPS}/a", config_map(data={"x": "1"})))["metadata"]
    for field in ("uid", "creationTimestamp", "namespace"):
        assert changed[field] == made[field]
    assert int(changed["resourceVersion"]) > int(made["resourceVersion"])


async def test_an_update_that_changes_nothing_is_not_written(api: Api) -> None:
    made = await api.ok("POST", MAPS, config_map(data={"a": "1"}))
    same = await api.ok("PUT", f"{MAPS}/a", config_map(data={"a": "1"}))
    patched = await api.ok(
        "PATCH", f"{MAPS}/a", {"data": {"a": "1"}}, content_type="application/merge-patch+json"
    )
    assert made == same == patched
    assert made["metadata"]["resourceVersion"] == str(api.store.revision)


async def test_a_stale_revision_is_a_conflict(api: Api) -> None:
    made = await api.ok("POST", MAPS, config_map())
    await api.ok("PUT", f"{MAPS}/a", config_map(data={"a": "1"}))
    error = await api.error("PUT", f"{MAPS}/a", {**made, "data": {"a": "2"}})
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.message == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to '
        "the latest version and try again"
    )


async def test_another_uid_is_a_conflict(api: Api) -> None:
    made = await api.ok("POST", MAPS, config_map())
    error = await api.error("PUT", f"{MAPS}/a", config_map(metadata={"uid": "other"}))
    uid = made["metadata"]["uid"]
    assert error.message == (
        'Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: '
        "/registry/configmaps/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
        f"precondition: other, UID in object meta: {uid}"
    )
    merge = "application/merge-patch+json"
    error = await api.error("PATCH", f"{MAPS}/a", {"metadata": {"uid": "other"}}, content_type=merge)
    assert (error.code, error.message) == (
        422,
        'ConfigMap "a" is invalid: metadata.uid: Invalid value: "other": field is immutable',
    )


@pytest.mark.parametrize(
    ("revision", "why"),
    [("abc", "invalid syntax"), ("-1", "invalid syntax"), ("9" * 20, "value out of range")],
)
async def test_a_revision_that_is_none_is_nobodys_conflict(api: Api, revision: str, why: str) -> None:
    await api.ok("POST", MAPS, config_map())
    error = await api.error("PUT", f"{MAPS}/a", config_map(metadata={"resourceVersion": revision}))
    assert (error.code, error.message) == (500, f'strconv.ParseUint: parsing "{revision}": {why}')


async def test_kinds_that_insist_on_a_revision(api: Api) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    await api.ok("POST", path, {"metadata": {"name": "l"}})
    error = await api.error("PUT", f"{path}/l", {"metadata": {"name": "l"}, "spec": {"holderIdentity": "x"}})
    assert error.code == 422
    assert error.message.endswith(
        "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    )


async def test_names_must_agree(api: Api) -> None:
    error = await api.error("PUT", f"{MAPS}/b", config_map())
    assert error.message == "the name of the object (a) does not match the name on the URL (b)"
    error = await api.error("PUT", f"{MAPS}/b", {"metadata": {}})
    assert (
        error.message == "the name of the object (b based on URL) was undeterminable: name must be provided"
    )


async def test_an_update_of_nothing_is_404_or_creates(api: Api) -> None:
    assert (await api.error("PUT", f"{MAPS}/a", config_map())).code == 404
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    response = await api.send("PUT", path, {"metadata": {"name": "l"}})
    assert response.status == 201


async def test_patches_of_one_object_do_not_lose_each_other(api: Api) -> None:
    import asyncio

    await api.ok("POST", MAPS, config_map())
    patches = [
        api.ok("PATCH", f"{MAPS}/a", {"data": {str(i): "x"}}, content_type="application/merge-patch+json")
        for i in range(10)
    ]
    await asyncio.gather(*patches)
    assert len((await api.ok("GET", f"{MAPS}/a"))["data"]) == 10


# -- deletion ----------------------------------------------------------------------------------------------------


async def test_finalizers_delay_a_delete(api: Api) -> None:
    await api.ok("POST", MAPS, config_map(metadata={"finalizers": ["x.io/y"]}))
    marked = await api.ok("DELETE", f"{MAPS}/a")
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
    before = api.store.revision
    await api.ok("DELETE", f"{MAPS}/a")
    assert api.store.revision == before
    gone = await api.ok("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}}, content_type=MERGE)
    assert "finalizers" not in gone["metadata"]
    assert int(gone["metadata"]["resourceVersion"]) == api.store.revision == before + 1
    assert (await api.error("GET", f"{MAPS}/a")).code == 404


MERGE = "application/merge-patch+json"


async def test_a_delete_answers_with_a_status_that_names_the_object(api: Api) -> None:
    made = await api.ok("POST", MAPS, config_map())
    answer = await api.ok("DELETE", f"{MAPS}/a")
    assert answer == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]},
    }
    error = await api.error("DELETE", f"{MAPS}/a")
    assert error.message == 'configmaps "a" not found'


async def test_preconditions_of_a_delete(api: Api) -> None:
    await api.ok("POST", MAPS, config_map())
    error = await api.error("DELETE", f"{MAPS}/a", {"preconditions": {"uid": "x"}})
    assert error.code == 409
    assert (await api.ok("GET", f"{MAPS}/a"))["metadata"]["name"] == "a"


async def test_deleting_a_collection_takes_what_is_selected(api: Api) -> None:
    for name, label in (("a", "x"), ("b", "y"), ("c", "x")):
        await api.ok("POST", MAPS, config_map(name, metadata={"labels": {"l": label}}))
    deleted = await api.ok("DELETE", f"{MAPS}?labelSelector=l%3Dx")
    assert [item["metadata"]["name"] for item in deleted["items"]] == ["a", "c"]
    left = await api.ok("GET", MAPS)
    assert [item["metadata"]["name"] for item in left["items"]] == ["b"]


async def test_pods_stay_until_their_kubelet_is_done(api: Api) -> None:
    pods = "/api/v1/namespaces/default/pods"
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": "n"}
    await api.ok("POST", pods, {"metadata": {"name": "p"}, "spec": spec})
    marked = await api.ok("DELETE", f"{pods}/p")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:30Z"
    gone = await api.ok("DELETE", f"{pods}/p", {"gracePeriodSeconds": 0})
    assert (gone["kind"], gone["metadata"]["deletionGracePeriodSeconds"]) == ("Pod", 0)
    assert (await api.error("GET", f"{pods}/p")).code == 404


async def test_a_namespace_goes_in_two_phases(api: Api) -> None:
    marked = await api.ok("DELETE", "/api/v1/namespaces/other")
    assert marked["status"]["phase"] == "Terminating"
    before = api.store.revision
    again = await api.ok("DELETE", "/api/v1/namespaces/other")
    assert (again["spec"]["finalizers"], api.store.revision) == (["kubernetes"], before)
    again["spec"]["finalizers"] = []
    await api.ok("PUT", "/api/v1/namespaces/other/finalize", again)
    assert (await api.error("GET", "/api/v1/namespaces/other")).code == 404


# -- status ------------------------------------------------------------------------------------------------------

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def deployment(**status: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    return {"metadata": {"name": "d"}, "spec": spec, **({"status": status} if status else {})}


async def test_status_has_its_own_door(api: Api) -> None:
    made = await api.ok("POST", DEPLOYMENTS, deployment(replicas=5))
    assert made.get("status", {}) == {}
    assert made["metadata"]["generation"] == 1
    made["status"] = {"replicas": 3}
    made["spec"]["replicas"] = 7
    made["metadata"]["annotations"] = {"x": "y"}
    made["metadata"]["labels"] = {"x": "y"}
    changed = await api.ok("PUT", f"{DEPLOYMENTS}/d/status", made)
    assert changed["status"] == {"replicas": 3}
    assert changed["spec"]["replicas"] == 1
    assert changed["metadata"]["generation"] == 1
    assert changed["metadata"]["annotations"] == {"x": "y"}
    assert "labels" not in changed["metadata"]
    changed["status"] = {"replicas": 9}
    changed["spec"]["replicas"] = 7
    again = await api.ok("PUT", f"{DEPLOYMENTS}/d", changed)
    assert (again["status"], again["spec"]["replicas"]) == ({"replicas": 3}, 7)
    assert again["metadata"]["generation"] == 2
    assert (await api.ok("GET", f"{DEPLOYMENTS}/d/status")) == again


async def test_annotations_of_a_deployment_are_something_to_do(api: Api) -> None:
    await api.ok("POST", DEPLOYMENTS, deployment())
    labelled = await api.ok(
        "PATCH", f"{DEPLOYMENTS}/d", {"metadata": {"labels": {"x": "y"}}}, content_type=MERGE
    )
    assert labelled["metadata"]["generation"] == 1
    noted = await api.ok(
        "PATCH", f"{DEPLOYMENTS}/d", {"metadata": {"annotations": {"x": "y"}}}, content_type=MERGE
    )
    assert noted["metadata"]["generation"] == 2


# -- other versions ----------------------------------------------------------------------------------------------


async def test_an_event_is_one_object_in_two_versions(api: Api) -> None:
    core = "/api/v1/namespaces/default/events"
    new = "/apis/events.k8s.io/v1/namespaces/default/events"
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
    }
    await api.ok("POST", core, {**event, "message": "hello", "reason": "R", "type": "Normal"})
    seen = await api.ok("GET", f"{new}/e")
    assert (seen["apiVersion"], seen["note"], seen["regarding"]["name"]) == ("events.k8s.io/v1", "hello", "p")
    found = await api.ok("GET", f"{new}?fieldSelector=regarding.name%3Dp")
    assert [item["note"] for item in found["items"]] == ["hello"]
    found = await api.ok("GET", f"{core}?fieldSelector=involvedObject.name%3Dq")
    assert found["items"] == []
    recorder = await api.watch(f"{new}?watch=1&resourceVersion=1")
    await api.ok("PATCH", f"{core}/e", {"message": "again"}, content_type=MERGE)
    assert [e["object"]["note"] for e in recorder.events] == ["hello", "again"]


async def test_events_are_gone_after_an_hour(api: Api) -> None:
    core = "/api/v1/namespaces/default/events"
    event = {"involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}}
    await api.ok("POST", core, {**event, "metadata": {"name": "a"}})
    await api.ok("POST", core, {**event, "metadata": {"name": "b"}})
    await api.clock.advance(3000)
    await api.ok("PATCH", f"{core}/b", {"count": 2}, content_type=MERGE)
    await api.clock.advance(700)
    assert [item["metadata"]["name"] for item in (await api.ok("GET", core))["items"]] == ["b"]
    await api.clock.advance(3000)
    assert (await api.ok("GET", core))["items"] == []


@pytest.mark.parametrize(
    "resource",
    # A LimitRange without a name is given one.
    [row for row in BUILTINS if {"create", "list"} <= set(row.verbs) and row.plural != "limitranges"],
    ids=lambda row: f"{row.group_resource}.{row.version}",
)
async def test_nothing_at_all_is_an_object_that_is_refused(api: Api, resource: Resource) -> None:
    base = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    where = "/namespaces/default" if resource.namespaced else ""
    assert (await api.error("POST", f"{base}{where}/{resource.plural}", {})).code == 422


async def test_findings_tell_what_is_empty_from_what_is_not_there(api: Api) -> None:
    path, spec = "/apis/apps/v1/namespaces/default/deployments", {"selector": {"matchLabels": {"a": "b"}}}
    for labels, shown in (({}, "{}"), (None, "null")):
        spec["template"] = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        error = await api.error("POST", path, {"metadata": {"name": "d"}, "spec": spec})
        assert error.message == (
            f'Deployment.apps "d" is invalid: spec.template.metadata.labels: Invalid value: {shown}: `selector` does '
            "not match template `labels`"
        )
