"""What goes in and out: types of bodies and answers.

Sources: door.py."""

from __future__ import annotations

import json

import pytest

from tests.e2e.bad_input.door import JSON, JSON_PATCH, MAP, MAPS, MERGE, PROTOBUF, YAML, Door

AVAILABLE = f"{JSON}, {YAML}, {PROTOBUF}"
STREAMS = f"{JSON};stream=watch, {PROTOBUF};stream=watch"
ONLY = "only the following media types are accepted: "


@pytest.mark.parametrize(
    "accept", ["text/html", "application/*", "application/cbor", ";;,,", "APPLICATION/JSON"]
)
def test_answers_that_the_router_does_not_have(door: Door, accept: str) -> None:
    text = "406: Not Acceptable\n\nAvailable representations: "
    for method, target, available in [
        ("GET", MAPS, f"{AVAILABLE}, {STREAMS}"),
        ("GET", f"{MAPS}?watch=1", f"{AVAILABLE}, {STREAMS}"),
        ("GET", MAP, AVAILABLE),
        ("DELETE", f"{MAPS}/nope", AVAILABLE),
    ]:
        door.ask(method, target, Accept=accept).is_status(406, "NotAcceptable", text + available, {})
    answer = door.ask("POST", MAPS, {"metadata": {"name": "b"}}, Accept=accept)
    answer.is_status(406, "NotAcceptable", text + AVAILABLE, {})


@pytest.mark.parametrize(
    ("accept", "target", "message"),
    [
        ("application/json;as=Foo;g=meta.k8s.io;v=v1", MAPS, ONLY + AVAILABLE),
        ("application/json;as=Table;g=meta.k8s.io;v=v9", MAPS, ONLY + AVAILABLE),
        (YAML, f"{MAPS}?watch=1", ONLY + STREAMS),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", MAP,
         "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"),
        ("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", MAPS,
         "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"),
    ],
)  # fmt: skip
def test_answers_that_the_handler_does_not_have(door: Door, accept: str, target: str, message: str) -> None:
    answer = door.ask("GET", target, Accept=f"{accept},application/x")
    assert answer.status == 406
    status = json.loads(answer.body) if accept != YAML else None
    assert message in (status["message"] if status else answer.body.decode())


def test_a_status_comes_as_it_is_accepted(door: Door) -> None:
    answer = door.ask("GET", f"{MAPS}/nope", Accept=YAML)
    assert answer.headers["Content-Type"] == YAML
    assert answer.body.startswith(b"apiVersion: v1\ncode: 404\ndetails:\n  kind: configmaps\n")
    # Nothing fits: Go writes it for people.
    answer = door.ask("GET", "/api/v1/foos", Accept="text/html")
    assert answer.body.startswith(b'{\n  "kind": "Status",\n')


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", ";", "application/json; charset",
     JSON_PATCH, "x" * 5000],
)  # fmt: skip
@pytest.mark.parametrize(("method", "target"), [("POST", MAPS), ("PUT", MAP), ("DELETE", f"{MAPS}/nope")])
def test_bodies_of_an_unknown_type(door: Door, method: str, target: str, content_type: str) -> None:
    message = f"the body of the request was in an unknown format - accepted media types include: {AVAILABLE}"
    answer = door.ask(method, target, {"metadata": {"name": "a"}}, content_type)
    answer.is_status(415, "UnsupportedMediaType", message, None)


@pytest.mark.parametrize(
    "content_type", [None, JSON, "text/plain", MERGE.upper(), "application/apply-patch+cbor"]
)
def test_patches_of_an_unknown_type(door: Door, content_type: str | None) -> None:
    answer = door.ask("PATCH", MAP, b"{}", content_type)
    answer.is_status(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
