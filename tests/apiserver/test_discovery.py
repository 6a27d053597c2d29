from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from kubepy.api.builtins import Catalog
from kubepy.api.errors import NotAcceptable, NotFound
from kubepy.api.protobuf import Decoder, Unknown
from kubepy.api.protofields import META
from kubepy.api.resources import Resource, Subresource
from kubepy.api.schema import Schemas
from kubepy.apiserver.discovery import Discovery
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.request import Request

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"


@pytest.fixture
def discovery() -> Discovery:
    return Discovery(Catalog(), Schemas(), address=lambda: "127.0.0.1:6443", aggregated=("v2", "v2beta1"))


async def _get(
    discovery: Discovery, make_request: Callable[..., Request], path: str, accept: str = ""
) -> Any:
    response = await discovery.handle(make_request(path, headers={"Accept": accept}))
    assert response.body is not None and response.body.endswith(b"}\n")
    return orjson.loads(response.body)


@pytest.mark.parametrize("path", ["/api", "/api/"])
async def test_core_versions(discovery: Discovery, make_request: Callable[..., Request], path: str) -> None:
    assert await _get(discovery, make_request, path) == {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
    }


async def test_groups(discovery: Discovery, make_request: Callable[..., Request]) -> None:
    document = await _get(discovery, make_request, "/apis/")
    assert (document["kind"], document["apiVersion"]) == ("APIGroupList", "v1")
    names = [group["name"] for group in document["groups"]]
    assert names[:3] == ["apiregistration.k8s.io", "apps", "events.k8s.io"]
    autoscaling = next(group for group in document["groups"] if group["name"] == "autoscaling")
    assert autoscaling["versions"][0] == autoscaling["preferredVersion"] == {
        "groupVersion": "autoscaling/v2", "version": "v2",
    }  # fmt: skip
    assert await _get(discovery, make_request, "/apis/autoscaling") == {
        "kind": "APIGroup", "apiVersion": "v1", **autoscaling,
    }  # fmt: skip


async def test_resources_of_apps(discovery: Discovery, make_request: Callable[..., Request]) -> None:
    document = await _get(discovery, make_request, "/apis/apps/v1")
    assert list(document) == ["kind", "apiVersion", "groupVersion", "resources"]
    rows = {row["name"]: row for row in document["resources"]}
    assert list(rows) == sorted(rows)
    # Source: values from kubernetes api/discovery/apis__apps__v1.json, order of the keys from metav1.APIResource.
    assert list(rows["replicasets"].items()) == [
        ("name", "replicasets"),
        ("singularName", "replicaset"),
        ("namespaced", True),
        ("kind", "ReplicaSet"),
        ("verbs", ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]),
        ("shortNames", ["rs"]),
        ("categories", ["all"]),
        ("storageVersionHash", "P1RzHs8/mWQ="),
    ]
    assert list(rows["deployments/scale"].items()) == [
        ("name", "deployments/scale"),
        ("singularName", ""),
        ("namespaced", True),
        ("group", "autoscaling"),
        ("version", "v1"),
        ("kind", "Scale"),
        ("verbs", ["get", "patch", "update"]),
    ]


async def test_core_list_has_no_api_version(
    discovery: Discovery, make_request: Callable[..., Request]
) -> None:
    document = await _get(discovery, make_request, "/api/v1/")
    assert list(document) == ["kind", "groupVersion", "resources"]


async def test_unknown_group(discovery: Discovery, make_request: Callable[..., Request]) -> None:
    with pytest.raises(NotFound, match="404 page not found"):
        await discovery.handle(make_request("/apis/nope"))


@pytest.mark.parametrize("path", ["/api/v2", "/apis/apps/v9", "/apis/apps/v1/a/b", "/api/apps"])
async def test_unknown_in_a_known_group(
    discovery: Discovery, make_request: Callable[..., Request], path: str
) -> None:
    with pytest.raises(NotFound, match="the server could not find the requested resource"):
        await discovery.handle(make_request(path))


@pytest.mark.parametrize(("accept", "version"), [(V2, "v2"), (V2BETA1, "v2beta1")])
async def test_aggregated(
    discovery: Discovery, make_request: Callable[..., Request], accept: str, version: str
) -> None:
    request = make_request("/apis", headers={"Accept": f"{accept},application/json"})
    response = await discovery.handle(request)
    assert response.content_type == accept
    assert response.headers is not None and response.headers["Vary"] == "Accept"
    document = orjson.loads(response.body or b"")
    assert list(document) == ["kind", "apiVersion", "metadata", "items"]
    assert document["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    apps = next(item for item in document["items"] if item["metadata"]["name"] == "apps")
    daemon_sets = next(r for r in apps["versions"][0]["resources"] if r["resource"] == "daemonsets")
    # Source: kubernetes api/discovery/aggregated_v2.json.
    assert daemon_sets == {
        "resource": "daemonsets",
        "responseKind": {"group": "", "version": "", "kind": "DaemonSet"},
        "scope": "Namespaced",
        "singularResource": "daemonset",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["ds"],
        "categories": ["all"],
        "subresources": [
            {
                "subresource": "status",
                "responseKind": {"group": "", "version": "", "kind": "DaemonSet"},
                "verbs": ["get", "patch", "update"],
            }
        ],
    }
    core = await _get(discovery, make_request, "/api", accept)
    assert [item["metadata"] for item in core["items"]] == [{}]


async def test_subresources_of_custom_kinds_are_in_their_definitions_order(
    make_request: Callable[..., Request],
) -> None:
    subresources = (
        Subresource("status", "Foo", ("get",)),
        Subresource("scale", "Scale", ("get",), "autoscaling", "v1"),
    )
    row = Resource("a.io", "v1", "Foo", "foos", "foo", True, subresources=subresources, custom=True)
    discovery = Discovery(
        Catalog((row,)), Schemas(), address=lambda: "127.0.0.1:6443", aggregated=("v2", "v2beta1")
    )
    listed = (await _get(discovery, make_request, "/apis/a.io/v1"))["resources"]
    assert [each["name"] for each in listed] == ["foos", "foos/status", "foos/scale"]
    (group,) = (await _get(discovery, make_request, "/apis", V2))["items"]
    (shown,) = group["versions"][0]["resources"]
    own = {"group": "a.io", "version": "v1", "kind": "Foo"}
    assert [shown["responseKind"], shown["subresources"][0]["responseKind"]] == [own, own]


async def test_not_modified(discovery: Discovery, make_request: Callable[..., Request]) -> None:
    first = await discovery.handle(make_request("/apis", headers={"Accept": V2}))
    assert first.headers is not None
    headers = {"Accept": V2, "If-None-Match": first.headers["ETag"]}
    assert (await discovery.handle(make_request("/apis", headers=headers))).status == 304


async def test_documents_follow_the_catalog(make_request: Callable[..., Request]) -> None:
    catalog = Catalog()
    discovery = Discovery(catalog, Schemas(), address=str)
    widgets = Resource("acme.com", "v1", "Widget", "widgets", "widget", True)
    before = await discovery.handle(make_request("/apis", headers={"Accept": V2}))
    catalog.add(widgets)
    after = await discovery.handle(make_request("/apis", headers={"Accept": V2}))
    assert before.headers is not None and after.headers is not None
    assert before.headers["ETag"] != after.headers["ETag"]
    assert (await _get(discovery, make_request, "/apis/acme.com/v1"))["resources"][0]["name"] == "widgets"
    assert "/apis/acme.com/v1" in discovery.paths()
    catalog.remove(widgets)
    with pytest.raises(NotFound):
        await discovery.handle(make_request("/apis/acme.com/v1"))


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        ("", ""),
        ("application/json", ""),
        (V2, "v2"),
        (f"{V2},{V2BETA1},application/json", "v2"),
        (f"{V2BETA1}, {V2}", "v2beta1"),
        (f"application/json,{V2}", ""),
        (
            "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," + V2,
            "v2",
        ),
        (V2.replace("v2", "v3") + ",application/json", ""),
        (f"{V2};profile=nopeer", "v2"),
    ],
)
def test_accept(accept: str, version: str) -> None:
    assert negotiate.of_discovery(accept, ("v2", "v2beta1")).version == version


@pytest.mark.parametrize(
    ("path", "accept", "text"),
    [
        ("/api", V2BETA1, "only the following media types are accepted: application/json, "),
        ("/apis/apps/v1", V2, "only the following media types are accepted: application/json, "),
        (
            "/apis",
            "application/json;as=Table",
            "only the following media types are accepted: application/json, ",
        ),
        (
            "/apis/apps/v1",
            "text/html",
            "406: Not Acceptable\n\nAvailable representations: application/json, ",
        ),
    ],
)
async def test_what_is_not_acceptable(
    make_request: Callable[..., Request], path: str, accept: str, text: str
) -> None:
    discovery = Discovery(Catalog(), Schemas(), address=str, aggregated=("v2",))
    with pytest.raises(NotAcceptable) as caught:
        await discovery.handle(make_request(path, headers={"Accept": accept}))
    assert caught.value.message.startswith(text)


async def test_yaml(discovery: Discovery, make_request: Callable[..., Request]) -> None:
    response = await discovery.handle(make_request("/apis/apps", headers={"Accept": "application/yaml"}))
    assert response.content_type == "application/yaml" and response.body is not None
    assert response.body.startswith(b"apiVersion: v1\nkind: APIGroup\nname: apps\n")


@pytest.mark.parametrize(
    ("path", "kind", "within"),
    [("/api", "APIVersions", META), ("/apis", "APIGroupList", META), ("/apis/apps", "APIGroup", META),
     ("/apis/apps/v1", "APIResourceList", META), ("/apis", "APIGroupDiscoveryList", "io.k8s.api.apidiscovery.v2.")],
)  # fmt: skip
async def test_every_form_in_protobuf(
    discovery: Discovery, make_request: Callable[..., Request], path: str, kind: str, within: str
) -> None:
    parameters = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" if within != META else ""
    json = await _get(discovery, make_request, path, f"application/json{parameters}")
    accept = {"Accept": f"application/vnd.kubernetes.protobuf{parameters}"}
    response = await discovery.handle(make_request(path, headers=accept))
    assert response.body is not None
    unknown = Unknown(response.body)
    assert (unknown.kind, unknown.api_version) == (kind, json.get("apiVersion", ""))
    read = Decoder().decode(f"{within}{kind}", unknown.raw)
    for name in ("versions", "name"):
        assert name not in json or read[name] == json[name]
    rows = "groups" if "groups" in json else "resources" if "resources" in json else "items"
    assert len(read.get(rows, ())) == len(json.get(rows, ()))
