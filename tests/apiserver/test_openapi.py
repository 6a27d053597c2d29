from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from kubepy.api.builtins import Catalog
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.apiserver.openapi import V2_PROTOBUF, V2_PROTOBUF_ASKED, OpenApi
from kubepy.apiserver.request import Request
from kubepy.lib.clock import VirtualClock


@pytest.fixture
def openapi(clock: VirtualClock) -> OpenApi:
    return OpenApi(Catalog(), Schemas(), clock)


async def _index(openapi: OpenApi, make_request: Callable[..., Request]) -> dict[str, str]:
    response = await openapi.v3_index(make_request("/openapi/v3"))
    assert response.body is not None
    return {path: entry["serverRelativeURL"] for path, entry in orjson.loads(response.body)["paths"].items()}


async def test_index_names_every_group_version(
    openapi: OpenApi, make_request: Callable[..., Request]
) -> None:
    paths = await _index(openapi, make_request)
    assert {"api/v1", "apis/apps/v1", "apis/autoscaling/v2"} <= set(paths)
    assert {"api", "apis", "apis/apps", "version", "openid/v1/jwks"} <= set(paths)
    assert list(paths) == sorted(paths)
    assert paths["api/v1"].startswith("/openapi/v3/api/v1?hash=")


async def test_document_by_its_hash_may_be_kept(
    openapi: OpenApi, make_request: Callable[..., Request]
) -> None:
    url = (await _index(openapi, make_request))["apis/batch/v1"]
    response = await openapi.v3_document(make_request(url, headers={"Accept": "application/json"}))
    assert response.headers is not None and response.body is not None
    assert response.headers["Cache-Control"] == "public, immutable"
    assert response.headers["Expires"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    document = orjson.loads(response.body)
    assert document["openapi"] == "3.0.0"
    assert "/apis/batch/v1/namespaces/{namespace}/jobs/{name}" in document["paths"]

    headers = {"If-None-Match": response.headers["ETag"]}
    again = await openapi.v3_document(make_request(url, headers=headers))
    assert (again.status, again.body) == (304, None)


async def test_document_without_hash(openapi: OpenApi, make_request: Callable[..., Request]) -> None:
    response = await openapi.v3_document(make_request("/openapi/v3/apis/batch/v1"))
    assert response.status == 200
    assert response.headers is not None and set(response.headers) == {"ETag", "Vary"}


async def test_stale_hash_is_sent_on(openapi: OpenApi, make_request: Callable[..., Request]) -> None:
    response = await openapi.v3_document(make_request("/openapi/v3/api/v1?hash=OLD"))
    assert response.status == 301
    assert response.headers == {"Location": (await _index(openapi, make_request))["api/v1"], "Vary": "Accept"}


@pytest.mark.parametrize("path", ["/openapi/v3/apis/nope/v1", "/openapi/v3/apis/nope", "/openapi/v3/x"])
async def test_unknown(openapi: OpenApi, make_request: Callable[..., Request], path: str) -> None:
    response = await openapi.v3_document(make_request(path))
    assert (response.status, response.body, response.content_type) == (404, b"", "")


async def test_documents_follow_the_catalog(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    catalog = Catalog()
    openapi = OpenApi(catalog, Schemas(), clock)
    before = await _index(openapi, make_request)
    catalog.add(Resource("acme.com", "v1", "Widget", "widgets", "widget", True, custom=True))
    after = await _index(openapi, make_request)
    assert set(after) - set(before) == {"apis/acme.com/v1"}
    assert urlsplit(after["api/v1"]).query == urlsplit(before["api/v1"]).query


async def test_another_kind_costs_its_own_group_only(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    catalog = Catalog()
    openapi = OpenApi(catalog, Schemas(), clock)
    core = await openapi.v3_document(make_request("/openapi/v3/api/v1"))
    swagger = await openapi.v2(make_request("/openapi/v2", headers={"Accept": "application/json"}))
    catalog.add(Resource("acme.com", "v1", "Widget", "widgets", "widget", True, custom=True))
    assert (await openapi.v3_document(make_request("/openapi/v3/api/v1"))).body is core.body
    after = await openapi.v2(make_request("/openapi/v2", headers={"Accept": "application/json"}))
    assert after.body != swagger.body


async def test_releases_of_kubernetes_have_documents_of_their_own(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    new, old = (OpenApi(Catalog(), Schemas(version), clock) for version in ("1.37", "1.36"))
    assert (await _index(new, make_request))["api/v1"] != (await _index(old, make_request))["api/v1"]


async def test_a_document_is_of_the_kinds_there_were_when_it_was_begun(
    clock: VirtualClock, make_request: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come and go while the thread is at it; a kind that was half in the document was a KeyError."""
    from kubepy.api import openapi as documents

    served = Catalog()
    row = Resource("acme.com", "v1", "Widget", "widgets", "widget", True, custom=True)

    def build(catalog: Catalog, *_: Any, **__: Any) -> Any:
        before = len(catalog)
        served.add(row)
        return {"rows": [before, len(catalog), len(served)]}

    monkeypatch.setattr(documents, "v2_document", build)
    answer = await OpenApi(served, Schemas(), clock).v2(make_request("/openapi/v2"))
    count = len(Catalog())
    assert orjson.loads(answer.body or b"") == {"rows": [count, count, count + 1]}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("", "application/json"), ("application/json;q=0.1,*/*", "application/json"), ("*", "application/json"),
     (V2_PROTOBUF_ASKED, V2_PROTOBUF), (V2_PROTOBUF, V2_PROTOBUF), (f"{V2_PROTOBUF},application/json", V2_PROTOBUF),
     (f"application/json,{V2_PROTOBUF_ASKED}", "application/json")],
)  # fmt: skip
async def test_which_form_of_v2(
    openapi: OpenApi, make_request: Callable[..., Request], accept: str, content_type: str
) -> None:
    response = await openapi.v2(make_request("/openapi/v2", headers={"Accept": accept}))
    assert (response.content_type, response.headers and response.headers["Vary"]) == (content_type, "Accept")


@pytest.mark.parametrize("accept", ["text/html", "application/yaml", "Application/JSON"])
async def test_what_is_not_acceptable_has_no_body(
    openapi: OpenApi, make_request: Callable[..., Request], accept: str
) -> None:
    headers = {"Accept": accept}
    for response in (
        await openapi.v2(make_request("/openapi/v2", headers=headers)),
        await openapi.v3_document(make_request("/openapi/v3/api/v1", headers=headers)),
    ):
        assert (response.status, response.body, response.content_type) == (406, b"", "")


async def test_v2_in_both_forms(openapi: OpenApi, make_request: Callable[..., Request]) -> None:
    headers = {"Accept": V2_PROTOBUF_ASKED}
    protobuf = await openapi.v2(make_request("/openapi/v2", headers=headers))
    etag = (protobuf.headers or {})["ETag"]
    assert (
        await openapi.v2(make_request("/openapi/v2", headers=headers | {"If-None-Match": etag}))
    ).status == 304
    assert protobuf.body is not None and protobuf.body.startswith(b"\n\x032.0")  # field 1, swagger
    both = await asyncio.gather(
        *(openapi.v2(make_request("/openapi/v2", headers={"Accept": "application/json"})) for _ in range(2))
    )
    assert both[0].body is both[1].body  # made once
    assert orjson.loads(both[0].body or b"")["swagger"] == "2.0"


async def test_a_failure_is_not_kept(
    openapi: OpenApi, make_request: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubepy.api import openapi as documents

    def fail(*_: Any, **__: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(documents, "v3_document", fail)
        with pytest.raises(MemoryError):
            await openapi.v3_document(make_request("/openapi/v3/apis/policy/v1"))
    await asyncio.sleep(0)
    assert (await openapi.v3_document(make_request("/openapi/v3/apis/policy/v1"))).status == 200
