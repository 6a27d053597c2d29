"""The garbage collector: objects go when the last of their owners has gone, and owners that ask for it wait for them.

Watches the metadata of every kind that can be deleted, listed and watched, but for Events. Writes: deletes what has
only dangling owners, removes dangling references from what has solid ones too, and takes the finalizers `orphan` and
`foregroundDeletion` off owners whose dependents are free or gone.

An owner is, for one dependent,
    SOLID     it exists
    DANGLING  the server has no object of that name and uid
    WAITING   it exists, is being deleted, and waits for its dependents (foregroundDeletion)

Promised: nothing is deleted because of the graph alone. The object and each owner are read from the server first, and
the deletion carries their uid and resourceVersion, so what is adopted in the last moment survives.

Source: kubernetes 1.36 pkg/controller/garbagecollector/{garbagecollector,operations,patch,uid_cache}.go.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Sequence
from sys import intern

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import CUSTOM_RESOURCE_DEFINITIONS
from kubepy.api.objects import Document, Key, Obj
from kubepy.api.resources import Resource
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, ControllerContext, Terminal
from kubepy.client.informer import Informer
from kubepy.controllers.dependency_graph import FOREGROUND, ORPHAN, Graph, Identity, Node, Reference
from kubepy.controllers.discovery import Discover, preferred
from kubepy.lib.aio import gather_bounded

# Kinds whose objects are many, short-lived and own nothing. Source: graph_builder.go, ignoredResources.
IGNORED = {("", "events"), ("events.k8s.io", "events")}

# Source: garbagecollector.go, NewGarbageCollector: NewReferenceCache(500).
ABSENT_OWNERS_MAX = 500

# How often new and vanished kinds are looked for. Source: cmd/kube-controller-manager/app/core.go, Sync(30 s).
SYNC_S = 30.0

# Patches of one owner's dependents under way at once.
PARALLEL = 32

# What a key of the queue asks for; the name of the key is the object's uid.
CHECK, DELETE, ORPHAN_DEPENDENTS, SYNC = "check", "delete", "orphan", "sync"


class Owner(enum.Enum):
    SOLID = "solid"
    DANGLING = "dangling"
    WAITING = "waiting"


class Plan(Struct, frozen=True):
    """What to do with one dependent."""

    remove_owners: tuple[str, ...] = ()  # uids of references to take away
    unblock: bool = False  # make its references non-blocking first, to break a circle
    delete: str = ""  # propagation policy, "" keeps it


def plan(
    finalizers: Sequence[str], owners: Sequence[tuple[str, Owner]], *, dependents: Sequence[bool] = ()
) -> Plan:
    """owners: (uid, what it is); dependents: for each of the object's own, whether that one waits for its dependents.

    Source: garbagecollector.go, attemptToDeleteItem.
    """
    kinds = {kind for _, kind in owners}
    if not owners or kinds == {Owner.SOLID}:
        return Plan()
    if Owner.SOLID in kinds:
        # Waiting owners are taken away too, or they would wait for ever for an object that stays.
        return Plan(remove_owners=tuple(uid for uid, kind in owners if kind is not Owner.SOLID))
    if Owner.WAITING in kinds and dependents:
        return Plan(unblock=any(dependents), delete="Foreground")
    if ORPHAN in finalizers:
        return Plan(delete="Orphan")
    if FOREGROUND in finalizers:
        return Plan(delete="Foreground")
    return Plan(delete="Background")


class AbsentOwners:
    """The owners that were looked for last and not found, so that a thousand dependents cost one look."""

    def __init__(self, size_max: int = ABSENT_OWNERS_MAX) -> None:
        self._size_max = size_max
        self._identities: OrderedDict[Identity, None] = OrderedDict()

    def add(self, identity: Identity) -> None:
        self._identities[identity] = None
        self._identities.move_to_end(identity)
        if len(self._identities) > self._size_max:
            self._identities.popitem(last=False)

    def __contains__(self, identity: Identity) -> bool:
        if identity not in self._identities:
            return False
        self._identities.move_to_end(identity)
        return True


class NotYet(errors.NotFound):
    """Something the graph needs is not there yet; it is looked for again, later and later."""


class GarbageCollector(Controller):
    """`discover` says which kinds there are. Also the graph's Sink."""

    name = "garbage-collector-controller"
    workers = 20

    def __init__(self, context: ControllerContext, *, discover: Discover) -> None:
        super().__init__(context)
        self._discover = discover
        self.graph = Graph(self)
        self._absent = AbsentOwners()
        self._kinds: dict[tuple[str, str], Resource] = {}  # (apiVersion, kind), in every served version
        self._elsewhere: frozenset[Resource] = frozenset()
        self._monitors: dict[Resource, Informer] = {}

    async def run(self) -> None:
        await self._sync_kinds()
        await super().run()

    def setup(self) -> None:
        for resource in self._monitored():
            # Another server may not answer, and nobody is to wait for it at the start.
            if resource not in self._elsewhere:
                self._monitor(resource)
        crds = self.watch(CUSTOM_RESOURCE_DEFINITIONS, metadata_only=True)
        sync = Key(SYNC, "")
        crds.add_handler(
            on_add=lambda document: self.queue.add(sync),
            on_update=lambda old, document: self.queue.add(sync),
            on_delete=lambda document: self.queue.add(sync),
        )
        self.queue.add_after(sync, 0 if self._elsewhere else SYNC_S)

    async def reconcile(self, key: Key) -> After | None:
        if key.namespace == SYNC:
            await self._sync_kinds()
            self._sync_monitors()
            return After(SYNC_S)
        node = self.graph.get(key.name)
        if node is None:
            return None
        if key.namespace == ORPHAN_DEPENDENTS:
            await self._orphan(node)
        elif key.namespace == DELETE or node.virtual:
            await self._attempt(node)
        return None

    # -- what there is

    async def _sync_kinds(self) -> None:
        discovered = await self._discover()
        self._kinds = {(row.api_version, row.kind): row for row in discovered.resources}
        self._elsewhere = discovered.elsewhere
        if discovered.failure:
            self.log.warning("discovery_failed", error=discovered.failure)

    def _monitored(self) -> list[Resource]:
        kinds = preferred(self._kinds.values(), "delete", "list", "watch")
        return [row for row in kinds if (row.group, row.plural) not in IGNORED]

    def _sync_monitors(self) -> None:
        wanted = set(self._monitored())
        for resource in wanted - self._monitors.keys():
            self._monitor(resource)
        for resource in self._monitors.keys() - wanted:
            self.informers.stop(self._monitors.pop(resource))
        self.log.debug("monitors_synced", kinds=len(self._monitors), objects=len(self.graph))

    def _monitor(self, resource: Resource) -> None:
        informer = self._monitors[resource] = self.watch(resource, metadata_only=True)
        api_version, kind = intern(resource.api_version), intern(resource.kind)

        def observed(document: Document) -> None:
            metadata = document.obj["metadata"]
            self.graph.observe(
                Identity(
                    kind, api_version, intern(document.key.namespace), document.key.name, metadata["uid"]
                ),
                metadata.get("ownerReferences") or (),
                deleting=metadata.get("deletionTimestamp") is not None,
                finalizers=metadata.get("finalizers") or (),
            )

        def gone(document: Document) -> None:
            key = document.key
            self.graph.gone(
                Identity(kind, api_version, key.namespace, key.name, objects.uid_of(document.obj))
            )

        informer.add_handler(on_add=observed, on_update=lambda old, new: observed(new), on_delete=gone)

    # -- the graph's Sink

    def check(self, node: Node, *, again: bool = False) -> None:
        key = Key(CHECK, node.identity.uid)
        if again:
            self.queue.add_rate_limited(key)
        else:
            self.queue.add(key)

    def delete(self, node: Node) -> None:
        self.queue.add(Key(DELETE, node.identity.uid))

    def orphan(self, node: Node) -> None:
        self.queue.add(Key(ORPHAN_DEPENDENTS, node.identity.uid))

    def absent(self, identity: Identity) -> None:
        self._absent.add(identity)

    def misplaced(self, dependent: Node, owner: Reference) -> None:
        identity = dependent.identity
        involved = {
            "kind": identity.kind,
            "apiVersion": identity.api_version,
            "namespace": identity.namespace,
            "name": identity.name,
            "uid": identity.uid,
        }
        message = (
            f'ownerRef {owner.at(identity.namespace)} does not exist in namespace "{identity.namespace}"'
        )
        self.events.event(involved, "Warning", "OwnerRefInvalidNamespace", message)

    # -- deleting

    async def _attempt(self, node: Node) -> None:
        """See whether `node` has to go. Source: attemptToDeleteItem."""
        if node.being_deleted and not node.deleting_dependents:
            return
        identity = node.identity
        latest = await self._get(identity)
        if latest is None:
            self.graph.not_found(identity)
            return
        if node.deleting_dependents:
            await self._wait_for_dependents(node)
            return
        references = objects.owner_references(latest)
        owners = [(ref["uid"], await self._classify(identity, Reference.of(ref))) for ref in references]
        waiting = [dependent.deleting_dependents for dependent in node.dependents or ()]
        decided = plan(latest["metadata"].get("finalizers") or (), owners, dependents=waiting)
        await self._act(node, latest, decided)
        if node.virtual and self.graph.get(identity.uid) is node:
            # An object that came and went while a watch was down stays virtual; it is looked for until it is clear.
            raise NotYet(f"{identity} has not been observed yet")

    async def _act(self, node: Node, latest: Obj, decided: Plan) -> None:
        identity = node.identity
        if decided.remove_owners:
            await self._remove_owners(identity, decided.remove_owners)
        if decided.unblock:
            await self._unblock(identity, node.owners)
        if decided.delete:
            try:
                await self._delete(identity, latest, decided.delete)
            except errors.NotFound:
                self.graph.not_found(identity)
                return
            self.log.info(
                "garbage_deleted", object=str(objects.key_of(latest)), kind=identity.kind, policy=decided.delete,
                seen=objects.revision_of(latest),
            )  # fmt: skip

    async def _classify(self, dependent: Identity, reference: Reference) -> Owner:
        """Source: isDangling, classifyReferences."""
        anywhere = reference.at("")
        here = reference.at(dependent.namespace)
        if anywhere in self._absent or here in self._absent:
            return Owner.DANGLING
        resource = self._resource(here)
        if resource.namespaced and not dependent.namespace:
            raise Terminal(f"{dependent} is cluster-scoped, but refers to a namespaced owner {reference}")
        sought = here if resource.namespaced else anywhere
        owner = await self._get(sought)
        if owner is None:
            self._absent.add(sought)
            return Owner.DANGLING
        waits = objects.is_deleting(owner) and FOREGROUND in (owner["metadata"].get("finalizers") or ())
        return Owner.WAITING if waits else Owner.SOLID

    async def _delete(self, identity: Identity, latest: Obj, policy: str) -> None:
        """Under the resourceVersion that was judged; if only something else changed since, under the uid alone, so that
        busy objects go too. Raises NotFound."""
        resource, version = self._resource(identity), latest["metadata"]["resourceVersion"]
        try:
            await self._delete_at(resource, identity, policy, version)
        except errors.Conflict:
            live = await self._get(identity)
            if live is None:
                raise errors.not_found(resource, identity.name)
            same_owners = objects.owner_references(live) == objects.owner_references(latest)
            if live["metadata"]["resourceVersion"] == version or not same_owners:
                raise
            await self._delete_at(resource, identity, policy, "")

    async def _delete_at(self, resource: Resource, identity: Identity, policy: str, version: str) -> None:
        await self.client.delete(
            resource, identity.name, identity.namespace, uid=identity.uid, resource_version=version,
            propagation=policy,
        )  # fmt: skip

    async def _wait_for_dependents(self, node: Node) -> None:
        """Source: processDeletingDependentsItem."""
        blocking = node.blocking_dependents()
        if not blocking:
            await self._remove_finalizer(node.identity, FOREGROUND)
            return
        for dependent in blocking:
            if not dependent.deleting_dependents:
                self.delete(dependent)

    # -- orphaning

    async def _orphan(self, node: Node) -> None:
        """Set the dependents free, then let the owner go. Source: attemptToOrphanWorker."""
        uid = node.identity.uid
        works = [self._free(dependent.identity, uid) for dependent in list(node.dependents or ())]
        for result in await gather_bounded(PARALLEL, works):
            if isinstance(result, BaseException):
                raise result
        await self._remove_finalizer(node.identity, ORPHAN)

    async def _free(self, dependent: Identity, owner_uid: str) -> None:
        try:
            await self._remove_owners(dependent, (owner_uid,))
        except errors.NotFound:
            pass

    # -- requests

    def _resource(self, identity: Identity) -> Resource:
        resource = self._kinds.get((identity.api_version, identity.kind))
        if resource is None:
            # A kind that discovery will show soon, or one that never was: both are tried again.
            raise NotYet(f"unable to get REST mapping for {identity.api_version}/{identity.kind}.")
        return resource

    async def _get(self, identity: Identity) -> Obj | None:
        """The object with these coordinates and this uid, None if there is none."""
        resource = self._resource(identity)
        if resource.namespaced and not identity.namespace:
            raise Terminal(f"{identity} is namespaced, but was named by a cluster-scoped object")
        try:
            obj = await self.client.get(
                resource, identity.name, identity.namespace if resource.namespaced else ""
            )
        except errors.NotFound:
            return None
        return obj if objects.uid_of(obj) == identity.uid else None

    async def _remove_owners(self, dependent: Identity, uids: Sequence[str]) -> None:
        references = [{"$patch": "delete", "uid": uid} for uid in uids]
        if not await self._patch_references(dependent, references):
            live = await self._get(dependent)
            if live is not None:
                kept = [ref for ref in objects.owner_references(live) if ref["uid"] not in uids]
                await self._merge(dependent, live, {"ownerReferences": kept})

    async def _unblock(self, identity: Identity, owners: Sequence[Reference]) -> None:
        references = [
            {
                "apiVersion": ref.api_version,
                "kind": ref.kind,
                "name": ref.name,
                "uid": ref.uid,
                "blockOwnerDeletion": False,
            }
            for ref in owners
            if ref.blocks
        ]
        if not references:
            return
        if not await self._patch_references(identity, references):
            live = await self._get(identity)
            if live is not None:
                free = [ref | {"blockOwnerDeletion": False} for ref in objects.owner_references(live)]
                await self._merge(identity, live, {"ownerReferences": free})

    async def _patch_references(self, identity: Identity, references: Sequence[Obj]) -> bool:
        """A strategic merge patch; False for custom resources, which have none."""
        patch = {"metadata": {"ownerReferences": references, "uid": identity.uid}}
        resource = self._resource(identity)
        try:
            await self.client.patch(resource, identity.name, patch, namespace=identity.namespace)
        except errors.UnsupportedMediaType:
            return False
        return True

    async def _merge(self, identity: Identity, live: Obj, metadata: Obj) -> None:
        """A merge patch on condition that `live` has not changed."""
        patch = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"], **metadata}}
        await self.client.patch(
            self._resource(identity),
            identity.name,
            patch,
            namespace=identity.namespace,
            content_type=MERGE_PATCH,
        )

    async def _remove_finalizer(self, identity: Identity, finalizer: str) -> None:
        """Raises Conflict when somebody was faster; the key comes again."""
        live = await self._get(identity)
        if live is None:
            return
        finalizers = live["metadata"].get("finalizers") or []
        if finalizer in finalizers:
            kept = [each for each in finalizers if each != finalizer]
            await self._merge(identity, live, {"finalizers": kept})
