"""A chain over a tiny resource handler, so that the core is tested without the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import pytest

from kubepy.api.builtins import Catalog
from kubepy.api.errors import StatusError, not_found
from kubepy.api.objects import Document, DocumentPool, Key, Obj, key_of, stored
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.apiserver import app, authn
from kubepy.apiserver.authn import tokens, x509
from kubepy.apiserver.authz import modes
from kubepy.apiserver.authz.rbac import Rbac
from kubepy.apiserver.handlers.dispatch import ResourceHandler
from kubepy.apiserver.handlers.subresources import Subresources
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.keys import path_of, prefix_of
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import (
    ClientCertificate,
    Handler,
    Query,
    Request,
    RequestIds,
    Resolver,
    Response,
    Sink,
    Subscription,
    User,
    WatchResponse,
    chunk,
    resolve_path,
    split_target,
)
from kubepy.client.transport import Page, WatchEvent
from kubepy.daemon import rbac_policy
from kubepy.daemon.config import files_dir
from kubepy.lib.clock import Clock, RealClock, VirtualClock
from kubepy.lib.random import Random
from kubepy.observability import logs
from kubepy.observability.health import Checks
from kubepy.observability.metrics import Metrics
from kubepy.store.base import Delete, Put
from kubepy.store.memory import MemoryStore

# Read only, and slow to make.
SCHEMAS = Schemas()


class PlainRequest(Request):
    """A request as a filter sees it, of headers and body given."""

    __slots__ = ("_certificate", "_headers")

    def __init__(
        self, method: str, path: str, query: Query, headers: Mapping[str, str | list[str]], certificate: Any
    ) -> None:
        super().__init__(method, path, query, "request-1")
        self._headers = {
            name.lower(): [value] if isinstance(value, str) else value for name, value in headers.items()
        }
        self._certificate = certificate

    def header(self, name: str) -> str:
        return (self._headers.get(name.lower()) or [""])[0]

    def headers(self, name: str) -> list[str]:
        return self._headers.get(name.lower(), [])

    def header_names(self) -> Iterable[str]:
        return self._headers

    @property
    def client_certificate(self) -> ClientCertificate | None:
        return self._certificate


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def make_request() -> Callable[..., PlainRequest]:
    def make(
        target: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str | list[str]] | None = None,
        user: User | None = None,
        certificate: ClientCertificate | None = None,
    ) -> PlainRequest:
        path, query = split_target(target)
        request = PlainRequest(method, path, query, headers or {}, certificate)
        request.info = resolve_path(method, path)
        request.user = user
        return request

    return make


class Feed:
    """A Subscription that the test pushes into."""

    def __init__(self, past: Sequence[Sequence[Any]] = ()) -> None:
        self.past = past
        self.sink: Sink | None = None
        self.closed = 0

    async def attach(self, sink: Sink) -> AsyncIterator[Sequence[Any]]:
        self.sink = sink
        for batch in self.past:
            yield batch

    def close(self) -> None:
        self.closed += 1


class Resources:
    """Pods in a dict; each watch is a Feed kept in `feeds`."""

    def __init__(self) -> None:
        self.pool = DocumentPool()
        self.documents: dict[str, Document] = {}
        self.feeds: list[Feed] = []
        self.past: Sequence[Sequence[Any]] = ()
        self.timeout_s = 1800.0
        self.bodies: list[Any] = []
        self.requests: list[Request] = []
        self.failure: BaseException | None = None
        self.answer: Handler | None = None  # instead of what is here

    def add(self, name: str, **fields: Any) -> Document:
        obj = {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"name": name, "resourceVersion": "7"},
            **fields,
        }
        document = Document(Key("default", name), orjson.dumps(obj), 7, self.pool)
        self.documents[name] = document
        return document

    async def handle(self, request: Request) -> Response:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        if self.answer is not None:
            return await self.answer(request)
        info = request.info
        if info.verb == "watch":
            feed = Feed(self.past)
            self.feeds.append(feed)
            return WatchResponse(feed, timeout_s=self.timeout_s)
        if info.verb == "list":
            documents = list(self.documents.values())
            if request.in_process:
                return Response(page=Page(documents, 7, ""))
            items = b",".join(document.raw for document in documents)
            head = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":['
            return Response(body=b"%b%b]}\n" % (head, items))
        if info.verb == "create":
            self.bodies.append(request.obj if request.in_process else await request.read_body())
            return Response(201, document=self.add("made"))
        document = self.documents.get(info.name)
        if document is None:
            raise not_found(Catalog().get("", "v1", "pods"), info.name)  # type: ignore[arg-type]
        return Response(document=document)

    @property
    def feed(self) -> Feed:
        assert self.feeds
        return self.feeds[-1]

    def http_event(self, type_: str, document: Document) -> bytes:
        return chunk(b'{"type":"%b","object":%b}\n' % (type_.encode(), document.raw))

    def event(self, type_: str, document: Document) -> WatchEvent:
        return WatchEvent(type_, document)


@pytest.fixture
def resources() -> Resources:
    return Resources()


class StoredCaches:
    """What authorizers read, of objects that are there from the beginning; `put` and `drop` change them."""

    def __init__(self, *objs: Obj) -> None:
        self.store = MemoryStore()
        self._caches: dict[str, ResourceCache] = {}
        self._first = list(objs)

    async def loaded(self, resource: Resource) -> ResourceCache:
        while self._first:
            await self.put(self._first.pop(0))
        cache = self._caches.get(resource.group_resource)
        if cache is None:
            cache = self._caches[resource.group_resource] = ResourceCache(
                self.store, resource, DocumentPool()
            )
        await cache.load()
        return cache

    async def put(self, obj: Obj) -> None:
        await self.store.txn([], [Put(self._key(obj), stored(obj))])

    async def drop(self, obj: Obj) -> None:
        await self.store.txn([], [Delete(self._key(obj))])

    def _key(self, obj: Obj) -> bytes:
        resource = Catalog().by_kind(obj["apiVersion"], obj["kind"])
        assert resource is not None
        return prefix_of(resource) + path_of(*key_of(obj)).encode()


def shipped_roles() -> list[Obj]:
    """The roles and bindings that every cluster has."""
    served = {row.group_resource for row in Catalog()}
    return [obj for _, obj in rbac_policy.objects(files_dir() / "bootstrap" / "rbac", served)]


class Core:
    """A built chain and what it was built of."""

    def __init__(self, resources: Resources, clock: Clock) -> None:
        self.clock = clock
        self.resources = resources
        self.catalog = Catalog()
        self.metrics = Metrics()
        self.checks = Checks()
        self.ids = RequestIds(Random(1))
        self.log = logs.silent()
        users = {
            "admin-token": authn.authenticated("admin", ("system:masters",)),
            "jane-token": authn.authenticated("jane", ("developers",)),
        }
        self.handler: Handler = app.build(
            resources=resources.handle,
            catalog=self.catalog,
            schemas=None,  # type: ignore[arg-type]
            authenticator=authn.Union(
                [
                    x509.ClientCertificates(clock),
                    tokens.BearerTokens(tokens.Tokens([tokens.StaticTokens(users)])),
                ]
            ),
            authorizer=modes.chain([Rbac(StoredCaches(*shipped_roles()))]),
            clock=clock,
            log=self.log,
            metrics=self.metrics,
            checks=self.checks,
        )

    async def error(self, request: Request) -> StatusError:
        """The error an in-process caller would see; for others use `handler`."""
        with pytest.raises(StatusError) as caught:
            await self.handler(request)
        return caught.value


@pytest.fixture
def core(resources: Resources, clock: VirtualClock) -> Core:
    """The chain on virtual time."""
    return Core(resources, clock)


@pytest.fixture
def real_core(resources: Resources) -> Core:
    """The chain on the machine's time, for sockets."""
    return Core(resources, RealClock())


class Recorder:
    """The door's end of a watch: what it was sent, decoded."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.first: list[Any] = []  # what attach returned
        self.live: list[Any] = []  # what was pushed later
        self.error: StatusError | None = None
        self.is_over = False

    async def attach(self) -> Recorder:
        async for batch in self.subscription.attach(self):
            self.first.extend(batch)
        return self

    def send(self, batch: Sequence[Any]) -> None:
        self.live.extend(batch)

    def fail(self, error: StatusError) -> None:
        self.error = error

    def end(self) -> None:
        self.is_over = True

    @property
    def events(self) -> list[dict[str, Any]]:
        """Everything so far, as JSON events."""
        return [orjson.loads(piece.split(b"\r\n", 1)[1]) for piece in [*self.first, *self.live]]

    @property
    def seen(self) -> list[str]:
        """As "ADDED web-0", "BOOKMARK"."""
        return [f"{e['type']} {e['object']['metadata'].get('name', '')}".strip() for e in self.events]


class ApiRequest(PlainRequest):
    """One with a body."""

    __slots__ = ("_body",)

    def __init__(self, *args: Any, body: bytes) -> None:
        super().__init__(*args)
        self._body = body

    async def read_body(self) -> bytes:
        return self._body


class Api:
    """The verbs over a registry on a memory store, without the filters before them."""

    def __init__(self, clock: VirtualClock, store: MemoryStore, **settings: Any) -> None:
        self.clock, self.store = clock, store
        # Whoever asks admission is an administrator, if the test says nothing else.
        settings.setdefault("ask", modes.AlwaysAllow().authorize)
        self.metrics: Metrics = settings.setdefault("metrics", Metrics())
        self.registry = Registry(
            store=store,
            catalog=Catalog(),
            schemas=SCHEMAS,
            clock=clock,
            random=Random(1),
            pool=DocumentPool(),
            log=logs.silent(),
            **settings,
        )
        self.handler = ResourceHandler(self.registry, Subresources(authorizer=modes.AlwaysAllow()))
        self.user = User("alice", ("system:masters",))
        self.warnings: list[str] = []

    def request(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "",
        user_agent: str = "",
    ) -> ApiRequest:
        path, query = split_target(target)
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": user_agent}
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        request = ApiRequest(method, path, query, headers, None, body=raw)
        request.info = Resolver().resolve(method, path, query)
        request.user = self.user
        return request

    async def send(self, method: str, target: str, body: Any = None, **how: Any) -> Response:
        request = self.request(method, target, body, **how)
        try:
            return await self.handler(request)
        finally:
            self.warnings = request.warnings

    async def ok(self, method: str, target: str, body: Any = None, **how: Any) -> Any:
        """The answer's JSON."""
        response = await self.send(method, target, body, **how)
        assert response.status < 300
        assert response.body is not None
        return orjson.loads(response.body)

    async def error(self, method: str, target: str, body: Any = None, **how: Any) -> StatusError:
        with pytest.raises(StatusError) as caught:
            await self.send(method, target, body, **how)
        return caught.value

    async def watch(self, target: str, **how: Any) -> Recorder:
        response = await self.send("GET", target, **how)
        assert isinstance(response, WatchResponse)
        return await Recorder(response.subscription).attach()

    async def namespace(self, name: str) -> None:
        """A namespace with its default ServiceAccount, as the controllers leave it."""
        await self.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        await self.ok("POST", f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    store = MemoryStore()
    yield store
    await store.close()


@pytest.fixture
async def api(clock: VirtualClock, store: MemoryStore) -> AsyncIterator[Api]:
    """With the namespaces default and other."""
    api = Api(clock, store)
    await api.namespace("default")
    await api.namespace("other")
    yield api
    await api.registry.close()
