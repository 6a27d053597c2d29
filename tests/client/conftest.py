"""A server small enough to be wrong on command: collections in memory, watches with history, failures by script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import orjson
import pytest

from kubepy.api import errors, objects
from kubepy.api.builtins import BUILTINS
from kubepy.api.objects import Document, DocumentPool, Key, Obj
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.client.transport import ConnectionLost, Page, Reply, WatchEvent
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import VirtualClock
from kubepy.lib.random import Random
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics

KINDS = {(r.group, r.version, r.plural): r for r in BUILTINS}


class FakeServer:
    """A Transport. `watch_list=False` refuses sendInitialEvents with `refusal`; `calls` is what was asked, in order."""

    def __init__(self, *, watch_list: bool = True) -> None:
        self.watch_list = watch_list
        self.refusal: errors.StatusError = errors.Invalid("sendInitialEvents is forbidden for watch")
        self.revision = 1
        self.compacted = 0
        self.calls: list[str] = []
        self.failures: list[Exception] = []  # raised by the next calls, one each
        self._pool = DocumentPool()
        self._live: dict[Resource, dict[Key, Document]] = {}
        self._history: list[tuple[Resource, WatchEvent]] = []
        self._watches: dict[asyncio.Queue[Any], Resource] = {}

    # -- what a test does

    def put(self, resource: Resource, name: str, namespace: str = "default", **fields: Any) -> Document:
        """Create or replace, as somebody else would."""
        obj = {"apiVersion": resource.api_version, "kind": resource.kind, **fields}
        obj["metadata"] = {"name": name, "namespace": namespace, "uid": name, **fields.get("metadata", {})}
        return self._store(resource, obj)

    def remove(self, resource: Resource, name: str, namespace: str = "default") -> None:
        document = self._live[resource].pop(Key(namespace, name))
        self.revision += 1
        obj = document.copy()
        obj["metadata"]["resourceVersion"] = str(self.revision)
        self._commit(resource, WatchEvent("DELETED", self._document(obj)))

    def end_watches(self, error: Exception | None = None) -> None:
        """As a server's timeout does, or a failure."""
        for queue in list(self._watches):
            queue.put_nowait(error)

    def bookmark(self, resource: Resource, revision: int) -> None:
        self.revision = max(self.revision, revision)
        for queue, watched in self._watches.items():
            if watched is resource:
                queue.put_nowait([WatchEvent("BOOKMARK", self._bookmark(resource, revision))])

    def compact(self) -> None:
        self.compacted = self.revision
        self._history.clear()

    @property
    def watching(self) -> int:
        return len(self._watches)

    # -- Transport

    async def request(
        self, method: str, path: str, *, query: Any = None, body: Any = None, **_: Any
    ) -> Reply:
        self._call(f"{method} {path}")
        await asyncio.sleep(0)
        resource, namespace, name = self._parse(path)
        live = self._live.setdefault(resource, {})
        if method == "POST":
            name = body["metadata"]["name"]
            if Key(namespace, name) in live:
                raise errors.already_exists(resource, name)
            return self._reply(self._store(resource, body))
        document = live.get(Key(namespace, name))
        if document is None:
            raise errors.not_found(resource, name)
        if method == "PUT":
            if body["metadata"].get("resourceVersion", "") not in ("", str(document.revision)):
                raise errors.conflict(resource, name)
            return self._reply(self._store(resource, body))
        if method == "PATCH":
            return self._reply(self._store(resource, _merge(document.copy(), body)))
        if method == "DELETE":
            self.remove(resource, name, namespace)
        return self._reply(document)

    async def list(self, path: str, *, query: Any = None) -> Page:
        self._call(f"LIST {path} {(query or {}).get('resourceVersion', '')}".rstrip())
        await asyncio.sleep(0)
        resource, _, _ = self._parse(path)
        return Page(list(self._live.get(resource, {}).values()), self.revision, "")

    async def watch(self, path: str, *, query: Any = None) -> AsyncGenerator[Sequence[WatchEvent], None]:
        initial = (query or {}).get("sendInitialEvents") == "true"
        start = int((query or {}).get("resourceVersion") or 0)
        self._call(f"WATCH {path} {'initial' if initial else start}")
        resource, _, _ = self._parse(path)
        if initial and not self.watch_list:
            raise self.refusal
        queue: asyncio.Queue[Any] = asyncio.Queue()
        if initial:
            live = self._live.get(resource, {}).values()
            queue.put_nowait([WatchEvent("ADDED", d) for d in live] + [self._initial_end(resource)])
        elif start < self.compacted:
            raise errors.too_old_resource_version(start, self.compacted)
        else:
            past = [e for r, e in self._history if r is resource and e.document.revision > start]
            if past:
                queue.put_nowait(past)
        self._watches[queue] = resource
        try:
            while (batch := await queue.get()) is not None:
                if isinstance(batch, Exception):
                    raise batch
                yield batch
        finally:
            del self._watches[queue]

    def with_identity(self, user: str, groups: Sequence[str]) -> FakeServer:
        return self

    def metadata_only(self) -> FakeServer:
        return self

    async def close(self) -> None: ...

    # -- parts

    def _call(self, call: str) -> None:
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop(0)

    def _parse(self, path: str) -> tuple[Resource, str, str]:
        parts = path.strip("/").split("/")
        group, version, rest = (
            ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
        )
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        return KINDS[group, version, rest[0]], namespace, rest[1] if len(rest) > 1 else ""

    def _store(self, resource: Resource, obj: Obj) -> Document:
        self.revision += 1
        document = self._document(
            obj | {"metadata": obj["metadata"] | {"resourceVersion": str(self.revision)}}
        )
        live = self._live.setdefault(resource, {})
        kind = "MODIFIED" if document.key in live else "ADDED"
        live[document.key] = document
        self._commit(resource, WatchEvent(kind, document))
        return document

    def _commit(self, resource: Resource, event: WatchEvent) -> None:
        self._history.append((resource, event))
        for queue, watched in self._watches.items():
            if watched is resource:
                queue.put_nowait([event])

    def _document(self, obj: Obj) -> Document:
        return Document(objects.key_of(obj), orjson.dumps(obj), self.revision, self._pool)

    def _bookmark(self, resource: Resource, revision: int, **metadata: Any) -> Document:
        obj = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"resourceVersion": str(revision), **metadata},
        }
        return Document(Key("", ""), orjson.dumps(obj), revision, self._pool)

    def _initial_end(self, resource: Resource) -> WatchEvent:
        annotations = {"k8s.io/initial-events-end": "true"}
        return WatchEvent("BOOKMARK", self._bookmark(resource, self.revision, annotations=annotations))

    def _reply(self, document: Document) -> Reply:
        return Reply(200, document.obj, {})


def _merge(target: Obj, patch: Obj) -> Obj:
    for name, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            target[name] = value
    return target


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def random() -> Random:
    return Random(1)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def client(server: FakeServer) -> Client:
    return Client(server, field_manager="test")


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    failed: list[BaseException] = []
    tasks = Tasks(lambda name, error: failed.append(error))
    yield tasks
    await tasks.close()
    assert not failed, failed


@pytest.fixture
def factory(client: Client, clock: VirtualClock, random: Random, tasks: Tasks) -> InformerFactory:
    return InformerFactory(client, Given(clock, random, logs.silent(), Metrics()), tasks)


@pytest.fixture
def lost() -> ConnectionLost:
    return ConnectionLost("gone")
