"""Against a real socket that answers what the test says."""

import asyncio
import ssl
from contextlib import aclosing

import orjson
import pytest
from aiohttp import web

from kubepy.api import errors
from kubepy.api.builtins import PODS
from kubepy.api.objects import DocumentPool, Key
from kubepy.client.client import Client
from kubepy.client.exec_plugin import PluginFailed
from kubepy.client.http import HttpTransport, decode_events
from kubepy.client.transport import ConnectionLost
from kubepy.daemon import pki
from kubepy.lib.clock import RealClock, VirtualClock
from kubepy.lib.random import Random


class Answers:
    """An HTTP server whose next answers are `script`: a coroutine function of the request each."""

    def __init__(self):
        self.script, self.requests = [], []

    async def handle(self, request):
        self.requests.append((request.method, request.path_qs, request.headers.copy(), await request.read()))
        return await self.script.pop(0)(request)

    def say(self, status, body=b"", **headers):
        data = body if isinstance(body, bytes) else orjson.dumps(body)

        async def answer(request):
            return web.Response(
                status=status, body=data, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )

        self.script.append(answer)

    def stream(self, *chunks, then=None):
        async def answer(request):
            response = web.StreamResponse()
            await response.prepare(request)
            for chunk in chunks:
                await response.write(chunk)
                await asyncio.sleep(0)
            if then is not None:
                await then(request)
            return response

        self.script.append(answer)

    async def listen(self, tls=None):
        self.runner = web.ServerRunner(web.Server(self.handle), shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = self.runner.addresses[0][1]
        return f"{'https' if tls else 'http'}://127.0.0.1:{port}"


@pytest.fixture
async def answers():
    answers = Answers()
    yield answers
    await answers.runner.cleanup()


@pytest.fixture
async def transport(answers, clock):
    transport = HttpTransport(await answers.listen(), clock=clock, random=Random(1), token="t0k")
    yield transport
    await transport.close()


def pod(name, revision, **fields):
    return {"metadata": {"name": name, "namespace": "default", "resourceVersion": str(revision)}, **fields}


def line(type_, obj):
    return orjson.dumps({"type": type_, "object": obj}) + b"\n"


async def collect(transport, path="/api/v1/pods", query=None):
    async with aclosing(transport.watch(path, query=query)) as stream:
        return [[(e.type, e.document.key.name, e.document.revision) for e in batch] async for batch in stream]


async def test_a_write_says_who_and_what(answers, transport):
    answers.say(201, pod("a", 5))
    obj = await Client(transport, field_manager="me").create(PODS, pod("a", 0))
    assert obj["metadata"]["resourceVersion"] == "5"
    method, path, headers, body = answers.requests[0]
    assert (method, path) == ("POST", "/api/v1/namespaces/default/pods?fieldManager=me")
    assert headers["Authorization"] == "Bearer t0k"
    assert headers["Content-Type"] == "application/json"
    assert orjson.loads(body) == pod("a", 0)


async def test_bytes_are_sent_as_they_are(answers, transport):
    answers.say(200)
    reply = await transport.request("PATCH", "/x", body=b"a: b", content_type="application/apply-patch+yaml")
    assert answers.requests[0][3] == b"a: b"
    assert answers.requests[0][2]["Content-Type"] == "application/apply-patch+yaml"
    assert reply.obj == {}


async def test_another_identity_impersonates(answers, transport):
    other = transport.with_identity("first", ["x"]).with_identity("system:node:n1", ["system:nodes", "g"])
    answers.say(200, {})
    await other.request("GET", "/x")
    headers = answers.requests[0][2]
    assert headers.getall("Impersonate-User") == ["system:node:n1"]
    assert headers.getall("Impersonate-Group") == ["system:nodes", "g"]
    assert headers["Authorization"] == "Bearer t0k"
    answers.say(200, {})
    await transport.request("GET", "/x")
    assert "Impersonate-User" not in answers.requests[1][2]


@pytest.mark.parametrize(
    "code, body, kind, message",
    [
        (404, errors.not_found(PODS, "a").status(), errors.NotFound, 'pods "a" not found'),
        (409, errors.conflict(PODS, "a").status(), errors.Conflict, "please apply your changes"),
        (404, b"404 page not found\n", errors.NotFound, "404 page not found"),
        (502, b"<html>", errors.StatusError, "<html>"),
        (500, b"", errors.StatusError, "the server answered 500"),
    ],
)
async def test_an_error_answer_is_the_exception_of_its_reason(answers, transport, code, body, kind, message):
    answers.say(code, body)
    with pytest.raises(kind, match=message) as caught:
        await transport.request("GET", "/x")
    assert caught.value.code == code


async def test_an_answer_that_is_not_json_is_no_answer(answers, transport):
    answers.say(200, b"hello")
    with pytest.raises(ConnectionLost, match="not JSON"):
        await transport.request("GET", "/x")


async def test_text_is_had_under_a_token_of_its_own(answers, transport):
    answers.say(200, b"a.b.c")
    assert await transport.text("/claims", token="other", timeout_s=5.0) == "a.b.c"
    assert answers.requests[-1][2]["Authorization"] == "Bearer other"
    answers.say(404, b"gone")
    with pytest.raises(errors.NotFound):
        await transport.text("/claims")


class Plugin:
    """Prints another token each time that one is refused."""

    def __init__(self):
        self.number, self.fails = 1, False

    async def authorization(self, now):
        if self.fails:
            raise PluginFailed("exec: executable print not found")
        return f"Bearer t{self.number}"

    def refused(self, authorization):
        assert authorization == f"Bearer t{self.number}"
        self.number += 1


async def test_tokens_that_a_program_prints(answers, clock):
    plugin = Plugin()
    transport = HttpTransport(await answers.listen(), clock=clock, random=Random(1), plugin=plugin)
    answers.say(200, {})
    await transport.request("GET", "/a")
    answers.say(401, {"kind": "Status", "status": "Failure", "reason": "Unauthorized", "code": 401})
    with pytest.raises(errors.Unauthorized):
        await transport.request("GET", "/a")
    answers.say(200, {"items": []})
    await transport.list("/a")
    assert [headers["Authorization"] for _, _, headers, _ in answers.requests] == ["Bearer t1"] * 2 + [
        "Bearer t2"
    ]
    plugin.fails = True
    with pytest.raises(ConnectionLost, match="getting credentials: exec: executable print not found"):
        await transport.request("GET", "/a")
    await transport.close()


async def test_retry_after_is_obeyed_and_bounded(answers, transport, clock):
    waits = []

    async def sleep(delay_s):
        waits.append(delay_s)

    clock.sleep = sleep
    answers.say(429, Retry_After="3")
    answers.say(503, Retry_After="1")
    answers.say(200, {"ok": True})
    assert (await transport.request("GET", "/x")).obj == {"ok": True}
    assert waits == [3, 1]
    for _ in range(11):
        answers.say(429, errors.TooManyRequests("busy").status(), Retry_After="1")
    with pytest.raises(errors.TooManyRequests):
        await transport.request("GET", "/x")
    assert answers.script == []
    answers.say(429, errors.TooManyRequests("busy").status())
    with pytest.raises(errors.TooManyRequests):
        await transport.request("GET", "/x")


async def test_nobody_there_is_a_lost_connection(clock):
    transport = HttpTransport("http://127.0.0.1:1", clock=clock, random=Random(1))
    with pytest.raises(ConnectionLost, match=r"GET http://127.0.0.1:1/x"):
        await transport.request("GET", "/x")
    await transport.close()
    with pytest.raises(ConnectionLost, match="closed"):
        await transport.request("GET", "/x")


async def test_an_answer_that_takes_too_long_is_a_lost_connection(answers, transport):
    async def never(request):
        await asyncio.Event().wait()

    answers.script.append(never)
    with pytest.raises(ConnectionLost):
        await transport.request("GET", "/x", timeout_s=0.05)


async def test_list_items_become_documents_with_kind_and_api_version(answers, transport):
    answers.say(
        200,
        {
            "kind": "PodList",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": "9", "continue": "abc"},
            "items": [pod("a", 5), pod("b", 6) | {"kind": "Own", "apiVersion": "x/v1"}],
        },
    )
    page = await transport.list("/api/v1/pods", query={"limit": "2"})
    assert (page.revision, page.continue_token) == (9, "abc")
    a, b = page.documents
    assert (a.key, a.revision) == (Key("default", "a"), 5)
    assert a.obj == {"apiVersion": "v1", "kind": "Pod"} | pod("a", 5)
    assert (b.obj["kind"], b.obj["apiVersion"]) == ("Own", "x/v1")
    assert answers.requests[0][1] == "/api/v1/pods?limit=2"


async def test_metadata_only_asks_for_it(answers, transport):
    partial = transport.metadata_only()
    answers.say(200, {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": []})
    answers.stream()
    await partial.list("/api/v1/pods")
    await collect(partial)
    accepts = [headers["Accept"] for _, _, headers, _ in answers.requests]
    assert accepts == [
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
    ]


async def test_a_watch_yields_what_arrives_until_the_server_ends_it(answers, transport):
    first, second, third = (
        line("ADDED", pod("a", 2)),
        line("MODIFIED", pod("a", 3)),
        line("DELETED", pod("a", 4)),
    )
    cut = len(second) // 2
    answers.stream(first + second[:cut], second[cut:] + third)
    batches = await collect(transport, query={"labelSelector": "a=b"})
    assert [event for batch in batches for event in batch] == [
        ("ADDED", "a", 2),
        ("MODIFIED", "a", 3),
        ("DELETED", "a", 4),
    ]
    path = answers.requests[0][1]
    assert path.startswith("/api/v1/pods?labelSelector=a%3Db&watch=1&timeoutSeconds=") or "a=b" in path
    timeout_s = int(path.rpartition("=")[2])
    assert 300 <= timeout_s <= 600


async def test_a_watch_keeps_its_own_timeout(answers, transport):
    answers.stream()
    assert await collect(transport, query={"timeoutSeconds": "7"}) == []
    assert "timeoutSeconds=7" in answers.requests[0][1]


async def test_an_error_event_comes_after_the_events_before_it(answers, transport):
    gone = errors.too_old_resource_version(1, 5).status()
    answers.stream(line("ADDED", pod("a", 2)) + line("ERROR", gone))
    seen = []
    with pytest.raises(errors.Expired, match="too old resource version"):
        async for batch in transport.watch("/api/v1/pods"):
            seen += batch
    assert len(seen) == 1


async def test_a_watch_that_is_refused(answers, transport):
    answers.say(403, errors.Forbidden("no").status())
    with pytest.raises(errors.Forbidden):
        await collect(transport)


async def test_a_watch_that_breaks_is_a_lost_connection(answers, transport):
    async def drop(request):
        request.transport.abort()

    answers.stream(line("ADDED", pod("a", 2)), then=drop)
    with pytest.raises(ConnectionLost):
        await collect(transport)


async def test_a_client_certificate_and_the_clusters_ca(answers, tmp_path):
    from kubepy.client import kubeconfig

    keys = pki.ensure(tmp_path, RealClock(), addresses=("127.0.0.1",))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=keys.ca.cert.decode())
    tls.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    tls.verify_mode = ssl.CERT_REQUIRED
    server = await answers.listen(tls)
    clock, random = VirtualClock(), Random(1)
    access = kubeconfig.parse(pki.kubeconfig(keys, server=server, name="kubepy"))
    transport = access.transport(clock=clock, random=random)
    answers.say(200, {"ok": True})
    assert (await transport.request("GET", "/version")).obj == {"ok": True}
    await transport.close()
    stranger = kubeconfig.Access(server).transport(clock=clock, random=random)
    with pytest.raises(ConnectionLost, match="certificate"):
        await stranger.request("GET", "/version")
    await stranger.close()


# -- decoding --------------------------------------------------------------------------------------------------


def test_an_event_keeps_the_objects_own_bytes():
    raw = b'{"kind":"Pod", "metadata":{"name":"a","namespace":"d","resourceVersion":"7"}}'
    events, error = decode_events([b'{"type":"ADDED","object":' + raw + b"}", b""], DocumentPool())
    assert error is None
    (event,) = events
    assert (event.type, event.document.raw, event.document.revision) == ("ADDED", raw, 7)


def test_an_event_in_another_order_is_read_too():
    raw = b'{"object": {"metadata":{"name":"a","resourceVersion":"7"}}, "type": "BOOKMARK"}\r'
    ((event,), _) = decode_events([raw], DocumentPool())
    assert (event.type, event.document.key, event.document.revision) == ("BOOKMARK", Key("", "a"), 7)


def test_an_event_that_is_not_json_is_a_broken_connection():
    with pytest.raises(ConnectionLost):
        decode_events([b'{"type":"ADDED","object":{"a":'], DocumentPool())
