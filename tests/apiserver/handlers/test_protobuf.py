"""Answers in protobuf, read back with the decoder of request bodies."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kubepy.api.custom import CustomSchema, Own
from kubepy.api.errors import NotAcceptable
from kubepy.api.protobuf import Decoder, Unknown
from kubepy.api.protofields import META
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers.negotiate import PROTOBUF
from kubepy.apiserver.request import Response, WatchResponse
from tests.apiserver.conftest import Api, Recorder

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
CONFIG_MAP = "io.k8s.api.core.v1.ConfigMap"
PARTIAL = f"{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def read(response: Response, definition: str) -> tuple[str, str, dict[str, Any]]:
    """(apiVersion, kind, message)."""
    assert response.content_type == PROTOBUF and response.body is not None
    unknown = Unknown(response.body)
    return unknown.api_version, unknown.kind, Decoder().decode(definition, unknown.raw)


def items(response: Response, definition: str) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """(kind, metadata, items) of a list: field 1, and fields 2."""
    assert response.content_type == PROTOBUF and response.body is not None
    unknown = Unknown(response.body)
    parts = dict[int, list[bytes]]({1: [], 2: []})
    at = 0
    while at < len(unknown.raw):
        number, at, size = unknown.raw[at] >> 3, at + 1, 0
        for shift in (0, 7, 14):
            size |= (unknown.raw[at] & 127) << shift
            at += 1
            if unknown.raw[at - 1] < 128:
                break
        parts[number].append(unknown.raw[at : at + size])
        at += size
    decode = Decoder().decode
    metadata = decode(f"{META}ListMeta", parts[1][0])
    return unknown.kind, metadata, [decode(definition, item) for item in parts[2]]


async def make(api: Api, name: str, **data: str) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": name}, "data": data})


async def test_an_object_that_is_made_and_read(api: Api) -> None:
    body = {"metadata": {"name": "a"}, "data": {"k": "v"}}
    made = await api.send("POST", MAPS, body, accept=f"{PROTOBUF},application/json")
    assert made.status == 201
    found = await api.send("GET", f"{MAPS}/a", accept=PROTOBUF)
    assert found.body == made.body
    api_version, kind, obj = read(found, CONFIG_MAP)
    assert (api_version, kind, obj["data"]) == ("v1", "ConfigMap", {"k": "v"})
    json = await api.ok("GET", f"{MAPS}/a")
    assert {name: obj["metadata"][name] for name in json["metadata"]} | {"managedFields": []} == (
        json["metadata"] | {"managedFields": []}
    )


async def test_what_comes_first_is_answered(api: Api) -> None:
    await make(api, "a")
    assert (
        await api.send("GET", MAPS, accept=f"application/json,{PROTOBUF}")
    ).content_type == "application/json"
    assert (await api.send("GET", MAPS, accept=f"{PROTOBUF},*/*")).content_type == PROTOBUF


async def test_a_list_in_pages(api: Api) -> None:
    for name in "abc":
        await make(api, name)
    kind, metadata, found = items(await api.send("GET", f"{MAPS}?limit=2", accept=PROTOBUF), CONFIG_MAP)
    assert (kind, [obj["metadata"]["name"] for obj in found]) == ("ConfigMapList", ["a", "b"])
    assert metadata["remainingItemCount"] == 1
    more = f"{MAPS}?limit=2&continue={metadata['continue']}"
    _, metadata, found = items(await api.send("GET", more, accept=PROTOBUF), CONFIG_MAP)
    assert [obj["metadata"]["name"] for obj in found] == ["c"]
    assert metadata == {"selfLink": "", "resourceVersion": str(api.store.revision), "continue": ""}


async def test_metadata_only(api: Api) -> None:
    await make(api, "a", k="v")
    api_version, kind, obj = read(await api.send("GET", f"{MAPS}/a", accept=PARTIAL), CONFIG_MAP)
    assert (api_version, kind) == ("meta.k8s.io/v1", "PartialObjectMetadata")
    assert obj.keys() == {"metadata"}
    kind, _, found = items(await api.send("GET", MAPS, accept=PARTIAL_LIST), CONFIG_MAP)
    assert (kind, [obj.keys() for obj in found]) == ("PartialObjectMetadataList", [{"metadata"}])


async def test_a_status_and_what_is_no_stored_object(api: Api) -> None:
    await make(api, "a")
    for accept in (PROTOBUF, PARTIAL):
        deleted = await api.send("DELETE", f"{MAPS}/a?dryRun=All", accept=accept)
        assert read(deleted, f"{META}Status")[2]["details"]["name"] == "a"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    await api.ok("POST", DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": spec})
    scale = await api.send("GET", f"{DEPLOYMENTS}/d/scale", accept=PROTOBUF)
    api_version, kind, obj = read(scale, "io.k8s.api.autoscaling.v1.Scale")
    assert (api_version, kind, obj["spec"]) == ("autoscaling/v1", "Scale", {"replicas": 3})


async def test_what_nobody_can_be_given_is_refused_before_anything_is_looked_for(api: Api) -> None:
    tables = f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1"
    error = await api.error("GET", f"{MAPS}/nope", accept=tables)
    assert isinstance(error, NotAcceptable)
    error = await api.error("POST", MAPS, {"metadata": {"name": "n"}}, accept=tables)
    assert isinstance(error, NotAcceptable)
    assert (
        await api.send("GET", MAPS, accept=f"{tables},application/json")
    ).content_type == "application/json"


def frames(recorder: Recorder) -> list[tuple[str, Unknown]]:
    """The events of a watch, each a frame in a chunk."""
    found = []
    for chunk in [*recorder.first, *recorder.live]:
        frame = chunk.split(b"\r\n", 1)[1][:-2]
        assert int.from_bytes(frame[:4], "big") == len(frame) - 4
        type_end = 6 + frame[5]
        found.append((frame[6:type_end].decode(), Unknown(frame[frame.index(b"k8s\x00") :])))
    return found


@pytest.mark.parametrize(
    ("accept", "kind"),
    [(f"{PROTOBUF},application/json", "ConfigMap"), (f"{PROTOBUF};stream=watch", "ConfigMap"),
     (PARTIAL, "PartialObjectMetadata")],
)  # fmt: skip
async def test_a_watch(api: Api, accept: str, kind: str) -> None:
    await make(api, "a", k="v")
    target = (
        f"{MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    )
    response = await api.send("GET", target, accept=accept)
    assert isinstance(response, WatchResponse) and response.content_type == f"{PROTOBUF};stream=watch"
    recorder = await Recorder(response.subscription).attach()
    await make(api, "b")
    await api.ok("DELETE", f"{MAPS}/a")
    found = frames(recorder)
    names = [Decoder().decode(CONFIG_MAP, event.raw)["metadata"]["name"] for _, event in found]
    assert [type_ for type_, _ in found] == ["ADDED", "BOOKMARK", "ADDED", "DELETED"]
    assert (names, {event.kind for _, event in found}) == (["a", "", "b", "a"], {kind})
    # What ends it is told in the same form.
    recorder.first, recorder.live = [response.failure(NotAcceptable("no").status())], []
    ((_, ended),) = frames(recorder)
    assert (ended.kind, Decoder().decode(f"{META}Status", ended.raw)["message"]) == ("Status", "no")


async def test_watchers_of_one_form_share_what_is_encoded(api: Api) -> None:
    first, second = [
        await Recorder((await api.send("GET", f"{MAPS}?watch=1", accept=PROTOBUF)).subscription).attach()  # type: ignore[attr-defined]
        for _ in range(2)
    ]
    await make(api, "a")
    assert first.live[0] is second.live[0]


async def test_custom_objects_have_none_but_their_metadata_has(api: Api) -> None:
    api.registry.catalog.add(
        Resource(
            "example.com", "v1", "Foo", "foos", "foo", True, custom=True,
            own=Own(CustomSchema(api.registry.schemas, "Foo", {"type": "object"})),
        )
    )  # fmt: skip
    foos = "/apis/example.com/v1/namespaces/default/foos"
    body = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a"}}
    assert isinstance(await api.error("POST", foos, body, accept=PROTOBUF), NotAcceptable)
    made = await api.send("POST", foos, body, accept=f"{PROTOBUF},application/json")
    assert orjson.loads(made.body or b"")["kind"] == "Foo"
    assert isinstance(await api.error("GET", f"{foos}?watch=1", accept=PROTOBUF), NotAcceptable)
    deleted = await api.send("DELETE", f"{foos}/a?dryRun=All", accept=f"{PROTOBUF},application/json")
    assert orjson.loads(deleted.body or b"")["kind"] == "Status"
    kind, _, found = items(await api.send("GET", foos, accept=PARTIAL_LIST), CONFIG_MAP)
    assert (kind, found[0]["metadata"]["name"]) == ("PartialObjectMetadataList", "a")
