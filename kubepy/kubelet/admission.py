"""What a kubelet refuses: pods bound to a node that has no room for them, or does not want them. Pure, and a ledger.

The scheduler knows better; these are for pods bound by hand, for its mistakes, and for resizes. What each node has
given away is kept as a sum, so that admitting a pod does not look at the others.

Source: kubernetes 1.36 pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/eviction/eviction_manager.go (Admit),
pkg/kubelet/allocation/allocation_manager.go, pkg/kubelet/nodeshutdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubepy.api import placement, pods, quantity
from kubepy.api.objects import Obj, uid_of
from kubepy.api.pods import HostPort
from kubepy.kubelet.nodes import is_shutting_down, pressures_of
from kubepy.kubelet.status import Verdict

# Pods that a node in trouble keeps. Source: pkg/kubelet/types/pod_update.go, IsCriticalPod.
CRITICAL_PRIORITY = 2_000_000_000

# In upstream's order. Source: pkg/scheduler/framework/plugins/noderesources/fit.go, fitsRequest.
_RESOURCES = ("cpu", "memory", "ephemeral-storage")

Amounts = dict[str, int]


class Ledger:
    """What the pods on each node have, from their admission until they are over."""

    def __init__(self) -> None:
        self._nodes: dict[str, Amounts] = {}
        self._pods: dict[str, tuple[str, Amounts, Obj]] = {}  # uid -> (node, requests, the spec they are of)
        self._ports: dict[str, dict[str, tuple[HostPort, ...]]] = {}  # node -> uid -> host ports

    def note(self, pod: Obj) -> None:
        """A pod as it is now."""
        if pods.is_terminal(pod):
            self.forget(uid_of(pod))
        elif (pod.get("status") or {}).get("startTime"):
            self.admit(pod)

    def admit(self, pod: Obj) -> None:
        uid, spec = uid_of(pod), pod["spec"]
        known = self._pods.get(uid)
        if known is not None:
            if known[2] is spec or known[1] == pods.requests(pod) | {"pods": 1}:
                return
            self.forget(uid)
        amounts = pods.requests(pod) | {"pods": 1}
        self._pods[uid] = (spec["nodeName"], amounts, spec)
        total = self._nodes.setdefault(spec["nodeName"], {})
        for name, amount in amounts.items():
            total[name] = total.get(name, 0) + amount
        if ports := pods.host_ports(spec):
            self._ports.setdefault(spec["nodeName"], {})[uid] = ports

    def forget(self, uid: str) -> None:
        known = self._pods.pop(uid, None)
        if known is not None:
            total = self._nodes[known[0]]
            for name, amount in known[1].items():
                total[name] -= amount
            self._ports.get(known[0], {}).pop(uid, None)

    def ports(self, node: str) -> Iterable[tuple[HostPort, ...]]:
        """Of each pod there that has any."""
        return self._ports.get(node, {}).values()

    def used(self, node: str, *, but: str = "") -> Amounts:
        """What is given away there; without the pod of the uid `but`."""
        total = self._nodes.get(node, {})
        known = self._pods.get(but)
        if known is None:
            return total
        return {name: amount - known[1].get(name, 0) for name, amount in total.items()}


def refusal(pod: Obj, node: Obj, used: Amounts, ports: Iterable[tuple[HostPort, ...]] = ()) -> Verdict | None:
    """Why the node will not run the pod, None if it will. `used`, `ports`: by the pods that it has."""
    if is_shutting_down(node):
        return Verdict("NodeShutdown", "Pod was rejected as the node is shutting down.")
    system = (pod["spec"].get("os") or {}).get("name", "linux")
    if system != "linux":
        return Verdict("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return _under_pressure(pod, node) or next(_unfit(pod, node, used, ports), None)


def is_critical(pod: Obj) -> bool:
    return pods.priority(pod) >= CRITICAL_PRIORITY


def _under_pressure(pod: Obj, node: Obj) -> Verdict | None:
    pressures = pressures_of(node)
    if not pressures or is_critical(pod):
        return None
    if pressures == ["MemoryPressure"]:
        taint = {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}
        if pods.qos_class(pod) != pods.BEST_EFFORT or placement.is_tolerated(
            taint, placement.tolerations_of(pod)
        ):
            return None
    return Verdict("Evicted", f"The node had condition: [{' '.join(pressures)}]. ")


def _unfit(pod: Obj, node: Obj, used: Amounts, ports: Iterable[tuple[HostPort, ...]]) -> Iterator[Verdict]:
    """In upstream's order; the first one counts."""
    capacity = (node.get("status") or {}).get("allocatable") or {}
    wanted = pods.requests(pod)
    if used.get("pods", 0) + 1 > quantity.value(capacity.get("pods", "0")):
        yield _out_of("pods", 1, used, capacity)
    others = sorted(set(wanted) - set(_RESOURCES))
    for name in (*_RESOURCES, *(name for name in others if name in capacity)):
        amount = wanted.get(name, 0)
        if amount and used.get(name, 0) + amount > _amount(name, capacity.get(name, "0")):
            yield _out_of(name, amount, used, capacity)
    if not placement.required_affinity(pod).matches(node):
        yield _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    wanted_ports = pods.host_ports(pod["spec"])
    if wanted_ports and any(pods.ports_conflict(wanted_ports, taken) for taken in ports):
        yield _predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    executing = [taint for taint in placement.taints_of(node) if taint.get("effect") == "NoExecute"]
    tolerations = placement.tolerations_of(pod)
    if any(not placement.is_tolerated(taint, tolerations) for taint in executing):
        yield _predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def _amount(name: str, text: str) -> int:
    return quantity.milli(text) if name == "cpu" else quantity.value(text)


def _out_of(name: str, amount: int, used: Amounts, capacity: dict[str, str]) -> Verdict:
    has = _amount(name, capacity.get(name, "0"))
    return Verdict(
        f"OutOf{name}",
        f"Node didn't have enough resource: {name}, requested: {amount}, used: {used.get(name, 0)}, capacity: {has}",
    )


def _predicate(name: str, why: str) -> Verdict:
    return Verdict(name, f"Predicate {name} failed: {why}")


def resize_verdict(pod: Obj, node: Obj, used: Amounts) -> Verdict | None:
    """Why a resize has to wait, None if there is room. `used`: by the other pods."""
    capacity = (node.get("status") or {}).get("allocatable") or {}
    wanted = pods.requests(pod)
    for name in ("cpu", "memory"):
        if used.get(name, 0) + wanted.get(name, 0) > _amount(name, capacity.get(name, "0")):
            return _out_of(name, wanted.get(name, 0), used, capacity)
    return None
