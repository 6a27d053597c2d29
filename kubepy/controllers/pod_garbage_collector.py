"""Pod garbage collection: pods that nobody else will ever clear away.

Watches Pods and Nodes. Marks pods as failed and deletes them without grace:

- the oldest of those that are over, when there are more than the threshold;
- those on a node that is gone, after a look at the server forty seconds later;
- those that are leaving, on a node that is not ready and tainted out-of-service;
- those that are leaving and were never bound.

Differs: upstream goes through all pods every twenty seconds. Here each of these is noticed when it arises and acted on
that much later, where upstream's next pass would come at the latest. No pass, no scan: pods that are over are counted
by an index, and those of a node are found by one.

Keys are pods; nodes without a namespace; and "" for those that are over.

Source: kubernetes 1.36 pkg/controller/podgc/gc_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import errors, objects, placement, pods
from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.client.informer import node_name
from kubepy.controllers import pod_conditions
from kubepy.lib.aio import gather_bounded

# Source: gcCheckPeriod, quarantineTime; cmd/kube-controller-manager/app/options/podgccontroller.go.
PERIOD_S, QUARANTINE_S = 20.0, 40.0
THRESHOLD = 12_500
# Deletions under way at once.
PARALLEL = 32

_OVER = "over"
_ALL = Key("", "")


@objects.about("status.phase")
def terminated(pod: Obj) -> Iterable[str]:
    """Index function. Source: isPodTerminated."""
    return () if pods.phase(pod) in (pods.PENDING, pods.RUNNING, pods.UNKNOWN) else (_OVER,)


def surplus(over: Iterable[Obj], count: int) -> list[Obj]:
    """The first to go: evicted ones, then the oldest. Source: byEvictionAndCreationTimestamp."""

    def rank(pod: Obj) -> tuple[bool, str, str]:
        metadata = pod["metadata"]
        return not _is_evicted(pod), metadata.get("creationTimestamp") or "", metadata["name"]

    return sorted(over, key=rank)[: max(0, count)]


def _is_evicted(pod: Obj) -> bool:
    """Source: eviction.PodIsEvicted."""
    return pods.phase(pod) == pods.FAILED and (pod.get("status") or {}).get("reason") == "Evicted"


def is_out_of_service(node: Obj) -> bool:
    """Nothing on it will end by itself any more."""
    taints = placement.taints_of(node)
    return not objects.is_condition_true(node, "Ready") and any(
        taint["key"] == placement.TAINT_OUT_OF_SERVICE for taint in taints
    )


class PodGarbageCollector(Controller):
    name = "pod-garbage-collector-controller"
    workers = 4

    def __init__(self, context: ControllerContext, *, threshold: int = THRESHOLD) -> None:
        super().__init__(context)
        self._threshold = threshold
        metrics = context.metrics
        self._deleted = metrics.counter(
            "pod_gc_collector_force_delete_pods_total",
            "Number of pods that are being forcefully deleted since the Pod GC Controller started.",
            ("namespace", "reason"),
        )

    def setup(self) -> None:
        self.nodes = self.watch(NODES)
        self.nodes.add_handler(
            on_add=self._node_seen,
            on_update=lambda old, new: self._node_seen(new),
            on_delete=lambda document: self.queue.add_after(document.key, QUARANTINE_S),
        )
        self.pods = self.watch(PODS, indexes={"node": node_name, "terminated": terminated})
        self.pods.add_handler(on_add=self._pod_seen, on_update=lambda old, new: self._pod_seen(new, old))

    def _node_seen(self, document: Document) -> None:
        if is_out_of_service(document.obj):
            self.queue.add_after(document.key, PERIOD_S)

    def _pod_seen(self, document: Document, old: Document | None = None) -> None:
        pod = document.obj
        name = pod["spec"].get("nodeName") or ""
        node = self.nodes.document(Key("", name)) if name else None
        if objects.is_deleting(pod) and (not name or (node is not None and is_out_of_service(node.obj))):
            self.queue.add_after(document.key, PERIOD_S)
        if name and node is None:
            self.queue.add_after(Key("", name), QUARANTINE_S)
        if self.pods.count_by_index("terminated", _OVER) > self._threshold > 0:
            self.queue.add_after(_ALL, PERIOD_S)

    async def reconcile(self, key: Key) -> After | None:
        if key == _ALL:
            await self._clear_surplus()
        elif key.namespace:
            await self._look_at(key)
        elif (node := self.nodes.get(key)) is None:
            await self._clear_orphans(key.name)
        elif is_out_of_service(node):
            doomed = [pod for pod in self.pods.by_index("node", key.name) if objects.is_deleting(pod)]
            await self._collect(doomed, "out-of-service")
        return None

    async def _look_at(self, key: Key) -> None:
        """A pod that is leaving and may have nobody to let it go."""
        pod = self.pods.get(key)
        if pod is None or not objects.is_deleting(pod):
            return
        name = pod["spec"].get("nodeName")
        node = self.nodes.get(Key("", name)) if name else None
        if not name:
            await self._collect([pod], "unscheduled")
        elif node is not None and is_out_of_service(node):
            await self._collect([pod], "out-of-service")

    async def _clear_surplus(self) -> None:
        count = self.pods.count_by_index("terminated", _OVER) - self._threshold
        if count > 0:
            await self._collect(surplus(self.pods.by_index("terminated", _OVER), count), "terminated")

    async def _clear_orphans(self, name: str) -> None:
        """Pods of a node that neither the informer nor the server knows. Source: gcOrphaned."""
        if not self.pods.count_by_index("node", name):
            return
        try:
            await self.client.get(NODES, name)
        except errors.NotFound:
            await self._collect(self.pods.by_index("node", name), "orphaned")

    async def _collect(self, doomed: Iterable[Obj], reason: str) -> None:
        results = await gather_bounded(PARALLEL, [self._delete(pod, reason) for pod in doomed])
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _delete(self, pod: Obj, reason: str) -> None:
        """Source: markFailedAndDeletePodWithCondition."""
        metadata = pod["metadata"]
        try:
            if not pods.is_terminal(pod):
                await pod_conditions.write(self.client, pod, *self._mark(pod, reason), phase=pods.FAILED)
            await self.client.delete(
                PODS, metadata["name"], metadata["namespace"], uid=metadata["uid"], grace_period_s=0
            )
        except (errors.NotFound, errors.Conflict):
            return
        self._deleted.labels(metadata["namespace"], reason).inc()
        self.log.info("pod_collected", object=str(objects.key_of(pod)), reason=reason)

    def _mark(self, pod: Obj, reason: str) -> list[Obj]:
        if reason != "orphaned":
            return []
        mark = pod_conditions.changed(
            pod, pod_conditions.DISRUPTION_TARGET, "True", reason="DeletionByPodGC",
            message="PodGC: node no longer exists", now=self.clock.rfc3339(),
        )  # fmt: skip
        return [mark] if mark is not None else []
