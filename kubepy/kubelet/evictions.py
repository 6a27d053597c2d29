"""Pods that a node in trouble ends: under pressure one after the other, at a shutdown all of them.

Watches Nodes (their annotations, see nodes.py) and reads their pods. Under pressure a pod is evicted every ten seconds
for as long as the pressure lasts, in upstream's order, as far as that is known here: those beyond their requests (which
best-effort pods always are, guaranteed ones never), then lower priority. Critical pods stay.

Source: kubernetes 1.36 pkg/kubelet/eviction/{eviction_manager,helpers}.go, pkg/kubelet/nodeshutdown.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import pods
from kubepy.api.builtins import NODES
from kubepy.api.objects import Document, Key, Obj, annotations_of, key_of
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.kubelet.admission import is_critical
from kubepy.kubelet.nodes import PRESSURE, SHUTDOWN, is_out, is_shutting_down, is_simulated, pressures_of
from kubepy.kubelet.pods import PodWorkers
from kubepy.kubelet.status import Verdict

# Source: pkg/kubelet/kubelet.go, evictionMonitoringPeriod.
EVERY_S = 10.0

# Source: eviction/helpers.go, signalToResource.
STARVED = {"MemoryPressure": "memory", "DiskPressure": "ephemeral-storage", "PIDPressure": "pids"}

SHUT_DOWN = Verdict(
    "Terminated", "Pod was terminated in response to imminent node shutdown.", disruption=True
)


def eviction(pressure: str) -> Verdict:
    """Source: eviction/helpers.go, evictionMessage, where usage is not known."""
    return Verdict("Evicted", f"The node was low on resource: {STARVED[pressure]}. ", disruption=True)


def rank(candidates: Iterable[Obj]) -> list[Obj]:
    """Who goes first. Source: eviction/helpers.go, rankMemoryPressure; the youngest of equals."""
    classes = {pods.BEST_EFFORT: 0, pods.BURSTABLE: 0, pods.GUARANTEED: 1}
    evictable = [
        pod for pod in candidates if not is_critical(pod) and (pod.get("status") or {}).get("startTime")
    ]
    newest_first = sorted(evictable, key=lambda pod: str(pod["status"]["startTime"]), reverse=True)

    def key(pod: Obj) -> tuple[int, int, bool]:
        quality = pods.qos_class(pod)
        return classes[quality], pods.priority(pod), quality != pods.BEST_EFFORT

    return sorted(newest_first, key=key)


class Evictions(Controller):
    """One reconcile per node and ten seconds, for nodes in trouble only."""

    name = "kubelet-eviction"
    workers = 2
    _due: dict[str, float]

    def __init__(self, context: ControllerContext, workers: PodWorkers) -> None:
        super().__init__(context)
        self._pods = workers
        self._due = {}

    def setup(self) -> None:
        self.nodes = self.watch(NODES, lambda document, old: (document.key,), self._is_in_trouble)

    def _is_in_trouble(self, document: Document, old: Document | None) -> bool:
        annotations = annotations_of(document.obj)
        return PRESSURE in annotations or SHUTDOWN in annotations

    async def reconcile(self, key: Key) -> After | None:
        node = self.nodes.get(key)
        if node is None or not is_simulated(node) or is_out(node):
            return None
        if is_shutting_down(node):
            for pod in self._pods.pods_of(key.name):
                await self._pods.fail(pod, "shut_down", SHUT_DOWN)
            return None
        pressures = pressures_of(node)
        if not pressures:
            self._due.pop(key.name, None)
            return None
        wait_s = self._due.get(key.name, 0.0) - self.clock.monotonic()
        if wait_s > 0:
            return After(wait_s)
        self._due[key.name] = self.clock.monotonic() + EVERY_S
        victims = rank(self._pods.pods_of(key.name))
        if victims:
            await self._pods.fail(victims[0], "evict", eviction(pressures[0]))
            self.log.info("pod_evicted", object=str(key_of(victims[0])), node=key.name, reason=pressures[0])
        return After(EVERY_S)
