"""Source of the table: apiserver pkg/endpoints/request/requestinfo_test.go."""

from __future__ import annotations

import pytest

from kubepy.api.errors import BadRequest
from kubepy.apiserver.request import Query, Request, RequestIds, Resolver, chunk, split_target
from kubepy.lib.random import Random

# method, target, verb, group, version, namespace, resource, subresource, name, parts
RESOURCES = [
    ("GET", "/api/v1/namespaces", "list", "", "v1", "", "namespaces", "", "", ["namespaces"]),
    ("GET", "/api/v1/namespaces/other", "get", "", "v1", "other", "namespaces", "", "other", ["namespaces", "other"]),
    ("GET", "/api/v1/namespaces/other/pods", "list", "", "v1", "other", "pods", "", "", ["pods"]),
    ("GET", "/api/v1/namespaces/other/pods/foo", "get", "", "v1", "other", "pods", "", "foo", ["pods", "foo"]),
    ("HEAD", "/api/v1/namespaces/other/pods/foo", "get", "", "v1", "other", "pods", "", "foo", ["pods", "foo"]),
    ("GET", "/api/v1/pods", "list", "", "v1", "", "pods", "", "", ["pods"]),
    ("HEAD", "/api/v1/pods", "list", "", "v1", "", "pods", "", "", ["pods"]),
    ("GET", "/api/v1/proxy/namespaces/other/pods/foo", "proxy", "", "v1", "other", "pods", "", "foo", ["pods", "foo"]),
    (
        "GET", "/api/v1/proxy/namespaces/other/pods/foo/subpath/not/a/subresource", "proxy", "", "v1", "other", "pods",
        "", "foo", ["pods", "foo", "subpath", "not", "a", "subresource"],
    ),
    ("GET", "/api/v1/watch/pods", "watch", "", "v1", "", "pods", "", "", ["pods"]),
    ("GET", "/api/v1/pods?watch=true", "watch", "", "v1", "", "pods", "", "", ["pods"]),
    ("GET", "/api/v1/pods?watch=false", "list", "", "v1", "", "pods", "", "", ["pods"]),
    ("GET", "/api/v1/watch/namespaces/other/pods", "watch", "", "v1", "other", "pods", "", "", ["pods"]),
    ("GET", "/api/v1/namespaces/other/pods?watch=1", "watch", "", "v1", "other", "pods", "", "", ["pods"]),
    ("GET", "/api/v1/namespaces/other/pods?watch=0", "list", "", "v1", "other", "pods", "", "", ["pods"]),
    ("GET", "/api/v1/pods?watch", "watch", "", "v1", "", "pods", "", "", ["pods"]),
    (
        "GET", "/api/v1/namespaces/other/pods/foo/status", "get", "", "v1", "other", "pods", "status", "foo",
        ["pods", "foo", "status"],
    ),
    (
        "GET", "/api/v1/namespaces/other/pods/foo/proxy/subpath", "get", "", "v1", "other", "pods", "proxy", "foo",
        ["pods", "foo", "proxy", "subpath"],
    ),
    (
        "PUT", "/api/v1/namespaces/other/finalize", "update", "", "v1", "other", "namespaces", "finalize", "other",
        ["namespaces", "other", "finalize"],
    ),
    (
        "PUT", "/api/v1/namespaces/other/status", "update", "", "v1", "other", "namespaces", "status", "other",
        ["namespaces", "other", "status"],
    ),
    ("PATCH", "/api/v1/namespaces/other/pods/foo", "patch", "", "v1", "other", "pods", "", "foo", ["pods", "foo"]),
    ("DELETE", "/api/v1/namespaces/other/pods/foo", "delete", "", "v1", "other", "pods", "", "foo", ["pods", "foo"]),
    ("POST", "/api/v1/namespaces/other/pods", "create", "", "v1", "other", "pods", "", "", ["pods"]),
    ("DELETE", "/api/v1/nodes", "deletecollection", "", "v1", "", "nodes", "", "", ["nodes"]),
    ("DELETE", "/api/v1/namespaces", "deletecollection", "", "v1", "", "namespaces", "", "", ["namespaces"]),
    ("DELETE", "/api/v1/namespaces/other/pods", "deletecollection", "", "v1", "other", "pods", "", "", ["pods"]),
    (
        "DELETE", "/apis/extensions/v1/namespaces/other/pods", "deletecollection", "extensions", "v1", "other", "pods",
        "", "", ["pods"],
    ),
    (
        "POST", "/apis/extensions/v1beta3/namespaces/other/pods", "create", "extensions", "v1beta3", "other", "pods",
        "", "", ["pods"],
    ),
    ("GET", "/api/v1/namespaces/default/pods/", "list", "", "v1", "default", "pods", "", "", ["pods"]),
    ("GET", "/apis/g/v1/things/a%2Db", "get", "g", "v1", "", "things", "", "a-b", ["things", "a-b"]),
    ("OPTIONS", "/api/v1/pods", "", "", "v1", "", "pods", "", "", ["pods"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "target", "verb", "group", "version", "namespace", "resource", "subresource", "name", "parts"),
    RESOURCES,
)
def test_resource_paths(
    method: str, target: str, verb: str, group: str, version: str, namespace: str, resource: str, subresource: str,
    name: str, parts: list[str],
) -> None:  # fmt: skip
    resolver = Resolver()
    for _ in range(2):  # the second time from memory
        info = resolver.resolve(method, *split_target(target))
        assert info.is_resource
        assert (info.verb, info.group, info.version) == (verb, group, version)
        assert (info.namespace, info.resource, info.subresource, info.name) == (
            namespace,
            resource,
            subresource,
            name,
        )
        assert info.parts == tuple(parts)


@pytest.mark.parametrize(
    "target",
    [
        "/", "", "/api", "/api/version", "/api/version/", "/apis/group/version/", "/badprefix/version/resource",
        "/apis/version/resource", "/not-api/version/resource", "/apis/extensions/v1beta1",
    ],
)  # fmt: skip
def test_other_paths_are_no_resources(target: str) -> None:
    info = Resolver().resolve("GET", *split_target(target))
    assert not info.is_resource
    assert info.verb == "get"


@pytest.mark.parametrize(
    ("query", "verb", "name"),
    [
        ("", "list", ""),
        ("fieldSelector=metadata.name=name1", "list", "name1"),
        ("fieldSelector=metadata.name%3D%3Dname1", "list", "name1"),
        ("watch=true&fieldSelector=metadata.name=name1", "watch", "name1"),
        ("fieldSelector=foo=bar&labelSelector=baz=qux", "list", ""),
        ("fieldSelector=metadata.name=name1,foo", "list", ""),
        ("fieldSelector=metadata.name=name1,foo&watch=true", "watch", ""),
        ("fieldSelector=metadata.name=name1,foo&watch=false", "list", ""),
        ("fieldSelector=metadata.name=foo&fieldSelector=metadata.name=bar", "list", "foo"),
        ("fieldSelector=metadata.name!=foo", "list", ""),
        ("fieldSelector=metadata.name=a/b", "list", ""),
    ],
)
def test_selector_of_one_name(query: str, verb: str, name: str) -> None:
    info = Resolver().resolve("GET", *split_target(f"/apis/group/version/resource?{query}"))
    assert (info.verb, info.name) == (verb, name)


def test_selectors_mean_nothing_to_other_verbs() -> None:
    resolver = Resolver()
    for method, path, verb, name in [
        ("DELETE", "/apis/group/version/resource", "deletecollection", ""),
        ("GET", "/apis/group/version/resource/name", "get", "name"),
        ("GET", "/apis/group/version/watch/resource", "watch", ""),
        ("GET", "/apis/group/version/watch/resource/name", "watch", "name"),
    ]:
        info = resolver.resolve(method, path, Query("fieldSelector=metadata.name=foo"))
        assert (info.verb, info.name) == (verb, name)


def test_path_that_ends_in_a_special_verb_is_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="unable to determine kind and namespace from url, /api/v1/watch"):
        Resolver().resolve("GET", "/api/v1/watch", Query())


def test_resolver_forgets_when_full() -> None:
    resolver = Resolver(size_max=3)
    for number in range(10):
        assert resolver.resolve("GET", f"/api/v1/nodes/n{number}", Query()).name == f"n{number}"
    assert len(resolver._known) <= 3


def test_query() -> None:
    query = Query("a=1&a=2&b=%2Fx+y&c&&d=")
    assert query.get("a") == "1"
    assert query.all("a") == ["1", "2"]
    assert query.get("b") == "/x y"
    assert "c" in query and "e" not in query
    assert (query.get("c", "z"), query.get("e", "z")) == ("", "z")
    assert list(query) == ["a", "b", "c", "d"]
    assert not Query("")
    assert Query.of({"watch": "1"}).flag("watch")
    assert not Query.of(None)


@pytest.mark.parametrize(
    ("raw", "flag"),
    [("", False), ("x", True), ("x=", True), ("x=False", False), ("x=0", False), ("x=no", True)],
)
def test_flags_are_read_as_go_reads_them(raw: str, flag: bool) -> None:
    assert Query(raw).flag("x") is flag


@pytest.mark.parametrize(("text", "number"), [("", None), ("5", 5), ("-5", -5), ("+7", 7)])
def test_integers(text: str, number: int | None) -> None:
    assert Query.of({"limit": text}).integer("limit") == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("1.5", 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        ("-", 'strconv.ParseInt: parsing "-": invalid syntax'),
        ("9223372036854775808", 'strconv.ParseInt: parsing "9223372036854775808": value out of range'),
    ],
)
def test_bad_integers(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        Query.of({"limit": text}).integer("limit")
    assert caught.value.message == message


async def test_a_decoded_body_can_be_read_as_bytes() -> None:
    request = Request("POST", "/api/v1/pods", Query(), "id")
    assert await request.read_body() == b""
    request.obj = {"a": 1}
    assert await request.read_body() == b'{"a":1}'


def test_request_ids_are_all_different_and_shaped_like_uuids() -> None:
    ids = RequestIds(Random(1))
    made = {ids.next() for _ in range(1000)}
    assert len(made) == 1000
    assert {tuple(map(len, one.split("-"))) for one in made} == {(8, 4, 4, 4, 12)}


def test_chunk() -> None:
    assert chunk(b"0123456789abcdef\n") == b"11\r\n0123456789abcdef\n\r\n"


@pytest.mark.parametrize(
    ("method", "target", "selectors"),
    [
        ("GET", "/api/v1/pods?fieldSelector=a=b&labelSelector=c", ("a=b", "c")),
        ("GET", "/api/v1/pods?watch=1&labelSelector=c", ("", "c")),
        ("DELETE", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name=x", ("metadata.name=x", "")),
        ("GET", "/api/v1/namespaces/a/pods/b?labelSelector=c", ("", "")),
        ("POST", "/api/v1/namespaces/a/pods?labelSelector=c", ("", "")),
    ],
)
def test_selectors_are_part_of_what_is_asked(method: str, target: str, selectors: tuple[str, str]) -> None:
    """Source: requestinfo.go, AuthorizeWithSelectors."""
    path, query = split_target(target)
    info = Resolver().resolve(method, path, query)
    assert (info.field_selector, info.label_selector) == selectors
    assert not info.name or info.verb in ("get", "create")
