"""The generic registry: every write and read of every kind, and this package the only door to the store.

A read is served from the watch cache, which is never behind the store; other revisions come from the store itself
(lists.py). A write is computed from the cached object, checked, and committed with a compare on its revision
(commits.py); if somebody was faster it is computed again from what they wrote. kinds.py has what all this needs to
know of a kind.

Order of a create: identity, mutating admission, allocation, strategy, validation, validating admission, commit.
Order of an update: new object from old, mutating admission, revision check, strategy, validation, validating admission,
commit; an update that changes nothing is not written.

A write is worked on in the hub version (`Catalog.hub`) and stored in the storage version, of which all Documents are.
`Call` says who asks for what; `Served` views translate at the edges.

Source: apiserver pkg/registry/generic/registry/store.go, pkg/registry/rest/{create,update,delete}.go,
pkg/storage/etcd3/store.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from kubepy.api import conversion, errors
from kubepy.api import warnings as advice
from kubepy.api.builtins import IP_ADDRESSES, SERVICE_CIDRS, SERVICES, Catalog
from kubepy.api.custom import read_back
from kubepy.api.objects import Document, DocumentPool, Obj, copy, with_own_metadata
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.api.validation import validate_create, validate_update
from kubepy.apiserver.admission.base import (
    CONNECT,
    CREATE,
    DELETE,
    UPDATE,
    Ask,
    Attributes,
    Tools,
    ask_nobody,
)
from kubepy.apiserver.admission.chain import Chain
from kubepy.apiserver.crds.pending import settled
from kubepy.apiserver.registry import deletion
from kubepy.apiserver.registry.addresses import AddressBook
from kubepy.apiserver.registry.allocators import Release, ServiceAllocator
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.call import Call, Deleted, Facade, Guard, Listing, Make
from kubepy.apiserver.registry.commits import Commits
from kubepy.apiserver.registry.expiry import EventExpiry
from kubepy.apiserver.registry.feeds import View
from kubepy.apiserver.registry.keys import path_of
from kubepy.apiserver.registry.kinds import Kinds
from kubepy.apiserver.registry.lists import Lists
from kubepy.apiserver.registry.live_rules import live_rules
from kubepy.apiserver.registry.metadata import (
    check_revision,
    check_uid,
    dedup_owner_references,
    ensure_namespace,
    keep_valid_entries,
)
from kubepy.apiserver.registry.options import (
    DEFAULT_LIST,
    DeleteOptions,
    ListOptions,
    unparsable,
)
from kubepy.apiserver.registry.selection import select
from kubepy.apiserver.registry.strategies.base import Moment, Strategy, take
from kubepy.apiserver.registry.subscription import Bookmarks, subscribe
from kubepy.apiserver.request import Subscription, User
from kubepy.lib.aio import Tasks, gather_bounded, reported_to
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics
from kubepy.store.base import Store

# Source: names/generate.go: 63 characters minus the five of the suffix.
_GENERATED_BASE_MAX = 58
# Source: registry/store.go maxNameGenerationCreateAttempts.
_GENERATE_ATTEMPTS = 8
# Deletions of one deletecollection in flight: enough to fill a group commit.
_DELETE_COLLECTION_WORKERS = 32
# Writes that nobody asked for carry the server's own name.
_SERVER = User("system:apiserver", ("system:masters",))

# Source: apiserver pkg/server/config.go MinRequestTimeout.
MIN_REQUEST_TIMEOUT_S = 1800.0

_GOING = "create not allowed while custom resource definition is terminating"
_SERVICES = SERVICES.group_resource


class Registry(Kinds):
    """All resources of one cluster, and the verbs on them. Make one per server; `close` it."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        schemas: Schemas,
        clock: Clock,
        random: Random,
        pool: DocumentPool,
        log: Logger,
        metrics: Metrics | None = None,
        ask: Ask = ask_nobody,
        enable_admission_plugins: Sequence[str] = (),
        disable_admission_plugins: Sequence[str] = (),
        admission_configuration: Mapping[str, Obj] | None = None,
        event_ttl_s: float = 3600.0,
        service_ip_range: str = "10.96.0.0/12",
        node_port_range: tuple[int, int] = (30000, 32767),
        min_request_timeout_s: float = MIN_REQUEST_TIMEOUT_S,
    ) -> None:
        super().__init__(store=store, catalog=catalog, schemas=schemas, clock=clock, pool=pool)
        self.random = random
        self.min_request_timeout_s = min_request_timeout_s
        self._tasks = Tasks(reported_to(log))
        self._commits = Commits(store, pool, log)
        self._lists = Lists(store, pool)
        self._bookmarks = Bookmarks(clock, random)
        self.services = ServiceAllocator(service_ip_range, node_port_range, random)
        self._addresses = AddressBook(self, self._tasks)
        self._expiry = EventExpiry(self, self._tasks, event_ttl_s)
        self._followers.append(self._expiry.follow)
        tools = Tools(
            self,
            clock,
            random,
            catalog,
            schemas,
            ask,
            log,
            metrics or Metrics(),
            admission_configuration or {},
        )
        # By group resource.
        self.guards: dict[str, Guard] = {}
        self._live_rules = live_rules(ask, self, catalog)
        self.admission = Chain(tools, enable=enable_admission_plugins, disable=disable_admission_plugins)

    async def close(self) -> None:
        """End all watches and background work; the store is its opener's to close."""
        self._bookmarks.close()
        self._expiry.close()
        self.end_watches()
        await self._tasks.close()
        await self.admission.close()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Background work that ends with the registry."""
        return self._tasks.start(work, name=name)

    # -- admission.Lookup --------------------------------------------------------------------------------------------

    async def find(self, resource: Resource, namespace: str, name: str) -> Document | None:
        """The stored object, None if there is none."""
        cache = await self.loaded(resource)
        return cache.get(path_of(namespace, name))

    async def all(self, resource: Resource, namespace: str = "") -> list[Document]:
        """The stored objects, of a namespace or of all."""
        cache = await self.loaded(resource)
        return cache.documents(namespace)

    async def update_status(self, resource: Resource, obj: Obj) -> Document:
        """Write a status as the server itself. Raises Conflict when `obj` is not the newest, NotFound."""
        metadata = obj["metadata"]
        call = Call(resource, metadata.get("namespace", ""), metadata["name"], _SERVER, "status")
        manager = self.field_manager(resource, "status")

        def make(current: Document | None) -> Obj:
            assert current is not None, "a status is not created"
            new = copy(obj)
            manager.update(current.obj, new, "kube-apiserver")
            return new

        document, _ = await self.update(call, make)
        return document

    async def settled(self) -> None:
        """Return when all writes that were begun before are decided."""
        await self._commits.settled()

    async def provide(self, resource: Resource, obj: Obj) -> Document:
        """Create an object of the cluster's as the server itself. Raises AlreadyExists."""
        obj = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
        self.schemas.of(resource).default(obj)
        self.field_manager(resource).update(None, obj, "kube-apiserver")
        call = Call(resource, "", obj["metadata"]["name"], _SERVER)
        return await self.create(call, self.to_hub(resource, obj))

    # -- reads -------------------------------------------------------------------------------------------------------

    async def get(self, resource: Resource, namespace: str, name: str, revision: int = 0) -> Document:
        """The stored object. `revision`: at least as new as that. Raises NotFound, Timeout (too large)."""
        cache = await self.loaded(resource)
        if revision > self.revision:
            raise errors.too_large_resource_version(revision, self.revision)
        document = cache.get(f"{namespace}/{name}" if namespace else name)
        if document is None:
            raise errors.not_found(resource, name)
        return document

    async def list_(
        self, resource: Resource, namespace: str = "", name: str = "", options: ListOptions = DEFAULT_LIST
    ) -> Listing:
        """Raises BadRequest, Expired (a revision that is compacted), Timeout (one that is not there yet)."""
        cache = await self.loaded(resource)
        return await self._lists.of(cache, self.served(resource), namespace, name, options)

    async def watch(
        self,
        resource: Resource,
        view: View,
        namespace: str = "",
        name: str = "",
        options: ListOptions = DEFAULT_LIST,
        *,
        deadline: float | None = None,
        in_process: bool = False,
    ) -> Subscription:
        """`deadline`: of clock.monotonic(), when the door will end it. Raises BadRequest; what is wrong with the
        revision arrives as an ERROR event, as from upstream."""
        cache = await self.loaded(resource)
        scope, selection = select(
            self.served(resource), namespace, name, options.label_selector, options.field_selector
        )
        # A component of this process keeps its connection, and needs no reminders of where it is.
        bookmarks = self._bookmarks if options.bookmarks and not in_process else None
        return subscribe(cache, view, scope, selection, options, bookmarks=bookmarks, deadline=deadline)

    # -- writes ------------------------------------------------------------------------------------------------------

    def moment(self, call: Call) -> Moment:
        return Moment(self.clock.rfc3339(), call.user, call.warnings)

    async def create(self, call: Call, obj: Obj) -> Document:
        """Create `obj` (the registry's own from here on, of the hub version)."""
        hub = self.catalog.hub(call.resource)
        cache = await self.loaded(call.resource)
        metadata = obj["metadata"]
        revision = metadata.pop("resourceVersion", None)
        attributes = await self._admitted(CREATE, call, hub, obj, None)
        revision = obj["metadata"].pop("resourceVersion", revision)
        return await self._create(call, hub, cache, obj, attributes, revision)

    async def _admitted(
        self, operation: str, call: Call, hub: Resource, obj: Obj, old: Obj | None
    ) -> Attributes:
        """Through mutating admission. A patch is not told of owners that it names twice before that."""
        metadata = obj["metadata"]
        if not call.is_patch:
            dedup_owner_references(metadata, call.warnings, after_admission=False)
        entries = metadata.get("managedFields")
        if call.is_admitted:
            attributes = self._attributes(operation, call, hub, obj, old)
        elif call.facade is not None:
            attributes = await self._admitted_as(call.facade, operation, call, hub, obj)
        else:
            attributes = self._attributes(operation, call, hub, obj, old)
            await self.admission.admit(attributes)
        # Admission may have put another object's content into this one.
        metadata = obj["metadata"]
        if (metadata.get("namespace") or "") != call.namespace:
            ensure_namespace(metadata, call.namespace)
        if metadata.get("managedFields") is not entries:
            keep_valid_entries(metadata, entries, call.warnings)
        dedup_owner_references(metadata, call.warnings, after_admission=True)
        if (guard := self.guards.get(hub.group_resource)) is not None:
            await guard(hub, call.namespace, call.name, call.user, obj, old)
        return attributes

    async def _admitted_as(
        self, facade: Facade, operation: str, call: Call, hub: Resource, obj: Obj
    ) -> Attributes:
        attributes = self._attributes(operation, call, hub, facade.obj, facade.old)
        attributes.subresource = facade.subresource
        before = copy(facade.obj)
        await self.admission.admit(attributes)
        if facade.obj != before:
            facade.put(obj, facade.obj)
        return attributes

    async def admit(self, call: Call, obj: Obj, operation: str = CREATE) -> None:
        """What is asked for and not stored as it is: a Binding, a review, options of an exec (CONNECT). `obj` may be
        changed. Raises what admission has against it."""
        attributes = self._attributes(operation, call, call.resource, obj, None)
        if operation == CONNECT:
            attributes.options_of = None
        await self.admission.admit(attributes)
        await self.admission.validate(attributes)

    async def _create(
        self,
        call: Call,
        hub: Resource,
        cache: ResourceCache,
        obj: Obj,
        attributes: Attributes,
        revision: str | None = None,
        may: Callable[[], Awaitable[None]] | None = None,
    ) -> Document:
        metadata = obj["metadata"]
        strategy = self.strategy(hub)
        metadata["creationTimestamp"] = self.clock.rfc3339()
        metadata["uid"] = self.random.uid()
        base = metadata.get("generateName", "") if not metadata.get("name") else ""
        if base:
            metadata["name"] = self._free_name(cache, metadata.get("namespace", ""), base)
        release = await self._allocate(call, obj, None) if hub.group_resource == _SERVICES else _nothing
        try:
            strategy.prepare_create(obj, self.moment(call))
            name = metadata.get("name", "")
            if findings := await self._findings(call, hub, obj, None):
                raise errors.invalid(hub, name, errors.as_given(findings, call.given))
            strategy.canonicalize(obj)
            if call.is_advised:
                call.warnings += advice.on_create(hub, obj)
            attributes.name = name
            if may is not None:
                await may()
            if hub.own is not None and hub.own.verbs is not None:
                # Source: customresource_handler.go forbidCreateAdmission.
                raise errors.forbidden(hub, name, _GOING)
            await self.admission.validate(attributes)
            given = int(revision) if revision and not unparsable(revision) else 0
            if given and not call.options.dry_run:
                # Source: etcd3/store.go Create; nobody makes a Status of it, and a dry run never comes there.
                raise errors.StatusError(
                    "resourceVersion should not be set on objects to be created", reason=""
                )
            wanted = await self._as_stored(obj, hub, cache.storage)
            path = path_of(metadata.get("namespace", ""), name)
            if (existing := cache.get(path)) is not None:
                raise _exists(call.resource, existing, is_generated=bool(base))
            if call.options.dry_run:
                return self._commits.unwritten(wanted, given)
            attributes.is_written = None
            created = await self._commits.put(call, cache, path, wanted, 0)
            attributes.is_written = created is not None
            if created is None:
                raise _exists(call.resource, cache.get(path), name=name, is_generated=bool(base))
            return created
        finally:
            release()
            if attributes.on_end is not None:
                await attributes.on_end()

    async def _findings(
        self, call: Call, hub: Resource, obj: Obj, old: Obj | None
    ) -> list[errors.FieldError]:
        """What validation has against it: the kind's rules, a custom kind's definition, those who have to ask."""
        if old is None:
            findings = validate_create(call.resource, obj)
        else:
            findings = validate_update(call.resource, obj, old, call.subresource)
        if (own := call.resource.own) is not None:
            findings = findings + own.schema.validate(obj, old, call.subresource, earlier=findings)
        if (rule := self._live_rules.get(hub.group_resource)) is not None:
            findings = await rule(call, obj, old, findings)
        return findings

    def _free_name(self, cache: ResourceCache, namespace: str, base: str) -> str:
        name = ""
        for _ in range(_GENERATE_ATTEMPTS):
            name = base[:_GENERATED_BASE_MAX] + self.random.suffix()
            if cache.get(path_of(namespace, name)) is None:
                break
        return name

    async def _allocate(self, call: Call, obj: Obj, old: Obj | None) -> Release:
        """A Service's addresses and ports."""
        if not self.services.is_following:
            await self._follow_services()
        return self.services.begin(obj, old, dry_run=call.options.dry_run)

    async def _follow_services(self) -> None:
        """From the first write of a Service on; until then nobody needs to know what is taken."""
        services = await self.loaded(SERVICES)
        ranges, addresses = (
            await self._loaded_if_served(SERVICE_CIDRS),
            await self._loaded_if_served(IP_ADDRESSES),
        )
        if self.services.is_following:
            return
        self.services.follow(services, ranges, addresses)
        if addresses is not None:
            self._addresses.follow(services, addresses)

    async def _loaded_if_served(self, resource: Resource) -> ResourceCache | None:
        known = self.catalog.get(resource.group, resource.version, resource.plural)
        return None if known is None else await self.loaded(known)

    async def put_own(self, obj: Obj) -> None:
        resource = self.catalog.by_kind(obj["apiVersion"], obj["kind"])
        assert resource is not None, f"{obj['kind']} is followed, so it is served"
        self.field_manager(resource).update(None, obj, "kube-apiserver")
        await self.create(Call(resource, "", obj["metadata"]["name"], _SERVER), obj)

    async def drop_own(self, name: str) -> None:
        await self.delete(Call(IP_ADDRESSES, "", name, _SERVER), DeleteOptions())

    async def update(self, call: Call, make: Make, *, may_create: bool = False) -> tuple[Document, bool]:
        """Replace an object by what `make` computes from it; (the result, whether it was created).

        `may_create`: one that does not exist is made, whatever its kind thinks of that.
        """
        hub = self.catalog.hub(call.resource)
        cache = await self.loaded(call.resource)
        strategy = self.strategy(hub)
        path = path_of(call.namespace, call.name)
        while True:
            current = cache.get(path)
            if current is None:
                is_welcome = (
                    may_create or strategy.create_on_update
                    if not call.subresource
                    # A status, too, for what upstream thinks of it.
                    else (call.subresource == "status" and strategy.create_on_update)
                )
                if not is_welcome:
                    raise errors.not_found(call.resource, call.name)
                if (created := await self._create_on_update(call, hub, cache, make)) is not None:
                    return created, True
                continue
            updated = await self._update_once(call, hub, cache, strategy, path, current, make)
            if updated is not None:
                return updated, False

    async def _create_on_update(
        self, call: Call, hub: Resource, cache: ResourceCache, make: Make
    ) -> Document | None:
        obj = make(None)
        metadata = obj["metadata"]
        check_uid(call, metadata.get("uid") or "", "")
        revision = metadata.pop("resourceVersion", None)
        if revision and (why := unparsable(revision)):
            raise errors.StatusError(why, reason="")
        # Any other is not looked at, and a dry run shows it.
        revision = revision if call.options.dry_run else None
        attributes = await self._admitted(CREATE, call, hub, obj, None)
        try:
            return await self._create(call, hub, cache, obj, attributes, revision, call.may_create)
        except errors.AlreadyExists:
            # Somebody else created it in the meantime: then it is an update after all.
            return None

    async def _update_once(
        self,
        call: Call,
        hub: Resource,
        cache: ResourceCache,
        strategy: Strategy,
        path: str,
        current: Document,
        make: Make,
    ) -> Document | None:
        """None: somebody was faster, try again."""
        old = await self._read(current, hub)
        new = make(current)
        attributes = await self._admitted(UPDATE, call, hub, new, old)
        check_revision(call, strategy, new["metadata"], old["metadata"])
        release = _nothing
        if not call.subresource and hub.group_resource == _SERVICES:
            release = await self._allocate(call, new, old)
        try:
            self._prepare_update(call, strategy, new, old)
            if findings := await self._findings(call, hub, new, old):
                raise errors.invalid(hub, call.name, errors.as_given(findings, call.given))
            if call.is_advised and not call.subresource:
                call.warnings += advice.on_update(hub, new, old)
            if not call.is_admitted:
                await self.admission.validate(attributes)
            wanted = await self._as_stored(new, hub, cache.storage)
            if deletion.vanishes_on_update(strategy, new, old):
                return await self._vanish(call, cache, path, current, wanted)
            if wanted == current.obj and path not in cache.stale:
                return current
            if call.options.dry_run:
                return self._commits.unwritten(wanted, current.revision)
            attributes.is_written = None
            updated = await self._commits.put(call, cache, path, wanted, current.revision)
            attributes.is_written = updated is not None
            return updated
        finally:
            release()
            if attributes.on_end is not None:
                await attributes.on_end()

    def _prepare_update(self, call: Call, strategy: Strategy, new: Obj, old: Obj) -> None:
        metadata, old_metadata = new["metadata"], old["metadata"]
        metadata.pop("selfLink", None)
        take(metadata, old_metadata, "generation")
        if call.subresource:
            strategy.prepare_subresource_update(call.subresource, new, old, self.moment(call))
        else:
            strategy.prepare_update(new, old, self.moment(call))
        metadata = new["metadata"]
        metadata.setdefault("uid", old_metadata.get("uid"))
        if not metadata["uid"]:
            metadata["uid"] = old_metadata.get("uid")
        if old_metadata.get("creationTimestamp"):
            metadata["creationTimestamp"] = old_metadata["creationTimestamp"]
        if old_metadata.get("deletionTimestamp"):
            metadata["deletionTimestamp"] = old_metadata["deletionTimestamp"]
        if metadata.get("deletionGracePeriodSeconds") is None:
            take(metadata, old_metadata, "deletionGracePeriodSeconds")

    async def delete(self, call: Call, options: DeleteOptions) -> Deleted:
        """Delete, or mark for deletion. Raises NotFound, Conflict (preconditions)."""
        hub = self.catalog.hub(call.resource)
        cache = await self.loaded(call.resource)
        strategy = self.strategy(hub)
        path = path_of(call.namespace, call.name)
        while True:
            current = cache.get(path)
            if current is None:
                raise errors.not_found(call.resource, call.name)
            deletion.check_preconditions(call.resource, current.obj, options)
            old = await self._read(current, hub)
            attributes = self._attributes(DELETE, call, hub, None, old)
            attributes.dry_run = options.dry_run
            if call.is_of_collection:
                attributes.name = ""
            attributes.options_of = options.to_json
            if not call.is_admitted:
                await self.admission.admit(attributes)
                await self.admission.validate(attributes)
            obj = with_own_metadata(old)
            if strategy.begin_deletion(obj, options, self.moment(call)):
                deletion.keep_collector_finalizers(strategy, obj["metadata"], options)
                plan = deletion.Plan(deletion.MARK, obj)
            else:
                plan = deletion.plan(strategy, obj, options, self.clock.now())
            if plan.action == deletion.PENDING:
                return Deleted(current, False)
            last = await self._as_stored(plan.obj, hub, cache.storage)
            if plan.action == deletion.VANISH:
                if (
                    gone := await self._vanish(call, cache, path, current, last, options.dry_run)
                ) is not None:
                    return Deleted(gone, True)
                continue
            if last == current.obj:
                return Deleted(current, False)
            if options.dry_run:
                return Deleted(self._commits.unwritten(last, current.revision), False)
            if (marked := await self._commits.put(call, cache, path, last, current.revision)) is not None:
                return Deleted(marked, False)

    async def _vanish(
        self, call: Call, cache: ResourceCache, path: str, current: Document, last: Obj, dry_run: bool = False
    ) -> Document | None:
        """Remove the object; its last state at the revision of its end, or None if somebody was faster."""
        revision = current.revision
        if not (dry_run or call.options.dry_run):
            gone_at = await self._commits.remove(call, cache, path, revision)
            if gone_at is None:
                return None
            if call.is_of_collection:
                return current  # nobody is shown what has become of it
            revision = gone_at
        return self._commits.unwritten(last, revision)

    async def delete_collection(self, call: Call, options: DeleteOptions, which: ListOptions) -> Listing:
        """Delete what a list with these options finds, and return that. Not atomic: the first error is raised after all
        have been tried."""
        listing = await self.list_(call.resource, call.namespace, "", which)

        async def delete_one(document: Document) -> None:
            key = document.key
            one = replace(call, namespace=key.namespace, name=key.name, is_of_collection=True)
            try:
                await self.delete(one, replace(options))
            except errors.NotFound:
                pass

        outcomes = await gather_bounded(
            _DELETE_COLLECTION_WORKERS, [delete_one(document) for document in listing.documents]
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return listing

    async def expire(self, cache: ResourceCache, document: Document) -> None:
        """Remove an object whose time is over, unless somebody has written it since."""
        await self._commits.remove(None, cache, path_of(*document.key), document.revision)

    def _attributes(
        self, operation: str, call: Call, hub: Resource, obj: Obj | None, old: Obj | None
    ) -> Attributes:
        # A Namespace counts as inside itself.
        namespace = call.namespace or (call.name if hub.plural == "namespaces" and not hub.group else "")
        name = call.name
        if not name and obj is not None:
            name = (obj.get("metadata") or {}).get("name", "")
        return Attributes(
            operation, hub, call.subresource, namespace, name, obj, old, call.user, call.options.dry_run,
            call.warnings, call.resource, partial(call.options.to_json, _OPTIONS[operation]), call.annotations,
        )  # fmt: skip

    async def _read(self, document: Document, hub: Resource) -> Obj:
        """In the hub version; shared, read-only. Asks the conversion webhook, where there is one."""
        served = self.served(hub)
        return document.obj if served.is_stored_so else await settled(partial(served.obj, document))

    async def _as_stored(self, obj: Obj, hub: Resource, storage: Resource) -> Obj:
        """An object of the hub version as it is read back from the store; may be the same."""
        if storage.api_version == hub.api_version:
            return obj
        written = await settled(partial(conversion.transcribe, obj, hub, storage))
        return read_back(written, storage)[0]


def _nothing() -> None:
    pass


def _exists(
    resource: Resource, existing: Document | None, *, name: str = "", is_generated: bool
) -> errors.AlreadyExists:
    """Source: registry/store.go create, rest.CheckGeneratedNameError."""
    if existing is not None:
        name = existing.key.name
    if is_generated:
        return errors.generate_name_conflict(resource, name)
    error = errors.already_exists(resource, name)
    if existing is not None and existing.obj["metadata"].get("deletionTimestamp"):
        error.message = f"object is being deleted: {error.message}"
    return error


_OPTIONS = {CONNECT: "", CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions"}
