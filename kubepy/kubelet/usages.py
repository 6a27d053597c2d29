"""What the pods of our nodes use, for whoever asks: the API server's metrics.k8s.io and the nodes' /stats/summary.

Watches what the kubelet watches anyway. Costs nothing until somebody asks, but for pods whose annotations say what they
use: a change of those is a reading.

A node uses what its pods use, and a little for itself.
"""

from __future__ import annotations

from kubepy.api.builtins import NODES, PODS
from kubepy.api.metrics import NodeUsage, PodUsage, Usage
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import ControllerContext
from kubepy.client.informer import node_name
from kubepy.kubelet import usage
from kubepy.kubelet.nodes import is_simulated
from kubepy.lib.clock import parse_rfc3339

# Kubelet, container runtime and kernel of an idle machine.
_SYSTEM_NANOCORES, _SYSTEM_BYTES = 50 * 10**6, 512 << 20


class Usages:
    """An apiserver.handlers.usage.UsageSource."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._meter = usage.Meter(context.clock.now)
        self.nodes = context.informers.informer(NODES)
        self.pods = context.informers.informer(PODS)
        self.pods.add_index("node", node_name)
        self.pods.add_handler(
            on_update=self._changed, on_delete=lambda document: self._meter.forget(document.peek())
        )

    def of_pod(self, pod: Obj) -> PodUsage | None:
        """None for a pod that does not run, or runs on a node that is none of ours."""
        node = self.nodes.get(Key("", pod["spec"].get("nodeName") or ""))
        return self._meter.read(pod) if node is not None and is_simulated(node) else None

    def of_node(self, node: Obj) -> NodeUsage | None:
        if not is_simulated(node):
            return None
        pods = self.pods.by_index("node", node["metadata"]["name"])
        used = [(pod, found) for pod in pods if (found := self._meter.read(pod)) is not None]
        started = parse_rfc3339(node["metadata"]["creationTimestamp"])
        up_s = max(self._clock.now() - started, 0.0)
        own = Usage(_SYSTEM_NANOCORES, int(_SYSTEM_NANOCORES * up_s), _SYSTEM_BYTES)
        total = sum((found.total for _, found in used), own)
        return NodeUsage(started, total, tuple(used))

    def _changed(self, old: Document, new: Document) -> None:
        # Most pods say nothing; those are not even decoded.
        if b"/usage-" not in old.raw:
            return
        before = old.obj
        if usage.is_said(before) and before["metadata"].get("annotations") != new.obj["metadata"].get(
            "annotations"
        ):
            self._meter.read(new.obj)
