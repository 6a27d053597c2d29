"""Events live for an hour after their last write, then they are removed.

Upstream attaches a lease of etcd to each; here one timer follows the cached Events. After a restart an Event's hour
counts from the times it carries.

Source: kubernetes pkg/registry/core/event/storage/storage.go, cmd/kube-apiserver --event-ttl.
"""

from __future__ import annotations

import heapq
from typing import Protocol

from kubepy.api.builtins import EVENTS
from kubepy.api.objects import Document
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Change
from kubepy.apiserver.registry.keys import path_of
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock, Timer, parse_rfc3339

# Removed together: the timer goes off at most this often.
_SLACK_S = 10.0


class Remover(Protocol):
    clock: Clock

    async def expire(self, cache: ResourceCache, document: Document) -> None:
        """Remove the object if it is still this one."""


class EventExpiry:
    def __init__(self, remover: Remover, tasks: Tasks, ttl_s: float) -> None:
        self._remover, self._tasks, self.ttl_s = remover, tasks, ttl_s
        self._due: list[tuple[float, int, str]] = []  # (wall time, revision, path)
        self._timer: Timer | None = None
        self._cache: ResourceCache | None = None

    def follow(self, cache: ResourceCache) -> None:
        """Called for each new cache; only the Events' matters."""
        if cache.storage == EVENTS:
            self._cache = cache
            cache.observe(self._on_change, self._on_loaded)

    def _on_loaded(self, documents: list[Document]) -> None:
        for document in documents:
            metadata = document.obj["metadata"]
            written = document.obj.get("lastTimestamp") or metadata.get("creationTimestamp")
            due = (parse_rfc3339(written) if written else self._remover.clock.now()) + self.ttl_s
            heapq.heappush(self._due, (due, document.revision, path_of(*document.key)))
        self._arm()

    def _on_change(self, change: Change) -> None:
        if change.document is not None:
            heapq.heappush(self._due, (self._remover.clock.now() + self.ttl_s, change.revision, change.path))
            self._arm()

    def _arm(self) -> None:
        if self._timer is None and self._due:
            wait = max(self._due[0][0] - self._remover.clock.now(), 0) + _SLACK_S
            self._timer = self._remover.clock.call_later(wait, self._fire)

    def _fire(self) -> None:
        self._timer = None
        cache = self._cache
        assert cache is not None
        now = self._remover.clock.now()
        expired: list[Document] = []
        while self._due and self._due[0][0] <= now:
            _, revision, path = heapq.heappop(self._due)
            document = cache.get(path)
            # A newer write has an entry of its own.
            if document is not None and document.revision == revision:
                expired.append(document)
        if expired:
            self._tasks.start(self._remove(cache, expired), name="event-expiry")
        self._arm()

    async def _remove(self, cache: ResourceCache, expired: list[Document]) -> None:
        for document in expired:
            await self._remover.expire(cache, document)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
