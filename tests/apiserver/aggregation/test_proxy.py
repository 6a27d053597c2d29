"""Requests through the cluster to the example server, over real sockets."""

import asyncio
import io
import json
import ssl

import aiohttp
import pytest
from yarl import URL

from kubepy.api import errors
from kubepy.api.builtins import API_SERVICES, SERVICES
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.lib.aio import Tasks
from tests.apiserver.aggregation.conftest import NAME
from tests.apiserver.aggregation.example import AGGREGATED, GROUP, ROOT, VERSION

FLUNDERS = Resource(GROUP, VERSION, "Flunder", "flunders", "flunder", True)
ALL = f"{ROOT}/flunders"
IN_DEFAULT = f"{ROOT}/namespaces/default/flunders"


def flunder(name):
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Flunder", "metadata": {"name": name}}


async def test_requests_and_answers_pass_through(served, api):
    async with served.admin.post(IN_DEFAULT, json=flunder("a"), params={"x": "a b"}) as made:
        assert made.status == 201 and (await made.json())["metadata"]["name"] == "a"
    asked = api.requests[-1]
    assert asked.query["x"] == "a b" and asked.headers["Content-Type"] == "application/json"
    assert asked.headers["X-Forwarded-Uri"] == IN_DEFAULT
    async with served.admin.get(f"{IN_DEFAULT}/a") as got:
        wanted = ['299 - "flunders are soft"', '299 - "flunders are small"']
        assert got.headers.getall("Warning") == wanted
        assert len(got.headers.getall("Date")) == len(got.headers.getall("Audit-Id")) == 1
        assert got.headers["Audit-Id"] == api.requests[-1].headers["Audit-Id"]
    async with served.admin.get(f"{IN_DEFAULT}/b") as missing:
        assert missing.status == 404 and (await missing.json())["details"]["kind"] == "flunders"
    async with served.admin.head(ALL) as head:
        assert head.status == 200 and await head.read() == b""


async def test_targets_go_on_as_go_writes_them(served, api):
    odd = f"{IN_DEFAULT}//a%2Fb%20c?x=%20y&x=+z&&flag&e=1;f=2&a=%2F"
    async with served.admin.get(URL(odd, encoded=True), headers={"X-Forwarded-For": "192.0.2.1"}) as answer:
        assert answer.status == 404
    asked = api.requests[-1]
    assert asked.raw_path == f"{IN_DEFAULT}//a/b%20c?a=%2F&flag=&x=+y&x=+z"
    assert asked.headers["X-Forwarded-Uri"] == f"{IN_DEFAULT}/a/b%20c"
    # Not what the client calls us, but where the request goes.
    assert asked.headers["X-Forwarded-Host"] == asked.headers["Host"] == f"localhost:{api.port}"
    assert asked.headers["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"
    # As a client writes it that takes us for a proxy.
    port = served.admin._base_url.port
    tls = ssl.create_default_context(cafile=served.pki / "ca.crt")
    tls.load_cert_chain(served.pki / "admin.crt", served.pki / "admin.key")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    writer.write(f"GET https://elsewhere{ALL}?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()
    assert api.requests[-1].raw_path == f"{ALL}?a=b"


async def test_nobody_can_say_who_he_is(served, api):
    forged = {
        "X-Remote-User": "root", "X-Remote-Group": "system:masters", "X-Remote-Extra-Scopes": "all",
        "Connection": "close, X-Secret", "X-Secret": "x",
    }  # fmt: skip
    await served.get(ALL, **forged)
    headers = api.requests[-1].headers
    assert headers.getall("X-Remote-User") == ["kubernetes-admin"]
    assert [name for name in headers if name.lower().startswith("x-remote-extra")] == [
        "X-Remote-Extra-Authentication.kubernetes.io%2Fcredential-Id"
    ] or headers["X-Remote-Extra-authentication.kubernetes.io%2Fcredential-id"].startswith("X509SHA256=")
    assert "X-Remote-Extra-Scopes" not in headers and "X-Secret" not in headers


async def test_a_server_behind_this_one_sees_no_credentials(served, api):
    """It could use them here, in the name of whoever asked."""
    other = {"Impersonate-User": "system:admin", "Impersonate-Group": "system:masters"}
    assert (await served.get(ALL, Authorization="Bearer precious", **other))[0] == 200
    headers = api.requests[-1].headers
    assert not {"authorization", "impersonate-user"} & {name.lower() for name in headers}
    assert "precious" not in str(headers)
    assert headers.getall("X-Remote-User") == ["system:admin"]


async def test_who_may_not_is_refused_here(served, api):
    asked = len(api.requests)
    async with served.session().get(ALL) as answer:
        assert answer.status == 401
    async with served.admin.get(ALL, headers={"Impersonate-User": "jane"}) as answer:
        assert answer.status == 403
    assert len([each for each in api.requests[asked:] if each.path == ALL]) == 0


async def test_a_watch_streams_and_ends_with_its_server(served, api):
    async with served.admin.get(ALL, params={"watch": "1"}) as watch:
        for name in ("a", "b"):
            async with served.admin.post(IN_DEFAULT, json=flunder(name)) as made:
                assert made.status == 201
            event = json.loads(await watch.content.readline())
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", name)
        await api.stop()
        assert await watch.content.readline() == b""


async def test_a_watch_whose_client_leaves_is_closed_behind_the_proxy(served, api):
    watch = await served.admin.get(ALL, params={"watch": "1"})
    await served.cluster.until(lambda: api.watchers)
    connections = served.cluster.plane.api_server.aggregator._connections._session.connector
    busy = len(connections._acquired)
    watch.close()
    await served.cluster.until(lambda: len(connections._acquired) < busy)


async def test_a_body_beyond_the_limit_of_our_own_kinds_is_streamed(served, api):
    async def body():
        for _ in range(80):
            yield b"x" * 65536

    async with served.admin.put(f"{IN_DEFAULT}/a", data=body()) as answer:
        assert await answer.json() == {"size": 80 * 65536}
    async with served.admin.put(f"{IN_DEFAULT}/a", data=io.BytesIO(b"x" * (5 << 20))) as answer:
        assert await answer.json() == {"size": 5 << 20}


async def test_a_redirect_goes_no_further(served, api):
    async with served.admin.get(f"{ROOT}/redirects", allow_redirects=False) as answer:
        assert answer.status == 502
        assert await answer.text() == "the backend attempted to redirect this request, which is not permitted"


async def test_away_is_503_and_the_rest_is_there(served, api):
    await served.until_documents()
    await api.stop()
    status, text = await served.get(ALL)
    assert status == 503
    assert text.startswith("error trying to reach service: dial tcp localhost:")
    assert text.endswith("connect: connection refused\n")
    obj = await served.cluster.get(API_SERVICES, NAME, "")
    await served.cluster.client.update(API_SERVICES, {**obj, "spec": {**obj["spec"], "versionPriority": 16}})
    found = await served.until_reason("FailedDiscoveryCheck")
    assert found["status"] == "False"
    url = f"https://localhost:{api.port}{ROOT}"
    assert found["message"] == (
        f'failing or missing response from {url}: Get "{url}": '
        f"dial tcp localhost:{api.port}: connect: connection refused"
    )
    assert await served.get(ALL) == (503, "service unavailable\n")
    assert await served.get(ROOT) == (503, "service unavailable\n")
    assert (await served.get("/api/v1/pods"))[0] == 200
    _, groups = await served.get("/apis")
    assert GROUP in [group["name"] for group in groups["groups"]]
    _, group = await served.get(f"/apis/{GROUP}")
    assert group["preferredVersion"] == {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    _, aggregated = await served.get("/apis", Accept=AGGREGATED)
    (stale,) = [item for item in aggregated["items"] if item["metadata"]["name"] == GROUP]
    assert stale["versions"] == [{"version": VERSION, "freshness": "Stale"}]


async def test_discovery_and_openapi_are_merged(served, api):
    await served.until_documents()
    _, aggregated = await served.get("/apis", Accept=AGGREGATED)
    (ours,) = [item for item in aggregated["items"] if item["metadata"]["name"] == GROUP]
    (version,) = ours["versions"]
    assert version["freshness"] == "Current"
    assert version["resources"][0]["resource"] == "flunders" and version["resources"][0]["shortNames"] == [
        "fl"
    ]
    _, index = await served.get("/openapi/v3")
    url = index["paths"][ROOT[1:]]["serverRelativeURL"]
    assert (
        url == f"/openapi/v3{ROOT}?hash=AB12"
        and "apis/apps/v1" in index["paths"]
        and "logs" not in index["paths"]
    )
    _, document = await served.get(url)
    assert "io.kubepy.example.v1.Flunder" in document["components"]["schemas"]
    _, swagger = await served.get("/openapi/v2")
    assert ALL in swagger["paths"] and "/api/v1/pods" in " ".join(swagger["paths"])
    await served.cluster.client.delete(API_SERVICES, NAME)
    await served.cluster.until(lambda: not served.cluster.plane.api_server.aggregator.routes.table)
    _, swagger = await served.get("/openapi/v2")
    assert ALL not in swagger["paths"]
    _, index = await served.get("/openapi/v3")
    assert ROOT[1:] not in index["paths"]
    assert (await served.get(ALL))[0] == 404


async def test_a_server_of_the_old_days_is_discovered_too(served, make_api):
    api = await make_api(modern=False)
    await served.register(api)
    await served.until_reason("Passed")
    await served.until_documents()
    _, aggregated = await served.get("/apis", Accept=AGGREGATED)
    (ours,) = [item for item in aggregated["items"] if item["metadata"]["name"] == GROUP]
    (resource,) = ours["versions"][0]["resources"]
    assert resource["responseKind"] == {"group": "", "version": "", "kind": "Flunder"}
    assert [each["subresource"] for each in resource["subresources"]] == ["status"]
    _, index = await served.get("/openapi/v3")
    # Made from its v2 document.
    status, document = await served.get(index["paths"][ROOT[1:]]["serverRelativeURL"])
    assert status == 200 and document["openapi"] == "3.0.0" and list(document["paths"]) == [ALL]
    assert list(document["components"]["schemas"]) == ["io.kubepy.example.v1.Flunder"]


@pytest.mark.parametrize(
    ("names", "spec", "reason", "message"),
    [
        (
            ("elsewhere.example.svc",),
            {},
            "FailedDiscoveryCheck",
            "x509: certificate is valid for elsewhere.example.svc, not api.example.svc",
        ),
        (("elsewhere.example.svc",), {"insecureSkipTLSVerify": True}, "Passed", "all checks passed"),
        (
            (),
            {"insecureSkipTLSVerify": False},
            "FailedDiscoveryCheck",
            "x509: certificate signed by unknown authority",
        ),
        (
            (),
            {"caBundle": "bm9uc2Vuc2U="},
            "FailedDiscoveryCheck",
            "unable to load root certificates: unable to parse bytes as PEM block",
        ),
    ],
)
async def test_whom_the_api_service_believes(served, make_api, names, spec, reason, message):
    await served.register(await make_api(*names), **spec)
    assert message in (await served.until_reason(reason))["message"]


async def test_a_service_that_goes_takes_the_group_along(served, api):
    await served.cluster.client.delete(SERVICES, "api", "example")
    await served.until_reason("ServiceNotFound")
    assert await served.get(ALL) == (503, "service unavailable\n")


async def test_components_of_this_process_ask_as_everybody_does(served, api):
    client: Client = served.cluster.client
    made = await client.create(FLUNDERS, flunder("a"), namespace="default")
    assert made["metadata"]["namespace"] == "default"
    page = await client.list(FLUNDERS)
    assert [document.key.name for document in page.documents] == ["a"] and page.revision == api.revision
    assert page.documents[0].obj["kind"] == "Flunder"
    with pytest.raises(errors.NotFound):
        await client.get(FLUNDERS, "b", "default")
    assert api.requests[-1].headers["X-Remote-User"] == "system:apiserver"


async def test_components_watch_what_another_server_serves(served, api):
    client: Client = served.cluster.client
    seen: list[tuple[str, str]] = []

    async def watch():
        async for batch in client.watch(FLUNDERS):
            seen.extend((event.type, event.document.key.name) for event in batch)

    tasks = Tasks(lambda name, error: seen.append((name, str(error))))
    tasks.start(watch(), name="watch")
    await served.cluster.until(lambda: api.watchers)
    for queue in api.watchers:
        queue.put_nowait({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "4"}}})
    await client.create(FLUNDERS, flunder("a"), namespace="default")
    await served.cluster.until(lambda: len(seen) == 2)
    expired = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"}
    for queue in api.watchers:
        queue.put_nowait({"type": "ERROR", "object": expired})
    await served.cluster.until(lambda: len(seen) == 3)
    assert seen == [("BOOKMARK", ""), ("ADDED", "a"), ("watch", "too old")]
    await tasks.close()


@pytest.mark.parametrize("protocol", ["websocket", "SPDY/3.1"])
async def test_an_upgraded_connection_is_passed_on_byte_by_byte(served, make_api, protocol):
    heads = []

    async def echo(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if b"flunders" not in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        elif b"refused" in head:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        else:
            heads.append(head.decode().lower())
            writer.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {protocol}\r\n\r\n".encode())
            while data := await reader.read(1 << 16):
                writer.write(data.upper())
                await writer.drain()
        await writer.drain()
        writer.close()

    api = await make_api()
    await api.stop()
    server = await asyncio.start_server(echo, "localhost", api.port, ssl=api._tls)
    try:
        await served.register(api)
        await served.until_reason("Passed")
        head, reader, writer = await served.upgrade(f"{ALL}/a/exec?command=ls", protocol)
        assert head.startswith("HTTP/1.1 101 Switching Protocols") and f"Upgrade: {protocol}" in head
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"HELLO"
        large = b"x" * (1 << 20)
        writer.write(large)
        assert await reader.readexactly(len(large)) == large.upper()
        writer.close()
        assert "x-remote-user: kubernetes-admin" in heads[0] and "/exec?command=ls" in heads[0]
        assert "x-forwarded-for: 127.0.0.1" in heads[0] and "x-forwarded-uri" not in heads[0]
        head, reader, writer = await served.upgrade(f"{ALL}/refused/exec", protocol)
        assert head.startswith("HTTP/1.1 403 Forbidden") and await reader.readexactly(2) == b"no"
        writer.close()
    finally:
        server.close()
        await server.wait_closed()


async def test_a_server_that_breaks_off_breaks_our_answer_off(served, make_api):
    """A client must not take half a list for the whole."""

    async def half(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if b"flunders" not in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await writer.drain()
        writer.close()

    api = await make_api()
    await api.stop()
    server = await asyncio.start_server(half, "localhost", api.port, ssl=api._tls)
    try:
        await served.register(api)
        await served.until_reason("Passed")
        with pytest.raises(aiohttp.ClientPayloadError):
            async with served.admin.get(ALL) as answer:
                assert answer.status == 200
                await answer.read()
    finally:
        server.close()
        await server.wait_closed()


async def test_the_cluster_stops_while_somebody_watches(served, api):
    async with served.admin.get(ALL, params={"watch": "1"}) as watch:
        await served.cluster.until(lambda: api.watchers)
        await served.cluster.plane.close()
        with pytest.raises(aiohttp.ClientError):
            await watch.content.read()


async def test_before_apiservices_are_read_a_group_is_not_denied(served):
    """Source: apiserver pkg/util/notfoundhandler/not_found_handler_test.go."""
    routes = served.cluster.plane.api_server.aggregator.routes
    routes.is_complete = False
    status, answer = await served.get(ALL)
    assert (status, answer["reason"], answer["details"]) == (
        503,
        "ServiceUnavailable",
        {"retryAfterSeconds": 5},
    )
    assert answer["message"] == (
        "the request has been made before all known HTTP paths have been installed, please try again"
    )
    assert (await served.get("/api/v1/namespaces"))[0] == 200
    assert (await served.get("/apis/apps/v1/deployments"))[0] == 200
    routes.is_complete = True
    assert (await served.get(ALL))[0] == 404
