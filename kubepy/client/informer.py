"""A shared, indexed, read-only copy of a collection that follows the server, and handlers that hear of changes.

    pods = factory.informer(PODS)
    pods.add_index("by_node", node_name)
    pods.add_handler(on_add=..., on_update=..., on_delete=...)
    factory.start()
    await factory.wait_synced()
    for pod in pods.by_index("by_node", "node-1"): ...

Promised:
- The copy is updated before handlers hear of a change, so it is never older than what a handler was told.
- Handlers are called in the loop, in the order they were added, for one change after the other. One that raises is
  logged and stops neither the others nor the informer.
- Per object, changes come in order: add, update..., delete. An object deleted and created again while the connection
  was away is a delete and an add (another uid), never an update.
- `is_synced` turns true after the handlers have heard of everything that was there at the start.
- A handler or an index added late is told of, or built from, what is there already.
- A handler or an index whose function says what it is about (objects.about) hears of updates that change something of
  that, and of no others; which parts an update has changed is found out once for all of them.

Not promised: that handlers hear of every intermediate state (they are level-based: what was missed during a lost
connection arrives as its sum), nor that the copy is as new as the server: a component that has just written may not see
its own write yet (see expectations.py).

It keeps Documents - over loopback the very bytes that the API server's watch cache holds - plus, per index, the keys of
each value. Objects are decoded when asked for, through the shared pool; they are shared: copy before changing one.

Source: client-go tools/cache/{shared_informer,thread_safe_store}.go, informers/factory.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from kubepy.api.objects import Document, Key, Obj, Parts, about, parts_of, uid_of, walk
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.given import Given
from kubepy.client.reflector import Reflector
from kubepy.client.transport import WatchEvent
from kubepy.lib.aio import Tasks

if TYPE_CHECKING:
    from kubepy.observability.logs import Logger

IndexFunction = Callable[[Obj], Iterable[str]]
OnAdd = Callable[[Document], object]
OnUpdate = Callable[[Document, Document], object]
OnDelete = Callable[[Document], object]
Objs = list[Obj]  # spelled out here because `Informer.list` hides the builtin from annotations

_NO_KEYS: dict[Key, None] = {}


# Objects taken in at once when everything is read: some 10 ms.
STEP = 500


# -- index functions that several components share -------------------------------------------------------------


@about("spec.nodeName")
def node_name(obj: Obj) -> Iterable[str]:
    """Pods by spec.nodeName; those without a node are under ""."""
    return (walk(obj, "spec", "nodeName") or "",)


# -- the informer ----------------------------------------------------------------------------------------------


class _Handler(Struct, frozen=True):
    on_add: OnAdd | None
    on_update: OnUpdate | None
    on_delete: OnDelete | None
    about: Parts | None  # of updates


class _Update:
    """One object's, and which of its parts it has changed."""

    __slots__ = ("_known", "_new", "_old")

    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new
        self._known: dict[Parts, bool] = {}

    def is_news(self, about: Parts | None) -> bool:
        if about is None:
            return True
        known = self._known.get(about)
        if known is None:
            old, new = self._old.obj, self._new.obj
            known = self._known[about] = any(walk(old, *path) != walk(new, *path) for path in about)
        return known


class _Index:
    """value -> keys, kept from the values each key had. Dicts serve as sets that keep their order, for replays."""

    __slots__ = ("about", "function", "keys", "values")

    def __init__(self, function: IndexFunction) -> None:
        self.function, self.about = function, parts_of(function)
        self.keys: dict[str, dict[Key, None]] = {}
        self.values: dict[Key, tuple[str, ...]] = {}

    def put(self, key: Key, obj: Obj) -> None:
        values = tuple(self.function(obj))
        old = self.values.get(key)
        if values == old:
            return
        if old:
            self._remove(key, old)
        if not values:
            self.values.pop(key, None)
            return
        for value in values:
            keys = self.keys.get(value)
            if keys is None:
                keys = self.keys[value] = {}
            keys[key] = None
        self.values[key] = values

    def drop(self, key: Key) -> None:
        if old := self.values.pop(key, None):
            self._remove(key, old)

    def _remove(self, key: Key, values: Iterable[str]) -> None:
        for value in values:
            keys = self.keys.get(value)
            if keys is not None:
                keys.pop(key, None)
                if not keys:
                    del self.keys[value]


class Informer:
    """One collection. Made by `InformerFactory.informer`; see the module for what it promises."""

    def __init__(self, resource: Resource, *, namespace: str, log: Logger) -> None:
        self.resource = resource
        self.namespace = namespace
        self.revision = 0  # the copy is as of this revision of the server
        self._log = log
        self._documents: dict[Key, Document] = {}
        self._namespaces: dict[str, dict[Key, None]] = {}
        self._indexes: dict[str, _Index] = {}
        self._handlers: tuple[_Handler, ...] = ()
        self._synced = asyncio.Event()

    # -- reading

    @property
    def is_synced(self) -> bool:
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        await self._synced.wait()

    def get(self, key: Key) -> Obj | None:
        """The object, shared and read-only. O(1), plus a decode if nobody read it lately."""
        document = self._documents.get(key)
        return None if document is None else document.obj

    def document(self, key: Key) -> Document | None:
        return self._documents.get(key)

    def list(self, namespace: str = "") -> Objs:
        """Objects of one namespace, or of all; decodes each: prefer `keys` or an index where that will do."""
        return [document.obj for document in self.documents(namespace)]

    def documents(self, namespace: str = "") -> Iterator[Document]:
        """As `list`, undecoded. Do not wait between the items."""
        documents = self._documents
        if not namespace:
            return iter(documents.values())
        return (documents[key] for key in self._namespaces.get(namespace, _NO_KEYS))

    def keys(self, namespace: str = "") -> KeysView[Key]:
        """A live view; copy it before waiting."""
        return self._namespaces.get(namespace, _NO_KEYS).keys() if namespace else self._documents.keys()

    def by_index(self, index: str, value: str) -> Objs:
        """Objects with `value` in `index`, in the order they came there. O(found)."""
        documents = self._documents
        return [documents[key].obj for key in self._indexes[index].keys.get(value, _NO_KEYS)]

    def keys_by_index(self, index: str, value: str) -> KeysView[Key]:
        """A live view; copy it before waiting."""
        return self._indexes[index].keys.get(value, _NO_KEYS).keys()

    def count_by_index(self, index: str, value: str) -> int:
        return len(self._indexes[index].keys.get(value, _NO_KEYS))

    def index_values(self, index: str) -> KeysView[str]:
        """The values that some object has. A live view."""
        return self._indexes[index].keys.keys()

    def __len__(self) -> int:
        return len(self._documents)

    def __bool__(self) -> bool:
        return True

    def statistics(self) -> Mapping[str, int]:
        return {"objects": len(self._documents), "handlers": len(self._handlers), "revision": self.revision}

    # -- declaring

    def add_index(self, name: str, function: IndexFunction) -> None:
        """`function(obj)` gives the values under which the object is found. The same name with another function is an
        error: two components would read each other's index."""
        known = self._indexes.get(name)
        if known is not None:
            if known.function is not function:
                raise ValueError(f"{self.resource} has an index {name!r} with another function")
            return
        index = self._indexes[name] = _Index(function)
        for key, document in self._documents.items():
            index.put(key, document.obj)

    def add_handler(
        self,
        *,
        on_add: OnAdd | None = None,
        on_update: OnUpdate | None = None,
        on_delete: OnDelete | None = None,
        about: Parts | None = None,
    ) -> None:
        """Call these from now on; what is there already comes as `on_add`. They must not block. `about`: of
        `on_update`, if the function itself does not say."""
        about = parts_of(on_update) if about is None else about
        self._handlers += (_Handler(on_add, on_update, on_delete, about),)
        if on_add is not None:
            for document in list(self._documents.values()):
                self._call(on_add, document)

    # -- the reflector's side

    def replace(self, documents: Sequence[Document], revision: int) -> Iterator[None]:
        """The whole state, in steps of STEP objects; handlers hear of the difference."""
        present = {document.key for document in documents}
        self.revision = revision
        for key in [key for key in self._documents if key not in present]:
            self._delete(self._documents[key])
        for at, document in enumerate(documents, 1):
            old = self._documents.get(document.key)
            if (
                old is not None
                and old.revision != document.revision
                and uid_of(old.obj) != uid_of(document.obj)
            ):
                self._delete(old)
            self._put(document)
            if at % STEP == 0:
                yield
        self._synced.set()

    def apply(self, events: Sequence[WatchEvent]) -> None:
        for kind, document in events:
            self.revision = document.revision
            if kind == "DELETED":
                self._delete(document)
            elif kind != "BOOKMARK":
                self._put(document)

    def _put(self, document: Document) -> None:
        key = document.key
        old = self._documents.get(key)
        if old is not None and old.revision == document.revision:
            return
        self._documents[key] = document
        if old is None:
            namespace = self._namespaces.get(key.namespace)
            if namespace is None:
                namespace = self._namespaces[key.namespace] = {}
            namespace[key] = None
        update = _Update(old, document) if old is not None else None
        for index in self._indexes.values():
            if (update is None or update.is_news(index.about)) and not self._call(
                index.put, key, document.obj
            ):
                index.drop(key)
        for handler in self._handlers:
            if old is None or update is None:
                if handler.on_add is not None:
                    self._call(handler.on_add, document)
            elif handler.on_update is not None and update.is_news(handler.about):
                self._call(handler.on_update, old, document)

    def _delete(self, document: Document) -> None:
        """`document` is the last known state, which handlers are given."""
        key = document.key
        if self._documents.pop(key, None) is None:
            return
        namespace = self._namespaces[key.namespace]
        del namespace[key]
        if not namespace:
            del self._namespaces[key.namespace]
        for index in self._indexes.values():
            index.drop(key)
        for handler in self._handlers:
            if handler.on_delete is not None:
                self._call(handler.on_delete, document)

    def _call(self, function: Callable[..., object], *args: object) -> bool:
        try:
            function(*args)
        except Exception as error:  # noqa: BLE001 - one consumer's bug must not blind the others
            self._log.error("informer_handler_failed", resource=str(self.resource), exc_info=error)
            return False
        return True


class _Scope(Struct, frozen=True):
    resource: Resource
    namespace: str
    label_selector: str
    field_selector: str
    metadata_only: bool


class InformerFactory:
    """The informers of one process: the same collection is watched once, whoever asks.

    `tasks` owns the watches. `pool` is what components decode Documents of their own making through.
    """

    def __init__(self, client: Client, given: Given, tasks: Tasks) -> None:
        self.pool = given.pool
        self._client, self._given, self._tasks = client, given, tasks
        self._informers: dict[_Scope, Informer] = {}
        self._running: dict[_Scope, asyncio.Task[None]] = {}
        self._started = False

    def informer(
        self,
        resource: Resource,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> Informer:
        """The informer of this collection, made if nobody asked before; runs at once if the factory is started.

        metadata_only: asks for PartialObjectMetadata where the transport can save by it; elsewhere it is the full one.
        """
        partial = metadata_only and self._client.transport.metadata_only() is not self._client.transport
        scope = _Scope(resource, namespace, label_selector, field_selector, partial)
        informer = self._informers.get(scope)
        if informer is None:
            informer = self._informers[scope] = Informer(resource, namespace=namespace, log=self._given.log)
            if self._started:
                self._run(scope, informer)
        return informer

    def start(self) -> None:
        """Start what does not run yet; idempotent. Later informers start by themselves."""
        self._started = True
        for scope, informer in self._informers.items():
            if scope not in self._running:
                self._run(scope, informer)

    def _run(self, scope: _Scope, informer: Informer) -> None:
        client, given = self._client, self._given
        if scope.metadata_only:
            client = Client(client.transport.metadata_only(), field_manager=client.field_manager)
        reflector = Reflector(
            client, scope.resource, informer, namespace=scope.namespace, label_selector=scope.label_selector,
            field_selector=scope.field_selector, clock=given.clock, random=given.random, log=given.log,
        )  # fmt: skip
        self._running[scope] = self._tasks.start(reflector.run(), name=f"informer {scope.resource}")

    async def wait_synced(self) -> None:
        """Until every informer made so far has its first full state."""
        for informer in list(self._informers.values()):
            await informer.wait_synced()

    def stop(self, informer: Informer) -> None:
        """Stop watching and forget it: for kinds that ceased to be served. Its handlers hear nothing more."""
        for scope in [scope for scope, known in self._informers.items() if known is informer]:
            del self._informers[scope]
            if task := self._running.pop(scope, None):
                task.cancel()

    def statistics(self) -> Mapping[str, Mapping[str, int]]:
        return {str(informer.resource): informer.statistics() for informer in self._informers.values()}
