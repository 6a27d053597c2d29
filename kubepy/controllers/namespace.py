"""Namespaces: what is in them goes before they do.

Watches Namespaces that are being deleted, and Pods, to know when the last one has gone. Writes: deletes everything in
the namespace, tells in five conditions how far it has come, and at the end takes `kubernetes` out of spec.finalizers,
which lets the API server forget the namespace.

Pods go first, and nothing else is touched while one is left (OrderedNamespaceDeletion): what protects them, such as
NetworkPolicies, must outlive them. The rest goes in one request per kind, whatever kinds the server says it has.

Differs: upstream waits five seconds before it starts, for the sake of API servers that have not heard of the deletion
yet; here the one that admits new objects knows it already (`settle_s` brings the wait back for other servers). Upstream
looks again after half the grace period of the pods; here the last pod's end wakes it. While pods are left, they are
counted in NamespaceContentRemaining.

Source: kubernetes 1.36 pkg/controller/namespace/{namespace_controller.go,deletion/*.go}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from kubepy.api import errors, objects, pods
from kubepy.api.builtins import NAMESPACES, PODS
from kubepy.api.objects import Document, Key, Obj
from kubepy.api.resources import Resource
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.controllers.discovery import Discover, preferred
from kubepy.controllers.service_account import namespace_of
from kubepy.lib import clock as clocks
from kubepy.lib.aio import gather_bounded

FINALIZER = "kubernetes"

# What objects with finalizers are given before somebody looks again. Source: finalizerEstimateSeconds.
FINALIZER_ESTIMATE_S = 15

# Kinds emptied at once.
PARALLEL = 8

# type -> (reason, message) while nothing is wrong, in the order in which they are written.
CONDITIONS = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}


class Remaining(Struct, frozen=True):
    """What is left of one kind after it was deleted."""

    resource: Resource
    count: int = 0
    finalizers: dict[str, int] = field(default_factory=dict)  # finalizer -> objects that have it
    estimate_s: int = 0  # how long the rest may take
    failure: str = ""  # why it could not be deleted


class Plan(Struct, frozen=True):
    """What to write, and when to look again: never after `finalize`."""

    conditions: list[Obj] | None = None  # None: as they are
    finalize: bool = False
    after_s: int | None = None
    failure: str = ""  # tried again with backoff


def plan(namespace: Obj, remaining: Sequence[Remaining], discovery_failure: str, now: float) -> Plan:
    conditions = render_conditions(objects.conditions(namespace), remaining, discovery_failure, now)
    changed = None if conditions == objects.conditions(namespace) else conditions
    failures = sorted(filter(None, [discovery_failure, *(each.failure for each in remaining)]))
    if failures:
        text = failures[0] if len(failures) == 1 else f"[{', '.join(failures)}]"
        return Plan(conditions=changed, failure=text)
    if estimate_s := max((each.estimate_s for each in remaining), default=0):
        return Plan(conditions=changed, after_s=estimate_s // 2 + 1)
    return Plan(conditions=changed, finalize=True)


def render_conditions(
    conditions: Sequence[Obj], remaining: Sequence[Remaining], discovery_failure: str, now: float
) -> list[Obj]:
    """The five conditions, each where it was, and those that say the same as before with their old time. Source:
    status_condition_utils.go, updateConditions."""
    bad = _complaints(remaining, discovery_failure)
    result = {c["type"]: c for c in conditions}
    for type_, fine in CONDITIONS.items():
        reason, message = bad.get(type_, fine)
        fresh: Obj = {
            "type": type_,
            "status": "True" if type_ in bad else "False",
            "lastTransitionTime": clocks.rfc3339(now),
            "reason": reason,
            "message": message,
        }
        old = result.get(type_)
        if old is not None and old.get("status") == fresh["status"]:
            fresh["lastTransitionTime"] = old.get("lastTransitionTime")
        result[type_] = fresh
    return list(result.values())


def _complaints(remaining: Sequence[Remaining], discovery_failure: str) -> dict[str, tuple[str, str]]:
    """type -> (reason, message) of the conditions that are true."""
    bad: dict[str, tuple[str, str]] = {}
    if discovery_failure:
        bad["NamespaceDeletionDiscoveryFailure"] = ("DiscoveryFailed", discovery_failure)
    if failures := sorted(each.failure for each in remaining if each.failure):
        text = f"Failed to delete all resource types, {len(failures)} remaining: {', '.join(failures)}"
        bad["NamespaceDeletionContentFailure"] = ("ContentDeletionFailed", text)
    counted = sorted(
        f"{each.resource.plural}.{each.resource.group} has {each.count} resource instances"
        for each in remaining
        if each.count
    )
    if counted:
        text = f"Some resources are remaining: {', '.join(counted)}"
        bad["NamespaceContentRemaining"] = ("SomeResourcesRemain", text)
    finalizers: dict[str, int] = {}
    for each in remaining:
        for name, count in each.finalizers.items():
            finalizers[name] = finalizers.get(name, 0) + count
    if finalizers:
        listed = ", ".join(
            sorted(f"{name} in {count} resource instances" for name, count in finalizers.items())
        )
        text = f"Some content in the namespace has finalizers remaining: {listed}"
        bad["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", text)
    return bad


def judge(
    resource: Resource,
    namespace: str,
    count: int,
    finalizers: dict[str, int],
    grace_s: int,
    deleted_for_s: float,
) -> Remaining:
    """What it means that so many objects are left after a deletion. Source: deleteAllContentForGroupVersionResource."""
    if not count:
        return Remaining(resource)
    if deleted_for_s < grace_s:
        return Remaining(resource, count, finalizers, estimate_s=grace_s)
    if finalizers:
        return Remaining(resource, count, finalizers, estimate_s=FINALIZER_ESTIMATE_S)
    which = f"{resource.group}/{resource.version}, Resource={resource.plural}"
    failure = f"unexpected items still remain in namespace: {namespace} for gvr: {which}"
    return Remaining(resource, count, failure=failure)


def count_finalizers(left: Iterable[Obj]) -> dict[str, int]:
    return Counter(name for obj in left for name in obj["metadata"].get("finalizers") or ())


def grace_seconds(all_pods: Iterable[Obj]) -> int:
    """The longest grace period among pods that still run. Source: estimateGracefulTerminationForPods."""
    running = (pod for pod in all_pods if not pods.is_terminal(pod))
    return max((pod["spec"].get("terminationGracePeriodSeconds") or 0 for pod in running), default=0)


class NamespaceController(Controller):
    """`discover` says which kinds there are; `settle_s` waits before the first deletion."""

    name = "namespace-controller"
    workers = 10
    # Source: namespace_controller.go, nsControllerRateLimiter: at least once a minute.
    retry_s_max = 60.0

    def __init__(self, context: ControllerContext, *, discover: Discover, settle_s: float = 0) -> None:
        super().__init__(context)
        self._discover, self._settle_s = discover, settle_s

    def setup(self) -> None:
        self.namespaces = self.watch(NAMESPACES)
        self.namespaces.add_handler(on_add=self._seen, on_update=self._updated)
        self.pods = self.watch(PODS)
        self.pods.add_handler(on_delete=self._pod_deleted)

    async def reconcile(self, key: Key) -> After | None:
        if self.namespaces.get(key) is None:
            return None
        try:
            namespace = await self._begin(key.name)
        except errors.NotFound:
            return None
        if namespace is None:
            return None
        discovered = await self._discover()
        kinds = preferred((row for row in discovered.resources if row.namespaced), "delete", "list")
        remaining = await self._empty(namespace, kinds)
        decided = plan(namespace, remaining, discovered.failure, self.clock.now())
        return await self._act(namespace, decided)

    def _seen(self, document: Document) -> None:
        if objects.is_deleting(document.obj):
            self.queue.add_after(document.key, self._settle_s)

    @objects.about("metadata.deletionTimestamp", "spec.finalizers")
    def _updated(self, old: Document, document: Document) -> None:
        """Not for our own conditions: how many objects are left changes with each look, and would bring the next."""
        self._seen(document)

    def _pod_deleted(self, document: Document) -> None:
        key = namespace_of(document)
        namespace = self.namespaces.get(key)
        if namespace is not None and objects.is_deleting(namespace) and not self.pods.keys(key.name):
            self.queue.add(key)

    async def _begin(self, name: str) -> Obj | None:
        """The namespace as it is now, marked as terminating; None if there is nothing to do."""
        namespace = await self.client.get(NAMESPACES, name)
        if not objects.is_deleting(namespace) or not namespace["spec"].get("finalizers"):
            return None
        status = namespace.get("status") or {}
        if status.get("phase") == "Terminating":
            return namespace
        return await self.client.update(
            NAMESPACES, namespace | {"status": status | {"phase": "Terminating"}}, subresource="status"
        )

    async def _empty(self, namespace: Obj, kinds: Sequence[Resource]) -> list[Remaining]:
        """Pods first; the others, side by side, when none is left."""
        remaining = []
        for pods_turn in (True, False):
            turn = [kind for kind in kinds if _is_pods(kind) is pods_turn]
            results = await gather_bounded(PARALLEL, [self._empty_kind(namespace, kind) for kind in turn])
            for result in results:
                if isinstance(result, BaseException):
                    raise result
                remaining.append(result)
            if any(each.count or each.failure for each in remaining):
                break
        return remaining

    async def _empty_kind(self, namespace: Obj, kind: Resource) -> Remaining:
        name = namespace["metadata"]["name"]
        try:
            present = await self._list(kind, name)
            if not present:
                return Remaining(kind)
            grace_s = grace_seconds(each.peek() for each in present) if _is_pods(kind) else 0
            await self._delete_all(kind, name, present)
            left = await self._list(kind, name)
        except (errors.MethodNotAllowed, errors.NotFound):
            return Remaining(kind)  # a kind that went away while we were looking
        except errors.StatusError as error:
            return Remaining(kind, failure=error.message)
        finalizers = count_finalizers(each.peek() for each in left)
        deleted_at = clocks.parse_rfc3339(namespace["metadata"]["deletionTimestamp"])
        return judge(kind, name, len(left), finalizers, grace_s, self.clock.now() - deleted_at)

    async def _list(self, kind: Resource, namespace: str) -> Sequence[Document]:
        return (await self.client.list(kind, namespace)).documents

    async def _delete_all(self, kind: Resource, namespace: str, present: Sequence[Document]) -> None:
        """In one request where the kind has one. Background: nothing is to be orphaned in what goes away whole."""
        if "deletecollection" in kind.verbs:
            await self.client.delete_collection(kind, namespace, propagation="Background")
            return
        for document in present:
            try:
                await self.client.delete(kind, document.key.name, namespace, propagation="Background")
            except (errors.NotFound, errors.MethodNotAllowed):
                pass

    async def _act(self, namespace: Obj, decided: Plan) -> After | None:
        name = namespace["metadata"]["name"]
        if decided.conditions is not None:
            status = (namespace.get("status") or {}) | {"conditions": decided.conditions}
            namespace = await self.client.update(
                NAMESPACES, namespace | {"status": status}, subresource="status"
            )
        if decided.failure:
            raise ContentRemains(decided.failure)
        if decided.after_s is not None:
            self.log.info("namespace_content_remains", object=name, retry_s=decided.after_s)
            return After(decided.after_s)
        finalizers = [each for each in namespace["spec"]["finalizers"] if each != FINALIZER]
        spec = namespace["spec"] | {"finalizers": finalizers}
        try:
            final = await self.client.update(NAMESPACES, namespace | {"spec": spec}, subresource="finalize")
        except errors.NotFound:
            return None
        self.log.info("namespace_finalized", object=name, revision=objects.revision_of(final))
        return None


class ContentRemains(errors.StatusError):
    """The server did not delete all that is in the namespace; tried again."""


def _is_pods(kind: Resource) -> bool:
    return kind.group_resource == PODS.group_resource
