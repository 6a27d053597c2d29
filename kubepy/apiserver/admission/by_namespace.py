"""The few objects of a kind that govern a namespace, at hand for every write in it: one dict look-up.

Kept by the watch cache itself, so never behind it. Made for kinds that most namespaces have none of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from kubepy.api.objects import Document, Key
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Lookup
from kubepy.apiserver.registry.feeds import Change
from kubepy.apiserver.registry.keys import key_at

T = TypeVar("T")


class ByNamespace(Generic[T]):
    """`make` reads what is wanted of an object, once per change."""

    def __init__(self, lookup: Lookup, resource: Resource, make: Callable[[Document], T]) -> None:
        self._lookup, self._resource, self._make = lookup, resource, make
        self._by_namespace: dict[str, dict[str, T]] = {}
        self._is_following = False

    async def of(self, namespace: str) -> Mapping[str, T]:
        """By name."""
        if not self._is_following:
            await self._follow()
        return self._by_namespace.get(namespace) or {}

    async def _follow(self) -> None:
        cache = await self._lookup.loaded(self._resource)
        if not self._is_following:
            self._is_following = True
            cache.observe(self._changed, self._loaded)

    def _loaded(self, documents: list[Document]) -> None:
        for document in documents:
            self._put(document.key, document)

    def _changed(self, change: Change) -> None:
        self._put(key_at(change.path), change.document)

    def _put(self, key: Key, document: Document | None) -> None:
        if document is not None:
            self._by_namespace.setdefault(key.namespace, {})[key.name] = self._make(document)
            return
        known = self._by_namespace.get(key.namespace, {})
        known.pop(key.name, None)
        if not known:
            self._by_namespace.pop(key.namespace, None)
