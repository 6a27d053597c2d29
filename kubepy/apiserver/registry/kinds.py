"""What there is for each kind: the cache of its objects, its views, its strategy, its field managers.

Made when somebody first asks, and forgotten when the kind goes away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from kubepy.api import conversion, errors
from kubepy.api.builtins import Catalog
from kubepy.api.custom import own_of, read_back
from kubepy.api.defaults import TEMPLATE_GENERATION
from kubepy.api.objects import DocumentPool, Obj, stored
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.api.schemaconv import Types
from kubepy.apiserver.patch.field_manager import FieldManager
from kubepy.apiserver.registry.cache import Origin, ResourceCache, Revive, Revived
from kubepy.apiserver.registry.strategies import strategy_for
from kubepy.apiserver.registry.strategies.base import Strategy
from kubepy.apiserver.registry.views import Served
from kubepy.lib.clock import Clock
from kubepy.store.base import Store
from kubepy.store.encrypted import Unreadable

# Where Go's internal structs have a value, or conversion from them makes one, that the served ones could go without.
_NO_REPLICAS: Obj = {"spec": {"replicas": 0}}
_INTERNAL_ZEROS: dict[str, Obj] = {
    "controllerrevisions.apps": {"data": None},
    "daemonsets.apps": {"metadata": {"annotations": {TEMPLATE_GENERATION: "0"}}},
    "deployments.apps": _NO_REPLICAS,
    "replicasets.apps": _NO_REPLICAS,
    "statefulsets.apps": _NO_REPLICAS,
}


class Kinds:
    def __init__(
        self, *, store: Store, catalog: Catalog, schemas: Schemas, clock: Clock, pool: DocumentPool
    ) -> None:
        self.catalog, self.schemas, self.clock, self.pool = catalog, schemas, clock, pool
        self._store = store
        self._types = Types(schemas)
        self._caches: dict[str, ResourceCache] = {}
        self._strategies: dict[tuple[str, str], Strategy] = {}
        self._served: dict[tuple[str, str], Served] = {}
        self._field_managers: dict[tuple[str, str, str], FieldManager] = {}
        self._followers: list[Callable[[ResourceCache], None]] = []  # told of each new cache

    @property
    def revision(self) -> int:
        """The newest there is."""
        return self._store.revision

    def end_watches(self) -> None:
        for cache in self._caches.values():
            cache.close()

    def cache(self, storage: Resource) -> ResourceCache:
        """The cache of a stored resource, loaded or not."""
        name = storage.group_resource
        cache = self._caches.get(name)
        if cache is None:
            revive = self._reviver(storage) if storage.custom else None
            cache = self._caches[name] = ResourceCache(self._store, storage, self.pool, revive=revive)
            for follow in self._followers:
                follow(cache)
        return cache

    def _reviver(self, storage: Resource) -> Revive:
        """Objects that were stored under an older definition: pruned, defaulted, in the present storage version."""

        async def revive(values: Sequence[bytes]) -> list[Revived]:
            found = [read_back(orjson.loads(value), storage) for value in values]
            if (conversions := own_of(storage).conversions) is not None:
                await conversions.convert((obj for obj, _ in found), storage)
            return [_revived(value, obj, row, storage) for value, (obj, row) in zip(values, found)]

        return revive

    def volume(self, group_resource: str) -> tuple[int, int] | None:
        """How many objects there are, and their bytes; None if nobody has asked for them yet."""
        cache = self._caches.get(group_resource)
        return (len(cache), cache.size_bytes) if cache is not None and cache.is_loaded else None

    def mark_stale(self, is_concerned: Callable[[str], bool]) -> None:
        """Objects of these resources (group_resource) would be stored otherwise now: the next update of each writes it,
        even if it changes nothing."""
        for name, cache in self._caches.items():
            if is_concerned(name):
                cache.mark_stale()

    async def loaded(self, resource: Resource) -> ResourceCache:
        """The cache behind any served version of a resource, ready to use."""
        cache = self._caches.get(resource.group_resource)
        if cache is not None and cache.is_loaded and cache.storage is resource:
            return cache
        cache = self.cache(self.catalog.storage(resource))
        try:
            await cache.load()
        except Unreadable as error:
            raise errors.InternalError(str(error))
        return cache

    def served(self, resource: Resource) -> Served:
        key = (resource.group_resource, resource.version)
        served = self._served.get(key)
        if served is None:
            storage = self.catalog.storage(resource)
            served = self._served[key] = Served(resource, storage, self.pool, self._blank(resource))
        return served

    def _blank(self, resource: Resource) -> Obj:
        """What Go writes for a new object of a kind."""
        if resource.own is not None:
            return {}
        blank = self.schemas.blank(resource.schema)
        for field, value in _INTERNAL_ZEROS.get(resource.group_resource, {}).items():
            blank[field] = {**blank[field], **value} if isinstance(value, dict) else value
        return blank

    def field_manager(self, resource: Resource, subresource: str = "") -> FieldManager:
        """Keeps the managedFields of writes through one version of a resource, or a subresource of it."""
        key = (resource.group_resource, resource.version, subresource)
        found = self._field_managers.get(key)
        if found is None or found.resource is not resource:
            found = self._field_managers[key] = FieldManager(
                resource, subresource, types=self._types, catalog=self.catalog, clock=self.clock
            )
        return found

    def api_versions(self, resource: Resource) -> list[str]:
        """All that one resource is served in."""
        here = resource.group_resource
        return [row.api_version for row in self.catalog if row.group_resource == here]

    def to_hub(self, resource: Resource, obj: Obj) -> Obj:
        """An object as served -> as writes work on it; may be the same one."""
        return conversion.convert(obj, resource, self.catalog.hub(resource))

    def strategy(self, hub: Resource) -> Strategy:
        key = (hub.group_resource, hub.version)
        strategy = self._strategies.get(key)
        if strategy is None:
            strategy = self._strategies[key] = strategy_for(
                hub,
                self.schemas.of(hub).zero("status") if hub is self.catalog.storage(hub) else None,
                lambda row: self.catalog.get(row.group, row.version, row.plural) is not None,
            )
        return strategy

    def forget(self, resource: Resource) -> None:
        """A resource is no longer served (its definition went away): end its watches, drop what is known of it."""
        if (cache := self._caches.pop(resource.group_resource, None)) is not None:
            cache.close()
        for key in [key for key in self._strategies if key[0] == resource.group_resource]:
            del self._strategies[key]
        for key in [key for key in self._served if key[0] == resource.group_resource]:
            del self._served[key]
        for entry in [entry for entry in self._field_managers if entry[0] == resource.group_resource]:
            del self._field_managers[entry]

    def statistics(self) -> dict[str, int]:
        """Objects and watchers per resource that is in memory, for metrics."""
        found: dict[str, int] = {}
        for name, cache in self._caches.items():
            found[f"{name}:objects"] = len(cache)
            found[f"{name}:watchers"] = cache.watchers
        return found


def _revived(value: bytes, obj: Obj, row: Resource, storage: Resource) -> Revived:
    """`obj`, what is read from `value` in the version of `row`; the very same bytes if they say just that."""
    if row.api_version == storage.api_version:
        return Revived(value if orjson.loads(value) == obj else stored(obj))
    return Revived(stored(conversion.transcribe(obj, row, storage)), Origin(stored(obj), row))
