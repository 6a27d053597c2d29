"""Serves what CustomResourceDefinitions define, and keeps their statuses.

Two halves. The first follows the definitions synchronously: whoever gets the event that a definition is established
finds its kind in the catalog already, and whoever gets the event of its end does not find it any more. The second is
one worker that writes what status.py decides, and empties a kind whose definition is deleted.

A change of a definition's spec begins its kind anew: watches end, objects are read again with the new schema, so that
what it drops and fills in holds for stored objects, too.

Source: apiextensions-apiserver pkg/apiserver/customresource_handler.go, pkg/controller/finalizer/crd_finalizer.go.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kubepy.api import custom, errors
from kubepy.api.builtins import CUSTOM_RESOURCE_DEFINITIONS
from kubepy.api.custom import own_of
from kubepy.api.errors import FieldError
from kubepy.api.objects import Document, Obj, is_condition_true, is_deleting
from kubepy.api.resources import Resource
from kubepy.apiserver.crds import status
from kubepy.apiserver.crds.conversion import Conversions
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Change
from kubepy.apiserver.registry.options import DeleteOptions, ListOptions
from kubepy.apiserver.registry.registry import Call, Registry
from kubepy.apiserver.request import User
from kubepy.apiserver.webhook_client import finder
from kubepy.client.workqueue import Queue, ShutDown
from kubepy.lib.aio import Tasks
from kubepy.observability.logs import Logger

_SERVER = User("system:apiserver", ("system:masters", "system:authenticated"))
# How long objects may take to go before the condition says so. Source: crd_finalizer.go deleteInstances.
DELETION_PATIENCE_S = 60.0


class Definitions:
    """Of one registry. `start` returns when everything that is established is served."""

    def __init__(self, registry: Registry, *, tasks: Tasks, log: Logger) -> None:
        self._registry, self._tasks, self._log = registry, tasks, log
        self._resource = CUSTOM_RESOURCE_DEFINITIONS
        self._rows: dict[str, list[Resource]] = {}  # definition -> its versions, served or only stored
        self._names: dict[str, dict[str, Obj]] = {}  # group -> definition -> accepted names
        self._refused: set[str] = set()  # definitions that wait for names
        self._violations: dict[str, tuple[int, list[FieldError]]] = {}  # definition -> its generation's
        self._emptying: dict[str, float] = {}  # definition -> since when its objects are being deleted
        self._queue: Queue[str] = Queue(registry.clock)
        look = finder(registry.find, registry.all)
        self.conversions = Conversions(look, registry.clock, registry.random.stream("conversions"))

    async def start(self) -> None:
        cache = await self._registry.loaded(self._resource)
        cache.observe(self._changed, self._loaded)
        self._tasks.start(self._work(), name="crds")

    async def close(self) -> None:
        await self.conversions.close()

    # -- following ---------------------------------------------------------------------------------------------------

    def _loaded(self, documents: list[Document]) -> None:
        for document in documents:
            self._follow(document)

    def _changed(self, change: Change) -> None:
        if change.document is not None:
            self._follow(change.document, change.previous)
        elif change.previous is not None:
            self._forget(change.previous.obj)

    def _follow(self, document: Document, previous: Document | None = None) -> None:
        # Definitions are large, and this is all that anybody wants to know of most of them.
        definition = document.peek()
        name, group = document.key.name, definition["spec"]["group"]
        names = self._names.setdefault(group, {})
        accepted = (definition.get("status") or {}).get("acceptedNames") or {}
        if names.get(name, accepted) != accepted:
            self._reconsider(group)
        names[name] = accepted
        if is_condition_true(definition, "NamesAccepted"):
            self._refused.discard(name)
        else:
            self._refused.add(name)
        self._serve(name, definition, previous.peek() if previous is not None else None)
        self._queue.add(name)

    def _serve(self, name: str, definition: Obj, before: Obj | None) -> None:
        """The rows of a definition replace those that it had."""
        known = self._rows.get(name, [])
        rows = custom.rows(definition, self._registry.schemas, known)
        for row in rows:
            own = own_of(row)
            if own.review is not None:
                own.convert, own.conversions = partial(self.conversions.known, to=row), self.conversions
        is_new_spec = before is None or before["spec"] != definition["spec"]
        is_new_kind = not known or is_new_spec or _accepted(before) != _accepted(definition)
        if not is_new_kind and [own_of(row).verbs for row in rows] == [own_of(row).verbs for row in known]:
            return
        catalog = self._registry.catalog
        served = [row for row in rows if own_of(row).served and self._is_free(row)]
        wanted = {(row.group, row.version, row.plural) for row in served}
        for row in known:
            if (row.group, row.version, row.plural) not in wanted:
                catalog.remove(row)
        for row in served:
            catalog.add(row)
        self._rows[name] = rows
        if known and is_new_kind:
            self._registry.forget(known[0])
        if rows and not known:
            self._log.info("custom_kind_served", object=name, versions=[row.version for row in served])

    def _is_free(self, row: Resource) -> bool:
        """What is built in stays what it is."""
        known = self._registry.catalog.get(row.group, row.version, row.plural)
        return known is None or known.custom

    def _forget(self, definition: Obj) -> None:
        name, group = definition["metadata"]["name"], definition["spec"]["group"]
        names = self._names.get(group, {})
        names.pop(name, None)
        if not names:
            self._names.pop(group, None)
        self._refused.discard(name)
        self._emptying.pop(name, None)
        self._violations.pop(name, None)
        rows = self._rows.pop(name, [])
        for row in rows:
            if own_of(row).served and self._registry.catalog.get(row.group, row.version, row.plural) is row:
                self._registry.catalog.remove(row)
        if rows:
            self._registry.forget(rows[0])
            self._log.info("custom_kind_withdrawn", object=name)
        self._reconsider(group)

    def _reconsider(self, group: str) -> None:
        """Names have become free: others of the group may want them."""
        for name in self._refused & self._names.get(group, {}).keys():
            self._queue.add(name)

    # -- the worker ----------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            try:
                name = await self._queue.get()
            except ShutDown:
                return
            try:
                await self._reconcile(name)
                self._queue.forget(name)
            except errors.StatusError as error:
                self._log.warning("custom_kind_retried", object=name, error=str(error))
                self._queue.add_rate_limited(name)
            finally:
                self._queue.done(name)

    async def _reconcile(self, name: str) -> None:
        document = await self._registry.find(self._resource, "", name)
        if document is None:
            return
        definition = document.peek()
        if is_deleting(definition) and status.FINALIZER in (definition["metadata"].get("finalizers") or ()):
            await self._finish(name, definition)
        elif self._planned(definition) != definition.get("status"):
            await self._write(name, lambda current: current | {"status": self._planned(current)})

    def _planned(self, definition: Obj) -> Obj:
        own = definition["metadata"]["name"]
        names = self._names.get(definition["spec"]["group"], {})
        others = [accepted for name, accepted in names.items() if name != own]
        return status.plan(definition, others, self._registry.clock.rfc3339(), self._looked_at(definition))

    def _looked_at(self, definition: Obj) -> list[FieldError]:
        """What is not structural: tens of milliseconds for a large definition, which comes by three times."""
        metadata = definition["metadata"]
        name, generation = metadata["name"], metadata.get("generation", 0)
        known = self._violations.get(name)
        if known is None or known[0] != generation:
            known = self._violations[name] = (generation, status.nonstructural(definition))
        return known[1]

    async def _write(self, name: str, change: Callable[[Obj], Obj]) -> None:
        call = Call(self._resource, "", name, _SERVER, "status")

        def make(current: Document | None) -> Obj:
            if current is None:
                raise errors.not_found(self._resource, name)
            return change(current.copy())

        try:
            await self._registry.update(call, make)
        except errors.NotFound:
            pass

    # -- the end of a kind -------------------------------------------------------------------------------------------

    async def _finish(self, name: str, definition: Obj) -> None:
        """Delete the objects, then let the definition go."""
        rows = self._rows.get(name)
        if not rows:
            await self._conclude(name, "NeverEstablished", "resource was never established", done=True)
            return
        storage = self._registry.catalog.storage(rows[0])
        cache = await self._registry.loaded(storage)
        if name not in self._emptying:
            self._emptying[name] = self._registry.clock.monotonic()
            text = "CustomResource deletion is in progress"
            await self._conclude(name, "InstanceDeletionInProgress", text)
            self._watch_for_end(name, cache)
        if len(cache):
            await self._delete_all(storage, cache)
        if not len(cache):
            await self._conclude(name, "InstanceDeletionCompleted", "removed all instances", done=True)
            return
        left_s = self._emptying[name] + DELETION_PATIENCE_S - self._registry.clock.monotonic()
        if left_s > 0:
            self._queue.add_after(name, left_s)
        else:
            text = "could not confirm zero CustomResources remaining: context deadline exceeded"
            await self._conclude(name, "InstanceDeletionCheck", text)
            self._queue.add_after(name, DELETION_PATIENCE_S)

    def _watch_for_end(self, name: str, cache: ResourceCache) -> None:
        def observe(change: Change) -> None:
            if change.document is None and not len(cache):
                self._queue.add(name)

        cache.observe(observe)

    async def _delete_all(self, storage: Resource, cache: ResourceCache) -> None:
        namespaces = {
            document.key.namespace for document in cache.documents() if not is_deleting(document.obj)
        }
        for namespace in sorted(namespaces):
            call = Call(storage, namespace, "", _SERVER)
            await self._registry.delete_collection(call, DeleteOptions(), ListOptions())

    async def _conclude(self, name: str, reason: str, message: str, *, done: bool = False) -> None:
        """Say how far the end has come; `done` lets the definition go."""
        now = self._registry.clock.rfc3339()

        def change(current: Obj) -> Obj:
            wanted = current.setdefault("status", {})
            status.set_condition(wanted, "Terminating", "False" if done else "True", reason, message, now)
            if done:
                metadata = current["metadata"]
                rest = [each for each in metadata.get("finalizers") or () if each != status.FINALIZER]
                metadata["finalizers"] = rest
                if not rest:
                    del metadata["finalizers"]
            return current

        await self._write(name, change)


def _accepted(definition: Obj | None) -> Obj | None:
    return ((definition or {}).get("status") or {}).get("acceptedNames")
