"""Pods that a node in trouble ends: under pressure one after the other, at a shutdown all of them.

Watches Nodes (their annotations, see nodes.py) and reads their pods. Under pressure a pod is evicted every ten seconds
for as long as the pressure lasts, in upstream's order: for memory those that use more than they request, then lower
priority, then the greater excess; else by priority. Critical pods stay.

Differs: pressure is what the annotation says, at once and until it is gone: there are no thresholds (so none in the
messages), no grace of soft ones, no minimum reclaim and no transition period. What pods use of disks and process ids is
not simulated, so neither ranks them, and limits of ephemeral storage evict nobody.

Source: kubernetes 1.36 pkg/kubelet/eviction/{eviction_manager,helpers}.go, pkg/kubelet/nodeshutdown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubepy.api import pods, quantity
from kubepy.api.builtins import NODES
from kubepy.api.metrics import PodUsage
from kubepy.api.objects import Document, Key, Obj, annotations_of, key_of
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.client.events import WARNING
from kubepy.kubelet.nodes import (
    PRESSURE,
    SHUTDOWN,
    is_out,
    is_shutting_down,
    is_simulated,
    pressures_of,
    reference,
)
from kubepy.kubelet.pods import PodWorkers
from kubepy.kubelet.preemption import is_critical
from kubepy.kubelet.status import Verdict

# Source: pkg/kubelet/kubelet.go, evictionMonitoringPeriod.
EVERY_S = 10.0

# Source: eviction/helpers.go, signalToResource.
STARVED = {"MemoryPressure": "memory", "DiskPressure": "ephemeral-storage", "PIDPressure": "pids"}

UsageOf = Callable[[Obj], PodUsage | None]

_SHUT_DOWN = "Pod was terminated in response to imminent node shutdown."
SHUT_DOWN = Verdict("Terminated", _SHUT_DOWN, disruption=_SHUT_DOWN)


def eviction(resource: str, pod: Obj, usage: PodUsage | None) -> Verdict:
    """Why the pod is evicted, and who of it used too much. Source: eviction/helpers.go, evictionMessage."""
    message = f"The node was low on resource: {resource}. "
    if usage is None:
        return Verdict("Evicted", message, disruption=message)
    requested = {
        container["name"]: ((container.get("resources") or {}).get("requests") or {}).get(resource, "0")
        for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ()))
    }
    offending = {}
    for name, _, used in usage.containers:
        if resource == "memory" and name in requested and used.memory_bytes > quantity.value(requested[name]):
            offending[name] = amount = quantity.of_value(used.memory_bytes, quantity.BINARY_SI).text
            message += (
                f"Container {name} was using {amount}, request is {requested[name]}, "
                f"has larger consumption of {resource}. "
            )
    annotations = {
        "offending_containers": ",".join(offending),
        "offending_containers_usage": ",".join(offending.values()),
        "starved_resource": resource,
    }
    return Verdict("Evicted", message, disruption=message, annotations=annotations)


def rank(resource: str, candidates: Iterable[Obj], usage_of: UsageOf) -> list[Obj]:
    """Who goes first. Source: eviction/helpers.go, rankMemoryPressure and its like; the youngest of equals."""
    evictable = [
        pod for pod in candidates if not is_critical(pod) and (pod.get("status") or {}).get("startTime")
    ]
    newest_first = sorted(evictable, key=lambda pod: str(pod["status"]["startTime"]), reverse=True)
    if resource != "memory":
        return sorted(newest_first, key=pods.priority)

    def key(pod: Obj) -> tuple[bool, bool, int, int]:
        usage = usage_of(pod)
        if usage is None:
            return False, False, pods.priority(pod), 0
        excess = usage.total.memory_bytes - pods.requests(pod).get("memory", 0)
        return True, excess <= 0, pods.priority(pod), -excess

    return sorted(newest_first, key=key)


class Evictions(Controller):
    """One reconcile per node and ten seconds, for nodes in trouble only."""

    name = "kubelet-eviction"
    workers = 2
    _due: dict[str, float]

    def __init__(self, context: ControllerContext, workers: PodWorkers, usage_of: UsageOf) -> None:
        super().__init__(context)
        self._pods, self._usage_of = workers, usage_of
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
        resource = STARVED[pressures[0]]
        recorder = self._pods.sink.recorder("kubelet", key.name)
        recorder.event(
            reference(key.name), WARNING, "EvictionThresholdMet", f"Attempting to reclaim {resource}"
        )
        victims = rank(resource, self._pods.pods_of(key.name), self._usage_of)
        if victims:
            verdict = eviction(resource, victims[0], self._usage_of(victims[0]))
            await self._pods.fail(victims[0], "evict", verdict)
            self.log.info("pod_evicted", object=str(key_of(victims[0])), node=key.name, reason=pressures[0])
        return After(EVERY_S)
