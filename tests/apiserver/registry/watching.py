"""Watches of a cache by hand: views that say what happened, a sink that remembers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubepy.api.errors import StatusError
from kubepy.api.objects import Document, stored
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import FeedKey, Scope, Trigger
from kubepy.apiserver.registry.subscription import ResourceSubscription
from kubepy.store.base import Delete, Put
from kubepy.store.memory import MemoryStore

PREFIX = b"/registry/configmaps/"
ALL = Scope("", "")


class Names:
    """A view that says what happened, and counts how often it was asked."""

    has_header = takes_changes = is_decoded = False

    def __init__(self) -> None:
        self.encoded = 0

    def event(self, type_: str, document: Document, *, first: bool) -> Any:
        self.encoded += 1
        return f"{type_} {document.key} {document.revision}"

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> Any:
        return f"{'END' if initial_events_end else 'BOOKMARK'} {revision}"


class Headed(Names):
    has_header = True

    def event(self, type_: str, document: Document, *, first: bool) -> Any:
        return ("header " if first else "") + super().event(type_, document, first=first)

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> Any:
        made = super().bookmark(revision, initial_events_end=initial_events_end, first=first)
        return ("header " if first else "") + made


class Labelled:
    trigger: Trigger | None = None

    def __init__(self, key: str) -> None:
        self.key = key

    def matches(self, document: Document) -> bool:
        return self.key in (document.obj["metadata"].get("labels") or {})


class Sink:
    def __init__(self) -> None:
        self.batches: list[Sequence[Any]] = []
        self.error: StatusError | None = None
        self.ended = False

    def send(self, batch: Sequence[Any]) -> None:
        self.batches.append(list(batch))

    def fail(self, error: StatusError) -> None:
        self.error = error

    def end(self) -> None:
        self.ended = True

    @property
    def items(self) -> list[Any]:
        return [item for batch in self.batches for item in batch]


async def put(store: MemoryStore, path: str, **labels: str) -> int:
    namespace, name = path.split("/")
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = labels
    value = stored({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    return (await store.txn([], [Put(PREFIX + path.encode(), value)])).revision


async def delete(store: MemoryStore, path: str) -> int:
    return (await store.txn([], [Delete(PREFIX + path.encode())])).revision


async def watch(
    cache: ResourceCache, view: Any, scope: Scope = ALL, selection: Any = None, **how: Any
) -> Sink:
    sink = Sink()
    how.setdefault("state", False)
    subscription = ResourceSubscription(cache, FeedKey(scope, selection, view, 0), **how)
    sink.batches += [list(batch) async for batch in subscription.attach(sink)]
    return sink
