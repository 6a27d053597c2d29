"""The HTTP door on real sockets of the loopback interface, with TLS."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from kubepy.api.errors import Expired
from kubepy.apiserver import server, watch_sink
from kubepy.apiserver.request import Request, Stream, chunk
from kubepy.apiserver.tls import ServingTls
from kubepy.daemon import pki
from kubepy.lib.clock import RealClock
from kubepy.observability import logs

POD = "/api/v1/namespaces/default/pods/a"
PODS = "/api/v1/namespaces/default/pods"
GO = {"User-Agent": "kubectl/v1.37.0", "Authorization": "Bearer admin-token"}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pki")
    pki.ensure(directory, RealClock(), addresses=("127.0.0.1",))
    return directory


class Running:
    def __init__(self, http: server.HttpServer, port: int, keys: Path) -> None:
        self.http, self.port, self.keys = http, port, keys
        self.url = f"https://127.0.0.1:{port}"

    def tls(self, name: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.keys / "ca.crt")
        if name:
            context.load_cert_chain(self.keys / f"{name}.crt", self.keys / f"{name}.key")
        return context

    def session(self, name: str = "", **kwargs: Any) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            self.url, connector=aiohttp.TCPConnector(ssl=self.tls(name)), **({"headers": GO} | kwargs)
        )

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls())


@pytest.fixture
async def running(real_core: Any, keys: Path) -> AsyncIterator[Running]:
    http = server.HttpServer(real_core.handler, clock=real_core.clock, ids=real_core.ids, log=logs.silent())
    context = ServingTls(keys / "server.crt", keys / "server.key", [keys / "ca.crt"]).context
    port = await http.start(["127.0.0.1"], 0, context)
    yield Running(http, port, keys)
    await http.close(0.5)
    assert http.watchers == 0
    # The server's connection tasks are gone with it.
    await asyncio.sleep(0)
    leftover = [task for task in asyncio.all_tasks() if "RequestHandler" in repr(task)]
    assert not leftover


async def test_answer_of_a_get(running: Running, resources: Any) -> None:
    document = resources.add("a")
    async with running.session("admin") as session, session.get(POD) as response:
        assert await response.read() == document.raw + b"\n"
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-cache, private"
        assert len(response.headers["Audit-Id"]) == 36
        assert "Date" in response.headers


async def test_client_certificate_is_the_user(running: Running, resources: Any) -> None:
    resources.add("a")
    async with running.session("admin", headers={}) as session, session.get(POD) as response:
        assert response.status == 200
    user = resources.requests[-1].user
    assert user.name == "kubernetes-admin"
    assert user.groups == ("system:masters", "system:authenticated")
    assert user.extra["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")


async def test_certificate_of_another_ca_does_not_pass_the_handshake(
    running: Running, tmp_path: Path
) -> None:
    pki.ensure(tmp_path, RealClock(), addresses=())
    context = ssl.create_default_context(cafile=running.keys / "ca.crt")
    context.load_cert_chain(tmp_path / "admin.crt", tmp_path / "admin.key")
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 tells the client only when it reads
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", running.port, ssl=context)


@pytest.mark.parametrize(
    ("headers", "target", "status", "text"),
    [
        ({}, POD, 403, 'pods "a" is forbidden: User "system:anonymous" cannot get resource "pods" in API group "" '
         'in the namespace "default"'),
        ({"Authorization": "Bearer nope"}, POD, 401, "Unauthorized"),
        ({"Authorization": "Bearer jane-token"}, PODS, 403, 'pods is forbidden: User "jane" cannot list resource '
         '"pods" in API group "" in the namespace "default"'),
        ({}, "/metrics", 403, 'forbidden: User "system:anonymous" cannot get path "/metrics"'),
        (GO, POD, 404, 'pods "a" not found'),
    ],
)  # fmt: skip
async def test_errors_are_statuses(
    running: Running, headers: dict[str, str], target: str, status: int, text: str
) -> None:
    async with running.session(headers=headers) as session, session.get(target) as response:
        assert response.status == status
        body = await response.read()
        assert body.endswith(b"}\n")
        document = orjson.loads(body)
        assert list(document)[:5] == ["kind", "apiVersion", "metadata", "status", "message"]
        assert document["message"] == text and document["code"] == status


async def test_unknown_path(running: Running) -> None:
    async with running.session() as session, session.get("/foo") as response:
        assert (response.status, await response.text()) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/readyz", 200, "ok"),
        ("/healthz/ping", 200, "ok"),
        ("/livez?verbose", 200, "[+]ping ok\nlivez check passed\n"),
        ("/livez/nope", 404, "404 page not found\n"),
    ],
)
async def test_health(running: Running, path: str, status: int, text: str) -> None:
    async with running.session() as session, session.get(path) as response:
        assert (response.status, await response.text()) == (status, text)


async def test_version_index_and_metrics(running: Running) -> None:
    async with running.session() as session:
        for path in ("/version", "/version/"):
            async with session.get(path) as response:
                assert (await response.json())["gitVersion"] == "v1.37.0"
        async with session.get("/") as response:
            paths = (await response.json())["paths"]
            assert {"/api", "/apis/apps/v1", "/healthz/ping", "/metrics", "/openapi/v3", "/version"} <= set(
                paths
            )
            assert paths == sorted(paths)
        async with session.get("/metrics") as response:
            assert "apiserver_request_total{" in await response.text()


async def test_method_not_allowed_outside_resources(running: Running) -> None:
    async with running.session() as session, session.post("/version") as response:
        assert (response.status, (await response.json())["reason"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    ("query", "agent", "indented"),
    [
        ("", "kubectl/v1.37", False), ("", "curl/8.0", True), ("", "Wget/1", True), ("", "Mozilla/5.0 X", True),
        ("?pretty=true", "kubectl/v1.37", True), ("?pretty=1", "x", True), ("?pretty=false", "curl/8.0", False),
    ],
)  # fmt: skip
async def test_indented_for_people(
    running: Running, resources: Any, query: str, agent: str, indented: bool
) -> None:
    resources.add("a")
    async with running.session() as session:
        for target in (POD, PODS, "/api/v1/namespaces/default/pods/missing"):
            async with session.get(target + query, headers={"User-Agent": agent}) as response:
                body = await response.read()
                assert body.startswith(b'{\n  "kind"') is indented
                assert body.endswith(b"}\n")


async def test_head_has_no_body(running: Running, resources: Any) -> None:
    document = resources.add("a")
    async with running.session() as session:
        async with session.head(POD) as response:
            assert int(response.headers["Content-Length"]) == len(document.raw) + 1
            assert await response.read() == b""
        async with session.get(POD) as response:  # on the same connection
            assert response.status == 200


async def test_body_is_read(running: Running, resources: Any) -> None:
    async with running.session() as session:
        async with session.post(PODS, data=b'{"a":1}') as response:
            assert response.status == 201
        async with session.post(PODS, data=_pieces([b'{"a":', b"2}"])) as response:  # chunked
            assert response.status == 201
    assert resources.bodies == [b'{"a":1}', b'{"a":2}']


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_beyond_the_limit(running: Running, resources: Any, chunked: bool) -> None:
    body = b"x" * ((3 << 20) + 1)
    async with running.session() as session:
        async with session.post(PODS, data=_pieces([body]) if chunked else io.BytesIO(body)) as response:
            assert response.status == 413
            status = await response.json()
            assert status["message"] == "Request entity too large: limit is 3145728"
            assert status["reason"] == "RequestEntityTooLarge"
        async with session.post(PODS, data=io.BytesIO(b"x" * (3 << 20))) as response:
            assert response.status == 201


async def _pieces(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_expect_continue(running: Running, resources: Any) -> None:
    async with running.session() as session, session.post(PODS, data=b"{}", expect100=True) as response:
        assert response.status == 201
    assert resources.bodies == [b"{}"]


async def test_long_headers_and_targets_are_taken(running: Running, resources: Any) -> None:
    resources.add("a")
    reader, writer = await running.raw()
    selector = "x" * 100_000
    writer.write(
        f"GET {PODS}?labelSelector={selector} HTTP/1.1\r\nHost: x\r\nX-Long: {selector}\r\n"
        "Authorization: Bearer admin-token\r\n\r\n".encode()
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.parametrize("garbage", [b"NONSENSE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00\x01\x02\r\n\r\n"])
async def test_what_is_not_http_is_answered_400_and_closed(running: Running, garbage: bytes) -> None:
    reader, writer = await running.raw()
    writer.write(garbage)
    assert await reader.read() == refusal("400 Bad Request")
    writer.close()


def refusal(text: str) -> bytes:
    status = text.partition(":")[0]
    return f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{text}".encode()


async def test_a_request_without_a_host(running: Running) -> None:
    reader, writer = await running.raw()
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await reader.read() == refusal("400 Bad Request: missing required Host header")
    writer.close()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"a: " + b"b" * (server.LINE_BYTES_MAX + 1) + b"\r\n", id="long"),
        pytest.param(b"a: b\r\n" * (server.HEADERS_MAX + 1), id="many"),
        pytest.param((b"a: " + b"b" * (200 << 10) + b"\r\n") * 7, id="both"),
    ],
)
async def test_heads_are_bounded(running: Running, headers: bytes) -> None:
    reader, writer = await running.raw()
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + headers)
    assert await reader.read() == refusal("431 Request Header Fields Too Large")
    writer.transport.abort()


async def test_a_head_that_does_not_end_is_not_waited_for(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.1)
    reader, writer = await running.raw()
    # The timer is of the head's beginning: more of it buys no time.
    for _ in range(3):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        writer.write(b"/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
    assert await reader.read() == b""
    await _until(lambda: running.http.connections == 0)
    writer.close()


async def test_connection_close_and_http_1_0(running: Running, resources: Any) -> None:
    resources.add("a")
    for head, closes in [
        (f"GET {POD} HTTP/1.1\r\nConnection: close", True),
        (f"GET {POD} HTTP/1.0", True),
        (f"GET {POD} HTTP/1.0\r\nConnection: keep-alive", False),
    ]:
        reader, writer = await running.raw()
        writer.write(f"{head}\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert (b"Connection: close" in answer) is closes
        assert (b"Connection: keep-alive" in answer) is not closes
        if closes:
            await reader.read()
            assert reader.at_eof()
        writer.close()


async def test_pipelined_requests_are_answered_in_order(running: Running, resources: Any) -> None:
    resources.add("a")
    reader, writer = await running.raw()
    head = "HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n\r\n"
    writer.write(f"GET {POD} {head}GET {PODS}/b {head}GET /healthz {head}".encode())
    codes = []
    for _ in range(3):
        answer = await reader.readuntil(b"\r\n\r\n")
        codes.append(int(answer.split()[1]))
        length = int(answer.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
    assert codes == [200, 404, 200]
    writer.close()


async def test_client_that_vanishes_in_the_middle_of_a_body_leaves_no_task(
    running: Running, resources: Any
) -> None:
    _, writer = await running.raw()
    writer.write(
        f"POST {PODS} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nAuthorization: Bearer admin-token\r\n\r\n"
        "only this".encode()
    )
    await writer.drain()
    await _until(lambda: resources.requests)
    writer.transport.abort()
    await _until(lambda: running.http.connections == 0)
    assert resources.bodies == []


async def test_broken_chunks_are_a_bad_request(running: Running, resources: Any) -> None:
    reader, writer = await running.raw()
    writer.write(
        f"POST {PODS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer admin-token\r\n\r\n"
        "2\r\n{}\r\n".encode()
    )
    await _until(lambda: resources.requests)
    writer.write(b"zz\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    assert b'"reason":"BadRequest"' in await reader.read()
    writer.close()


async def test_port_in_use(running: Running, real_core: Any) -> None:
    other = server.HttpServer(real_core.handler, clock=real_core.clock, ids=real_core.ids, log=logs.silent())
    with pytest.raises(OSError, match="address already in use"):
        await other.start(["127.0.0.1"], running.port, None)
    await other.close()


async def test_warnings_are_headers(running: Running, real_core: Any, resources: Any) -> None:
    resources.add("a")
    inner = resources.handle

    async def warn(request: Any) -> Any:
        request.warnings += ['unknown field "spec.x"', "and more"]
        return await inner(request)

    resources.handle = warn
    core = type(real_core)(resources, real_core.clock)
    running.http._handler = core.handler
    async with running.session() as session:
        for target in (POD, "/api/v1/namespaces/default/pods/missing"):
            async with session.get(target) as response:
                given = response.headers.getall("Warning")
                assert given == ['299 - "unknown field \\"spec.x\\""', '299 - "and more"']


async def test_a_bug_while_answering_closes_the_connection(running: Running, resources: Any) -> None:
    document = resources.add("a")
    document.raw = None
    async with running.session() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(POD)


# -- watches -----------------------------------------------------------------------------------------------------


class Pieces:
    """What another server sends, piece by piece, and at last an error if there is one."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self.pieces, self.error, self.closed = pieces, error, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def streamed(resources: Any) -> Callable[..., Pieces]:
    """Answer the next request with these pieces."""

    def answer(*pieces: bytes, length: int | None = None, error: Exception | None = None) -> Pieces:
        body = Pieces(*pieces, error=error)

        async def handle(request: Request) -> Stream:
            return Stream(200, body, headers={"Content-Type": "text/x"}, length=length)

        resources.answer = handle
        return body

    return answer


@pytest.mark.parametrize("length", [None, 5])
async def test_a_streamed_answer(running: Running, streamed: Any, length: int | None) -> None:
    body = streamed(b"he", b"", b"llo", length=length)
    async with running.session("admin") as session:
        async with session.get(POD) as response:
            assert await response.read() == b"hello"
            assert response.headers["Content-Type"] == "text/x"
            assert response.headers.get("Content-Length") == (None if length is None else "5")
        async with session.head(POD) as response:
            assert response.status == 200 and await response.read() == b""
    assert body.closed == 2


async def test_a_streamed_answer_that_breaks_off(running: Running, streamed: Any) -> None:
    body = streamed(b"he", error=ConnectionResetError("gone"))
    async with running.session("admin") as session, session.get(POD) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert body.closed == 1


async def test_a_streamed_answer_without_chunks_ends_with_the_connection(
    running: Running, streamed: Any
) -> None:
    streamed(b"he", b"llo")
    reader, writer = await running.raw()
    writer.write(
        f"GET {POD} HTTP/1.0\r\nAuthorization: Bearer admin-token\r\nConnection: keep-alive\r\n\r\n".encode()
    )
    answer = await reader.read()
    assert answer.endswith(b"\r\n\r\nhello") and b"Connection: close\r\n" in answer
    writer.close()


async def _until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_watch_gives_the_past_then_what_comes(running: Running, resources: Any) -> None:
    a, b = resources.add("a"), resources.add("b")
    resources.past = [[resources.http_event("ADDED", a)]]
    async with running.session() as session, session.get(PODS + "?watch=1") as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert orjson.loads(await response.content.readline()) == {"type": "ADDED", "object": a.obj}
        await _until(lambda: running.http.watchers == 1 and resources.feed.sink._is_live)
        resources.feed.sink.send([resources.http_event("ADDED", b)])
        resources.feed.sink.send([resources.http_event("DELETED", b)])
        assert orjson.loads(await response.content.readline())["object"] == b.obj
        assert orjson.loads(await response.content.readline())["type"] == "DELETED"
        resources.feed.sink.end()
        assert await response.content.read() == b""
        async with session.get(POD) as again:  # the connection goes on
            assert again.status == 200


async def test_watch_ends_cleanly_at_its_timeout(running: Running, resources: Any) -> None:
    resources.timeout_s = 0.05
    async with running.session() as session, session.get(PODS + "?watch=1") as response:
        assert await response.content.read() == b""
    assert resources.feed.closed


async def test_watch_error_is_an_event_and_the_end(running: Running, resources: Any) -> None:
    async with running.session() as session, session.get(PODS + "?watch=1") as response:
        await _until(lambda: resources.feeds and resources.feed.sink)
        resources.feed.sink.fail(Expired("too old resource version: 1 (5)"))
        event = orjson.loads(await response.content.read())
        assert event["type"] == "ERROR"
        assert (event["object"]["reason"], event["object"]["code"]) == ("Expired", 410)


async def test_client_that_leaves_a_watch_is_forgotten(running: Running, resources: Any) -> None:
    async with running.session() as session:
        response = await session.get(PODS + "?watch=1")
        await _until(lambda: running.http.watchers == 1)
        response.close()
        await _until(lambda: resources.feed.closed)
    await _until(lambda: running.http.watchers == 0)


async def test_shutdown_ends_watches_in_good_order(running: Running, resources: Any) -> None:
    async with running.session() as session, session.get(PODS + "?watch=1") as response:
        await _until(lambda: running.http.watchers == 1)
        resources.feed.sink.send([chunk(b"last\n")])
        await running.http.close(1)
        assert await response.content.read() == b"last\n"
    assert resources.feed.closed


async def test_watcher_that_does_not_read_is_cut_off(
    running: Running, resources: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_sink, "BACKLOG_BYTES_MAX", 4 << 20)
    reader, writer = await running.raw()
    writer.write(
        f"GET {PODS}?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    sink = resources.feed.sink
    await _until(lambda: sink._is_live)
    piece = chunk(b"x" * (1 << 20))
    for _ in range(200):
        sink.send([piece])
        await asyncio.sleep(0)
        if sink.is_over:
            break
    assert sink.is_over and resources.feed.closed
    await _until(lambda: running.http.connections == 0)
    writer.transport.abort()


async def test_slow_watcher_gets_everything_in_order(running: Running, resources: Any) -> None:
    reader, writer = await running.raw()
    writer.write(
        f"GET {PODS}?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    sink = resources.feed.sink
    await _until(lambda: sink._is_live)
    lines = [b"%06d" % number + b"x" * 20_000 + b"\n" for number in range(400)]
    for line in lines:
        sink.send([chunk(line)])
        await asyncio.sleep(0)
    received = []
    for _ in lines:
        size = int(await reader.readline(), 16)
        received.append(await reader.readexactly(size))
        await reader.readexactly(2)
    assert received == lines
    assert not sink.is_over
    writer.transport.abort()


async def test_long_past_is_sent_at_the_clients_pace(running: Running, resources: Any) -> None:
    taken = 0

    def past() -> Any:
        nonlocal taken
        for _ in range(500):
            taken += 1
            yield [chunk(b"y" * 100_000 + b"\n")]

    resources.past = past()
    reader, writer = await running.raw()
    writer.write(
        f"GET {PODS}?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    for _ in range(5_000):  # turns enough to take all of it
        await asyncio.sleep(0)
    assert taken < 500  # the rest is not even encoded
    resources.feed.sink.send([chunk(b"live\n")])
    writer.transport.resume_reading()
    total = 0
    while True:
        size = int(await reader.readline(), 16)
        line = await reader.readexactly(size)
        await reader.readexactly(2)
        if line == b"live\n":
            break
        total += 1
    assert total == 500
    writer.transport.abort()


async def test_http_1_0_cannot_watch(running: Running, resources: Any) -> None:
    reader, writer = await running.raw()
    writer.write(
        f"GET {PODS}?watch=1 HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n\r\n".encode()
    )
    await reader.read()
    assert reader.at_eof() and resources.feed.closed
    writer.close()


class TestConnectionsAreBounded:
    """Three at once."""

    @pytest.fixture
    async def running(self, real_core: Any, keys: Path) -> AsyncIterator[Running]:
        http = server.HttpServer(
            real_core.handler, clock=real_core.clock, ids=real_core.ids, log=logs.silent(), connections_max=3
        )
        context = ServingTls(keys / "server.crt", keys / "server.key", [keys / "ca.crt"]).context
        yield Running(http, await http.start(["127.0.0.1"], 0, context), keys)
        await http.close(0.5)

    @staticmethod
    async def _busy(running: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A watch that has begun."""
        reader, writer = await running.raw()
        head = f"GET {PODS}?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: {GO['Authorization']}\r\n\r\n"
        writer.write(head.encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        return reader, writer

    async def test_one_more_takes_the_place_of_one_that_is_idle(
        self, running: Running, resources: Any
    ) -> None:
        watch = await self._busy(running)
        idle = [await running.raw() for _ in range(2)]
        newest = await self._busy(running)
        assert await idle[0][0].read() == b"", "the oldest idle one is closed"
        for _, writer in (watch, *idle, newest):
            writer.close()

    async def test_where_all_are_busy_it_is_refused(self, running: Running, resources: Any) -> None:
        busy = [await self._busy(running) for _ in range(3)]
        reader, writer = await running.raw()
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n") and b"Retry-After: 1\r\n" in answer
        for _, other in (*busy, (reader, writer)):
            other.close()
