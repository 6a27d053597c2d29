"""Pods that a node in trouble ends: under pressure one after the other, at a shutdown all of them.

Watches Nodes (their annotations, see nodes.py and thresholds.py) and reads their pods. Under pressure a pod is evicted
every ten seconds for as long as the pressure lasts, in upstream's order: for memory those that use more than they
request, then lower priority, then the greater excess; else by priority. Critical pods stay.

Pressure is what the annotation says, at once and until it is gone, or what a node with thresholds is found to be short
of; that is written to an annotation, too, so that all others see it the same way. Since when a threshold is met, is
remembered here only: a kubelet that restarts has forgotten that, too.

Differs: what pods use of disks and process ids is not simulated, so neither ranks them, and limits of ephemeral storage
evict nobody; there are no images or dead containers whose removal would help first.

Source: kubernetes 1.36 pkg/kubelet/eviction/{eviction_manager,helpers}.go, pkg/kubelet/nodeshutdown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kubepy.api import pods, quantity
from kubepy.api.builtins import NODES
from kubepy.api.metrics import PodUsage
from kubepy.api.objects import Document, Key, Obj, annotations_of, key_of, walk
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.client.events import WARNING
from kubepy.kubelet import thresholds
from kubepy.kubelet.nodes import (
    OBSERVED_PRESSURE,
    PRESSURE,
    PRESSURES,
    SHUTDOWN,
    Identities,
    is_out,
    is_shutting_down,
    is_simulated,
    pressures_of,
    reference,
)
from kubepy.kubelet.pods import PodWorkers
from kubepy.kubelet.preemption import is_critical
from kubepy.kubelet.status import Verdict
from kubepy.kubelet.thresholds import Observed
from kubepy.kubelet.usages import Usages

# Source: pkg/kubelet/kubelet.go, evictionMonitoringPeriod.
EVERY_S = 10.0

# Source: eviction/helpers.go, signalToResource.
STARVED = {"MemoryPressure": "memory", "DiskPressure": "ephemeral-storage", "PIDPressure": "pids"}

UsageOf = Callable[[Obj], PodUsage | None]

_SHUT_DOWN = "Pod was terminated in response to imminent node shutdown."
SHUT_DOWN = Verdict("Terminated", _SHUT_DOWN, disruption=_SHUT_DOWN)


def eviction(resource: str, pod: Obj, usage: PodUsage | None, threshold: str = "") -> Verdict:
    """Why the pod is evicted, and who of it used too much. Source: eviction/helpers.go, evictionMessage."""
    message = f"The node was low on resource: {resource}. {threshold}"
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

    def __init__(self, context: ControllerContext, workers: PodWorkers, usages: Usages) -> None:
        super().__init__(context)
        self._pods, self._usages = workers, usages
        self._due = {}
        self._identities = Identities(self.client)
        self._states: dict[str, thresholds.State] = {}

    def setup(self) -> None:
        self.nodes = self.watch(NODES, lambda document, old: (document.key,), self._is_in_trouble)

    def _is_in_trouble(self, document: Document, old: Document | None) -> bool:
        annotations = annotations_of(document.obj)
        return not annotations.keys().isdisjoint(_OURS)

    async def reconcile(self, key: Key) -> After | None:
        node = self.nodes.get(key)
        if node is None or not is_simulated(node) or is_out(node):
            self._states.pop(key.name, None)
            self._identities.forget(key.name)
            return None
        if is_shutting_down(node):
            for pod in self._pods.pods_of(key.name):
                await self._pods.fail(pod, "shut_down", SHUT_DOWN)
            return None
        if annotations_of(node).keys().isdisjoint((PRESSURE, OBSERVED_PRESSURE, *thresholds.THRESHOLDS)):
            self._due.pop(key.name, None)
            self._states.pop(key.name, None)
            return None
        wait_s = self._due.get(key.name, 0.0) - self.clock.monotonic()
        if wait_s > 0:
            return After(wait_s)
        self._due[key.name] = self.clock.monotonic() + EVERY_S
        if annotations_of(node).get(PRESSURE) and (pressures := pressures_of(node)):
            await self._reclaim(key.name, STARVED[pressures[0]])
        else:
            await self._heed_thresholds(node)
        return After(EVERY_S)

    async def _heed_thresholds(self, node: Obj) -> None:
        name = node["metadata"]["name"]
        try:
            config = thresholds.config_of(annotations_of(node))
        except thresholds.Unusable as error:
            self.log.warning("thresholds_not_used", object=name, error=str(error))
            config = thresholds.Config()
        seen = self._signals(node, config)
        found = thresholds.observe(config, seen, self._states.get(name, thresholds.State()), self.clock.now())
        self._states[name] = found.state
        await self._tell(node, found.conditions)
        if found.due:
            first = found.due[0]
            await self._reclaim(name, first.resource, thresholds.describe(first, seen))

    def _signals(self, node: Obj, config: thresholds.Config) -> Mapping[str, Observed]:
        capacity = {
            name: quantity.value(text) for name, text in (walk(node, "status", "capacity") or {}).items()
        }
        seen = {
            signal: Observed(amount, capacity.get(thresholds.SIGNALS[signal][0], 0))
            for signal, amount in config.available.items()
        }
        usage = self._usages.of_node(node)
        if thresholds.MEMORY not in seen and usage is not None:
            memory = capacity.get("memory", 0)
            seen[thresholds.MEMORY] = Observed(memory - usage.usage.memory_bytes, memory)
        return seen

    async def _tell(self, node: Obj, conditions: Iterable[str]) -> None:
        """What the node is short of, for all who look at its annotations."""
        words = [word for word, (condition, *_) in PRESSURES.items() if condition in conditions]
        text = ",".join(words) or None
        if annotations_of(node).get(OBSERVED_PRESSURE) != text:
            change = {"metadata": {"annotations": {OBSERVED_PRESSURE: text}}}
            name = node["metadata"]["name"]
            client = self._identities.of(name)
            await client.patch(NODES, name, change, content_type=MERGE_PATCH)

    async def _reclaim(self, node: str, resource: str, threshold: str = "") -> None:
        """End a pod, if there is one that may be."""
        recorder = self._pods.sink.recorder("kubelet", node)
        text = f"Attempting to reclaim {resource}"
        recorder.event(reference(node), WARNING, "EvictionThresholdMet", text)
        for victim in rank(resource, self._pods.pods_of(node), self._usages.of_pod)[:1]:
            verdict = eviction(resource, victim, self._usages.of_pod(victim), threshold)
            await self._pods.fail(victim, "evict", verdict)
            self.log.info("pod_evicted", object=str(key_of(victim)), node=node, reason=resource)


_OURS = frozenset({PRESSURE, OBSERVED_PRESSURE, SHUTDOWN, *thresholds.THRESHOLDS})
